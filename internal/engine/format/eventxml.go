package format

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// Event XML is what Event Viewer, wevtutil and evtx_dump show of a Windows
// event, and what Splunk's XmlWinEventLog holds: one event or many, bare or in
// an <Events> document, on one line or several, with RenderingInfo or without.
// Splunk's text events between them are read as well.
// Source: Microsoft, Event schema.
var _ = register(input.Format{
	Name:       "xml",
	Summary:    "Windows event XML: <Event> elements, bare or in <Events> (Event Viewer, wevtutil, Splunk XmlWinEventLog)",
	Extensions: []string{".xml"},
	Sniff: func(head []byte) int {
		if i := skipBlank(head, 0); i+1 >= len(head) || head[i] != '<' || isDigit(head[i+1]) || eventStart(head, i) < 0 || bytes.IndexByte(head, 0) >= 0 {
			return 0
		}
		return 90
	},
	Record: xmlRecord,
	Misfit: "does not start with XML that holds an <Event> element",
	Cut: func(buf []byte, _ int64, last bool) int {
		if last {
			return len(buf)
		}
		if at := bytes.LastIndex(buf, eventClose); at >= 0 {
			return at + len(eventClose)
		}
		return 0
	},
	New: func(w *input.Want) input.BlockReader {
		return &eventXML{newXMLEvent(newFlat(w, match.Exact("&#"))), newOthers(w, "xml")}
	},
})

var (
	eventOpen  = []byte("<Event")
	eventClose = []byte("</Event>")
)

// eventStart finds the next <Event> element at or after from; -1 for none.
func eventStart(b []byte, from int) int {
	for {
		i := bytes.Index(b[from:], eventOpen)
		if i < 0 {
			return -1
		}
		from += i + len(eventOpen)
		if from < len(b) {
			switch b[from] {
			case ' ', '>', '\t', '\r', '\n', '/':
				return from - len(eventOpen)
			}
		}
	}
}

type eventXML struct {
	xmlEvent
	others *others // of what stands between events
}

func (r *eventXML) Read(b input.Block, next exec.Sink) error {
	data := b.Data
	r.begin(data)
	r.others.effort = effort{}
	closes := bytes.Index(data, eventClose) // where the next event ends; -1 for nowhere
	for at := 0; ; {
		start := eventStart(data, at)
		between := data[at:]
		if start >= 0 {
			between = data[at:start]
		}
		if err := r.between(&b, at, between, next); err != nil {
			return err
		}
		if start < 0 {
			break
		}
		if closes >= 0 && closes < start {
			if closes = bytes.Index(data[start:], eventClose); closes >= 0 {
				closes += start
			}
		}
		end := closes - start
		if closes < 0 {
			at = r.resume(data, start+len(eventOpen))
			lost(r.want, &b, start, "event XML without an end", data[start:at])
			continue
		}
		at = start + end + len(eventClose)
		if !soundEvent(data[start:at]) {
			at = r.resume(data, start+len(eventOpen))
			lost(r.want, &b, start, "event XML without an end", data[start:at])
			continue
		}
		if !r.matters(data, start, at) {
			continue
		}
		text := data[start:at]
		if err := r.read(text); err != nil {
			lost(r.want, &b, start, "damaged event XML: "+err.Error(), text)
		}
		if err := r.end(&b, start, text, 0, next); err != nil {
			return err
		}
	}
	return r.push(next)
}

// resume is where the next record begins behind an event without an end.
func (r *eventXML) resume(data []byte, from int) int {
	next := eventStart(data, from)
	if next < 0 {
		next = len(data)
	}
	for at := lineEnd(data, from); at < next; at = lineEnd(data, at) {
		if mayBegin(data[at:]) && data[skipBlank(data, at)] != '<' {
			if f, _ := r.others.effort.recordAt(r.others.formats, data[at:]); f != nil {
				return at
			}
		}
	}
	return next
}

