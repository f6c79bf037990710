package exec

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// row is one row of the plain twin.
type row struct {
	time int64
	pos  uint64
	vals [3]event.Value
}

func randomValue(r *rand.Rand) event.Value {
	switch r.IntN(9) {
	case 0:
		return event.Value{}
	case 1, 2:
		return event.Int(int64(r.IntN(7) - 3))
	case 3:
		return event.Float([]float64{-1.5, 0, 2.25, math.NaN(), math.Inf(1)}[r.IntN(5)])
	case 4:
		return event.Bool(r.IntN(2) == 0)
	}
	return event.Text([]string{"", "a", "B", "b", "abcdefgh1", "abcdefgh2", "é", "10", "9"}[r.IntN(9)])
}

// plainOrder is the order a Sorter must give, written out.
func plainOrder(o Order) func(a, b row) int {
	return func(a, b row) int {
		for _, k := range o.Keys {
			x, y := a.vals[k.Slot], b.vals[k.Slot]
			c := event.Compare(x, y)
			if c == 0 {
				continue
			}
			if k.Desc && !x.IsNull() && !y.IsNull() {
				return -c
			}
			return c
		}
		if o.Newest {
			if a.time != b.time {
				return cmp(b.time, a.time)
			}
			return cmp(b.pos, a.pos)
		}
		return cmp(a.pos, b.pos)
	}
}

type collect struct {
	slots []event.Slot
	rows  []string
}

func show(vals ...event.Value) string {
	var b strings.Builder
	for _, v := range vals {
		fmt.Fprintf(&b, "%s:%s|", v.Kind(), v)
	}
	return b.String()
}

func (c *collect) Push(b *event.Batch) error {
	for _, r := range b.Live {
		var vals []event.Value
		for _, s := range c.slots {
			vals = append(vals, b.Value(s, r))
		}
		c.rows = append(c.rows, fmt.Sprintf("%d %d %s", b.Time[r], b.Pos[r], show(vals...)))
	}
	return nil
}

func testRuntime(t *testing.T, limit int64) *Runtime {
	return &Runtime{Ctx: context.Background(), Budget: &Budget{Limit: limit}, TempDir: t.TempDir(), Warnings: &Warnings{}}
}

