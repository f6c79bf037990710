package tenant_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// BenchmarkRules runs the Cloud SIEM rules of GYOJI_BENCH_RULES, a folder or file, over
// the events of GYOJI_BENCH_EVENTS, one JSON object a line; decoding included. bench/siem
// makes both.
func BenchmarkRules(b *testing.B) {
	rules, events := os.Getenv("GYOJI_BENCH_RULES"), os.Getenv("GYOJI_BENCH_EVENTS")
	if rules == "" || events == "" {
		b.Skip("GYOJI_BENCH_RULES and GYOJI_BENCH_EVENTS say what to run; bench/siem makes both")
	}
	var fsys fs.FS = os.DirFS(filepath.Dir(rules))
	docs, found, err := tenant.Read([]tenant.Place{{FS: fsys, Path: filepath.Base(rules), Name: rules}})
	if err != nil {
		b.Fatal(err)
	}
	x := tenant.New(docs, found)
	b.Logf("%d rules, %d unusable", len(x.Rules), len(x.Unusable))
	layout, fields := x.Ready()
	n := int64(0)
	for b.Loop() {
		rt := &exec.Runtime{Ctx: b.Context(), Now: time.Unix(0, 0), Layout: layout, Budget: &exec.Budget{Limit: 1 << 30}, TempDir: b.TempDir(), Warnings: &exec.Warnings{}}
		r := x.Open(rt, x.Rules)
		n = read(b, layout, fields, func() exec.Task { return r.Task(&expr.Env{}) }, events)
		signals, _, _, err := r.Signals()
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(len(signals)), "signals")
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

// read reads a file for one worker's task.
func read(b *testing.B, layout *event.Layout, fields event.Fields, open func() exec.Task, path string) int64 {
	b.Helper()
	src, err := input.Paths([]string{path}, input.Options{})
	if err != nil {
		b.Fatal(err)
	}
	r := input.NewReader(src, format.All(), input.Options{})
	rt := &exec.Runtime{Ctx: b.Context(), Layout: layout, Budget: &exec.Budget{}, Warnings: &exec.Warnings{}}
	p := exec.Pipeline{Front: func(exec.Sink) exec.Task { return open() }, Back: exec.Chain(discard{})}
	if err := exec.Run(rt, p, 1, r.Feed(rt.Ctx, &input.Want{Layout: layout, Fields: fields, Warnings: rt.Warnings})); err != nil {
		b.Fatal(err)
	}
	return r.Stats().Events
}

type discard struct{}

func (discard) Push(*event.Batch) error { return nil }
