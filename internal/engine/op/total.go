package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "total", Usage: "total <of:field> {as <out:field>|by <groups:field,...>}",
		Summary: "The sum of a field over all rows, on every row.",
		Text: "With `by` it is the sum of the row's group. Rows keep their order. " +
			"Text is cast; a row whose value is null or no number leaves. The column is `_total`. " +
			"Rows beyond the memory budget go to disk.",
		Differs: "OP-14: rows that are skipped leave the result. The limit of 100,000 rows does not exist.",
		Examples: []lang.Example{
			{Query: `* | sum(n) as n by t | sort by t asc | total n`, In: numbersInOrder, Out: []string{`{"t":"1","_total":12}`, `{"t":"2","_total":12}`, `{"t":"3","_total":12}`}},
			{Query: `* | sum(n) as n by t, g | sort by t asc | total n as sum by g`, In: numbersInOrder, Out: []string{`{"t":"1","sum":8}`, `{"t":"2","sum":4}`, `{"t":"3","sum":8}`}},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Keeps},
	New:   func() lang.Stage { return new(total) },
})

type total struct {
	Of     *syntax.Field   `usage:"of"`
	As     *syntax.Field   `usage:"out"`
	Groups []*syntax.Field `usage:"groups"`

	of, out event.Slot
	by      []event.Slot
	after   event.Fields
}

func (s *total) Check(sc *lang.Scope) {
	s.of = sc.Read(s.Of)
	for _, f := range s.Groups {
		s.by = append(s.by, sc.Read(f))
	}
	if s.As != nil {
		s.out = sc.Make(s.As)
	} else {
		s.out = sc.MakeName("_total")
	}
}

func (s *total) Needs(f *event.Fields) {
	f.Remove(s.out)
	s.after = f.Clone()
	f.Add(s.of)
	f.Add(s.by...)
}

func (s *total) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	return &totalTask{
		total: s, next: next, rows: newReplay(rt, "total", &s.after, s.by...),
		sums: streams[float64]{acct: rt.Budget.Open("total"), by: s.by},
	}
}

type totalTask struct {
	*total
	next exec.Sink
	rows *replay
	sums streams[float64]
	col  event.Column
}

func newSum() (float64, int) { return 0, 8 }

func (t *totalTask) Push(b *event.Batch) error {
	live := b.Live[:0]
	for _, row := range b.Live {
		f, ok := b.Value(t.of, row).Float()
		if !ok {
			continue
		}
		sum, err := t.sums.of(b, row, newSum)
		if err != nil {
			return err
		}
		*sum += f
		live = append(live, row)
	}
	b.Live = live
	return t.rows.Push(b)
}

func (t *totalTask) Flush() error {
	defer t.sums.acct.Release()
	return t.rows.each(func(b *event.Batch) error {
		t.col.Reset()
		for _, row := range b.Live {
			sum, err := t.sums.of(b, row, newSum)
			if err != nil {
				return err
			}
			t.col.Set(row, event.Float(*sum))
		}
		b.Col(t.out).Alias(&t.col)
		return t.next.Push(b)
	})
}
