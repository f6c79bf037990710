package jsondoc

import (
	"bytes"
	"regexp"
	"strconv"
)

// condition is the test of a path's [?(...)].
type condition interface{ holds(w *walk, v Value) bool }

type (
	or     struct{ a, b condition }
	and    struct{ a, b condition }
	not    struct{ a condition }
	exists struct{ operand }
)

func (c or) holds(w *walk, v Value) bool     { return c.a.holds(w, v) || c.b.holds(w, v) }
func (c and) holds(w *walk, v Value) bool    { return c.a.holds(w, v) && c.b.holds(w, v) }
func (c not) holds(w *walk, v Value) bool    { return !c.a.holds(w, v) }
func (c exists) holds(w *walk, v Value) bool { return c.of(w, v).Kind != Missing }

// comparison compares values as JSONPath does in Java: a number and text that
// reads as one are equal when the numbers are, other kinds only when they are
// the same. What the path does not lead to is equal to nothing.
type comparison struct {
	left, right operand
	op          string
	list        []operand      // of in and nin
	re          *regexp.Regexp // of =~; it must match the whole text
}

// operand is a path from the element tested, or a constant.
type operand struct {
	path  *Path
	value Value
}

func literal(k Kind, text string) operand {
	v := Value{k, []byte(text)}
	if k == String {
		v.Raw = AppendString(nil, text)
		v.Raw = v.Raw[1 : len(v.Raw)-1]
	}
	return operand{value: v}
}

func (o operand) of(w *walk, v Value) Value {
	if o.path == nil {
		return o.value
	}
	got, _ := o.path.from(w, v)
	return got
}

func (c comparison) holds(w *walk, v Value) bool {
	a := c.left.of(w, v)
	switch c.op {
	case "=~":
		return (a.Kind == String || a.Kind == Number) && c.re.Match(a.AppendText(nil))
	case "in", "nin":
		for _, o := range c.list {
			if equal(a, o.of(w, v)) {
				return c.op == "in"
			}
		}
		return c.op == "nin"
	}
	b := c.right.of(w, v)
	switch c.op {
	case "==":
		return equal(a, b)
	case "!=":
		return !equal(a, b)
	}
	d, ok := order(a, b)
	if !ok {
		return false
	}
	switch c.op {
	case "<":
		return d < 0
	case "<=":
		return d <= 0
	case ">":
		return d > 0
	}
	return d >= 0
}

func equal(a, b Value) bool {
	if a.Kind == Missing || b.Kind == Missing {
		return false
	}
	if d, ok := order(a, b); ok {
		return d == 0
	}
	return a.Kind == b.Kind && string(a.Raw) == string(b.Raw)
}

// order compares numbers and texts.
func order(a, b Value) (int, bool) {
	if a.Kind != Number && a.Kind != String || b.Kind != Number && b.Kind != String {
		return 0, false
	}
	x, y := a.AppendText(nil), b.AppendText(nil)
	if a.Kind == Number || b.Kind == Number {
		f, err1 := strconv.ParseFloat(string(x), 64)
		g, err2 := strconv.ParseFloat(string(y), 64)
		if err1 != nil || err2 != nil {
			return 0, false
		}
		switch {
		case f < g:
			return -1, true
		case f > g:
			return 1, true
		}
		return 0, f == g
	}
	return bytes.Compare(x, y), true
}
