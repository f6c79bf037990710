package op

import (
	"fmt"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// windowMax is the longest window of backshift, smooth and rollingstd (spec C.4).
const windowMax = 1000

// windowDefault is the window of smooth, rollingstd and outlier.
const windowDefault = 10

// running is a stage whose result on a row follows from the rows before it, in
// a stream of its own for each group: accum, diff, backshift, smooth and
// rollingstd. It never puts rows in another order (spec C.4).
type running struct {
	Of     *syntax.Field   `usage:"of"`
	N      *syntax.Number  `usage:"n"`
	As     *syntax.Field   `usage:"out"`
	Groups []*syntax.Field `usage:"groups"`

	name   string // of the operator
	result string // default column
	n      int    // window, when N is not written
	open   func(n int) step

	of, out event.Slot
	by      []event.Slot
	spilling
}

// step is the state of one stream. next takes the value of a row and gives its
// result; keep is false when the row leaves.
type step interface {
	next(v event.Value) (result event.Value, keep bool)
	// bytes is what the state costs besides its key.
	bytes() int
}

func (r *running) Check(sc *lang.Scope) {
	r.check(sc)
	if r.N != nil {
		r.n = checkWindow(sc, r.name, r.N)
	}
	r.of = sc.Read(r.Of)
	for _, f := range r.Groups {
		r.by = append(r.by, sc.Read(f))
	}
	if r.As != nil {
		r.out = sc.Make(r.As)
	} else {
		r.out = sc.MakeName(r.result)
	}
}

// checkWindow returns a number of rows that lies between 1 and windowMax.
func checkWindow(sc *lang.Scope, name string, n *syntax.Number) int {
	switch {
	case n.Int > windowMax:
		sc.Error(n, "window-too-long", fmt.Sprintf("%s looks back %d rows at most", name, windowMax), "write a number up to 1000")
		return 1
	case n.Int < 1:
		sc.Error(n, "window-too-short", name+" looks back at least 1 row", "write a number from 1 to 1000")
		return 1
	}
	return int(n.Int)
}

func (r *running) Needs(f *event.Fields) {
	r.after = f.Clone()
	f.Remove(r.out)
	f.Add(r.of)
	f.Add(r.by...)
	r.before = f.Clone()
}

func (r *running) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	var col event.Column // results of a batch
	return &streamTask[step]{
		streams: streams[step]{acct: rt.Budget.Open(r.name), by: r.by}, spilling: &r.spilling, rt: rt, who: r.name, next: next,
		fresh: func() (step, int) {
			s := r.open(r.n)
			return s, s.bytes()
		},
		row: func(b *event.Batch, row uint16, s *step) bool {
			v, keep := (*s).next(b.Value(r.of, row))
			if keep {
				col.Set(row, v)
			}
			return keep
		},
		begin: func(*event.Batch) { col.Reset() },
		done:  func(b *event.Batch) { b.Col(r.out).Alias(&col) },
	}
}

// streams holds a state of type S for each tuple of group values.
type streams[S any] struct {
	acct *exec.Account
	by   []event.Slot
	seen map[string]*S
	key  []byte
}

// get returns the state of a row's stream, making it when it is new: make also says how many
// bytes the state takes. It is nil where there is no memory for a new state, or known says that none is
// wanted. key is the stream's then.
func (s *streams[S]) get(b *event.Batch, row uint16, known bool, make func() (S, int)) *S {
	s.key = s.key[:0]
	for _, slot := range s.by {
		s.key = appendKey(s.key, b.Value(slot, row))
	}
	if st := s.seen[string(s.key)]; st != nil || known {
		return st
	}
	if s.seen == nil {
		s.seen = map[string]*S{}
	}
	st, bytes := make()
	// One group is held whatever the budget: nothing runs without it.
	if !s.acct.Add(int64(len(s.key)+bytes+streamBytes)) && len(s.seen) > 0 {
		return nil
	}
	s.seen[string(s.key)] = &st
	return &st
}

// streamBytes is what a stream costs besides its key and its state.
const streamBytes = 96

// window holds the last values of a stream.
type window struct {
	vals []float64
	at   int // where the next one goes
	size int
}

func newWindow(n int) window { return window{size: n} }

func (w *window) add(f float64) {
	if len(w.vals) < w.size {
		w.vals = append(w.vals, f)
		return
	}
	w.vals[w.at] = f
	w.at = (w.at + 1) % w.size
}

func (w *window) bytes() int { return 8 * w.size }

// mean adds up anew each time: a sum kept along would drift.
func (w *window) mean() float64 {
	sum := 0.0
	for _, f := range w.vals {
		sum += f
	}
	return sum / float64(len(w.vals))
}

// deviation is that of a sample (OP-29); a single value has none.
func (w *window) deviation(mean float64) float64 {
	if len(w.vals) < 2 {
		return 0
	}
	return sampleDeviation(w.vals, mean)
}
