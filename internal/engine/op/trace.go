package op

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "trace", Usage: "trace [+|-] <pattern:regex> <start:string>",
		Summary: "Keeps the messages that hang together with a value by the ids they share.",
		Text: "What the first group of the pattern matches, at every place, are a message's ids. A message with a known id is kept, and all its ids become known; the start value is the first. " +
			"`+` follows messages forward in time, `-` backward; without a sign every message that is linked at all is kept. Messages and ids beyond the memory budget go to disk; with a sign a bit for each message stays.",
		Differs: "OP-37: without a sign, order of time does not matter.",
		Examples: []lang.Example{
			{Query: `* | trace "ID=([0-9A-F]{4})" "7F92"`, In: []string{"webID=7F92 start", "orderID=082A x", "webID=1111", "requestID=082A for webID=7F92"}, Out: []string{`{"_raw":"requestID=082A for webID=7F92"}`, `{"_raw":"orderID=082A x"}`, `{"_raw":"webID=7F92 start"}`}},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Drops},
	New:   func() lang.Stage { return new(trace) },
})

type trace struct {
	Forward  bool           `usage:"+"`
	Backward bool           `usage:"-"`
	Pattern  *syntax.String `usage:"pattern"`
	Start    *syntax.String `usage:"start"`

	re           *match.Regexp
	raw          event.Slot
	id, tie, age event.Slot // hidden
	before       event.Fields
}

func (s *trace) Check(sc *lang.Scope) {
	s.raw = sc.ReadName("_raw")
	s.id, s.tie, s.age = hidden(sc, "id"), hidden(sc, "node"), hidden(sc, "age")
	re, err := match.CompileRegexp(s.Pattern.Raw)
	switch {
	case err != nil:
		sc.Error(s.Pattern, "bad-regex", err.Error(), "the syntax is that of RE2 or Java")
	case re.NumGroups() < 1:
		sc.Error(s.Pattern, "no-group", "the pattern takes no id out: it has no group", `write parentheses around the id: "id=([0-9]+)"`)
	default:
		s.re = re
	}
}

func (s *trace) Needs(f *event.Fields) {
	f.Add(s.raw)
	s.before = f.Clone()
}

func (s *trace) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	t := &traceTask{trace: s, rt: rt, next: next, acct: rt.Budget.Open("trace")}
	t.rows = exec.NewSorter(rt, "trace", exec.Order{}, exec.NewCodec(&s.before, s.tie, s.age), 0)
	if t.signed() {
		t.known = map[string]bool{s.Start.Value: true}
	} else {
		t.nodes = map[string]int32{s.Start.Value: t.forest.node()}
	}
	return t
}

// signed says that messages are followed along time.
func (s *trace) signed() bool { return s.Forward || s.Backward }

// traceTask keeps ids in memory while there is some. Without it messages are tied on
// disk to others with the same id.
type traceTask struct {
	*trace
	rt     *exec.Runtime
	next   exec.Sink
	acct   *exec.Account
	rows   *exec.Sorter     // messages, in the order they come
	disk   bool             // there is no memory for ids
	known  map[string]bool  // ids that are linked with the start value
	nodes  map[string]int32 // without a sign: each id; 0 is the start value
	forest forest           // of nodes
	n      uint64
	found  []string
}

// read sets t.found to the ids of a message. They are as lent as the message is.
func (t *traceTask) read(raw event.Value, again bool) {
	t.found = t.found[:0]
	if raw.IsNull() {
		return
	}
	s := raw.Str()
	err := t.re.Each(s, func(g []match.Span) bool {
		if g[1].Start >= 0 {
			t.found = append(t.found, s[g[1].Start:g[1].End])
		}
		return true
	})
	if err != nil && !again {
		t.rt.Warnings.Add("regular expression", false, exec.Sample{Detail: err.Error()})
	}
}

// idBytes is what an id costs in memory besides its text.
const idBytes = 64

// node is the node of an id; -1 where there is no memory for it.
func (t *traceTask) node(id string) (int32, error) {
	if n, ok := t.nodes[id]; ok {
		return n, nil
	}
	if ok, err := hold(t.acct, int64(len(id))+idBytes, t.rows); !ok {
		return -1, err
	}
	n := t.forest.node()
	t.nodes[strings.Clone(id)] = n
	return n, nil
}

func (t *traceTask) Push(b *event.Batch) error {
	live, rest := b.Live[:0], []uint16(nil)
	b.Col(t.tie).Reset()
	for i, row := range b.Live {
		if t.Backward && t.disk { // newest first is the order they come in
			rest = b.Live[i:]
			break
		}
		t.read(b.Value(t.raw, row), false)
		if len(t.found) == 0 {
			continue
		}
		switch {
		case t.Backward:
			keep, err := t.follow()
			if err != nil {
				return err
			}
			if !keep {
				continue
			}
		case !t.Forward && !t.disk:
			if err := t.join(b, row); err != nil {
				return err
			}
		}
		live = append(live, row)
	}
	if t.Backward {
		if len(rest) > 0 {
			b.Live = rest
			if err := t.keep(b); err != nil {
				return err
			}
		}
		if b.Live = live; len(live) == 0 {
			return nil
		}
		return t.next.Push(b)
	}
	b.Live = live
	return t.keep(b)
}

