package op

import (
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
		Name: "merge", Usage: "merge [<fields:(<of:field> [takeFirst|takeLast|takeDistinct|join [with <sep:string>]] [as <out:field>]),...>]",
		Summary: "Makes one row of all rows.",
		Text: "`takeFirst` is the earliest value by time, `takeLast` the latest, `takeDistinct` the different values joined by line ends, " +
			"`join with \"sep\"` all values joined by a text. Without a word a field is joined by line ends. " +
			"Alone, `merge` joins `_raw` and keeps the earliest time. Null is left out. Over no rows there is no row. " +
			"Values are joined in the order of time; the rows of an aggregate, which have none, in the order they have.",
		Differs: "OP-31: the order of joined values, and the line end between distinct ones.",
		Examples: []lang.Example{
			{Query: `* | merge x takeLast`, In: mergedMessages, Out: []string{`{"x":"b"}`}},
			{Query: `* | merge x join with "--"`, In: mergedMessages, Out: []string{`{"x":"a--b"}`}},
			{Query: `* | merge`, In: mergedMessages, Out: []string{`{"_messageTime":1704067200000,"_raw":"1\n2"}`}},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Makes},
	New:   func() lang.Stage { return new(merge) },
})

var mergedMessages = []string{`{"_raw":"1","_messageTime":1704067200000,"x":"a"}`, `{"_raw":"2","_messageTime":1704067201000,"x":"b"}`}

type merge struct {
	Fields []*mergeField `usage:"fields"`

	records bool
}

// mergeField is one field of a merge and how its values become one.
type mergeField struct {
	Of       *syntax.Field  `usage:"of"`
	How      string         `usage:"takeFirst|takeLast|takeDistinct|join"`
	Sep      *syntax.String `usage:"sep"`
	As       *syntax.Field  `usage:"out"`
	of, slot event.Slot
}

func (m *merge) Check(sc *lang.Scope) {
	m.records = !sc.Messages
	if m.Fields == nil {
		m.Fields = []*mergeField{
			{Of: &syntax.Field{Pos: sc.Stage().Pos, Name: "_messageTime"}, How: "takeFirst"},
			{Of: &syntax.Field{Pos: sc.Stage().Pos, Name: "_raw"}},
		}
	}
	var cols []lang.Column
	for _, f := range m.Fields {
		if timed := f.How == "takeFirst" || f.How == "takeLast"; !timed && strings.EqualFold(f.Of.Name, "_messageTime") {
			sc.Error(f.Of, "merged-time", "_messageTime is merged by takeFirst or takeLast", "write _messageTime takeFirst")
		}
		f.of = sc.Read(f.Of)
		as := f.Of
		if f.As != nil {
			as = f.As
		}
		f.slot = sc.Slot(as.Name)
		for _, c := range cols {
			if c.Slot == f.slot {
				sc.Error(as, "duplicate-column", "two results are named "+as.Name, "name one of them with as")
			}
		}
		cols = append(cols, lang.Column{Slot: f.slot, Name: as.Name})
	}
	sc.Records(cols...)
}

func (m *merge) Needs(f *event.Fields) {
	f.Clear()
	for _, x := range m.Fields {
		f.Add(x.of)
	}
}

func (m *merge) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	t := &mergeTask{merge: m, next: next, acct: rt.Budget.Open("merge")}
	for _, f := range m.Fields {
		t.merged = append(t.merged, &merged{mergeField: f, seen: map[string]int{}})
	}
	return t
}

// merged is what is held of one field.
type merged struct {
	*mergeField
	some bool
	vals []timedValue // one for takeFirst and takeLast
	seen map[string]int
}

type timedValue struct {
	v  event.Value
	at lang.Moment
}

type mergeTask struct {
	*merge
	next   exec.Sink
	acct   *exec.Account
	merged []*merged
	n      uint64
}

// mergedBytes is what a value costs besides its text.
const mergedBytes = 88

// earlier reports whether a stands before b in time: messages stream newest
// first, records in the order they have.
func earlier(a, b lang.Moment) bool {
	if a.Records {
		return a.Before(b)
	}
	return b.Before(a)
}

func (t *mergeTask) Push(b *event.Batch) error {
	for _, row := range b.Live {
		at := lang.Moment{Pos: t.n, Records: t.records}
		if !t.records {
			// Rows of one time keep the reverse of the stream's order.
			at.Time, at.Pos = b.Time[row], ^t.n
			if at.Receipt = at.Time; int(row) < len(b.Receipt) {
				at.Receipt = b.Receipt[row]
			}
		}
		t.n++
		for _, m := range t.merged {
			if v := b.Value(m.of, row); !v.IsNull() && !t.acct.Add(int64(m.add(v, at))) {
				return t.acct.Over(fmt.Sprintf("values of %d rows", t.n), "filter earlier, or merge fewer fields")
			}
		}
	}
	return nil
}

// add takes a value and returns by how many bytes the state grew.
func (m *merged) add(v event.Value, at lang.Moment) int {
	switch m.How {
	case "takeFirst", "takeLast":
		if m.some && earlier(at, m.vals[0].at) != (m.How == "takeFirst") {
			return 0
		}
		m.some, m.vals = true, append(m.vals[:0], timedValue{v.Clone(), at})
		return 0
	case "takeDistinct":
		if i, ok := m.seen[v.Str()]; ok {
			if earlier(at, m.vals[i].at) {
				m.vals[i].at = at
			}
			return 0
		}
		v = v.Clone()
		m.seen[v.String()] = len(m.vals)
	default:
		v = v.Clone()
	}
	m.vals = append(m.vals, timedValue{v, at})
	return mergedBytes + len(v.Str())
}

func (m *merged) result() event.Value {
	switch {
	case len(m.vals) == 0:
		return event.Value{}
	case m.How == "takeFirst", m.How == "takeLast", len(m.vals) == 1:
		return m.vals[0].v
	}
	slices.SortFunc(m.vals, func(a, b timedValue) int {
		switch {
		case earlier(a.at, b.at):
			return -1
		case earlier(b.at, a.at):
			return 1
		}
		return 0
	})
	sep := "\n"
	if m.Sep != nil {
		sep = m.Sep.Value
	}
	var out strings.Builder
	for i, v := range m.vals {
		if i > 0 {
			out.WriteString(sep)
		}
		out.WriteString(v.v.Str())
	}
	return event.Text(out.String())
}

func (t *mergeTask) Flush() error {
	defer t.acct.Release()
	if t.n == 0 {
		return nil
	}
	b := &event.Batch{}
	row := b.AddRow(0, 0)
	for _, m := range t.merged {
		b.Col(m.slot).Set(row, m.result())
	}
	return t.next.Push(b)
}
