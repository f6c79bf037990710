package query

import (
	"slices"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// optimise changes the steps without changing the rows.
func (q *Query) optimise() {
	q.filterEarly()
	q.limitSort()
	q.printEarly()
	q.require()
}

// filterEarly moves each condition before the assignments it does not read, so
// that they are computed for the rows left.
func (q *Query) filterEarly() {
	for i := 1; i < len(q.steps); i++ {
		cond := q.steps[i].Facts.Cond
		if cond == nil {
			continue
		}
		reads := expr.Slots(cond)
		for j := i; j > 0; j-- {
			set := q.steps[j-1].Facts.Sets
			if set == nil || slices.Contains(reads, set.To) {
				break
			}
			q.steps[j], q.steps[j-1] = q.steps[j-1], q.steps[j]
		}
	}
}

// limitSort lets a sort that is followed by a limit keep only the rows that
// will be wanted.
func (q *Query) limitSort() {
	for i := 0; i+1 < len(q.steps); i++ {
		s, ok := q.steps[i].Stage.(lang.Sorter)
		if n := q.steps[i+1].Facts.Limit; ok && n > 0 {
			s.SetLimit(n)
		}
	}
}

// printEarly lets a sort that is the last step keep rows as they are printed.
func (q *Query) printEarly() {
	if n := len(q.steps); n > 0 {
		if s, ok := q.steps[n-1].Stage.(lang.Sorter); ok {
			s.SetLast()
		}
	}
}

// require finds the literals that any event which matters must hold, from the
// conditions up to the first step that is not understood.
func (q *Query) require() {
	made := map[event.Slot]event.Slot{} // computed slot to the event's field its text is of, or None
	from := func(s event.Slot) (event.Slot, bool) {
		if src, ok := made[s]; ok {
			return src, src != event.None
		}
		switch name := q.Layout.Name(s); {
		case name == "_raw":
			return event.None, true
		case internal(name):
			return 0, false
		}
		return s, true
	}
	own := len(q.subs) == 0 // fields are those of the event, or made; no other query's rows are asked for
	auto := own             // they are so of events that json auto leaves as they are
	given := input.GivenOfAll
	for _, s := range q.steps {
		switch cond, set, takes := s.Facts.Cond, s.Facts.Sets, s.Facts.Takes; {
		case cond != nil:
			for _, r := range expr.Requires(cond, from) {
				if _, changed := made[r.Slot]; changed { // the event's value may have more to it
					r.At = expr.Anywhere
				}
				q.need = append(q.need, input.Need{Slot: r.Slot, Any: r.Witness.Any, At: r.At, Given: given})
			}
			if (own || auto) && !slices.ContainsFunc(expr.Slots(cond), func(s event.Slot) bool {
				_, ok := made[s]
				return ok || internal(q.Layout.Name(s))
			}) {
				if own {
					q.conditions = append(q.conditions, cond)
				} else {
					q.autoConditions = append(q.autoConditions, cond)
				}
			}
		case set != nil:
			src, ok := expr.Source(set.Value, from)
			if !ok {
				src = event.None
			}
			made[set.To] = src
		case takes != nil:
			own, auto, given = false, false, input.GivenOfNone
			src, ok := from(takes.From)
			for _, w := range takes.Holds {
				if ok {
					q.need = append(q.need, input.Need{Slot: src, Any: w.Any, Written: src == event.None})
				}
			}
			if !ok || len(takes.Holds) == 0 {
				return // a field may be what was taken out, or what it was before
			}
			for _, out := range takes.Outs {
				made[out] = src
			}
		default:
			if !s.Facts.OfRaw {
				return
			}
			own = false // json auto and the like read fields that stand in the raw text
			if s.Facts.AsRead {
				given = min(given, input.GivenOfAuto)
			} else {
				auto, given = false, input.GivenOfNone
			}
		}
	}
}
