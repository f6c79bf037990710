package insight

import (
	"cmp"
	"maps"
	"slices"
)

// Desks are those of all entities of a run.
type Desks struct {
	Content *Content
	by      map[string]*Desk
}

// NewDesks is for entities without a past.
func NewDesks(c *Content) *Desks { return &Desks{Content: c, by: map[string]*Desk{}} }

// Take gives signals to the desks of their entities and returns the insights that
// they make, in order of time and entity. Signals may come in any order, but none
// of them may be earlier than those of a call before.
func (d *Desks) Take(signals []*Signal) (made []*Insight) {
	signals = slices.Clone(signals)
	ids := make(map[*Signal]string, len(signals))
	for _, s := range signals {
		ids[s] = s.Entity.ID()
	}
	slices.SortStableFunc(signals, func(a, b *Signal) int {
		return cmp.Or(cmp.Compare(a.At(), b.At()), cmp.Compare(ids[a], ids[b]))
	})
	for len(signals) > 0 {
		id, n := ids[signals[0]], 1
		for n < len(signals) && signals[n].At() == signals[0].At() && ids[signals[n]] == id {
			n++
		}
		desk := d.by[id]
		if desk == nil {
			desk = NewDesk(signals[0].Entity)
			d.by[id] = desk
		}
		made = append(made, desk.Take(signals[:n], d.Content)...)
		signals = signals[n:]
	}
	return made
}

// All are the desks in the order of their entities' ids.
func (d *Desks) All() (all []*Desk) {
	for _, id := range slices.Sorted(maps.Keys(d.by)) {
		all = append(all, d.by[id])
	}
	return all
}

// Put adds a desk that was written down, in place of one that its entity has.
func (d *Desks) Put(x *Desk) { d.by[x.Entity.ID()] = x }