func (t *traceTask) keep(b *event.Batch) error {
	first := t.n
	t.n = arrive(b, t.n)
	numbered(b, t.age, int64(first), 1)
	err := t.rows.Add(b)
	b.Col(t.age).Reset()
	return err
}

// join ties the ids of t.found to each other, and the row to them.
func (t *traceTask) join(b *event.Batch, row uint16) error {
	first := int32(-1)
	for _, id := range t.found {
		n, err := t.node(id)
		if err != nil {
			return err
		}
		if n < 0 {
			t.disk, t.nodes, t.forest = true, nil, forest{}
			t.acct.Release()
			return nil
		}
		if first < 0 {
			first = n
		} else {
			t.forest.join(first, n)
		}
	}
	b.Col(t.tie).Set(row, event.Int(int64(first)))
	return nil
}

// follow reports whether one of t.found is known, and learns the others. Where there is
// no memory for them, they are known on disk.
func (t *traceTask) follow() (bool, error) {
	known := false
	for _, id := range t.found {
		known = known || t.known[id]
	}
	if !known {
		return false, nil
	}
	for _, id := range t.found {
		if t.known[id] {
			continue
		}
		ok, err := hold(t.acct, int64(len(id))+idBytes, t.rows)
		if err != nil {
			return false, err
		}
		t.disk = t.disk || !ok
		t.known[strings.Clone(id)] = true // the rest of a message's, whatever they take
	}
	return true, nil
}

func (t *traceTask) Flush() error {
	defer t.acct.Release()
	switch {
	case t.signed() && t.disk:
		return t.along()
	case t.Backward:
		return nil
	case t.Forward:
		return t.forward()
	case t.disk:
		return t.tied()
	}
	return t.rows.Flush(sinkFunc(func(b *event.Batch) error {
		node := *b.Col(t.tie)
		live := b.Live[:0]
		for _, row := range b.Live {
			if n, _ := node.At(row).Int(); t.forest.root(int32(n)) == 0 {
				live = append(live, row)
			}
		}
		b.Live = live
		return t.push(b)
	}))
}

// sorter makes a sorter of messages and of what is known of them, by their numbers.
func (t *traceTask) sorter(desc bool) *exec.Sorter {
	return exec.NewSorter(t.rt, "trace", exec.Order{Keys: []exec.Key{{Slot: t.age, Desc: desc}, {Slot: t.tie}}}, exec.NewCodec(&t.before, t.tie, t.age), 0)
}

var errNoMemory = errors.New("op: no memory for it")

// forward follows messages the oldest first. Where there is no memory for their ids it
// begins again on disk.
func (t *traceTask) forward() error {
	oldest, kept := t.sorter(true), t.sorter(false)
	err := t.rows.Snapshot(sinkFunc(oldest.Add))
	if err == nil {
		err = oldest.Flush(sinkFunc(func(b *event.Batch) error {
			live := b.Live[:0]
			for _, row := range b.Live {
				t.read(b.Value(t.raw, row), true)
				keep, err := t.follow()
				if err != nil {
					return err
				}
				if t.disk {
					return errNoMemory
				}
				if keep {
					live = append(live, row)
				}
			}
			b.Live = live
			return kept.Add(b)
		}))
	}
	switch {
	case err == nil:
		t.rows.Close()
		return kept.Flush(sinkFunc(t.push))
	case err != errNoMemory:
		return err
	}
	kept.Close()
	t.known = map[string]bool{t.Start.Value: true}
	t.acct.Release()
	return t.along()
}

// pairs puts the ids of the rows in order, each with the numbers of its messages.
func (t *traceTask) pairs(desc bool) (*exec.Sorter, error) {
	var f event.Fields
	f.Add(t.id, t.age)
	out := exec.NewSorter(t.rt, "trace", exec.Order{Keys: []exec.Key{{Slot: t.id}, {Slot: t.age, Desc: desc}}}, exec.NewCodec(&f), 0)
	var some event.Batch
	return out, t.rows.Snapshot(sinkFunc(func(b *event.Batch) error {
		for _, row := range b.Live {
			t.read(b.Value(t.raw, row), !t.Backward)
			for _, id := range t.found {
				to := some.AddRow(0, 0)
				some.Col(t.id).Set(to, event.Text(id))
				some.Col(t.age).Set(to, b.Value(t.age, row))
				if some.N == event.MaxRows {
					if err := out.Add(&some); err != nil {
						return err
					}
					some.Reset()
				}
			}
		}
		err := out.Add(&some)
		some.Reset()
		return err
	}))
}

