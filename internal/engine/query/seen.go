package query

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Seen is what a run notes of the rows on their way: enough to say that nothing
// could have come of it. It costs a few looks for each batch.
type Seen struct {
	q     *Query
	marks []*mark
	last  *mark // before the rows are collected
}

// mark is a place between two steps: how many rows pass it, and which fields of
// the condition that follows any of them has had.
type mark struct {
	after string // the search expression, when it stands behind that
	slots []event.Slot
	has   []atomic.Bool
	rows  atomic.Int64
}

// watch puts marks between the steps that run first.
func (s *Seen) watch(q *Query, steps []lang.Step) (out []lang.Step) {
	s.q = q
	put := func(m *mark) *mark {
		m.has = make([]atomic.Bool, len(m.slots))
		s.marks = append(s.marks, m)
		out = append(out, lang.Step{Stage: m, Flow: lang.Streams, Name: "mark"})
		return m
	}
	for _, step := range steps {
		switch {
		case step.Part == lang.Searching:
			out = append(out, step)
			put(&mark{after: strings.TrimPrefix(q.stepText(step), "search ")})
			continue
		case step.Facts.Cond != nil:
			put(&mark{slots: mustHave(step.Facts.Cond)})
		case step.Flow != lang.Streams:
			s.last = put(&mark{})
		}
		out = append(out, step)
	}
	return out
}

// Reached reports whether an event came past the search expression, or was given to
// a query that has none.
func (s *Seen) Reached() bool {
	return len(s.marks) > 0 && s.marks[0].rows.Load() > 0
}

// mustHave are the fields that an event has when a condition holds for it.
func mustHave(x expr.Expr) (slots []event.Slot) {
	fields := func(of ...expr.Expr) {
		for _, y := range of {
			if f, ok := y.(*expr.Field); ok {
				slots = append(slots, f.Slot)
			}
		}
	}
	switch x := x.(type) {
	case *expr.And:
		return append(mustHave(x.X), mustHave(x.Y)...)
	case *expr.Or:
		other := mustHave(x.Y)
		for _, s := range mustHave(x.X) {
			if slices.Contains(other, s) {
				slots = append(slots, s)
			}
		}
	case *expr.Compare:
		if x.Op != expr.Ne {
			fields(x.X, x.Y)
		}
	case *expr.Glob:
		fields(x.X)
	case *expr.Regexp:
		fields(x.X)
	case *expr.In:
		fields(x.X)
	case *expr.Contains:
		fields(x.X, x.Y)
	}
	return slots
}

// Empty reports whether nothing came of the events; rows are those that came out.
func (s *Seen) Empty(rows int64) bool {
	return rows == 0 || s.last != nil && s.last.rows.Load() == 0
}

// Nothing says what no event has without which no row could come out; "" when rows
// did come, or might have. rows are those that came out. sure is false where the parts
// of a search expression may each be found, and only not together.
func (s *Seen) Nothing(rows int64) (what string, sure bool) {
	if !s.Empty(rows) {
		return "", false
	}
	for _, m := range s.marks {
		if m.after != "" && m.rows.Load() == 0 {
			return fmt.Sprintf("no event matches `%s`, the part before the first |", m.after), !strings.Contains(m.after, " ")
		}
		if m.rows.Load() == 0 {
			return "", false
		}
		var missing []string
		for i, slot := range m.slots {
			if !m.has[i].Load() {
				missing = append(missing, s.q.Layout.Name(slot))
			}
		}
		if len(missing) == 1 {
			return "no event has a field " + missing[0] + ", which a condition reads", true
		} else if missing != nil {
			return "no event has one of the fields " + strings.Join(missing, ", ") + ", which a condition reads", true
		}
	}
	return "", false
}

func (m *mark) Check(*lang.Scope)   {}
func (m *mark) Needs(*event.Fields) {}

func (m *mark) Open(_ *exec.Runtime, next exec.Sink) exec.Task { return &markTask{m, next} }

type markTask struct {
	*mark
	next exec.Sink
}

func (t *markTask) Push(b *event.Batch) error {
	t.rows.Add(int64(len(b.Live)))
	for i, s := range t.slots {
		if int(s) < len(b.Cols) && len(b.Cols[s].Dict) > 1 && !t.has[i].Load() {
			t.has[i].Store(true)
		}
	}
	return t.next.Push(b)
}

func (t *markTask) Flush() error { return nil }
