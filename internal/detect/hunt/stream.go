package hunt

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// stream gives findings as they come, each once. What it remembers of those before is
// bounded.
type stream struct {
	filter Filter
	where  Locator // nil for none
	found  func(*Finding) error

	mu         sync.Mutex
	detections []*Detection
	index      map[*Detection]bool
	met        recent[string, *sightings] // by key of a finding
	starts     recent[string, []start]    // as in a List
}

// sightings are the readings of one finding.
type sightings struct {
	given int // times it has been given
	at    []sighting
}

// sighting is how often a finding was met at one place.
type sighting struct {
	place uint64
	n     int
}

// recentMax is how many of the latest findings, at least, are remembered to tell copies
// of them and the processes they are about: some 20 MiB.
const recentMax = 1 << 16

// recent remembers the latest things: at least max, and at most twice as many.
type recent[K comparable, V any] struct{ new, old map[K]V }

// get finds what is remembered, which is then of the latest again.
func (r *recent[K, V]) get(k K) (v V, ok bool) {
	if v, ok = r.new[k]; ok {
		return v, true
	}
	if v, ok = r.old[k]; ok {
		r.put(k, v)
	}
	return v, ok
}

func (r *recent[K, V]) put(k K, v V) {
	if r.new == nil || len(r.new) >= recentMax {
		r.new, r.old = map[K]V{}, r.new
	}
	r.new[k] = v
}

func (s *stream) Ran(d *Detection) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ran(d)
}

func (s *stream) ran(d *Detection) {
	if !s.index[d] {
		if s.index == nil {
			s.index = map[*Detection]bool{}
		}
		s.index[d] = true
		s.detections = append(s.detections, d)
	}
}

func (s *stream) Add(d *Detection, f *Finding) error {
	d.complete(f)
	if !s.filter.Wants(d) || !s.filter.Takes(f) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ran(d)
	key := f.key()
	nth, first := s.sight(key, f)
	if !first {
		return nil
	}
	f.ID = id(key, nth)
	if x := f.Subject; x != nil && x.GUID != "" && x.PID != "" && f.starts("1") {
		k := startKey(f.Host, x)
		all, _ := s.starts.get(k)
		s.starts.put(k, append(all[max(0, len(all)-startsKept):], start{int64(f.Time), x.GUID}))
	}
	f.about(func(k string) []start { all, _ := s.starts.get(k); return all })
	d.Counts[f.Severity]++
	for i := range f.Evidence {
		locate(s.where, f.Evidence[i].pos, &f.Evidence[i].Place)
	}
	if len(f.Evidence) > 0 {
		f.Place = f.Evidence[0].Place
	}
	return s.found(f)
}

// startsKept is how many starts of processes with one number and image are remembered.
const startsKept = 8

// sight tells the number of a finding among those of its key, and whether this is the
// first place of it.
func (s *stream) sight(key string, f *Finding) (nth int, first bool) {
	x, ok := s.met.get(key)
	if !ok {
		x = &sightings{}
		s.met.put(key, x)
	}
	place := f.place()
	i := slices.IndexFunc(x.at, func(a sighting) bool { return a.place == place })
	if i < 0 {
		if len(x.at) == placesKept {
			x.at = slices.Delete(x.at, 0, 1)
		}
		x.at = append(x.at, sighting{place: place})
		i = len(x.at) - 1
	}
	nth = x.at[i].n
	x.at[i].n++
	if nth < x.given {
		return nth, false
	}
	x.given = nth + 1
	return nth, true
}

// placesKept is how many places of one finding are remembered.
const placesKept = 16

// news passes on the findings of a query's rows so far that were not among its rows
// before. A row that differs from one before in its numbers alone is the same finding: a
// count that grows.
type news struct {
	to   Taker
	rows *Rows
	buf  []byte
	met  recent[uint64, struct{}]
}

func (n *news) Ran(d *Detection) { n.to.Ran(d) }

func (n *news) Add(d *Detection, f *Finding) error {
	n.buf = n.buf[:0]
	for _, x := range f.Fields {
		if x.Value.IsNumber() && n.measured(x.Name) {
			continue
		}
		n.buf = append(append(n.buf, x.Name...), 0)
		n.buf = append(x.Value.AppendText(n.buf), 0)
	}
	if n.timed() {
		n.buf = strconv.AppendInt(n.buf, int64(f.Time), 10)
		if len(f.Evidence) == 1 { // a row of one event: that of another that says the same is another
			n.buf = strconv.AppendUint(append(n.buf, 0), f.Evidence[0].pos, 10)
		}
	}
	sum := sha256.Sum256(n.buf) // the same in another process
	k := binary.LittleEndian.Uint64(sum[:])
	if _, ok := n.met.get(k); ok {
		return nil
	}
	n.met.put(k, struct{}{})
	return n.to.Add(d, f)
}

// measured reports whether a column of the query is a count, sum or other measure.
func (n *news) measured(name string) bool {
	for _, c := range n.rows.Columns {
		if c.Name == name {
			return (c.Kind == event.Long || c.Kind == event.Double) && name != "_timeslice"
		}
	}
	return false
}

// timed reports whether the times of messages tell rows apart: they are the findings' own.
func (n *news) timed() bool {
	return slices.ContainsFunc(n.rows.Columns, func(c lang.Column) bool { return strings.EqualFold(c.Name, "_messagetime") })
}

// save writes down what is remembered, the older first.
func (r *recent[K, V]) save(to *exec.Saver, each func(K, V)) {
	for _, m := range []map[K]V{r.old, r.new} {
		to.Uint(uint64(len(m)))
		for k, v := range m {
			each(k, v)
		}
	}
}

// load reads what save has written; each reads one of them.
func (r *recent[K, V]) load(from *exec.Loader, each func() (K, V)) {
	for _, m := range []*map[K]V{&r.old, &r.new} {
		for n := from.Uint(); n > 0 && from.Err() == nil; n-- {
			k, v := each()
			if *m == nil {
				*m = map[K]V{}
			}
			(*m)[k] = v
		}
	}
}

// save writes down which findings have been given, so that another process gives no copy
// of them.
func (s *stream) save(to *exec.Saver) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.met.save(to, func(key string, x *sightings) {
		to.Bytes([]byte(key))
		to.Uint(uint64(x.given))
		to.Uint(uint64(len(x.at)))
		for _, a := range x.at {
			to.Uint(a.place)
			to.Uint(uint64(a.n))
		}
	})
	s.starts.save(to, func(key string, all []start) {
		to.Bytes([]byte(key))
		to.Uint(uint64(len(all)))
		for _, a := range all {
			to.Int(a.at)
			to.Bytes([]byte(a.guid))
		}
	})
}

func (s *stream) load(from *exec.Loader) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.met.load(from, func() (string, *sightings) {
		key, x := string(from.Bytes()), &sightings{given: int(from.Uint())}
		for n := from.Uint(); n > 0 && from.Err() == nil; n-- {
			x.at = append(x.at, sighting{from.Uint(), int(from.Uint())})
		}
		return key, x
	})
	s.starts.load(from, func() (key string, all []start) {
		key = string(from.Bytes())
		for n := from.Uint(); n > 0 && from.Err() == nil; n-- {
			all = append(all, start{from.Int(), string(from.Bytes())})
		}
		return key, all
	})
}
