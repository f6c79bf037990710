package convert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/sigma"
	"github.com/gyoji-dev/gyoji/syntax"
)

// Predicate is what of a Sumo query says which events it is about, as Sigma says
// it.
type Predicate struct {
	LogSource sigma.LogSource
	Cond      Cond // nil when the log source says all
	// Count is what the query asks of the number of its events; nil when it asks
	// for none, or for what Sigma cannot say.
	Count *Count
	// Lost is what Sigma does not say (warnings, which make the rule another
	// than the query), and what it says a little otherwise (notes).
	Lost diag.List
	// Notes are the stages that do not say which events: scores, columns, tables.
	Notes []string
	Title string // the first comment's first sentence; "" when there is none
}

// FromSumo reads the predicate of a query. It is nil when the list has errors:
// the query does not compile, or nothing of it can be said. A condition with a
// template parameter that has no value is lost.
func FromSumo(f *diag.File, with ...query.Option) (*Predicate, diag.List) {
	with = append(slices.Clone(with), query.Unfilled)
	q, rest, ds := query.Predicate(f, query.Standard(), with...)
	if ds.HasErrors() {
		return nil, ds
	}
	read := q.Read()
	r := &sumoReader{file: f, p: &Predicate{}, paths: map[event.Slot]string{}, made: map[event.Slot]string{}}
	var all []clause
	for _, c := range read.Conditions {
		all = append(all, conjuncts(c.Cond, c.Stage)...)
	}
	all = append(all, r.opaque(q, read, all)...)
	all, sourced := r.logSource(all)
	var of []Cond
	said := 0
	for _, c := range all {
		r.steps = 0
		cond, err := r.cond(expr.Fold(c.cond))
		if err == nil {
			_, err = each(cond, filled)
		}
		switch {
		case err != nil:
			r.lose(c.stage, diag.Warning, "not-in-sigma", err.Error()+"; the rule leaves the condition out and matches more")
		default:
			said++
			of = append(of, cond)
		}
	}
	switch cond := allOf(of).(type) {
	case *And:
		if len(cond.Of) > 0 {
			r.p.Cond = cond
		}
	case *Or:
		if len(cond.Of) == 0 {
			r.p.Lost.Sort()
			return nil, append(r.p.Lost, r.finding(nil, diag.Error, "never-matches", "no event can meet the query's conditions"))
		}
		r.p.Cond = cond
	default:
		r.p.Cond = cond
	}
	if r.p.Cond == nil && !sourced {
		r.p.Lost.Sort()
		return nil, append(r.p.Lost, r.finding(nil, diag.Error, "no-predicate", "no condition of the query can be said in Sigma, and it names no log source"))
	}
	counted := r.count(q, read, rest, with)
	r.notes(q, read, rest, counted)
	r.p.Lost.Sort()
	return r.p, ds
}

// filled refuses a match with a template parameter.
func filled(m *Match) (Cond, error) {
	for _, text := range []string{m.Field, fmt.Sprint(m.Value)} {
		if i := strings.Index(text, "{{"); i >= 0 && strings.Contains(text[i:], "}}") {
			return nil, refusedf("the template parameter %s has no value", strings.TrimSpace(text[i+2:i+strings.Index(text[i:], "}}")]))
		}
	}
	return m, nil
}

// clause is a condition that must hold, and the stage it stands in; nil for the
// search expression.
type clause struct {
	cond  expr.Expr
	stage *syntax.Stage
}

func conjuncts(x expr.Expr, stage *syntax.Stage) []clause {
	if a, ok := x.(*expr.And); ok {
		return append(conjuncts(a.X, stage), conjuncts(a.Y, stage)...)
	}
	return []clause{{x, stage}}
}

// sumoReader turns a query's conditions into Sigma's.
type sumoReader struct {
	file  *diag.File
	p     *Predicate
	paths map[event.Slot]string // fields that json took from the event, and where
	made  map[event.Slot]string // fields that a stage made in a way Sigma does not have
	steps int
}

func (r *sumoReader) finding(stage *syntax.Stage, s diag.Severity, code, message string) *diag.Diagnostic {
	d := &diag.Diagnostic{Severity: s, Code: code, File: r.file, Message: message}
	if stage != nil {
		d.Span = stage.Pos
	}
	return d
}

// lose names what is lost, once for each stage.
func (r *sumoReader) lose(stage *syntax.Stage, s diag.Severity, code, message string) {
	d := r.finding(stage, s, code, message)
	for _, o := range r.p.Lost {
		if o.Span == d.Span && o.Message == d.Message {
			return
		}
	}
	r.p.Lost.Add(d)
}

var dotted = match.Lazy(`^[A-Za-z_][\w-]*(\.[A-Za-z_][\w-]*)*$`)

