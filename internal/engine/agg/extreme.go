package agg

import (
	"math"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// extreme is the state of min and max.
type extreme struct {
	max  bool
	some bool // at least one number, NaN included
	f    float64
}

func (e *extreme) Add(args []event.Value, _ lang.Moment) int {
	if f, ok := args[0].Float(); ok {
		e.take(f)
	}
	return 0
}

func (e *extreme) take(f float64) {
	switch {
	case !e.some, math.IsNaN(e.f):
	case math.IsNaN(f):
		return
	case e.max && f <= e.f, !e.max && f >= e.f:
		return
	}
	e.some, e.f = true, f
}

func (e *extreme) Merge(o lang.Accumulator) {
	if other := o.(*extreme); other.some {
		e.take(other.f)
	}
}

func (e *extreme) Result(dst []event.Value) []event.Value {
	if !e.some {
		return append(dst, event.Value{})
	}
	return append(dst, event.Float(e.f+0)) // -0 becomes 0, whichever came first
}
