package query

import (
	"context"
	"strings"

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
	rows := &Rows{Messages: q.Messages}
	var slots []event.Slot
	err := q.Run(ctx, r, sinkFunc(func(b *event.Batch) error {
		if slots == nil { // columns that only the run makes are known by the first row
			for _, c := range lang.Expand(q.Columns, r.Layout) {
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
	}))
	if q.Columns == nil {
		rows.Columns = r.Layout.Names()
	}
	for _, c := range lang.Expand(q.Columns, r.Layout) {
		rows.Columns = append(rows.Columns, c.Name)
	}
	return rows, err
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
