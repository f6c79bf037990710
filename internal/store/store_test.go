package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/engine/render"
)

func open(t *testing.T, dir string, o Options) *Store {
	t.Helper()
	s, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close(context.Background()) })
	return s
}

func put(t *testing.T, s *Store, r ...Receipt) uint64 {
	t.Helper()
	seq, err := s.Append(t.Context(), r...)
	if err != nil {
		t.Fatal(err)
	}
	return seq
}

// messages is a receipt of texts that say their times themselves, or have none.
func messages(texts ...string) Receipt {
	r := Receipt{Received: 1_700_000_000_000}
	for _, x := range texts {
		r.Messages = append(r.Messages, Message{Raw: []byte(x)})
	}
	return r
}

// ask runs a query over a view of a store, and gives its rows as NDJSON.
func ask(t *testing.T, s *Store, text string, v View) string {
	t.Helper()
	q, diags := query.Compile(diag.Text("query", text), query.Standard())
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	snap := s.Snapshot(v)
	defer snap.Close()
	return rows(t, q, query.Run{Input: snap.Feeder()})
}

func rows(t *testing.T, q *query.Query, run query.Run) string {
	t.Helper()
	if run.Warnings == nil {
		run.Warnings = &exec.Warnings{}
	}
	out, err := rendered(t.Context(), q, run)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func rendered(ctx context.Context, q *query.Query, run query.Run) (string, error) {
	var out bytes.Buffer
	run.Layout, run.Workers = q.Layout.Clone(), 2
	sink, err := render.New("ndjson", &out, render.Options{Columns: q.Columns, Layout: run.Layout, Messages: q.Messages})
	if err != nil {
		return "", err
	}
	err = errors.Join(q.Run(ctx, run, sink), sink.Close())
	return out.String(), err
}

func TestAppendIsThereAtOnceAndAfterAnotherStart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	r := messages(`{"a":"1","user":"x"}`, "plain text\nof two lines", `{"broken":`, `{"not json}`)
	r.Source = Source{Category: "web", Host: "h1", Name: "n", Source: "src", Collector: "col"}
	r.Fields = []Field{{"cluster", "k8s"}}
	r.Messages[0].Time, r.Messages[0].Timed = 1_700_000_005_000, true
	first := put(t, s, r)
	second := put(t, s, messages("later"))
	if first == 0 || second <= first {
		t.Fatalf("sequence numbers %d and %d", first, second)
	}
	const text = `* | fields _messagetime, _receipttime, _raw, a, user, cluster, _sourcecategory, _sourcehost, _sourcename, _source, _collector | sort by _raw asc`
	want := strings.Join([]string{
		`"_raw":"later"`, `"_raw":"plain text\nof two lines"`, `"_raw":"{\"a\":\"1\",\"user\":\"x\"}"`, `"_raw":"{\"broken\":"`, `"_raw":"{\"not json}"`,
	}, "\n")
	check := func(s *Store) {
		t.Helper()
		got := strings.Split(strings.TrimSpace(ask(t, s, text, View{})), "\n")
		if len(got) != 5 {
			t.Fatalf("%d rows, want 5:\n%s", len(got), strings.Join(got, "\n"))
		}
		for i, w := range strings.Split(want, "\n") {
			if !strings.Contains(got[i], w) {
				t.Errorf("row %d is %s, want it to hold %s", i, got[i], w)
			}
		}
		for _, w := range []string{`"_messagetime":"1700000005000"`, `"_receipttime":"1700000000000"`, `"a":"1"`, `"cluster":"k8s"`, `"_sourcecategory":"web"`, `"_sourcehost":"h1"`, `"_sourcename":"n"`, `"_source":"src"`, `"_collector":"col"`} {
			if !strings.Contains(strings.ReplaceAll(got[2], `":1`, `":"1`), strings.TrimSuffix(w, `"`)) {
				t.Errorf("row %s lacks %s", got[2], w)
			}
		}
		if !strings.Contains(got[1], "1700000000000") {
			t.Errorf("a message without a time has not that of its receipt: %s", got[1])
		}
	}
	check(s)
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), messages("x")); err == nil {
		t.Error("a closed store takes messages")
	}
	s = open(t, dir, Options{})
	check(s)
	if st := s.Stats(); st.Messages != 5 || st.Next <= second {
		t.Errorf("stats %+v", st)
	}
	if third := put(t, s, messages("last")); third <= second {
		t.Errorf("sequence number %d comes again after %d", third, second)
	}
}

