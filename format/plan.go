package format

import (
	"strings"

	"github.com/gyoji-dev/gyoji/event"
	"github.com/gyoji-dev/gyoji/input"
	"github.com/gyoji-dev/gyoji/jsondoc"
	"github.com/gyoji-dev/gyoji/mapping"
)

// plan is what a reader looks for in each event: the wanted fields, the other
// names they may have, and what metadata is made of. The values of an event are
// handed to it by index of names.
type plan struct {
	mapping.Lookup
	fields []field

	raw, size event.Slot // event.None when not wanted
	meta      metadata
	all       bool
	noMap     bool
}

// field is a wanted name, where its value goes, and where else it may stand.
type field struct {
	mapping.Field
	slot event.Slot
}

// newPlan makes the plan of what is wanted.
func newPlan(w *input.Want) *plan {
	p := &plan{raw: event.None, size: event.None, all: w.Fields.All, noMap: w.NoMap}
	p.meta.init(w, p)
	for _, s := range w.Fields.Slots() {
		switch name := w.Layout.Name(s); {
		case strings.EqualFold(name, "_raw"):
			p.raw = s
		case strings.EqualFold(name, "_size"):
			p.size = s
		case p.meta.handles(name):
		default:
			p.fields = append(p.fields, p.field(s, name))
		}
	}
	if p.all && p.raw == event.None {
		p.raw = w.Layout.Slot("_raw")
	}
	if !w.NoMap {
		p.LookForMarks()
	}
	return p
}

// field looks for a name and its other names.
func (p *plan) field(s event.Slot, name string) field {
	return field{p.Lookup.Field(name, !p.noMap), s}
}

// set gives a row the wanted fields of an event.
func (p *plan) set(w *builder, row uint16, vals []jsondoc.Value) {
	doubled := p.Doubled(vals)
	for i := range p.fields {
		f := &p.fields[i]
		v := f.Find(vals, w)
		if doubled {
			v = w.undouble(v)
		}
		w.text(f.slot, row, v)
	}
}

// asIs makes a value of text that has no escapes.
func asIs(text []byte) jsondoc.Value { return jsondoc.Value{Kind: jsondoc.Number, Raw: text} }

// event adds an event to the batch: its values by the plan's names, its text,
// and the time to use when no field has one.
func (p *plan) event(w *builder, vals []jsondoc.Value, text []byte, b *input.Block, off int64, fallback int64) uint16 {
	row := w.b.AddRow(0, event.Position(b.Part.Index, off))
	if p.raw != event.None {
		w.b.Col(p.raw).Set(row, event.Text(lend(text)))
	}
	if p.size != event.None {
		w.b.Col(p.size).Set(row, event.Int(int64(len(text))))
	}
	p.set(w, row, vals)
	at := p.meta.set(w, row, vals, b.Part)
	if at == 0 {
		at = fallback
		if s, ok := p.meta.slots["_messagetime"]; ok {
			w.b.Col(s).Set(row, event.Int(at))
		}
	}
	w.b.Time[row] = at
	return row
}
