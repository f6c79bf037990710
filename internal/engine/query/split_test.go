package query

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/exec/exectest"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
)

// splitWays is how many ways there are to run a query; each runs in splitRounds
// of them, which ones depends on its text, so that all queries together go all.
const (
	splitWays   = 4
	splitRounds = 2
)

// TestExamplesSplit runs every example of every word's documentation with its
// input cut up, shared among workers, lent and with no memory to be had. A word
// that is added needs no test of its own for that.
func TestExamplesSplit(t *testing.T) {
	ops, fns, aggs := Standard().Docs()
	for _, docs := range [][]lang.Doc{ops, fns, aggs} {
		for _, d := range docs {
			for i, ex := range d.Examples {
				t.Run(fmt.Sprintf("%s/%d", d.Name, i), func(t *testing.T) { splitRun(t, ex.Query, messages(t, ex.In)) })
			}
		}
	}
}

// splitQueries run over splitEvents the same way. The examples have few rows;
// these have enough for what only many rows do.
var splitQueries = []string{
	`*`,
	`* | sort by n, k`,
	`* | sort by +k | limit 7`,
	`* | limit 20`,
	`* | count by k`,
	`* | count by n | sort by _count, n | limit 10`,
	`* | count, sum(n), avg(n), min(n), max(n), pct(n, 50), stddev(n) by k`,
	`* | count_distinct(n) by k`,
	`* | first(n), last(n), most_recent(n), least_recent(n) by k`,
	`* | values(k) by j`,
	`* | json auto | where n > 20 | count by k, j | sort by _count, k, j`,
	`* | json "k", "n" as a, b | timeslice 1m | count by a, _timeslice`,
	`* | parse "\"k\":\"*\"" as a | parse regex "\"n\":(?<b>\d+)" | count by a, b`,
	`* | parse regex "(?<d>\d)" multi | count by d`,
	`* | parse regex "(?<d>\d)" multi | fields d`,
	`* | parse "\"j\":\"*\"" as a nodrop | if (isNull(a), "none", a) as a | count by a`,
	`* | toUpperCase(k) as u | concat(u, "-", n) as c | where c matches "*-1*" | fields c, u | sort by c, u`,
	`* | timeslice 5m | avg(n) as m, count by _timeslice | sort by +_timeslice`,
	`* | count by k | sum(_count) as all`,
	`* | dedup 2 by k, j | accum n | diff n as d by k | backshift n, 3 | smooth n, 4 by j | rollingstd n | fields k, _accum, d, _backshift, _smooth, _rollingstd`,
	`* | dedup consecutive by j | fields n`,
	`* | total n by k | fields n, k, _total`,
	`* | top 5 n | topk(2, _count)`,
	`* | top 4 k by n | count_frequent k`,
	`* | topk(3, n) by k | fields n, k, _rank`,
	`* | withtime n | most_recent(n_withtime), least_recent(n_withtime) by k`,
	`* | merge k takeDistinct, n join with ",", j takeLast`,
	`* | bin n width=7, min=10, max=70 | count by _bin_label, k | transpose row k column _bin_label`,
	`* | timeslice 5m | sum(n) as n by _timeslice, k | outlier n window=4, threshold=1 by k`,
	`* | timeslice 5m | sum(n) as n by _timeslice | predict n by 5m model=ar, ar.window=3`,
	`* | count by k, j | fillmissing values all in k, values("x", "y") in j`,
	`* | count by k | compare timeshift 1h, timeshift 1h 2 avg`,
	`* | transactionize k, n as g maxLogs=4 | fields k, n, g, g_size`,
	`* | transactionize n, j (limit 3) | fields k, n`,
	`* | sessionize "\"k\":\"*\",\"n\":1" as k, "\"k\":\"$k\",\"n\":*}" as n`,
	`* | transaction on k with "*\"n\":1*" as one, with "*\"n\":2*" as two showing max(n), sum("1") for one as ones | sort by k`,
}

func TestQueriesSplit(t *testing.T) {
	data := splitEvents(300)
	for _, q := range splitQueries {
		t.Run(q, func(t *testing.T) {
			if splitRun(t, q, data) == 0 {
				t.Error("no rows prove nothing")
			}
		})
	}
}

func splitEvents(n int) []byte {
	rnd := rand.New(rand.NewPCG(7, 7))
	var out bytes.Buffer
	for i := range n {
		// Times repeat, so that receipt and position decide some of the order.
		fmt.Fprintf(&out, `{"UtcTime":"2026-03-02 06:%02d:%02d.000","k":"%c","n":%d`, rnd.IntN(60), rnd.IntN(4), 'a'+rune(rnd.IntN(9)), rnd.IntN(90))
		if i%3 == 0 {
			fmt.Fprintf(&out, `,"j":"J\u00e4%d \"q\""`, i%5)
		}
		out.WriteString("}\n")
	}
	return out.Bytes()
}

// messages writes the input of an example as messages.
func messages(t *testing.T, in []string) []byte {
	var out bytes.Buffer
	for i, s := range in {
		m := map[string]any{}
		if !strings.HasPrefix(s, "{") || json.Unmarshal([]byte(s), &m) != nil {
			m = map[string]any{"_raw": s}
		}
		if _, ok := m["_raw"]; !ok {
			m = map[string]any{"_raw": s}
		}
		if _, ok := m["_messageTime"]; !ok {
			m["_messageTime"] = 1704067200000 + 1000*i
		}
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		out.Write(append(b, '\n'))
	}
	return out.Bytes()
}

