package convert

import (
	"fmt"
	"slices"

	"github.com/gyoji-dev/gyoji/sigma"
)

// An And of nothing is true, an Or of nothing false.

func isTrue(c Cond) bool {
	a, ok := c.(*And)
	return ok && len(a.Of) == 0
}

func isFalse(c Cond) bool {
	o, ok := c.(*Or)
	return ok && len(o.Of) == 0
}

// allOf is and without what says nothing: what is true, what stands twice, and
// that a field exists where another part asks for its value.
func allOf(of []Cond) Cond {
	flat := parts(of, func(c Cond) ([]Cond, bool) { a, ok := c.(*And); return a.of(), ok })
	if slices.ContainsFunc(flat, isFalse) {
		return &Or{}
	}
	flat = slices.DeleteFunc(flat, func(c Cond) bool {
		field, ok := exists(c)
		return ok && slices.ContainsFunc(flat, func(d Cond) bool { return asks(d, field) })
	})
	if len(flat) == 1 {
		return flat[0]
	}
	return &And{flat}
}

// anyOf is or without what says nothing.
func anyOf(of []Cond) Cond {
	flat := parts(of, func(c Cond) ([]Cond, bool) { o, ok := c.(*Or); return o.of(), ok })
	if slices.ContainsFunc(flat, isTrue) {
		return &And{}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return &Or{flat}
}

func (a *And) of() []Cond {
	if a == nil {
		return nil
	}
	return a.Of
}

func (o *Or) of() []Cond {
	if o == nil {
		return nil
	}
	return o.Of
}

// parts puts those of the same kind in a row, each comparison once.
func parts(of []Cond, inner func(Cond) ([]Cond, bool)) (flat []Cond) {
	seen := map[string]bool{}
	add := func(c Cond) {
		key := comparison(c)
		if key == "" || !seen[key] {
			seen[key] = true
			flat = append(flat, c)
		}
	}
	for _, c := range of {
		if more, ok := inner(c); ok {
			for _, d := range more {
				add(d)
			}
		} else {
			add(c)
		}
	}
	return flat
}

// comparison is the same for comparisons that are; "" for any other condition.
func comparison(c Cond) string {
	switch c := c.(type) {
	case *Match:
		return fmt.Sprintf("%s\x00%#v", c.Field, c.Value)
	case *Not:
		if m, ok := c.X.(*Match); ok {
			return "not " + comparison(m)
		}
	}
	return ""
}

func negate(c Cond) Cond {
	switch c := c.(type) {
	case nil:
		return nil
	case *Not:
		return c.X
	case *And:
		if len(c.Of) == 0 {
			return &Or{}
		}
	case *Or:
		if len(c.Of) == 0 {
			return &And{}
		}
	}
	return &Not{c}
}

// exists reads a condition that a field has a value.
func exists(c Cond) (field string, ok bool) {
	n, ok := c.(*Not)
	if !ok {
		return "", false
	}
	m, ok := n.X.(*Match)
	if !ok {
		return "", false
	}
	_, null := m.Value.(sigma.Null)
	return m.Field, null
}

// asks reports whether a condition holds only of events that have a field.
func asks(c Cond, field string) bool {
	switch c := c.(type) {
	case *Match:
		switch v := c.Value.(type) {
		case sigma.Null:
			return false
		case sigma.Exists:
			return c.Field == field && bool(v)
		}
		return c.Field == field
	case *And:
		return slices.ContainsFunc(c.Of, func(d Cond) bool { return asks(d, field) })
	case *Or:
		return len(c.Of) > 0 && !slices.ContainsFunc(c.Of, func(d Cond) bool { return !asks(d, field) })
	}
	return false
}
