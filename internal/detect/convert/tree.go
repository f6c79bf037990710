package convert

import (
	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/sigma"
)

// Cond is a condition: *And, *Or, *Not or *Match.
type Cond interface{ cond() }

// And holds when all of its parts do, Or when one does, Not when X does not.
type (
	And struct{ Of []Cond }
	Or  struct{ Of []Cond }
	Not struct{ X Cond }
)

// Match is a field compared with a value; without a field the value is looked
// for in the whole event.
type Match struct {
	Field string
	Value sigma.Value
	Span  diag.Span
	Type  mapping.Type // of the field, once it is one of the target's
}

func (*And) cond()   {}
func (*Or) cond()    {}
func (*Not) cond()   {}
func (*Match) cond() {}

// Tree is a rule's condition with its searches put in their places. Several
// conditions are alternatives.
func Tree(r *sigma.Rule) Cond {
	var any []Cond
	for _, c := range r.Conditions {
		any = append(any, condition(c.Expr))
	}
	return or(any)
}

func condition(x sigma.Expr) Cond {
	switch x := x.(type) {
	case *sigma.And:
		var of []Cond
		for _, y := range x.Of {
			of = append(of, condition(y))
		}
		return and(of)
	case *sigma.Or:
		var of []Cond
		for _, y := range x.Of {
			of = append(of, condition(y))
		}
		return or(of)
	case *sigma.Not:
		return &Not{condition(x.X)}
	case *sigma.Use:
		return item(x.Search.Item)
	case *sigma.Of:
		var of []Cond
		for _, s := range x.Searches {
			of = append(of, item(s.Item))
		}
		if x.All {
			return and(of)
		}
		return or(of)
	}
	panic("bug: convert: unknown condition")
}

// item reads a search: a map, a list of maps, or keywords.
func item(i sigma.Item) Cond {
	switch i := i.(type) {
	case *sigma.Group:
		var of []Cond
		for _, x := range i.Items {
			of = append(of, item(x))
		}
		if i.All {
			return and(of)
		}
		return or(of)
	case *sigma.Test:
		var of []Cond
		for _, v := range i.Values {
			of = append(of, value(i, v))
		}
		var c Cond
		if i.All {
			c = and(of)
		} else {
			c = or(of)
		}
		if i.Not {
			c = &Not{c}
		}
		return c
	}
	panic("bug: convert: unknown item")
}

func value(t *sigma.Test, v sigma.Value) Cond {
	if any, ok := v.(sigma.AnyOf); ok {
		var of []Cond
		for _, w := range any {
			of = append(of, value(t, w))
		}
		return or(of)
	}
	return &Match{Field: t.Field, Value: v, Span: t.Span}
}

// and and or leave out nesting of the same kind and parts that stand alone.
func and(of []Cond) Cond {
	var flat []Cond
	for _, c := range of {
		if a, ok := c.(*And); ok {
			flat = append(flat, a.Of...)
		} else {
			flat = append(flat, c)
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return &And{flat}
}

func or(of []Cond) Cond {
	var flat []Cond
	for _, c := range of {
		if o, ok := c.(*Or); ok {
			flat = append(flat, o.Of...)
		} else {
			flat = append(flat, c)
		}
	}
	if len(flat) == 1 {
		return flat[0]
	}
	return &Or{flat}
}

// positive writes that a field is not there as NOT of that it is, for languages
// whose NOT binds by rules of its own.
func positive(c Cond) Cond {
	switch c := c.(type) {
	case *And:
		of := make([]Cond, len(c.Of))
		for i, x := range c.Of {
			of[i] = positive(x)
		}
		return &And{of}
	case *Or:
		of := make([]Cond, len(c.Of))
		for i, x := range c.Of {
			of[i] = positive(x)
		}
		return &Or{of}
	case *Not:
		return &Not{positive(c.X)}
	case *Match:
		there := *c
		there.Value = sigma.Exists(true)
		if v, ok := c.Value.(sigma.Exists); ok && !bool(v) {
			return &Not{&there}
		}
		if _, ok := c.Value.(sigma.Null); ok {
			return &Not{&there}
		}
	}
	return c
}
