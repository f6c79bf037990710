package record

import (
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Plan says what is read of events, and how, to fill the attributes that somebody
// reads. Several workers share it; each has a Run of its own.
type Plan struct {
	Mappers *Mappers
	Parsers []*Parser
	Events  *event.Layout // of the events
	Records *event.Layout // of the records: attributes, and fields.KEY for raw keys
	Fields  event.Fields  // of the events

	channel, provider, id event.Slot
	attrs                 []*attribute
	derived               []*derivation
	when                  [][]test // by parser
	ids                   [][]template
	from                  []event.Slot            // by parser: what keys are taken out of
	taken                 []map[string]event.Slot // by parser: keys that are taken out, and where they go
	extracted             *event.Layout           // of those
}

// RawPrefix stands before the key in the name of a column that holds a raw key of
// the event: fields['EventData.Image'] is fields.EventData.Image.
const RawPrefix = "fields."

type test struct {
	slot  event.Slot
	value string
	any   bool
}

// template is an event id with fields in it.
type template struct {
	texts []string // before, between and after the fields
	slots []place
}

// place is where a value is read: a field of the event, or a key taken out of one.
type place struct {
	slot  event.Slot // None where no event has it
	taken bool
}

// attribute is how each mapper fills one attribute.
type attribute struct {
	*Attribute
	slot event.Slot // in Records
	by   []*filler  // by mapper; nil where it is not filled
	meta func(r *Run, kind int) event.Value
	raw  event.Slot // of events, for a raw key; None otherwise
	list event.Slot // of events: the list of digests that the raw key may be cut out of; None otherwise
}

// filler fills an attribute from fields of the event.
type filler struct {
	from     []place
	digest   []string // cut out of the field, "" is the whole field
	constant event.Value
	fixed    bool
	skip     map[string]bool
	source   *Source
	lookup   map[string]string // folded value -> attribute
	pattern  *datefmt.Pattern  // of a time; nil for any that can be recognised
	zone     *time.Location
	join     bool
}

// NewPlan readies the filling of the attributes that are in records' layout. Names
// there that are neither attributes nor raw keys stay null.
func NewPlan(ms *Mappers, parsers []*Parser, events, records *event.Layout) *Plan {
	p := &Plan{Mappers: ms, Parsers: parsers, Events: events, Records: records, extracted: event.NewLayout()}
	p.channel, p.provider, p.id = p.field("Channel"), p.field("Provider"), p.field("EventID")
	for _, x := range parsers {
		p.extraction(x)
		p.when = append(p.when, p.tests(x.When))
		var ids []template
		for _, t := range x.EventID {
			ids = append(ids, p.template(t, x))
		}
		p.ids = append(p.ids, ids)
	}
	done := map[string]bool{}
	for i := 0; i < records.Len(); i++ { // derived attributes add those that they are made of
		name := records.Name(event.Slot(i))
		if !done[name] {
			done[name] = true
			p.add(name, event.Slot(i))
		}
	}
	return p
}

// field is a field of events that is read.
func (p *Plan) field(name string) event.Slot {
	s := p.Events.Slot(name)
	p.Fields.Add(s)
	return s
}

func (p *Plan) tests(when []string) (out []test) {
	for _, w := range when {
		name, value, has := strings.Cut(w, "=")
		out = append(out, test{p.field(name), value, !has})
	}
	return out
}

// extraction readies what a parser takes out of a field.
func (p *Plan) extraction(x *Parser) {
	slot, keys := event.None, map[string]event.Slot(nil)
	if x.Extract != nil {
		slot, keys = p.field(x.Extract.Field), map[string]event.Slot{}
		for _, n := range x.Extract.keys() {
			if n != "" {
				keys[n] = p.extracted.Exact(x.Vendor + "\x00" + x.Product + "\x00" + n)
			}
		}
	}
	p.from, p.taken = append(p.from, slot), append(p.taken, keys)
}

// place is where a parser's events have a key.
func (p *Plan) place(key string, of func(*Parser) bool) place {
	for i, x := range p.Parsers[:len(p.taken)] {
		if s, ok := p.taken[i][key]; ok && of(x) {
			return place{s, true}
		}
	}
	return place{slot: p.field(key)}
}

func (p *Plan) template(s string, of *Parser) (t template) {
	for {
		before, rest, ok := strings.Cut(s, "{")
		name, after, closed := strings.Cut(rest, "}")
		if !ok || !closed {
			t.texts = append(t.texts, s)
			return t
		}
		t.texts, t.slots = append(t.texts, before), append(t.slots, p.place(name, func(x *Parser) bool { return x == of }))
		s = after
	}
}

func (p *Plan) add(name string, slot event.Slot) {
	if key, ok := strings.CutPrefix(name, RawPrefix); ok {
		x := &attribute{slot: slot, raw: p.rawField(key), list: event.None, Attribute: &Attribute{Name: name, Type: "string"}}
		if digests[key] != "" { // the product's parser has cut them out of Hashes (3.3)
			x.list = p.field("Hashes")
		}
		p.attrs = append(p.attrs, x)
		return
	}
	if meta := metadata[name]; meta != nil {
		p.attrs = append(p.attrs, &attribute{slot: slot, meta: meta, raw: event.None, Attribute: Schema()[name]})
		return
	}
	a := Schema()[name]
	if a == nil {
		return
	}
	if d := p.derive(a, slot); d != nil {
		p.derived = append(p.derived, d)
		return
	}
	x := &attribute{Attribute: a, slot: slot, raw: event.None, by: make([]*filler, len(p.Mappers.All))}
	for i, m := range p.Mappers.All {
		if s := m.Fields[name]; s != nil {
			x.by[i] = p.filler(a, m, s)
		}
	}
	p.attrs = append(p.attrs, x)
}

// rawField is the field of events that a raw key is.
func (p *Plan) rawField(key string) event.Slot {
	if name := Field(key); name != "" {
		return p.field(name)
	}
	return p.field(key)
}

var digests = map[string]string{"MD5": "MD5", "SHA1": "SHA1", "SHA256": "SHA256", "IMPHASH": "IMPHASH"}

func (p *Plan) filler(a *Attribute, m *Mapper, s *Source) *filler {
	f := &filler{source: s, skip: map[string]bool{}}
	if s.Const != nil {
		f.constant, f.fixed = a.Convert(*s.Const), true
		return f
	}
	for _, v := range append(m.Skipped, s.Skipped...) {
		f.skip[v] = true
	}
	if s.Kind == "time" && m.LogFormat != windowsFormat { // Windows' times are all of one form, which is read faster
		f.pattern, _ = datefmt.Compile(s.Format)
		if f.zone, _ = datefmt.Zone(s.TimeZone); f.zone == nil {
			f.zone = time.UTC
		}
		if s.Format == "" {
			f.pattern = nil
		}
	}
	keys := s.From
	switch {
	case s.Join != nil:
		keys, f.join = s.Join, true
	case s.Params != nil:
		keys, f.join = s.Params, true
	}
	for _, k := range keys {
		digest := ""
		if m.LogFormat == windowsFormat && digests[k] != "" {
			digest, k = digests[k], "Hashes"
		}
		at := place{slot: event.None}
		if m.LogFormat != windowsFormat {
			at = p.place(k, func(x *Parser) bool {
				return x.LogFormat == m.LogFormat && x.Vendor == m.Vendor && x.Product == m.Product
			})
		} else if name := Field(k); name != "" {
			at.slot = p.field(name)
		}
		f.from, f.digest = append(f.from, at), append(f.digest, digest)
	}
	if s.Lookup != nil {
		f.lookup = make(map[string]string, len(s.Lookup))
		for k, v := range s.Lookup {
			f.lookup[strings.ToLower(k)] = v
		}
	}
	return f
}
