package lint

import (
	"fmt"
	"math"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/sigma"
)

var _ = register(Check{
	ID: "sigma-count", Severity: diag.Warning,
	What: "A condition of a correlation that no window can meet, or that every match meets.",
	Why: "A window begins with a match, so a count is never below one: that something did not happen cannot be asked for this way. A temporal correlation counts its rules, " +
		"and a field that is grouped by has one value in its group. What every match meets says no more than the rules themselves.",
	Codes: []string{"bad-correlation", "bad-condition", "no-percentile"},
	Bad: []string{
		correlationExample("gte: 5", "gte: 0"),
		correlationExample("gte: 5", "gte: 1"),
		correlationExample("gte: 5", "lt: 1"),
		correlationExample("gte: 5", "eq: 2.5"),
		correlationExample("gte: 5", "gt: 5\n        lt: 3"),
		correlationExample("gte: 5", "gte: 5\n        field: User"),
		correlationExample("type: event_count", "type: value_count"),
		correlationText + "---\n" + correlationOf("temporal", "certutil_fetch, certutil_runs", "gte: 3"),
		correlationText + "---\n" + correlationOf("value_count", "certutil_fetch", "gte: 2, field: Computer"),
	},
	Good: []string{
		correlationExample("gte: 5", "lt: 5"),
		correlationExample("gte: 5", "gt: 5\n        lte: 10"),
		correlationText + "---\n" + correlationOf("temporal", "certutil_fetch, certutil_runs", "gte: 2"),
		correlationText + "---\n" + correlationOf("value_count", "certutil_fetch", "gte: 2, field: CommandLine"),
		correlationText + "---\n" + correlationOf("value_sum", "certutil_fetch", "lt: 1, field: CommandLine"),
	},
	Sigma: func(s *Sigma, report Report) {
		c, ok := s.Doc.(*sigma.Correlation)
		if !ok {
			return
		}
		most, why := math.Inf(1), "a window begins with a match, so there is one at least, and counts are whole"
		switch c.Type {
		case sigma.EventCount:
		case sigma.ValueCount:
			if len(c.Fields) == 1 && grouped(c, c.Fields[0].Name) {
				most, why = 1, c.Fields[0].Name+" is grouped by, so it has one value"
			}
		case sigma.Temporal, sigma.TemporalOrdered:
			most = float64(len(c.Rules))
			why = fmt.Sprintf("what is counted are its rules, of which there are %d", len(c.Rules))
		default:
			return
		}
		if len(c.Fields) > 0 && c.Type != sigma.ValueCount {
			report(c.Fields[0].Span, fmt.Sprintf("%s does not look at a field", c.Type), "take field away, or write value_count")
		}
		if len(c.Bounds) == 0 || c.Bounds[0].Span.End == 0 { // an expression, or not written
			return
		}
		never, always := true, true
		for _, n := range counts(c, most) {
			if c.Holds(n) {
				never = false
			} else {
				always = false
			}
		}
		at := c.Bounds[0].Span.Join(c.Bounds[len(c.Bounds)-1].Span)
		switch {
		case never:
			d := report(at, "no window can meet this condition", why)
			if all := fmt.Sprintf("gte: %d", len(c.Rules)); c.Type == sigma.Temporal && len(c.Bounds) == 1 && len(c.Rules) > 1 {
				d.Fix = edit("write "+all, at, all)
			}
		case always && len(c.Rules) > 1 && c.Type == sigma.Temporal:
			report(at, "a match of one of the rules is enough for this condition", fmt.Sprintf("write how many of its %d rules must match", len(c.Rules)))
		case always:
			report(at, "every match meets this condition", "write how many matches are worth a look")
		}
	},
})

// counts are numbers that tell how a correlation's condition goes for all whole
// ones from 1 to most: the ends, and those around its bounds.
func counts(c *sigma.Correlation, most float64) []float64 {
	far := 1.0
	for _, b := range c.Bounds {
		far = max(far, math.Abs(b.Count))
	}
	list := []float64{1, min(most, math.Ceil(far)+2)}
	for _, b := range c.Bounds {
		for _, n := range []float64{math.Floor(b.Count) - 1, math.Floor(b.Count), math.Ceil(b.Count), math.Ceil(b.Count) + 1} {
			if n >= 1 && n <= most {
				list = append(list, n)
			}
		}
	}
	return list
}

// grouped reports whether a correlation groups by a field.
func grouped(c *sigma.Correlation, name string) bool {
	for _, g := range c.GroupBy {
		if g.Name == name {
			return true
		}
	}
	return false
}
