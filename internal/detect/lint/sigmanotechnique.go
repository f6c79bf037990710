package lint

import "github.com/gyoji-dev/gyoji/diag"

var _ = register(Check{
	ID: "sigma-no-technique", Severity: diag.Note,
	What: "A rule that names no technique of ATT&CK.",
	Why:  "Coverage is counted by technique. A tactic alone says what the adversary is after, not what was seen.",
	Bad:  []string{sigmaExample("    - attack.t1105\n", ""), sigmaExample("tags:\n    - attack.command-and-control\n    - attack.t1105\n", "")},
	Good: []string{sigmaText},
	Sigma: func(s *Sigma, report Report) {
		if s.Rule == nil || s.Keys == nil || len(s.Rule.Techniques()) > 0 {
			return
		}
		at := s.Rule.Span
		if k := s.Key("tags"); k != nil {
			at = k.Span
		}
		report(at, "no tag names a technique of ATT&CK", "add such as attack.t1059.001")
	},
})
