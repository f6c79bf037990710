package tenant

import (
	"math"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// severity is how severe the signals of a match or aggregation rule are (5.3).
type severity struct {
	*ruledoc.Severity
	field *expr.Program
}

// noSignal is the severity of what makes no signal (18, R06).
const noSignal = -1

// of is the severity for the value of the field.
func (s *severity) of(v event.Value) int {
	switch s.Type {
	case "constant":
		return clamp(*s.Default)
	case "fieldValue":
		if f, ok := numeric(v); ok {
			return clamp(f)
		}
		if s.Default == nil || *s.Default == 0 {
			return noSignal
		}
		return clamp(*s.Default)
	}
	for _, c := range s.Cases {
		if fits(c, v) {
			return clamp(c.Severity)
		}
	}
	if s.Default == nil {
		return noSignal
	}
	return clamp(*s.Default)
}

func clamp(f float64) int { return int(max(0, min(10, math.Floor(f)))) }

func numeric(v event.Value) (float64, bool) {
	switch {
	case v.IsNull():
		return 0, false
	case v.Kind() == event.String:
		return event.ParseNumber(v.Str())
	case v.Kind() == event.Boolean:
		return 0, false
	}
	return v.Float()
}

// fits says whether an entry of a mapping holds for a value.
func fits(c ruledoc.Case, v event.Value) bool {
	if c.Kind == "absent" {
		return v.IsNull()
	}
	if v.IsNull() {
		return false
	}
	x, number := numeric(v)
	from, fromOK := event.ParseNumber(c.From)
	to, toOK := event.ParseNumber(c.To)
	switch c.Kind {
	case "equal":
		return v.String() == c.From || number && fromOK && x == from
	case "lt":
		return number && fromOK && x < from
	case "gt":
		return number && fromOK && x > from
	case "range":
		return number && fromOK && toOK && from <= x && x <= to
	}
	return false
}
