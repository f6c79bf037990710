package op

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "sessionize", Usage: "sessionize <anchors:((<pattern:string>|'(' <pattern:string> ')') [as <names:field,...>]),...>",
		Summary: "Puts messages together that continue each other, and takes fields out of them.",
		Text: "Patterns are as those of `parse`, with `$name` where a value stands that an earlier pattern took out. A message that the first pattern matches opens a session; " +
			"one that a later pattern matches continues the sessions that have come so far and agree with it, also in fields of equal names. " +
			"Each session that gets through all patterns gives a row with everything taken out, in the order in which they end. Messages are read in order of time.",
		Differs: "Groups such as `(?:a|b)` work in patterns. A `$name` at the end of a pattern stands for a word. What is taken out of messages goes to disk beyond the memory budget.",
		Examples: []lang.Example{
			{Query: `* | sessionize "requestId=* started" as (r), "requestId=$r completed in * ms" as (d)`, In: []string{"requestId=r1 started", "requestId=r1 completed in 35 ms", "requestId=r2 started"}, Out: []string{`{"r":"r1","d":"35"}`}},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Makes, Costly: true},
	New:   func() lang.Stage { return new(sessionize) },
})

type sessionize struct {
	Anchors []sessionAnchor `usage:"anchors"`

	raw  event.Slot
	outs []event.Slot

	// Hidden. Messages have numbers, the newest the lowest.
	key, age, kind event.Slot
	ages           []event.Slot // by pattern: of the message that it matched
}

// sessionAnchor is one pattern of sessionize.
type sessionAnchor struct {
	Pattern *syntax.String  `usage:"pattern"`
	Names   []*syntax.Field `usage:"names"`

	re   *match.Regexp
	vals []int // by group: which of the session's values it is
	keys []int // the values that must agree, ascending
}

func (s *sessionize) Check(sc *lang.Scope) {
	s.raw = sc.ReadName("_raw")
	s.key, s.age, s.kind = hidden(sc, "stream"), hidden(sc, "age"), hidden(sc, "node")
	for i := range s.Anchors {
		s.ages = append(s.ages, hidden(sc, fmt.Sprint("age", i)))
	}
	var cols []lang.Column
	index := map[string]int{}
	for i := range s.Anchors {
		a := &s.Anchors[i]
		before := len(cols)
		names := a.compile(sc)
		for _, name := range names {
			k := strings.ToLower(name)
			n, ok := index[k]
			if !ok {
				n = len(cols)
				index[k] = n
				cols = append(cols, lang.Column{Slot: sc.Slot(name), Name: name})
			}
			if n < before {
				a.keys = append(a.keys, n)
			}
			a.vals = append(a.vals, n)
		}
		for _, name := range variable().FindAllStringSubmatch(a.Pattern.Value, -1) {
			if n, ok := index[strings.ToLower(name[1])]; !ok || n >= before {
				sc.Error(a.Pattern, "unknown-variable", "$"+name[1]+" is taken out by no earlier pattern", "write * where the value first stands, and name it")
			}
		}
		if i > 0 && len(a.keys) == 0 {
			sc.Error(a.Pattern, "session-without-link", "nothing ties this pattern to the ones before", "write $name for a value that an earlier pattern takes out")
		}
	}
	sc.Records(cols...)
	for _, c := range cols {
		s.outs = append(s.outs, c.Slot)
	}
}

// variable is $name in a pattern.
var variable = match.Lazy(`\$([A-Za-z_][A-Za-z0-9_]*)`)

// pieces are what is not literal in a pattern: a hole, a variable, a group.
var pieces = match.Lazy(`\*|\$[A-Za-z_][A-Za-z0-9_]*|\(\?:[^()]*\)`)

