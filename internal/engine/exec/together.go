package exec

import (
	"errors"
	"sync/atomic"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Together makes one pipeline of several that read the same batches. A batch is
// lent to all of them, one after the other: the first stage of each takes its own
// copy of what it changes. One that wants no more rows is left out; when none
// does, the run stops. One that panics is left out as well, and the others go on:
// its *Bug is the run's error once they are done.
func Together(ps []Pipeline) Pipeline {
	all := &together{ps: ps, bugs: make([]atomic.Pointer[error], len(ps))}
	gates := make([]*gate, len(ps))
	for i, p := range ps {
		gates[i] = &gate{next: p.Back}
	}
	return Pipeline{
		Front: func(Sink) Task {
			t := &tee{of: all, fronts: make([]Task, len(ps)), done: make([]bool, len(ps))}
			for i, p := range ps {
				all.failed(i, Guard("", func() error { t.fronts[i] = p.Front(gates[i]); return nil }))
			}
			return t
		},
		Back: all,
	}
}

// Failed are the pipelines of Together that have panicked, by their number.
func Failed(p Pipeline) map[int]error {
	failed := map[int]error{}
	if t, ok := p.Back.(*together); ok {
		for i := range t.bugs {
			if err := t.bugs[i].Load(); err != nil {
				failed[i] = *err
			}
		}
	}
	return failed
}

// together is what the workers of several pipelines share. As a task it is their
// backs; rows reach those by their own gates.
type together struct {
	ps   []Pipeline
	bugs []atomic.Pointer[error] // by pipeline
}

// failed takes an error of a pipeline that is a bug, and returns any other.
func (t *together) failed(i int, err error) error {
	if !IsBug(err) {
		return err
	}
	err = Named(err, t.ps[i].Name)
	t.bugs[i].CompareAndSwap(nil, &err) // the first
	return nil
}

// broken reports whether a pipeline has failed.
func (t *together) broken(i int) bool { return t.bugs[i].Load() != nil }

func (*together) Push(*event.Batch) error { panic("bug: exec: a row for no pipeline of several") }

func (t *together) Flush() error {
	for i, p := range t.ps {
		if t.broken(i) {
			continue
		}
		if err := t.failed(i, Guard("", p.Back.Flush)); stopped(err) != nil {
			return err
		}
	}
	var bugs []error
	for i := range t.bugs {
		if err := t.bugs[i].Load(); err != nil {
			bugs = append(bugs, *err)
		}
	}
	return errors.Join(bugs...)
}

// tee is one worker's copy of the fronts.
type tee struct {
	of     *together
	fronts []Task
	done   []bool
}

func (t *tee) Push(b *event.Batch) error {
	open := 0
	for i, f := range t.fronts {
		if t.done[i] || t.of.broken(i) {
			continue
		}
		switch err := push(f, b); {
		case err == nil:
			open++
		case errors.Is(err, ErrStop):
			t.done[i] = true
		default:
			if err = t.of.failed(i, err); err != nil {
				return err
			}
		}
	}
	if open == 0 {
		return ErrStop
	}
	return nil
}

// push is Push, of which a panic is an error.
func push(f Sink, b *event.Batch) (err error) {
	defer Caught(&err, "")
	return f.Push(b)
}

func (t *tee) Flush() error {
	for i, f := range t.fronts {
		if t.of.broken(i) {
			continue
		}
		if err := t.of.failed(i, Guard("", f.Flush)); stopped(err) != nil {
			return err
		}
	}
	return nil
}

func (t *tee) Merge(o Task) error {
	for i, f := range t.fronts {
		if t.of.broken(i) {
			continue
		}
		other := o.(*tee).fronts[i]
		err := Guard("", func() error {
			if m, ok := f.(Merger); ok {
				return m.Merge(other)
			}
			return stopped(other.Flush())
		})
		if err = t.of.failed(i, err); err != nil {
			return err
		}
	}
	return nil
}
