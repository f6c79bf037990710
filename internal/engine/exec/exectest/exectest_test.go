package exectest

import (
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// distinct passes on the first row of every value of slot 0, and is wrong in
// the ways a stage may be.
type distinct struct {
	next  exec.Sink
	keeps bool // text that was only lent
	alone bool // takes itself for the only worker
	loses bool // all but the first row of a batch
	seen  map[string]bool
	out   event.Batch
}

func (d *distinct) Push(b *event.Batch) error {
	for i, row := range b.Live {
		v := b.Value(0, row)
		if !d.keeps {
			v = v.Clone()
		}
		if d.loses && i > 0 || d.seen[v.Str()] {
			continue
		}
		d.seen[v.Str()] = true
		d.out.Col(0).Set(d.out.AddRow(0, 0), v)
	}
	return nil
}

func (d *distinct) Flush() error { return d.next.Push(&d.out) }

func (d *distinct) Merge(o exec.Task) error {
	if d.alone {
		return o.Flush()
	}
	return d.Push(&o.(*distinct).out)
}

// TestSameCatches has stages that are wrong, each in one way that only shows
// when input is cut up, shared or lent.
func TestSameCatches(t *testing.T) {
	var rows []Row
	for i := range 60 {
		rows = append(rows, Row{Vals: []event.Value{event.Text(string(rune('a' + i%20)))}})
	}
	open := func(d distinct) func(*exec.Runtime, exec.Sink) exec.Task {
		return func(_ *exec.Runtime, next exec.Sink) exec.Task {
			d := d
			d.next, d.seen = next, map[string]bool{}
			return &d
		}
	}
	for name, d := range map[string]distinct{"keeps": {keeps: true}, "alone": {alone: true}, "loses": {loses: true}} {
		if _, err := same(&Stage{Layout: event.NewLayout("k"), Open: open(d)}, rows); err == nil {
			t.Errorf("a stage that %s got by", name)
		}
	}
	got := Same(t, Stage{Layout: event.NewLayout("k"), Open: open(distinct{})}, rows)
	if len(got) != 20 {
		t.Errorf("%d rows, want 20", len(got))
	}
}