// compile turns the pattern into a regular expression and returns the names of
// its groups in order.
func (a *sessionAnchor) compile(sc *lang.Scope) (names []string) {
	var b strings.Builder
	b.WriteString("(?s)")
	text, at, holes := a.Pattern.Value, 0, 0
	for _, p := range pieces().FindAllStringIndex(text, -1) {
		b.WriteString(regexp.QuoteMeta(text[at:p[0]]))
		at = p[1]
		last := at == len(text)
		switch piece := text[p[0]:p[1]]; piece[0] {
		case '*':
			if holes < len(a.Names) {
				names = append(names, a.Names[holes].Name)
			}
			holes++
			if last {
				b.WriteString("(.*)$")
			} else {
				b.WriteString("(.*?)")
			}
		case '$':
			names = append(names, piece[1:])
			if last {
				b.WriteString(`([^\s,;\])}]*)`)
			} else {
				b.WriteString("(.*?)")
			}
		default:
			b.WriteString(piece)
		}
	}
	b.WriteString(regexp.QuoteMeta(text[at:]))
	if holes != len(a.Names) {
		sc.Error(a.Pattern, "anchor-names", fmt.Sprintf("the pattern has %s and %s", count(holes, "*", "*"), count(len(a.Names), "name", "names")), "give each * one name")
	}
	re, err := match.CompileRegexp(b.String())
	if err != nil {
		sc.Error(a.Pattern, "bad-anchor", err.Error(), "a group in a pattern is written (?:a|b)")
		return nil
	}
	a.re = re
	return names
}

func (s *sessionize) Needs(f *event.Fields) {
	f.Clear()
	f.Add(s.raw)
}

// What a row of a pattern's sorter is: a session that waits for the pattern, or a
// message that the pattern matches. Of one message, the session comes first.
const (
	sessionWaits = iota
	sessionGoesOn
)

func (s *sessionize) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	t := &sessionizeTask{sessionize: s, rt: rt, next: next, adding: make([]event.Batch, len(s.Anchors)+1)}
	var f event.Fields
	f.Add(s.outs...)
	f.Add(s.ages...)
	codec := exec.NewCodec(&f, s.key, s.age, s.kind)
	for range s.Anchors {
		t.at = append(t.at, exec.NewSorter(rt, "sessionize", exec.Order{Keys: []exec.Key{{Slot: s.key}, {Slot: s.age}, {Slot: s.kind}}}, codec, 0))
	}
	var ended exec.Order // the oldest first, by their last messages, then by those before
	for i := len(s.ages) - 1; i >= 0; i-- {
		ended.Keys = append(ended.Keys, exec.Key{Slot: s.ages[i], Desc: true})
	}
	t.at = append(t.at, exec.NewSorter(rt, "sessionize", ended, codec, 0))
	return t
}

// sessionizeTask goes from one pattern to the next: the sessions that wait for a pattern
// and the messages that it matches are put in order by the values that must agree, and
// each session goes on with the first message after it.
type sessionizeTask struct {
	*sessionize
	rt     *exec.Runtime
	next   exec.Sink
	at     []*exec.Sorter // by pattern that is waited for; the last has the sessions that have ended
	adding []event.Batch  // rows on their way into at
	n      uint64
	hit    []match.Span
	vals   []event.Value
	buf    []byte
}

func (t *sessionizeTask) Push(b *event.Batch) error {
	untimedRows(t.rt, "sessionize", b)
	for _, row := range b.Live {
		age := event.Int(int64(t.n))
		t.n++
		v := b.Value(t.raw, row)
		if v.IsNull() {
			continue
		}
		for i := range t.Anchors {
			a := &t.Anchors[i]
			hit, ok, err := a.re.Find(v.Str(), 0, t.hit)
			t.hit = hit
			if err != nil {
				t.rt.Warnings.Add("regular expression", false, exec.Sample{Detail: err.Error()})
			}
			if !ok {
				continue
			}
			t.vals = append(t.vals[:0], make([]event.Value, len(t.outs))...)
			for g, n := range a.vals {
				t.vals[n] = event.Text(v.Str()[hit[g+1].Start:hit[g+1].End])
			}
			if i > 0 {
				to, row, err := t.row(i, timeOf(b, row), sessionGoesOn, age, t.keyOf(i))
				if err != nil {
					return err
				}
				t.set(to, row)
				continue
			}
			to, row, err := t.row(1, timeOf(b, row), sessionWaits, age, t.keyOf(1))
			if err != nil {
				return err
			}
			t.set(to, row)
			to.Col(t.ages[0]).Set(row, age)
		}
	}
	return t.put() // the text is lent
}

