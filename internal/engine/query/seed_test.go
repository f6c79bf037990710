package query_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/exec/exectest"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/engine/render"
)

// shared is the folder of recorded logs and answers that stands beside a checkout.
const shared = "../../../../shared/data"

// seedColumns are the columns of the seed query, as the answers name them.
var seedColumns = []string{
	"_messagetime", "Computer", "User", "Image", "CommandLine", "ParentImage", "ParentCommandLine",
	"is_encoded_ps", "is_download_cradle", "is_script_engine", "is_lolbin", "suspicion_score",
}

func seed(t testing.TB) *query.Query {
	text, err := os.ReadFile("../../../packages/T1204.001-malicious-link/query.seed.sumo")
	if err != nil {
		t.Fatal(err)
	}
	q, diags := query.Compile(diag.Text("query.seed.sumo", string(text)), query.Standard())
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	return q
}

// how is one way to run a query.
type how struct {
	workers, block int
	memory         int64
}

// ways are ways that must all give the same bytes.
var ways = []how{{workers: 1}, {workers: 2}, {workers: 4}, {workers: 1, memory: exectest.TinyBudget}, {workers: 3, block: 1000, memory: 64 << 10}}

// output runs a query over a path and returns what is printed.
func (h how) output(t testing.TB, q *query.Query, path string) []byte {
	t.Helper()
	warnings := &exec.Warnings{}
	o := input.Options{Warnings: warnings, BlockBytes: h.block}
	src, err := input.Paths([]string{path}, o)
	if err != nil {
		t.Fatal(err)
	}
	r := query.Run{Input: input.NewReader(src, format.All(), o), Layout: q.Layout.Clone(), Workers: h.workers, Memory: h.memory, Warnings: warnings}
	var out bytes.Buffer
	sink, err := render.New("ndjson", &out, render.Options{Columns: q.Columns, Layout: r.Layout, Messages: q.Messages})
	if err != nil {
		t.Fatal(err)
	}
	if err := q.Run(context.Background(), r, sink); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Input.(*input.Reader).Stats().Failed {
		t.Error(f)
	}
	return out.Bytes()
}

// rows reads printed rows as lines of JSON with the seed's columns, keys sorted.
func rows(t testing.TB, out []byte) (lines []string) {
	t.Helper()
	for line := range bytes.Lines(out) {
		var m map[string]any
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		lines = append(lines, pick(t, m))
	}
	return lines
}

// pick is a row's seed columns as JSON.
func pick(t testing.TB, m map[string]any) string {
	t.Helper()
	out := map[string]any{}
	for _, c := range seedColumns {
		v, ok := m[c]
		if !ok {
			t.Fatalf("a row has no column %s: %v", c, m)
		}
		out[c] = v
	}
	b, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sameRows compares rows whose order is by time, equal times in any order.
func sameRows(t testing.TB, got []string, want []map[string]any) {
	t.Helper()
	var wanted []string
	for _, m := range want {
		wanted = append(wanted, pick(t, m))
	}
	times := func(rows []string) (ts []float64) {
		for _, r := range rows {
			var m struct {
				Time float64 `json:"_messagetime"`
			}
			if err := json.Unmarshal([]byte(r), &m); err != nil {
				t.Fatal(err)
			}
			ts = append(ts, m.Time)
		}
		return ts
	}
	if g, w := times(got), times(wanted); !reflect.DeepEqual(g, w) {
		t.Errorf("%d rows at %v, want %d at %v", len(g), g, len(w), w)
	}
	sort.Strings(got)
	sort.Strings(wanted)
	if !reflect.DeepEqual(got, wanted) {
		t.Errorf("got:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(wanted, "\n  "))
	}
}

func readAnswers(t testing.TB, name string, into any) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(shared, name))
	if err != nil {
		t.Skip("the recorded logs are not beside this checkout: ../shared/data is not there")
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

// TestSeedOverJSONLines runs the seed query over every recorded set of JSON Lines.
func TestSeedOverJSONLines(t *testing.T) {
	var answers map[string]struct {
		Rows []map[string]any
	}
	readAnswers(t, "expected/jsonl.json", &answers)
	q := seed(t)
	total := 0
	for name, want := range answers {
		t.Run(filepath.Base(name), func(t *testing.T) {
			path, _, _ := strings.Cut(name, "#") // each zip has one member
			path = filepath.Join(shared, path)
			first := how{workers: 2}.output(t, q, path)
			got := rows(t, first)
			sameRows(t, got, want.Rows)
			total += len(got)
			if st, err := os.Stat(path); testing.Short() && (err != nil || st.Size() > 1<<20) {
				return // the same bytes in every way is shown on the smaller sets
			}
			for _, h := range ways {
				if out := h.output(t, q, path); !bytes.Equal(out, first) {
					t.Errorf("%+v gives\n%s\nwant\n%s", h, out, first)
				}
			}
		})
	}
	if total == 0 {
		t.Error("no set has any row: the answers have three")
	}
}

// TestSeedCases runs the seed query over made-up events that probe its edges.
func TestSeedCases(t *testing.T) {
	var want []map[string]any
	readAnswers(t, "cases/seed-cases.expected.json", &want)
	q := seed(t)
	path := filepath.Join(shared, "cases/seed-cases.jsonl")
	first := how{workers: 1}.output(t, q, path)
	sameRows(t, rows(t, first), want)
	for _, h := range ways {
		if out := h.output(t, q, path); !bytes.Equal(out, first) {
			t.Errorf("%+v gives other bytes than one worker with all the memory", h)
		}
	}
	// One event at a time, as each may be the whole of a file.
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var single []string
	for line := range bytes.Lines(data) {
		f := filepath.Join(t.TempDir(), "one.jsonl")
		if err := os.WriteFile(f, line, 0o600); err != nil {
			t.Fatal(err)
		}
		single = append(single, rows(t, how{workers: 1}.output(t, q, f))...)
	}
	all := rows(t, first)
	sort.Strings(all)
	sort.Strings(single)
	if fmt.Sprint(all) != fmt.Sprint(single) {
		t.Errorf("%d rows from the events one by one, %d from all at once", len(single), len(all))
	}
}
