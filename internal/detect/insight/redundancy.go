package insight

// Hours in the unit of times here.
const hour = int64(60 * 60 * 1000)

// gap is how long a name has to be silent on an entity until a repeat counts,
// where its rule has no window of its own (8.3).
const gap = 12 * hour

// repeat is what an entity remembers of one name of signals (8.3).
type repeat struct {
	Fired   int64 // when the last one came
	Counted int64 // when the last one counted
	Top     int   // highest severity of the one that counted and of its repeats
}

// redundant says whether a signal repeats one that counted, and remembers it.
// ceiling is the longest time that repeats stay uncounted, in ms.
func (d *Desk) redundant(s *Signal, ceiling int64) (yes, stronger bool) {
	at := s.At()
	r, again := d.Repeats[s.Name]
	if again {
		if s.Window > 0 {
			yes = at-r.Counted < s.Window
		} else {
			yes = at-r.Fired <= gap && at-r.Counted < ceiling
		}
	}
	stronger = yes && s.Severity > r.Top
	if yes {
		r.Top = max(r.Top, s.Severity)
	} else {
		r.Counted, r.Top = at, s.Severity
	}
	r.Fired = max(r.Fired, at)
	d.Repeats[s.Name] = r
	if len(d.Repeats) >= d.crowd {
		d.forgetRepeats(at)
	}
	return yes, stronger
}

// windowMax is the longest suppression window that a rule may have: 7 days (5.7).
const windowMax = 7 * 24 * hour

// forgetRepeats drops names that no signal after t can repeat. It is called when
// their number has doubled, so that its cost is spread over many signals.
func (d *Desk) forgetRepeats(t int64) {
	for name, r := range d.Repeats {
		if t-r.Fired > windowMax {
			delete(d.Repeats, name)
		}
	}
	d.crowd = max(64, 2*len(d.Repeats))
}
