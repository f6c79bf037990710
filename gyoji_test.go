package gyoji_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji"
	"github.com/gyoji-dev/gyoji/diag"
)

func compile(t testing.TB, text string) *gyoji.Query {
	t.Helper()
	q, err := gyoji.Compile(text)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func rows(t testing.TB, q *gyoji.Query, from gyoji.Source, with ...gyoji.Option) (all []string) {
	t.Helper()
	for r, err := range q.Rows(t.Context(), from, with...) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r.String())
	}
	return all
}

// Files, a reader, Go values and pushed events give the same rows.
func TestSourcesGiveTheSameRows(t *testing.T) {
	const file = "samples/ws-fin-014-sysmon.jsonl"
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var values []map[string]any
	var raw []json.RawMessage
	for line := range bytes.Lines(data) {
		var m map[string]any
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatal(err)
		}
		values, raw = append(values, m), append(raw, json.RawMessage(line))
	}
	for _, text := range []string{
		`EventID=1 | where Image matches "*e.exe" | fields Image, User`,
		`* | count by EventID | sort by _count, EventID`,
		`* | timeslice 1h | count by _timeslice`,
		`EventID=1 [subquery: * | top 3 Image | compose Image] | count by Image | sort by Image`,
		`"powershell" | count`,
		`* | json auto | where EventID = 3 | fields Image | limit 3`,
	} {
		q := compile(t, text)
		want := rows(t, q, gyoji.Files(file))
		if len(want) == 0 {
			t.Fatalf("%s: no rows", text)
		}
		same := func(how string, got []string) {
			t.Helper()
			got, want := slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
			if !slices.Equal(got, want) {
				t.Errorf("%s, %s:\n got %.800q\nwant %.800q", text, how, got, want)
			}
		}
		if !strings.Contains(text, "subquery") {
			same("reader", rows(t, q, gyoji.Reader(bytes.NewReader(data))))
		}
		same("maps", rows(t, q, gyoji.Events(slices.Values(values))))
		same("JSON", rows(t, q, gyoji.Events(slices.Values(raw))))
		var got []string
		l, err := q.Start(t.Context(), func(r *gyoji.Row) error { got = append(got, r.String()); return nil })
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(raw); i += 7 { // in batches
			var batch []any
			for _, r := range raw[i:min(i+7, len(raw))] {
				batch = append(batch, r)
			}
			if err := l.Push(batch...); err != nil && err != io.EOF {
				t.Fatal(err)
			}
		}
		for r, err := range l.Rows() {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, r.String())
		}
		l.Close()
		same("pushed", got)
	}
}

// Columns have the types that the query gives them.
func TestTypes(t *testing.T) {
	at := time.Date(2026, 3, 10, 14, 0, 0, 0, time.UTC)
	event := map[string]any{"@timestamp": at, "n": 3, "x": 2.5, "ok": true, "s": "7", "deep": map[string]any{"er": "v"}, "none": nil}
	q := compile(t, `* | n + 1 as more | x * 2 as twice | n > 2 as big | formatDate(_messageTime, "yyyy") as year | fields n, more, twice, big, s, year, deep.er, none`)
	for r, err := range q.Rows(t.Context(), gyoji.Events(slices.Values([]map[string]any{event}))) {
		if err != nil {
			t.Fatal(err)
		}
		if r.Int("more") != 4 || r.Float("twice") != 5 || !r.Bool("big") || r.Int("s") != 7 || r.Text("year") != "2026" || r.Text("DEEP.er") != "v" {
			t.Errorf("got %v", r)
		}
		if r.Has("none") || r.Get("none") != nil || r.Has("nosuch") || r.Text("nosuch") != "" || r.Int("deep.er") != 0 {
			t.Errorf("of what is not there: %v", r)
		}
		if !r.Time().Equal(at) {
			t.Errorf("the time is %v", r.Time())
		}
		all := maps.Collect(r.All())
		if all["big"] != true || len(all) != r.Len() {
			t.Errorf("all: %v", all)
		}
		return
	}
	t.Fatal("no row")
}

type part struct{ A, B string }

