package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// replay holds rows in the order they come, on disk beyond the memory budget,
// for stages that must see all of them before they say anything of the first.
type replay struct {
	rows *exec.Sorter
	n    uint64
}

// newReplay keeps the fields wanted after the stage, and others it reads itself.
func newReplay(rt *exec.Runtime, who string, after *event.Fields, also ...event.Slot) *replay {
	return &replay{rows: exec.NewSorter(rt, who, exec.Order{}, exec.NewCodec(after, also...), 0)}
}

// Push takes the live rows of a batch and gives them the positions 0, 1, ...
func (r *replay) Push(b *event.Batch) error {
	r.n = arrive(b, r.n)
	return r.rows.Add(b)
}

// each pushes all rows again. Positions are as Push gave them.
func (r *replay) each(push func(*event.Batch) error) error { return r.rows.Flush(sinkFunc(push)) }
