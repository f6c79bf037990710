package rule

import (
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// KeepAtMost sets how many bytes of values the worker keeps.
func (r *Run) KeepAtMost(bytes int) { r.heldMax = bytes }

// Window is the window of a correlation, with what it holds.
type Window struct{ w window }

func NewWindow(r *Rule) Window { return Window{newWindow(r)} }

// Take takes a match of the first rule.
func (w Window) Take(at int64, pos uint64, values string) bool {
	_, found := w.w.take(occurrence{at: at, pos: pos}, values)
	return found
}

// Held are the matches, and the values and numbers, that the window holds.
func (w Window) Held() (matches, values int) {
	var t *tally
	switch w := w.w.(type) {
	case *sliding:
		matches, t = len(w.in), w.tally
	case *tumbling:
		t = w.tally
	case *chains:
		return len(w.step), 0
	}
	return matches, len(t.values) + len(t.numbers)
}

// Bytes is what the window is charged.
func (w Window) Bytes() int64 { return w.w.bytes() }

// Break makes the condition of a rule panic.
func (s *Set) Break(rule int) {
	s.conds[rule].x = &expr.And{X: panics{s.conds[rule].x}, Y: panics{s.conds[rule].x}}
}

type panics struct{ expr.Expr }

func (panics) Eval(*expr.Frame) event.Value { panic("a mistake in a rule") }
