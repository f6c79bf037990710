package query

import (
	"github.com/gyoji-dev/gyoji/event"
	"github.com/gyoji-dev/gyoji/expr"
	"github.com/gyoji-dev/gyoji/lang"
	"github.com/gyoji-dev/gyoji/syntax"
)

// Reading is a query read as logic: what must hold of an event for it to come
// out, and what the fields made on the way are, all in terms of fields that the
// event has or that a stage Reading cannot look into has made.
type Reading struct {
	Conditions []Clause
	Fields     map[event.Slot]expr.Expr
	// Opaque are the stages that are more than conditions and assignments.
	Opaque []string
	// Before is the reading of the rows that a stage of these has grouped,
	// joined or counted; Conditions and Fields are of what it made of them.
	Before *Reading
}

// Clause is a condition and the stage it stands in; nil for the search expression.
type Clause struct {
	Cond  expr.Expr
	Stage *syntax.Stage
}

// Read reads the query as logic about the rows that come out of it.
func (q *Query) Read() *Reading {
	r := &Reading{Fields: map[event.Slot]expr.Expr{}}
	known := func(f *expr.Field) expr.Expr { return r.Fields[f.Slot] } // r as it is then
	for _, s := range q.steps {
		switch st := s.Stage.(type) {
		case lang.Condition:
			r.Conditions = append(r.Conditions, Clause{expr.Replace(st.Cond(), known), s.Syntax})
		case lang.Assignment:
			out, x := st.Assigns()
			if x != nil {
				r.Fields[out] = expr.Replace(x, known)
			}
		case lang.FieldsOfRaw:
		default:
			if s.Flow != lang.Streams {
				if s.Name != "sort" && s.Name != "newest first" {
					r = &Reading{Fields: map[event.Slot]expr.Expr{}, Opaque: append(r.Opaque, s.Name), Before: r}
				}
				continue
			}
			if s.Name != "fields" {
				r.Opaque = append(r.Opaque, s.Name)
			}
		}
	}
	return r
}
