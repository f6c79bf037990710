package op

import (
	"errors"
	"fmt"
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

	slots []event.Slot
	pipe  *lang.Pipe
	after event.Fields
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
	t := &filterTask{filter: s, next: next, acct: rt.Budget.Open("filter"), found: map[string]bool{}}
	t.rows = exec.NewSorter(rt, "filter", exec.Order{}, exec.NewCodec(&s.after, s.slots...), 0)
	t.child = s.pipe.Open(rt, sinkFunc(t.take))
	return t
}

type filterTask struct {
	*filter
	next  exec.Sink
	rows  *exec.Sorter
	child exec.Task
	full  bool // the child wants no more
	acct  *exec.Account
	found map[string]bool
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
	for _, row := range b.Live {
		k := t.key(b, row)
		if t.found[string(k)] {
			continue
		}
		if ok, err := hold(t.acct, int64(len(k))+48, t.rows); err != nil {
			return err
		} else if !ok {
			return t.acct.Over(fmt.Sprintf("%d results of its query", len(t.found)), "let the query give fewer rows")
		}
		t.found[string(k)] = true
	}
	return nil
}

func (t *filterTask) Flush() error {
	defer t.acct.Release()
	if err := t.child.Flush(); err != nil && !errors.Is(err, exec.ErrStop) {
		return err
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
