package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "dedup", Usage: "dedup [consecutive] [<n:int>] [[by] <keys:field,...>]",
		Summary: "Keeps the first rows of each value of some fields.",
		Text: "Of rows with the same values it keeps the first n, in the order they have: of messages the most recent. Without n it is 1. " +
			"With `consecutive` only neighbours count: the number starts again when a value differs from the row before. " +
			"Without fields messages are compared by `_raw`, and the rows of an aggregate by all their columns. Null is a value like any other.",
		Differs: "The rows of an aggregate, without fields, are compared as a whole; Sumo Logic does not say. Its limit of 100,000 messages does not exist.",
		Examples: []lang.Example{
			{Query: `* | dedup by k`, In: []string{`{"_raw":"1","k":"a"}`, `{"_raw":"2","k":"b"}`, `{"_raw":"3","k":"a"}`}, Out: []string{`{"_raw":"3"}`, `{"_raw":"2"}`}},
			{Query: `* | dedup consecutive by k`, In: []string{`{"_raw":"1","k":"a"}`, `{"_raw":"2","k":"b"}`, `{"_raw":"3","k":"a"}`, `{"_raw":"4","k":"a"}`}, Out: []string{`{"_raw":"4"}`, `{"_raw":"2"}`, `{"_raw":"1"}`}},
			{Query: `* | dedup`, In: []string{"a", "b", "a"}, Out: []string{`{"_raw":"a"}`, `{"_raw":"b"}`}},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Drops},
	New:   func() lang.Stage { return new(dedup) },
})

type dedup struct {
	Consecutive bool            `usage:"consecutive"`
	N           *syntax.Number  `usage:"n"`
	Keys        []*syntax.Field `usage:"keys"`

	n  int
	by []event.Slot
	spilling
}

func (d *dedup) Check(sc *lang.Scope) {
	d.check(sc)
	d.n = 1
	if d.N != nil {
		if d.n = int(d.N.Int); d.N.Int < 1 {
			sc.Error(d.N, "dedup-too-few", "dedup keeps at least 1 row of each value", "write dedup 1, or leave the number out")
		}
	}
	for _, f := range d.Keys {
		d.by = append(d.by, sc.Read(f))
	}
	switch {
	case d.by != nil:
	case sc.Messages:
		d.by = []event.Slot{sc.ReadName("_raw")}
	default:
		if lang.HasLate(sc.Columns) {
			sc.Error(sc.Stage(), "dedup-without-fields", "after transpose the columns are not known before the query runs", "name fields: dedup by a, b")
		}
		for _, c := range sc.Columns {
			d.by = append(d.by, c.Slot)
		}
	}
}

func (d *dedup) Needs(f *event.Fields) {
	d.after = f.Clone()
	f.Add(d.by...)
	d.before = f.Clone()
}

func (d *dedup) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	if d.Consecutive {
		return &neighboursTask{dedup: d, next: next}
	}
	return &streamTask[int]{
		streams: streams[int]{acct: rt.Budget.Open("dedup"), by: d.by}, spilling: &d.spilling, rt: rt, who: "dedup", next: next,
		fresh: func() (int, int) { return 0, 8 },
		row: func(_ *event.Batch, _ uint16, count *int) bool {
			*count++
			return *count <= d.n
		},
	}
}

// neighboursTask is dedup consecutive: it compares a row with the one before it.
type neighboursTask struct {
	*dedup
	next      exec.Sink
	key, last []byte
	same      int // rows with the same values in a row
}

func (t *neighboursTask) Push(b *event.Batch) error {
	live := b.Live[:0]
	for _, row := range b.Live {
		if !t.continues(b, row) {
			t.same = 0
		}
		if t.same++; t.same <= t.n {
			live = append(live, row)
		}
	}
	if b.Live = live; len(live) == 0 {
		return nil
	}
	return t.next.Push(b)
}

// continues reports whether a row has the values of the one before.
func (t *neighboursTask) continues(b *event.Batch, row uint16) bool {
	key := t.key[:0]
	for _, s := range t.by {
		key = appendKey(key, b.Value(s, row))
	}
	same := t.last != nil && string(key) == string(t.last)
	t.key, t.last = t.last, key
	return same
}

func (t *neighboursTask) Flush() error { return nil }
