package format

import (
	"bytes"

	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// listedDepth is how deep the objects may stand that wrap events.
const listedDepth = 16

// listed are the Windows events that an object holds which is none itself: objects
// that say an event's number, and those that hold the text of one. What stands in a
// list with such is among them. Texts that hold a list of events are opened.
func (r *jsonl) listed(object []byte) (events []wrapped) {
	if r.finder == nil {
		r.finder = r.Document(true)
	}
	return r.listedIn(nil, object, object, 0, 0)
}

// listedIn appends the events in a container, which stands in whole; base is where
// whole begins in the object asked about.
func (r *jsonl) listedIn(events []wrapped, whole, c []byte, base, depth int) []wrapped {
	if depth > listedDepth {
		return events
	}
	at := func(part []byte) int { return base + offsetIn(whole, part) }
	inside := func(v jsondoc.Value) {
		switch {
		case v.Kind == jsondoc.Container && signed(v.Raw):
			events = r.listedIn(events, whole, v.Raw, base, depth+1)
		case v.Kind == jsondoc.String && signed(v.Raw):
			text := v.Raw
			if !v.Plain() {
				text = jsondoc.Unescape(nil, text) // longer than a batch
			}
			// The texts of a list have places of their own within its text.
			if text = bytes.TrimLeft(text, "\ufeff \t\r\n"); len(text) > 1 && (text[0] == '[' || text[0] == '{') && isJSON(text) {
				for i, e := range r.listedIn(nil, text, text[:objectEnd(text, 0)], 0, depth+1) {
					events = append(events, wrapped{e.text, at(v.Raw) + i})
				}
			}
		}
	}
	if c[0] == '[' {
		before, bare := len(events), []wrapped(nil)
		eachElement(c, func(v jsondoc.Value) {
			n := len(events)
			if inside(v); len(events) == n && v.Kind == jsondoc.Container && v.Raw[0] == '{' {
				bare = append(bare, wrapped{v.Raw, at(v.Raw)})
			}
		})
		if len(events) > before {
			events = append(events, bare...)
		}
		return events
	}
	if vals, err := r.finder.Scan(c); err == nil && depth > 0 && r.told(vals, &r.w) {
		return append(events, wrapped{c, at(c)})
	}
	before, said := len(events), false
	eachMember(c, func(_ []byte, v jsondoc.Value) {
		inside(v)
		said = said || v.Kind == jsondoc.String && signed(v.Raw)
	})
	if said && depth > 0 && len(events) <= before+1 { // the text of one event: what stands around it is its own
		events = append(events[:before], wrapped{c, at(c)})
	}
	return events
}
