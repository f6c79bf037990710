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
		Differs: "Groups such as `(?:a|b)` work in patterns. A `$name` at the end of a pattern stands for a word. What is kept of open sessions must fit the memory budget.",
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
	age  event.Slot // hidden
	outs []event.Slot
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
	s.raw, s.age = sc.ReadName("_raw"), hidden(sc, "age")
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

func (s *sessionize) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	t := &sessionizeTask{sessionize: s, out: made{rt: rt, next: next}, acct: rt.Budget.Open("sessionize")}
	var f event.Fields
	f.Add(s.raw)
	t.rows = exec.NewSorter(rt, "sessionize", exec.Order{Keys: []exec.Key{{Slot: s.age, Desc: true}}}, exec.NewCodec(&f, s.age), 0)
	t.open = make([]map[string][][]event.Value, len(s.Anchors))
	for i := range t.open {
		t.open[i] = map[string][][]event.Value{}
	}
	return t
}

type sessionizeTask struct {
	*sessionize
	acct *exec.Account
	rows *exec.Sorter // the oldest first
	n    uint64

	open  []map[string][][]event.Value // by anchor that is waited for, by the values that must agree
	count int
	hit   []match.Span
	out   made
	buf   []byte
}

func (t *sessionizeTask) Push(b *event.Batch) error {
	untimedRows(t.out.rt, "sessionize", b)
	first := t.n
	t.n = arrive(b, t.n)
	numbered(b, t.age, int64(first), 1)
	return t.rows.Add(b)
}

func (t *sessionizeTask) Flush() error {
	defer t.acct.Release()
	if err := t.rows.Flush(sinkFunc(t.read)); err != nil {
		return err
	}
	return t.out.flush()
}

func (t *sessionizeTask) read(b *event.Batch) error {
	for _, row := range b.Live {
		v := b.Value(t.raw, row)
		if v.IsNull() {
			continue
		}
		// From the last pattern to the first, so that a message does not
		// continue the session it has just opened.
		for i := len(t.Anchors) - 1; i >= 0; i-- {
			if err := t.anchor(i, v.Str(), b.Time[row]); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *sessionizeTask) anchor(i int, raw string, at int64) error {
	a := &t.Anchors[i]
	if i > 0 && len(t.open[i]) == 0 {
		return nil
	}
	hit, ok, err := a.re.Find(raw, 0, t.hit)
	t.hit = hit
	if err != nil {
		t.out.rt.Warnings.Add("regular expression", false, exec.Sample{Detail: err.Error()})
	}
	if !ok {
		return nil
	}
	found := make([]event.Value, len(t.outs))
	for g, n := range a.vals {
		found[n] = event.Text(strings.Clone(raw[hit[g+1].Start:hit[g+1].End]))
	}
	sessions := [][]event.Value{nil}
	if i > 0 {
		k := t.key(a, found)
		sessions = t.open[i][k]
		delete(t.open[i], k)
		t.count -= len(sessions)
	}
	for _, s := range sessions {
		vals := append([]event.Value(nil), found...)
		for n, v := range s {
			if vals[n].IsNull() {
				vals[n] = v
			}
		}
		if i == len(t.Anchors)-1 {
			row, err := t.out.row(at, t.n)
			if err != nil {
				return err
			}
			t.n++
			for n, v := range vals {
				t.out.Col(t.outs[n]).Set(row, v)
			}
			continue
		}
		k := t.key(&t.Anchors[i+1], vals)
		if !t.acct.Add(int64(len(k) + 32*len(vals) + len(raw) + 96)) {
			return t.acct.Over(fmt.Sprintf("%d open sessions", t.count), "filter earlier")
		}
		t.open[i+1][k] = append(t.open[i+1][k], vals)
		t.count++
	}
	return nil
}

func (t *sessionizeTask) key(a *sessionAnchor, vals []event.Value) string {
	t.buf = t.buf[:0]
	for _, n := range a.keys {
		t.buf = appendKey(t.buf, vals[n])
	}
	return string(t.buf)
}