// splitRun runs a query in several ways and returns the number of its rows.
func splitRun(t *testing.T, text string, data []byte) int {
	q, diags := Compile(diag.Text("query", text), Standard())
	if diags.HasErrors() {
		t.Fatal(diags.Err())
	}
	if varies(q) {
		t.Skip("gives another result each time by its nature")
	}
	want, err := split{workers: 1}.run(q, data)
	if err != nil {
		t.Fatal(err)
	}
	for round := range splitRounds {
		round = (round + len(text)) % splitWays
		s := split{workers: 1 + round, block: 64 + 300*round, lend: rand.New(rand.NewPCG(1, uint64(round)))}
		if round%2 == 1 {
			s.memory = exectest.TinyBudget
		}
		got, err := s.run(q, data)
		var over *exec.OverBudget
		if s.memory > 0 && errors.As(err, &over) && !spills(q) {
			continue
		}
		if err != nil {
			t.Fatalf("%+v: %v", s, err)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%d workers, %d bytes a block, budget %d:\n got %s\nwant %s", s.workers, s.block, s.memory, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	}
	return len(want)
}

// unstopped are the stages that a tiny budget must not stop.
var unstopped = []string{
	"sort", "newest first", "group", "limit", "transactionize", "dedup", "filter", "accum", "diff", "backshift", "smooth", "rollingstd", "fillmissing",
}

// spills reports whether a query has only steps that a tiny budget must not stop.
func spills(q *Query) bool {
	for _, s := range q.steps {
		if s.Flow != lang.Streams && !slices.Contains(unstopped, s.Name) {
			return false
		}
	}
	return true
}

// varies reports whether a query asks for the time or for chance.
func varies(q *Query) bool {
	text := strings.ToLower(q.Tree.File.Text)
	return strings.Contains(text, "rand(")
}

// split is one way to run a query.
type split struct {
	workers, block int
	memory         int64
	lend           *rand.Rand // nil: batches as the reader makes them
	from, to       int64      // ms; all time if 0
}

func (s split) run(q *Query, data []byte) ([]string, error) {
	jsonl := *format.Named("jsonl")
	if s.lend != nil {
		open, seed := jsonl.New, s.lend.Uint64()
		var n atomic.Uint64
		jsonl.New = func(w *input.Want) input.BlockReader { // each worker has a source of its own
			return careless{open(w), rand.New(rand.NewPCG(seed, n.Add(1)))}
		}
	}
	open := func() (input.Feeder, error) {
		o := input.Options{Force: &jsonl, BlockBytes: s.block}
		return input.NewReader(text(data), []*input.Format{&jsonl}, o), nil
	}
	reader, _ := open()
	if s.to == 0 {
		s.to = 1 << 52
	}
	layout := q.Layout.Clone()
	out := &exectest.Collect{Layout: layout}
	err := q.Run(context.Background(), Run{
		Input: reader, Layout: layout, Workers: s.workers, Memory: s.memory,
		Now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC), Bounded: true, From: s.from, To: s.to,
		Warnings: &exec.Warnings{}, Reopen: open,
	}, out)
	return out.Rows, err
}

// Counts of half an hour beside those of the one before, counted here too. Key b
// is there only before, c only now, and z never.
func TestCompareAndFillmissingCount(t *testing.T) {
	q, diags := Compile(diag.Text("query", `* | count by k | compare timeshift 30m | fillmissing values("z", "a") in k`), Standard())
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	start := time.Date(2026, 3, 2, 6, 30, 0, 0, time.UTC)
	var data bytes.Buffer
	now, past := map[string]int{}, map[string]int{}
	for i := range 300 {
		k, minute := string('a'+rune(i%9)), i*7%60-30
		if k == "b" && minute >= 0 || k == "c" && minute < 0 {
			continue
		}
		fmt.Fprintf(&data, `{"UtcTime":"%s","k":"%s"}`+"\n", start.Add(time.Duration(minute)*time.Minute).Format("2006-01-02 15:04:05.000"), k)
		if minute >= 0 {
			now[k]++
		} else {
			past[k]++
		}
	}
	want := []string{"_count=long:0 _count_30m=long:0 k=string:z"}
	for c := 'a'; c < 'a'+9; c++ {
		row := ""
		if n := now[string(c)]; n > 0 {
			row = fmt.Sprintf("_count=long:%d ", n)
		}
		if n := past[string(c)]; n > 0 {
			row += fmt.Sprintf("_count_30m=long:%d ", n)
		}
		want = append(want, row+"k=string:"+string(c))
	}
	slices.Sort(want)
	for round := range 12 {
		s := split{workers: 1 + round%4, block: 64 + 300*round, lend: rand.New(rand.NewPCG(3, uint64(round))),
			from: start.UnixMilli(), to: start.Add(30 * time.Minute).UnixMilli()}
		got, err := s.run(q, data.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("%+v:\n got %s\nwant %s", s, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
		}
	}
}

// careless is a reader that overwrites what it has lent.
type careless struct {
	input.BlockReader
	rnd *rand.Rand
}

func (r careless) Read(b input.Block, next exec.Sink) error {
	return r.BlockReader.Read(b, exectest.Lend(next, r.rnd))
}

// text is a source of one part in memory.
type text []byte

func (s text) Parts(context.Context) iter.Seq2[*input.Part, error] {
	return func(yield func(*input.Part, error) bool) {
		yield(&input.Part{Name: "text", Size: int64(len(s)), Open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(s)), nil
		}}, nil)
	}
}