// opaque looks at the stages that are more than conditions and assignments:
// what json takes are fields of the event; of the others what they drop is lost,
// unless it is among the conditions, and what they make.
func (r *sumoReader) opaque(q *query.Query, read *query.Reading, said []clause) (more []clause) {
	for _, s := range read.Opaque {
		keeps := s.Facts.Rows == lang.Keeps // it adds fields: what reads these is lost, and no event is dropped
		if j := s.Facts.Paths; j != nil {
			keeps = !j.Drops
			plain := j.Paths != nil
			for _, p := range j.Paths {
				plain = plain && dotted().MatchString(p)
			}
			if plain {
				for i, out := range j.Outs {
					r.paths[out] = j.Paths[i]
					if j.Drops {
						more = append(more, clause{&expr.Not{X: &expr.IsNull{X: &expr.Field{Slot: out, Name: q.Layout.Name(out)}}}, s.Syntax})
					}
				}
				continue
			}
		}
		for i := range q.Layout.Names() {
			var f event.Fields
			f.Add(event.Slot(i))
			if s.Stage.Needs(&f); !f.Has(event.Slot(i)) {
				r.made[event.Slot(i)] = s.Name
			}
		}
		if e := s.Facts.Takes; e != nil {
			for _, out := range e.Outs {
				r.made[out] = s.Name
			}
			keeps = e.NoDrop || slices.ContainsFunc(said, func(c clause) bool { return c.stage == s.Syntax })
		}
		if keeps {
			continue
		}
		r.lose(s.Syntax, diag.Warning, "not-in-sigma", "Sigma has nothing for "+s.Name+"; the rule does without it")
	}
	return more
}

// chooses reports whether an operator behind a grouping leaves rows out.
func chooses(name string) bool {
	o := query.Standard().Operator(name)
	return o == nil || o.Facts.Rows == lang.Drops || o.Facts.Rows == lang.Makes && !o.Facts.Whole
}

// notes lists the stages that do not say which events. A condition or limit on
// what was grouped is lost, unless it is one of those that are counted.
func (r *sumoReader) notes(q *query.Query, read *query.Reading, rest, counted []*syntax.Stage) {
	note := func(s *syntax.Stage) {
		r.p.Notes = append(r.p.Notes, strings.Join(strings.Fields(r.file.Slice(s.Pos)), " "))
	}
	for _, s := range read.Unread {
		note(s)
	}
	for i, s := range rest {
		if slices.Contains(counted, s) {
			continue
		}
		note(s)
		if i > 0 && s.Op != nil && s.Kind == syntax.Operation && chooses(s.Op.Text) {
			r.lose(s, diag.Warning, "after-a-grouping", strings.ToLower(s.Op.Text)+" chooses among what was grouped; the rule matches every event that goes into it")
		}
	}
	for _, c := range q.Tree.Comments {
		text := strings.TrimSpace(strings.Trim(c.Text, "/* \t\n"))
		if text == "" {
			continue
		}
		text, _, _ = strings.Cut(strings.Join(strings.Fields(text), " "), ". ")
		r.p.Title = strings.TrimSuffix(text, ".")
		break
	}
}

// refused is why a condition cannot be said.
type refused struct{ why string }

func (e refused) Error() string { return e.why }

func refusedf(format string, args ...any) error { return refused{fmt.Sprintf(format, args...)} }

// cond reads a condition. An error is a refused.
func (r *sumoReader) cond(x expr.Expr) (Cond, error) {
	if r.steps++; r.steps > stepsMax {
		return nil, refusedf("the condition has too many cases once its ifs are decided")
	}
	every := func(of []expr.Expr, join func([]Cond) Cond) (Cond, error) {
		all := make([]Cond, len(of))
		for i, y := range of {
			var err error
			if all[i], err = r.cond(y); err != nil {
				return nil, err
			}
		}
		return join(all), nil
	}
	switch x := x.(type) {
	case *expr.Const:
		if x.Value.True() {
			return &And{}, nil
		}
		return &Or{}, nil
	case *expr.And:
		return every(operands(x, func(y expr.Expr) (a, b expr.Expr, ok bool) {
			if z, is := y.(*expr.And); is {
				return z.X, z.Y, true
			}
			return nil, nil, false
		}), allOf)
	case *expr.Or:
		return every(operands(x, func(y expr.Expr) (a, b expr.Expr, ok bool) {
			if z, is := y.(*expr.Or); is {
				return z.X, z.Y, true
			}
			return nil, nil, false
		}), anyOf)
	case *expr.Not:
		c, err := r.cond(x.X)
		return negate(c), err
	}
	return r.decided(x)
}

// operands are those of a chain of ands, or of ors.
func operands(x expr.Expr, pair func(expr.Expr) (a, b expr.Expr, ok bool)) []expr.Expr {
	a, b, ok := pair(x)
	if !ok {
		return []expr.Expr{x}
	}
	return append(operands(a, pair), operands(b, pair)...)
}
