package rule

import (
	"math"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/sigma"
)

// occurrence is one match of a rule, as a correlation of it sees it.
type occurrence struct {
	at  int64 // ms
	pos uint64
	ref int // place among the correlation's rules

	record string // names the event; lent
}

// window takes the matches of one group in order of time and finds where they
// meet a correlation's condition. It holds what can still matter: matches that
// have left the time span are gone.
type window interface {
	// take adds a match with the values that are counted or measured, which are lent.
	take(o occurrence, values string) (Finding, bool)
	// end says that the group has no more, and empties the window.
	end() (Finding, bool)
	// expire says that no match of a time before t will come: what no later match can
	// belong to is gone.
	expire(t int64) (Finding, bool)
	// due is the least time for which expire does something; ok is false of a window
	// that holds nothing.
	due() (t int64, ok bool)
	// save writes down what the window holds; load reads it into an empty window of an
	// equal correlation.
	save(*exec.Saver)
	load(*exec.Loader)
	// bytes is what the window holds, by its number of matches and values.
	bytes() int64
}

// What a window is charged, with the room that a growing list keeps.
const (
	heldBytes   = 64
	textBytes   = 96 // beside the text
	numberBytes = 16
)

// newWindow makes the window of a correlation.
//
// A condition that more events can only help (at least, more than) is looked at
// with every event over the time span that ends with it; once it is met, the
// next window begins behind. Any other is looked at once a window is complete: a
// window begins with the first event that is in none.
func newWindow(r *Rule) window {
	c := r.Correlation
	span := c.Timespan.Milliseconds()
	switch {
	case c.Type == sigma.TemporalOrdered:
		return &chains{span: span, of: make([]chain, len(c.Rules))}
	case grows(c):
		return &sliding{tally: newTally(c), span: span}
	}
	return &tumbling{tally: newTally(c), span: span}
}

// grows reports whether a window that meets the condition still does so with
// more events in it.
func grows(c *sigma.Correlation) bool {
	switch {
	case c.Expr != nil:
		grows := true
		sigma.WalkExpr(c.Expr, func(x sigma.Expr) {
			if _, not := x.(*sigma.Not); not {
				grows = false
			}
		})
		return grows
	case slices.ContainsFunc(c.Bounds, func(b sigma.Bound) bool { return b.Op != sigma.Gt && b.Op != sigma.Ge }):
		return false
	}
	switch c.Type {
	case sigma.EventCount, sigma.ValueCount, sigma.Temporal:
		return true
	}
	return false
}

// named adds the record of an event, if it has one and there are not many yet.
func named(records []string, record string) []string {
	if record == "" || len(records) >= RecordsMax {
		return records
	}
	return append(records, record)
}

// sliding is the window of conditions that more events can only help.
type sliding struct {
	tally *tally
	span  int64
	in    []inside // oldest first
	texts int      // bytes of their records
}

// inside is a match in a sliding window.
type inside struct {
	at    int64
	ref   int
	value *counted

	record string
}

// expire lets matches go that are further back than the time span.
func (w *sliding) expire(t int64) (Finding, bool) {
	for len(w.in) > 0 && t-w.in[0].at > w.span {
		w.tally.remove(w.in[0].ref, w.in[0].value)
		w.texts -= len(w.in[0].record)
		w.in = w.in[1:]
	}
	return Finding{}, false
}

func (w *sliding) due() (int64, bool) {
	if len(w.in) == 0 {
		return 0, false
	}
	return w.in[0].at + w.span + 1, true
}

func (w *sliding) take(o occurrence, values string) (Finding, bool) {
	w.expire(o.at)
	w.in = append(w.in, inside{o.at, o.ref, w.tally.add(o.ref, values), strings.Clone(o.record)})
	w.texts += len(o.record)
	v, ok := w.tally.met()
	if !ok {
		return Finding{}, false
	}
	f := Finding{First: w.in[0].at, Last: o.at, Pos: o.pos, Value: v, Events: w.tally.events}
	for _, x := range w.in {
		f.Records = named(f.Records, x.record)
	}
	w.end()
	return f, true
}

