package store

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

// View says what of a store is asked for.
type View struct {
	// From and To (ms, To excluded; 0 is open) bound the time of messages, or with
	// ByReceipt that of their receipt. By receipt nothing else is given. By message
	// time it is a hint of what need not be read: the query's own range decides.
	From, To  int64
	ByReceipt bool
	// After leaves out what has a lower sequence number: Snapshot.Next of an earlier one,
	// for what has come since.
	After uint64
	// Categories are the _sourceCategory values asked for, a hint as well; none is all.
	Categories []string
}

// Snapshot is what a store holds at one moment. It stays the same, and readable, until it
// is closed, whatever becomes of the store.
type Snapshot struct {
	store *Store
	view  View
	runs  []run
	files []*logFile
	segs  []*segment
	bytes int64
	seq   uint64

	mu      sync.Mutex
	feeders []*feeder
	closed  atomic.Bool
}

// Snapshot pins what is there now.
func (s *Store) Snapshot(v View) *Snapshot {
	snap := &Snapshot{store: s, view: v}
	l := s.log
	l.mu.Lock()
	defer l.mu.Unlock()
	snap.seq = l.durable
	for _, f := range l.files {
		used := false
		for i, r := range f.runs {
			end := snap.seq // of the run
			if i+1 < len(f.runs) {
				end = f.runs[i+1].seq
			}
			if end <= v.After || !v.wants(&r) {
				continue
			}
			snap.runs = append(snap.runs, r)
			snap.bytes += r.unpacked
			used = true
		}
		if used {
			f.refs.Add(1)
			snap.files = append(snap.files, f)
		}
	}
	for _, g := range s.segments {
		if g.MaxSeq >= v.After && v.wantsSegment(&g.Segment) {
			g.refs.Add(1)
			snap.segs = append(snap.segs, g)
			snap.bytes += v.share(&g.Segment)
		}
	}
	slices.SortStableFunc(snap.segs, func(a, b *segment) int {
		return cmp.Or(cmp.Compare(b.MaxTime, a.MaxTime), cmp.Compare(b.MaxSeq, a.MaxSeq))
	})
	// Newest first, so that who wants a few of the newest has them soon.
	slices.SortStableFunc(snap.runs, func(a, b run) int { return cmp.Compare(b.seq, a.seq) })
	return snap
}

// wants reports whether a run may have what the view asks for.
func (v *View) wants(r *run) bool {
	from, to := r.received, r.until
	if !v.ByReceipt {
		from, to = r.times()
	}
	if v.From != 0 && to < v.From || v.To != 0 && from >= v.To {
		return false
	}
	return len(v.Categories) == 0 || r.category == "" || slices.Contains(v.Categories, r.category)
}

// Close gives back what the snapshot holds.
func (v *Snapshot) Close() {
	if v.closed.Swap(true) {
		return
	}
	for _, f := range v.files {
		f.release()
	}
	for _, g := range v.segs {
		g.release()
	}
}

// share is about how many bytes of a segment's text the view asks for. Its messages stand
// in order of time, and those of another time are not read; they are taken to be spread
// evenly.
func (v *View) share(g *Segment) int64 {
	low, high := max(v.From, g.MinTime), g.MaxTime
	if v.To != 0 {
		high = min(high, v.To-1)
	}
	if v.ByReceipt || low > high {
		return g.RawBytes
	}
	return int64(float64(g.RawBytes) * float64(high-low+1) / float64(g.MaxTime-g.MinTime+1))
}

// Bytes is about how many bytes of text a run would read.
func (v *Snapshot) Bytes() int64 { return v.bytes }

// Times are the times (ms) of the oldest and newest event that is known to be there; ok is
// false where there is none.
func (v *Snapshot) Times() (oldest, newest int64, ok bool) {
	take := func(from, to int64) {
		if from > to {
			return // none of it has a time
		}
		if !ok {
			oldest, newest, ok = from, to, true
		}
		oldest, newest = min(oldest, from), max(newest, to)
	}
	for i := range v.runs {
		if r := &v.runs[i]; r.timed {
			take(r.earliest, r.latest)
		}
	}
	for _, g := range v.segs {
		if g.Untimed < g.Messages {
			take(g.MinTime, g.MaxTime)
		}
	}
	return oldest, newest, ok
}

// Next is the sequence number that the first message after the snapshot gets.
func (v *Snapshot) Next() uint64 { return v.seq }

// Progress is how far the snapshot's feeders have come together.
type Progress struct {
	Bytes   int64 // of text, read
	Total   int64 // to read
	Events  int64 // read, or passed over since they cannot matter
	Given   int64 // of them, those that the queries were given
	Untimed int64 // of those, the ones without a time
}

// Progress may be called at any time.
func (v *Snapshot) Progress() (p Progress) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, f := range v.feeders {
		one := f.Progress()
		p.Bytes, p.Events, p.Given, p.Untimed = p.Bytes+one.Bytes, p.Events+one.Events, p.Given+one.Given, p.Untimed+one.Untimed
	}
	p.Total = v.bytes
	return p
}

// Feeder gives the events of the snapshot to one run; each run has its own. It is an
// input.Twice, and says its own Progress.
func (v *Snapshot) Feeder() input.Feeder {
	f := &feeder{snap: v}
	v.mu.Lock()
	v.feeders = append(v.feeders, f)
	v.mu.Unlock()
	return f
}

// feeder is an input.Twice over a snapshot.
type feeder struct {
	snap *Snapshot

	read, events, given, untimed atomic.Int64
}

// Progress may be called at any time.
func (f *feeder) Progress() Progress {
	return Progress{f.read.Load(), f.snap.bytes, f.events.Load(), f.given.Load(), f.untimed.Load()}
}
