package query

import (
	"cmp"
	"context"
	"fmt"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/event"
	"github.com/gyoji-dev/gyoji/exec"
	"github.com/gyoji-dev/gyoji/lang"
)

const (
	subqueryRows    = 2500  // rows a subquery gives unless maxresults says otherwise (spec C.5)
	subqueryRowsMax = 10000 // the most that maxresults may ask for
)

// subquery is a query in brackets: it runs first, over the same input.
type subquery struct {
	of      *lang.Subquery
	query   *Query
	compose []event.Slot // in the child's layout
}

func compileSub(s *lang.Subquery, f *diag.File, v *lang.Vocabulary, diags *diag.List, with []Option) *subquery {
	q := compileTree(s.Node.Query, f, v, diags, with)
	sub := &subquery{of: s, query: q}
	if s.Node.Max > subqueryRowsMax {
		diags.Add(&diag.Diagnostic{Code: "too-many-results", File: f, Span: s.Node.Pos,
			Message: fmt.Sprintf("maxresults takes %d at most", subqueryRowsMax), Help: "write a smaller number"})
	}
	for _, c := range s.Node.Compose {
		slot, ok := q.Layout.Find(c.Name)
		if !ok {
			slot = q.Layout.Slot(c.Name)
		}
		sub.compose = append(sub.compose, slot)
		q.want.Add(slot)
	}
	// The composed fields are wanted of the last step whatever it shows.
	q.Columns = nil
	for i, c := range s.Node.Compose {
		q.Columns = append(q.Columns, lang.Column{Slot: sub.compose[i], Name: c.Name})
	}
	if !diags.HasErrors() {
		q.plan()
	}
	return sub
}

func (s *subquery) run(ctx context.Context, r Run) error {
	if r.Again == nil {
		return fmt.Errorf("a subquery reads the input a second time, which standard input does not allow; save it to a file first")
	}
	reader, err := r.Again()
	if err != nil {
		return err
	}
	r.Reader, r.Layout = reader, s.query.Layout.Clone()
	max := cmp.Or(s.of.Node.Max, s.of.Max, subqueryRows)
	s.of.Rows = nil
	err = s.query.Run(ctx, r, sinkFunc(func(b *event.Batch) error {
		for _, row := range b.Live {
			if len(s.of.Rows) == max {
				return exec.ErrStop
			}
			vals := make([]event.Value, len(s.compose))
			for i, c := range s.compose {
				vals[i] = b.Value(c, row).Clone()
			}
			s.of.Rows = append(s.of.Rows, vals)
		}
		return nil
	}))
	if err != nil {
		return fmt.Errorf("subquery: %w", err)
	}
	return nil
}

type sinkFunc func(*event.Batch) error

func (f sinkFunc) Push(b *event.Batch) error { return f(b) }
