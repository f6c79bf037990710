package format

import (
	"strings"

	"github.com/gyoji-dev/gyoji/datefmt"
	"github.com/gyoji-dev/gyoji/event"
	"github.com/gyoji-dev/gyoji/input"
	"github.com/gyoji-dev/gyoji/jsondoc"
	"github.com/gyoji-dev/gyoji/mapping"
)

// metadata fills the built-in fields (spec A.3) of JSON events: from the event
// where it says so itself, else from where it came from.
type metadata struct {
	category string // given for every event

	times    []int // of the scanner's values: candidates for the event's time, best first
	rcpt     int
	channel  int
	provider int
	host     int
	explicit map[string]int // metadata that the event may hold itself, by lower-case name

	slots   map[string]event.Slot // wanted, by lower-case name
	receipt int64                 // of the last row, 0 when it has none of its own
}

// builtin are the names of metadata that are filled, in lower case.
var builtin = map[string]bool{
	"_messagetime": true, "_receipttime": true, "_sourcecategory": true, "_sourcehost": true,
	"_sourcename": true, "_source": true, "_collector": true, "_size": true,
}

// handles reports whether a field is metadata that set fills.
func (m *metadata) handles(name string) bool { return builtin[strings.ToLower(name)] }

// init appends the names that the scanner must look for.
func (m *metadata) init(w *input.Want, names *[]string) {
	add := func(n string) int {
		*names = append(*names, n)
		return len(*names) - 1
	}
	m.category = w.Category
	m.explicit, m.slots = map[string]int{}, map[string]event.Slot{}
	for _, t := range mapping.Times {
		m.times = append(m.times, add(t))
	}
	m.rcpt = add("_receiptTime")
	for _, s := range w.Fields.Slots() {
		if k := strings.ToLower(w.Layout.Name(s)); builtin[k] {
			m.slots[k] = s
		}
	}
	if w.Fields.All {
		for _, n := range []string{"_messageTime", "_sourceCategory", "_sourceHost", "_sourceName", "_collector", "_source"} {
			m.slots[strings.ToLower(n)] = w.Layout.Slot(n)
		}
	}
	for k := range m.slots {
		switch k {
		case "_messagetime", "_receipttime":
		default:
			m.explicit[k] = add(w.Layout.Name(m.slots[k]))
		}
	}
	m.channel, m.provider, m.host = -1, -1, -1
	if _, ok := m.slots["_sourcecategory"]; ok && m.category == "" {
		m.channel, m.provider = add("Channel"), add("Provider")
	}
	if _, ok := m.slots["_sourcehost"]; ok {
		m.host = add("Computer")
	}
}

// set fills a row's metadata and returns its time in ms.
func (m *metadata) set(w *builder, row uint16, vals []jsondoc.Value, part *input.Part) int64 {
	at := int64(0)
	for _, i := range m.times {
		v := vals[i]
		if v.Kind == jsondoc.Missing || v.Kind == jsondoc.Null {
			continue
		}
		if ms, ok := eventTime(v); ok {
			at = ms
			break
		}
	}
	m.receipt = 0
	if v := vals[m.rcpt]; v.Kind != jsondoc.Missing {
		if ms, ok := eventTime(v); ok {
			m.receipt = ms
		}
	}
	b := &w.b
	for k, s := range m.slots {
		switch k {
		case "_messagetime":
			b.Col(s).Set(row, event.Int(at))
			continue
		case "_receipttime":
			if m.receipt == 0 {
				b.Col(s).Set(row, event.Int(at))
			} else {
				b.Col(s).Set(row, event.Int(m.receipt))
			}
			continue
		case "_size":
			if v := vals[m.explicit[k]]; v.Kind != jsondoc.Missing {
				b.Col(s).Set(row, w.typed(v))
			}
			continue // else jsonl has set it: it knows the text
		}
		if v := vals[m.explicit[k]]; v.Kind != jsondoc.Missing && !(k == "_sourcecategory" && m.category != "") {
			w.text(s, row, v)
			continue
		}
		b.Col(s).Set(row, m.inferred(k, vals, part))
	}
	return at
}

// inferred is metadata that the event does not hold itself.
func (m *metadata) inferred(name string, vals []jsondoc.Value, part *input.Part) event.Value {
	text := ""
	switch name {
	case "_sourcecategory":
		if text = m.category; text == "" {
			if text = part.Origin.Category; text == "" && m.channel >= 0 {
				text = mapping.Category(string(vals[m.channel].AppendText(nil)), string(vals[m.provider].AppendText(nil)))
			}
		}
	case "_sourcehost":
		if text = part.Origin.Host; text == "" && m.host >= 0 {
			text = string(vals[m.host].AppendText(nil))
		}
	case "_sourcename":
		if text = part.Origin.Name; text == "" {
			text = part.Name
		}
	case "_collector":
		text = part.Origin.Collector
	case "_source":
		text = part.Origin.Source
	}
	if text == "" {
		return event.Value{}
	}
	return event.Text(text)
}

// eventTime reads a time from a JSON value: text, or a number of seconds, ms,
// us or ns since the epoch.
func eventTime(v jsondoc.Value) (int64, bool) {
	if v.Kind == jsondoc.Container {
		return 0, false
	}
	return datefmt.ParseEventTime(lend(v.Raw))
}