// between reads what stands between two events: a prolog, the <Events> around
// them, or Splunk's text events.
func (r *eventXML) between(b *input.Block, at int, text []byte, next exec.Sink) error {
	told := false
	for len(text) > 0 {
		i := skipBlank(text, 0)
		text, at = text[i:], at+i
		if len(text) > 0 && text[0] != '<' && mayBegin(text) && !splunkHead(text) {
			n, err := r.others.read(b, at, next)
			if err != nil {
				return err
			}
			if n > 0 {
				text, at = text[n:], at+n
				continue
			}
		}
		switch {
		case len(text) == 0:
		case text[0] == '<':
			end := bytes.IndexByte(text, '>')
			if end < 0 {
				lost(r.want, b, at, "text between events", text)
				return nil
			}
			text, at = text[end+1:], at+end+1
		case splunkHead(text):
			return r.splunkText(b, at, text, next)
		default:
			end := bytes.IndexByte(text, '\n')
			if end < 0 {
				end = len(text)
			}
			if !told { // the rest of an event that was cut in two is one loss
				lost(r.want, b, at, "text between events", text[:end])
			}
			told = true
			text, at = text[end:], at+end
		}
	}
	return nil
}

// xmlEvent reads the XML of one event into fields with the names that
// mapping.WindowsField gives them. What has one name and comes more than once is
// one field of JSON text, an array, as it is of an event log file.
type xmlEvent struct {
	*flat
	key    []byte              // scratch
	places map[string]*xmlName // by path, attribute and Name
	names  map[string]*xmlName

	events int // read so far
	texts  []xmlText
}

// xmlName is a flat name, and where the event that is being read has it.
type xmlName struct {
	name        string
	wanted      bool
	event       int // the last that has it
	first, last int // of its texts
}

// xmlText is a text of an event.
type xmlText struct {
	name *xmlName
	raw  []byte
	next int // the next of the name, 0 for none
}

func newXMLEvent(f *flat) xmlEvent {
	return xmlEvent{flat: f, places: map[string]*xmlName{}, names: map[string]*xmlName{}}
}

// read gives the event's fields; an error says where its XML is at fault, the
// fields before it are given.
func (r *xmlEvent) read(x []byte) error {
	r.events++
	r.texts = r.texts[:0]
	err := r.elements(x)
	for i, t := range r.texts {
		switch {
		case t.name.first != i:
		case t.next == 0:
			r.giveText(t.name.name, t.raw)
		default:
			r.giveAll(t)
		}
	}
	return err
}

// add keeps a text until the event has been read.
func (r *xmlEvent) add(n *xmlName, raw []byte) {
	if !n.wanted {
		return
	}
	at := len(r.texts)
	if n.event != r.events {
		n.event, n.first = r.events, at
	} else {
		r.texts[n.last].next = at
	}
	n.last = at
	r.texts = append(r.texts, xmlText{name: n, raw: raw})
}

