package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// ranked puts rows that a stage makes in order of a count, on disk beyond the memory
// budget. Rows of equal counts are in order of their positions, and then of a text.
type ranked struct {
	rows *exec.Sorter
	out  made
	n    uint64
}

// newRanked has the highest counts first, or the lowest; most is how many rows are
// wanted, 0 for all.
func newRanked(rt *exec.Runtime, who string, lowest bool, most int, count, text event.Slot, also ...event.Slot) *ranked {
	var f event.Fields
	f.Add(count, text)
	f.Add(also...)
	o := exec.Order{Keys: []exec.Key{{Slot: count, Desc: !lowest}}, Ties: []event.Slot{text}}
	r := &ranked{rows: exec.NewSorter(rt, who, o, exec.NewCodec(&f), most)}
	r.out = made{rt: rt, next: sinkFunc(r.rows.Add)}
	return r
}

// row begins a row, and returns the batch that it is in.
func (r *ranked) row(pos uint64) (*event.Batch, uint16, error) {
	row, err := r.out.row(0, pos)
	return &r.out.Batch, row, err
}

// flush pushes all rows, numbered.
func (r *ranked) flush(push func(*event.Batch) error) error {
	if err := r.out.flush(); err != nil {
		return err
	}
	return r.rows.Flush(sinkFunc(func(b *event.Batch) error {
		r.n = arrive(b, r.n)
		return push(b)
	}))
}
