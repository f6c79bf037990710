package lint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

var _ = register(Check{
	ID: "sigma-tag", Severity: diag.Warning,
	What: "A tag that is malformed, stands twice, or is of no namespace that Sigma has.",
	Why:  "Tags choose rules and draw coverage maps, by equality: `attack.T1059` and `attack.command_and_control` are in none of them. The names of tactics are written with hyphens.",
	Bad: []string{
		sigmaExample("attack.command-and-control", "attack.command_and_control"),
		sigmaExample("attack.t1105", "attack.T1105"),
		sigmaExample("attack.t1105", "attack.t11050"),
		sigmaExample("attack.t1105", "mitre.t1105"),
		sigmaExample("    - attack.t1105", "    - attack.t1105\n    - attack.t1105"),
	},
	Good: []string{sigmaExample("    - attack.t1105", "    - attack.t1059.001\n    - cve.2024-1234\n    - tlp.clear\n    - detection.threat-hunting")},
	Sigma: func(s *Sigma, report Report) {
		k := s.Key("tags")
		if k == nil {
			return
		}
		seen := map[string]diag.Span{}
		for _, t := range s.Doc.About().Tags {
			text := t.String()
			written := strings.Trim(s.File.Slice(t.Span), `'"`)
			form := text
			if t.Namespace == "attack" {
				if i := slices.Index(tactics, strings.ReplaceAll(t.Name, "_", "-")); i >= 0 {
					form = "attack." + tactics[i]
				}
			}
			first, twice := seen[form]
			switch {
			case twice:
				d := report(t.Span, text+" stands twice", "take one away")
				d.Labels = []diag.Label{{Span: first, Text: "first here"}}
			case t.Namespace == "":
				report(t.Span, text+" has no namespace", "write such as attack.t1059")
			case !slices.Contains(namespaces, t.Namespace):
				report(t.Span, "Sigma has no tags of "+t.Namespace, "its namespaces are "+strings.Join(namespaces, ", "))
			case form != written && strings.EqualFold(strings.ReplaceAll(written, "_", "-"), form):
				d := report(t.Span, "the tag is written otherwise", "write "+form)
				d.Fix = s.rewrite("write "+form, t.Span, written, form, true)
			case t.Namespace == "attack" && !slices.Contains(tactics, t.Name) && !attackID().MatchString(t.Name):
				d := report(t.Span, t.Name+" is no tactic, technique, group or software of ATT&CK", "write such as attack.t1059.001 or attack.execution")
				if near := diag.Nearest(t.Name, tactics); near != "" {
					d.Help = "did you mean attack." + near + "?"
					d.Fix = s.rewrite("write attack."+near, t.Span, written, "attack."+near, false)
				}
			case t.Namespace == "cve" && !cveID().MatchString(t.Name):
				report(t.Span, fmt.Sprintf("%s is no CVE number", t.Name), "write such as cve.2024-1234")
			}
			seen[form] = t.Span
		}
	},
})

var (
	// Source: the tags appendix of the Sigma specification 2.1.
	namespaces = []string{"attack", "car", "cve", "d3fend", "detection", "stp", "tlp"}
	// tactics of ATT&CK for Enterprise. The last two took the place of
	// defense-evasion in its version 18 and later; rules carry either.
	tactics = strings.Fields("reconnaissance resource-development initial-access execution persistence privilege-escalation defense-evasion " +
		"credential-access discovery lateral-movement collection command-and-control exfiltration impact stealth defense-impairment")
	attackID = match.Lazy(`^(t\d{4}(\.\d{3})?|[gsmc]\d{4}|ds\d{4}|ta\d{4})$`)
	cveID    = match.Lazy(`^\d{4}[-.]\d{4,}$`)
)
