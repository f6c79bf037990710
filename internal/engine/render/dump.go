package render

import (
	"bytes"
	"encoding/json"
	"sort"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// Dump appends whole events, each on its own, in one of a few forms. A Dump is
// one goroutine's.
type Dump struct {
	layout *event.Layout
	form   func(*Dump, []byte, *event.Batch, uint16) ([]byte, bool)
	raw    event.Slot
	xml    event.Slot
	named  []namedSlot // sumo: the metadata
	cols   []namedSlot // ndjson: the batch's fields

	// Lost counts events that the form cannot show.
	Lost int64
}

type namedSlot struct {
	slot event.Slot
	key  []byte // "name":
}

// dumpForms are the forms of a Dump.
var dumpForms = map[string]func(*Dump, []byte, *event.Batch, uint16) ([]byte, bool){
	"ndjson": (*Dump).flat, "sumo": (*Dump).message, "xml": (*Dump).element,
}

// sumoFields are what a message of Sumo Logic's export has, besides _raw.
var sumoFields = []string{"_messageTime", "_receiptTime", "_sourceCategory", "_sourceHost", "_sourceName", "_collector", "_source"}

// NewDump makes a Dump, and adds what it reads of events to fields. xml is the
// field that holds an event's XML. ok is false when there is no such form.
func NewDump(form, xml string, l *event.Layout, fields *event.Fields) (d *Dump, ok bool) {
	d = &Dump{layout: l, form: dumpForms[form], raw: l.Slot("_raw"), xml: event.None}
	fields.Add(d.raw)
	switch form {
	case "ndjson":
		fields.All = true
	case "xml":
		d.xml = l.Slot(xml)
		fields.Add(d.xml)
	case "sumo":
		for _, n := range sumoFields {
			s := l.Slot(n)
			fields.Add(s)
			d.named = append(d.named, namedSlot{s, append(jsondoc.AppendString(nil, n), ':')})
		}
	}
	return d, d.form != nil
}

// Batch begins a batch.
func (d *Dump) Batch(b *event.Batch) {
	d.cols = d.cols[:0]
	for i := range b.Cols {
		if name := d.layout.Name(event.Slot(i)); len(b.Cols[i].Dict) > 1 && !strings.HasPrefix(name, "_") {
			d.cols = append(d.cols, namedSlot{event.Slot(i), append(jsondoc.AppendString(nil, name), ':')})
		}
	}
	sort.Slice(d.cols, func(i, j int) bool { return string(d.cols[i].key) < string(d.cols[j].key) })
}

// Append appends an event of the batch on a line of its own.
func (d *Dump) Append(dst []byte, b *event.Batch, row uint16) []byte {
	dst, ok := d.form(d, dst, b, row)
	if !ok {
		d.Lost++
		return dst
	}
	return append(dst, '\n')
}

// flat is an event as one JSON object: its text where that is one, else its
// fields, and where it has none its text as _raw.
func (d *Dump) flat(dst []byte, b *event.Batch, row uint16) ([]byte, bool) {
	raw := b.Value(d.raw, row)
	if text := raw.Str(); strings.HasPrefix(text, "{") {
		if !strings.ContainsAny(text, "\r\n") {
			return append(dst, text...), true
		}
		var line bytes.Buffer // of one that is written over several lines
		if json.Compact(&line, []byte(text)) == nil {
			return append(dst, line.Bytes()...), true
		}
	}
	start := len(dst)
	for _, c := range d.cols {
		if v := b.Value(c.slot, row); !v.IsNull() {
			dst = appendJSON(append(append(dst, ','), c.key...), v)
		}
	}
	if len(dst) == start {
		dst = appendJSON(append(dst, `,"_raw":`...), raw)
	}
	dst[start] = '{'
	return append(dst, '}'), true
}

// message is an event as Sumo Logic exports it.
func (d *Dump) message(dst []byte, b *event.Batch, row uint16) ([]byte, bool) {
	dst = append(dst, '{')
	for _, c := range d.named {
		if v := b.Value(c.slot, row); !v.IsNull() {
			dst = append(appendJSON(append(dst, c.key...), v), ',')
		}
	}
	return append(appendJSON(append(dst, `"_raw":`...), b.Value(d.raw, row)), '}'), true
}

// element is an event as XML, which only some formats have.
func (d *Dump) element(dst []byte, b *event.Batch, row uint16) ([]byte, bool) {
	text := b.Value(d.xml, row).Str()
	if raw := b.Value(d.raw, row).Str(); text == "" && strings.HasPrefix(strings.TrimSpace(raw), "<") {
		text = raw
	}
	return append(dst, text...), text != ""
}
