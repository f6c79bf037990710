package op

import (
	"fmt"
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
			"`field=f` or `logreduce(f)` reads another field than `_raw`; `limit` keeps the first rows, the most common unless `criteria=leastcommon`. `optimize` changes nothing. The shapes of messages, of one group at a time, must fit the memory budget.",
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
	key, state           event.Slot // hidden
}

func (s *logreduce) Check(sc *lang.Scope) {
	s.key, s.state = hidden(sc, "stream"), hidden(sc, "text")
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

// reducedBytes is what a group costs besides its key and its clusters: two maps with
// room for eight entries, one of which is its own.
const reducedBytes = 640

// logreduceTask finds the shapes of messages as they come. Where there is no memory for
// those of all groups, what there is of each goes to disk, and so do the messages that
// come after; one group after the other goes on in the end.
type logreduceTask struct {
	*logreduce
	rt     *exec.Runtime
	next   exec.Sink
	acct   *exec.Account
	groups map[string]*reducedGroup
	order  []*reducedGroup
	disk   *exec.Sorter // nil while all groups are in memory
	n      uint64
	buf    []byte
	out    *ranked
}

func (t *logreduceTask) Push(b *event.Batch) error {
	for i, row := range b.Live {
		if t.disk != nil {
			b.Live = b.Live[i:]
			return t.keep(b)
		}
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
			grown = 2*len(t.buf) + reducedBytes
		}
		grown += g.drain.take(v.Str(), 0)
		if grown > 0 && !t.acct.Hold(int64(grown)) {
			if err := t.spill(); err != nil {
				return err
			}
		}
	}
	return nil
}

// keep puts messages on disk.
func (t *logreduceTask) keep(b *event.Batch) error {
	t.n = arrive(b, t.n)
	b.Col(t.key).Reset()
	b.Col(t.state).Reset()
	for _, row := range b.Live {
		t.buf = t.buf[:0]
		for _, s := range t.by {
			t.buf = appendKey(t.buf, b.Value(s, row))
		}
		b.Col(t.key).Set(row, event.Text(string(t.buf)))
	}
	return t.disk.Add(b)
}

// spill puts the groups on disk, each as a row before its messages.
func (t *logreduceTask) spill() error {
	if len(t.order) == 1 {
		return t.over(t.order[0].drain)
	}
	t.acct.Release()
	var f event.Fields
	f.Add(t.by...)
	f.Add(t.from)
	t.disk = exec.NewSorter(t.rt, "logreduce", exec.Order{Keys: []exec.Key{{Slot: t.key}}}, exec.NewCodec(&f, t.key, t.state), 0)
	var b event.Batch
	bytes := 0
	for i, g := range t.order {
		row := b.AddRow(0, t.n)
		t.n++
		t.buf = t.buf[:0]
		for k, s := range t.by {
			t.buf = appendKey(t.buf, g.key[k])
			b.Col(s).Set(row, g.key[k])
		}
		b.Col(t.key).Set(row, event.Text(string(t.buf)))
		state := g.drain.appendState(nil)
		b.Col(t.state).Set(row, event.Text(string(state)))
		t.order[i] = nil
		if bytes += len(state); b.N == event.MaxRows || bytes > 1<<20 {
			if err := t.disk.Add(&b); err != nil {
				return err
			}
			b.Reset()
			bytes = 0
		}
	}
	t.order, t.groups = nil, nil
	return t.disk.Add(&b)
}

func (t *logreduceTask) over(d *drain) error {
	return t.acct.Over(fmt.Sprintf("%d shapes of messages, which must be held all at once", len(d.all)), "filter earlier")
}

func (t *logreduceTask) Flush() error {
	defer t.acct.Release()
	most := 0
	if t.Most != nil {
		if t.Most.Int <= 0 {
			return nil
		}
		most = int(t.Most.Int)
	}
	t.out = newRanked(t.rt, "logreduce", t.Least, most, t.count, t.signature, append([]event.Slot{t.id}, t.by...)...)
	for i, g := range t.order {
		if err := t.end(g, uint64(i)); err != nil {
			return err
		}
		t.order[i] = nil
	}
	if t.disk != nil {
		if err := t.goOn(); err != nil {
			return err
		}
	}
	return t.out.flush(t.next.Push)
}

// goOn reads the messages on disk, one group after the other. A group comes at the
// place of its first row.
func (t *logreduceTask) goOn() error {
	var g *reducedGroup
	var key string
	var first uint64
	if err := t.disk.Flush(sinkFunc(func(b *event.Batch) error {
		for _, row := range b.Live {
			v := b.Value(t.from, row)
			state := b.Value(t.state, row)
			if v.IsNull() && state.IsNull() {
				continue
			}
			if k := b.Value(t.key, row).Str(); g == nil || k != key {
				if g != nil {
					if err := t.end(g, first); err != nil {
						return err
					}
				}
				t.acct.Release()
				key, first, g = strings.Clone(k), b.Pos[row], &reducedGroup{drain: newDrain()}
				for _, s := range t.by {
					g.key = append(g.key, b.Value(s, row).Clone())
				}
			}
			grown := 0
			if state.IsNull() {
				grown = g.drain.take(v.Str(), 0)
			} else {
				grown = g.drain.load(state.Str())
			}
			if grown > 0 && !t.acct.Hold(int64(grown)) && len(g.drain.all) > 1 {
				return t.over(g.drain)
			}
		}
		return nil
	})); err != nil || g == nil {
		return err
	}
	return t.end(g, first)
}

// end gives the signatures of a group.
func (t *logreduceTask) end(g *reducedGroup, at uint64) error {
	for _, s := range g.drain.signatures() {
		b, row, err := t.out.row(at)
		if err != nil {
			return err
		}
		for j, slot := range t.by {
			b.Col(slot).Set(row, g.key[j])
		}
		b.Col(t.count).Set(row, event.Int(s.count[0]))
		b.Col(t.signature).Set(row, event.Text(s.text))
		b.Col(t.id).Set(row, event.Text(s.id()))
	}
	return nil
}

// sentence joins words as a list: a, b, c.
func sentence(words []string) string { return strings.Join(words, ", ") }
