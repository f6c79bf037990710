package query

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/exec/exectest"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// pushed is a query that events are pushed into.
func pushed(t testing.TB, text string, live Live) *Running {
	t.Helper()
	q, err := compileText(text)
	if err != nil {
		t.Fatal(err)
	}
	x, err := q.Start(context.Background(), Run{Warnings: &exec.Warnings{}}, live)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	return x
}

func compileText(text string) (*Query, error) {
	q, diags := Compile(diag.Text("query", text), Standard())
	return q, diags.Err()
}

func fields(kv ...string) func(func(string, event.Value) bool) {
	return func(yield func(string, event.Value) bool) {
		for i := 0; i+1 < len(kv); i += 2 {
			if !yield(kv[i], event.Text(kv[i+1])) {
				return
			}
		}
	}
}

// Rows of conditions leave with the event that makes them, in the order of arrival.
func TestPushedEventsLeaveAtOnce(t *testing.T) {
	out := &exectest.Collect{}
	q, err := compileText(`* | where n > 1 | fields n, k`)
	if err != nil {
		t.Fatal(err)
	}
	layout := q.Layout.Clone()
	out.Layout = layout
	x, err := q.Start(context.Background(), Run{Layout: layout, Warnings: &exec.Warnings{}}, Live{Out: out})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	for i, want := range []int{0, 0, 1, 2} {
		if err := x.Push(int64(1000-i), fields("n", fmt.Sprint(i), "k", "a", "other", "x")); err != nil {
			t.Fatal(err)
		}
		if len(out.Rows) != want {
			t.Fatalf("after event %d there are %d rows, want %d", i, len(out.Rows), want)
		}
	}
	if want := []string{"k=string:a n=string:2", "k=string:a n=string:3"}; !slices.Equal(out.Rows, want) {
		t.Errorf("got %q, want %q", out.Rows, want)
	}
}

// Slices of time that have passed are given once and forgotten.
func TestAdvanceGivesWhatIsDone(t *testing.T) {
	x := pushed(t, `* | timeslice 1m | count by _timeslice, k | where _count > 1`, Live{})
	for i := range 10 {
		if err := x.Push(int64(i)*20_000, fields("k", "a")); err != nil {
			t.Fatal(err)
		}
	}
	rows := func(do func(exec.Sink) error) []string {
		t.Helper()
		out := &exectest.Collect{Layout: x.run.Layout}
		if err := do(out); err != nil {
			t.Fatal(err)
		}
		return out.Rows
	}
	advance := func(at int64) []string { return rows(func(s exec.Sink) error { return x.Advance(at, s) }) }
	if got := rows(x.Rows); len(got) != 3 { // minutes 0, 1 and 2 have three, minute 3 one
		t.Fatalf("before: %q", got)
	}
	if got := advance(59_999); len(got) != 0 {
		t.Errorf("a slice that is not over is given: %q", got)
	}
	if got := advance(125_000); len(got) != 2 || !strings.Contains(got[1], "_timeslice=long:0") {
		t.Errorf("of the first two minutes came %q", got)
	}
	if got := rows(x.Rows); len(got) != 1 || !strings.Contains(got[0], "_timeslice=long:120000") {
		t.Errorf("left are %q", got)
	}
	if got := advance(1 << 40); len(got) != 1 {
		t.Errorf("in the end came %q", got)
	}
	if x.rt.Budget.Used() > 1<<20 {
		t.Errorf("%d bytes stay charged", x.rt.Budget.Used())
	}
}

// Names that events bring go on being read, however many there have been.
func TestPushedNamesDoNotRunOut(t *testing.T) {
	out := &exectest.Collect{}
	q, err := compileText(`*`)
	if err != nil {
		t.Fatal(err)
	}
	layout := q.Layout.Clone()
	out.Layout = layout
	x, err := q.Start(context.Background(), Run{Layout: layout, Warnings: &exec.Warnings{}}, Live{Out: out})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	for i := range 3 * event.MaxFields {
		name := fmt.Sprintf("f%d", i)
		out.Rows = nil
		if err := x.Push(int64(i), fields(name, "v")); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(out.Rows, []string{name + "=string:v"}) {
			t.Fatalf("event %d came out as %q", i, out.Rows)
		}
	}
}

// Nor do they where rows are held, which keep the names that they have.
func TestHeldNamesDoNotRunOut(t *testing.T) {
	for _, c := range []struct {
		text string
		keep int
		want func(i, n int) bool // whether event i of n is held
		raw  bool
	}{
		{`*`, 3, func(i, n int) bool { return i >= n-3 }, false},
		{`* | json auto`, 3, func(i, n int) bool { return i >= n-3 }, true},
		{`* | where mark = "x" | sort by t`, 0, func(i, _ int) bool { return i%2500 == 0 }, false},
		{`* | json auto | where mark = "x" | sort by t`, 0, func(i, _ int) bool { return i%2500 == 0 }, true},
		{`* | where mark = "x" | dedup mark, t`, 0, func(i, _ int) bool { return i%2500 == 0 }, false},
	} {
		q := testCompile(t, c.text)
		layout := q.Layout.Clone()
		parent := &exec.Budget{}
		x, err := q.Start(context.Background(), Run{Layout: layout, Budget: parent, TempDir: t.TempDir(), Warnings: &exec.Warnings{}}, Live{Keep: c.keep})
		if err != nil {
			t.Fatal(err)
		}
		n := 3 * event.MaxFields
		var want []string
		for i := range n {
			kv := []string{fmt.Sprintf("f%d", i), "v", "t", fmt.Sprint(i)}
			if i%2500 == 0 {
				kv = append(kv, "mark", "x")
			}
			e := fields(kv...)
			if c.raw {
				raw := fmt.Sprintf(`{"f%d":"v","t":"%d"`, i, i)
				if i%2500 == 0 {
					raw += `,"mark":"x"`
				}
				e = fields("_raw", raw+"}")
			}
			if err := x.Push(int64(i)*1000, e); err != nil {
				t.Fatal(err)
			}
			if c.want(i, n) {
				want = append(want, fmt.Sprintf("f%d", i))
			}
		}
		out := &exectest.Collect{Layout: layout}
		if err := x.Rows(out); err != nil {
			t.Fatal(err)
		}
		if len(out.Rows) != len(want) {
			t.Fatalf("%s: %d rows, want %d: %.300q", c.text, len(out.Rows), len(want), out.Rows)
		}
		for _, name := range want {
			if !slices.ContainsFunc(out.Rows, func(r string) bool {
				return strings.Contains(r, name+"=string:v") && strings.Contains(r, "t=string:"+name[1:]) && strings.Count(r, "=string:v") == 1
			}) {
				t.Errorf("%s: no row has %s alone: %.600q", c.text, name, out.Rows)
			}
		}
		x.Close()
		if parent.Used() > 1<<20 {
			t.Errorf("%s: %d bytes stay charged", c.text, parent.Used())
		}
	}
}

