package op

import (
	"fmt"

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
			"`+` follows messages forward in time, `-` backward; without a sign every message that is linked at all is kept. Messages beyond the memory budget go to disk.",
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

	re        *match.Regexp
	raw       event.Slot
	node, age event.Slot // hidden
	after     event.Fields
}

func (s *trace) Check(sc *lang.Scope) {
	s.raw = sc.ReadName("_raw")
	s.node, s.age = hidden(sc, "node"), hidden(sc, "age")
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
	s.after = f.Clone()
}

func (s *trace) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	t := &traceTask{trace: s, rt: rt, next: next, acct: rt.Budget.Open("trace"), ids: map[string]int32{}}
	order := exec.Order{}
	if s.Forward {
		order.Keys = []exec.Key{{Slot: s.age, Desc: true}}
	}
	t.rows = exec.NewSorter(rt, "trace", order, exec.NewCodec(&s.after, s.node, s.age), 0)
	if _, err := t.id(s.Start.Value); err != nil {
		t.err = err
	}
	return t
}

type traceTask struct {
	*trace
	rt     *exec.Runtime
	next   exec.Sink
	acct   *exec.Account
	rows   *exec.Sorter
	ids    map[string]int32 // 0 is the start value
	forest forest
	n      uint64
	found  []int32
	err    error
}

// id is the node of an id.
func (t *traceTask) id(s string) (int32, error) {
	if n, ok := t.ids[s]; ok {
		return n, nil
	}
	if ok, err := hold(t.acct, int64(len(s))+64, t.rows); err != nil {
		return 0, err
	} else if !ok {
		return 0, t.acct.Over(fmt.Sprintf("%d ids", len(t.ids)), "filter earlier")
	}
	n := t.forest.node()
	t.ids[string([]byte(s))] = n // text of its own: s is lent
	return n, nil
}

// read sets t.found to the ids of a message.
func (t *traceTask) read(raw event.Value) error {
	t.found = t.found[:0]
	if raw.IsNull() {
		return nil
	}
	s := raw.Str()
	err := t.re.Each(s, func(g []match.Span) bool {
		if g[1].Start < 0 {
			return true
		}
		var n int32
		n, t.err = t.id(s[g[1].Start:g[1].End])
		t.found = append(t.found, n)
		return t.err == nil
	})
	if err != nil {
		t.rt.Warnings.Add("regular expression", false, exec.Sample{Detail: err.Error()})
	}
	return t.err
}

func (t *traceTask) Push(b *event.Batch) error {
	if t.err != nil {
		return t.err
	}
	b.Col(t.node).Reset()
	live := b.Live[:0]
	for _, row := range b.Live {
		if t.Backward && !t.Forward { // newest first is the order they come in
			keep, err := t.follow(b.Value(t.raw, row))
			if err != nil {
				return err
			}
			if keep {
				live = append(live, row)
			}
			continue
		}
		if err := t.read(b.Value(t.raw, row)); err != nil {
			return err
		}
		if len(t.found) == 0 {
			continue
		}
		if !t.Forward {
			for _, n := range t.found[1:] {
				t.forest.join(t.found[0], n)
			}
		}
		b.Col(t.node).Set(row, event.Int(int64(t.found[0])))
		live = append(live, row)
	}
	if b.Live = live; len(live) == 0 {
		return nil
	}
	if t.Backward && !t.Forward {
		return t.next.Push(b)
	}
	first := t.n
	t.n = arrive(b, t.n)
	numbered(b, t.age, int64(first), 1)
	return t.rows.Add(b)
}

// follow reports whether a message has a known id, and learns its other ids. Known ids
// are those joined with the start value.
func (t *traceTask) follow(raw event.Value) (bool, error) {
	if err := t.read(raw); err != nil {
		return false, err
	}
	known := false
	for _, n := range t.found {
		known = known || t.forest.root(n) == 0
	}
	if known {
		for _, n := range t.found {
			t.forest.join(0, n)
		}
	}
	return known, nil
}

func (t *traceTask) Flush() error {
	defer t.acct.Release()
	if t.err != nil {
		return t.err
	}
	if !t.Forward {
		return t.rows.Flush(sinkFunc(func(b *event.Batch) error {
			node := *b.Col(t.node)
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
	back := exec.NewSorter(t.rt, "trace", exec.Order{Keys: []exec.Key{{Slot: t.age}}}, exec.NewCodec(&t.after, t.node, t.age), 0)
	err := t.rows.Flush(sinkFunc(func(b *event.Batch) error {
		live := b.Live[:0]
		for _, row := range b.Live {
			keep, err := t.follow(b.Value(t.raw, row))
			if err != nil {
				return err
			}
			if keep {
				live = append(live, row)
			}
		}
		b.Live = live
		return back.Add(b)
	}))
	if err != nil {
		return err
	}
	return back.Flush(sinkFunc(t.push))
}

func (t *traceTask) push(b *event.Batch) error {
	b.Col(t.node).Reset()
	b.Col(t.age).Reset()
	if len(b.Live) == 0 {
		return nil
	}
	return t.next.Push(b)
}
