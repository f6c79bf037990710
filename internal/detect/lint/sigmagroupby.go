package lint

import (
	"fmt"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Check{
	ID: "sigma-group-by", Severity: diag.Warning,
	What: "A field that a correlation groups by, counts or measures, and that the events of one of its rules do not have.",
	Why: "A match without a group-by field is in no group, so the rule adds nothing to the correlation, without a word. Where rules have different names for " +
		"a thing, `aliases` says so. The events of a correlation have the fields that it groups by. Without `group-by` all hosts and users are one group.",
	Bad: []string{
		correlationExample("        - Computer\n", "        - Compter\n"),
		correlationExample("        - Computer\n", "        - Computer\n        - Computer\n"),
		correlationExample("    group-by:\n        - Computer\n", ""),
		correlationText + "---\n" + correlationOf("value_count", "certutil_both", "gte: 5, field: Image"),
	},
	Good: []string{correlationText, correlationExample("        - Computer\n", "        - Computer\n        - User\n") + "---\n" + correlationOf("value_count", "certutil_both", "gte: 5, field: User")},
	Sigma: func(s *Sigma, report Report) {
		c, ok := s.Doc.(*sigma.Correlation)
		if !ok {
			return
		}
		if len(c.GroupBy) == 0 {
			report(c.Span, "the correlation has no group-by: the matches of all hosts and users are counted together", "write group-by: and the fields that must be the same").Severity = diag.Note
		}
		for i, g := range c.GroupBy {
			for _, before := range c.GroupBy[:i] {
				if before.Name == g.Name {
					report(g.Span, g.Name+" stands twice", "take one away").Labels = []diag.Label{{Span: before.Span, Text: "first here"}}
				}
			}
		}
		for _, f := range append(c.GroupBy[:len(c.GroupBy):len(c.GroupBy)], c.Fields...) {
			for _, ref := range c.Rules {
				lacking, near, of := s.lacks(c, f.Name, ref)
				if lacking == "" {
					continue
				}
				d := report(f.Span, fmt.Sprintf("%s of %s have no field %s", of, ref.Name, lacking), "its matches do not count; write another field, or an alias")
				if near != "" && lacking == f.Name {
					d.Help = "did you mean " + near + "?"
					d.Fix = s.rewrite("write "+near, f.Span, f.Name, near, false)
				}
				break
			}
		}
	},
})

// lacks is the field that the events of a correlation's rule do not have, with
// the one that was probably meant; "" when they have it, or that is not known.
func (s *Sigma) lacks(c *sigma.Correlation, name string, ref sigma.Ref) (field, near, of string) {
	var fields []string
	d := s.Named(ref)
	switch d := d.(type) {
	case *sigma.Rule:
		fields, of = fieldsOf(d)
		of = "events of " + of + ", which are those"
	case *sigma.Correlation:
		for _, g := range d.GroupBy {
			fields = append(fields, g.Name)
		}
		of = "the findings"
		if fields == nil {
			fields = []string{}
		}
	}
	if fields == nil {
		return "", "", ""
	}
	if field = c.FieldOf(name, ref, d.About()); contains(fields, field) {
		return "", "", ""
	}
	return field, diag.Nearest(field, fields), of
}

// correlationOf is a correlation of rules that a text has before it.
func correlationOf(kind, rules, condition string) string {
	return `title: Certutil Again And Again
id: 2f4e6d8c-0b1a-4c3d-9e5f-7a6b8c9d0e1f
status: test
description: Detects certutil.exe over and over again.
author: gyoji contributors
date: 2026-11-24
correlation:
    type: ` + kind + `
    rules: [` + rules + `]
    group-by: [Computer]
    timespan: 1h
    condition: {` + condition + `}
falsepositives:
    - Administrators
level: high
`
}
