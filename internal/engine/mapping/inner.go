package mapping

import (
	_ "embed"
	"slices"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// Inner is a field that holds more of the event than its own text: the whole
// event, or the data of it. All shapes' are opened by one step of the reader.
// What stands around it wins over what stands in it.
type Inner struct {
	Field  string // as in Source.From
	As     Reading
	When   string // a field, as in From, that the event must have; "" for any event
	Unless string // a field that it must not have; "" for none
}

// Reading is what a field that holds more of the event is read as.
type Reading uint8

const (
	// Whole is an object, a list of one, or text that is JSON, XML or in Splunk's
	// or the legacy form.
	Whole Reading = iota
	// Listed is Whole, and each value is in a list of its own.
	Listed
	// Text is Whole, but for objects: a root's, whose fields are found without.
	Text
	// Element is an object of one element whose name may be anything, below which
	// the fields stand.
	Element
	// Rendered is the event's message: lines of "Name: value".
	Rendered
	// Alone is Rendered where none of the data is there that the message tells.
	Alone
	// Unnamed is a list of values, in the order of the event's template; also as XML.
	Unnamed
	// Lines are lines of "Name: value", one for each field of the data.
	Lines
	// Prefixed is the event itself, whose fields have names with something before them.
	Prefixed
)

// Opening is an Inner by indexes of a Lookup's names.
type Opening struct {
	As               Reading
	At, When, Unless int   // -1 for none
	Data             []int // of Alone: of which the event must have none
}

// Openings looks for the fields that hold more of the event, and for what its
// values are told apart by. Early finds enough of them for HoldsMore.
func (l *Lookup) Openings() {
	place := func(n string) int {
		if n == "" {
			return -1
		}
		return l.Place(n)
	}
	var unless []string
	for _, s := range shapes {
		inside := s.Inside
		if s.Envelope != "" {
			inside = append([]Inner{{Field: s.Envelope}}, inside...)
		}
		for _, in := range inside {
			o := Opening{As: in.As, At: l.Path(in.Field), When: place(in.When), Unless: -1}
			if in.As == Alone {
				for _, m := range append(messageLogs[:len(messageLogs):len(messageLogs)], messageLog{data: otherData}) {
					for _, n := range m.data {
						o.Data = append(o.Data, place(n))
					}
				}
			}
			l.openings = append(l.openings, o)
			unless = append(unless, in.Unless)
		}
	}
	l.early = len(l.Names)
	for i, n := range unless {
		l.openings[i].Unless = place(n)
	}
	l.opens, l.openingsOf = make([]bool, len(l.Names)), make([][]int, len(l.Names))
	for i, o := range l.openings {
		l.opens[o.At] = true
		l.openingsOf[o.At] = append(l.openingsOf[o.At], i)
	}
}

// Opens lists what Openings found.
func (l *Lookup) Opens() []Opening { return l.openings }

// HoldsMore reports whether an event has a field that holds more of it. given
// are the indexes of the values that the event has: they are few. Of the values
// that Early finds it is never too little.
func (l *Lookup) HoldsMore(vals []jsondoc.Value, given []int) bool {
	for _, at := range given {
		if at < len(l.opens) && l.opens[at] && l.holdsMore(vals, at) {
			return true
		}
	}
	return false
}

func (l *Lookup) holdsMore(vals []jsondoc.Value, at int) bool {
	for _, i := range l.openingsOf[at] {
		if vals[at].Kind > jsondoc.Null && l.openings[i].Holds(vals) {
			return true
		}
	}
	return false
}

// Holds reports whether the field holds more of an event.
func (o *Opening) Holds(vals []jsondoc.Value) bool {
	if o.When >= 0 && vals[o.When].Kind == jsondoc.Missing || o.Unless >= 0 && o.Unless < len(vals) && vals[o.Unless].Kind > jsondoc.Null {
		return false
	}
	v := vals[o.At]
	switch o.As {
	case Prefixed:
		return true
	case Rendered:
		return v.Kind != jsondoc.Container
	case Alone:
		return v.Kind != jsondoc.Container && !slices.ContainsFunc(o.Data, func(at int) bool { return vals[at].Kind > jsondoc.Null }) && tells(v.Raw)
	case Unnamed:
		return v.Kind == jsondoc.Container && (v.Raw[0] == '[' || IsCounted(v)) || IsParams(v)
	case Lines:
		return v.Kind != jsondoc.Container && !BeginsMore(v) && strings.Contains(string(v.Raw), ": ")
	case Element:
		return v.Kind == jsondoc.Container || BeginsMore(v)
	case Text:
		return v.Kind == jsondoc.Container && v.Raw[0] == '[' || BeginsMore(v)
	}
	return v.Kind == jsondoc.Container || BeginsMore(v)
}

// IsCounted reports whether an object is a list as Windows PowerShell writes one
// that has members besides: {"value": [...], "Count": 2}.
func IsCounted(v jsondoc.Value) bool {
	return strings.HasPrefix(strings.Join(strings.Fields(string(v.Raw[:min(len(v.Raw), 64)])), ""), `{"value":[`)
}

// IsParams reports whether a text is a list of values as XML: <Param>value</Param>.
func IsParams(v jsondoc.Value) bool {
	if v.Kind == jsondoc.Container || !BeginsMore(v) {
		return false
	}
	head := v.Raw[:min(len(v.Raw), 32)]
	if v.Kind == jsondoc.String {
		head = jsondoc.Unescape(nil, head)
	}
	return strings.HasPrefix(strings.TrimSpace(string(head)), "<Param>")
}

// BeginsMore reports whether a text begins as one that more can be in: JSON,
// XML, or the text of a Windows event in Splunk's or the legacy form.
func BeginsMore(v jsondoc.Value) bool {
	raw := v.Raw
	for len(raw) > 1 && (raw[0] <= ' ' || v.Kind == jsondoc.String && raw[0] == '\\' && (raw[1] == 'r' || raw[1] == 'n' || raw[1] == 't')) {
		if raw[0] == '\\' {
			raw = raw[1:]
		}
		raw = raw[1:]
	}
	if len(raw) < 2 {
		return false
	}
	switch c := raw[0]; c {
	case '{', '[', '<':
		return true
	case '\\': // Go and .NET write < so
		return len(raw) >= 6 && strings.EqualFold(string(raw[:6]), `\u003c`)
	case 'i':
		return strings.HasPrefix(string(raw[:min(len(raw), 28)]), "instance of Win32_NTLogEvent")
	default:
		return c-'0' < 10 && len(raw) > 6 && raw[2] == '/' && raw[5] == '/'
	}
}

// Moved is a field, From, that is another's, To, or "" for none: one that means something else than its name says elsewhere.
type Moved struct{ From, To string }

// prefixes stand before the names of fields where a product flattens what
// another one shipped. Longer ones come first.
var prefixes = []string{
	"winlogbeat_winlog_event_data_", "winlogbeat_winlog_user_data_", "winlogbeat_event_data_",
	"winlog_event_data_", "winlog_user_data_", "EventData_", "_EventData_", "_",
}

// Unprefixed is the name of a field without what stands before it.
func Unprefixed(name string) (string, bool) {
	for _, p := range prefixes {
		if len(name) > len(p) && strings.EqualFold(name[:len(p)], p) {
			return name[len(p):], true
		}
	}
	return name, false
}

// Moves calls each for what the events with a mark have under the names of others.
func Moves(each func(mark string, m Moved)) {
	for _, s := range shapes {
		for _, m := range s.Moved {
			each(s.Mark, m)
		}
	}
}

//go:embed templates.txt
var templateText string

// templates are by "provider|id" the names of the data of events, one list for
// each version of the event.
var templates = sync.OnceValue(func() map[string][][]string {
	m := map[string][][]string{}
	for line := range strings.Lines(templateText) {
		parts := strings.Split(strings.TrimSpace(line), "|")
		if len(parts) != 3 || strings.HasPrefix(line, "#") {
			continue
		}
		k := strings.ToLower(parts[0]) + "|" + parts[1]
		m[k] = append(m[k], strings.Split(parts[2], ","))
	}
	return m
})

// Template are the names of an event's n values, in order; nil where none is
// known of so many.
func Template(provider, eventID string, n int) []string {
	for _, names := range templates()[strings.ToLower(provider)+"|"+eventID] {
		if len(names) == n {
			return names
		}
	}
	if strings.EqualFold(provider, sysmonProvider) && len(sysmonFields[eventID]) == n {
		return sysmonFields[eventID]
	}
	return nil
}

// Envelopes are the fields that the whole event may stand in.
func Envelopes() (out []string) {
	for _, s := range shapes {
		if s.Envelope != "" {
			out = append(out, s.Envelope)
		}
	}
	return out
}
