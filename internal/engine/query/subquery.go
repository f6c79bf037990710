package query

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
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
	for _, t := range []string{s.Node.From, s.Node.To} {
		if t == "" {
			continue
		}
		if _, err := datefmt.ParseTime(t, time.Time{}, time.UTC); err != nil {
			diags.Add(&diag.Diagnostic{Code: "bad-time", File: f, Span: s.Node.Pos,
				Message: err.Error(), Help: "write from=(-15m), or to=(2026-03-01 08:00:00)"})
		}
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

// run runs it and keeps its rows; they are at most subqueryRowsMax.
func (s *subquery) run(ctx context.Context, r Run, budget *exec.Budget, b *before) error {
	if r.Reopen == nil {
		return fmt.Errorf("a subquery reads the input a second time, which standard input does not allow; save it to a file first")
	}
	if err := r.move(s.of.When); err != nil {
		return fmt.Errorf("subquery: %w", err)
	}
	if err := r.within(s.of.Node.From, s.of.Node.To); err != nil {
		return fmt.Errorf("subquery: %w", err)
	}
	reader, err := r.Reopen()
	if err != nil {
		return err
	}
	r.Input, r.Layout = reader, s.query.Layout.Clone()
	keep := keeper{slots: s.compose, max: cmp.Or(s.of.Node.Max, s.of.Max, subqueryRows), held: b.held}
	err = s.query.run(ctx, r, budget, &keep)
	if b.given[s.of] = keep.rows; err != nil {
		return fmt.Errorf("subquery: %w", err)
	}
	return nil
}

// within sets the ends of the time range that are not empty. What is not told is
// as in the query itself, or open.
func (r *Run) within(from, to string) error {
	if from == "" && to == "" {
		return nil
	}
	if !r.Bounded {
		r.Bounded, r.From, r.To = true, math.MinInt64, math.MaxInt64
	}
	for _, end := range []struct {
		text string
		at   *int64
	}{{from, &r.From}, {to, &r.To}} {
		if end.text == "" {
			continue
		}
		t, err := datefmt.ParseTime(end.text, r.Now, r.Zone)
		if err != nil {
			return err
		}
		*end.at = t.UnixMilli()
	}
	return nil
}

type sinkFunc func(*event.Batch) error

func (f sinkFunc) Push(b *event.Batch) error { return f(b) }
