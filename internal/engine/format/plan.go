package format

import (
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// plan is what a reader looks for in each event: the wanted fields, the other
// names they may have, and what metadata is made of. The values of an event are
// handed to it by index of names.
type plan struct {
	mapping.Lookup
	fields []field

	// readers are by name the fields whose text may be of it: of some hundred
	// fields that rules want an event has a few.
	readers [][]int32
	filled  []uint64 // by field: the event that it was looked for in last
	events  uint64

	from struct{ provider, id mapping.Field } // what an event is told by

	spelled []spelledField // of events whose text is an object

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

// spelledField is what the object has under one key: see lang.SpelledName.
type spelledField struct {
	at   int
	slot event.Slot
}

// newPlan makes the plan of what is wanted.
func newPlan(w *input.Want) *plan {
	p := &plan{raw: event.None, size: event.None, all: w.Fields.All, noMap: w.NoMap}
	p.Lookup.Twins = w.Twins
	p.meta.init(w, p)
	for _, s := range w.Fields.Slots() {
		switch name := w.Layout.Name(s); {
		case strings.EqualFold(name, "_raw"):
			p.raw = s
		case strings.EqualFold(name, "_size"):
			p.size = s
		case mapping.Metadata(name):
		case p.spells(s, name):
		default:
			p.fields = append(p.fields, p.field(s, name))
		}
	}
	if p.all && p.raw == event.None {
		p.raw = w.Layout.Slot("_raw")
	}
	if !w.NoMap {
		p.LookForMarks()
		p.from.id = p.Lookup.Field("EventID", true)
		p.Openings() // what comes after it is of use to events that hold more alone
		mapping.Moves(func(mark string, _ mapping.Moved) { p.Path(mark) })
		p.from.provider = p.Lookup.Field("Provider", true)
	}
	p.readers, p.filled = make([][]int32, len(p.Names)), make([]uint64, len(p.fields))
	for i := range p.fields {
		f := &p.fields[i]
		p.readers[f.At] = append(p.readers[f.At], int32(i))
		for _, e := range f.Other {
			for _, at := range e.At {
				p.readers[at] = append(p.readers[at], int32(i))
			}
		}
	}
	return p
}

// spells looks for the key that a field of the kind is for.
func (p *plan) spells(s event.Slot, name string) bool {
	key, ok := lang.SpelledKey(name)
	if ok {
		p.spelled = append(p.spelled, spelledField{p.Lookup.Spelled(key), s})
	}
	return ok
}

// spell gives a row what the object that is its text has under the keys that are asked
// for.
func (p *plan) spell(w *builder, row uint16, vals []jsondoc.Value) {
	for _, f := range p.spelled {
		switch v := vals[f.at]; v.Kind {
		case jsondoc.Missing:
			w.b.Col(f.slot).Set(row, event.Bool(lang.SpelledNone))
		case jsondoc.Null:
			w.b.Col(f.slot).Set(row, event.Bool(lang.SpelledNull))
		default:
			if v.Kind == jsondoc.Container {
				v = asIs(v.Raw)
			}
			w.text(f.slot, row, v)
		}
	}
}

// field looks for a name and its other names.
func (p *plan) field(s event.Slot, name string) field {
	return field{p.Lookup.Field(name, !p.noMap), s}
}

// set gives a row the wanted fields of an event. given are the values that the
// event has.
func (p *plan) set(w *builder, row uint16, vals []jsondoc.Value, given []int) {
	doubled := p.Doubled(vals)
	p.events++
	for _, at := range given {
		if at >= len(p.readers) { // a name that the format looks for itself
			continue
		}
		for _, i := range p.readers[at] {
			if p.filled[i] == p.events {
				continue
			}
			p.filled[i] = p.events
			f := &p.fields[i]
			v := f.Find(vals, w)
			if doubled {
				v = w.undouble(v)
			}
			w.text(f.slot, row, v)
		}
	}
}

// asIs makes a value of text that has no escapes.
func asIs(text []byte) jsondoc.Value { return jsondoc.Value{Kind: jsondoc.Number, Raw: text} }

// asList makes a value of a JSON array.
func asList(text []byte) jsondoc.Value { return jsondoc.Value{Kind: jsondoc.Container, Raw: text} }

// event adds an event to the batch: its values by the plan's names, which of
// them are given as in set, its text, and the time to use when no field has one,
// event.NoTime for the first that its text says.
func (p *plan) event(w *builder, vals []jsondoc.Value, given []int, text []byte, b *input.Block, off int64, fallback int64) uint16 {
	row := w.b.AddRow(0, event.Position(b.Part.Index, off))
	if p.raw != event.None {
		w.b.Col(p.raw).Set(row, event.Text(lend(text)))
	}
	if p.size != event.None {
		w.b.Col(p.size).Set(row, event.Int(int64(len(text))))
	}
	p.set(w, row, vals, given)
	w.b.Time[row] = p.meta.set(w, row, vals, len(given) == 0, b.Part, fallback, text)
	return row
}
