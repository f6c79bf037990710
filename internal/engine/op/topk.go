package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "topk", Usage: "topk(<n:int>, <keys:field,...>) [[group] by <groups:field,...>]",
		Summary: "The rows with the greatest values of a field, overall or in each group.",
		Text: "Rows come sorted by the fields, descending; `_rank` is 1 for the greatest, counted in each group. The other fields stay. " +
			"Equal rows are ranked in the order they have. Values compare as `sort` compares them: text is not cast, and null comes last.",
		Differs: "Ties: Sumo Logic does not say. Text that looks like a number is compared as text, as `sort` does.",
		Examples: []lang.Example{
			{Query: `* | topk(1, c) by h | fields h, c, _rank`, In: []string{`{"_raw":"","h":"a","c":5}`, `{"_raw":"","h":"a","c":9}`, `{"_raw":"","h":"b","c":1}`}, Out: []string{`{"h":"a","c":9,"_rank":1}`, `{"h":"b","c":1,"_rank":1}`}},
		},
	},
	Flow:  lang.Collects,
	Facts: lang.Facts{Rows: lang.Drops},
	New:   func() lang.Stage { return new(topk) },
})

type topk struct {
	N      *syntax.Number  `usage:"n"`
	Keys   []*syntax.Field `usage:"keys"`
	Groups []*syntax.Field `usage:"groups"`
	chain
}

func (t *topk) Check(sc *lang.Scope) {
	if t.N.Int < 1 {
		sc.Error(t.N, "bad-topk", "topk gives at least 1 row", "write a number such as 10")
	}
	sort := &sorting{}
	for _, f := range t.Keys {
		sort.Keys = append(sort.Keys, &syntax.SortKey{Field: f})
	}
	if len(t.Groups) == 0 {
		sort.limit = int(t.N.Int)
	}
	t.add(sc, sort, lang.Collects)
	r := &rank{n: t.N.Int}
	for _, f := range t.Groups {
		r.by = append(r.by, sc.Read(f))
	}
	t.add(sc, r, lang.InOrder)
}

// rank numbers the rows of each group and keeps the first n.
type rank struct {
	n   int64
	by  []event.Slot
	out event.Slot
	spilling
}

func (r *rank) Check(sc *lang.Scope) {
	r.check(sc)
	r.out = sc.MakeName("_rank")
}

func (r *rank) Needs(f *event.Fields) {
	r.after = f.Clone()
	f.Remove(r.out)
	f.Add(r.by...)
	r.before = f.Clone()
}

func (r *rank) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	var col event.Column // ranks of a batch
	return &streamTask[int64]{
		streams: streams[int64]{acct: rt.Budget.Open("topk"), by: r.by}, spilling: &r.spilling, rt: rt, who: "topk", next: next,
		fresh: func() (int64, int) { return 0, 8 },
		row: func(_ *event.Batch, row uint16, n *int64) bool {
			if *n++; *n > r.n {
				return false
			}
			col.Set(row, event.Int(*n))
			return true
		},
		begin: func(*event.Batch) { col.Reset() },
		done:  func(b *event.Batch) { b.Col(r.out).Alias(&col) },
	}
}
