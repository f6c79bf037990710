package lint

import (
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

var _ = register(Check{
	ID: "sigma-id", Severity: diag.Warning,
	What: "A rule without an id, with one that is no UUID, or with one that another rule has.",
	Why:  "Filters, correlations and `related` name rules by id, and so do suppressions in a SIEM. Two rules with one id are one to them.",
	Bad: []string{
		sigmaExample("id: 0c5bb8a0-0f5c-4c0e-9d5f-6a2f0f4f3e11\n", ""),
		sigmaExample("id: 0c5bb8a0-0f5c-4c0e-9d5f-6a2f0f4f3e11", "id: certutil-1"),
		sigmaText + "---\n" + strings.Replace(sigmaText, "Certutil", "Second Certutil", 1),
	},
	Good: []string{sigmaText},
	Sigma: func(s *Sigma, report Report) {
		k := s.Key("id")
		switch m := s.Doc.About(); {
		case s.Keys == nil:
		case k == nil:
			if s.Rule != nil {
				report(m.Span, "the rule has no id", "write id: and a random UUID")
			}
		case !uuid().MatchString(k.Value.Value):
			report(s.at(k), "the id is no UUID", "write a random UUID (version 4)")
		case s.First != nil:
			report(s.at(k), "the id is that of "+s.First.About().Title+" ("+s.First.About().Place()+")", "give one of them another UUID")
		case strings.ToLower(k.Value.Value) != k.Value.Value:
			d := report(s.at(k), "a UUID is written in small letters", "")
			d.Severity = diag.Note
			d.Fix = s.rewrite("write it in small letters", s.at(k), k.Value.Value, strings.ToLower(k.Value.Value), true)
		}
	},
})

var uuid = match.Lazy(`^(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)
