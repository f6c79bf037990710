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
		switch st := s.Stage.(type) {
		case lang.Condition:
			r.Conditions = append(r.Conditions, Clause{expr.Replace(st.Cond(), known), s.Syntax})
		case lang.Assignment:
			out, x := st.Assigns()
			if x != nil {
				r.Fields[out] = expr.Replace(x, known)
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
			if p, ok := s.Stage.(lang.Fitting); ok {
				fits, nodrop, first := p.Fits()
				fits = expr.Replace(fits, known)
				if first {
					fitted, loose = nil, false
				}
				switch {
				case nodrop:
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
			if e, ok := s.Stage.(lang.Extraction); ok {
				_, outs, _ := e.Extracts()
				for _, out := range outs {
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
		a, ok := s.Stage.(lang.Assignment)
		if c, is := s.Stage.(lang.Condition); is {
			read.Add(expr.Slots(c.Cond())...)
		} else if !ok && !s.Facts.Hides && s.Facts.Rows != lang.Orders {
			s.Stage.Needs(&read)
		}
		if !ok {
			continue
		}
		switch to, x := a.Assigns(); {
		case read.Wants(to) && x != nil:
			read.Remove(to)
			read.Add(expr.Slots(x)...)
		case s.Syntax != nil && !read.Wants(to):
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
