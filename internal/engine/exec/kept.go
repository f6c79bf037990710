package exec

import "github.com/gyoji-dev/gyoji/internal/text/event"

// Kept are rows in the order in which they came, on disk beyond the memory budget. They
// may be read any number of times.
type Kept struct {
	Slots []event.Slot // of their fields, in the order in which these were asked for
	rows  *Sorter
	n     uint64
}

// Keep makes an empty Kept for rows with some fields; who names it in messages.
func Keep(rt *Runtime, who string, slots []event.Slot) *Kept {
	var f event.Fields
	f.Add(slots...)
	return &Kept{Slots: slots, rows: NewSorter(rt, who, Order{}, NewCodec(&f), 0)}
}

// Push takes the live rows of a batch, and gives them positions from 0 on.
func (k *Kept) Push(b *event.Batch) error {
	for len(b.Pos) < b.N {
		b.Pos = append(b.Pos, 0)
	}
	for _, row := range b.Live {
		b.Pos[row] = k.n
		k.n++
	}
	return k.rows.Add(b)
}

// Each gives all rows, in batches that are lent. A nil Kept has none.
func (k *Kept) Each(do func(*event.Batch) error) error {
	if k == nil {
		return nil
	}
	return k.rows.Snapshot(eachOf(do))
}

type eachOf func(*event.Batch) error

func (f eachOf) Push(b *event.Batch) error { return f(b) }

// Close gives back what the rows take.
func (k *Kept) Close() { k.rows.Close() }