// record has of everything that a struct may have.
type record struct {
	part
	Part2  part           `json:"p"`
	When   time.Time      `json:"@timestamp"`
	Skip   string         `json:"-"`
	Opt    *int           `json:"opt,omitempty"`
	Took   time.Duration  // a number of nanoseconds
	Bytes  []byte         // base64
	List   []any          `json:"list"`
	Deep   map[string]any `json:"deep"`
	Says   lines
	hidden string
}

// lines is JSON of several lines.
type lines struct{}

func (lines) MarshalJSON() ([]byte, error) { return []byte("{\"a\":\n1}"), nil }

// A Go value is read as its JSON, whatever it is made of.
func TestGoValues(t *testing.T) {
	five := 5
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	full := record{
		part: part{"x", "y"}, Part2: part{"z", ""}, When: at, Skip: "no", Opt: &five, Took: time.Second, Bytes: []byte("hey"),
		List: []any{"a", 1, nil}, Deep: map[string]any{"k": map[int]any{1: true}, "none": nil}, hidden: "no",
	}
	q := compile(t, `* | fields A, B, p.A, opt, Took, Bytes, list, deep.k.1, deep.none, Says.a, Skip, hidden`)
	for name, v := range map[string]any{"a struct": full, "a pointer": &full, "a pointer to a pointer": func() any { p := &full; return &p }()} {
		for r, err := range q.Rows(t.Context(), gyoji.Events(slices.Values([]any{v}))) {
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if !r.Time().Equal(at) {
				t.Errorf("%s: the time is %v, want %v", name, r.Time(), at)
			}
			for field, want := range map[string]string{
				"A": "x", "B": "y", "p.A": "z", "opt": "5", "Took": "1000000000", "Bytes": "aGV5", "list": `["a",1,null]`, "deep.k.1": "true", "Says.a": "1",
				"deep.none": "", "Skip": "", "hidden": "",
			} {
				if got := r.Text(field); got != want {
					t.Errorf("%s: %s is %q, want %q", name, field, got, want)
				}
			}
		}
	}
	loop := map[string]any{}
	loop["loop"] = loop
	for name, v := range map[string]any{
		"a nil pointer": (*record)(nil), "a nil map": map[string]any(nil), "NaN": map[string]any{"a": math.NaN()}, "a loop": loop,
		"a function in it": map[string]any{"f": func() {}}, "keys of any kind": map[any]any{1: 1}, "two objects": []byte("{}\n{}"),
	} {
		l := start(t, compile(t, "*"), nil)
		if err := l.Push(v); err == nil {
			t.Errorf("%s is an event", name)
		}
		if err := l.Push(full); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
		l.Close()
	}
}

// Lines of text are events as well.
func TestTextEvents(t *testing.T) {
	q := compile(t, `error | parse "user=* " as user | count by user`)
	lines := []string{"an error of user=eve here", "fine", `{"looks":"like JSON`, "error: user=bob !"}
	if got := rows(t, q, gyoji.Events(slices.Values(lines))); len(got) != 2 {
		t.Errorf("got %q", got)
	}
}

// What is no event, and what is wrong with a query, is said.
func TestMistakes(t *testing.T) {
	for _, text := range []string{"", "  ", "* | nosuch", "* | where", `* | count by`} {
		_, err := gyoji.Compile(text)
		var wrong *diag.Failure
		if !errors.As(err, &wrong) || len(wrong.List) == 0 {
			t.Errorf("%q: %v", text, err)
		}
	}
	q := compile(t, "*")
	for _, v := range []any{3, "text is fine", []int{1}, nil, func() {}, []byte("no JSON"), json.RawMessage(`[1]`)} {
		_, isText := v.(string)
		var got error
		for _, err := range q.Rows(t.Context(), gyoji.Events(slices.Values([]any{v}))) {
			got = errors.Join(got, err)
		}
		if (got == nil) != isText {
			t.Errorf("an event %T: %v", v, got)
		}
	}
	var last error
	n := 0
	for _, err := range q.Rows(t.Context(), gyoji.Files("testdata/nosuch.jsonl", "samples/security.jsonl")) {
		if last = err; err == nil {
			n++
		}
	}
	var lost *gyoji.Incomplete
	if !errors.As(last, &lost) || len(lost.Unread) != 1 || n < 100 {
		t.Errorf("after %d rows: %v", n, last)
	}
	last = nil
	for _, err := range q.Rows(t.Context(), gyoji.Reader(strings.NewReader("{\"a\":1}\n{\"b\":\n{\"c\":3}\n"))) {
		last = err
	}
	if !errors.As(last, &lost) || len(lost.Lost) != 1 {
		t.Errorf("of a broken line: %v", last)
	}
	if _, err := gyoji.NewHunt(gyoji.Detections{Sigma: []string{"testdata/nosuch.yml"}}); err == nil {
		t.Error("a rule that is not there is no error")
	}
}

