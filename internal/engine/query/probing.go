package query

import (
	"context"
	"errors"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// probing asks, with few fields, which events a query wants whole: those that come
// through its first stages, up to the one that needs all rows.
type probing struct {
	steps  []lang.Step // of a copy of the query
	want   event.Fields
	layout *event.Layout
	fronts []*wholeFront // by worker
}

func newProbing(q *Query) *probing {
	q = q.again()
	p := &probing{layout: q.Layout}
	for _, s := range q.steps {
		if s.Flow != lang.Streams {
			break
		}
		p.steps = append(p.steps, s)
	}
	for i := len(p.steps) - 1; i >= 0; i-- {
		p.steps[i].Stage.Needs(&p.want)
	}
	if p.want.All { // a stage that looks at all there is: every event matters
		p.steps, p.want = nil, event.Fields{}
	}
	return p
}

// into gives a query's pipeline a front that takes batches of the common reading,
// for the question, and one of whole events besides.
func (p *probing) into(to *exec.Pipeline, q *Query, r Run, common *event.Layout) input.Reading {
	ask, open := p.opener(r, common), to.Front
	to.Front = func(next exec.Sink) exec.Task {
		f := ask(open(next))
		p.fronts = append(p.fronts, f.wholeFront)
		return f
	}
	want := q.Want(r)
	want.Warnings = &exec.Warnings{} // the common reading says them
	return input.Reading{
		Want:    func(int) *input.Want { return want },
		Matters: func(worker int) bool { return p.fronts[worker].matters() },
		To:      func(worker int) exec.Sink { return wholeRows{p.fronts[worker]} },
	}
}

// opener puts the question in front of workers' fronts.
func (p *probing) opener(r Run, common *event.Layout) func(front exec.Task) *asking {
	steps := []lang.Step{{Stage: &share{from: common, to: p.layout, fields: p.want.Slots()}, Flow: lang.Streams, Name: "share"}}
	if r.Bounded {
		steps = append(steps, lang.Step{Stage: timeRange{}, Flow: lang.Streams, Name: "time range"})
	}
	steps = append(steps, p.steps...)
	given := map[any][][]event.Value{}
	rt := r.runtime(context.Background(), p.layout.Clone(), &exec.Budget{Parent: r.Budget})
	rt.Given, rt.Warnings = given, &exec.Warnings{} // what there is to warn of, the query itself says
	return func(front exec.Task) *asking {
		f := &wholeFront{Task: front}
		f.probe = lang.OpenSteps(steps, rt, f)
		return &asking{wholeFront: f}
	}
}

// wholeFront is a worker's front of a query that is given whole events. As a sink
// it takes what comes through the question.
type wholeFront struct {
	exec.Task
	probe exec.Task
	hit   bool
	err   error // of whole events
}

// matters reports whether what was read since it was last asked is wanted whole.
func (f *wholeFront) matters() bool {
	hit := f.hit && f.err == nil
	f.hit = false
	return hit
}

// Push notes that an event matters.
func (f *wholeFront) Push(b *event.Batch) error {
	f.hit = f.hit || len(b.Live) > 0
	return nil
}

// asking is the front that the common reading pushes into.
type asking struct{ *wholeFront }

func (a *asking) Push(b *event.Batch) error {
	if a.err != nil {
		return a.err
	}
	if a.hit {
		return nil // of this block it is known
	}
	return a.probe.Push(b)
}

func (a *asking) Flush() error {
	if a.err != nil && !errors.Is(a.err, exec.ErrStop) {
		return a.err
	}
	return a.Task.Flush()
}

func (a *asking) Merge(o exec.Task) error {
	other := o.(*asking)
	for _, err := range []error{a.err, other.err} {
		if err != nil && !errors.Is(err, exec.ErrStop) {
			return err
		}
	}
	if m, ok := a.Task.(exec.Merger); ok {
		return m.Merge(other.Task)
	}
	return other.Task.Flush()
}

// wholeRows pushes whole events into the query. An error is the query's alone: the
// common reading goes on, and hears of it with its next batch.
type wholeRows struct{ f *wholeFront }

func (w wholeRows) Push(b *event.Batch) error {
	if w.f.err == nil {
		w.f.err = exec.Guard("", func() error { return w.f.Task.Push(b) })
	}
	return nil
}
