package rule_test

import (
	"os"
	"sync/atomic"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// benchEvents is a file of Sysmon events, one JSON object a line:
// GYOJI_BENCH_EVENTS, or the samples.
func benchEvents(b *testing.B) string {
	path := os.Getenv("GYOJI_BENCH_EVENTS")
	if path == "" {
		path = shared + "jsonl/sysmon-flat.jsonl.gz"
	}
	if _, err := os.Stat(path); err != nil {
		b.Skip("no events: ", err)
	}
	return path
}

// All of SigmaHQ's rules for Windows over Sysmon events, decoding included.
func BenchmarkHunt(b *testing.B) {
	path := benchEvents(b)
	sc := rule.NewScope()
	rules, _ := sc.Lower(corpus(b), nil)
	set := rule.Compile(sc, rules)
	var matches atomic.Int64
	events := int64(0)
	for b.Loop() {
		matches.Store(0)
		events += read(b, sc, set.Fields(), 1, func() exec.Task {
			return set.Task(&expr.Env{}, nil, func(r *rule.Rule, batch *event.Batch) error {
				matches.Add(int64(len(batch.Live)))
				return nil
			})
		}, path)
	}
	if path == shared+"jsonl/sysmon-flat.jsonl.gz" && matches.Load() != 1250 { // what a full scan finds
		b.Errorf("%d matches, want 1250", matches.Load())
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(float64(matches.Load()), "matches")
}

// The same decoding without any rule: what of the time is not the rules'.
func BenchmarkDecode(b *testing.B) {
	path := benchEvents(b)
	sc := rule.NewScope()
	rules, _ := sc.Lower(corpus(b), nil)
	fields := rule.Compile(sc, rules).Fields()
	events := int64(0)
	for b.Loop() {
		events += read(b, sc, fields, 1, func() exec.Task { return exec.Chain(discard{}) }, path)
	}
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}

// Lowering and indexing of all rules.
func BenchmarkCompile(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		docs := corpus(b)
		b.StartTimer()
		sc := rule.NewScope()
		rules, _ := sc.Lower(docs, nil)
		rule.Compile(sc, rules)
	}
}