// A loop that is left, and a context that is done, end a run.
func TestEnds(t *testing.T) {
	q := compile(t, "*")
	for range 3 {
		for _, err := range q.Rows(t.Context(), gyoji.Files("samples/security.jsonl")) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	ctx, stop := context.WithCancel(t.Context())
	events := make(chan map[string]int)
	go func() {
		events <- map[string]int{"n": 1}
		stop()
	}()
	n := 0
	for _, err := range q.Rows(ctx, gyoji.Channel(events)) {
		if err == nil {
			n++
		} else if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
	if n != 1 {
		t.Errorf("%d rows", n)
	}
	panicked := func() (p any) {
		defer func() { p = recover() }()
		for range q.Rows(t.Context(), gyoji.Files("samples/")) {
			panic("mine")
		}
		return nil
	}()
	if panicked != "mine" {
		t.Errorf("a panic of the loop comes out as %v", panicked)
	}
}

// What is pushed after a query was saved and loaded comes after what was pushed before:
// events that say no time are in the order in which they came.
func TestLoadedKeepsOrder(t *testing.T) {
	for _, text := range []string{"* | first(x), last(x)", "* | accum x", "* | limit 3", "* | sort by k", "* | dedup by k", "* | diff x", "*"} {
		q := compile(t, text)
		run := func(cut int) (all []string) {
			l := start(t, q, nil)
			for i := range 8 {
				if i == cut {
					var state bytes.Buffer
					if err := l.Save(&state); err != nil {
						t.Fatal(err)
					}
					l.Close()
					l = start(t, q, nil)
					if err := l.Load(&state); err != nil {
						t.Fatal(err)
					}
				}
				if err := l.Push(map[string]any{"x": i, "k": i % 2}); err != nil {
					t.Fatal(err)
				}
			}
			defer l.Close()
			return rowsOf(t, l)
		}
		want := run(-1)
		for cut := range 8 {
			if got := run(cut); !slices.Equal(got, want) {
				t.Errorf("%s: saved after %d events:\n got %q\nwant %q", text, cut, got, want)
			}
		}
	}
}

func start(t testing.TB, q *gyoji.Query, out func(*gyoji.Row) error) *gyoji.Live {
	t.Helper()
	l, err := q.Start(t.Context(), out)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func rowsOf(t testing.TB, l *gyoji.Live) (all []string) {
	t.Helper()
	for r, err := range l.Rows() {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r.String())
	}
	return all
}

// A live run that is used in a way it cannot be used says so, and goes on.
func TestLiveMisuse(t *testing.T) {
	one := map[string]any{"a": 1}
	l := start(t, compile(t, "* | count by a"), nil)
	if err := l.Push(one, one, 3); err == nil || len(rowsOf(t, l)) > 0 {
		t.Errorf("of events one of which is none, some are taken: %v", err)
	}
	if err := l.Push(one, one); err != nil {
		t.Fatal(err)
	}
	for range l.Rows() {
		if err := l.Push(one); err == nil {
			t.Error("a loop over the rows pushes events")
		}
	}
	func() {
		defer func() {
			if p := recover(); p != "mine" {
				t.Errorf("a panic of the loop comes out as %v", p)
			}
		}()
		for range l.Rows() {
			panic("mine")
		}
	}()
	if got, want := rowsOf(t, l), `{"a":"1","_count":2}`; len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %s", got, want)
	}
	for range l.Rows() {
		l.Close()
	}
	l.Close()
	for _, err := range l.Rows() {
		if err == nil {
			t.Error("rows of what is closed")
		}
	}
	if l.Push(one) == nil || l.Save(io.Discard) == nil || l.Load(strings.NewReader("")) == nil || l.Advance(time.Now()) == nil {
		t.Error("what is closed is used")
	}

	// An error and a panic of who takes rows are theirs, and lose no row.
	var got []string
	full := true
	l = start(t, compile(t, "* | fields a"), func(r *gyoji.Row) error {
		got = append(got, r.Text("a"))
		if r.Text("a") == "2" && full {
			return io.ErrShortWrite
		}
		if r.Text("a") == "4" {
			return l.Push(map[string]any{"a": 5})
		}
		return nil
	})
	if err := l.Push(map[string]any{"a": 1}, map[string]any{"a": 2}, map[string]any{"a": 3}); err != io.ErrShortWrite {
		t.Errorf("got %v", err)
	}
	if err := l.Push(map[string]any{"a": 4}); err != nil || strings.Join(got, "") != "12345" {
		t.Errorf("got %v, %q", err, got)
	}
	l.Close()

	ctx, stop := context.WithCancel(t.Context())
	l, err := compile(t, "* | count by a").Start(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if err := l.Push(one); err != nil {
		t.Fatal(err)
	}
	stop()
	var state bytes.Buffer
	if err := l.Push(one); !errors.Is(err, context.Canceled) {
		t.Errorf("pushed to what was cancelled: %v", err)
	}
	if err := l.Save(&state); err != nil {
		t.Errorf("what was cancelled cannot be saved: %v", err)
	}
}

// Calls of several goroutines are refused while another is under way: nothing races.
func TestLiveOfSeveral(t *testing.T) {
	l := start(t, compile(t, "* | count by a"), nil)
	defer l.Close()
	var taken atomic.Int64
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 200 {
				if l.Push(map[string]any{"a": 1}) == nil {
					taken.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if got, want := rowsOf(t, l), fmt.Sprintf(`{"a":"1","_count":%d}`, taken.Load()); len(got) != 1 || got[0] != want {
		t.Errorf("got %q, want %s", got, want)
	}
}

// Slices of time that are over come with Advance, each once.
func TestLiveAdvance(t *testing.T) {
	var got []string
	l := start(t, compile(t, "* | timeslice 1m | count by _timeslice"), func(r *gyoji.Row) error {
		got = append(got, time.UnixMilli(r.Int("_timeslice")).UTC().Format("15:04")+" "+r.Text("_count"))
		return nil
	})
	defer l.Close()
	at := time.Date(2026, 3, 10, 14, 0, 0, 0, time.UTC)
	for range 7 {
		if err := errors.Join(l.Push(map[string]any{"@timestamp": at}), l.Advance(at)); err != nil {
			t.Fatal(err)
		}
		at = at.Add(25 * time.Second)
	}
	if want := []string{"14:00 3", "14:01 2"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if rest := rowsOf(t, l); len(rest) != 1 {
		t.Errorf("left are %q", rest)
	}
}

// A source that is none, and a reader that was read, are errors and not empty.
func TestNoSource(t *testing.T) {
	q := compile(t, "* | count")
	read := gyoji.Reader(strings.NewReader("{}\n"))
	rows(t, q, read)
	h, err := gyoji.NewHunt(gyoji.Detections{})
	if err != nil {
		t.Fatal(err)
	}
	for name, from := range map[string]gyoji.Source{
		"nil": nil, "a nil reader": gyoji.Reader(nil), "a nil sequence": gyoji.Events[any](nil), "no file": gyoji.Files(), "-": gyoji.Files("-"), "a reader that was read": read,
	} {
		var last, lastOfHunt error
		for _, err := range q.Rows(t.Context(), from) {
			last = err
		}
		for _, err := range h.Findings(t.Context(), from) {
			lastOfHunt = err
		}
		if last == nil || lastOfHunt == nil || strings.Contains(last.Error()+lastOfHunt.Error(), "bug") {
			t.Errorf("%s: %v; %v", name, last, lastOfHunt)
		}
	}
	if _, err := h.Start(t.Context(), nil); err == nil {
		t.Error("a hunt starts whose findings nobody takes")
	}
}

// One query and one hunt run in many goroutines at once.
func TestAtOnce(t *testing.T) {
	q := compile(t, `* | count by EventID | sort by EventID`)
	h, err := gyoji.NewHunt(gyoji.Detections{})
	if err != nil {
		t.Fatal(err)
	}
	want := rows(t, q, gyoji.Files("samples/"))
	alone := findings(t, h)
	if alone == 0 {
		t.Fatal("nothing is found")
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if got := rows(t, q, gyoji.Files("samples/"), gyoji.Workers(2)); !slices.Equal(got, want) {
				t.Errorf("got %q", got)
			}
			if n := findings(t, h); n != alone {
				t.Errorf("%d findings, %d alone", n, alone)
			}
		})
	}
	wg.Wait()
}

// findings is how many findings a hunt over the samples has.
func findings(t *testing.T, h *gyoji.Hunt) (n int) {
	for _, err := range h.Findings(t.Context(), gyoji.Files("samples/")) {
		if err != nil {
			t.Error(err)
		}
		n++
	}
	return n
}

// A hunt over pushed events finds what it finds in a file, also when it is saved and gone
// on with.
func TestHuntPushed(t *testing.T) {
	h, err := gyoji.NewHunt(gyoji.Detections{})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("samples/security.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	ids := func(from gyoji.Source) (all []string) {
		for f, err := range h.Findings(t.Context(), from) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, told(f))
		}
		return sortedOf(all)
	}
	want := ids(gyoji.Files("samples/security.jsonl"))
	if !strings.Contains(strings.Join(want, "\n"), "cloud-siem") {
		t.Error("no rule of Cloud SIEM finds anything")
	}
	var lines []json.RawMessage
	for line := range bytes.Lines(data) {
		lines = append(lines, json.RawMessage(line))
	}
	if got := ids(gyoji.Events(slices.Values(lines))); !slices.Equal(got, want) || len(got) == 0 {
		t.Errorf("of values: %q, want %q", got, want)
	}
	var got []string
	open := func() *gyoji.LiveHunt {
		l, err := h.Start(t.Context(), func(f *gyoji.Finding) error { got = append(got, told(f)); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	l := open()
	for i, line := range lines {
		if err := l.Push(line); err != nil {
			t.Fatal(err)
		}
		if i%40 == 39 {
			var state bytes.Buffer
			if err := l.Save(&state); err != nil {
				t.Fatal(err)
			}
			l.Close()
			l = open()
			if err := l.Load(&state); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := l.Finish(); err != nil {
		t.Fatal(err)
	}
	l.Close()
	if !slices.Equal(sortedOf(got), want) {
		t.Errorf("pushed: %q, want %q", sortedOf(got), want)
	}
}

// told is what has to be the same of a finding.
func told(f *gyoji.Finding) string {
	text := f.ID + " " + f.Kind + " " + f.Detection
	for _, r := range f.Records {
		text += fmt.Sprint(" ", r.Channel, " ", r.RecordID)
	}
	return text
}

func sortedOf(s []string) []string { return slices.Sorted(slices.Values(s)) }

// The package carries nothing of the command line, of Kafka or of reports.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range strings.Fields(string(out)) {
		for _, not := range []string{"github.com/spf13", "github.com/twmb", "kafka", "internal/cli", "internal/detect/report", "golang.org/x/term", "sigstore", "internal/engine/render", "html/template"} {
			if strings.Contains(dep, not) && !strings.HasPrefix(dep, "vendor/") {
				t.Errorf("it imports %s", dep)
			}
		}
	}
}

// TestBetweenNothing: a range that ends before it starts is an error of whatever would run.
func TestBetweenNothing(t *testing.T) {
	q, err := gyoji.Compile("*")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	wrong := gyoji.Between(now, now.Add(-time.Hour))
	for _, from := range []gyoji.Source{gyoji.Reader(strings.NewReader("{}")), gyoji.Events(slices.Values([]map[string]int{{"a": 1}}))} {
		var last error
		for _, err := range q.Rows(t.Context(), from, wrong) {
			last = err
		}
		if last == nil || !strings.Contains(last.Error(), "before the start") {
			t.Errorf("%T: %v", from, last)
		}
	}
	l, err := q.Start(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	if err := l.Advance(now); err == nil || !strings.Contains(err.Error(), "closed") {
		t.Errorf("Advance of a closed run: %v", err)
	}
}
