package op

import (
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// spilling is what a stage declares that has a state for each stream of rows, and keeps
// on disk the rows of streams for which it has no memory.
type spilling struct {
	key           event.Slot   // hidden: the stream of a row on disk
	before, after event.Fields // that the stage reads or that go through it, and that are wanted of it
}

func (s *spilling) check(sc *lang.Scope) { s.key = hidden(sc, "stream") }

// streamTask goes through rows with a state of type S for each of their streams. Rows
// leave as they come while there is memory. From the first row of a stream on that there
// is none for, rows of streams that are known are done and kept, in their order; the
// others are kept by stream, and done in the end, one stream after the other. Both are on
// disk beyond the budget, and the rows that leave are those of a stage with any memory.
type streamTask[S any] struct {
	streams[S]
	*spilling
	rt   *exec.Runtime
	who  string
	next exec.Sink

	fresh       func() (S, int)                                 // a state, and its bytes
	row         func(b *event.Batch, row uint16, state *S) bool // whether the row stays
	begin, done func(b *event.Batch)                            // before and after the rows of a batch; nil for nothing to do

	others *exec.Sorter // rows of streams without a state, by stream; nil while there are none
	ready  *exec.Sorter // rows that are done since, in their order
	n      uint64
	rest   []uint16
}

func (t *streamTask[S]) Push(b *event.Batch) error {
	if t.others != nil {
		t.n = arrive(b, t.n)
	}
	if t.begin != nil {
		t.begin(b)
	}
	rows := b.Live
	live := rows[:0]
	t.rest = t.rest[:0]
	for i, row := range rows {
		state := t.get(b, row, t.others != nil, t.fresh)
		if state == nil {
			if t.others == nil {
				b.Live = append(slices.Clone(live), rows[i:]...)
				t.spill(b)
			}
			if len(t.rest) == 0 {
				b.Col(t.spilling.key).Reset()
			}
			b.Col(t.spilling.key).Set(row, event.Text(string(t.streams.key)))
			t.rest = append(t.rest, row)
			continue
		}
		if t.row(b, row, state) {
			live = append(live, row)
		}
	}
	if len(t.rest) > 0 { // before their fields are written over
		b.Live = t.rest
		if err := t.others.Add(b); err != nil {
			return err
		}
		b.Col(t.spilling.key).Reset()
	}
	if t.done != nil {
		t.done(b)
	}
	b.Live = live
	switch {
	case t.ready != nil:
		return t.ready.Add(b)
	case len(live) == 0:
		return nil
	}
	return t.next.Push(b)
}

// spill begins to keep rows. b are those that are not given yet.
func (t *streamTask[S]) spill(b *event.Batch) {
	t.n = arrive(b, t.n)
	t.others = exec.NewSorter(t.rt, t.who, exec.Order{Keys: []exec.Key{{Slot: t.spilling.key}}}, exec.NewCodec(&t.before, t.spilling.key), 0)
	t.ready = exec.NewSorter(t.rt, t.who, exec.Order{}, exec.NewCodec(&t.after), 0)
}

func (t *streamTask[S]) Flush() error {
	t.acct.Release()
	if t.others == nil {
		return nil
	}
	t.seen = nil
	var state *S
	stream := ""
	err := t.others.Flush(sinkFunc(func(b *event.Batch) error {
		if t.begin != nil {
			t.begin(b)
		}
		keys := b.Col(t.spilling.key)
		live := b.Live[:0]
		for _, row := range b.Live {
			if k := keys.At(row).Str(); state == nil || k != stream {
				s, _ := t.fresh()
				state, stream = &s, strings.Clone(k)
			}
			if t.row(b, row, state) {
				live = append(live, row)
			}
		}
		keys.Reset()
		if t.done != nil {
			t.done(b)
		}
		b.Live = live
		return t.ready.Add(b)
	}))
	if err != nil {
		return err
	}
	return t.ready.Flush(t.next)
}
