package rule

import (
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// node is a condition made ready to run: its largest parts that read one field
// are atoms, computed once for each distinct value of a batch, for all rules
// that share them.
type node struct {
	op   op
	kids []*node
	atom *atom     // of opAtom
	wide expr.Expr // of opWide
}

type op uint8

const (
	opAnd op = iota
	opOr
	opNot
	opAtom
	opWide // reads several fields at once
)

// atom is a condition on one field.
type atom struct {
	id   int
	slot event.Slot
	x    expr.Expr
	fold bool // it pays to fold the value first
}

// node is a rule's condition made ready to run. That is done when it is first
// asked for: of 2,900 rules an hour's events ask a few hundred.
func (s *Set) node(rule int) *node {
	if n := s.nodes[rule].Load(); n != nil {
		return n
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.nodes[rule].Load()
	if n == nil { // nor has another worker made it in the meantime
		n = s.compile(s.conds[rule].x)
		s.nodes[rule].Store(n)
	}
	return n
}

// compile makes nodes of a condition.
func (s *Set) compile(x expr.Expr) *node {
	if slots := expr.Slots(x); len(slots) == 1 {
		return &node{op: opAtom, atom: s.atom(slots[0], x)}
	}
	switch x := x.(type) {
	case *expr.And:
		n := &node{op: opAnd}
		s.join(n, x)
		return n
	case *expr.Or:
		n := &node{op: opOr}
		s.join(n, x)
		return n
	case *expr.Not:
		return &node{op: opNot, kids: []*node{s.compile(x.X)}}
	}
	return &node{op: opWide, wide: x}
}

// join flattens what And and Or hold of their own kind.
func (s *Set) join(n *node, x expr.Expr) {
	x.Parts(func(y expr.Expr) {
		if len(expr.Slots(y)) > 1 {
			_, and := y.(*expr.And)
			_, or := y.(*expr.Or)
			if and && n.op == opAnd || or && n.op == opOr {
				s.join(n, y)
				return
			}
		}
		n.kids = append(n.kids, s.compile(y))
	})
}

func (s *Set) atom(slot event.Slot, x expr.Expr) *atom {
	a := s.atoms[x]
	if a == nil {
		a = &atom{len(s.atoms), slot, x, searches(x)}
		s.atoms[x] = a
	}
	return a
}

// searches reports whether a condition compares several patterns with a value,
// letter case aside, or looks for one all over it.
func searches(x expr.Expr) bool {
	patterns := 0
	expr.Walk(x, func(y expr.Expr) bool {
		if g, ok := y.(*expr.Glob); ok && g.Glob.Folds() {
			patterns++
			_, exact := g.Glob.Exact()
			if _, _, ends := g.Glob.Ends(); !exact && !ends {
				patterns++
			}
		}
		return patterns < 2
	})
	return patterns >= 2
}

// holds computes a node for a row.
func (r *Run) holds(n *node, b *event.Batch, row uint16) bool {
	switch n.op {
	case opAnd:
		for _, k := range n.kids {
			if !r.holds(k, b, row) {
				return false
			}
		}
		return true
	case opOr:
		for _, k := range n.kids {
			if r.holds(k, b, row) {
				return true
			}
		}
		return false
	case opNot:
		return !r.holds(n.kids[0], b, row)
	case opWide:
		x := r.wide[n]
		if x == nil {
			x = expr.Compile(n.wide).Open(r.env)
			r.wide[n] = x
		}
		return x.Value(b, row).True()
	}
	return r.true(n.atom, b, row)
}

// true computes an atom for a row.
func (r *Run) true(a *atom, b *event.Batch, row uint16) bool {
	if int(a.slot) >= len(b.Cols) {
		return r.trueOfNull(a)
	}
	c := &b.Cols[a.slot]
	if int(row) >= len(c.Code) || c.Code[row] == 0 {
		return r.trueOfNull(a)
	}
	code := c.Code[row]
	id := r.value(a.slot, c, code).id
	v := r.verdict(id, a.id)
	if v.value != id || v.atom != int32(a.id) {
		*v = verdict{id, int32(a.id), r.single.True(a.x, c.Dict[code], a.fold)}
	}
	return v.yes
}

// trueOfNull computes an atom for an event that does not have its field.
func (r *Run) trueOfNull(a *atom) bool {
	for len(r.ofNull) <= a.id {
		r.ofNull = append(r.ofNull, isOpen)
	}
	if r.ofNull[a.id] == isOpen {
		r.ofNull[a.id] = isFalse
		if r.single.True(a.x, event.Value{}, false) {
			r.ofNull[a.id] = isTrue
		}
	}
	return r.ofNull[a.id] == isTrue
}

// truth is three-valued: what is known of a condition before a row is looked at.
type truth int8

const (
	isFalse truth = -1
	isOpen  truth = 0
	isTrue  truth = 1
)

// settle computes a node as far as the given fields decide it.
func (s *Set) settle(single *expr.Single, n *node, known map[event.Slot]event.Value) truth {
	switch n.op {
	case opAnd, opOr:
		// The value that decides, and what is left when no operand has it.
		decides := isTrue
		if n.op == opAnd {
			decides = isFalse
		}
		out := -decides
		for _, k := range n.kids {
			switch t := s.settle(single, k, known); t {
			case decides:
				return t
			case isOpen:
				out = isOpen
			}
		}
		return out
	case opNot:
		return -s.settle(single, n.kids[0], known)
	case opWide:
		return isOpen
	}
	v, ok := known[n.atom.slot]
	switch {
	case !ok:
		return isOpen
	case single.True(n.atom.x, v, false):
		return isTrue
	}
	return isFalse
}
