package machine

import (
	"cmp"
	"math"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Functions are the aggregation functions of Cloud SIEM (4.10).
var Functions = []string{"avg", "count", "count_distinct", "first", "last", "max", "min", "sum"}

// fold is what some values of a function's argument come to, taken together in the
// order of their events. It can be joined with that of the values after them.
type fold struct {
	n           int64 // values that are neither null nor false
	numbers     int64 // values that are numbers, or text that is one
	sum         float64
	whole       int64 // the sum while all numbers are whole and it fits
	fraction    bool  // it is not
	least, most event.Value
	first, last event.Value
}

func one(v event.Value) fold {
	if v.IsNull() {
		return fold{}
	}
	f := fold{least: v, most: v, first: v, last: v}
	if !(v.Kind() == event.Boolean && !v.True()) {
		f.n = 1
	}
	if x, ok := number(v); ok {
		f.numbers, f.sum = 1, x
		if f.whole = int64(x); v.Kind() == event.Long {
			f.whole, _ = v.Int()
		} else if x != math.Trunc(x) || math.Abs(x) > 1<<53 {
			f.fraction = true
		}
	}
	return f
}

// number is the value as a number: a number, or text that is one (4.4).
func number(v event.Value) (float64, bool) {
	switch v.Kind() {
	case event.Long, event.Double, event.Date:
		return v.Float()
	case event.String:
		return event.ParseNumber(v.Str())
	}
	return 0, false
}

// order is that of 4.4: numbers, and text that is one, by value; other text by its
// bytes, after all numbers.
func order(a, b event.Value) int {
	x, xok := number(a)
	y, yok := number(b)
	switch {
	case xok && yok:
		return cmp.Compare(x, y)
	case xok:
		return -1
	case yok:
		return 1
	}
	return strings.Compare(a.String(), b.String())
}

func join(a, b fold) fold {
	switch {
	case a.first.IsNull():
		a.first = b.first
		a.least, a.most = b.least, b.most
	case !b.first.IsNull():
		if order(b.least, a.least) < 0 {
			a.least = b.least
		}
		if order(b.most, a.most) > 0 {
			a.most = b.most
		}
	}
	if !b.last.IsNull() {
		a.last = b.last
	}
	whole := a.whole + b.whole
	over := (whole > a.whole) != (b.whole > 0) && b.whole != 0
	a.n, a.numbers, a.sum, a.whole = a.n+b.n, a.numbers+b.numbers, a.sum+b.sum, whole
	a.fraction = a.fraction || b.fraction || over
	return a
}

// value is what a function makes of the values; over none of them counts are 0 and
// the others null (18, R18).
func (f *fold) value(function string, distinct int) event.Value {
	switch function {
	case "count":
		return event.Int(f.n)
	case "count_distinct":
		return event.Int(int64(distinct))
	case "first":
		return f.first
	case "last":
		return f.last
	case "min":
		return f.least
	case "max":
		return f.most
	}
	switch {
	case f.numbers == 0:
		return event.Value{}
	case function == "avg":
		return event.Float(f.total() / float64(f.numbers))
	case f.fraction:
		return event.Float(f.sum)
	}
	return event.Int(f.whole)
}

func (f *fold) total() float64 {
	if f.fraction {
		return f.sum
	}
	return float64(f.whole)
}

// sliding is a function over a window that hits enter at one end and leave at the
// other. Nothing is ever subtracted, so that sums of fractions do not drift: the
// values that were there when the window was last turned have a fold for each rest
// of them, those that came since have one together.
type sliding struct {
	function string
	rests    []fold        // of the turned values: rests[i] is of the i-th and all after it
	fresh    []event.Value // came since
	sum      fold          // of fresh
	distinct map[string]int
}

func newSliding(function string) *sliding {
	s := &sliding{function: function}
	if function == "count_distinct" {
		s.distinct = map[string]int{}
	}
	return s
}

func (s *sliding) push(v event.Value) {
	if s.distinct != nil {
		if !v.IsNull() {
			s.distinct[v.String()]++
		}
		return
	}
	s.fresh = append(s.fresh, v)
	s.sum = join(s.sum, one(v))
}

// pop takes out the oldest value, which is v.
func (s *sliding) pop(v event.Value) {
	if s.distinct != nil {
		if !v.IsNull() {
			if key := v.String(); s.distinct[key] == 1 {
				delete(s.distinct, key)
			} else {
				s.distinct[key]--
			}
		}
		return
	}
	if len(s.rests) == 0 {
		s.rests = make([]fold, len(s.fresh))
		var f fold
		for i := len(s.fresh) - 1; i >= 0; i-- {
			f = join(one(s.fresh[i]), f)
			s.rests[i] = f
		}
		s.fresh, s.sum = s.fresh[:0], fold{}
	}
	s.rests = s.rests[1:]
}

func (s *sliding) value() event.Value {
	if s.distinct != nil {
		var f fold
		return f.value(s.function, len(s.distinct))
	}
	f := s.sum
	if len(s.rests) > 0 {
		f = join(s.rests[0], s.sum)
	}
	return f.value(s.function, 0)
}
