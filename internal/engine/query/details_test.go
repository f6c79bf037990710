package query_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// readOnce is an input that cannot give a block twice: what details are tested against.
type readOnce struct{ input.Feeder }

// asker asks for the details of every seventh event.
type asker struct {
	asked map[uint64]bool
	add   func(string)
	slots []event.Slot
}

func (a *asker) Push(b *event.Batch) error {
	for _, row := range b.Live {
		if b.Pos[row]%7 == 0 {
			a.asked[b.Pos[row]] = true
		}
	}
	return nil
}
func (a *asker) Flush() error           { return nil }
func (a *asker) Asks() bool             { return len(a.asked) > 0 }
func (a *asker) Wanted(pos uint64) bool { return a.asked[pos] }
func (a *asker) Detail(b *event.Batch) error {
	for _, row := range b.Live {
		if !a.asked[b.Pos[row]] {
			continue
		}
		delete(a.asked, b.Pos[row])
		line := fmt.Sprint(b.Pos[row], b.Time[row])
		for _, s := range a.slots {
			line += "|" + b.Value(s, row).String()
		}
		a.add(line)
	}
	return nil
}

// Details that are read again are those of a single reading, and each that was asked for
// comes once; samples hold EVTX and JSON.
func TestDetailsAreTheFieldsOfTheEventsAskedFor(t *testing.T) {
	details := func(workers int, once, company bool) (lines []string) {
		l := event.NewLayout("Image")
		var mu sync.Mutex
		b := query.Consumer{Name: "a test", Layout: l}
		b.Fields.Add(l.Slot("Image"))
		var slots []event.Slot
		for _, name := range []string{"ProcessGuid", "EventRecordID", "_sourceCategory", "TargetUserName", "Computer", "_raw"} {
			slots = append(slots, l.Slot(name))
			b.Details.Add(l.Slot(name))
		}
		b.Open = func(*exec.Runtime) exec.Pipeline {
			return exec.Pipeline{Front: func(exec.Sink) exec.Task {
				return &asker{asked: map[uint64]bool{}, slots: slots, add: func(s string) {
					mu.Lock()
					defer mu.Unlock()
					lines = append(lines, s)
				}}
			}, Back: exec.Chain(nothing{})}
		}
		r := over(t, workers)
		if once {
			r.Input = readOnce{r.Input}
		}
		var parts []query.Part
		if company {
			q := compiled(t, `* | count by EventID`)
			parts = []query.Part{{Query: q, Layout: q.Layout.Clone(), Out: nothing{}}}
		}
		if err := query.RunTogether(context.Background(), r, parts, b); err != nil {
			t.Fatal(err)
		}
		slices.Sort(lines)
		return lines
	}
	want := details(1, true, false)
	if len(want) < 10 {
		t.Fatalf("%d events are asked for: this compares nothing", len(want))
	}
	for _, workers := range []int{1, 3} {
		for _, company := range []bool{false, true} {
			if got := details(workers, false, company); !slices.Equal(got, want) {
				t.Errorf("%d workers, company %t: %d details, want %d; first %.500q, want %.500q", workers, company, len(got), len(want), got[:min(1, len(got))], want[:1])
			}
		}
	}
}

type nothing struct{}

func (nothing) Push(*event.Batch) error { return nil }
