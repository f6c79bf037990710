package insight

import (
	"cmp"
	"slices"
)

// keptMax bounds the counted signals that a desk remembers. With the default
// threshold an entity has at most a dozen names before an insight clears them;
// only signals of severity 0 and high thresholds come near it.
const keptMax = 10_000

// Desk is what is known of one entity: its signals of the look-back, its score,
// what may be redundant. Its exported fields are its state, to be written down.
type Desk struct {
	Entity  Entity
	First   int64 // event time of the first and the last signal, ms since 1970
	Last    int64
	Signals []*Signal         // that count, within the look-back, in order of time
	Repeats map[string]repeat // by name
	Cut     int64             // when the last insight of the algorithm was made; noCut of none
	Cuts    map[string]int64  // the same of each custom insight, by its id
	Score   int               // the activity score
	Dropped int               // signals that were too many to remember
	// Stronger are repeats that did not count although they are more severe than what they
	// repeat, since the last insight: the last few of them.
	Stronger []*Signal `json:",omitempty"`

	tops  map[string]int // name -> highest severity after the cut; nil when it has to be made anew
	crowd int            // how many names there are when old ones are looked for
}

// strongerMax bounds the stronger repeats that a desk remembers.
const strongerMax = 20

// noCut is before all times.
const noCut = -1 << 62

// NewDesk is for an entity without a past.
func NewDesk(e Entity) *Desk {
	return &Desk{Entity: e, First: -noCut, Last: noCut, Cut: noCut, Repeats: map[string]repeat{}, Cuts: map[string]int64{}, crowd: 64}
}

// Take adds the signals of one time to the desk, marks those that do not count,
// and says which insights they make. Times must not fall from call to call; the
// signals are put in order (18, R19), all of them are added, and then the score is
// examined once (18, R21).
func (d *Desk) Take(signals []*Signal, c *Content) (made []*Insight) {
	if len(signals) == 0 {
		return nil
	}
	slices.SortStableFunc(signals, func(a, b *Signal) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Pos, b.Pos), cmp.Compare(a.RuleID, b.RuleID), cmp.Compare(a.Selector, b.Selector))
	})
	at := max(d.Last, signals[len(signals)-1].At())
	d.First, d.Last = min(d.First, signals[0].Time), at
	d.forget(at, c)
	id := d.Entity.ID()
	var fresh []*Signal
	for _, s := range signals {
		s.Severity = c.severity(d.Entity, id, s.Severity)
		s.Suppressed = append(c.hidden(d.Entity, id), s.Suppressed...)
		if len(s.Suppressed) == 0 && !s.Prototype {
			var yes bool
			if yes, s.Stronger = d.redundant(s, c.Settings.Ceiling); yes {
				s.Suppressed = append(s.Suppressed, "redundant")
			}
		}
		if s.Stronger {
			if len(d.Stronger) == strongerMax {
				d.Stronger = slices.Delete(d.Stronger, 0, 1)
			}
			d.Stronger = append(d.Stronger, s)
		}
		if s.Counts() {
			fresh = append(fresh, s)
			d.add(s)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	for _, x := range c.Customs {
		if i := d.custom(x, fresh, at); i != nil {
			made = append(made, i)
		}
	}
	if float64(d.Score) > c.Settings.Threshold {
		made = append(made, d.algorithm(at, c.Settings))
		d.Cut, d.Score, d.tops, d.Stronger = at, 0, map[string]int{}, nil
	}
	return made
}

// add remembers a signal that counts.
func (d *Desk) add(s *Signal) {
	if len(d.Signals) >= keptMax {
		d.thin()
	}
	at, _ := slices.BinarySearchFunc(d.Signals, s.Time+1, func(k *Signal, t int64) int { return cmp.Compare(k.Time, t) })
	d.Signals = slices.Insert(d.Signals, at, s)
	d.reckon()
	if s.Time > d.Cut {
		if top, ok := d.tops[s.Name]; !ok || s.Severity > top {
			d.tops[s.Name] = s.Severity
			d.Score += s.Severity - top
		}
	}
}

// thin drops a quarter of the signals: those that say least, the oldest of the
// lowest severity first. Many go at once so that the cost is spread.
func (d *Desk) thin() {
	least := slices.Clone(d.Signals)
	slices.SortStableFunc(least, func(a, b *Signal) int { return cmp.Compare(a.Severity, b.Severity) })
	gone := map[*Signal]bool{}
	for _, s := range least[:keptMax/4] {
		gone[s] = true
	}
	d.Signals = slices.DeleteFunc(d.Signals, func(s *Signal) bool { return gone[s] })
	d.Dropped += len(gone)
	d.tops = nil
}

// reckon makes tops and the score anew if something was taken away.
func (d *Desk) reckon() {
	if d.tops != nil {
		return
	}
	d.tops, d.Score = map[string]int{}, 0
	for _, s := range d.Signals {
		if s.Time <= d.Cut {
			continue
		}
		if top, ok := d.tops[s.Name]; !ok || s.Severity > top {
			d.tops[s.Name] = s.Severity
			d.Score += s.Severity - top
		}
	}
}

// forget drops what lies before the look-back of t (18, R22): the range is open at
// its start.
func (d *Desk) forget(t int64, c *Content) {
	n := 0
	for n < len(d.Signals) && d.Signals[n].Time <= t-c.Settings.Lookback {
		n++
	}
	if n > 0 {
		d.Signals = slices.Delete(d.Signals, 0, n)
		d.tops = nil
	}
	d.Stronger = slices.DeleteFunc(d.Stronger, func(s *Signal) bool { return s.Time <= t-c.Settings.Lookback })
	d.reckon()
}

// At brings the score to a time without a signal, for display. It changes nothing
// that a later Take sees.
func (d *Desk) At(t int64, c *Content) int {
	d.forget(max(t, d.Last), c)
	return d.Score
}

// Idle says whether a signal at t or later finds the desk as good as new: no counted
// signal is within the look-back, and no name can repeat. What is lost with it is when
// the entity was first seen.
func (d *Desk) Idle(t int64, c *Content) bool {
	if n := len(d.Signals); n > 0 && d.Signals[n-1].Time > t-c.Settings.Lookback {
		return false
	}
	for _, r := range d.Repeats {
		if t-r.Fired <= windowMax {
			return false
		}
	}
	return true
}