func (w *sliding) end() (Finding, bool) {
	clear(w.in)
	w.in, w.texts = w.in[:0], 0
	w.tally.clear()
	return Finding{}, false
}

func (w *sliding) bytes() int64 { return int64(len(w.in))*heldBytes + int64(w.texts) + w.tally.bytes }

// tumbling is the window of all other conditions.
type tumbling struct {
	tally *tally
	span  int64
	f     Finding
}

// expire ends a window that is complete.
func (w *tumbling) expire(t int64) (Finding, bool) {
	if w.tally.events > 0 && t-w.f.First > w.span {
		return w.end()
	}
	return Finding{}, false
}

func (w *tumbling) due() (int64, bool) { return w.f.First + w.span + 1, w.tally.events > 0 }

func (w *tumbling) take(o occurrence, values string) (done Finding, ok bool) {
	done, ok = w.expire(o.at)
	if w.tally.events == 0 {
		w.f.First = o.at
	}
	w.tally.add(o.ref, values)
	w.f.Records = named(w.f.Records, strings.Clone(o.record))
	w.f.Last, w.f.Pos = o.at, o.pos
	return done, ok
}

func (w *tumbling) end() (Finding, bool) {
	if w.tally.events == 0 {
		return Finding{}, false
	}
	v, ok := w.tally.met()
	f := w.f
	f.Value, f.Events = v, w.tally.events
	w.tally.clear()
	w.f.Records = nil
	return f, ok
}

func (w *tumbling) bytes() int64 { return w.tally.bytes }

// tally is what a condition asks of the matches of a window.
type tally struct {
	c      *sigma.Correlation
	events int
	bytes  int64 // of values and numbers

	values map[string]*counted // value_count
	refs   []int               // temporal: the matches of each rule
	rules  int                 // temporal: the rules that matched

	sum     float64   // value_sum, value_avg
	n       int       // numbers among the values
	numbers []float64 // value_percentile, value_median
}

// counted is a value of a window and how often it is there.
type counted struct {
	text string
	n    int
}

func newTally(c *sigma.Correlation) *tally {
	return &tally{c: c, values: map[string]*counted{}, refs: make([]int, len(c.Rules))}
}

// add takes a match, and returns what remove wants of it.
func (t *tally) add(ref int, values string) *counted {
	t.events++
	switch t.c.Type {
	case sigma.EventCount:
	case sigma.ValueCount:
		v := t.values[values]
		if v == nil {
			v = &counted{text: string([]byte(values))}
			t.values[v.text] = v
			t.bytes += int64(textBytes + len(v.text))
		}
		v.n++
		return v
	case sigma.Temporal:
		if t.refs[ref]++; t.refs[ref] == 1 {
			t.rules++
		}
	default:
		x, ok := event.ParseNumber(values)
		if !ok || math.IsNaN(x) {
			break
		}
		t.n++
		t.sum += x
		if t.c.Type == sigma.ValuePercentile || t.c.Type == sigma.ValueMedian {
			t.numbers = append(t.numbers, x)
			t.bytes += numberBytes
		}
	}
	return nil
}

// remove takes a match away. Only what more events can help is ever asked to.
func (t *tally) remove(ref int, v *counted) {
	t.events--
	switch t.c.Type {
	case sigma.ValueCount:
		if v.n--; v.n == 0 {
			delete(t.values, v.text)
			t.bytes -= int64(textBytes + len(v.text))
		}
	case sigma.Temporal:
		if t.refs[ref]--; t.refs[ref] == 0 {
			t.rules--
		}
	}
}

func (t *tally) clear() {
	t.events, t.bytes, t.rules, t.sum, t.n = 0, 0, 0, 0, 0
	clear(t.values)
	clear(t.refs)
	t.numbers = t.numbers[:0]
}

