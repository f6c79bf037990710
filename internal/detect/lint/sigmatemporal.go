package lint

import (
	"fmt"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Check{
	ID: "sigma-temporal", Severity: diag.Warning,
	What: "A temporal correlation of one rule, or whose condition says nothing about its rules.",
	Why: "Rules that must match near each other are two at least; how often one matches is event_count. A condition over rules can contradict itself, " +
		"or hold whatever they do. An order is one of all rules, so it has no `or`, no `not` and no smaller number.",
	Bad: []string{
		correlationText + "---\n" + correlationOf("temporal", "certutil_fetch", "gte: 1"),
		correlationExample("type: event_count", "type: temporal_ordered"),
		temporalExpression("temporal", "certutil_fetch and not certutil_fetch"),
		temporalExpression("temporal", "certutil_fetch or certutil_runs"),
		temporalExpression("temporal_ordered", "certutil_fetch or certutil_runs"),
	},
	Good: []string{
		correlationText + "---\n" + correlationOf("temporal_ordered", "certutil_fetch, certutil_runs", "gte: 2"),
		temporalExpression("temporal", "certutil_fetch and not certutil_runs"),
		temporalExpression("temporal_ordered", "certutil_fetch and certutil_runs"),
	},
	Sigma: func(s *Sigma, report Report) {
		c, ok := s.Doc.(*sigma.Correlation)
		if !ok || c.Type != sigma.Temporal && c.Type != sigma.TemporalOrdered {
			return
		}
		if len(c.Rules) == 1 {
			report(c.Rules[0].Span, fmt.Sprintf("a %s correlation of one rule", c.Type), "name the rules that must match as well, or write event_count")
			return
		}
		if c.Expr == nil {
			if n := float64(len(c.Rules)); c.Type == sigma.TemporalOrdered && (!c.Holds(n) || c.Holds(n-1)) {
				report(c.Bounds[0].Span, "an order of some of the rules has no meaning", fmt.Sprintf("leave the condition out, or ask for all %d", len(c.Rules)))
			}
			return
		}
		if c.Type == sigma.TemporalOrdered {
			if !sigma.OnlyAnd(c.Expr) {
				report(c.ConditionSpan, "an order of rules joined by or or not has no meaning", "write a temporal correlation, or only and")
			}
			return
		}
		if len(c.Rules) > exprRulesMax {
			return
		}
		never, always := true, true
		for seen := 1; seen < 1<<len(c.Rules); seen++ { // a window has a match at least
			if c.Meets(func(i int) bool { return seen>>i&1 == 1 }) {
				never = false
			} else {
				always = false
			}
		}
		switch {
		case never:
			report(c.ConditionSpan, "no window can meet this condition", "two of its parts contradict each other")
		case always:
			report(c.ConditionSpan, "every match meets this condition", "ask for rules that must match together")
		}
	},
})

// exprRulesMax is of how many rules every combination is looked at.
const exprRulesMax = 12

// temporalExpression is a collection with a temporal correlation.
func temporalExpression(kind, condition string) string {
	return correlationText + `---
title: Certutil One And The Other
id: 2f4e6d8c-0b1a-4c3d-9e5f-7a6b8c9d0e1f
status: test
description: Detects certutil.exe when it does one thing and another.
author: gyoji contributors
date: 2026-11-24
correlation:
    type: ` + kind + `
    group-by: [Computer]
    timespan: 1h
    condition: ` + condition + `
falsepositives:
    - Administrators
level: high
`
}
