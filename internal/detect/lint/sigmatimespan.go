package lint

import (
	"fmt"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Check{
	ID: "sigma-timespan", Severity: diag.Warning,
	What: "A time span of a correlation that is missing, that the specification does not have, or that is probably another than meant.",
	Why: "The specification has s, m, h and d. `10M` is ten months for the tools that read it at all, and logs are hardly ever searched over more than three of them. " +
		"`timeframe` is the old name of `timespan`.",
	Codes: []string{"bad-timespan"},
	Bad: []string{
		correlationExample("timespan: 10m", "timespan: 10M"),
		correlationExample("timespan: 10m", "timeframe: 10m"),
		correlationExample("timespan: 10m", "timespan: 2w"),
		correlationExample("timespan: 10m", "timespan: 365d"),
		correlationExample("timespan: 10m", "timespan: 10 minutes"),
	},
	Good: []string{correlationExample("timespan: 10m", "timespan: 90d")},
	Sigma: func(s *Sigma, report Report) {
		c, ok := s.Doc.(*sigma.Correlation)
		k := s.Key("correlation")
		if !ok || k == nil || k.Value.Kind != yaml.MappingNode {
			return
		}
		for _, k := range keysOf(s.File, k.Value) {
			if k.Name != "timespan" && k.Name != "timeframe" {
				continue
			}
			if k.Name == "timeframe" {
				d := report(k.Span, "the key of a time span is timespan", "write timespan")
				d.Fix = s.rewrite("write timespan", k.Span, k.Name, "timespan", true)
			}
			at, text := s.at(&k), k.Value.Value
			switch {
			case strings.HasSuffix(text, "M"):
				minutes := strings.TrimSuffix(text, "M") + "m"
				d := report(at, text+" is a time of months", "minutes are a small m; for months write days")
				d.Fix = s.rewrite("write "+minutes, at, text, minutes, false)
			case c.Timespan > longTimespan:
				report(at, text+" is longer than logs are searched", "write the time within which the matches belong together")
			case strings.HasSuffix(text, "w"):
				days := fmt.Sprintf("%dd", c.Timespan/(24*time.Hour))
				d := report(at, "the specification has no weeks", "write days: other tools may not know weeks")
				d.Fix = s.rewrite("write "+days, at, text, days, true)
			}
		}
	},
})

// longTimespan is the longest time span that is no surprise: a quarter of a year.
const longTimespan = 92 * 24 * time.Hour
