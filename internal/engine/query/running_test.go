package query_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/engine/render"
)

// TestRunning: after every piece of a log that grows, the rows so far are those of
// the query over all of it.
func TestRunning(t *testing.T) {
	data, err := os.ReadFile("../../../samples/ws-fin-014-sysmon.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	for _, text := range []string{
		`* | json auto | count by Image | sort by _count, Image | limit 5`,
		`EventID=1 | count, count_distinct(Image) as images, first(Image), last(Image), max(ProcessId)`,
		`nosuchword | count`,
		`* | timeslice 10m | count by _timeslice, EventID | transpose row _timeslice column EventID`,
		`* | count by EventID | where _count > 3 | total _count as all`,
		`EventID=1 | where Image matches "*e.exe" | fields Image, CommandLine`,
		`* | sort by Image | limit 3`,
		`* | limit 3`,
		`* | first(Image) by User, EventID | sort by User, EventID`,
		`*`,
		`* | dedup Image`, `* | accum ProcessId | limit 7`, `* | top 3 Image`, `* | top 3 Image by ProcessId`, `* | topk(2, ProcessId) by EventID`,
		`* | transactionize ProcessId | fields Image, _group, _group_size`, `* | logreduce`, `* | logreduce keys`, `* | count_frequent Image`,
		`* | total ProcessId by EventID | count by _total`,
		`* | logexplain EventID = "1" on Image, User`,
		`* | where [subquery: EventID=1 | count by ProcessId | compose ProcessId] | count by Image, EventID`,
		`EventID=1 [subquery: * | top 3 Image | compose Image]`,
		`* | timeslice 10m | count by _timeslice | compare timeshift 10m | fields _count, _count_10m`,
	} {
		t.Run(text, func(t *testing.T) {
			q := compiled(t, text)
			o := input.Options{Warnings: &exec.Warnings{}}
			run := query.Run{Layout: q.Layout.Clone(), Workers: 1, Warnings: o.Warnings}
			if strings.Contains(text, "compare") {
				run.Bounded, run.From, run.To = true, 0, 1<<52
			}
			x, err := q.Start(context.Background(), run, query.Live{})
			if err != nil {
				t.Fatal(err)
			}
			defer x.Close()
			print := func(rows func(exec.Sink) error, run query.Run) string {
				t.Helper()
				var out bytes.Buffer
				sink := rendered(t, &out, render.Options{Columns: q.Columns, Layout: run.Layout, Messages: q.Messages})
				if err := rows(sink); err != nil {
					t.Fatal(err)
				}
				if err := sink.Close(); err != nil {
					t.Fatal(err)
				}
				return out.String()
			}
			off := int64(0)
			var so []byte
			for i := 0; i < len(lines); i += 47 {
				piece := bytes.Join(lines[i:min(i+47, len(lines))], nil)
				part := input.MemoryPart("log", piece)
				part.Start = off
				off += int64(len(piece))
				so = append(so, piece...)
				if err := x.Add(context.Background(), input.NewReader(input.List([]*input.Part{part}), format.All(), o)); err != nil {
					t.Fatal(err)
				}
				again := func() (input.Feeder, error) {
					return input.NewReader(input.Memory("log", so), format.All(), o), nil
				}
				all := query.Run{Bounded: run.Bounded, From: run.From, To: run.To, Reopen: again, Layout: q.Layout.Clone(), Workers: 2, Warnings: o.Warnings, Input: input.NewReader(input.Memory("log", so), format.All(), o)}
				want := print(func(s exec.Sink) error { return q.Run(context.Background(), all, s) }, all)
				for range 2 { // asking changes nothing
					if got := print(x.Rows, run); got != want {
						t.Fatalf("after %d lines\n%s\nwant\n%s", i+47, got, want)
					}
				}
			}
		})
	}
}

// TestRunningKeepsTheNewest: of messages only as many are kept as are asked for.
func TestRunningKeepsTheNewest(t *testing.T) {
	q := compiled(t, `* | fields a`)
	o := input.Options{Warnings: &exec.Warnings{}}
	x, err := q.Start(context.Background(), query.Run{Layout: q.Layout.Clone(), Workers: 1, Warnings: o.Warnings}, query.Live{Keep: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	for _, text := range []string{"{\"a\":\"old\",\"time\":100}\n{\"a\":\"third\",\"time\":2000000000}\n", "{\"a\":\"first\",\"time\":2000000002}\n{\"a\":\"second\",\"time\":2000000001}\n"} {
		if err := x.Add(context.Background(), input.NewReader(input.Memory("log", []byte(text)), format.All(), o)); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	sink := rendered(t, &out, render.Options{Columns: q.Columns, Layout: q.Layout})
	if err := x.Rows(sink); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "{\"a\":\"first\"}\n{\"a\":\"second\"}\n"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
