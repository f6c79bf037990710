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
	names  []string
	whole  []bool // by name: it is a path from the top of the event
	index  map[string]int
	fields []field
	marks  []int // values whose presence says that backslashes are doubled

	raw, size event.Slot // event.None when not wanted
	meta      metadata
	all       bool
	noMap     bool
}

// field is a wanted name, where its value goes, and where else it may stand.
type field struct {
	slot  event.Slot
	at    int // index of the name among the plan's
	other []source
}

// source is a mapping.Source by indexes.
type source struct {
	*mapping.Source
	from []int
	when int // -1 for none
}

// newPlan makes the plan of what is wanted. first are names that the reader
// looks for itself, at the start of names.
func newPlan(w *input.Want, first ...string) *plan {
	p := &plan{index: map[string]int{}, raw: event.None, size: event.None, all: w.Fields.All, noMap: w.NoMap}
	for _, n := range first {
		p.path(n)
	}
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
		for _, m := range mapping.DoubledMarks() {
			p.marks = append(p.marks, p.path(m))
		}
	}
	return p
}

// name returns the index of a name to look for, at the top or under a root.
func (p *plan) name(n string) int {
	i, ok := p.index[n]
	if !ok {
		i = len(p.names)
		p.names, p.whole = append(p.names, n), append(p.whole, false)
		p.index[n] = i
	}
	p.whole[i] = false
	return i
}

// path is name for a path from the top of the event.
func (p *plan) path(n string) int {
	if i, ok := p.index[n]; ok {
		return i
	}
	i := p.name(n)
	p.whole[i] = true
	return i
}

// place is name or path for a name of mapping's tables.
func (p *plan) place(n string) int {
	if strings.Contains(n, ".") {
		return p.path(n)
	}
	return p.name(n)
}

// field looks for a name and its other names.
func (p *plan) field(s event.Slot, name string) field {
	f := field{slot: s, at: p.name(name)}
	if p.noMap {
		return f
	}
	sources := mapping.Sources(name)
	for i := range sources {
		src := source{Source: &sources[i], when: -1}
		for _, n := range src.From {
			src.from = append(src.from, p.place(n))
		}
		if src.When != "" {
			src.when = p.place(src.When)
		}
		f.other = append(f.other, src)
	}
	return f
}

// absent reports whether a value is none, or an object that holds the field
// rather than being it.
func absent(v jsondoc.Value) bool {
	return v.Kind <= jsondoc.Null || v.Kind == jsondoc.Container && v.Raw[0] == '{'
}

// set gives a row the wanted fields of an event.
func (p *plan) set(w *builder, row uint16, vals []jsondoc.Value) {
	doubled := false
	for _, m := range p.marks {
		doubled = doubled || vals[m].Kind != jsondoc.Missing
	}
	for i := range p.fields {
		f := &p.fields[i]
		v := vals[f.at]
		if len(f.other) > 0 && absent(v) {
			v = f.elsewhere(w, vals)
		}
		if doubled {
			v = w.undouble(v)
		}
		w.text(f.slot, row, v)
	}
}

// elsewhere is the value of a field that the event does not have under its own name.
func (f *field) elsewhere(w *builder, vals []jsondoc.Value) jsondoc.Value {
	for i := range f.other {
		src := &f.other[i]
		if src.when >= 0 && vals[src.when].Kind == jsondoc.Missing {
			continue
		}
		if v := src.value(w, vals); v.Kind > jsondoc.Null {
			return v
		}
	}
	return jsondoc.Value{}
}

func (src *source) value(w *builder, vals []jsondoc.Value) jsondoc.Value {
	v := vals[src.from[0]]
	switch src.Form {
	case mapping.Same:
		if absent(v) {
			return jsondoc.Value{}
		}
		return v
	case mapping.Account:
		domain, name := v, vals[src.from[1]]
		if absent(name) {
			return jsondoc.Value{}
		}
		if absent(domain) || len(domain.Raw) == 0 || string(domain.Raw) == "-" {
			return name
		}
		return w.made(func(dst []byte) []byte {
			return name.AppendText(append(domain.AppendText(dst), '\\'))
		})
	case mapping.Translated:
		if text, ok := src.Is[string(v.AppendText(nil))]; ok && !absent(v) {
			return asIs([]byte(text))
		}
	case mapping.Hashes:
		return w.made(func(dst []byte) []byte {
			start := len(dst)
			for i, at := range src.from {
				if v := vals[at]; !absent(v) && len(v.Raw) > 0 {
					if len(dst) > start {
						dst = append(dst, ',')
					}
					dst = append(append(dst, hashName(src.From[i])...), '=')
					n := len(dst)
					dst = v.AppendText(dst)
					for j := n; j < len(dst); j++ {
						if c := dst[j]; 'a' <= c && c <= 'f' {
							dst[j] = c - 'a' + 'A'
						}
					}
				}
			}
			return dst
		})
	case mapping.SysmonTime:
		if len(v.Raw) >= 19 && v.Raw[10] == 'T' {
			return w.made(func(dst []byte) []byte {
				dst = append(append(append(dst, v.Raw[:10]...), ' '), v.Raw[11:19]...)
				frac := []byte(".000")
				if len(v.Raw) > 20 && v.Raw[19] == '.' {
					for i := 1; i < 4 && 19+i < len(v.Raw) && v.Raw[19+i]-'0' < 10; i++ {
						frac[i] = v.Raw[19+i]
					}
				}
				return append(dst, frac...)
			})
		}
	}
	return jsondoc.Value{}
}

// hashName is SHA256 of process.hash.sha256.
func hashName(field string) string {
	return strings.ToUpper(field[strings.LastIndexByte(field, '.')+1:])
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
