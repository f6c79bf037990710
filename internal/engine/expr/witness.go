package expr

import (
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// Required is one thing that must be so of any event for which a condition
// holds: the field's value (or, for event.None, the raw text) holds one of the
// witness's literals, letter case aside.
type Required struct {
	Slot    event.Slot
	Witness *match.Witness
	At      Anchor // where in the value the literal stands
}

// Anchor says where a literal stands in a value, letter case aside.
type Anchor uint8

const (
	AtStart  Anchor = 1 << iota // the value begins with it
	AtEnd                       // the value ends with it
	Anywhere Anchor = 0
	Whole           = AtStart | AtEnd // the value is the literal and nothing more
	Words    Anchor = 1 << 7          // no letter and no digit stands before or behind it where it begins or ends with one
)

// Holds reports whether a value has the literal where the anchor says, letter case aside.
func (a Anchor) Holds(value, literal string) bool {
	value, literal = match.Fold(value), match.Fold(literal)
	switch a {
	case Whole:
		return value == literal
	case AtStart:
		return strings.HasPrefix(value, literal)
	case AtEnd:
		return strings.HasSuffix(value, literal)
	}
	return strings.Contains(value, literal)
}

// Requirer is a node of another package that requires something itself.
type Requirer interface {
	Required() (event.Slot, *match.Witness)
}

// Origin tells which field of the event a slot's text comes from, whole or as
// what it is found within; ok is false when it is computed otherwise.
type Origin func(event.Slot) (source event.Slot, ok bool)

// Requires lists what must be so if x is true: an AND of alternatives. Nothing
// is always sound; the analysis only ever weakens.
func Requires(x Expr, from Origin) []Required {
	switch x := x.(type) {
	case *And:
		return append(Requires(x.X, from), Requires(x.Y, from)...)
	case *Or:
		return either(Requires(x.X, from), Requires(x.Y, from))
	case *If:
		if c, ok := x.Then.(*Const); ok && c.Value.True() {
			if c, ok := x.Else.(*Const); ok && !c.Value.True() {
				return Requires(x.Cond, from)
			}
		}
	case *Glob:
		w := literals(x.Glob.Literals())
		return anchored(x.X, w, globAnchor(x.Glob, w), from)
	case *Regexp:
		if any := x.Re.Literals(); any != nil {
			return within(x.X, &match.Witness{Any: any}, from)
		}
	case *Compare:
		if x.Op != Eq {
			break
		}
		for _, side := range [2][2]Expr{{x.X, x.Y}, {x.Y, x.X}} {
			if c, ok := side[1].(*Const); ok && c.Value.Kind() == event.String {
				return anchored(side[0], literals([]string{c.Value.Str()}), Whole, from)
			}
		}
	case *In:
		var any []string
		for _, y := range x.List {
			c, ok := y.(*Const)
			if !ok || c.Value.Kind() != event.String || c.Value.Str() == "" {
				return nil
			}
			any = append(any, c.Value.Str())
		}
		return anchored(x.X, &match.Witness{Any: any}, Whole, from)
	case *Contains:
		if c, ok := x.Y.(*Const); ok && c.Value.Kind() == event.String {
			return within(x.X, literals([]string{c.Value.Str()}), from)
		}
	case Requirer:
		if slot, w := x.Required(); w != nil {
			r := Required{Slot: slot, Witness: w}
			if x, ok := x.(interface{ WholeWords() bool }); ok && x.WholeWords() {
				r.At = Words
			}
			return []Required{r}
		}
	}
	return nil
}

// literals is the witness of text that must hold every one of some pieces: the
// most telling piece.
func literals(pieces []string) *match.Witness {
	var w *match.Witness
	for _, p := range pieces {
		if p != "" {
			w = match.And(w, &match.Witness{Any: []string{p}})
		}
	}
	return w
}

// within is the requirement that the text of x holds w, if x is a field or
// stands within one.
func within(x Expr, w *match.Witness, from Origin) []Required {
	if w == nil {
		return nil
	}
	if s, ok := Source(x, from); ok {
		return []Required{{Slot: s, Witness: w}}
	}
	return nil
}

// anchored is within where one of w's literals stands at a place of the text of x.
func anchored(x Expr, w *match.Witness, at Anchor, from Origin) []Required {
	rs := within(x, w, from)
	if f, ok := x.(*Field); ok && len(rs) > 0 && rs[0].Slot == f.Slot { // else it may be a part of the event's
		rs[0].At = at
	}
	return rs
}

// globAnchor is where a literal of a pattern stands in what matches.
func globAnchor(g *match.Glob, w *match.Witness) (at Anchor) {
	if w == nil || len(w.Any) != 1 {
		return Anywhere
	}
	if text, ok := g.Exact(); ok && match.Fold(text) == match.Fold(w.Any[0]) {
		return Whole
	}
	switch first, last, _ := g.Ends(); match.Fold(w.Any[0]) {
	case match.Fold(first):
		return AtStart
	case match.Fold(last):
		return AtEnd
	}
	return Anywhere
}

// Source returns the event's field that the text of x is found within, letter
// case aside.
func Source(x Expr, from Origin) (event.Slot, bool) {
	switch x := x.(type) {
	case *Field:
		return from(x.Slot)
	case *Call:
		if x.Within && len(x.Args) > 0 {
			return Source(x.Args[0], from)
		}
	}
	return event.None, false
}

// either requires of two branches what both do: requirements on the same field
// are put together, the others lost. Requirements on different fields still
// make one on the raw text.
func either(a, b []Required) []Required {
	if len(a) == 0 || len(b) == 0 {
		return nil
	}
	var out []Required
	b = telling(b)
	for _, p := range telling(a) {
		for _, q := range b {
			if p.Slot == q.Slot {
				if w := match.Or(p.Witness, q.Witness); w != nil {
					out = append(out, Required{p.Slot, w, p.At & q.At})
				}
			}
		}
	}
	return out
}

// telling keeps of the requirements on each field those that the fewest events
// will meet by accident, requiredMax at most, in their order.
func telling(rs []Required) []Required {
	if len(rs) <= requiredMax {
		return rs
	}
	rates := make([]float64, len(rs))
	for i, r := range rs {
		for _, s := range r.Witness.Any {
			rates[i] += match.Rate(s)
		}
	}
	var out []Required
	for i, r := range rs {
		better := 0
		for j, o := range rs {
			if o.Slot == r.Slot && (rates[j] < rates[i] || rates[j] == rates[i] && j < i) {
				better++
			}
		}
		if better < requiredMax {
			out = append(out, r)
		}
	}
	return out
}
