package rule

import (
	"github.com/gyoji-dev/gyoji/event"
	"github.com/gyoji-dev/gyoji/expr"
	"github.com/gyoji-dev/gyoji/match"
)

// need is one thing of which an event must have at least one to match a rule: a
// field whose value holds a literal, letter case aside.
type need struct {
	slot    event.Slot
	literal string
}

// cost guesses how many events have one of some needs by accident.
func cost(ns []need) (sum float64) {
	// Each literal makes the index larger: of two that are as rare, the fewer.
	const weight = 1e-7
	for _, n := range ns {
		sum += match.Rate(n.literal) + weight
	}
	return sum
}

// needs finds alternatives of which any matching event has one; ok is false when
// nothing is known. The analysis only ever weakens: Not gives nothing.
func (s *Set) needs(x expr.Expr) (ns []need, ok bool) {
	switch x := x.(type) {
	case *expr.And:
		a, okA := s.needs(x.X)
		b, okB := s.needs(x.Y)
		if !okA || okB && cost(b) < cost(a) {
			return b, okB
		}
		return a, okA
	case *expr.Or:
		a, okA := s.needs(x.X)
		if !okA {
			return nil, false
		}
		b, okB := s.needs(x.Y)
		if !okB {
			return nil, false
		}
		return append(a[:len(a):len(a)], b...), true
	case *expr.Glob:
		best := ""
		for _, l := range x.Glob.Literals() {
			if best == "" || match.Rate(l) < match.Rate(best) {
				best = l
			}
		}
		if best != "" {
			return s.within(x.X, best)
		}
	case *expr.Regexp:
		if any := x.Re.Literals(); any != nil {
			return s.within(x.X, any...)
		}
	}
	return nil, false
}

// within is needs of the fields in which the text of x stands. Fields that route
// are not indexed: they are looked at before.
func (s *Set) within(x expr.Expr, literals ...string) ([]need, bool) {
	fields := []expr.Expr{x}
	if c, ok := x.(*expr.Call); ok && c.Name == digestCall {
		fields = c.Args
	}
	var ns []need
	for _, x := range fields {
		f, ok := x.(*expr.Field)
		if !ok || s.routes(f.Slot) {
			return nil, false
		}
		for _, l := range literals {
			ns = append(ns, need{f.Slot, l})
		}
	}
	return ns, true
}

func (s *Set) routes(slot event.Slot) bool {
	return slot == s.scope.channel || slot == s.scope.provider || slot == s.scope.id
}

// slotIndex tells for a value of a field which rules it makes candidates.
type slotIndex struct {
	slot     event.Slot
	literals *match.Grams
	rules    [][]int32 // by literal
}

// build turns the rules' needs inside out.
func (s *Set) build() {
	type entry struct {
		ids      map[string]int
		literals []string
		rules    [][]int32
	}
	bySlot := map[event.Slot]*entry{}
	var order []event.Slot
	for i := range s.rules {
		ns, ok := s.needs(s.rules[i].cond)
		if !ok {
			continue
		}
		s.indexed[i] = true
		for _, n := range ns {
			e := bySlot[n.slot]
			if e == nil {
				e = &entry{ids: map[string]int{}}
				bySlot[n.slot] = e
				order = append(order, n.slot)
			}
			l := match.Fold(n.literal)
			id, ok := e.ids[l]
			if !ok {
				id = len(e.literals)
				e.ids[l] = id
				e.literals = append(e.literals, l)
				e.rules = append(e.rules, nil)
			}
			if rs := e.rules[id]; len(rs) == 0 || rs[len(rs)-1] != int32(i) {
				e.rules[id] = append(rs, int32(i))
			}
		}
		s.slotsOf[i] = slotsOf(ns)
	}
	for i, slot := range order {
		e := bySlot[slot]
		s.slotIndex[slot] = i
		s.index = append(s.index, slotIndex{slot, match.NewGrams(e.literals), e.rules})
	}
}

func slotsOf(ns []need) (out []event.Slot) {
next:
	for _, n := range ns {
		for _, o := range out {
			if o == n.slot {
				continue next
			}
		}
		out = append(out, n.slot)
	}
	return out
}
