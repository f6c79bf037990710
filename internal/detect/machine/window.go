package machine

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
)

// window holds the hits of a group within (t-Size, t], and the quiet time after a
// firing (7; 18, R01).
//
// A hit that comes after newer ones is put where it belongs, and the windows that it is in
// are looked at anew: one that is complete now fires with the record that completes it, as if
// the hit had come in time, unless a signal was made within the window's length before or
// after. So a late record never takes a signal away, and a signal that it makes complete comes.
type window struct {
	Size    int64
	Most    int     // hits in a window at most
	Keep    int64   // how long hits stay after they have left the window, in ms, for hits that come late; 0 where none do
	hits    []*Hit  // in order of time: those kept, and those of the window
	from    int     // where the window begins in hits
	fires   []int64 // times of the signals made, in order
	touched int64   // event time when the last hit came
	lost    int
}

// keeping is a machine that takes hits which come late.
type keeping interface {
	// keep sets how long hits stay after their window, in ms. It is called on a new machine.
	keep(ms int64)
	// behind says whether t is so old that what it belongs to is no longer there.
	behind(t int64) bool
}

func (w *window) keep(ms int64) { w.Keep = ms }

func (w *window) behind(t int64) bool {
	n := len(w.hits)
	return w.Keep > 0 && n > 0 && t <= w.hits[n-1].Time-w.Size-w.Keep
}

// now are the hits in the window.
func (w *window) now() []*Hit { return w.hits[w.from:] }

// push adds a hit that is not older than the others, and drops those that have left the
// window of its time; each is told.
func (w *window) push(h *Hit, gone func(*Hit)) {
	w.slide(h.Time, gone)
	if len(w.now()) >= w.Most {
		w.leave(1, gone)
		w.lost++
	}
	w.hits = append(w.hits, h)
	w.touched = max(w.touched, h.Time, h.Now)
}

// late says whether a hit is older than the newest.
func (w *window) late(h *Hit) bool { return len(w.hits) > 0 && h.Time < w.hits[len(w.hits)-1].Time }

// again takes a late hit. reset empties what the machine counts of its window; take has it
// go through the hits once more. A record that is there already, of a log sent twice, is none.
func (w *window) again(h *Hit, reset func(), take func(*Hit, Fire), fire Fire) {
	i := sort.Search(len(w.hits), func(i int) bool { return w.hits[i].Time > h.Time })
	for k := i - 1; k >= 0 && w.hits[k].Time == h.Time; k-- {
		if w.hits[k].UID == h.UID {
			return
		}
	}
	all, lost := slices.Insert(w.hits, i, h), w.lost
	w.hits, w.from = nil, 0
	reset()
	for _, x := range all {
		take(x, func(f *Firing) bool { return x.Time >= h.Time && x.Time-h.Time < w.Size && fire(f) })
	}
	w.lost = lost
}

// copied says whether a hit that is as old as the newest, and came late, is there already.
func (w *window) copied(h *Hit) bool {
	if h.Now == 0 || h.Now < h.Time {
		return false
	}
	for k := len(w.hits) - 1; k >= 0 && w.hits[k].Time == h.Time; k-- {
		if w.hits[k].UID == h.UID {
			return true
		}
	}
	return false
}

// slide moves the window on to t.
func (w *window) slide(t int64, gone func(*Hit)) {
	now := w.now()
	w.leave(sort.Search(len(now), func(i int) bool { return now[i].Time > t-w.Size }), gone)
	kept := w.hits[:w.from]
	n := max(len(kept)-w.Most, sort.Search(len(kept), func(i int) bool { return kept[i].Time > t-w.Size-w.Keep }))
	clear(w.hits[:n])
	if w.hits, w.from = w.hits[n:], w.from-n; len(w.hits) == 0 {
		w.hits = nil
	}
	// A late hit can be in a window that ends near a signal of so long ago.
	old := t - w.Size
	if w.Keep > 0 {
		old -= w.Size + w.Keep
	}
	w.fires = slices.Delete(w.fires, 0, sort.Search(len(w.fires), func(i int) bool { return w.fires[i] > old }))
}

// leave has the first n hits of the window leave it.
func (w *window) leave(n int, gone func(*Hit)) {
	if gone != nil {
		for _, h := range w.hits[w.from : w.from+n] {
			gone(h)
		}
	}
	w.from += n
}

// may says whether the group can fire at t: no signal was made so near to it.
func (w *window) may(t int64) bool {
	return !slices.ContainsFunc(w.fires, func(f int64) bool { return f-w.Size < t && t < f+w.Size })
}

// fire passes on a firing of all hits in the window.
func (w *window) fire(f *Firing, fire Fire) {
	now := w.now()
	f.Total, f.Records = len(now), brief(now)
	if fire(f) {
		i, _ := slices.BinarySearch(w.fires, f.Hit.Time)
		w.fires = slices.Insert(w.fires, i, f.Hit.Time)
	}
}

// close forgets what no hit that comes at event time t can need. The hits of a source whose
// clock or path is slow are as much older as they were when the last of them came.
func (w *window) close(t int64, gone func(*Hit)) {
	if n := len(w.hits); n > 0 {
		w.slide(t-(w.touched-w.hits[n-1].Time), gone)
	}
}

func (w *window) idle(t int64) bool {
	return (len(w.hits) == 0 || w.touched <= t-w.Size-w.Keep) && w.may(t)
}

type savedWindow struct {
	Version int
	Hits    []savedHit
	From    int     `json:",omitempty"`
	Fires   []int64 `json:",omitempty"`
	Touched int64   `json:",omitempty"`
	Lost    int

	// Of version 1, which had the last signal alone.
	Fired int64 `json:",omitempty"`
	Quiet bool  `json:",omitempty"`
}

const windowVersion = 2

func (w *window) save() ([]byte, error) {
	s := savedWindow{Version: windowVersion, From: w.from, Fires: w.fires, Touched: w.touched, Lost: w.lost}
	for _, h := range w.hits {
		k := saved(h)
		if w.Keep > 0 { // a late hit can make any of them complete a window
			var err error
			if k, err = withData(h); err != nil {
				return nil, err
			}
		}
		s.Hits = append(s.Hits, k)
	}
	return json.Marshal(s)
}

// load reads what save has written; each hit of the window is told.
func (w *window) load(state []byte, each func(*Hit)) error {
	var s savedWindow
	if err := json.Unmarshal(state, &s); err != nil {
		return fmt.Errorf("the state of a rule's group cannot be read: %w", err)
	}
	switch s.Version {
	case windowVersion:
	case 1:
		if n := len(s.Hits); n > 0 {
			s.Touched = s.Hits[n-1].Time
		}
		if s.Quiet {
			s.Fires = []int64{s.Fired}
		}
	default:
		return fmt.Errorf("the state of a rule's group has version %d, and this program reads up to version %d", s.Version, windowVersion)
	}
	if s.From < 0 || s.From > len(s.Hits) {
		return fmt.Errorf("the state of a rule's group is not whole: its window begins at %d of %d records", s.From, len(s.Hits))
	}
	w.from, w.fires, w.touched, w.lost, w.hits = s.From, s.Fires, s.Touched, s.Lost, nil
	for i := range s.Hits {
		h := s.Hits[i].hit()
		w.hits = append(w.hits, h)
		if each != nil && i >= w.from {
			each(h)
		}
	}
	return nil
}
