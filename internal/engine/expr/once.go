package expr

import "github.com/gyoji-dev/gyoji/internal/text/event"

// Once is a part that stands in several places of an expression, as the
// attribute of a record that many values are compared with. A program computes
// it once a row, for all places that share the node.
type Once struct{ X Expr }

func (x *Once) Eval(f *Frame) event.Value { return x.X.Eval(f) }

func (x *Once) Parts(each func(Expr)) { each(x.X) }

// onceARow is a Once as a program runs it.
type onceARow struct {
	X  Expr
	id int
}

// rowValue is what a Once came to in one row.
type rowValue struct {
	value event.Value
	row   uint16
	known bool
}

// once readies a part that several places share. What reads one field needs no
// more than to be computed once per distinct value.
func (p *Program) once(x *Once) Expr {
	if o, ok := p.onces[x]; ok {
		return o
	}
	y := p.memoize(x.X)
	switch y.(type) {
	case *Field, *Const, *memoized:
		return y
	}
	if p.onces == nil {
		p.onces = map[*Once]*onceARow{}
	}
	o := &onceARow{X: y, id: len(p.onces)}
	p.onces[x] = o
	return o
}

func (x *onceARow) Parts(each func(Expr)) { each(x.X) }

func (x *onceARow) Eval(f *Frame) event.Value {
	v := &f.onces[x.id]
	if !v.known || v.row != f.row {
		*v = rowValue{x.X.Eval(f), f.row, true}
	}
	return v.value
}