// met computes the measure, and reports whether it meets the condition.
func (t *tally) met() (float64, bool) {
	var v float64
	switch t.c.Type {
	case sigma.EventCount:
		v = float64(t.events)
	case sigma.ValueCount:
		v = float64(len(t.values))
	case sigma.Temporal:
		v = float64(t.rules)
		if t.c.Expr != nil {
			return v, t.c.Meets(func(i int) bool { return t.refs[i] > 0 })
		}
	default:
		if t.n == 0 {
			return 0, false
		}
		v = t.measure()
	}
	return v, t.c.Holds(v)
}

// measure is the sum, average or percentile of the numbers, of which there are some.
func (t *tally) measure() float64 {
	p := 50.0
	switch t.c.Type {
	case sigma.ValueSum:
		return t.sum
	case sigma.ValueAvg:
		return t.sum / float64(t.n)
	case sigma.ValuePercentile:
		p = t.c.Percentile
	}
	// Between the two nearest ranks the value is taken in proportion.
	slices.Sort(t.numbers)
	at := p / 100 * float64(len(t.numbers)-1)
	i := int(at)
	if i+1 == len(t.numbers) {
		return t.numbers[i]
	}
	return t.numbers[i] + (at-float64(i))*(t.numbers[i+1]-t.numbers[i])
}

// chains finds where rules matched one after the other within a time span. For
// each number of rules that have matched so far it keeps the latest start.
type chains struct {
	span int64
	of   []chain
	step []occurrence // of one event
}

type chain struct {
	start   int64
	events  int
	records []string
}

// take holds a match back until all of the same event are there: one event that
// several rules match is one step, not several.
func (w *chains) take(o occurrence, _ string) (f Finding, ok bool) {
	if len(w.step) > 0 && (w.step[0].pos != o.pos || w.step[0].at != o.at) {
		f, ok = w.advance()
	}
	o.record = strings.Clone(o.record)
	w.step = append(w.step, o)
	return f, ok
}

// advance takes a step: later rules first, so that none builds on the same event.
func (w *chains) advance() (f Finding, ok bool) {
	for k := len(w.step) - 1; k >= 0 && !ok; k-- {
		o := w.step[k]
		if o.ref == 0 {
			w.of[0] = chain{o.at, 1, named(nil, o.record)}
		} else if before := w.of[o.ref-1]; before.events > 0 {
			w.of[o.ref] = chain{before.start, before.events + 1, named(slices.Clone(before.records), o.record)}
		}
		if c := w.of[o.ref]; o.ref == len(w.of)-1 && c.events > 0 && o.at-c.start <= w.span {
			f, ok = Finding{First: c.start, Last: o.at, Pos: o.pos, Value: float64(len(w.of)), Events: c.events, Records: c.records}, true
			clear(w.of)
		}
	}
	w.step = w.step[:0]
	return f, ok
}

// expire takes the last step, which is complete, and forgets starts too far back.
func (w *chains) expire(t int64) (f Finding, ok bool) {
	if len(w.step) > 0 && w.step[0].at < t {
		f, ok = w.advance()
	}
	for i, c := range w.of {
		if c.events > 0 && t-c.start > w.span {
			w.of[i] = chain{}
		}
	}
	return f, ok
}

func (w *chains) due() (t int64, ok bool) {
	least := func(at int64) {
		if !ok || at < t {
			t, ok = at, true
		}
	}
	if len(w.step) > 0 {
		least(w.step[0].at + 1)
	}
	for _, c := range w.of {
		if c.events > 0 {
			least(c.start + w.span + 1)
		}
	}
	return t, ok
}

func (w *chains) end() (f Finding, ok bool) {
	if len(w.step) > 0 {
		f, ok = w.advance()
	}
	clear(w.of)
	return f, ok
}

// bytes is nothing: what is held does not grow.
func (w *chains) bytes() int64 { return 0 }
