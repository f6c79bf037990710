package lint

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/logic"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Check{
	ID: "sigma-never-holds", Severity: diag.Warning,
	What: "A condition or a selection that no event can meet, a selection that the condition does not use, a filter that takes nothing away.",
	Why: "All lines of a map must hold: two ends of one path, or an event id that the log source does not have, never do. " +
		"A filter that contradicts what it filters is dead text; most often one of the two says something else than was meant.",
	Codes: []string{"unused-search"},
	Bad: []string{
		sigmaExample("Image|endswith: '\\certutil.exe'", "Image|endswith: '\\certutil.exe'\n        Image|startswith: 'C:\\Windows\\'\n        Image: 'C:\\Windows\\certreq.exe'"),
		sigmaExample("CommandLine|contains: 'urlcache'", "EventID: 4624"),
		sigmaExample("condition: selection", "filter:\n        Image|endswith: '\\cmd.exe'\n    condition: selection and not filter"),
		sigmaExample("condition: selection", "filter:\n        Image|endswith: '\\cmd.exe'\n    condition: selection"),
	},
	Good: []string{sigmaExample("condition: selection", "filter:\n        CommandLine|contains: 'localhost'\n    condition: selection and not filter")},
	Sigma: func(s *Sigma, report Report) {
		l, ok := s.lower()
		if !ok {
			return
		}
		whole := false
		for i, c := range s.Rule.Conditions {
			if !logic.Possible(logic.Fact{Cond: l.conditions[i]}) {
				whole = true
				report(c.Span, "no event can meet this condition", "two of its tests contradict each other, or the log source has no such events")
			}
		}
		for i, search := range s.Rule.Searches {
			if !logic.Possible(logic.Fact{Cond: l.searches[i]}) {
				whole = true
				report(search.Span, fmt.Sprintf("no event can meet %s", search.Name), "its tests contradict each other, or the log source has no such events")
			}
		}
		if whole {
			return
		}
		// a and not b, where a and b exclude each other.
		for _, c := range s.Rule.Conditions {
			and, ok := c.Expr.(*sigma.And)
			if !ok {
				continue
			}
			rest := []logic.Fact{}
			for _, x := range and.Of {
				if _, not := x.(*sigma.Not); !not {
					rest = append(rest, logic.Fact{Cond: l.of(x)})
				}
			}
			for _, x := range and.Of {
				not, ok := x.(*sigma.Not)
				if !ok {
					continue
				}
				for _, search := range named(not.X) {
					if !logic.Possible(append(rest[:len(rest):len(rest)], logic.Fact{Cond: l.of(&sigma.Use{Name: search.Name, Search: search})})...) {
						report(search.Span, fmt.Sprintf("%s takes nothing away: what it asks for contradicts the rest of the condition", search.Name), "take it away, or mend it")
					}
				}
			}
		}
	},
})

// named are the searches that a condition names, if it is one of a list of them.
func named(x sigma.Expr) []*sigma.Search {
	switch x := x.(type) {
	case *sigma.Use:
		return []*sigma.Search{x.Search}
	case *sigma.Of:
		if !x.All {
			return x.Searches
		}
	}
	return nil
}

// lowered is a rule as conditions that package logic reasons about.
type lowered struct {
	rule                 *sigma.Rule
	scope                *rule.Scope
	conditions, searches []expr.Expr
}

// lower makes the conditions of a rule, each together with its log source. ok is
// false for rules that cannot run, and for those whose tests differ in whether
// letter case counts, about which logic knows too little.
func (s *Sigma) lower() (l *lowered, ok bool) {
	if s.Rule == nil || len(s.Rule.Conditions) == 0 {
		return nil, false
	}
	ok = true
	s.Tests(func(t *sigma.Test) { ok = ok && !t.Has("expand") })
	if !ok {
		return nil, false
	}
	l = &lowered{rule: s.Rule, scope: rule.NewScope()}
	for _, c := range s.Rule.Conditions {
		l.conditions = append(l.conditions, l.of(c.Expr))
	}
	for _, search := range s.Rule.Searches {
		l.searches = append(l.searches, l.of(&sigma.Use{Name: search.Name, Search: search}))
	}
	for _, list := range [][]expr.Expr{l.conditions, l.searches} {
		for _, x := range list {
			ok = ok && x != nil
		}
	}
	return l, ok
}

// of makes a condition over the rule's searches; nil if it cannot run.
func (l *lowered) of(x sigma.Expr) expr.Expr {
	r := *l.rule
	r.Conditions = []*sigma.Condition{{Expr: x}}
	rules, _ := l.scope.Lower([]sigma.Document{&r}, nil)
	if len(rules) != 1 {
		return nil
	}
	fields, _ := fieldsOf(l.rule)
	return expr.OneValue(rules[0].When(), func(f *expr.Field) bool { return once(f.Name, fields) })
}

// once reports whether a field comes once in an event: the fields of the log
// source's events do, where they are known. Any other may be a list.
func once(name string, fields []string) bool {
	switch strings.ToLower(name) {
	case "eventid", "channel", "provider", "provider_name":
		return true
	case "data": // what has no name of its own
		return false
	}
	return contains(fields, name)
}
