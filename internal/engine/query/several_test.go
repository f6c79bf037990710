package query

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/exec/exectest"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// severalQueries are of every kind: conditions, whole events, groups, slices of time,
// those that read their events twice.
var severalQueries = []string{
	`* | where n > 80 | fields n, k`,
	`* | where k = "a"`,
	`"J" | json auto | where n > 50`,
	`* | count by k`,
	`* | where n > 85 | sort by n, k`,
	`* | timeslice 5m | count by _timeslice, k`,
	`* | where [subquery: * | top 2 k | compose k] | count by k`,
	`* | dedup k`,
	`nosuchword | count`,
	`* | limit 5`,
}

// part is a query of several, with what it has given.
type givingPart struct {
	*exectest.Collect
	Part
}

func givingParts(t *testing.T, texts []string) (all []givingPart, parts []Part) {
	for _, text := range texts {
		q := testCompile(t, text)
		l := q.Layout.Clone()
		out := &exectest.Collect{Layout: l}
		p := Part{Query: q, Layout: l, Out: out}
		all, parts = append(all, givingPart{out, p}), append(parts, p)
	}
	return all, parts
}

// Several queries over a log that comes in pieces, cut and saved at random, give the rows
// that each gives over all of it; so do they of events that a program pushes.
func TestSeveralOverEventsThatCome(t *testing.T) {
	data := splitEvents(400)
	lines := bytes.SplitAfter(data, []byte("\n"))
	jsonl := format.Named("jsonl")
	var want [][]string
	for _, text := range severalQueries {
		rows, err := split{workers: 1}.run(testCompile(t, text), data)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, rows)
	}
	for round := range 6 {
		rnd := rand.New(rand.NewPCG(1, uint64(round)))
		all, parts := givingParts(t, severalQueries)
		start := func(parts []Part) *Several {
			x, err := StartTogether(context.Background(), Run{Warnings: &exec.Warnings{}}, parts)
			if err != nil {
				t.Fatal(err)
			}
			return x
		}
		x := start(parts)
		off := int64(0)
		for at := 0; at < len(lines); {
			n := min(len(lines)-at, 1+rnd.IntN(1+rnd.IntN(100)))
			piece := bytes.Join(lines[at:at+n], nil)
			part := input.MemoryPart("text", piece)
			part.Start = off
			off += int64(len(piece))
			at += n
			if err := x.Add(context.Background(), input.NewReader(input.List([]*input.Part{part}), []*input.Format{jsonl}, input.Options{Force: jsonl, BlockBytes: 700})); err != nil {
				t.Fatal(err)
			}
			if rnd.IntN(5) == 0 {
				var state bytes.Buffer
				to := exec.NewSaver(&state)
				if err := x.Save(to); err != nil {
					t.Fatal(err)
				}
				if err := to.Flush(); err != nil {
					t.Fatal(err)
				}
				x.Close()
				fresh, parts := givingParts(t, severalQueries)
				for i := range fresh {
					fresh[i].Rows = all[i].Rows // of those that left as they came
				}
				all = fresh
				x = start(parts)
				if err := x.Load(exec.NewLoader(&state)); err != nil {
					t.Fatal(err)
				}
			}
		}
		severalGave(t, fmt.Sprint("pieces, round ", round), x, all, want)
		x.Close()
	}
}

func severalGave(t *testing.T, how string, x *Several, all []givingPart, want [][]string) {
	t.Helper()
	for i, p := range all {
		if !p.Query.Streams() {
			if err := x.Rows(i, p.Collect); err != nil {
				t.Fatal(err)
			}
		}
		got, want := p.Rows, want[i]
		if p.Query.Streams() { // they come as their events do
			got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %s\n got %d rows %.500q\nwant %d rows %.500q", how, severalQueries[i], len(got), got, len(want), want)
		}
	}
}

// Events that a program pushes give the rows that they give as lines of a log.
func TestSeveralOverPushedEvents(t *testing.T) {
	data := splitEvents(200)
	texts := []string{`* | where n > 80 | fields n, k`, `* | where k = "a"`, `* | count by k`, `* | where n > 85 | sort by n, k`, `* | dedup k | fields k`}
	all, parts := givingParts(t, texts)
	x, err := StartTogether(context.Background(), Run{Warnings: &exec.Warnings{}}, parts)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	alone := make([]*Running, len(texts))
	lonely, _ := givingParts(t, texts)
	for i, p := range lonely {
		if alone[i], err = p.Query.Start(context.Background(), Run{Layout: p.Part.Layout, Warnings: &exec.Warnings{}}, Live{Out: p.Collect}); err != nil {
			t.Fatal(err)
		}
		defer alone[i].Close()
	}
	at := int64(1_700_000_000_000)
	for line := range bytes.Lines(data) {
		var m map[string]any
		if err := json.Unmarshal(line, &m); err != nil {
			t.Fatal(err)
		}
		at += 1000
		fields := func(yield func(string, event.Value) bool) {
			for _, name := range []string{"k", "n", "j"} {
				switch v := m[name].(type) {
				case string:
					if !yield(name, event.Text(v)) {
						return
					}
				case float64:
					if !yield(name, event.Int(int64(v))) {
						return
					}
				}
			}
		}
		if err := x.Push(at, fields); err != nil {
			t.Fatal(err)
		}
		for _, a := range alone {
			if err := a.Push(at, fields); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, p := range all {
		if !p.Query.Streams() {
			if err := x.Rows(i, p.Collect); err != nil {
				t.Fatal(err)
			}
			if err := alone[i].Rows(lonely[i].Collect); err != nil {
				t.Fatal(err)
			}
		}
		if len(p.Rows) == 0 || !slices.Equal(p.Rows, lonely[i].Rows) {
			t.Errorf("%s\n got %d rows %.500q\nwant %d rows %.500q", texts[i], len(p.Rows), p.Rows, len(lonely[i].Rows), lonely[i].Rows)
		}
	}
}