func TestOneProcessAFolder(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	put(t, s, messages("x"))
	var locked *LockedError
	for _, o := range []Options{{}, {ReadOnly: true}} {
		if _, err := Open(dir, o); !errors.As(err, &locked) || locked.PID != os.Getpid() {
			t.Errorf("second opening: %v", err)
		}
	}
	s.Close(t.Context())
	a := open(t, dir, Options{ReadOnly: true})
	b := open(t, dir, Options{ReadOnly: true})
	if ask(t, a, "*", View{}) != ask(t, b, "*", View{}) {
		t.Error("two readers see different rows")
	}
	if _, err := a.Append(t.Context(), messages("y")); err == nil {
		t.Error("a reader may append")
	}
	if _, err := Open(dir, Options{}); !errors.As(err, &locked) {
		t.Errorf("a writer beside readers: %v", err)
	}
}

func TestALaterFormatIsRefused(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, Options{}).Close(t.Context())
	for _, text := range []string{strconv.Itoa(FormatVersion+1) + "\n", "999", "0", "-1", "x"} {
		if err := os.WriteFile(filepath.Join(dir, versionFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var later *VersionError
		if _, err := Open(dir, Options{}); !errors.As(err, &later) || !strings.Contains(err.Error(), strings.TrimSpace(text)) {
			t.Errorf("VERSION %q: %v", text, err)
		}
	}
}

func TestALogAtItsLimitSaysSo(t *testing.T) {
	s := open(t, t.TempDir(), Options{LogMax: 1000})
	var err error
	n := 0
	for ; n < 100 && err == nil; n++ {
		_, err = s.Append(t.Context(), messages(fmt.Sprint("message ", n)))
	}
	var fullErr *FullError
	if !errors.Is(err, ErrFull) || !errors.As(err, &fullErr) || fullErr.After <= 0 {
		t.Fatalf("after %d: %v", n, err)
	}
	if got := strings.Count(ask(t, s, "*", View{}), "\n"); got != n-1 {
		t.Errorf("%d rows of %d acknowledged messages", got, n-1)
	}
}

func TestManyAppendAtOnce(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{fileBytes: 4 << 10})
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 50 {
				if _, err := s.Append(t.Context(), messages(fmt.Sprintf(`{"g":%d,"i":%d}`, g, i))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if st := s.Stats(); st.Syncs >= 800 || st.LogFiles < 2 {
		t.Errorf("%d syncs of 800 calls, %d files", st.Syncs, st.LogFiles)
	}
	const text = "* | count as n, count_distinct(g) as g, count_distinct(i) as i"
	before := ask(t, s, text, View{})
	if !strings.Contains(before, "800") {
		t.Errorf("got %s", before)
	}
	s.Close(t.Context())
	if after := ask(t, open(t, dir, Options{}), text, View{}); after != before {
		t.Errorf("before the end %s, after it %s", before, after)
	}
}

func TestASnapshotDoesNotChange(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	put(t, s, messages("one", "two"))
	snap := s.Snapshot(View{})
	defer snap.Close()
	put(t, s, messages("three"))
	q, _ := query.Compile(diag.Text("q", "* | count"), query.Standard())
	for range 2 {
		if got := rows(t, q, query.Run{Input: snap.Feeder()}); !strings.Contains(got, "2") {
			t.Errorf("got %s", got)
		}
	}
}

// TestARemovedLogTakesNothing: what is written to a file of the log that somebody has removed
// would be gone with the process, so it is not acknowledged.
func TestARemovedLogTakesNothing(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file that is open cannot be removed there")
	}
	dir := t.TempDir()
	s := open(t, dir, Options{})
	if _, err := s.Append(t.Context(), messages("before")); err != nil || s.Stats().Failure != nil {
		t.Fatal(err, s.Stats().Failure)
	}
	files, err := filepath.Glob(filepath.Join(dir, logDir, "*"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	if err := os.Remove(files[0]); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := s.Append(t.Context(), messages("after")); err == nil || !strings.Contains(err.Error(), "removed") {
			t.Errorf("taken, with the error %v", err)
		}
	}
	if st := s.Stats(); st.Failure == nil || st.FailedAt.IsZero() {
		t.Error("the store does not say that its last write failed")
	}
}
