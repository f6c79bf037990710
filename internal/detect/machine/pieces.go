package machine

import (
	"cmp"
	"container/list"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// Piece is a part of a rule's state that is written down under a name of its own, so that
// a checkpoint writes what has changed and not all there is. Most groups are one piece;
// a baseline has one for each value.
type Piece struct {
	Group string
	Name  string // within the group; "" is the group's own
	State []byte // nil of a piece that is gone
}

// inPieces are machines whose state is many pieces.
type inPieces interface {
	// track begins to remember what changes.
	track()
	// changed gives the pieces that have changed since track or kept, the machine's own
	// first; all is every piece that there is, with changed or not.
	changed(each func(name string, state []byte))
	all(each func(name string))
	kept()
	// put takes a piece that changed has given.
	put(name string, state []byte) error
}

// tracked is what has changed since the pieces were last kept.
type tracked struct {
	groups map[string]bool
	gone   []Piece
}

// Track has the groups remember from now on which of them change. What is there already
// counts as kept.
func (g *Groups) Track() {
	g.changes = &tracked{groups: map[string]bool{}}
	for _, e := range g.by {
		if m, ok := e.Value.(*group).m.(inPieces); ok {
			m.track()
		}
	}
}

// note says that a group changes.
func (g *Groups) note(x *group) {
	if g.changes != nil {
		g.changes.groups[x.key] = true
	}
}

// drop notes that a group is gone.
func (g *Groups) drop(x *group) {
	if g.changes == nil {
		return
	}
	delete(g.changes.groups, x.key)
	g.changes.gone = append(g.changes.gone, Piece{Group: x.key})
	if m, ok := x.m.(inPieces); ok {
		m.all(func(name string) { g.changes.gone = append(g.changes.gone, Piece{Group: x.key, Name: name}) })
	}
}

// Changed are the pieces that have changed since Track or Kept, in the order in which
// they are to be written.
func (g *Groups) Changed() ([]Piece, error) {
	if g.changes == nil {
		return nil, nil
	}
	out := slices.Clone(g.changes.gone)
	for _, key := range slices.Sorted(maps.Keys(g.changes.groups)) {
		x := g.by[key].Value.(*group)
		own := binary.AppendUvarint(nil, x.touched)
		if m, ok := x.m.(inPieces); ok {
			m.changed(func(name string, state []byte) {
				if name == "" {
					state = append(own, state...)
				}
				out = append(out, Piece{key, name, state})
			})
			continue
		}
		state, err := x.m.Save()
		if err != nil {
			return nil, fmt.Errorf("group %q: %w", key, err)
		}
		out = append(out, Piece{key, "", append(own, state...)})
	}
	return out, nil
}

// Kept says that what Changed has last given is written down.
func (g *Groups) Kept() {
	if g.changes == nil {
		return
	}
	for key := range g.changes.groups {
		if m, ok := g.by[key].Value.(*group).m.(inPieces); ok {
			m.kept()
		}
	}
	g.changes = &tracked{groups: map[string]bool{}}
}

// Put takes a piece that Changed has given into groups that have had no hits yet; pieces
// come in any order. Once all are there, Ready puts the groups in the order in which they
// were quiet.
func (g *Groups) Put(p Piece) error {
	e := g.by[p.Group]
	if e == nil {
		e = g.add(p.Group)
	}
	x := e.Value.(*group)
	state := p.State
	if p.Name == "" {
		touched, n := binary.Uvarint(state)
		if n <= 0 {
			return fmt.Errorf("group %q: its state is not whole", p.Group)
		}
		x.touched, state = touched, state[n:]
	}
	var err error
	if m, ok := x.m.(inPieces); ok {
		err = m.put(p.Name, state)
	} else {
		err = x.m.Load(state)
	}
	if err != nil {
		return fmt.Errorf("group %q: %w", p.Group, err)
	}
	return nil
}

// Ready is described with Put.
func (g *Groups) Ready() {
	for _, e := range slices.SortedFunc(maps.Values(g.by), func(a, b *list.Element) int {
		return cmp.Compare(a.Value.(*group).touched, b.Value.(*group).touched)
	}) {
		g.queue.MoveToBack(e)
		g.clock = max(g.clock, e.Value.(*group).touched)
	}
}
