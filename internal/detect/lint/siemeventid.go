package lint

import (
	"fmt"
	"slices"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/siem"
)

var _ = register(Check{
	ID: "siem-event-id", Severity: diag.Warning,
	What: "An event id of Windows that no mapper is for.",
	Why:  "The default mapper takes it, which fills the host and users alone. One of the product's own rules asks for `Security-4660` so. A misspelt channel has the same effect.",
	Bad:  []string{`metadata_vendor = 'Microsoft' AND metadata_product = 'Windows' AND metadata_deviceEventId = 'Security-4660'`},
	Good: []string{`metadata_vendor = 'Microsoft' AND metadata_product = 'Windows' AND metadata_deviceEventId = 'Security-4688'`, `metadata_vendor = 'Nobody' AND metadata_deviceEventId = 'x'`},
	SIEM: func(s *SIEM, report Report) {
		if !slices.Contains(s.vendor, "Microsoft") || len(s.vendor) > 1 || !slices.Contains(s.product, "Windows") || len(s.product) > 1 {
			return
		}
		ms, err := record.NewMappers(record.Builtin())
		if err != nil {
			return
		}
		comparisons(s.Expr.Cond, false, func(of siem.Node, t *siem.Literal) {
			n, ok := of.(*siem.Name)
			if !ok || n.Name != "metadata_deviceEventId" {
				return
			}
			i := ms.Choose(record.Key{LogFormat: "Windows", Vendor: "Microsoft", Product: "Windows", EventID: t.Text})
			if i < 0 || ms.All[i].EventID == "_default_" {
				report(t.Span, fmt.Sprintf("no mapper is for %s: the default one fills host and users alone", t.Text), "an event id of Windows is CHANNEL-ID: Security-4688")
			}
		})
	},
})
