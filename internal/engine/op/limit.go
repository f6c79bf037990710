package op

import (
	"fmt"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// limitMax is the greatest number limit takes (spec C.1).
const limitMax = 10000

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "limit", Usage: "limit <n:int>",
		Summary: "Keeps the first rows, in the order they have.",
		Text:    "Messages come newest first, so `limit 10` on messages is the ten newest. More than 10,000 is an error.",
		Examples: []lang.Example{
			{Query: `* | limit 2`, In: []string{"old", "mid", "new"}, Out: []string{`{"_raw":"new"}`, `{"_raw":"mid"}`}},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Drops},
	New:   func() lang.Stage { return new(limit) },
})

type limit struct {
	N *syntax.Number `usage:"n"`
}

func (l *limit) Check(sc *lang.Scope) {
	if l.N.Int > limitMax {
		sc.Error(l.N, "limit-too-high", fmt.Sprintf("limit takes %d at most", limitMax), "write limit 10000, or leave limit out")
	}
	if l.N.Int < 1 {
		sc.Error(l.N, "limit-too-low", "limit takes at least 1", "")
	}
}

// Limit tells the planner how many rows are wanted of the stage before.
func (l *limit) Facts(f lang.Facts) lang.Facts {
	f.Limit = int(l.N.Int)
	return f
}

func (l *limit) Needs(*event.Fields) {}

func (l *limit) Open(_ *exec.Runtime, next exec.Sink) exec.Task {
	return &limitTask{next: next, left: int(l.N.Int)}
}

type limitTask struct {
	stateless
	next exec.Sink
	left int
}

func (t *limitTask) Push(b *event.Batch) error {
	if t.left == 0 {
		return exec.ErrStop
	}
	if len(b.Live) > t.left {
		b.Live = b.Live[:t.left]
	}
	t.left -= len(b.Live)
	if err := t.next.Push(b); err != nil {
		return err
	}
	if t.left == 0 {
		return exec.ErrStop
	}
	return nil
}
