package agg

import (
	"math"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// extreme is the state of min and max.
type extreme struct {
	max  bool
	some bool        // at least one number, NaN included
	v    event.Value // a Double with text of its own
}

func (e *extreme) Add(args []event.Value, _ lang.Moment) int {
	if f, ok := args[0].Float(); ok && e.some { // most are not: no more is looked at
		if g, _ := e.v.Float(); e.max && f < g || !e.max && f > g || f == g && math.Abs(f) < 1<<53 {
			return 0
		}
	}
	if d, ok := args[0].ToDouble(); ok {
		e.take(d)
	}
	return 0
}

func (e *extreme) take(v event.Value) {
	if e.some {
		c, ok := event.CompareNumbers(v, e.v)
		if f, _ := v.Float(); math.IsNaN(f) || ok && (e.max && c <= 0 || !e.max && c >= 0) {
			return
		}
	}
	e.some, e.v = true, v.Clone()
}

func (e *extreme) Merge(o lang.Accumulator) {
	if other := o.(*extreme); other.some {
		e.take(other.v)
	}
}

func (e *extreme) Result(dst []event.Value) []event.Value {
	if f, _ := e.v.Float(); e.some && f == 0 {
		return append(dst, event.Float(0)) // -0 becomes 0, whichever came first
	}
	return append(dst, e.v)
}
