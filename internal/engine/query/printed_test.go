package query_test

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/engine/render"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// values is a renderer that takes rows only as values.
type values struct{ exec.Sink }

// watched is a renderer that counts the rows that come to it printed.
type watched struct {
	exec.Printing
	printed int
}

func (w *watched) Push(b *event.Batch) error {
	w.printed += len(b.Printed)
	return w.Printing.Push(b)
}

// TestRowsPrintedEarly holds the output of sorts that keep rows as they are
// printed against that of sorts that keep their values.
func TestRowsPrintedEarly(t *testing.T) {
	for _, text := range []string{
		`*`,
		`* | json auto`,
		`* | json auto | where EventID = "1" | fields Image, CommandLine, nothing`,
		`* | json auto | length(CommandLine) / 3 as n | isNull(User) as b | sort by n, EventID`,
		`* | json auto | count, max(EventRecordID) by Image, Computer | sort by _count asc`,
		`* | json auto | fields - _raw | sort by Image | limit 7`,
		`* | json auto | where Image = "no such image" | sort by Image`,
	} {
		q, diags := query.Compile(diag.Text("query", text), query.Standard())
		if err := diags.Err(); err != nil {
			t.Fatal(err)
		}
		for _, kind := range []string{"ndjson", "json", "csv"} {
			print := func(h how, early bool) []byte {
				o := input.Options{Warnings: &exec.Warnings{}, BlockBytes: h.block}
				src, err := input.Paths([]string{"../../../samples"}, o)
				if err != nil {
					t.Fatal(err)
				}
				r := query.Run{Input: input.NewReader(src, format.All(), o), Layout: q.Layout.Clone(), Workers: h.workers, Memory: h.memory, Warnings: o.Warnings}
				var out bytes.Buffer
				sink, err := render.New(kind, &out, render.Options{Columns: q.Columns, Layout: r.Layout, Messages: q.Messages})
				if err != nil {
					t.Fatal(err)
				}
				var to exec.Sink = values{sink}
				var seen *watched
				if p, ok := sink.(exec.Printing); ok && early {
					seen = &watched{Printing: p}
					to = seen
				}
				if err := q.Run(context.Background(), r, to); err != nil {
					t.Fatal(err)
				}
				if err := sink.Close(); err != nil {
					t.Fatal(err)
				}
				if rows := strings.Contains(out.String(), "{") && !strings.Contains(text, "limit"); early && kind != "csv" && (seen == nil || rows != (seen.printed > 0)) {
					t.Errorf("%s, -f %s, %+v: rows are not printed where they should be", text, kind, h)
				}
				return out.Bytes()
			}
			want := print(how{workers: 1}, false)
			for _, h := range []how{{workers: 1}, {workers: 4}, {workers: 2, block: 20000, memory: 64 << 10}} {
				if got := print(h, true); !bytes.Equal(got, want) {
					t.Errorf("%s, -f %s, %+v: rows printed early are\n%.500s\nrows printed late\n%.500s", text, kind, h, got, want)
				}
			}
		}
	}
}