func (r *xmlEvent) elements(x []byte) error {
	var path [xmlDepthMax][]byte
	depth := 0
	var data []byte // the Name of the open Data element
	bare := false   // the open element has no attributes
	leaf := false   // the open element has had no child
	textAt := 0
	for i := 0; i < len(x); {
		open := bytes.IndexByte(x[i:], '<')
		if open < 0 {
			break
		}
		i += open
		rest := x[i:]
		switch {
		case bytes.HasPrefix(rest, []byte("<!--")):
			end := bytes.Index(rest, []byte("-->"))
			if end < 0 {
				return fmt.Errorf("a comment without an end at byte %d", i)
			}
			i += end + 3
			continue
		case bytes.HasPrefix(rest, []byte("<![CDATA[")):
			end := bytes.Index(rest, []byte("]]>"))
			if end < 0 {
				return fmt.Errorf("a CDATA section without an end at byte %d", i)
			}
			i += end + 3
			continue
		case bytes.HasPrefix(rest, []byte("<?")), bytes.HasPrefix(rest, []byte("<!")):
			end := bytes.IndexByte(rest, '>')
			if end < 0 {
				return fmt.Errorf("a tag without an end at byte %d", i)
			}
			i += end + 1
			continue
		case bytes.HasPrefix(rest, []byte("</")):
			end := bytes.IndexByte(rest, '>')
			if end < 0 {
				return fmt.Errorf("a tag without an end at byte %d", i)
			}
			tag := bytes.TrimRight(rest[2:end], " \t\r\n")
			if depth == 0 || !bytes.Equal(path[depth-1], tag) {
				return fmt.Errorf("</%s> at byte %d closes nothing", tag, i)
			}
			if leaf && depth > 1 {
				r.leaf(path[:depth], data, bare, x[textAt:i])
			}
			depth--
			leaf = false
			i += end + 1
			continue
		}
		// A start tag.
		j := 1
		for j < len(rest) && !isBlank(rest[j]) && rest[j] != '>' && rest[j] != '/' {
			j++
		}
		tag := rest[1:j]
		if depth == xmlDepthMax {
			return fmt.Errorf("more than %d elements inside each other at byte %d", xmlDepthMax, i)
		}
		path[depth] = tag
		depth++
		leaf, bare, data = true, true, nil
		closed := false
		for {
			j = skipBlank(rest, j)
			if j >= len(rest) {
				return fmt.Errorf("a tag without an end at byte %d", i)
			}
			if rest[j] == '>' {
				j++
				break
			}
			if rest[j] == '/' {
				closed = true
				j++
				continue
			}
			start := j
			for j < len(rest) && rest[j] != '=' && rest[j] != '>' && !isBlank(rest[j]) {
				j++
			}
			attr := rest[start:j]
			if j = skipBlank(rest, j); j >= len(rest) || rest[j] != '=' {
				return fmt.Errorf("an attribute without a value at byte %d", i+start)
			}
			if j = skipBlank(rest, j+1); j >= len(rest) || rest[j] != '"' && rest[j] != '\'' {
				return fmt.Errorf("an attribute without quotes at byte %d", i+start)
			}
			end := bytes.IndexByte(rest[j+1:], rest[j])
			if end < 0 {
				return fmt.Errorf("an attribute without an end at byte %d", i+start)
			}
			value := rest[j+1 : j+1+end]
			j += end + 2
			switch {
			case string(attr) == "xmlns" || bytes.HasPrefix(attr, []byte("xmlns:")):
			case string(attr) == "Name" && (string(tag) == "Data" || string(tag) == "ComplexData"):
				data = value
			default:
				bare = false
				if depth > 1 && len(value) > 0 {
					r.add(r.place(path[:depth], attr, nil), value)
				}
			}
		}
		i += j
		textAt = i
		if closed {
			if depth > 1 {
				r.leaf(path[:depth], data, bare, nil)
			}
			depth--
			leaf = false
		}
		if depth == 0 {
			break
		}
	}
	if depth != 0 {
		return fmt.Errorf("<%s> is not closed", path[depth-1])
	}
	return nil
}

