package op

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "logreduce", Aliases: []string{"summarize"},
		Usage:   "(logreduce|summarize) {[,] field=<from:field>|<of:field>|by <groups:field,...>|[,] limit [=] <most:int>|[,] criteria [=] (mostcommon|leastcommon)|optimize}",
		Summary: "Puts messages of one shape together and counts them.",
		Text: "Each row is a signature: `*` stands for what differs, `$DATE` and `$URL` for times and addresses. Columns are those of `by`, `_count`, `signature` and `_signature_id`, which is the same in every run for the same signature. " +
			"`field=f` or `logreduce(f)` reads another field than `_raw`; `limit` keeps the first rows, the most common unless `criteria=leastcommon`. `optimize` changes nothing.",
		Differs: "The signatures are made by an algorithm of ours (Drain), so their texts differ from the service's; counts are exact. There is no row Others, and no later stage learns from votes.",
		Examples: []lang.Example{
			{Query: `* | logreduce`, In: []string{"user 7 logged in", "disk full", "user 8 logged in"}, Out: []string{`{"_count":2,"signature":"user * logged in"}`, `{"_count":1,"signature":"disk full"}`}},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Makes, Costly: true},
	New:   func() lang.Stage { return new(logreduce) },
})

type logreduce struct {
	From   *syntax.Field   `usage:"from|of"`
	Groups []*syntax.Field `usage:"groups"`
	Most   *syntax.Number  `usage:"most"`
	Least  bool            `usage:"leastcommon"`

	from                 event.Slot
	by                   []event.Slot
	count, signature, id event.Slot
}

func (s *logreduce) Check(sc *lang.Scope) {
	s.from = sc.ReadName("_raw")
	if s.From != nil {
		s.from = sc.Read(s.From)
	}
	var cols []lang.Column
	for _, g := range s.Groups {
		slot := sc.Read(g)
		s.by, cols = append(s.by, slot), append(cols, lang.Column{Slot: slot, Name: g.Name})
	}
	for name, slot := range map[string]*event.Slot{"_count": &s.count, "signature": &s.signature, "_signature_id": &s.id} {
		*slot = sc.Slot(name)
	}
	cols = append(cols, lang.Column{Slot: s.count, Name: "_count"}, lang.Column{Slot: s.signature, Name: "signature"}, lang.Column{Slot: s.id, Name: "_signature_id"})
	sc.Records(cols...)
}

func (s *logreduce) Needs(f *event.Fields) {
	f.Clear()
	f.Add(s.by...)
	f.Add(s.from)
}

func (s *logreduce) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	return &logreduceTask{logreduce: s, rt: rt, next: next, acct: rt.Budget.Open("logreduce"), groups: map[string]*reducedGroup{}}
}

// reducedGroup is the messages of one group of by.
type reducedGroup struct {
	key   []event.Value
	drain *drain
}

type logreduceTask struct {
	*logreduce
	rt     *exec.Runtime
	next   exec.Sink
	acct   *exec.Account
	groups map[string]*reducedGroup
	order  []*reducedGroup
	buf    []byte
}

func (t *logreduceTask) Push(b *event.Batch) error {
	for _, row := range b.Live {
		v := b.Value(t.from, row)
		if v.IsNull() {
			continue
		}
		t.buf = t.buf[:0]
		for _, s := range t.by {
			t.buf = appendKey(t.buf, b.Value(s, row))
		}
		g := t.groups[string(t.buf)]
		grown := 0
		if g == nil {
			g = &reducedGroup{drain: newDrain()}
			for _, s := range t.by {
				g.key = append(g.key, b.Value(s, row).Clone())
			}
			t.groups[string(t.buf)] = g
			t.order = append(t.order, g)
			grown = 2*len(t.buf) + groupBytes
		}
		grown += g.drain.take(v.Str(), 0)
		if grown > 0 && !t.acct.Add(int64(grown)) {
			return t.acct.Over(fmt.Sprintf("%d groups with the shapes of their messages", len(t.order)), "filter earlier")
		}
	}
	return nil
}

func (t *logreduceTask) Flush() error {
	defer t.acct.Release()
	type line struct {
		key []event.Value
		sig signature
	}
	var lines []line
	for _, g := range t.order {
		for _, s := range g.drain.signatures() {
			lines = append(lines, line{g.key, s})
		}
	}
	slices.SortStableFunc(lines, func(a, b line) int {
		if t.Least {
			a, b = b, a
		}
		return cmp.Compare(b.sig.count[0], a.sig.count[0])
	})
	if t.Most != nil && int64(len(lines)) > t.Most.Int {
		lines = lines[:max(t.Most.Int, 0)]
	}
	out := made{rt: t.rt, next: t.next}
	for i, l := range lines {
		row, err := out.row(0, uint64(i))
		if err != nil {
			return err
		}
		for j, s := range t.by {
			out.Col(s).Set(row, l.key[j])
		}
		out.Col(t.count).Set(row, event.Int(l.sig.count[0]))
		out.Col(t.signature).Set(row, event.Text(l.sig.text))
		out.Col(t.id).Set(row, event.Text(l.sig.id()))
	}
	return out.flush()
}

// sentence joins words as a list: a, b, c.
func sentence(words []string) string { return strings.Join(words, ", ") }
