package query

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
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
	`* | trace "(k[0-9]+x*)" "k5"`, `* | trace + "(k[0-9]+x*|k=)" "k5"`, `* | trace - "(k[0-9]+x*|k=)" "k="`,
	`* | merge k takeLast`,
	`* | transactionize k`,
	`* | transactionize k, g maxLogs=4`,
	`* | transaction on k with "*k1*" as one, with "*k2*" as two showing max(n)`,
	`* | transaction on k with "*1*" as one, with "*2*" as two results by flow`,
	`* | join (where n > 3) as a, (where n > 5) as b on a.k = b.k`,
	`* | logreduce`, `* | logreduce by k`, `* | logreduce field=w by g`, `* | logreduce field=w`,
	`* | logreduce keys`, `* | logreduce keys field=j`, `* | logreduce values on k`,
	`* | logexplain n > 5 on k, g`, `* | logcompare timeshift -1d`,
	`* | sessionize "k=*," as k, "k=$k,n=*," as n`, `* | sessionize "k=*," as k, "k=$k,n=*," as n, "k=$k,never=*" as w`,
	`* | timeslice 1m | count by _timeslice, k | transpose row k column _timeslice`,
	`* | timeslice 1m | count by _timeslice, k | transpose row _timeslice column k`,
	`* | count by k | fillmissing values all in k`, `* | count by k, g | fillmissing values all in k, values all in g`,
	`* | timeslice 1s | sum(n) as n by _timeslice, k | outlier n by k`,
	`* | timeslice 1s | sum(n) as n by _timeslice | predict n by 1s`,
	`* | count_frequent k`,
	`* | where [subquery:* | count by k | compose k]`,
	`* | count by k | compare timeshift 1d`,
}

// mayStop are the queries that say that they hold too much, rather than go on by disk:
// what their documentation says has to be held all at once.
var mayStop = []string{
	`* | logreduce field=w`, `* | count by k, g | fillmissing values all in k, values all in g`,
}

// TestMemoryIsKept runs every stage that holds rows with all keys distinct, and
// looks at what the process keeps: it is the budget, and what readers, sorters'
// runs and merges take beside it, which is known and does not grow.
func TestMemoryIsKept(t *testing.T) {
	rows, budget := 50_000, int64(4<<20)
	keepsMemory(t, distinctQueries, distinct{n: rows}, budget, 28<<20)
}

// many has TestMemoryIsKeptOfMany run every stage: it takes minutes.
var many = flag.Bool("many", false, "run every stage with 64 MiB, not some")

// The same with the budget of --memory 64m, and rows and keys that take more than it.
func TestMemoryIsKeptOfMany(t *testing.T) {
	queries := []string{distinctQueries[1], `* | total n by k`, `* | transactionize k`}
	if *many {
		queries = distinctQueries
	}
	keepsMemory(t, queries, distinct{n: 120_000, width: 600}, 64<<20, 40<<20)
}

// keepsMemory runs the queries. beside is what a run takes besides its budget: batches and,
// of each sorter, a run and the buffers of a merge.
func keepsMemory(t *testing.T, queries []string, events distinct, budget, beside int64) {
	for _, text := range queries {
		t.Run(text, func(t *testing.T) {
			q, diags := Compile(diag.Text("query", text), Standard())
			if diags.HasErrors() {
				t.Fatal(diags.Err())
			}
			events.held = newMemory()
			got := 0
			err := q.Run(context.Background(), Run{
				Input: events, Layout: q.Layout.Clone(), Workers: 2, Memory: budget, TempDir: t.TempDir(),
				Bounded: true, To: 1 << 52, Warnings: &exec.Warnings{},
				Reopen: func() (input.Feeder, error) { return events, nil },
			}, sinkFunc(func(b *event.Batch) error {
				got += len(b.Live)
				events.held.look()
				return nil
			}))
			took := events.held.most
			var over *exec.OverBudget
			if errors.As(err, &over) {
				t.Logf("%d MiB; %v", took>>20, err)
				if !slices.Contains(mayStop, text) {
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
			if events.held.looks < 4 && !strings.HasPrefix(text, "* | limit") {
				t.Errorf("memory was looked at %d times", events.held.looks)
			}
			if took > budget+beside {
				t.Errorf("holds %d MiB with a budget of %d MiB", took>>20, budget>>20)
			}
		})
	}
}

// memory is how much memory a run holds, looked at where its events are made and where its
// rows arrive. Those who make events wait meanwhile, and garbage is collected twice: what
// is made while it is collected counts as held, and on a busy machine that is much.
type memory struct {
	mu          sync.Mutex
	batches     int
	start, most int64 // bytes; most is beyond the start
	looks       int
}

func newMemory() *memory {
	h := &memory{}
	h.start = h.now()
	return h
}

func (h *memory) now() int64 {
	runtime.GC()
	time.Sleep(time.Millisecond) // the runtime takes unique texts that nobody has out of its table
	runtime.GC()
	runtime.GC()
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return int64(live[0].Value.Uint64())
}

// look is called for each batch, and looks at each third.
func (h *memory) look() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.batches++; h.batches%3 == 0 {
		h.looks++
		h.most = max(h.most, h.now()-h.start)
	}
}

// letters writes a number in letters.
func letters(n int) string {
	return strings.Map(func(r rune) rune { return r - '0' + 'a' }, fmt.Sprint(n))
}

// distinct is a number of events, each with a key of its own, newest last.
type distinct struct {
	n     int
	width int // of a key at least, in bytes
	held  *memory
}

func (d distinct) Feed(_ context.Context, want *input.Want) exec.Feed {
	const workers = 2
	fields := map[string]event.Slot{}
	for _, name := range []string{"k", "g", "n", "w", "j", "_raw"} {
		if s, ok := want.Layout.Find(name); ok && want.Fields.Wants(s) {
			fields[name] = s
		}
	}
	wide := strings.Repeat("x", d.width)
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
						v = event.Text(fmt.Sprintf("k%d%s", j, wide))
					case "g":
						v = event.Text(strings.Repeat("g", 20) + fmt.Sprint(j/2) + wide)
					case "w": // a word
						v = event.Text(letters(j) + wide)
					case "j":
						v = event.Text(fmt.Sprintf(`{"%s%s":1}`, letters(j), wide))
					case "_raw":
						v = event.Text(fmt.Sprintf("k=k%d%s,n=%d,", j, wide, j))
					}
					b.Col(s).Set(row, v)
				}
			}
			if err := front.Push(&b); err != nil {
				return err
			}
			d.held.look()
		}
		return nil
	}
}
