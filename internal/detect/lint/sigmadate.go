package lint

import (
	"fmt"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
)

var _ = register(Check{
	ID: "sigma-date", Severity: diag.Warning,
	What: "A date that is none, is written otherwise than 2006-01-02, or lies before that of the rule's making.",
	Why:  "The specification wants ISO 8601 since version 2.0; the slashes of older rules are read by few tools. Without a date nobody sees how old a rule is.",
	Bad: []string{
		sigmaExample("date: 2026-11-24", "date: 2026/11/24"),
		sigmaExample("date: 2026-11-24", "date: 2026-02-30"),
		sigmaExample("date: 2026-11-24", "date: 2026-11-24\nmodified: 2026-11-23"),
	},
	Good: []string{sigmaExample("date: 2026-11-24", "date: 2026-11-24\nmodified: 2026-11-25")},
	Sigma: func(s *Sigma, report Report) {
		var made time.Time
		for _, name := range []string{"date", "modified"} {
			k := s.Key(name)
			if k == nil {
				if name == "date" && s.Rule != nil && s.Keys != nil {
					report(s.Doc.About().Span, "the rule has no date", "write date: and the day it was written, as 2006-01-02").Severity = diag.Note
				}
				continue
			}
			text := k.Value.Value
			form := strings.NewReplacer("/", "-", ".", "-").Replace(text)
			day, err := time.Parse(time.DateOnly, form)
			switch {
			case err != nil:
				report(s.at(k), fmt.Sprintf("%q is no date", text), "write it as 2006-01-02")
			case form != text:
				d := report(s.at(k), "the date is written with "+string(strings.Trim(text, "0123456789")[0]), "write "+form)
				d.Fix = s.rewrite("write "+form, s.at(k), text, form, true)
			case name == "modified" && day.Before(made):
				report(s.at(k), "the rule was modified before it was made", "the later of the two days is modified")
			}
			made = day
		}
	},
})
