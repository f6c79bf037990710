package insight

import (
	"cmp"
	"maps"
	"slices"
)

// MaxDesks is how many entities are remembered at once. Beyond it those whose last signal
// is the oldest go, and are counted.
const MaxDesks = 1_000_000

// fewDesks is how many there are before those without a future are looked for.
var fewDesks = 1 << 16 // smaller in tests

// Desks are those of all entities of a run. Their number is bounded: an entity on which
// nothing is left that could matter is forgotten (see Desk.Idle).
type Desks struct {
	Content *Content
	Max     int // 0 is MaxDesks
	Evicted int // entities that went although they mattered

	by      map[string]*Desk
	crowd   int             // how many there are when idle ones are looked for
	changed map[string]bool // ids; nil where nobody asks
}

// NewDesks is for entities without a past.
func NewDesks(c *Content) *Desks {
	return &Desks{Content: c, by: map[string]*Desk{}, crowd: fewDesks}
}

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
			if len(d.by) >= min(d.crowd, d.most()) {
				d.forget(signals[0].At())
			}
			desk = NewDesk(signals[0].Entity)
			d.by[id] = desk
		}
		d.note(id)
		made = append(made, desk.Take(signals[:n], d.Content)...)
		signals = signals[n:]
	}
	return made
}

func (d *Desks) most() int { return cmp.Or(d.Max, MaxDesks) }

func (d *Desks) note(id string) {
	if d.changed != nil {
		d.changed[id] = true
	}
}

// forget drops the desks that nothing can come of after t, and where that does not make
// room the tenth of them whose last signals are the oldest. It is called when their
// number has doubled, so that its cost is spread over many signals.
func (d *Desks) forget(t int64) {
	for id, x := range d.by {
		if x.Idle(t, d.Content) {
			delete(d.by, id)
			d.note(id)
		}
	}
	if most := d.most(); len(d.by) >= most {
		quiet := slices.SortedFunc(maps.Keys(d.by), func(a, b string) int {
			return cmp.Or(cmp.Compare(d.by[a].Last, d.by[b].Last), cmp.Compare(a, b))
		})
		for _, id := range quiet[:len(quiet)-most+max(1, most/10)] {
			delete(d.by, id)
			d.note(id)
			d.Evicted++
		}
	}
	d.crowd = max(fewDesks, 2*len(d.by))
}

// Len is how many entities are remembered.
func (d *Desks) Len() int { return len(d.by) }

// Of is the desk of an entity by its id, or nil.
func (d *Desks) Of(id string) *Desk { return d.by[id] }

// All are the desks in the order of their entities' ids.
func (d *Desks) All() (all []*Desk) {
	for _, id := range slices.Sorted(maps.Keys(d.by)) {
		all = append(all, d.by[id])
	}
	return all
}

// Put adds a desk that was written down, in place of one that its entity has.
func (d *Desks) Put(x *Desk) { d.by[x.Entity.ID()] = x }

// Track has the desks remember from now on which of them change.
func (d *Desks) Track() { d.changed = map[string]bool{} }

// Changed are the ids of entities whose desks have changed or gone since Track or Kept.
func (d *Desks) Changed() []string { return slices.Sorted(maps.Keys(d.changed)) }

// Kept says that the changed desks are written down.
func (d *Desks) Kept() {
	if d.changed != nil {
		d.changed = map[string]bool{}
	}
}
