package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "sort", Aliases: []string{"order"}, Usage: "sort [[by] <keys:sortkey,...>]",
		Summary: "Puts rows in order; descending unless told otherwise.",
		Text: "`+f` or `f asc` is ascending, `-f`, `f desc` and plain `f` descending, for each key on its own. " +
			"Text compares by code point and is not cast, even where it looks like a number: cast with `num` first. " +
			"Rows that are equal keep their order. Null comes last in both directions. " +
			"Rows beyond the memory budget go to disk. A bare `sort`, which some published queries end in, names nothing to sort by and keeps the order, with a warning.",
		Differs: "OP-16: null comes last.",
		Examples: []lang.Example{
			{Query: `* | count by d | sort by d`, In: []string{`{"_raw":"","d":"9"}`, `{"_raw":"","d":"10"}`}, Out: []string{`{"d":"9"}`, `{"d":"10"}`}},
			{Query: `* | num(d) | sort by d | fields d`, In: []string{`{"_raw":"","d":"9"}`, `{"_raw":"","d":"10"}`}, Out: []string{`{"d":10}`, `{"d":9}`}},
			{Query: `* | sum(n) as n by k | sort by +n | fields k`, In: []string{`{"_raw":"","k":"a","n":5}`, `{"_raw":"","k":"b","n":50}`, `{"_raw":"","k":"c","n":7}`}, Out: []string{`{"k":"a"}`, `{"k":"c"}`, `{"k":"b"}`}},
		},
	},
	Flow:  lang.Collects,
	Facts: lang.Facts{Rows: lang.Orders, Costly: true},
	New:   func() lang.Stage { return new(sorting) },
})

// sorting is sort, and the order of messages that the planner puts in.
type sorting struct {
	Keys []*syntax.SortKey `usage:"keys"`

	newest bool // by time, newest first: messages that nothing has ordered yet
	limit  int  // rows wanted, 0 for all
	last   bool // rows leave the query as they come out of here
	order  exec.Order
	after  event.Fields
}

func (s *sorting) Check(sc *lang.Scope) {
	s.newest = sc.Messages && !sc.Ordered
	if len(s.Keys) == 0 {
		sc.Warn(sc.Stage().Op, "sort-key-missing", "sort names nothing to sort by, so rows keep their order", "write sort by and a field")
	}
	for _, k := range s.Keys {
		s.order.Keys = append(s.order.Keys, exec.Key{Slot: sc.Read(k.Field), Desc: !k.Asc})
	}
}

// SetLimit says that only the first n rows are wanted.
func (s *sorting) SetLimit(n int) { s.limit = n }

// SetLast says that no stage comes behind this one.
func (s *sorting) SetLast() { s.last = true }

func (s *sorting) Needs(f *event.Fields) {
	s.after = f.Clone()
	for _, k := range s.order.Keys {
		f.Add(k.Slot)
	}
}

func (s *sorting) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	o := s.order
	o.Newest = s.newest
	var keys []event.Slot
	for _, k := range o.Keys {
		keys = append(keys, k.Slot)
	}
	codec := exec.NewCodec(&s.after, keys...)
	if s.last && rt.Printer != nil {
		codec = exec.NewPrintingCodec(rt.Printer(), keys...)
	}
	return &sortTask{next: next, number: !s.newest, sorter: exec.NewSorter(rt, "sort", o, codec, s.limit)}
}

type sortTask struct {
	untimed
	next   exec.Sink
	sorter *exec.Sorter
	number bool // rows arrive in an order that ties keep
	n      uint64
}

func (t *sortTask) Push(b *event.Batch) error {
	if t.number {
		t.n = arrive(b, t.n)
	}
	return t.sorter.Add(b)
}

// arrive gives the live rows positions in the order they come, so that equal
// rows keep it, and returns the next position.
func arrive(b *event.Batch, n uint64) uint64 {
	for len(b.Pos) < b.N {
		b.Pos = append(b.Pos, 0)
	}
	for _, r := range b.Live {
		b.Pos[r] = n
		n++
	}
	return n
}

func (t *sortTask) Merge(o exec.Task) error { return t.sorter.Merge(o.(*sortTask).sorter) }
func (t *sortTask) Flush() error            { return t.sorter.Flush(t.next) }
func (t *sortTask) Snapshot() error         { return t.sorter.Snapshot(t.next) }

func (t *sortTask) Save(to *exec.Saver) error {
	to.Uint(t.n)
	return t.sorter.Save(to)
}

func (t *sortTask) Load(from *exec.Loader) error {
	t.n = max(t.n, from.Uint())
	return t.sorter.Load(from)
}
