package lint

import (
	"fmt"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/siem"
)

var _ = register(Check{
	ID: "siem-unfilled", Severity: diag.Warning,
	What: "An attribute that no mapper fills for the events that the expression is about.",
	Why:  "It is null in every one of these records, so what is asked of it never holds. `gyoji records --explain` shows what a mapper fills; the raw key is read as `fields['EventData.NAME']`.",
	Bad:  []string{`metadata_vendor = 'Microsoft' AND metadata_deviceEventId = 'Security-4688' AND parentCommandLine LIKE '%a%'`},
	Good: []string{`metadata_deviceEventId = 'Microsoft-Windows-Sysmon/Operational-1' AND parentCommandLine LIKE '%a%'`, `parentCommandLine LIKE '%a%'`, `metadata_vendor = 'Nobody' AND parentCommandLine LIKE '%a%'`},
	SIEM: func(s *SIEM, report Report) {
		said := map[string]bool{}
		siem.Walk(s.Expr.Cond, func(n siem.Node) bool {
			if x, ok := n.(*siem.Name); ok && !said[x.Name] && s.unfilled(x.Name) {
				said[x.Name] = true
				report(x.Span, fmt.Sprintf("no mapper fills %s for %s: it is null", x.Name, s.what()), "")
			}
			return true
		})
	},
})

var _ = register(Check{
	ID: "siem-entity", Severity: diag.Warning,
	What: "An entity attribute that is null in every record that the rule can fire on.",
	Why:  "A signal is on an entity. Where the only attribute is null there is none: a rule on Sysmon 3 with `device_hostname` alone never makes a signal.",
	Bad:  []string{siemExample(`"device_hostname"`, `"device_hostname"`, "Security-4688", "Microsoft-Windows-Sysmon/Operational-3")},
	Good: []string{siemExample("", "")},
	SIEMRule: func(r *SIEMRule, report Report) {
		for _, e := range r.Selectors {
			if r.unfilled(e.Attr.Text) {
				report(e.Attr.At, fmt.Sprintf("no mapper fills %s for %s: this makes no signal", e.Attr.Text, r.what()), "")
			}
		}
	},
})
