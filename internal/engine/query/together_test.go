package query_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/engine/render"
)

// TestQueriesTogetherGiveWhatTheyGiveAlone runs queries over one reading of the
// samples and each over a reading of its own: the second way is the plain one.
func TestQueriesTogetherGiveWhatTheyGiveAlone(t *testing.T) {
	sets := map[string][]string{
		"each needs a literal": {
			`_sourceCategory=*sysmon* | where Image matches "*powershell.exe" | fields Computer, Image`,
			`mshta.exe | where EventID = "1" | count by ParentImage`,
			`* | where NewProcessName matches "*wscript.exe" | fields NewProcessName, CommandLine`,
		},
		"one reads every event": {
			`* | count by EventID`,
			`msedge.exe`,
			`* | limit 3`,
			`* | where nosuchfield = "x"`,
			`EventID=22 | sort by QueryName, _messageTime | fields QueryName`,
			`* | json auto | toLowerCase(Image) as image | count as n by image | sort by n, image`,
			`* | limit 1 | fields Computer`,
		},
		"names in other letters": {
			`* | count by image`,
			`* | count by Image`,
		},
	}
	for name, texts := range sets {
		for _, workers := range []int{1, 3} {
			t.Run(name, func(t *testing.T) {
				var parts []query.Part
				var outs []*bytes.Buffer
				var sinks []render.Sink
				for _, text := range texts {
					q := compiled(t, text)
					out := &bytes.Buffer{}
					layout := q.Layout.Clone()
					sink := rendered(t, out, render.Options{Columns: q.Columns, Layout: layout})
					parts = append(parts, query.Part{Query: q, Layout: layout, Out: sink})
					outs, sinks = append(outs, out), append(sinks, sink)
				}
				if err := query.RunTogether(context.Background(), over(t, workers), parts); err != nil {
					t.Fatal(err)
				}
				for i, text := range texts {
					if err := sinks[i].Close(); err != nil {
						t.Fatal(err)
					}
					q, want := compiled(t, text), &bytes.Buffer{}
					r := over(t, 1)
					r.Layout = q.Layout.Clone()
					sink := rendered(t, want, render.Options{Columns: q.Columns, Layout: r.Layout})
					if err := q.Run(context.Background(), r, sink); err != nil {
						t.Fatal(err)
					}
					if err := sink.Close(); err != nil {
						t.Fatal(err)
					}
					if !bytes.Equal(outs[i].Bytes(), want.Bytes()) {
						t.Errorf("%s, %d workers\ntogether:\n%.2000s\nalone:\n%.2000s", text, workers, outs[i], want)
					}
					if want.Len() == 0 && text != `* | where nosuchfield = "x"` {
						t.Errorf("%s finds nothing in the samples: this compares nothing", text)
					}
				}
			})
		}
	}
}

func compiled(t *testing.T, text string) *query.Query {
	t.Helper()
	q, diags := query.Compile(diag.Text("query", text), query.Standard())
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	return q
}

func rendered(t *testing.T, w *bytes.Buffer, o render.Options) render.Sink {
	t.Helper()
	sink, err := render.New("ndjson", w, o)
	if err != nil {
		t.Fatal(err)
	}
	return sink
}

// over is a run over the samples, in small blocks.
func over(t *testing.T, workers int) query.Run {
	t.Helper()
	o := input.Options{BlockBytes: 8 << 10}
	src, err := input.Paths([]string{"../../../samples"}, o)
	if err != nil {
		t.Fatal(err)
	}
	again := func() (input.Feeder, error) { return input.NewReader(src, format.All(), o), nil }
	reader, _ := again()
	return query.Run{Input: reader, Workers: workers, Warnings: &exec.Warnings{}, Reopen: again}
}
