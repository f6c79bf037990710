package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Check{
	ID: "sigma-alias", Severity: diag.Warning,
	What: "An alias of a correlation that nothing uses, or that is for a rule which the correlation is not made of.",
	Why: "`group-by` and `field` name aliases; one that neither names changes nothing, and the correlation groups by something else than its author thought. " +
		"A rule that an alias leaves out has a field of the alias's own name, or counts for nothing.",
	Codes: []string{"bad-aliases"},
	Bad: []string{
		correlationExample("    timespan: 10m", "    timespan: 10m\n    aliases:\n        host:\n            certutil_fetch: Computer\n            certutil_runs: Computer"),
		correlationExample("        - Computer\n    timespan: 10m", "        - host\n    timespan: 10m\n    aliases:\n        host:\n            certutil_fetch: Computer\n            certutil_run: Computer"),
	},
	Good: []string{
		correlationExample("        - Computer\n    timespan: 10m", "        - host\n    timespan: 10m\n    aliases:\n        host:\n            certutil_fetch: Computer\n            5c1f2d6e-9a54-4a6f-8a0d-3c2b1e7d9f42: Computer"),
		correlationExample("        - Computer\n    timespan: 10m", "        - Image\n    timespan: 10m\n    aliases:\n        Image:\n            certutil_fetch: ParentImage"),
	},
	Sigma: func(s *Sigma, report Report) {
		c, ok := s.Doc.(*sigma.Correlation)
		if !ok {
			return
		}
		var names []string
		for _, f := range append(c.GroupBy[:len(c.GroupBy):len(c.GroupBy)], c.Fields...) {
			names = append(names, f.Name)
		}
		var rules, written []string
		for _, ref := range c.Rules {
			rules, written = append(rules, ref.Name), append(written, ref.Name)
			if d := s.Named(ref); d != nil {
				rules = append(rules, d.About().Name, d.About().ID)
			}
		}
		for _, a := range c.Aliases {
			if !slices.Contains(names, a.Name) {
				report(a.Span, fmt.Sprintf("the alias %s is used by neither group-by nor field", a.Name), "write it into group-by in place of the fields that it stands for")
			}
			var keys []string
			for key := range a.Fields {
				keys = append(keys, key)
			}
			slices.Sort(keys)
			for _, key := range keys {
				if slices.ContainsFunc(rules, func(r string) bool { return strings.EqualFold(r, key) }) {
					continue
				}
				d := report(a.Span, fmt.Sprintf("the alias %s is for %s, of which the correlation is not made", a.Name, key), "its rules are "+strings.Join(written, ", "))
				if near := diag.Nearest(key, rules); near != "" {
					d.Help = "did you mean " + near + "?"
				}
			}
		}
	},
})
