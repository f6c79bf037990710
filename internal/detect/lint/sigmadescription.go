package lint

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
)

// descriptionMin is the least that says something. Source: SigmaHQ's conventions.
const descriptionMin = 16

var _ = register(Check{
	ID: "sigma-description", Severity: diag.Note,
	What: "A rule without a description, an author, false positives or references.",
	Why:  "Who gets the alert sees the rule for the first time. The description says what happened, the references why it matters, the false positives what else it may be, the author whom to ask.",
	Bad: []string{
		sigmaExample("description: Detects certutil.exe when it fetches a file from the network.\n", ""),
		sigmaExample("Detects certutil.exe when it fetches a file from the network.", "Certutil"),
		sigmaExample("author: gyoji contributors\n", ""),
		sigmaExample("references:\n    - https://attack.mitre.org/techniques/T1105/\n", ""),
	},
	Good: []string{sigmaText},
	Sigma: func(s *Sigma, report Report) {
		if s.Rule == nil || s.Keys == nil {
			return
		}
		for _, name := range []string{"description", "author", "references", "falsepositives"} {
			if s.Key(name) == nil {
				report(s.Doc.About().Span, "the rule has no "+name, "add it")
			}
		}
		m := s.Doc.About()
		if k := s.Key("description"); k != nil && len(strings.TrimSpace(m.Description)) < descriptionMin {
			report(s.at(k), fmt.Sprintf("a description of less than %d characters says nothing", descriptionMin), "say what is detected, and what it may mean")
		}
	},
})
