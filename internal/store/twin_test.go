package store

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/conformance"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/sharedtest"
)

// now is what relative times count from, and the latest that an event may be of.
var now = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// files opens paths as a command does.
func files(t testing.TB, o input.Options, paths ...string) *input.Reader {
	t.Helper()
	src, err := input.Paths(paths, o)
	if err != nil {
		t.Fatal(err)
	}
	return input.NewReader(src, format.All(), o)
}

// ingested is a store of what a reader gives.
func ingested(t testing.TB, r *input.Reader) *Store {
	t.Helper()
	s, err := Open(t.TempDir(), Options{fileBytes: 50_000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	f := s.Files()
	f.Now = now
	if err := f.Add(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	return s
}

// way is one of the ways in which a store can hold what was put in. Each is made of the
// one before.
type way struct {
	name string
	make func(testing.TB, *Store)
}

var ways = []way{
	{"log", func(testing.TB, *Store) {}},
	{"half log, half segments", func(t testing.TB, s *Store) { seal(t, s, false) }},
	{"segments", func(t testing.TB, s *Store) { seal(t, s, true) }},
}

func seal(t testing.TB, s *Store, all bool) {
	t.Helper()
	if _, err := s.Seal(context.Background(), all); err != nil {
		t.Fatal(err)
	}
}

// answer is what a query gives over an input, with what was said of the data.
func answer(t *testing.T, q *query.Query, run query.Run) string {
	t.Helper()
	run.Now, run.Zone, run.Warnings = now, time.UTC, &exec.Warnings{}
	out := rows(t, q, run)
	if run.Bounded { // what is not of the range is not read, and nothing is said of it
		return out
	}
	for _, w := range run.Warnings.List() {
		out += fmt.Sprintf("%s %d %v\n", w.Kind, w.Count, w.Lost)
	}
	return out
}

func compile(t testing.TB, text string) *query.Query {
	t.Helper()
	q, diags := query.Compile(diag.Text("query", text), query.Standard())
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	return q
}

// formatQueries look at an event from all sides.
var formatQueries = []string{
	`*`,
	`* | count by _sourceCategory, _sourceHost, _sourceName, _collector, _source, EventID, Channel`,
	`EventID=1 | fields _messagetime, _receipttime, _raw, _size, Image, CommandLine, ParentImage`,
	`chrome OR 4688 | json auto | fields Image, NewProcessName, User, _raw`,
	`error OR *.exe | count, first(_raw), min(_messagetime), max(_messagetime)`,
}

// manyBytes is how large a file is that is not asked for all its fields: it would take long.
const manyBytes = 1 << 20

// TestFormats: a store gives the same bytes as the files, whatever they are.
func TestFormats(t *testing.T) {
	t.Parallel()
	var paths []string
	for _, dir := range []string{"formats", "evtx", "cases", "attack", "jsonl/amides", "jsonl/attack-data"} {
		root := sharedtest.Path(t, "data", filepath.FromSlash(dir))
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() && filepath.Ext(path) != ".md" && !(testing.Short() && dir == "evtx") {
				paths = append(paths, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	paths = append(paths, "../../samples")
	var inColumns, asPut int64
	var kept []string
	for _, path := range paths {
		st, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		s := ingested(t, files(t, input.Options{}, path))
		wants := make([]string, len(formatQueries))
		for _, w := range ways {
			w.make(t, s)
			for i, text := range formatQueries {
				if i == 0 && st.Size() > manyBytes {
					continue
				}
				q := compile(t, text)
				run := query.Run{}
				if i == 4 { // half of the time
					run.Bounded, run.From, run.To = true, 0, time.Date(2020, 9, 1, 0, 0, 0, 0, time.UTC).UnixMilli()
				}
				if w.name == ways[0].name {
					run.Input = files(t, input.Options{}, path)
					wants[i] = answer(t, q, run)
				}
				snap := s.Snapshot(View{})
				run.Input = snap.Feeder()
				got := answer(t, q, run)
				snap.Close()
				if want := wants[i]; got != want {
					t.Errorf("%s: %s: %s\n%s", path, w.name, text, difference(got, want))
				}
			}
		}
		for _, g := range s.Segments() {
			if g.Columns {
				inColumns += g.Messages
			} else {
				asPut += g.Messages
				kept = append(kept, filepath.Base(path))
			}
		}
		s.Close(t.Context())
	}
	t.Logf("%d files; %d messages in columns, %d kept as they were put in, of %v", len(paths), inColumns, asPut, kept)
	if inColumns < asPut {
		t.Error("most of what was put in is not in columns")
	}
}

// difference shows the first lines that differ.
func difference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range max(len(g), len(w)) {
		a, b := "(none)", "(none)"
		if i < len(g) {
			a = g[i]
		}
		if i < len(w) {
			b = w[i]
		}
		if a != b {
			return fmt.Sprintf("%d lines, want %d; line %d\n%.700s\nwant\n%.700s", len(g), len(w), i+1, a, b)
		}
	}
	return ""
}

// TestConformance: the cases that pin the language hold over a store.
func TestConformance(t *testing.T) {
	t.Parallel()
	name := sharedtest.Path(t, "spec", "operator-cases.jsonl")
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cases, err := conformance.Load(name, f)
	if err != nil {
		t.Fatal(err)
	}
	own, _ := filepath.Glob("../engine/lang/langtest/testdata/*.case")
	for _, o := range own {
		f, err := os.Open(o)
		if err != nil {
			t.Fatal(err)
		}
		more, err := conformance.LoadFile(o, f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, more...)
	}
	ran := 0
	for _, c := range cases {
		plain := conformance.Run(t.Context(), c, 1)
		for _, w := range []way{ways[0], ways[2]} {
			var s *Store
			got := conformance.RunFrom(t.Context(), c, 1, func(messages []byte) (input.Feeder, error) {
				if s == nil {
					o := input.Options{Force: format.Named("jsonl")}
					s = ingested(t, input.NewReader(input.Memory("case", messages), []*input.Format{o.Force}, o))
					w.make(t, s)
				}
				return s.Snapshot(View{}).Feeder(), nil
			})
			if got.Failure != plain.Failure {
				t.Errorf("%s: %s:%d: %s\n%s\nover the messages: %s", w.name, c.File, c.Line, c.ID, got.Failure, plain.Failure)
			}
			if s != nil {
				s.Close(t.Context())
				ran++
			}
		}
	}
	if ran < 500 {
		t.Errorf("only %d cases ran over a store", ran)
	}
}

// corpusQueries is how many published queries are asked.
const corpusQueries = 500

// TestCorpus: published queries give over a store what they give over files.
func TestCorpus(t *testing.T) {
	t.Parallel()
	f, err := os.Open(sharedtest.Path(t, "corpus", "queries.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var queries []*query.Query
	in := bufio.NewScanner(f)
	in.Buffer(nil, 1<<24)
	for n := 0; in.Scan() && len(queries) < corpusQueries; n++ {
		var line struct{ Query string }
		if err := json.Unmarshal(in.Bytes(), &line); err != nil {
			t.Fatal(err)
		}
		if n%7 != 0 && n%7 != 3 || testing.Short() && n%70 != 0 { // of all sources
			continue
		}
		q, diags := query.Compile(diag.Text("query", line.Query), query.Standard())
		// Queries of a clock, or of chance, give something else each time.
		if diags.HasErrors() || strings.Contains(line.Query, "queryStartTime") || strings.Contains(line.Query, "random") {
			continue
		}
		queries = append(queries, q)
	}
	paths := []string{
		filepath.Join(sharedtest.Path(t, "data", "formats", "real"), "*.json"), sharedtest.Path(t, "data", "cases"), "../../samples/*.evtx", "../../samples/security.jsonl",
	}
	s := ingested(t, files(t, input.Options{}, paths...))
	asked, some := 0, 0
	type plain struct {
		want string
		err  error
	}
	var plains []plain
	for _, q := range queries {
		run := query.Run{Input: files(t, input.Options{}, paths...)}
		run.Reopen = func() (input.Feeder, error) { return files(t, input.Options{}, paths...), nil }
		want, err := tried(t, q, run)
		plains = append(plains, plain{want, err})
	}
	for _, w := range ways {
		w.make(t, s)
		for i, q := range queries {
			if w.name == ways[1].name && i%4 > 0 && !testing.Short() { // each half is asked whole
				continue
			}
			want, err := plains[i].want, plains[i].err
			snap := s.Snapshot(View{})
			run := query.Run{Input: snap.Feeder(), Reopen: func() (input.Feeder, error) { return snap.Feeder(), nil }}
			got, err2 := tried(t, q, run)
			snap.Close()
			if got != want || fmt.Sprint(err) != fmt.Sprint(err2) {
				t.Errorf("%s: %s\n%s\n%v, want %v", w.name, q.Tree.File.Text, difference(got, want), err2, err)
			}
			asked++
			if strings.Contains(want, "{") {
				some++
			}
		}
	}
	t.Logf("%d queries, %d of them gave rows", asked, some)
	if !testing.Short() && (asked < corpusQueries*2 || some < asked/20) {
		t.Errorf("%d queries were asked, and %d gave rows: the test does not say much", asked, some)
	}
}

// tried is answer for queries that may not run here.
func tried(t *testing.T, q *query.Query, run query.Run) (out string, err error) {
	t.Helper()
	run.Now, run.Zone, run.Warnings = now, time.UTC, &exec.Warnings{}
	out, err = rendered(t.Context(), q, run)
	for _, w := range run.Warnings.List() {
		out += fmt.Sprintf("%s %d %v\n", w.Kind, w.Count, w.Lost)
	}
	return out, err
}
