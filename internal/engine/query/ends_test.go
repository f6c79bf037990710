package query

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/exec/exectest"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// cancelling is a reader that cancels a run before one of its blocks.
type cancelling struct {
	input.BlockReader
	before *int
	cancel func()
}

func (r cancelling) Read(b input.Block, next exec.Sink) error {
	if *r.before--; *r.before == 0 {
		r.cancel()
	}
	return r.BlockReader.Read(b, next)
}

// A sink that fails ends the run with its error, and a context that is cancelled, at
// whatever moment, with that: or all rows have come. No file stays.
func TestRunsEnd(t *testing.T) {
	data := splitEvents(300)
	full := errors.New("no room")
	for _, asked := range splitQueries {
		q := testCompile(t, asked)
		want, err := split{workers: 1}.run(q, data)
		if err != nil {
			t.Fatal(err)
		}
		rnd := rand.New(rand.NewPCG(2, uint64(len(asked))))
		for round := range 6 {
			ctx, cancel := context.WithCancel(t.Context())
			blocks, pushes := 0, 1+rnd.IntN(3)
			if round%2 == 1 {
				blocks, pushes = 1+rnd.IntN(30), 0
			}
			jsonl := *format.Named("jsonl")
			open := jsonl.New
			jsonl.New = func(w *input.Want) input.BlockReader { return cancelling{open(w), &blocks, cancel} }
			reader := func() (input.Feeder, error) {
				return input.NewReader(text(data), []*input.Format{&jsonl}, input.Options{Force: &jsonl, BlockBytes: 1000}), nil
			}
			in, _ := reader()
			layout, dir := q.Layout.Clone(), t.TempDir()
			rows := &exectest.Collect{Layout: layout}
			err := q.Run(ctx, Run{
				Input: in, Reopen: reader, Layout: layout, Workers: 1, Memory: 200 << 10, TempDir: dir,
				Bounded: true, To: 1 << 52, Warnings: &exec.Warnings{}, Now: time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC),
			}, sinkFunc(func(b *event.Batch) error {
				if pushes--; pushes == 0 {
					return full
				}
				return rows.Push(b)
			}))
			cancel()
			what := fmt.Sprintf("%s, round %d", asked, round)
			switch {
			case err == nil && !slices.Equal(rows.Rows, want):
				t.Errorf("%s: ended without an error\n got %s\nwant %s", what, strings.Join(rows.Rows, "\n     "), strings.Join(want, "\n     "))
			case err != nil && !errors.Is(err, full) && !errors.Is(err, context.Canceled):
				t.Errorf("%s: %v", what, err)
			}
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("%s: files stay: %v", what, left)
			}
		}
	}
}
