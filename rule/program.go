package rule

import (
	"github.com/gyoji-dev/gyoji/event"
	"github.com/gyoji-dev/gyoji/expr"
)

// node is a condition made ready to run: its largest parts that read one field
// are atoms, computed once for each distinct value of a batch, for all rules
// that share them.
type node struct {
	op   op
	kids []*node
	atom int       // of opAtom
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
	slot event.Slot
	x    expr.Expr
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

func (s *Set) atom(slot event.Slot, x expr.Expr) int {
	if i, ok := s.atomOf[x]; ok {
		return i
	}
	i := len(s.atoms)
	s.atoms = append(s.atoms, atom{slot, x})
	s.atomOf[x] = i
	return i
}

// memo is what is known of an atom for the values of the batch at hand.
type memo struct {
	batch uint64 // that known is for
	known []byte // by code of the dictionary: unknown, no, yes
}

const (
	unknown byte = iota
	no
	yes
)

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
		return r.wide[n].Value(b, row).True()
	}
	a := &r.set.atoms[n.atom]
	var code uint16
	var dict []event.Value
	if int(a.slot) < len(b.Cols) {
		c := &b.Cols[a.slot]
		dict = c.Dict
		if int(row) < len(c.Code) {
			code = c.Code[row]
		}
	}
	m := &r.memos[n.atom]
	if m.batch != r.batch {
		m.batch = r.batch
		m.known = r.bytes(max(len(dict), 1))
	}
	if int(code) >= len(m.known) { // the texts for keywords are added on the way
		m.known = append(m.known, r.bytes(len(dict)-len(m.known))...)
	}
	k := m.known[code]
	if k == unknown {
		var v event.Value
		if int(code) < len(dict) {
			v = dict[code]
		}
		k = no
		if r.single.True(a.x, v) {
			k = yes
		}
		m.known[code] = k
	}
	return k == yes
}

// bytes takes n zero bytes from the arena of the batch.
func (r *Run) bytes(n int) []byte {
	if cap(r.arena)-len(r.arena) < n {
		r.arena = make([]byte, 0, max(2*cap(r.arena), 64<<10, n))
	}
	at := len(r.arena)
	r.arena = r.arena[:at+n]
	out := r.arena[at : at+n : at+n]
	clear(out)
	return out
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
	a := s.atoms[n.atom]
	v, ok := known[a.slot]
	switch {
	case !ok:
		return isOpen
	case single.True(a.x, v):
		return isTrue
	}
	return isFalse
}
