package format

import (
	"bytes"
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// metadata fills the built-in fields (spec A.3) of JSON events: of an exported message
// from itself, of any other event from where it came from.
type metadata struct {
	category string // given for every event

	clock    datefmt.Clock
	times    []timeField // candidates for the event's time, best first
	stamps   datefmt.Recogniser
	day      datefmt.Stamp // of the event's fields, where one is a date alone
	zoned    bool          // times that name no zone are not UTC
	timed    bool          // times are known elsewhere
	warnings *exec.Warnings
	rcpt     ownField
	channel  *field // nil when not needed
	provider *field
	host     *field
	from     *field
	exported []ownField // one of them makes the event a message

	categories map[string]string // by channel, 0, provider
	key        []byte

	lastKey, lastCategory string

	slots   map[string]event.Slot // wanted, by lower-case name
	wanted  []metafield           // the same, as a list
	receipt int64                 // of the last row, 0 when it has none of its own
}

// timeField is a field that may say when an event was.
type timeField struct {
	at  int  // of the plan's values
	utc bool // it is in UTC where it names no zone
}

// ownField is a name of metadata in an exported message: at its top, or in the object
// that the search job API wraps it in. Elsewhere it is some event's.
type ownField struct{ top, wrapped int } // of the plan's values

func (p *plan) ownField(name string) ownField {
	return ownField{p.Top(name), p.Top(exportRoot + "." + name)}
}

// of is the field's value.
func (f ownField) of(vals []jsondoc.Value) jsondoc.Value {
	if v := vals[f.top]; v.Kind != jsondoc.Missing {
		return v
	}
	return vals[f.wrapped]
}

// metafield is a wanted field of metadata.
type metafield struct {
	name string // in lower case
	slot event.Slot
	own  ownField
}

// init adds the names that it needs to the plan.
func (m *metadata) init(w *input.Want, p *plan) {
	look := func(n string) *field {
		f := p.field(event.None, n)
		return &f
	}
	m.category = w.Category
	m.stamps = datefmt.Recogniser{Now: w.Now, Zone: w.Zone}
	m.zoned, m.timed = w.Zone != nil && w.Zone != time.UTC, w.Timed
	m.warnings = w.Warnings
	m.slots, m.categories = map[string]event.Slot{}, map[string]string{}
	for _, t := range mapping.Times {
		m.times = append(m.times, timeField{p.Place(t), mapping.UTC(t)})
	}
	m.rcpt = p.ownField("_receiptTime")
	for _, n := range mapping.Exported {
		m.exported = append(m.exported, p.ownField(n))
	}
	for _, s := range w.Fields.Slots() {
		if n := w.Layout.Name(s); mapping.Metadata(n) {
			m.slots[strings.ToLower(n)] = s
		}
	}
	if w.Fields.All && !w.JSON { // whole events have no use for it
		for _, n := range []string{"_messageTime", "_sourceCategory", "_sourceHost", "_sourceName", "_collector", "_source"} {
			m.slots[strings.ToLower(n)] = w.Layout.Slot(n)
		}
	}
	for k := range m.slots {
		f := metafield{name: k, slot: m.slots[k]}
		if k != "_messagetime" && k != "_receipttime" {
			f.own = p.ownField(w.Layout.Name(f.slot))
		}
		m.wanted = append(m.wanted, f)
	}
	if _, ok := m.slots["_sourcecategory"]; ok && m.category == "" {
		m.channel, m.provider = look("Channel"), look("Provider")
	}
	if _, ok := m.slots["_sourcehost"]; ok {
		m.host = look("Computer")
	}
	if _, ok := m.slots["_collector"]; ok {
		m.from = look("_collector")
	}
}

// set fills a row's metadata and returns its time in ms, event.NoTime where the
// event says none: that of its fields, else fallback, else the first in its text.
// empty says that the event has no fields.
func (m *metadata) set(w *builder, row uint16, vals []jsondoc.Value, empty bool, part *input.Part, fallback int64, text []byte) int64 {
	m.stamps.Order = part.DateOrder
	at := event.NoTime
	if m.day.Day {
		m.day = datefmt.Stamp{}
	}
	times := m.times
	if empty {
		times = nil
	}
	for _, t := range times {
		v := vals[t.at]
		if v.Kind == jsondoc.Missing || v.Kind == jsondoc.Null {
			continue
		}
		if ms, ok := m.eventTime(v, t.utc, w, row, part); ok {
			at = ms
			break
		}
	}
	if at == event.NoTime {
		if at = fallback; at == event.NoTime && !m.timed {
			s, ok := m.stamps.Find(text)
			switch {
			case m.day.Day && !ok: // a date alone is better than none
				at = m.day.Millis
			case m.day.Day && s.Bare: // in fields of their own
				at = m.stamps.OnDay(m.day, s)
			case ok && s.Bare && len(text) > 0 && text[0] == '{' && !datefmt.Named(text, s.Start):
				// a duration, as likely
			case ok:
				at = m.said(s, text, w, row, part)
			}
		}
	}
	m.receipt = 0
	if v := m.rcpt.of(vals); v.Kind != jsondoc.Missing && m.message(vals, empty) {
		if ms, ok := m.eventTime(v, true, w, row, part); ok {
			m.receipt = ms
		}
	}
	b := &w.b
	for i := range m.wanted {
		f := &m.wanted[i]
		k, s := f.name, f.slot
		switch k {
		case "_messagetime":
			if at != event.NoTime {
				b.Col(s).Set(row, event.Int(at))
			}
			continue
		case "_receipttime":
			if ms := cmp.Or(m.receipt, at); ms != event.NoTime {
				b.Col(s).Set(row, event.Int(ms))
			}
			continue
		case "_size":
			if v := f.own.of(vals); v.Kind != jsondoc.Missing && m.message(vals, empty) {
				b.Col(s).Set(row, w.typed(v))
			}
			continue // else jsonl has set it: it knows the text
		}
		if v := f.own.of(vals); v.Kind != jsondoc.Missing && !(k == "_sourcecategory" && m.category != "") && m.message(vals, empty) {
			w.text(s, row, v)
			continue
		}
		w.text(s, row, m.inferred(w, k, vals, part))
	}
	return at
}

// message reports whether an event is an exported message, whose metadata is its own.
func (m *metadata) message(vals []jsondoc.Value, empty bool) bool {
	if empty {
		return false
	}
	for _, f := range m.exported {
		if f.of(vals).Kind != jsondoc.Missing {
			return true
		}
	}
	return false
}

// inferred is metadata by where the event came from, and by its channel and computer.
func (m *metadata) inferred(w *builder, name string, vals []jsondoc.Value, part *input.Part) jsondoc.Value {
	text := ""
	switch name {
	case "_sourcecategory":
		if text = m.category; text == "" {
			if text = part.Origin.Category; text == "" && m.channel != nil {
				text = m.categoryOf(m.channel.Find(vals, w), m.provider.Find(vals, w))
			}
		}
	case "_sourcehost":
		if text = part.Origin.Host; text == "" && m.host != nil {
			return m.host.Find(vals, w)
		}
	case "_sourcename":
		if text = part.Origin.Name; text == "" {
			text = part.Name
		}
	case "_collector":
		if text = part.Origin.Collector; text == "" && m.from != nil {
			return m.from.Elsewhere(vals, w)
		}
	case "_source":
		text = part.Origin.Source
	}
	if text == "" {
		return jsondoc.Value{}
	}
	return asIs(unsafe.Slice(unsafe.StringData(text), len(text)))
}

// categoryOf is mapping.Category, which a log asks for few pairs, mostly for the
// same one again.
func (m *metadata) categoryOf(channel, provider jsondoc.Value) string {
	m.key = provider.AppendText(append(channel.AppendText(m.key[:0]), 0))
	if string(m.key) == m.lastKey {
		return m.lastCategory
	}
	text, ok := m.categories[string(m.key)]
	if !ok {
		at := bytes.IndexByte(m.key, 0)
		text = mapping.Category(string(m.key[:at]), string(m.key[at+1:]))
		if len(m.categories) >= categoriesMax {
			clear(m.categories)
		}
		m.categories[string(m.key)] = text
	}
	m.lastKey, m.lastCategory = string(m.key), text
	return text
}

// eventTime reads the time that a field is: text in any form, or a number of
// seconds, ms, us or ns since the epoch, or a FILETIME.
func (m *metadata) eventTime(v jsondoc.Value, utc bool, w *builder, row uint16, part *input.Part) (int64, bool) {
	if v.Kind == jsondoc.Container {
		return m.objectTime(v.Raw, utc, w, row, part)
	}
	if utc || !m.zoned {
		if ms, ok := m.clock.ParseEventTime(lend(v.Raw)); ok && datefmt.Plausible(ms) {
			return ms, true
		}
	}
	if s, ok := m.stamps.Whole(v.Raw); ok {
		if s.Day { // its time of day may be in the next field
			if !m.day.Day {
				m.day = s
			}
			return 0, false
		}
		return m.said(s, v.Raw, w, row, part), true
	}
	return 0, false
}

// objectTime reads the time that an object is: protobuf's Timestamp with its seconds
// and nanos, or a date of MongoDB's extended JSON.
func (m *metadata) objectTime(raw []byte, utc bool, w *builder, row uint16, part *input.Part) (ms int64, ok bool) {
	if len(raw) == 0 || raw[0] != '{' {
		return 0, false
	}
	nanos := int64(0)
	eachMember(raw, func(name []byte, v jsondoc.Value) {
		switch string(name) {
		case "seconds", "$date", "$numberLong":
			if v.Kind != jsondoc.Container || string(name) == "$date" {
				ms, ok = m.eventTime(v, utc, w, row, part)
			}
		case "nanos":
			nanos, _ = strconv.ParseInt(lend(v.Raw), 10, 64)
		}
	})
	return ms + nanos/1e6, ok
}

// said is the time of a stamp. It says where that is a guess.
func (m *metadata) said(s datefmt.Stamp, text []byte, w *builder, row uint16, part *input.Part) int64 {
	if s.Unsure {
		m.warnings.Add("date whose day and month nothing tells apart, taken for month/day; --date-order says which", false, exec.Sample{
			Part: part.Name, Pos: w.b.Pos[row], Detail: fmt.Sprintf("byte %d: %s", event.Offset(w.b.Pos[row]), text[s.Start:s.End]),
		})
	}
	return s.Millis
}
