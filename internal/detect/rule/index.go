package rule

import (
	"slices"
	"strings"
	"sync/atomic"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// need is one thing of which an event must have at least one to match a rule: a
// field whose value holds a literal, letter case aside.
type need struct {
	slot    event.Slot
	literal string
}

// weight is what each literal costs beside the events that have it, as it makes
// the index larger: of two needs that are as rare, the one with fewer.
const weight = 1e-7

// needs appends alternatives of which any event that matches a condition has
// one, and guesses how many events have one by accident; ok is false when nothing
// is known. The analysis only ever weakens: Not gives nothing.
func (s *Set) needs(ns []need, x expr.Expr) (_ []need, cost float64, ok bool) {
	start := len(ns)
	switch x := x.(type) {
	case *expr.And:
		ns, cost, ok = s.needs(ns, x.X)
		mid := len(ns)
		ns, costY, okY := s.needs(ns, x.Y)
		if okY && (!ok || costY < cost) {
			return ns[:start+copy(ns[start:], ns[mid:])], costY, true
		}
		return ns[:mid], cost, ok
	case *expr.Or:
		if ns, cost, ok = s.needs(ns, x.X); !ok {
			return ns, 0, false
		}
		ns, costY, ok := s.needs(ns, x.Y)
		if !ok {
			return ns[:start], 0, false
		}
		return ns, cost + costY, true
	case *expr.Glob:
		if l := x.Glob.Rarest(); l != "" {
			return s.within(ns, x.X, l)
		}
	case *expr.Regexp:
		if any := x.Re.Literals(); any != nil {
			return s.within(ns, x.X, any...)
		}
	case *expr.Contains:
		if c, ok := x.Y.(*expr.Const); ok && c.Value.Kind() == event.String && c.Value.Str() != "" {
			return s.within(ns, x.X, c.Value.Str())
		}
	case *expr.Compare:
		if x.Op != expr.Eq {
			break
		}
		for _, side := range [2][2]expr.Expr{{x.X, x.Y}, {x.Y, x.X}} {
			texts := texts(side[1])
			if texts == nil {
				continue
			}
			if _, number := event.ParseNumber(texts[0]); number { // of which a number is equal to other writings
				break
			}
			return s.within(ns, side[0], texts...)
		}
	case *expr.In:
		if texts := texts(x.List...); texts != nil {
			return s.within(ns, x.X, texts...)
		}
	case *expr.Call:
		if x.Name == listCall {
			if texts := texts(x.Args[1]); texts != nil {
				// Blanks and underscores are the same there: the longest part between them counts.
				parts := strings.FieldsFunc(texts[0], func(r rune) bool { return r == ' ' || r == '_' })
				if len(parts) > 0 {
					return s.within(ns, x.Args[0], slices.MaxFunc(parts, func(a, b string) int { return len(a) - len(b) }))
				}
			}
		}
	}
	return ns, 0, false
}

// listCall is the name of what asks whether listMatches has a list. No mapper fills that
// attribute: its value is an event.List.
const listCall = "array_contains of listMatches"

// texts are constants that are text and not empty; nil if one of them is not.
func texts(of ...expr.Expr) (out []string) {
	for _, x := range of {
		c, ok := x.(*expr.Const)
		if !ok || c.Value.Kind() != event.String || c.Value.Str() == "" {
			return nil
		}
		out = append(out, c.Value.Str())
	}
	return out
}

// within is needs of the fields in which the text of x stands. Fields that route
// are not indexed: they are looked at before.
func (s *Set) within(ns []need, x expr.Expr, literals ...string) (_ []need, cost float64, ok bool) {
	start := len(ns)
	for { // what stands in its argument word for word, letter case aside
		c, ok := x.(*expr.Call)
		if !ok || !c.Within || len(c.Args) == 0 {
			break
		}
		x = c.Args[0]
	}
	fields := []expr.Expr{x}
	if c, ok := x.(*expr.Call); ok && c.Name == digestCall {
		fields = c.Args
	}
	for _, x := range fields {
		f, ok := x.(*expr.Field)
		if !ok || s.isRoute(f.Slot) {
			return ns[:start], 0, false
		}
		for _, l := range literals {
			ns = append(ns, need{f.Slot, l})
			cost += match.Rate(l) + weight
		}
	}
	return ns, cost, true
}

func (s *Set) isRoute(slot event.Slot) bool { return slices.Contains(s.routes, slot) }

// slotIndex tells for a value of a field which rules it makes candidates.
type slotIndex struct {
	slot     event.Slot
	literals *match.Grams
	first    []uint32 // by literal: where its rules begin
	rules    []int32
}

// of are the rules that a literal makes candidates.
func (x *slotIndex) of(literal int) []int32 { return x.rules[x.first[literal]:x.first[literal+1]] }

// build turns the conditions' needs inside out.
func (s *Set) build() {
	s.atoms, s.slotIndex = map[expr.Expr]*atom{}, map[event.Slot]int{}
	s.nodes, s.broken = make([]atomic.Pointer[node], len(s.conds)), make([]atomic.Bool, len(s.conds))
	needs := make([][]need, len(s.conds))
	s.indexed, s.slotsOf = make([]bool, len(s.conds)), make([][]event.Slot, len(s.conds))
	atOnce(len(s.conds), 16, func(i int) {
		if needs[i], _, s.indexed[i] = s.needs(nil, s.conds[i].x); s.indexed[i] {
			s.slotsOf[i] = slotsOf(needs[i])
		}
	})
	var all []*slotNeeds
	for i := range s.conds {
		for _, n := range needs[i] {
			at, ok := s.slotIndex[n.slot]
			if !ok {
				at = len(all)
				s.slotIndex[n.slot] = at
				all = append(all, &slotNeeds{slot: n.slot})
			}
			all[at].literals, all[at].rules = append(all[at].literals, n.literal), append(all[at].rules, int32(i))
		}
	}
	s.index = make([]slotIndex, len(all))
	// A few fields have most of the literals: those with most come first, so that
	// none is left for the end.
	largest := slices.Clone(all)
	slices.SortStableFunc(largest, func(a, b *slotNeeds) int { return len(b.literals) - len(a.literals) })
	atOnce(len(largest), 1, func(i int) {
		n := largest[i]
		s.index[s.slotIndex[n.slot]] = n.index()
	})
}

// slotNeeds are the needs of one field, and whose they are, in the order of the rules.
type slotNeeds struct {
	slot     event.Slot
	literals []string
	rules    []int32
}

func (n *slotNeeds) index() slotIndex {
	ids := make(map[string]int32, len(n.literals))
	var literals []string
	of := make([]int32, len(n.literals)) // the literal's number, by need
	for i, l := range n.literals {
		l = match.Fold(l)
		id, ok := ids[l]
		if !ok {
			id = int32(len(literals))
			ids[l] = id
			literals = append(literals, l)
		}
		of[i] = id
	}
	x := slotIndex{slot: n.slot, first: make([]uint32, len(literals)+1), rules: make([]int32, len(n.rules))}
	for _, id := range of {
		x.first[id+1]++
	}
	for id := range literals {
		x.first[id+1] += x.first[id]
	}
	end := slices.Clone(x.first)
	for i, id := range of {
		x.rules[end[id]] = n.rules[i]
		end[id]++
	}
	x.literals = match.NewGrams(literals)
	return x
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