func isBlank(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' }

// leaf gives an element without children as a field.
func (r *xmlEvent) leaf(path [][]byte, data []byte, bare bool, raw []byte) {
	if len(path) < 2 {
		return
	}
	if len(bytes.TrimSpace(raw)) == 0 && (string(path[1]) == "System" || !bare) {
		return // TimeCreated, Correlation: what they say is in their attributes
	}
	r.add(r.place(path, nil, data), raw)
}

// place is the flat name of what stands at a path.
func (r *xmlEvent) place(path [][]byte, attr, data []byte) *xmlName {
	key := r.key[:0]
	for _, p := range path {
		key = append(append(key, p...), 0)
	}
	key = append(append(append(key, attr...), 0), data...)
	r.key = key
	if n, ok := r.places[string(key)]; ok {
		return n
	}
	elements := make([]string, len(path))
	for i, p := range path {
		elements[i] = string(p)
	}
	name := mapping.WindowsField(elements, string(attr), string(unescapeXML(nil, data)))
	n, ok := r.names[name]
	if !ok {
		n = &xmlName{name: name, wanted: name != "" && r.wants(name)}
	}
	if len(r.places) < namesMax {
		r.places[string(key)], r.names[name] = n, n
	}
	return n
}

// giveAll gives a field the texts of one name, as a JSON array.
func (r *xmlEvent) giveAll(t xmlText) {
	text := append(r.w.scratch[:0], '[')
	for {
		text = jsondoc.AppendString(text, lend(unescapeXML(nil, t.raw)))
		if t.next == 0 {
			break
		}
		text, t = append(text, ','), r.texts[t.next]
	}
	r.w.scratch = append(text, ']')
	r.give(t.name.name, asList(r.w.arena.keep(r.w.scratch)))
}

func (r *xmlEvent) giveText(name string, raw []byte) {
	if bytes.IndexByte(raw, '&') >= 0 || bytes.IndexByte(raw, '<') >= 0 || !utf8.Valid(raw) {
		r.w.scratch = unescapeXML(r.w.scratch[:0], raw)
		raw = r.w.arena.keep(r.w.scratch)
	}
	r.field(name, raw)
}

// unescapeXML appends the text of XML content: references are resolved, CDATA
// sections opened, comments dropped. A reference that XML does not define stays
// as it is written.
func unescapeXML(dst, raw []byte) []byte {
	raw = bytes.ToValidUTF8(raw, []byte("\uFFFD"))
	for len(raw) > 0 {
		i := bytes.IndexAny(raw, "&<")
		if i < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		raw = raw[i:]
		if raw[0] == '<' {
			switch {
			case bytes.HasPrefix(raw, []byte("<![CDATA[")):
				end := bytes.Index(raw, []byte("]]>"))
				if end < 0 {
					return append(dst, raw[9:]...)
				}
				dst = append(dst, raw[9:end]...)
				raw = raw[end+3:]
			case bytes.HasPrefix(raw, []byte("<!--")):
				end := bytes.Index(raw, []byte("-->"))
				if end < 0 {
					return dst
				}
				raw = raw[end+3:]
			default:
				dst, raw = append(dst, '<'), raw[1:]
			}
			continue
		}
		end := bytes.IndexByte(raw[:min(len(raw), 12)], ';')
		if end < 0 {
			dst, raw = append(dst, '&'), raw[1:]
			continue
		}
		switch ref := string(raw[1:end]); ref {
		case "lt":
			dst = append(dst, '<')
		case "gt":
			dst = append(dst, '>')
		case "amp":
			dst = append(dst, '&')
		case "quot":
			dst = append(dst, '"')
		case "apos":
			dst = append(dst, '\'')
		default:
			r, ok := characterReference(ref)
			if !ok {
				dst, raw = append(dst, '&'), raw[1:]
				continue
			}
			dst = utf8.AppendRune(dst, r)
		}
		raw = raw[end+1:]
	}
	return dst
}

// characterReference reads #10 or #xA.
func characterReference(ref string) (r rune, ok bool) {
	if len(ref) < 2 || ref[0] != '#' {
		return 0, false
	}
	base, digits := rune(10), ref[1:]
	if digits[0] == 'x' || digits[0] == 'X' {
		base, digits = 16, digits[1:]
	}
	for _, c := range []byte(digits) {
		d := rune(99)
		switch {
		case '0' <= c && c <= '9':
			d = rune(c - '0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			d = rune(c|0x20-'a') + 10
		}
		if d >= base || r > utf8.MaxRune {
			return 0, false
		}
		r = r*base + d
	}
	return r, digits != "" && r <= utf8.MaxRune
}
