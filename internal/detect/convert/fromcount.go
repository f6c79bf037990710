package convert

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/sigma"
	"github.com/gyoji-dev/gyoji/syntax"
)

// Count is a grouping of events and a condition on how many there are, as a
// correlation of Sigma.
type Count struct {
	Type     sigma.CorrelationType // EventCount, ValueCount of Field, or Temporal and TemporalOrdered without Bounds
	Field    string
	By       []string
	Timespan time.Duration
	Bounds   []sigma.Bound
}

// unknownTimespan is written where a query counts over its whole time range.
const unknownTimespan = 24 * time.Hour

// count reads "count by x | where _count > n" as a correlation, and returns the
// stages that it stands for. What Sigma says otherwise is lost.
func (r *sumoReader) count(q *query.Query, read *query.Reading, rest []*syntax.Stage, with []query.Option) []*syntax.Stage {
	asked := func(s *syntax.Stage) bool { return s.Op != nil && strings.EqualFold(s.Op.Text, "where") }
	if len(rest) == 0 || rest[0].Kind != syntax.Grouping || !slices.ContainsFunc(rest, asked) {
		return nil
	}
	whole, ds := query.Compile(r.file, query.Standard(), with...)
	if ds.HasErrors() {
		return nil
	}
	grouped := whole.Read()
	if grouped.Before == nil || grouped.Before.Before != nil {
		return nil // grouped again, or cut short
	}
	c := &Count{}
	column := ""
	var said []*syntax.Stage
	for _, k := range grouped.Conditions {
		for _, one := range conjuncts(k.Cond, k.Stage) {
			name, b, ok := bound(one.cond)
			if !ok || column != "" && !strings.EqualFold(name, column) {
				return nil
			}
			column = name
			c.Bounds = append(c.Bounds, b)
		}
		said = append(said, rest[behind(rest, r.file, k.Stage)])
	}
	agg := aggregate(rest[0], column)
	if agg == nil {
		return nil
	}
	switch f, _ := one(agg.Args).(*syntax.Field); {
	case strings.EqualFold(agg.Func.Text, "count") && f == nil:
		c.Type = sigma.EventCount
	case strings.EqualFold(agg.Func.Text, "count_distinct") && f != nil:
		c.Type = sigma.ValueCount
		s, err := r.grouped(q, read, f.Name)
		if err != nil {
			return nil
		}
		c.Field = s.field
	default:
		return nil
	}
	if c.Timespan = r.groupBy(c, q, read, rest[0]); c.Timespan == 0 {
		c.Timespan = unknownTimespan
		r.lose(rest[0], diag.Warning, "unknown-timespan", fmt.Sprintf("the query counts over its whole time range; name it as the timespan of the correlation, in place of %s", timespan(c.Timespan)))
	} else if grows(c.Bounds) {
		r.lose(rest[0], diag.Warning, "sliding-window", fmt.Sprintf("the query counts in slices of the clock, and Sigma within any %s: the correlation finds as well what stands across two slices", timespan(c.Timespan)))
	} else {
		r.lose(rest[0], diag.Warning, "sliding-window", fmt.Sprintf("the query counts in slices of the clock, and Sigma within %s of a first event: what they find may differ", timespan(c.Timespan)))
	}
	r.p.Count = c
	return said
}

// grows reports whether more events can only help to meet all bounds.
func grows(bounds []sigma.Bound) bool {
	for _, b := range bounds {
		if b.Op != sigma.Gt && b.Op != sigma.Ge {
			return false
		}
	}
	return true
}

// behind is the place of a stage of another reading of the same text.
func behind(rest []*syntax.Stage, f *diag.File, s *syntax.Stage) int {
	for i, o := range rest {
		if o.Pos == s.Pos {
			return i
		}
	}
	panic("bug: convert: " + f.Name + ": a condition after a grouping stands in none of its stages")
}

// one is the only one of some expressions; nil when there are several, or it is
// a star.
func one(of []syntax.Expr) syntax.Expr {
	if len(of) != 1 {
		return nil
	}
	return of[0]
}