// One compiled query runs in many goroutines at once, subqueries and compare among
// them, and each gives what it gives alone.
func TestOneQueryRunsManyTimesAtOnce(t *testing.T) {
	data := splitEvents(200)
	for _, text := range []string{
		`* | where [subquery: * | top 3 k | compose k] | count by k`,
		`[subquery: * | top 2 k | compose k] | count by k, n`,
		`* | timeslice 1m | count by _timeslice | compare timeshift 1m`,
		`* | count by k | sort by _count, k | limit 4`,
		`* | transactionize k | fields n, _group`,
		`* | logcompare timeshift -1m`,
	} {
		q := testCompile(t, text)
		want, err := split{workers: 1}.run(q, data)
		if err != nil {
			t.Fatal(err)
		}
		if len(want) == 0 {
			t.Fatalf("%s gives nothing", text)
		}
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				got, err := split{workers: 1 + i%3, block: 500}.run(q, data)
				if err != nil || !slices.Equal(got, want) {
					t.Errorf("%s at once with others: %v\n got %q\nwant %q", text, err, got, want)
				}
			})
		}
		wg.Wait()
	}
}

// Queries that want every field share the one reading: input that can be read only
// once does, and each gives what it gives alone.
func TestWholeEventsShareTheReading(t *testing.T) {
	data := splitEvents(500)
	texts := []string{`* | where k = "a"`, `* | json auto | where n > 80`, `"J"`, `* | where j matches "*3*" | count by k`, `*`, `* | where nosuch = "x"`, `* | parse "\"n\":*}" as m | where m > 85`}
	for _, workers := range []int{1, 3} {
		var parts []Part
		var outs []*exectest.Collect
		for _, text := range texts {
			q := testCompile(t, text)
			l := q.Layout.Clone()
			out := &exectest.Collect{Layout: l}
			parts, outs = append(parts, Part{Query: q, Layout: l, Out: out}), append(outs, out)
		}
		jsonl := format.Named("jsonl")
		opened := 0
		part := input.MemoryPart("text", data)
		open := part.Open
		part.Open = func(ctx context.Context) (io.ReadCloser, error) { opened++; return open(ctx) }
		reader := input.NewReader(input.List([]*input.Part{part}), []*input.Format{jsonl}, input.Options{Force: jsonl, BlockBytes: 700})
		warnings := &exec.Warnings{}
		if err := RunTogether(context.Background(), Run{Input: reader, Workers: workers, Warnings: warnings}, parts); err != nil {
			t.Fatal(err)
		}
		if opened != 1 {
			t.Errorf("the input was opened %d times", opened)
		}
		for i, text := range texts {
			want, err := split{workers: 1}.run(testCompile(t, text), data)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(outs[i].Rows, want) {
				t.Errorf("%s with %d workers:\n got %d rows %.600s\nwant %d rows %.600s", text, workers, len(outs[i].Rows), outs[i].Rows, len(want), want)
			}
		}
	}
}

// BenchmarkPush is what one pushed event costs.
func BenchmarkPush(b *testing.B) {
	for _, text := range []string{`* | where Image matches "*powershell.exe" | fields Image`, `* | count by Image`} {
		b.Run(text, func(b *testing.B) {
			live := Live{}
			if !strings.Contains(text, "count") {
				live.Out = sinkFunc(func(*event.Batch) error { return nil })
			}
			x := pushed(b, text, live)
			e := map[string]event.Value{"Image": event.Text(`C:\Windows\System32\cmd.exe`), "CommandLine": event.Text("cmd /c whoami"), "User": event.Text("bob")}
			b.ReportAllocs()
			for b.Loop() {
				if err := x.Push(1700000000000, maps.All(e)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAddLine is what reading one line of JSON that has come costs.
func BenchmarkAddLine(b *testing.B) {
	x := pushed(b, `* | where Image matches "*powershell.exe" | fields Image`, Live{Out: sinkFunc(func(*event.Batch) error { return nil })})
	line := []byte(`{"UtcTime":"2026-03-02 06:00:00.000","Image":"C:\\Windows\\powershell.exe","User":"bob"}` + "\n")
	b.ReportAllocs()
	for b.Loop() {
		part := input.MemoryPart("log", bytes.Clone(line))
		err := x.Add(context.Background(), input.NewReader(input.List([]*input.Part{part}), format.All(), input.Options{}))
		if err != nil && !errors.Is(err, exec.ErrStop) {
			b.Fatal(err)
		}
	}
}
