package query

import (
	"context"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Rows are the rows of a query, collected.
type Rows struct {
	Columns []string
	Values  [][]event.Value // by row, then column
	// Messages says that rows are messages; Pos is then, by row, where each
	// stands in the input.
	Messages bool
	Pos      []uint64
}

// Collect runs the query and keeps its rows. It is for results that are known
// to be small: tests, steps of a guide, proofs.
func (q *Query) Collect(ctx context.Context, r Run) (*Rows, error) {
	if r.Layout == nil {
		r.Layout = q.Layout.Clone()
	}
	rows, keep := q.keep(r.Layout)
	err := q.Run(ctx, r, keep)
	rows.name(q, r.Layout)
	return rows, err
}

// CollectTogether is Collect of several queries over one reading of the input.
func CollectTogether(ctx context.Context, r Run, queries ...*Query) ([]*Rows, error) {
	all := make([]*Rows, len(queries))
	parts := make([]Part, len(queries))
	for i, q := range queries {
		parts[i] = Part{Query: q, Layout: q.Layout.Clone()}
		all[i], parts[i].Out = q.keep(parts[i].Layout)
	}
	err := RunTogether(ctx, r, parts)
	for i, q := range queries {
		all[i].name(q, parts[i].Layout)
	}
	return all, err
}

// keep is a sink that keeps the query's rows, and these.
func (q *Query) keep(layout *event.Layout) (*Rows, exec.Sink) {
	rows := &Rows{Messages: q.Messages}
	var slots []event.Slot
	return rows, sinkFunc(func(b *event.Batch) error {
		if slots == nil { // columns that only the run makes are known by the first row
			for _, c := range lang.Expand(q.Columns, layout) {
				slots = append(slots, c.Slot)
			}
		}
		for _, row := range b.Live {
			n := len(slots)
			if q.Columns == nil {
				n = len(b.Cols)
			}
			vals := make([]event.Value, n)
			for i := range vals {
				s := event.Slot(i)
				if q.Columns != nil {
					s = slots[i]
				}
				vals[i] = b.Value(s, row).Clone()
			}
			rows.Values = append(rows.Values, vals)
			pos := uint64(0)
			if q.Messages && int(row) < len(b.Pos) {
				pos = b.Pos[row]
			}
			rows.Pos = append(rows.Pos, pos)
		}
		return nil
	})
}

// name gives the rows of a run that is over the names of their columns.
func (r *Rows) name(q *Query, layout *event.Layout) {
	if q.Columns == nil {
		r.Columns = layout.Names()
	}
	for _, c := range lang.Expand(q.Columns, layout) {
		r.Columns = append(r.Columns, c.Name)
	}
}

// Get returns a column of a row by name, letter case aside; null when there is
// no such column.
func (r *Rows) Get(row int, column string) event.Value {
	for i, c := range r.Columns {
		if strings.EqualFold(c, column) && i < len(r.Values[row]) {
			return r.Values[row][i]
		}
	}
	return event.Value{}
}
