package exec

import (
	"container/heap"
	"math"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Backlog holds rows in memory until event time has passed them, and then gives them
// in order. It is one goroutine's.
type Backlog struct {
	rows sortedRows
	acct *Account
	out  event.Batch // buffer of output
}

// sortedRows is a heap of encoded rows.
type sortedRows struct {
	by   *Sorter // of which only the order and the codec are used
	rows []waiting
}

type waiting struct {
	prefix uint64
	rec    []byte
}

// waitingBytes is what a row takes besides its encoding.
const waitingBytes = 64

// NewBacklog makes a Backlog that gives rows in order o, whose first key is their time
// in ms; the codec's fields must hold the order's keys.
func NewBacklog(rt *Runtime, who string, o Order, c *Codec) *Backlog {
	return &Backlog{rows: sortedRows{by: NewSorter(rt, who, o, c, 0)}, acct: rt.Budget.Open(who)}
}

// Len is how many rows are held.
func (b *Backlog) Len() int { return len(b.rows.rows) }

// Add takes the live rows of a batch. It reports false where the memory budget is spent,
// with the rows taken all the same: the caller then releases some of them early.
func (b *Backlog) Add(batch *event.Batch) (fits bool) {
	s, fits := b.rows.by, true
	s.codec.Start(batch)
	for _, r := range batch.Live {
		rec := s.codec.Append(nil, batch, r)
		heap.Push(&b.rows, waiting{s.prefix(batch, r), rec})
		fits = b.acct.Add(int64(len(rec)+waitingBytes)) && fits
	}
	return fits
}

// Early is a time up to which releasing rows makes some room: there is at least one row
// of an earlier time, unless there is none at all.
func (b *Backlog) Early() int64 {
	if len(b.rows.rows) == 0 {
		return math.MinInt64
	}
	return b.time(b.rows.rows[len(b.rows.rows)/2]) + 1
}

// time is the time of a row, by the first key of the order.
func (b *Backlog) time(w waiting) int64 {
	at, _ := b.rows.by.codec.key(w.rec, b.rows.by.order.Keys[0].Slot).Int()
	return at
}

// Release pushes the rows of a time before t, in order, and forgets them.
func (b *Backlog) Release(t int64, next Sink) error {
	out := &b.out
	out.Reset()
	for len(b.rows.rows) > 0 && b.time(b.rows.rows[0]) < t {
		w := heap.Pop(&b.rows).(waiting)
		b.acct.Add(-int64(len(w.rec) + waitingBytes))
		b.rows.by.codec.Decode(w.rec, out)
		if out.N == event.MaxRows {
			if err := next.Push(out); err != nil {
				return err
			}
			out.Reset()
		}
	}
	if len(b.rows.rows) == 0 {
		b.acct.Release()
	}
	if out.N == 0 {
		return nil
	}
	err := next.Push(out)
	out.Reset()
	return err
}

// Pick pushes the rows that want wants, in order, whatever their time is, and forgets them.
func (b *Backlog) Pick(want func(batch *event.Batch, row uint16) bool, next Sink) error {
	all := b.rows.rows
	b.rows.rows = nil
	var picked []waiting
	var one event.Batch
	for _, w := range all {
		one.Reset()
		b.rows.by.codec.Decode(w.rec, &one)
		if want(&one, 0) {
			picked = append(picked, w)
		} else {
			b.rows.rows = append(b.rows.rows, w)
		}
	}
	left := b.rows.rows
	heap.Init(&b.rows)
	b.rows.rows = picked
	heap.Init(&b.rows)
	err := b.Release(math.MaxInt64, next)
	b.rows.rows = left
	return err
}

// Save writes the rows down, in the form of a Sorter of the same codec.
func (b *Backlog) Save(to *Saver) error {
	for _, w := range b.rows.rows {
		to.Record(w.rec)
	}
	to.End()
	return to.Err()
}

// Load adds rows that a Backlog or Sorter of an equal codec has saved. It reports
// false where the memory budget is spent, as Add does.
func (b *Backlog) Load(from *Loader) (fits bool, err error) {
	fits = true
	err = from.Records(func(rec []byte) error {
		rec = append([]byte(nil), rec...)
		batch := &event.Batch{}
		b.rows.by.codec.Decode(rec, batch)
		fits = b.Add(batch) && fits
		return nil
	})
	return fits, err
}

// Close forgets all rows.
func (b *Backlog) Close() {
	b.rows.rows = nil
	b.acct.Release()
}

func (h *sortedRows) Len() int { return len(h.rows) }
func (h *sortedRows) Less(i, j int) bool {
	a, b := h.rows[i], h.rows[j]
	if a.prefix != b.prefix {
		return a.prefix < b.prefix
	}
	return h.by.compare(a.rec, b.rec) < 0
}
func (h *sortedRows) Swap(i, j int) { h.rows[i], h.rows[j] = h.rows[j], h.rows[i] }
func (h *sortedRows) Push(x any)    { h.rows = append(h.rows, x.(waiting)) }
func (h *sortedRows) Pop() any {
	w := h.rows[len(h.rows)-1]
	h.rows[len(h.rows)-1] = waiting{}
	h.rows = h.rows[:len(h.rows)-1]
	return w
}
