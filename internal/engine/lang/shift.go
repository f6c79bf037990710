package lang

import (
	"github.com/gyoji-dev/gyoji/syntax"
)

// Shift is what the stages before compare give over an earlier time range. It
// runs before the query does.
type Shift struct {
	Node   *syntax.Stage   // the compare
	Before []*syntax.Stage // the stages it runs again
	When   Range
	Names  []string // of the columns wanted
}

// Range is another time range than the query's: that moved back, or one told outright.
type Range struct {
	Back int64  // ms
	From string // as datefmt.ParseTime reads it; "" for none
	To   string // "" for a range as long as the query's
}

// AddShift asks for a run of all stages before this one. It returns nil, having
// reported why, where there is no such run: in a child query.
func (sc *Scope) AddShift(when Range, names []string) *Shift {
	if sc.child {
		sc.Error(sc.stage, "compare-in-child", "compare stands only in the query itself: it runs what is before it over other times", "put compare after the stage that this child query belongs to")
		return nil
	}
	s := &Shift{Node: sc.stage, Before: sc.before, When: when, Names: names}
	*sc.shifts = append(*sc.shifts, s)
	return s
}

// Shifts lists the earlier ranges that the query's compare asks for.
func (sc *Scope) Shifts() []*Shift { return *sc.shifts }
