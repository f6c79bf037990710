package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Check{
	ID: "sigma-field", Severity: diag.Warning,
	What: "A field that the events of the rule's log source do not have.",
	Why: "A test of a field that is not there never holds, without a word. The fields are those of Sysmon's events by category, of the PowerShell log, " +
		"and of the Security log's events by id. Fields that an agent adds, such as `CommandLine` to file events, are not among them.",
	Bad: []string{
		sigmaExample("CommandLine|contains", "CommandLin|contains"),
		sigmaExample("Image|endswith", "TargetImage|endswith"),
		sigmaExample("    category: process_creation\n    product: windows\ndetection:\n    selection:", "    product: windows\n    service: security\ndetection:\n    selection:\n        EventID: 4697"),
	},
	Good: []string{sigmaText},
	Sigma: func(s *Sigma, report Report) {
		if s.Rule == nil {
			return
		}
		fields, of := fieldsOf(s.Rule)
		if fields == nil {
			return
		}
		told := map[string]bool{}
		s.Tests(func(t *sigma.Test) {
			if t.Keyword() || told[t.Field] || contains(fields, t.Field) {
				return
			}
			told[t.Field] = true
			d := report(t.FieldSpan, fmt.Sprintf("events of %s have no field %s", of, t.Field), "the test never holds unless an agent adds the field")
			if near := diag.Nearest(t.Field, fields); near != "" {
				d.Help = "did you mean " + near + "?"
				if s.File.Slice(t.FieldSpan) == t.Field {
					d.Fix = edit("write "+near, t.FieldSpan, near)
				}
			}
		})
	},
})

// fieldsOf are the fields that the events of a rule's log source have, nil where
// that is not known, and what to call these events.
func fieldsOf(r *sigma.Rule) (fields []string, of string) {
	source := r.LogSource
	if source.Product != "" && !strings.EqualFold(source.Product, "windows") {
		return nil, ""
	}
	var ids []string
	(&Sigma{Doc: r}).Tests(func(t *sigma.Test) {
		if t.Field == "EventID" {
			for _, v := range t.Values {
				if n, ok := v.(sigma.Number); ok {
					ids = append(ids, n.Text)
				} else {
					ids = append(ids, "?") // any event
				}
			}
		}
	})
	of = source.Category
	if of == "" {
		of = source.Service + " " + strings.Join(slices.Compact(ids), ", ")
	}
	return mapping.SigmaFields(source.Category, source.Service, ids), of
}

// contains reports whether a list of fields has a name, letter case aside.
func contains(fields []string, name string) bool {
	return slices.ContainsFunc(fields, func(f string) bool { return strings.EqualFold(f, name) })
}
