package op

import (
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "fields", Usage: "fields [-|=] <names:field,...>",
		Summary: "Keeps the fields it lists, or with a minus removes them.",
		Text: "On messages a keep-list shows only the fields listed; those that start with `_` stay readable for later stages. " +
			"On the rows of an aggregate only the listed fields remain, `_count` included in what goes. " +
			"`fields = a, b` keeps those two and nothing else: no field that starts with `_` stays readable. Columns come out in the order of the list. A field listed twice is an error.",
		Differs: "OP-45: which `_` fields pass a keep-list.",
		Examples: []lang.Example{
			{Query: `* | count by status, method | fields method, status`, In: []string{`{"_raw":"","status":"200","method":"GET"}`}, Out: []string{`{"method":"GET","status":"200"}`}},
			{Query: `* | fields = status`, In: []string{`{"_raw":"","status":"200","method":"GET"}`}, Out: []string{`{"status":"200"}`}},
			{Query: `* | count by size | fields - _count`, In: []string{`{"_raw":"","size":"1"}`}, Out: []string{`{"size":"1"}`}},
		},
	},
	Flow:  lang.Streams,
	Facts: lang.Facts{Rows: lang.Keeps, Alone: true, Hides: true},
	New:   func() lang.Stage { return new(fields) },
})

type fields struct {
	Minus bool            `usage:"-"`
	Only  bool            `usage:"="`
	Names []*syntax.Field `usage:"names"`

	slots    map[event.Slot]bool
	layout   *event.Layout
	messages bool
}

func (s *fields) Check(sc *lang.Scope) {
	s.slots, s.layout, s.messages = map[event.Slot]bool{}, sc.Layout, sc.Messages
	var cols []lang.Column
	var gone []event.Slot
	kinds := map[event.Slot]event.Kind{}
	for _, c := range sc.Columns {
		kinds[c.Slot] = c.Kind
	}
	for _, f := range s.Names {
		read := sc.Read
		if s.Minus { // what goes is not read, and need not be there
			read = sc.Find
		}
		slot := read(f)
		if s.slots[slot] {
			d := sc.Error(f, "duplicate-field", "fields lists "+f.Name+" twice", "list each field once")
			for _, g := range s.Names {
				if g != f && strings.EqualFold(g.Name, f.Name) {
					d.Labels = append(d.Labels, diag.Label{Span: g.Pos, Text: "first here"})
					break
				}
			}
		}
		s.slots[slot] = true
		cols, gone = append(cols, lang.Column{Slot: slot, Name: f.Name, Kind: kinds[slot]}), append(gone, slot)
	}
	switch {
	case s.Minus:
		sc.Hide(gone...)
	case sc.Messages:
		sc.Show(cols...)
	default:
		sc.Records(cols...)
	}
}

// internal reports whether a field passes a keep-list: on messages those of Sumo's own, and
// what goes along unseen always.
func (s *fields) internal(slot event.Slot) bool {
	return strings.HasPrefix(s.layout.Name(slot), lang.CarriedPrefix) || s.messages && !s.Only && strings.HasPrefix(s.layout.Name(slot), "_")
}

func (s *fields) Needs(f *event.Fields) {
	if s.Minus {
		for slot := range s.slots {
			f.Remove(slot)
		}
		return
	}
	for _, slot := range f.Slots() {
		if !s.slots[slot] && !s.internal(slot) {
			f.Remove(slot)
		}
	}
	if f.All {
		f.All = false
		for slot := range s.slots {
			f.Add(slot)
		}
	}
}

func (s *fields) Open(_ *exec.Runtime, next exec.Sink) exec.Task {
	return &each{next: next, fn: func(b *event.Batch) error {
		for i := range b.Cols {
			slot := event.Slot(i)
			if s.slots[slot] != s.Minus || !s.Minus && s.internal(slot) {
				continue
			}
			b.Cols[i].Reset()
		}
		return nil
	}}
}
