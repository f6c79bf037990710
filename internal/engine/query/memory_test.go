package query

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/metrics"
	"strings"
	"testing"
	"time"

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
			runtime.GC()
			peak := watchMemory(t)
			layout := q.Layout.Clone()
			got := 0
			err := q.Run(context.Background(), Run{
				Input: distinct(rows), Layout: layout, Workers: 2, Memory: budget, TempDir: t.TempDir(),
				Bounded: true, To: 1 << 52, Warnings: &exec.Warnings{},
				Again: func() (input.Feeder, error) { return distinct(rows), nil },
			}, sinkFunc(func(b *event.Batch) error { got += len(b.Live); return nil }))
			took := peak()
			var over *exec.OverBudget
			if errors.As(err, &over) {
				t.Logf("%d MiB; %v", took>>20, err)
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

// watchMemory looks at what is in use after each garbage collection until the
// function it returns is called, which gives by how much the most exceeds what it
// was at the start, in bytes.
func watchMemory(t *testing.T) func() int64 {
	t.Helper()
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	live := func() int64 { metrics.Read(sample); return int64(sample[0].Value.Uint64()) }
	start, most := live(), int64(0)
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				most = max(most, live())
			}
		}
	}()
	return func() int64 { close(stop); <-ended; return max(most-start, 0) }
}

// distinct is a number of events, each with a key of its own, newest last.
type distinct int

func (n distinct) Feed(_ context.Context, want *input.Want) exec.Feed {
	const workers = 2
	fields := map[string]event.Slot{}
	for _, name := range []string{"k", "g", "n", "_raw"} {
		if s, ok := want.Layout.Find(name); ok && want.Fields.Wants(s) {
			fields[name] = s
		}
	}
	return func(worker int, front exec.Sink) error {
		var b event.Batch
		for i := worker * event.MaxRows; i < int(n); i += workers * event.MaxRows {
			b.Reset()
			for j := i; j < min(int(n), i+event.MaxRows); j++ {
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
			if err := front.Push(&b); err != nil {
				return err
			}
		}
		return nil
	}
}
