package op

import (
	"errors"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "filter", Usage: "filter <names:field,...> in <child:query>",
		Summary: "Keeps the rows whose fields occur in the result of a query over the same rows.",
		Text: "The query in parentheses has no search expression and runs on the rows that reach `filter`, usually those of an aggregate; rows keep their order. " +
			"It may hold neither `filter` nor `compare`. Rows beyond the memory budget go to disk.",
		Differs: "There is no limit of 100,000 rows.",
		Examples: []lang.Example{
			{Query: `* | count by h | filter h in (where _count > 1)`, In: []string{`{"_raw":"","h":"a"}`, `{"_raw":"","h":"b"}`, `{"_raw":"","h":"a"}`}, Out: []string{`{"h":"a","_count":2}`}},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Drops},
	New:   func() lang.Stage { return new(filter) },
})

type filter struct {
	Names []*syntax.Field `usage:"names"`
	Child *syntax.Query   `usage:"child"`

	slots                 []event.Slot
	hiddenKey, hiddenSide event.Slot // of rows that are put beside keys of the child
	pipe                  *lang.Pipe
	after                 event.Fields
}

func (s *filter) Check(sc *lang.Scope) {
	if sc.Messages {
		sc.Warn(sc.Stage(), "filter-before-aggregate", "Sumo Logic has filter only after an aggregate", "put an aggregate before it")
	}
	for _, st := range s.Child.Stages {
		if st.Op != nil && st.Kind == syntax.Operation && (strings.EqualFold(st.Op.Text, "filter") || strings.EqualFold(st.Op.Text, "compare")) {
			sc.Error(st.Op, "nested-filter", "the query of filter may hold neither filter nor compare", "put it before or after the filter")
		}
	}
	var child *lang.Scope
	s.pipe, child = sc.Child(s.Child)
	s.hiddenKey, s.hiddenSide = hidden(sc, "key"), hidden(sc, "side")
	for _, f := range s.Names {
		s.slots = append(s.slots, sc.Read(f))
		child.Read(f)
	}
}

func (s *filter) Needs(f *event.Fields) {
	f.Add(s.slots...)
	s.after = f.Clone()
	var g event.Fields
	g.Add(s.slots...)
	s.pipe.Needs(&g)
	f.Union(&g)
}

func (s *filter) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	t := &filterTask{filter: s, rt: rt, next: next, acct: rt.Budget.Open("filter"), found: map[string]bool{}}
	t.rows = exec.NewSorter(rt, "filter", exec.Order{}, exec.NewCodec(&s.after, s.slots...), 0)
	t.child = s.pipe.Open(rt, sinkFunc(t.take))
	return t
}

type filterTask struct {
	*filter
	rt    *exec.Runtime
	next  exec.Sink
	rows  *exec.Sorter
	child exec.Task
	full  bool // the child wants no more
	acct  *exec.Account
	found map[string]bool
	more  *exec.Sorter // by key: what the child gave beyond memory, before the rows that may be of it; nil for nothing
	n     uint64
	buf   []byte
}

func (t *filterTask) Push(b *event.Batch) error {
	t.n = arrive(b, t.n)
	if err := t.rows.Add(b); err != nil || t.full {
		return err
	}
	err := t.child.Push(b)
	if errors.Is(err, exec.ErrStop) {
		t.full, err = true, nil
	}
	return err
}

// key is the text of a row's fields.
func (t *filterTask) key(b *event.Batch, row uint16) []byte {
	t.buf = t.buf[:0]
	for _, s := range t.slots {
		t.buf = appendKey(t.buf, b.Value(s, row))
	}
	return t.buf
}

// take notes the rows that the child gives.
func (t *filterTask) take(b *event.Batch) error {
	var more event.Batch
	for _, row := range b.Live {
		k := t.key(b, row)
		if t.found[string(k)] {
			continue
		}
		if t.more == nil {
			ok, err := hold(t.acct, int64(len(k))+48, t.rows)
			if err != nil {
				return err
			}
			if ok {
				t.found[string(k)] = true
				continue
			}
			codec := exec.NewCodec(&t.after, append([]event.Slot{t.hiddenKey, t.hiddenSide}, t.slots...)...)
			t.more = exec.NewSorter(t.rt, "filter", exec.Order{Keys: []exec.Key{{Slot: t.hiddenKey}, {Slot: t.hiddenSide}}}, codec, 0)
		}
		at := more.AddRow(0, 0)
		more.Col(t.hiddenKey).Set(at, event.Text(string(k)))
		more.Col(t.hiddenSide).Set(at, event.Int(0))
	}
	if t.more == nil || more.N == 0 {
		return nil
	}
	return t.more.Add(&more)
}

func (t *filterTask) Flush() error {
	defer t.acct.Release()
	if err := t.child.Flush(); err != nil && !errors.Is(err, exec.ErrStop) {
		return err
	}
	if t.more != nil {
		return t.flushMore()
	}
	return t.rows.Flush(sinkFunc(func(b *event.Batch) error {
		live := b.Live[:0]
		for _, row := range b.Live {
			if t.found[string(t.key(b, row))] {
				live = append(live, row)
			}
		}
		if b.Live = live; len(live) == 0 {
			return nil
		}
		return t.next.Push(b)
	}))
}

// flushMore gives the rows where what the child gave does not fit into memory: those
// whose key is not known there go beside what is on disk, by key, and what is left of
// them back into the order in which they came.
func (t *filterTask) flushMore() error {
	kept := exec.NewSorter(t.rt, "filter", exec.Order{}, exec.NewCodec(&t.after), 0)
	var others []uint16
	err := t.rows.Flush(sinkFunc(func(b *event.Batch) error {
		live := b.Live[:0]
		others = others[:0]
		for _, row := range b.Live {
			k := t.key(b, row)
			if t.found[string(k)] {
				live = append(live, row)
				continue
			}
			b.Col(t.hiddenKey).Set(row, event.Text(string(k)))
			b.Col(t.hiddenSide).Set(row, event.Int(1))
			others = append(others, row)
		}
		b.Live = others
		if err := t.more.Add(b); err != nil {
			return err
		}
		b.Col(t.hiddenKey).Reset()
		b.Col(t.hiddenSide).Reset()
		b.Live = live
		return kept.Add(b)
	}))
	if err != nil {
		return err
	}
	clear(t.found)
	t.acct.Release()
	key, found := "", false
	err = t.more.Flush(sinkFunc(func(b *event.Batch) error {
		keys, sides := *b.Col(t.hiddenKey), *b.Col(t.hiddenSide)
		live := b.Live[:0]
		for _, row := range b.Live {
			if side, _ := sides.At(row).Int(); side == 0 {
				key, found = strings.Clone(keys.At(row).Str()), true
			} else if found && keys.At(row).Str() == key {
				live = append(live, row)
			}
		}
		b.Col(t.hiddenKey).Reset()
		b.Col(t.hiddenSide).Reset()
		b.Live = live
		return kept.Add(b)
	}))
	if err != nil {
		return err
	}
	return kept.Flush(t.next)
}