// bound reads the comparison of a column with a number.
func bound(x expr.Expr) (column string, b sigma.Bound, ok bool) {
	if n, is := x.(*expr.Not); is {
		if column, b, ok = bound(n.X); ok {
			b.Op = map[sigma.Op]sigma.Op{sigma.Eq: sigma.Ne, sigma.Ne: sigma.Eq, sigma.Lt: sigma.Ge, sigma.Le: sigma.Gt, sigma.Gt: sigma.Le, sigma.Ge: sigma.Lt}[b.Op]
		}
		return column, b, ok
	}
	c, is := x.(*expr.Compare)
	if !is {
		return "", b, false
	}
	op := map[expr.Op]sigma.Op{expr.Eq: sigma.Eq, expr.Ne: sigma.Ne, expr.Lt: sigma.Lt, expr.Le: sigma.Le, expr.Gt: sigma.Gt, expr.Ge: sigma.Ge}[c.Op]
	field, isField := c.X.(*expr.Field)
	number, isConst := c.Y.(*expr.Const)
	if !isField || !isConst {
		field, isField = c.Y.(*expr.Field)
		number, isConst = c.X.(*expr.Const)
		op = map[sigma.Op]sigma.Op{sigma.Eq: sigma.Eq, sigma.Ne: sigma.Ne, sigma.Lt: sigma.Gt, sigma.Le: sigma.Ge, sigma.Gt: sigma.Lt, sigma.Ge: sigma.Le}[op]
	}
	if !isField || !isConst || !number.Value.IsNumber() {
		return "", b, false
	}
	n, _ := number.Value.Float()
	return field.Name, sigma.Bound{Op: op, Count: n}, true
}

// aggregate finds what makes a column of a grouping.
func aggregate(s *syntax.Stage, column string) *syntax.Agg {
	for _, a := range s.Aggs {
		name := "_" + a.Func.Text
		if a.As != nil {
			name = a.As.Name
		}
		if strings.EqualFold(name, column) {
			return a
		}
	}
	return nil
}

// groupBy reads the fields that events are grouped by, and returns the width of
// the slices of time among them; 0 when there is none, or it is not known.
func (r *sumoReader) groupBy(c *Count, q *query.Query, read *query.Reading, s *syntax.Stage) (slice time.Duration) {
	for _, n := range s.By {
		f, ok := n.X.(*syntax.Field)
		if !ok {
			continue // an error of the query
		}
		if every, ok := sliceOf(q, read, f.Name); ok {
			slice = every
			continue
		}
		of, err := r.grouped(q, read, f.Name)
		if err != nil {
			r.lose(s, diag.Warning, "not-in-sigma", fmt.Sprintf("%s; the correlation does not group by %s and finds more", err, f.Name))
			continue
		}
		if of.form != asIs {
			r.lose(s, diag.Note, "letter-case", fmt.Sprintf("the query groups by %s ignoring letter case, and Sigma by the value as it is in the event", of.field))
		}
		if !hasField(r.p.Cond, of.field) {
			r.lose(s, diag.Note, "without-a-group", fmt.Sprintf("events without %s are a group of the query, and in none of Sigma", of.field))
		}
		c.By = append(c.By, of.field)
	}
	return slice
}

// hasField reports whether a condition holds only of events that have a field.
func hasField(c Cond, field string) bool {
	if a, ok := c.(*And); ok {
		return slices.ContainsFunc(a.Of, func(d Cond) bool { return hasField(d, field) })
	}
	if n, ok := c.(*Not); ok {
		if any, ok := n.X.(*Or); ok { // neither null nor empty
			return slices.ContainsFunc(any.Of, func(d Cond) bool { return hasField(&Not{d}, field) })
		}
	}
	there, ok := exists(c)
	return ok && there == field || asks(c, field)
}

// sliceOf is the width of the slices whose start a field is.
func sliceOf(q *query.Query, read *query.Reading, name string) (every time.Duration, ok bool) {
	for _, s := range read.Opaque {
		if t := s.Facts.Slices; t != nil && strings.EqualFold(q.Layout.Name(t.Out), name) {
			return time.Duration(t.Every) * time.Millisecond, true
		}
	}
	return 0, false
}

// grouped is the field of the event that a name stands for where events are
// grouped. An error is a refused.
func (r *sumoReader) grouped(q *query.Query, read *query.Reading, name string) (subject, error) {
	var x expr.Expr = &expr.Field{Slot: q.Layout.Slot(name), Name: name}
	if made, ok := read.Fields[q.Layout.Slot(name)]; ok {
		x = made
	}
	s, err := r.of(x)
	switch {
	case err != nil:
	case s.changed():
		err = errChanged
	case s.field == "":
		err = refusedf("Sigma groups by fields, not by the text of the event")
	}
	return s, err
}

// timespan writes a time as Sigma does: in days, hours, minutes or seconds.
func timespan(d time.Duration) string {
	for _, u := range []struct {
		name string
		of   time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}} {
		if d%u.of == 0 {
			return fmt.Sprintf("%d%s", d/u.of, u.name)
		}
	}
	return fmt.Sprintf("%ds", max(1, d/time.Second))
}