// eachPair gives the pairs in order: first says that no pair before it has the id.
func (t *traceTask) eachPair(pairs *exec.Sorter, give func(id string, age int64, first bool) error) error {
	last, some := "", false
	return pairs.Flush(sinkFunc(func(b *event.Batch) error {
		for _, row := range b.Live {
			age, _ := b.Value(t.age, row).Int()
			id := b.Value(t.id, row).Str()
			first := !some || id != last
			if first {
				last, some = strings.Clone(id), true
			}
			if err := give(last, age, first); err != nil {
				return err
			}
		}
		return nil
	}))
}

// add adds to a sorter that a message is tied to another.
func (t *traceTask) add(to *exec.Sorter, some *event.Batch, age, tie int64) error {
	row := some.AddRow(0, 0)
	some.Col(t.age).Set(row, event.Int(age))
	some.Col(t.tie).Set(row, event.Int(tie))
	if some.N < event.MaxRows {
		return nil
	}
	err := to.Add(some)
	some.Reset()
	return err
}

// tied keeps the messages that hang together with the start value, which takes the
// place of a message before the first.
func (t *traceTask) tied() error {
	pairs, err := t.pairs(false)
	if err != nil {
		return err
	}
	const start = -1
	links := newLinking(t.rt, "trace", t.tie, t.age)
	first := int64(0)
	// Numbers are one higher, as linking has them from 0 on.
	if err := t.eachPair(pairs, func(id string, age int64, isFirst bool) error {
		switch {
		case isFirst && id == t.Start.Value:
			first = start
		case isFirst:
			first = age
			return nil
		}
		return links.link(age+1, first+1)
	}); err != nil {
		return err
	}
	both := t.sorter(false)
	var some event.Batch
	if err := links.groups(func(age, smallest int64) error {
		if smallest != start+1 {
			return nil
		}
		return t.add(both, &some, age-1, smallest)
	}); err != nil {
		return err
	}
	if err := both.Add(&some); err != nil {
		return err
	}
	if err := t.rows.Flush(sinkFunc(func(b *event.Batch) error {
		b.Col(t.tie).Reset()
		return both.Add(b)
	})); err != nil {
		return err
	}
	told := false
	return both.Flush(sinkFunc(func(b *event.Batch) error {
		live := b.Live[:0]
		for _, row := range b.Live {
			if !b.Value(t.tie, row).IsNull() {
				told = true
				continue
			}
			if told {
				live = append(live, row)
			}
			told = false
		}
		b.Live = live
		return t.push(b)
	}))
}

// along follows messages in their order, or against it. An id is known of a message if
// the message before it that has the id was kept: one bit for each message tells.
func (t *traceTask) along() error {
	desc, start := false, int64(-1)
	if t.Forward {
		desc, start = true, math.MaxInt64
	}
	pairs, err := t.pairs(desc)
	if err != nil {
		return err
	}
	both := t.sorter(desc)
	var some event.Batch
	before := int64(0)
	if err := t.eachPair(pairs, func(id string, age int64, first bool) error {
		last := before
		before = age
		switch {
		case !first:
		case t.known[id]:
			last = start
		default:
			return nil
		}
		return t.add(both, &some, age, last)
	}); err != nil {
		return err
	}
	if err := both.Add(&some); err != nil {
		return err
	}
	if err := t.rows.Flush(sinkFunc(func(b *event.Batch) error {
		b.Col(t.tie).Reset()
		return both.Add(b)
	})); err != nil {
		return err
	}
	t.known = nil
	t.acct.Release()
	if !t.acct.Hold(int64(t.n/8 + 8)) {
		return t.acct.Over(fmt.Sprintf("a bit for each of %d messages", t.n), "filter earlier")
	}
	kept := make([]uint64, t.n/64+1)
	back := t.sorter(false)
	told := false
	if err := both.Flush(sinkFunc(func(b *event.Batch) error {
		live := b.Live[:0]
		for _, row := range b.Live {
			if tie := b.Value(t.tie, row); !tie.IsNull() {
				n, _ := tie.Int()
				told = told || n == start || kept[n/64]>>(n%64)&1 == 1
				continue
			}
			if told {
				n, _ := b.Value(t.age, row).Int()
				kept[n/64] |= 1 << (n % 64)
				live = append(live, row)
			}
			told = false
		}
		b.Live = live
		if desc {
			return back.Add(b)
		}
		return t.push(b)
	})); err != nil || !desc {
		return err
	}
	return back.Flush(sinkFunc(t.push))
}

func (t *traceTask) push(b *event.Batch) error {
	b.Col(t.tie).Reset()
	b.Col(t.age).Reset()
	if len(b.Live) == 0 {
		return nil
	}
	return t.next.Push(b)
}
