package query

import (
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// Reading is a query read as logic: what must hold of an event for it to come
// out, and what the fields made on the way are, all in terms of fields that the
// event has or that a stage Reading cannot look into has made.
type Reading struct {
	Conditions []Clause
	Fields     map[event.Slot]expr.Expr
	// Opaque are the stages that are more than conditions and assignments. What
	// they ask of a text is among Conditions, what they make of it is not known.
	Opaque []lang.Step
	// Unread are the assignments whose value no condition is made of.
	Unread []*syntax.Stage
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
	var fitted []expr.Expr                                             // what the nodrops of a run of parse stages ask
	loose := false                                                     // one of the run asks what is not known
	for _, s := range q.steps {
		switch cond, set, takes := s.Facts.Cond, s.Facts.Sets, s.Facts.Takes; {
		case cond != nil:
			r.Conditions = append(r.Conditions, Clause{expr.Replace(cond, known), s.Syntax})
		case set != nil:
			if set.Value != nil {
				r.Fields[set.To] = expr.Replace(set.Value, known)
			}
		default:
			if s.Facts.OfRaw {
				continue
			}
			if s.Flow != lang.Streams {
				if s.Facts.Rows != lang.Orders {
					r = &Reading{Fields: map[event.Slot]expr.Expr{}, Opaque: append(r.Opaque, s), Before: r}
				}
				continue
			}
			if takes != nil {
				fits := expr.Replace(takes.Fits(), known)
				if takes.First {
					fitted, loose = nil, false
				}
				switch {
				case takes.NoDrop:
					fitted = append(fitted, fits)
				case loose: // any row may stay
				default:
					for _, x := range fitted {
						fits = &expr.Or{X: fits, Y: x}
					}
					r.Conditions = append(r.Conditions, Clause{fits, s.Syntax})
				}
			} else if s.Facts.Family {
				loose = true
			}
			if takes != nil {
				for _, out := range takes.Outs {
					delete(r.Fields, out) // what an assignment made of it is no more
				}
			}
			if !s.Facts.Hides {
				r.Opaque = append(r.Opaque, s)
			}
		}
	}
	r.Unread = q.unread()
	return r
}

// unread lists the assignments whose value does not reach a condition.
func (q *Query) unread() (out []*syntax.Stage) {
	var read event.Fields
	for i := len(q.steps) - 1; i >= 0; i-- {
		s := q.steps[i]
		set := s.Facts.Sets
		if cond := s.Facts.Cond; cond != nil {
			read.Add(expr.Slots(cond)...)
		} else if set == nil && !s.Facts.Hides && s.Facts.Rows != lang.Orders {
			s.Stage.Needs(&read)
		}
		switch {
		case set == nil:
		case read.Wants(set.To) && set.Value != nil:
			read.Remove(set.To)
			read.Add(expr.Slots(set.Value)...)
		case s.Syntax != nil && !read.Wants(set.To):
			out = append(out, s.Syntax)
		}
	}
	slices.Reverse(out)
	return out
}

// Names lists steps by their names.
func Names(steps []lang.Step) string {
	var names []string
	for _, s := range steps {
		names = append(names, s.Name)
	}
	return strings.Join(names, ", ")
}
