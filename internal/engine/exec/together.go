package exec

import (
	"errors"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Together makes one pipeline of several that read the same batches. A batch is
// lent to all of them, one after the other: the first stage of each takes its own
// copy of what it changes. One that wants no more rows is left out; when none
// does, the run stops.
func Together(ps []Pipeline) Pipeline {
	gates := make([]*gate, len(ps))
	for i, p := range ps {
		gates[i] = &gate{next: p.Back}
	}
	return Pipeline{
		Front: func(Sink) Task {
			t := &tee{fronts: make([]Task, len(ps)), done: make([]bool, len(ps))}
			for i, p := range ps {
				t.fronts[i] = p.Front(gates[i])
			}
			return t
		},
		Back: backs(ps),
	}
}

// tee is one worker's copy of the fronts.
type tee struct {
	fronts []Task
	done   []bool
}

func (t *tee) Push(b *event.Batch) error {
	open := 0
	for i, f := range t.fronts {
		if t.done[i] {
			continue
		}
		switch err := f.Push(b); {
		case errors.Is(err, ErrStop):
			t.done[i] = true
		case err != nil:
			return err
		default:
			open++
		}
	}
	if open == 0 {
		return ErrStop
	}
	return nil
}

func (t *tee) Flush() error {
	for _, f := range t.fronts {
		if err := f.Flush(); stopped(err) != nil {
			return err
		}
	}
	return nil
}

func (t *tee) Merge(o Task) error {
	for i, f := range t.fronts {
		other := o.(*tee).fronts[i]
		if m, ok := f.(Merger); ok {
			if err := m.Merge(other); err != nil {
				return err
			}
		} else if err := other.Flush(); stopped(err) != nil {
			return err
		}
	}
	return nil
}

// backs are the backs of several pipelines. Rows reach them by their own gates.
type backs []Pipeline

func (backs) Push(*event.Batch) error { panic("bug: exec: a row for no pipeline of several") }

func (b backs) Flush() error {
	for _, p := range b {
		if err := p.Back.Flush(); stopped(err) != nil {
			return err
		}
	}
	return nil
}
