package lint

import (
	"fmt"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/logic"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Check{
	ID: "sigma-always-holds", Severity: diag.Warning,
	What: "A condition that every event of the log source meets, or a value that matches every text.",
	Why:  "The rule alerts on everything, or the test says no more than that the field is there, which `|exists: true` says in words.",
	Bad: []string{
		sigmaExample("condition: selection", "condition: selection or not selection"),
		sigmaExample("Image|endswith: '\\certutil.exe'", "Image|contains: ''"),
	},
	Good: []string{sigmaExample("CommandLine|contains: 'urlcache'", "CommandLine: '?*'")},
	Sigma: func(s *Sigma, report Report) {
		s.Tests(func(t *sigma.Test) {
			for i, v := range t.Values {
				text, ok := v.(sigma.String)
				if !ok || len(text.Parts) != 1 || text.Parts[0].Kind != sigma.AnyRun || i >= len(t.Given) {
					continue
				}
				if t.Given[i].Text == "" || len(t.Values) > 1 { // a lone * is how rules ask whether a field is there
					report(t.Given[i].Span, "this matches every value, so the others do not matter", "leave it out, or write what is meant")
				}
			}
		})
		l, ok := s.lower()
		if !ok {
			return
		}
		for _, c := range s.Rule.Conditions {
			if not := l.of(&sigma.Not{X: c.Expr}); not != nil && !logic.Possible(logic.Fact{Cond: not}) {
				report(c.Span, fmt.Sprintf("every event of %s meets this condition", s.Rule.LogSource), "ask for something that most events do not have")
			}
		}
	},
})
