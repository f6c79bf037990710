package query

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// distinctQueries are the stages that hold something, over rows of which every
// one has a key of its own: nothing that they hold is small.
var distinctQueries = []string{
	`* | count by k`,
	`* | count, sum(n), avg(n), min(n), max(n), stddev(n), pct(n, 50), first(k), last(k), count_distinct(k), values(k) by k`,
	`* | count_distinct(k)`,
	`* | pct(n, 90)`,
	`* | sort by k`,
	`* | sort by k | limit 5`,
	`* | limit 10`,
	`*`,
	`* | dedup by k`,
	`* | accum n by k`, `* | diff n by k`, `* | backshift n, 3 by k`, `* | smooth n, 4 by k`, `* | rollingstd n by k`,
	`* | total n by k`,
	`* | top 5 k`, `* | topk(3, n)`, `* | topk(3, n) by k`, `* | top 4 k by n`,
	`* | count by k | filter k in (where _count > 0)`,
	`* | trace "(k[0-9]+)" "k5"`,
	`* | merge k takeLast`,
	`* | transactionize k`,
	`* | transactionize k, g maxLogs=4`,
	`* | transaction on k with "*k1*" as one, with "*k2*" as two showing max(n)`,
	`* | transaction on k with "*1*" as one, with "*2*" as two results by flow`,
	`* | join (where n > 3) as a, (where n > 5) as b on a.k = b.k`,
	`* | logreduce`, `* | logreduce keys`, `* | logreduce values on k`,
	`* | sessionize "k=*," as k, "k=$k,n=*," as n`,
	`* | timeslice 1m | count by _timeslice, k | transpose row k column _timeslice`,
	`* | count by k | fillmissing values all in k`,
	`* | timeslice 1s | sum(n) as n by _timeslice, k | outlier n by k`,
	`* | timeslice 1s | sum(n) as n by _timeslice | predict n by 1s`,
	`* | count_frequent k`,
	`* | where [subquery:* | count by k | compose k]`,
	`* | count by k | compare timeshift 1d`,
}

// mayStop are the stages that say that they hold too much, rather than go on by disk.
var mayStop = []string{"total", "trace", "logreduce values", "sessionize", "transpose", "fillmissing", "outlier", "compare: what runs before the query"}

// TestMemoryIsKept runs every stage that holds rows with all keys distinct, and
// looks at what the process keeps: it is the budget, and what readers, sorters'
// runs and merges take beside it, which is known and does not grow.
func TestMemoryIsKept(t *testing.T) {
	rows, budget := 100_000, int64(4<<20)
	keepsMemory(t, distinctQueries, rows, budget)
}

// The same with the budget of --memory 64m and rows that take more than it.
func TestMemoryIsKeptOfMany(t *testing.T) {
	keepsMemory(t, []string{`* | count by k`, `* | transactionize k`}, 500_000, 64<<20)
}

// besideBudget is what a run takes besides its budget: batches and, of each sorter,
// a run and the buffers of a merge.
const besideBudget = 32 << 20

func keepsMemory(t *testing.T, queries []string, rows int, budget int64) {
	for _, text := range queries {
		t.Run(text, func(t *testing.T) {
			q, diags := Compile(diag.Text("query", text), Standard())
			if diags.HasErrors() {
				t.Fatal(diags.Err())
			}
			peak := watchMemory()
			layout := q.Layout.Clone()
			got := 0
			events := distinct{rows, peak}
			err := q.Run(context.Background(), Run{
				Input: events, Layout: layout, Workers: 2, Memory: budget, TempDir: t.TempDir(),
				Bounded: true, To: 1 << 52, Warnings: &exec.Warnings{},
				Again: func() (input.Feeder, error) { return events, nil },
			}, sinkFunc(func(b *event.Batch) error { peak.look(); got += len(b.Live); return nil }))
			took := peak.most
			var over *exec.OverBudget
			if errors.As(err, &over) {
				t.Logf("%d MiB; %v", took>>20, err)
				if !slices.ContainsFunc(mayStop, func(who string) bool { return strings.HasPrefix(err.Error(), who+" holds more") }) {
					t.Errorf("it stops where it had gone on: %v", err)
				}
				if over.Hint == "" || over.Limit != budget {
					t.Errorf("the message does not help: %v", err)
				}
			} else if err != nil {
				t.Fatal(err)
			} else {
				t.Logf("%d MiB, %d rows", took>>20, got)
			}
			if took > budget+besideBudget {
				t.Errorf("holds %d MiB with a budget of %d MiB", took>>20, budget>>20)
			}
		})
	}
}

// watched looks at how much is in use. It collects garbage itself, in the goroutine
// of the only worker that runs at the time: so nothing counts that is garbage, as it
// would if it was allocated while a collection runs.
type watched struct {
	mu          sync.Mutex // held by the worker that runs
	start, most int64      // bytes; most is beyond the start
	n           int
}

func watchMemory() *watched {
	w := &watched{}
	w.start = w.use()
	return w
}

func (w *watched) use() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// look is called for each batch, of which it looks at one in eight.
func (w *watched) look() {
	if w.n++; w.n%8 == 0 {
		w.most = max(w.most, w.use()-w.start)
	}
}

// distinct is a number of events, each with a key of its own, newest last.
type distinct struct {
	n     int
	watch *watched
}

func (d distinct) Feed(_ context.Context, want *input.Want) exec.Feed {
	const workers = 2
	fields := map[string]event.Slot{}
	for _, name := range []string{"k", "g", "n", "_raw"} {
		if s, ok := want.Layout.Find(name); ok && want.Fields.Wants(s) {
			fields[name] = s
		}
	}
	return func(worker int, front exec.Sink) error {
		var b event.Batch
		for i := worker * event.MaxRows; i < d.n; i += workers * event.MaxRows {
			b.Reset()
			for j := i; j < min(d.n, i+event.MaxRows); j++ {
				row := b.AddRow(int64(j)*10, uint64(j))
				for name, s := range fields {
					v := event.Int(int64(j))
					switch name {
					case "k":
						v = event.Text(fmt.Sprintf("k%d", j))
					case "g":
						v = event.Text(strings.Repeat("g", 20) + fmt.Sprint(j/2))
					case "_raw":
						v = event.Text(fmt.Sprintf("k=k%d,n=%d,", j, j))
					}
					b.Col(s).Set(row, v)
				}
			}
			d.watch.mu.Lock()
			err := front.Push(&b)
			d.watch.look()
			d.watch.mu.Unlock()
			if err != nil {
				return err
			}
		}
		return nil
	}
}
