// Package mapping knows what the fields of Windows events are called in the
// shapes that shippers and exporters give them, and which _sourceCategory a
// channel has. The tables are data: one file for each shape, and nothing but
// the order of trying in code.
package mapping

import (
	"slices"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// Shape is one way in which a product writes Windows events.
type Shape struct {
	Name, Summary string
	// Mark is a field that events of the shape have and others have not.
	Mark string
	// Signs are fields of which an event has one as well, where others have the Mark too.
	// They count where the product is named, not for how the event is read.
	Signs []string
	// Roots are the objects that the event's own fields stand under.
	Roots []string
	// Envelope is an object that the whole event may be wrapped in; "" for none.
	Envelope string
	// Fields are the flat names and where their text stands otherwise.
	Fields []Source
	// Inside are fields that hold more of the event, besides the Envelope.
	Inside []Inner
	// Moved are fields of the shape that are not what their names say elsewhere:
	// ProcessId is the number of the process that wrote the event.
	Moved []Moved
	// Doubled says that values are escaped once more than their JSON: backslashes
	// are doubled, and quotes have one.
	Doubled bool
}

// Source is a place where the text of a field stands under another name. It is
// looked at when the event has no field of the name itself.
type Source struct {
	Name string // the flat name: Image
	// From are the fields that the text is made of. One with a dot in it is a
	// path from the top of the event, another may stand under any root.
	From []string
	Form Form              // how it is made
	When string            // a field, as in From, that the event must have for the source to hold; "" for any event
	Is   map[string]string // what a text is translated to
	Part string            // which part of the text it is, for Labelled and Inside
}

// Form is how a field's text is made of its sources.
type Form uint8

const (
	Same         Form = iota // the text of the one source
	Account                  // domain\name of two
	Translated               // what Is has for the text; nothing when it has nothing
	Hashes                   // NAME=value,... in Sysmon's way, of those sources that are there
	SysmonTime               // 2021-04-26 15:03:05.976, of an ISO 8601 time
	Labelled                 // what stands behind "Part: ", up to " ¦ "
	Inside                   // the field Part of a JSON object that is written as text
	RegistryPath             // key\value of two, under the hive's short name
	Says                     // what Is has for Part, where the text has that in it
	Forwarded                // the channel of the providers, where the text is that of a collector's log
	RegistryData             // the data of a value and its type, in Sysmon's way
)

// shapes in the order in which their sources are tried.
var shapes = []*Shape{
	&sumo, &evtxdump, &velociraptor, &otel, &nxlog, &security, &winlogbeat, &wazuh, &wazuhLog, &hayabusa, &defender, &syslog,
	&sentinel, &evtxecmd, &getwinevent, &eventviewer, &splunk, &osquery, &promtail, &fluent, &graylog, &wincollect, &chainsaw, &endpoint, &cloudtrail, &unifiedaudit, &gcpaudit,
}

// Shapes lists the shapes that are known.
func Shapes() []*Shape { return slices.Clone(shapes) }

// Roots are the JSON objects that shippers put an event's own fields under. A
// field below one of them is also found by its plain name, unless the event has
// a field of that name at the top: Image finds EventData.Image. Earlier roots
// win over later ones.
var Roots = roots()

func roots() (out []string) {
	for _, s := range shapes {
		for _, r := range s.Roots {
			if !slices.Contains(out, r) {
				out = append(out, r)
			}
		}
	}
	return out
}

// byName are the sources by flat name in lower case.
var byName = sync.OnceValue(func() map[string][]Source {
	m := map[string][]Source{}
	for _, s := range shapes {
		for _, f := range s.Fields {
			k := strings.ToLower(f.Name)
			m[k] = append(m[k], f)
		}
	}
	return m
})

// Sources lists where the text of a field may stand under other names, best
// first. A name that begins with a root, EventData.Image, is also found by the
// rest of it where events are flat.
func Sources(name string) []Source {
	out := byName()[strings.ToLower(name)]
	for _, r := range Roots {
		if len(name) > len(r)+1 && name[len(r)] == '.' && strings.EqualFold(name[:len(r)], r) {
			rest := name[len(r)+1:]
			return append(slices.Clip(append(out, Source{Name: name, From: []string{rest}})), byName()[strings.ToLower(rest)]...)
		}
	}
	return out
}

// Verbatim reports whether the texts that a field may have stand in the event
// as they are, a backslash between two of them aside, so that a search for them
// in the event's text finds it.
func Verbatim(name string) bool {
	for _, s := range Sources(name) {
		if s.Form != Same && s.Form != Account && s.Form != Labelled {
			return false
		}
	}
	return true
}

// Translations are the texts that mean a value of a field which has one of some
// pieces, letter case aside, where another field is translated: ProcessCreated
// for EventID 1. whole says that the value is the piece: 11 is not meant by 1. ok is
// false when the field's texts are also made in ways that cannot be listed.
func Translations(name string, pieces []string, whole bool) (texts []string, ok bool) {
	meant := func(value string) bool {
		value = match.Fold(value)
		return slices.ContainsFunc(pieces, func(p string) bool {
			if p = match.Fold(p); whole {
				return value == p
			}
			return strings.Contains(value, p)
		})
	}
	for _, s := range Sources(name) {
		switch s.Form {
		case Same, Account, Labelled, Inside: // Inside: of numbers, which no escapes are in
		case Forwarded:
			for text, value := range providerChannels {
				if meant(value) {
					texts = append(texts, text)
				}
			}
		case Translated, Says:
			for text, value := range s.Is {
				if meant(value) {
					texts = append(texts, text)
				}
			}
		default:
			return nil, false
		}
	}
	slices.Sort(texts)
	return slices.Compact(texts), true
}
