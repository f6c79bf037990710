package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// linking finds what hangs together, directly or through others, among numbered
// things, with no more memory than its sorters take: links are put aside on disk
// and turned into stars around the smallest number of each group, by turns of
// large stars and small stars (Kiveris et al., "Connected Components in MapReduce
// and Beyond", 2014). The forest is its twin in memory.
type linking struct {
	rt   *exec.Runtime
	who  string
	u, v event.Slot

	links *exec.Sorter
	batch event.Batch
	made  bool // whether the current links hold any
}

func newLinking(rt *exec.Runtime, who string, u, v event.Slot) *linking {
	l := &linking{rt: rt, who: who, u: u, v: v}
	l.links = l.sorter()
	return l
}

// sorter makes an empty list of links, which is read by u and then v.
func (l *linking) sorter() *exec.Sorter {
	var f event.Fields
	f.Add(l.u, l.v)
	return exec.NewSorter(l.rt, l.who, exec.Order{Keys: []exec.Key{{Slot: l.u}, {Slot: l.v}}}, exec.NewCodec(&f), 0)
}

// link says that two things belong together.
func (l *linking) link(u, v int64) error {
	row := l.batch.AddRow(0, 0)
	l.batch.Col(l.u).Set(row, event.Int(u))
	l.batch.Col(l.v).Set(row, event.Int(v))
	l.made = true
	if l.batch.N < event.MaxRows {
		return nil
	}
	return l.put()
}

func (l *linking) put() error {
	if l.batch.N == 0 {
		return nil
	}
	err := l.links.Add(&l.batch)
	l.batch.Reset()
	return err
}

// turn reads all links by u and then v, each once, and begins a new list.
func (l *linking) turn(link func(u, v int64) error) error {
	if err := l.put(); err != nil {
		return err
	}
	old := l.links
	l.links, l.made = l.sorter(), false
	lastU, lastV := int64(-1), int64(-1)
	return old.Flush(sinkFunc(func(b *event.Batch) error {
		for _, row := range b.Live {
			u, _ := b.Value(l.u, row).Int()
			v, _ := b.Value(l.v, row).Int()
			if u == lastU && v == lastV {
				continue
			}
			lastU, lastV = u, v
			if err := link(u, v); err != nil {
				return err
			}
		}
		return nil
	}))
}

// groups gives, in no order, each thing that is not the smallest of its group
// with the smallest.
func (l *linking) groups(give func(u, smallest int64) error) error {
	for l.made {
		// Both ends of a link know of it.
		if err := l.turn(func(u, v int64) error {
			if err := l.link(u, v); err != nil {
				return err
			}
			return l.link(v, u)
		}); err != nil {
			return err
		}
		// Large stars: what is larger than u is tied to the smallest that u knows.
		at, least := int64(-1), int64(-1)
		if err := l.turn(func(u, v int64) error {
			if u != at {
				at, least = u, min(u, v)
			}
			if v < u {
				return nil // v ties it
			}
			return l.link(v, least)
		}); err != nil {
			return err
		}
		// Small stars: u and what is smaller are tied to the smallest of them.
		at, least = -1, -1
		stars := true
		if err := l.turn(func(u, v int64) error {
			if u != at {
				at, least = u, v
				return l.link(u, v)
			}
			stars = false
			return l.link(v, least)
		}); err != nil {
			return err
		}
		if !stars {
			continue
		}
		// Each is tied to one smaller thing: done when none of those is tied itself.
		done, err := l.flat()
		if err != nil {
			return err
		}
		if done {
			break
		}
	}
	return l.turn(give)
}

// flat reports whether no thing that others are tied to is tied to another. The
// links stay.
func (l *linking) flat() (bool, error) {
	middle := l.sorter() // by thing: -1 where it is tied, 1 where another is tied to it
	var marks event.Batch
	mark := func(thing, what int64) error {
		row := marks.AddRow(0, 0)
		marks.Col(l.u).Set(row, event.Int(thing))
		marks.Col(l.v).Set(row, event.Int(what))
		if marks.N < event.MaxRows {
			return nil
		}
		err := middle.Add(&marks)
		marks.Reset()
		return err
	}
	if err := l.turn(func(u, v int64) error {
		if err := l.link(u, v); err != nil {
			return err
		}
		if err := mark(u, -1); err != nil {
			return err
		}
		return mark(v, 1)
	}); err != nil {
		return false, err
	}
	if marks.N > 0 {
		if err := middle.Add(&marks); err != nil {
			return false, err
		}
	}
	flat, tied := true, int64(-1)
	err := middle.Flush(sinkFunc(func(b *event.Batch) error {
		for _, row := range b.Live {
			thing, _ := b.Value(l.u, row).Int()
			if what, _ := b.Value(l.v, row).Int(); what < 0 {
				tied = thing
			} else if thing == tied {
				flat = false
			}
		}
		return nil
	}))
	return flat, err
}
