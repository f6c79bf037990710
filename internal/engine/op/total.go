package op

import (
	"strings"

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
			"Rows and groups beyond the memory budget go to disk.",
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
	sum     event.Slot // hidden: of a group, in a row before the group's
	spilling
}

func (s *total) Check(sc *lang.Scope) {
	s.check(sc)
	s.sum = hidden(sc, "sum")
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
	s.before = f.Clone()
}

func (s *total) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	return &totalTask{
		total: s, rt: rt, next: next, rows: exec.NewSorter(rt, "total", exec.Order{}, exec.NewCodec(&s.after, s.by...), 0),
		sums: streams[float64]{acct: rt.Budget.Open("total"), by: s.by},
	}
}

// totalTask adds up the groups that there is memory for as rows come. Rows of other
// groups are kept by group, and added up in the end, one group after the other.
type totalTask struct {
	*total
	rt     *exec.Runtime
	next   exec.Sink
	rows   *exec.Sorter // of groups in sums, in their order
	sums   streams[float64]
	aside  bool         // rows have been put aside, to have memory for sums
	others *exec.Sorter // rows of groups that are not in sums, by group; nil while there are none
	n      uint64
	rest   []uint16
	col    event.Column
}

func newSum() (float64, int) { return 0, 8 }

func (t *totalTask) Push(b *event.Batch) error {
	live := b.Live[:0]
	for _, row := range b.Live {
		if _, ok := b.Value(t.of, row).Float(); ok {
			live = append(live, row)
		}
	}
	b.Live = live
	t.n = arrive(b, t.n)
	live, t.rest = b.Live[:0], t.rest[:0]
	for _, row := range b.Live {
		sum := t.sums.get(b, row, t.others != nil, newSum)
		if sum == nil && !t.aside {
			t.aside = true
			if err := t.rows.PutAside(); err != nil {
				return err
			}
			sum = t.sums.get(b, row, false, newSum)
		}
		if sum == nil {
			if t.others == nil {
				t.others = exec.NewSorter(t.rt, "total", exec.Order{Keys: []exec.Key{{Slot: t.key}}}, exec.NewCodec(&t.before, t.key), 0)
			}
			if len(t.rest) == 0 {
				b.Col(t.key).Reset()
			}
			b.Col(t.key).Set(row, event.Text(string(t.sums.key)))
			t.rest = append(t.rest, row)
			continue
		}
		f, _ := b.Value(t.of, row).Float()
		*sum += f
		live = append(live, row)
	}
	if len(t.rest) > 0 {
		b.Live = t.rest
		if err := t.others.Add(b); err != nil {
			return err
		}
		b.Col(t.key).Reset()
	}
	b.Live = live
	return t.rows.Add(b)
}

func (t *totalTask) Flush() error {
	defer t.sums.acct.Release()
	done := t.next.Push
	var ready *exec.Sorter
	if t.others != nil {
		ready = exec.NewSorter(t.rt, "total", exec.Order{}, exec.NewCodec(&t.after, t.out), 0)
		done = ready.Add
	}
	if err := t.rows.Flush(sinkFunc(func(b *event.Batch) error {
		t.col.Reset()
		for _, row := range b.Live {
			t.col.Set(row, event.Float(*t.sums.get(b, row, true, newSum)))
		}
		b.Col(t.out).Alias(&t.col)
		return done(b)
	})); err != nil || ready == nil {
		return err
	}
	t.sums.seen = nil
	t.sums.acct.Release()
	if err := t.addUp(ready); err != nil {
		return err
	}
	return ready.Flush(t.next)
}

// addUp adds up the groups on disk. The sum of each stands in a row of its own before
// its rows when they are read again.
func (t *totalTask) addUp(ready *exec.Sorter) error {
	again := exec.NewSorter(t.rt, "total", exec.Order{Keys: []exec.Key{{Slot: t.key}, {Slot: t.sum}}}, exec.NewCodec(&t.after, t.key, t.sum), 0)
	var sums event.Batch
	group, sum, some := "", 0.0, false
	put := func() error {
		err := again.Add(&sums)
		sums.Reset()
		return err
	}
	end := func() error {
		row := sums.AddRow(0, 0)
		sums.Col(t.key).Set(row, event.Text(group))
		sums.Col(t.sum).Set(row, event.Float(sum))
		if sums.N < event.MaxRows {
			return nil
		}
		return put()
	}
	if err := t.others.Flush(sinkFunc(func(b *event.Batch) error {
		keys := b.Col(t.key)
		for _, row := range b.Live {
			if k := keys.At(row).Str(); !some || k != group {
				if some {
					if err := end(); err != nil {
						return err
					}
				}
				group, sum, some = strings.Clone(k), 0, true
			}
			f, _ := b.Value(t.of, row).Float()
			sum += f
		}
		b.Col(t.sum).Reset()
		return again.Add(b)
	})); err != nil {
		return err
	}
	if err := end(); err != nil {
		return err
	}
	if err := put(); err != nil {
		return err
	}
	told := event.Value{}
	return again.Flush(sinkFunc(func(b *event.Batch) error {
		t.col.Reset()
		sums := *b.Col(t.sum)
		live := b.Live[:0]
		for _, row := range b.Live {
			if v := sums.At(row); !v.IsNull() {
				told = v
				continue
			}
			t.col.Set(row, told)
			live = append(live, row)
		}
		b.Live = live
		b.Col(t.key).Reset()
		b.Col(t.sum).Reset()
		b.Col(t.out).Alias(&t.col)
		return ready.Add(b)
	}))
}