// row begins a row of what waits for pattern i.
func (t *sessionizeTask) row(i int, at int64, kind int64, age event.Value, key string) (*event.Batch, uint16, error) {
	b := &t.adding[i]
	if b.N == event.MaxRows {
		if err := t.at[i].Add(b); err != nil {
			return nil, 0, err
		}
		b.Reset()
	}
	row := b.AddRow(at, 0)
	b.Col(t.key).Set(row, event.Text(key))
	b.Col(t.age).Set(row, age)
	b.Col(t.kind).Set(row, event.Int(kind))
	return b, row, nil
}

// set gives a row what has been taken out.
func (t *sessionizeTask) set(b *event.Batch, row uint16) {
	for n, v := range t.vals {
		b.Col(t.outs[n]).Set(row, v)
	}
}

// put hands all rows on to the sorters.
func (t *sessionizeTask) put() error {
	for i := range t.adding {
		if b := &t.adding[i]; b.N > 0 {
			if err := t.at[i].Add(b); err != nil {
				return err
			}
			b.Reset()
		}
	}
	return nil
}

func (t *sessionizeTask) Flush() error {
	for i := 1; i < len(t.Anchors); i++ {
		if err := t.goOn(i); err != nil {
			return err
		}
	}
	var n uint64
	return t.at[len(t.Anchors)].Flush(sinkFunc(func(b *event.Batch) error {
		n = arrive(b, n)
		for _, s := range t.ages {
			b.Col(s).Reset()
		}
		return t.next.Push(b)
	}))
}

// goOn has the sessions that wait for pattern i go on.
func (t *sessionizeTask) goOn(i int) error {
	key, some := "", false
	var found []event.Value // of the message read last: the next after a session; nil for none
	var age, at int64
	return t.at[i].Flush(sinkFunc(func(b *event.Batch) error {
		for _, row := range b.Live {
			k := b.Value(t.key, row).Str()
			if !some || k != key {
				key, some, found = strings.Clone(k), true, nil
			}
			if kind, _ := b.Value(t.kind, row).Int(); kind == sessionGoesOn {
				found = make([]event.Value, 0, len(t.outs)+1)
				for _, s := range t.outs {
					found = append(found, b.Value(s, row).Clone())
				}
				age, _ = b.Value(t.age, row).Int()
				at = timeOf(b, row)
				continue
			}
			if found == nil {
				continue // it does not end
			}
			t.vals = append(t.vals[:0], found...)
			for n, s := range t.outs {
				if t.vals[n].IsNull() {
					t.vals[n] = b.Value(s, row)
				}
			}
			to, r, err := t.row(i+1, at, sessionWaits, event.Int(age), t.keyOf(i+1))
			if err != nil {
				return err
			}
			t.set(to, r)
			for _, s := range t.ages[:i] {
				to.Col(s).Set(r, b.Value(s, row))
			}
			to.Col(t.ages[i]).Set(r, event.Int(age))
		}
		return t.put() // the text is lent
	}))
}

// keyOf is what t.vals have of the values that must agree for pattern i; "" after the last.
func (t *sessionizeTask) keyOf(i int) string {
	if i == len(t.Anchors) {
		return ""
	}
	t.buf = t.buf[:0]
	for _, n := range t.Anchors[i].keys {
		t.buf = appendKey(t.buf, t.vals[n])
	}
	return string(t.buf)
}