func TestSorterOrdersLikeAPlainSort(t *testing.T) {
	for round := range 60 {
		r := rand.New(rand.NewPCG(7, uint64(round)))
		o := Order{Newest: round%2 == 0}
		for s := range r.IntN(3) {
			o.Keys = append(o.Keys, Key{event.Slot(s), r.IntN(2) == 0})
		}
		var rows []row
		for i := range 1 + r.IntN(6000) {
			rows = append(rows, row{int64(r.IntN(50)), uint64(i), [3]event.Value{randomValue(r), randomValue(r), event.Text(strings.Repeat("x", r.IntN(40)))}})
		}
		limit := []int{0, 0, 1, 10, 100}[r.IntN(5)]
		budget := []int64{0, 1 << 16, 64 << 20}[r.IntN(3)]

		rt := testRuntime(t, budget)
		var f event.Fields
		f.Add(0, 1, 2)
		f.All = round%3 == 0
		workers := 1 + r.IntN(3)
		var sorters []*Sorter
		for range workers {
			sorters = append(sorters, NewSorter(rt, "sort", o, NewCodec(&f), limit))
		}
		b := &event.Batch{}
		for i := 0; i < len(rows); {
			b.Reset()
			for n := 1 + r.IntN(event.MaxRows); n > 0 && i < len(rows); n-- {
				at := b.AddRow(rows[i].time, rows[i].pos)
				for s, v := range rows[i].vals {
					b.Col(event.Slot(s)).Set(at, v)
				}
				i++
			}
			if err := sorters[r.IntN(workers)].Add(b); err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range sorters[1:] {
			if err := sorters[0].Merge(s); err != nil {
				t.Fatal(err)
			}
		}
		got := &collect{slots: []event.Slot{0, 1, 2}}
		if err := sorters[0].Flush(got); err != nil && err != ErrStop {
			t.Fatal(err)
		}
		slices.SortStableFunc(rows, plainOrder(o))
		if limit > 0 {
			rows = rows[:min(limit, len(rows))]
		}
		var want []string
		for _, w := range rows {
			want = append(want, fmt.Sprintf("%d %d %s", w.time, w.pos, show(w.vals[:]...)))
		}
		if !slices.Equal(got.rows, want) {
			for i := range want {
				if i >= len(got.rows) || got.rows[i] != want[i] {
					t.Fatalf("round %d (%+v, limit %d, budget %d): row %d of %d\n got %s\nwant %s", round, o, limit, budget, i, len(want), append(got.rows, "nothing")[min(i, len(got.rows))], want[i])
				}
			}
			t.Fatalf("round %d: %d rows, want %d", round, len(got.rows), len(want))
		}
		if used := rt.Budget.used.Load(); used != 0 {
			t.Errorf("round %d: %d bytes are still charged", round, used)
		}
		left, err := os.ReadDir(rt.TempDir)
		if err != nil || len(left) > 0 {
			t.Errorf("round %d: %d files left behind (%v)", round, len(left), err)
		}
	}
}

func TestSpillSaysWhereAndWhatToDo(t *testing.T) {
	rt := testRuntime(t, 1)
	rt.TempDir = rt.TempDir + "/gone"
	var f event.Fields
	f.Add(0)
	s := NewSorter(rt, "sort", Order{}, NewCodec(&f), 0)
	b := &event.Batch{}
	b.Col(0).Set(b.AddRow(0, 0), event.Text("x"))
	err := s.Add(b)
	if err == nil || !strings.Contains(err.Error(), rt.TempDir) {
		t.Fatalf("error is %v, want one that names %s", err, rt.TempDir)
	}
}

func TestCodecGivesRowsBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var f event.Fields
	f.Add(1)
	f.All = true
	c := NewCodec(&f)
	var rec []byte
	var want []string
	var widths []int
	b := &event.Batch{}
	for i := range 500 {
		b.Reset()
		at := b.AddRow(r.Int64(), uint64(i))
		b.Receipt = []int64{b.Time[0] + int64(r.IntN(3))}
		for slot := range 6 {
			b.Col(event.Slot(slot)).Set(at, randomValue(r))
		}
		from := len(rec)
		rec = c.Append(rec, b, at)
		widths = append(widths, len(rec)-from)
		want = append(want, fmt.Sprint(b.Time, b.Pos, b.Receipt, show(b.Value(0, 0), b.Value(1, 0), b.Value(2, 0), b.Value(3, 0), b.Value(4, 0), b.Value(5, 0))))
	}
	for i, w := range want {
		b.Reset()
		b.Receipt = []int64{}
		n := c.Decode(rec, b)
		if n != widths[i] {
			t.Fatalf("row %d took %d bytes, want %d", i, n, widths[i])
		}
		rec = rec[n:]
		if got := fmt.Sprint(b.Time, b.Pos, b.Receipt, show(b.Value(0, 0), b.Value(1, 0), b.Value(2, 0), b.Value(3, 0), b.Value(4, 0), b.Value(5, 0))); got != w {
			t.Fatalf("row %d\n got %s\nwant %s", i, got, w)
		}
	}
}

// A sorter needs one file however many runs it puts aside, one more while it merges
// them, and what it took over from others.
func TestSpillNeedsFewFiles(t *testing.T) {
	dir := t.TempDir()
	var wanted event.Fields
	wanted.Add(0)
	rt := &Runtime{Ctx: context.Background(), Layout: event.NewLayout("a"), Budget: &Budget{Limit: 1}, TempDir: dir}
	defer rt.Close()
	files := func() int {
		open := map[*spillFile]bool{}
		for s := range rt.spills.open {
			open[s.in] = true
		}
		return len(open)
	}
	var whole *Sorter
	const workers, runs = 4, 3*sortRunsMax + 7
	for w := range workers {
		s := NewSorter(rt, "test", Order{Keys: []Key{{Slot: 0}}}, NewCodec(&wanted), 0)
		b := &event.Batch{}
		for i := range runs {
			b.Reset()
			row := b.AddRow(0, uint64(w*runs+i))
			b.Col(0).Set(row, event.Int(int64((w*runs+i)*7919%(workers*runs))))
			if err := s.Add(b); err != nil {
				t.Fatal(err)
			}
			if n := files(); n > w+1 {
				t.Fatalf("%d files are open after %d runs of %d sorters", n, i+1, w+1)
			}
		}
		if whole == nil {
			whole = s
		} else if err := whole.Merge(s); err != nil {
			t.Fatal(err)
		}
	}
	got := &collect{slots: []event.Slot{0}}
	if err := whole.Flush(got); err != nil {
		t.Fatal(err)
	}
	if len(got.rows) != workers*runs {
		t.Fatalf("%d rows of %d", len(got.rows), workers*runs)
	}
	for i, r := range got.rows {
		if !strings.HasSuffix(r, show(event.Int(int64(i)))) {
			t.Fatalf("row %d is %s", i, r)
		}
	}
	if n := files(); n != 0 {
		t.Errorf("%d files are left open", n)
	}
}
