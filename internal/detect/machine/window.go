package machine

import (
	"encoding/json"
	"fmt"
	"sort"
)

// window holds the hits of a group within (t-Size, t], and the quiet time after a
// firing (7; 18, R01).
type window struct {
	Size  int64
	Most  int // hits remembered at most
	hits  []*Hit
	fired int64 // when the last signal was made
	quiet bool  // there was one
	lost  int
}

// push adds a hit and drops those that have left the window of its time; each is told.
func (w *window) push(h *Hit, gone func(*Hit)) {
	w.slide(h.Time, gone)
	if len(w.hits) >= w.Most {
		w.drop(1, gone)
		w.lost++
	}
	w.hits = append(w.hits, h)
}

func (w *window) slide(t int64, gone func(*Hit)) {
	n := sort.Search(len(w.hits), func(i int) bool { return w.hits[i].Time > t-w.Size })
	w.drop(n, gone)
}

func (w *window) drop(n int, gone func(*Hit)) {
	if n == 0 {
		return
	}
	if gone != nil {
		for _, h := range w.hits[:n] {
			gone(h)
		}
	}
	clear(w.hits[:n])
	w.hits = w.hits[n:]
	if len(w.hits) == 0 {
		w.hits = nil
	}
}

// may says whether the group can fire at t.
func (w *window) may(t int64) bool { return !w.quiet || t-w.fired >= w.Size }

// fire passes on a firing of all hits in the window.
func (w *window) fire(f *Firing, fire Fire) {
	f.Total, f.Records = len(w.hits), brief(w.hits)
	if fire(f) {
		w.fired, w.quiet = f.Hit.Time, true
	}
}

func (w *window) idle(t int64) bool {
	return (len(w.hits) == 0 || w.hits[len(w.hits)-1].Time <= t-w.Size) && w.may(t)
}

type savedWindow struct {
	Version int
	Hits    []savedHit
	Fired   int64
	Quiet   bool
	Lost    int
}

const windowVersion = 1

func (w *window) save() ([]byte, error) {
	s := savedWindow{Version: windowVersion, Fired: w.fired, Quiet: w.quiet, Lost: w.lost}
	for _, h := range w.hits {
		s.Hits = append(s.Hits, saved(h))
	}
	return json.Marshal(s)
}

// load reads what save has written; each hit is told.
func (w *window) load(state []byte, each func(*Hit)) error {
	var s savedWindow
	if err := json.Unmarshal(state, &s); err != nil {
		return fmt.Errorf("the state of a rule's group cannot be read: %w", err)
	}
	if s.Version != windowVersion {
		return fmt.Errorf("the state of a rule's group has version %d, and this program reads version %d", s.Version, windowVersion)
	}
	w.fired, w.quiet, w.lost, w.hits = s.Fired, s.Quiet, s.Lost, nil
	for i := range s.Hits {
		h := s.Hits[i].hit()
		w.hits = append(w.hits, h)
		if each != nil {
			each(h)
		}
	}
	return nil
}
