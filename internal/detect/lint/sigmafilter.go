package lint

import (
	"fmt"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/logic"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Check{
	ID: "sigma-filter", Severity: diag.Warning,
	What: "A filter that does nothing to its rules, or leaves nothing of them.",
	Why: "A filter's condition is joined to that of its rules with `and`: it says what is kept, so what is to be left out stands behind `not`. " +
		"It applies where all parts of its log source are the rule's; a rule of another log source stays as it is.",
	Codes: []string{"bad-filter"},
	Bad: []string{
		filterExample("    category: process_creation\n    product: windows\nfilter:", "    category: image_load\n    product: windows\nfilter:"),
		filterExample("    server:\n        Computer: 'UPDATE-01'", "    server:\n        Image|endswith: '\\certutil.exe'"),
		filterExample("    server:\n        Computer: 'UPDATE-01'", "    server:\n        Image|endswith: '\\curl.exe'"),
		filterExample("rules: [0c5bb8a0-0f5c-4c0e-9d5f-6a2f0f4f3e11]\n    server:\n        Computer: 'UPDATE-01'\n    condition: not server",
			"rules: any\n    server:\n        Computer: 'UPDATE-01'\n    other:\n        Computer: 'UPDATE-02'\n    condition: server and other"),
		filterExample("    category: process_creation\n    product: windows\nfilter:\n    rules: [0c5bb8a0-0f5c-4c0e-9d5f-6a2f0f4f3e11]", "    category: image_load\n    product: windows\nfilter:\n    rules: any"),
	},
	Good: []string{
		filterText,
		filterExample("rules: [0c5bb8a0-0f5c-4c0e-9d5f-6a2f0f4f3e11]", "rules: any"),
		filterExample("    category: process_creation\n    product: windows\nfilter:", "    product: windows\nfilter:"),
		filterExample("condition: not server", "condition: server"),
	},
	Sigma: func(s *Sigma, report Report) {
		f, ok := s.Doc.(*sigma.Filter)
		if !ok || f.Condition == nil {
			return
		}
		// The filter alone, as a rule of its log source.
		if own, ok := (&Sigma{Rule: &sigma.Rule{Meta: f.Meta, LogSource: f.LogSource, Searches: f.Searches, Conditions: []*sigma.Condition{f.Condition}}, Doc: f}).lower(); ok {
			switch not := own.of(&sigma.Not{X: f.Condition.Expr}); {
			case !logic.Possible(logic.Fact{Cond: own.conditions[0]}):
				report(f.Condition.Span, "the filter leaves nothing: no event meets its condition", "the condition says what is kept; write not before what is to be left out")
				return
			case not != nil && !logic.Possible(logic.Fact{Cond: not}):
				report(f.Condition.Span, "the filter takes nothing away: every event meets its condition", "ask for something that some events do not have")
				return
			}
		}
		if f.Any {
			s.anyRule(f, report)
			return
		}
		for _, ref := range f.Rules {
			r, ok := s.Named(ref).(*sigma.Rule)
			switch {
			case !ok: // sigma-reference tells of it
			case !f.LogSource.Covers(r.LogSource):
				report(ref.Span, fmt.Sprintf("the filter is for %s, and this rule for %s: it stays as it is", f.LogSource, r.LogSource), "write the rule's log source into the filter")
			default:
				kept, taken := s.filtered(f, r)
				if !kept {
					report(ref.Span, "the filter leaves nothing of this rule", "the condition says what is kept; write not before what is to be left out")
				} else if !taken {
					report(ref.Span, "the filter takes nothing away from this rule", "all that the rule finds meets its condition")
				}
			}
		}
	},
})

// anyRule checks a filter for every rule of its log source.
func (s *Sigma) anyRule(f *sigma.Filter, report Report) {
	rules, covered := 0, 0
	for _, d := range s.All {
		if r, ok := d.(*sigma.Rule); ok {
			if rules++; f.Applies(r) {
				covered++
			}
		}
	}
	if rules > 0 && covered == 0 {
		report(f.LogSource.Span, fmt.Sprintf("none of the %d rules is for %s", rules, f.LogSource), "check its rules together with the filter, or mend the log source")
	}
}

// filtered reports whether a filter keeps something of what a rule finds, and
// whether it takes something away; both are true where that is not known.
func (s *Sigma) filtered(f *sigma.Filter, r *sigma.Rule) (kept, taken bool) {
	l, ok := (&Sigma{Rule: r, Doc: r}).lower()
	if !ok {
		return true, true
	}
	(&Sigma{Doc: f}).Tests(func(t *sigma.Test) { ok = ok && !t.Has("expand") })
	var any []sigma.Expr
	for _, c := range r.Conditions {
		any = append(any, c.Expr)
	}
	rule := &sigma.Or{Of: any}
	possible := func(x sigma.Expr) bool {
		cond := l.of(x)
		return cond == nil || logic.Possible(logic.Fact{Cond: cond})
	}
	if !ok || !possible(rule) {
		return true, true
	}
	return possible(&sigma.And{Of: []sigma.Expr{rule, f.Condition.Expr}}),
		possible(&sigma.And{Of: []sigma.Expr{rule, &sigma.Not{X: f.Condition.Expr}}})
}
