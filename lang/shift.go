package lang

import (
	"github.com/gyoji-dev/gyoji/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// Shift is what the stages before compare give over an earlier time range. It
// runs before the query does.
type Shift struct {
	Node   *syntax.Stage   // the compare
	Before []*syntax.Stage // the stages it runs again
	Back   int64           // how much earlier, ms
	Names  []string        // of the columns wanted
	Rows   [][]event.Value // their values by row; set before the query runs
}

// AddShift asks for a run of all stages before this one. It returns nil, having
// reported why, where there is no such run: in a child query.
func (sc *Scope) AddShift(back int64, names []string) *Shift {
	if sc.child {
		sc.Error(sc.stage, "compare-in-child", "compare stands only in the query itself: it runs what is before it over other times", "put compare behind the stage that this child query belongs to")
		return nil
	}
	s := &Shift{Node: sc.stage, Before: sc.before, Back: back, Names: names}
	*sc.shifts = append(*sc.shifts, s)
	return s
}

// Shifts lists the earlier ranges that the query's compare asks for.
func (sc *Scope) Shifts() []*Shift { return *sc.shifts }
