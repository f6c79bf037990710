package query

import (
	"context"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/op"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// AtOnce is the same without Details: they are read with the Fields, of every event. For
// an input that can be read once.
func (b Consumer) AtOnce() Consumer {
	details := b.Details.Slots()
	if len(details) == 0 {
		return b
	}
	b.Fields, b.Details = b.Fields.Clone(), event.Fields{}
	b.Fields.Add(details...)
	open := b.Open
	b.Open = func(rt *exec.Runtime) exec.Pipeline {
		p := open(rt)
		front := p.Front
		p.Front = func(next exec.Sink) exec.Task { return &detailedNow{front(next).(Detailed)} }
		return p
	}
	return b
}

// detailedNow is a front whose input can be read once: the details come with the fields.
type detailedNow struct{ Detailed }

func (t *detailedNow) Push(b *event.Batch) error {
	if err := t.Detailed.Push(b); err != nil || !t.Asks() {
		return err
	}
	return t.Detail(b)
}

// detailing reads blocks once more for the details that fronts ask for.
type detailing struct {
	fronts []*detailed // by worker
}

// detailed is a worker's front.
type detailed struct {
	Detailed
	read exec.Task // takes events of the second reading
	err  error     // of it
}

// front notes the fronts, in the order of the workers.
func (d *detailing) front(open func(exec.Sink) exec.Task) func(exec.Sink) exec.Task {
	return func(next exec.Sink) exec.Task {
		f := &detailed{Detailed: open(next).(Detailed)}
		d.fronts = append(d.fronts, f)
		return f
	}
}

func (f *detailed) Push(b *event.Batch) error {
	if f.err != nil {
		return f.err
	}
	return f.Detailed.Push(b)
}

func (f *detailed) Flush() error {
	if f.err != nil {
		return f.err
	}
	return f.Detailed.Flush()
}

// again is the second reading. An error of it is the front's alone.
func (d *detailing) again(b Consumer, first *input.Want, rt *exec.Runtime) input.Reading {
	fields := b.Details.Clone()
	auto := op.FieldsOfMessages(b.Layout, b.Details)
	auto.Needs(&fields)
	return input.Reading{
		Want: func(worker int) *input.Want {
			want := *first
			want.Layout, want.Fields, want.Need, want.Readers, want.Warnings = b.Layout, fields, nil, nil, &exec.Warnings{} // the first reading warns
			want.Only = d.fronts[worker].Wanted
			return &want
		},
		Matters: func(worker int) bool { // a front that failed to open is not there
			return worker < len(d.fronts) && d.fronts[worker].err == nil && d.fronts[worker].Asks()
		},
		To: func(worker int) exec.Sink {
			f := d.fronts[worker]
			if f.read == nil {
				f.read = auto.Open(rt, detailSink{f})
			}
			return guarded{f}
		},
	}
}

// detailSink ends the second reading.
type detailSink struct{ f *detailed }

func (s detailSink) Push(b *event.Batch) error { return s.f.Detail(b) }

// guarded keeps an error of the second reading for the front's next push.
type guarded struct{ f *detailed }

func (g guarded) Push(b *event.Batch) error {
	if g.f.err == nil {
		g.f.err = exec.Guard("", func() error { return g.f.read.Push(b) })
	}
	return nil
}

// At reads some events again, by their positions: the fields that they have of names.
func At(ctx context.Context, r Run, names []string, at map[uint64]bool) (map[uint64]map[string]string, error) {
	l := event.NewLayout(names...)
	var fields event.Fields
	for _, n := range names {
		fields.Add(l.Slot(n))
	}
	auto := op.FieldsOfMessages(l, fields)
	want := fields.Clone()
	auto.Needs(&want)
	r.Layout, r.Warnings = l, &exec.Warnings{} // the first reading has warned
	rt := r.runtime(ctx, l, r.budget())
	var mu sync.Mutex
	found := map[uint64]map[string]string{}
	take := sinkFunc(func(b *event.Batch) error {
		mu.Lock()
		defer mu.Unlock()
		for _, row := range b.Live {
			if !at[b.Pos[row]] {
				continue
			}
			said := map[string]string{}
			for _, n := range names {
				s, _ := l.Find(n)
				if v := b.Value(s, row); !v.IsNull() {
					said[n] = strings.Clone(v.String())
				}
			}
			found[b.Pos[row]] = said
		}
		return nil
	})
	p := exec.Pipeline{Back: exec.Chain(nothing{}), Front: func(exec.Sink) exec.Task {
		return exec.Chain(nothing{}, exec.Opener{Name: "fields of messages", Open: func(exec.Sink) exec.Task { return auto.Open(rt, take) }})
	}}
	err := exec.Run(rt, p, r.Workers, r.Input.Feed(ctx, &input.Want{
		Layout: l, Fields: want, Only: func(pos uint64) bool { return at[pos] },
		Now: r.Now, Zone: r.Zone, NoMap: r.NoMap, Category: r.Category, Carve: r.Carve, Warnings: r.Warnings,
	}))
	return found, err
}
