package expr

import (
	"math"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Op is a comparison or arithmetic operator.
type Op uint8

const (
	Eq Op = iota
	Ne
	Lt
	Le
	Gt
	Ge
	Add
	Sub
	Mul
	Div
	Mod
)

// Compare is x op y for the six comparisons, with the coercions of spec B.3 and
// the nulls of B.4.
type Compare struct {
	Op   Op
	X, Y Expr
	Each Each // of X
}

func (x *Compare) Eval(f *Frame) event.Value {
	a, b := x.X.Eval(f), x.Y.Eval(f)
	if a.IsDrop() || b.IsDrop() {
		return event.Drop
	}
	if x.Each.several(a) {
		return event.Bool(f.some(a, x.Each, func(v event.Value) bool { return Holds(x.Op, v, b) }))
	}
	return event.Bool(Holds(x.Op, a, b))
}
func (x *Compare) Parts(each func(Expr)) { each(x.X); each(x.Y) }

// Holds reports whether a op b. Any comparison with null is false but !=, which
// is the opposite of = (OP-10).
func Holds(op Op, a, b event.Value) bool {
	if op == Ne {
		return !Holds(Eq, a, b)
	}
	if a.IsNull() || b.IsNull() {
		return false
	}
	if a.Kind() == event.String && b.Kind() == event.String {
		if op == Eq {
			return a.Str() == b.Str()
		}
		return ordered(op, strings.Compare(a.Str(), b.Str()))
	}
	if a.Kind() == event.Boolean || b.Kind() == event.Boolean {
		if a.Kind() == event.String || b.Kind() == event.String { // OP-52
			if op == Eq {
				return a.Str() == b.Str()
			}
			return ordered(op, strings.Compare(a.Str(), b.Str()))
		}
	}
	c, ok := event.CompareNumbers(a, b)
	return ok && ordered(op, c)
}

func ordered(op Op, c int) bool {
	switch op {
	case Eq:
		return c == 0
	case Lt:
		return c < 0
	case Le:
		return c <= 0
	case Gt:
		return c > 0
	case Ge:
		return c >= 0
	}
	return false
}

// Arith is x op y for + - * / %. Text is cast to a number; null, and text that
// is none, give null (OP-8).
type Arith struct {
	Op   Op
	X, Y Expr
}

func (x *Arith) Eval(f *Frame) event.Value {
	a, b := x.X.Eval(f), x.Y.Eval(f)
	if a.IsDrop() || b.IsDrop() {
		return event.Drop
	}
	return Calculate(x.Op, a, b)
}
func (x *Arith) Parts(each func(Expr)) { each(x.X); each(x.Y) }

// Calculate applies an arithmetic operator. Whole numbers stay whole but for
// division, and become doubles where they would not fit. So does text of more
// digits than a double holds.
func Calculate(op Op, a, b event.Value) event.Value {
	i, ok := whole(a)
	j, ok2 := whole(b)
	if ok && ok2 && op != Div {
		switch op {
		case Add:
			if s := i + j; (s > i) == (j > 0) {
				return event.Int(s)
			}
		case Sub:
			if s := i - j; (s < i) == (j > 0) {
				return event.Int(s)
			}
		case Mul:
			if i == 0 || j == 0 {
				return event.Int(0)
			}
			if p := i * j; p/j == i && !(i == -1 && j == math.MinInt64) && !(j == -1 && i == math.MinInt64) {
				return event.Int(p)
			}
		case Mod:
			if j != 0 && j != -1 {
				return event.Int(i % j)
			}
			if j == -1 {
				return event.Int(0)
			}
		}
	}
	x, ok := a.Float()
	y, ok2 := b.Float()
	if !ok || !ok2 {
		return event.Value{}
	}
	switch op {
	case Add:
		return event.Float(x + y)
	case Sub:
		return event.Float(x - y)
	case Mul:
		return event.Float(x * y)
	case Div:
		return event.Float(x / y)
	case Mod:
		return event.Float(math.Mod(x, y))
	}
	panic("bug: expr: not an arithmetic operator")
}

// whole is a whole number that has to be reckoned with as one.
func whole(v event.Value) (int64, bool) {
	k, bits, text := v.Parts()
	if k == event.Long || k == event.Date {
		return int64(bits), true
	}
	if len(text) < 16 { // 2^53 has as many digits
		return 0, false
	}
	i, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	return i, err == nil
}

// Neg is -x.
type Neg struct{ X Expr }

func (x *Neg) Eval(f *Frame) event.Value {
	v := x.X.Eval(f)
	if v.IsDrop() {
		return v
	}
	return Calculate(Sub, event.Int(0), v)
}
func (x *Neg) Parts(each func(Expr)) { each(x.X) }

// IsNull is the meaning of a comparison with the literal null (OP-10).
type IsNull struct {
	X    Expr
	Each Each
}

func (x *IsNull) Eval(f *Frame) event.Value {
	v := x.X.Eval(f)
	if v.IsDrop() {
		return v
	}
	if x.Each.several(v) {
		return event.Bool(f.some(v, x.Each, event.Value.IsNull))
	}
	return event.Bool(v.IsNull())
}
func (x *IsNull) Parts(each func(Expr)) { each(x.X) }

// In is x in (a, b, ...): equal to one of them, without casts (spec B.3, 4).
type In struct {
	X    Expr
	List []Expr
}

func (x *In) Eval(f *Frame) event.Value {
	v := x.X.Eval(f)
	if v.IsDrop() {
		return v
	}
	for _, y := range x.List {
		w := y.Eval(f)
		if w.IsDrop() {
			return w
		}
		if same(v, w) {
			return event.Bool(true)
		}
	}
	return event.Bool(false)
}
func (x *In) Parts(each func(Expr)) {
	each(x.X)
	for _, y := range x.List {
		each(y)
	}
}

// same is equality without casts: text with text, numbers with numbers.
func same(a, b event.Value) bool {
	if a.IsNull() || b.IsNull() || (a.Kind() == event.String) != (b.Kind() == event.String) {
		return false
	}
	return Holds(Eq, a, b)
}
