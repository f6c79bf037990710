package format

import (
	"bytes"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// unwrapper gives an event what stands in fields that hold more of it: JSON,
// XML, lines of "Name: value", values without names. Which fields do, the shapes
// of mapping say. It works on a flat reader's event; what the event has itself wins.
type unwrapper struct {
	*flat
	xml     *xmlEvent
	scanner *jsondoc.Scanner // of objects: finds the plan's names
	pairs   *jsondoc.Scanner // of elements of lists: a name and its text

	provider, id mapping.Field
	openings     []mapping.Opening
	opens        map[int][]int // by index of the plan's names: the openings there
	moves        []move

	queue   []opened
	done    []bool // by opening: it has been put on the queue
	unnamed bool   // the event's values have been named
	where   place
}

// place is where an event stands, for messages.
type place struct {
	part *input.Part
	off  int64
}

// move is a mapping.Moved by indexes of the plan's names.
type move struct {
	mark     int
	from, to []int
}

// opened is a field to be opened.
type opened struct {
	at    int // of the openings
	value jsondoc.Value
}

const (
	named = iota // of the pairs: what converters of XML make of <Data Name="a">b</Data>
	namedBare
	namedText
	namedValue
)

func newUnwrapper(f *flat) *unwrapper {
	u := &unwrapper{flat: f, opens: map[int][]int{}, openings: f.Opens(), provider: f.from.provider, id: f.from.id}
	u.done = make([]bool, len(u.openings))
	for i, o := range u.openings {
		u.opens[o.At] = append(u.opens[o.At], i)
	}
	mapping.Moves(func(mark string, m mapping.Moved) {
		at, ok := f.At(mark)
		if !ok {
			return
		}
		u.moves = append(u.moves, move{at, f.folded[strings.ToLower(m.From)], f.folded[strings.ToLower(m.To)]})
	})
	return u
}

// event opens the fields of the flat reader's event. text is the event's own.
func (u *unwrapper) event(text []byte, where place) {
	u.where, u.unnamed = where, false
	u.opened = true
	defer func() { u.opened = false }()
	clear(u.done)
	for _, i := range u.given {
		u.exact[i] = true // the event's own fields win
	}
	u.queue = u.queue[:0]
	for i, o := range u.openings {
		if v := u.vals[o.At]; v.Kind > jsondoc.Null {
			u.enqueue(i, v)
		}
	}
	u.move()
	u.drain(text)
	if !u.told(u.vals, u.w) && signed(text) {
		u.seek(text)
	}
	// What has the names last: they are told by the event's provider and number.
	for _, as := range []mapping.Reading{mapping.Unnamed, mapping.Rendered, mapping.Alone} {
		for i := range u.openings {
			if o := &u.openings[i]; o.As == as && o.Holds(u.vals) && u.vals[o.At].Kind > jsondoc.Null {
				u.last(as, u.vals[o.At])
			}
		}
	}
}

// drain opens the fields of the queue, and those that are found in them.
func (u *unwrapper) drain(text []byte) {
	for n := 0; n < len(u.queue) && n < openedMax; n++ {
		u.open(u.queue[n], text)
	}
	u.queue = u.queue[:0]
}

// move gives fields that mean something else than their names say elsewhere their
// own names.
func (u *unwrapper) move() {
	for _, m := range u.moves {
		if u.vals[m.mark].Kind == jsondoc.Missing {
			continue
		}
		for _, from := range m.from {
			v := u.vals[from]
			u.vals[from] = jsondoc.Value{}
			for _, to := range m.to {
				if v.Kind > jsondoc.Null && u.vals[to].Kind == jsondoc.Missing {
					u.put(to, v)
				}
			}
		}
	}
}

// seek looks for the event in the values of one that says no event's number: what
// ships or stores an event may wrap it in anything. The outermost counts.
func (u *unwrapper) seek(text []byte) {
	switch i := skipBlank(text, 0); {
	case len(u.pieces) > 0:
		for _, p := range u.pieces {
			if !u.told(u.vals, u.w) && signed(p) {
				u.anywhere(p)
			}
		}
	case i < len(text) && text[i] == '{':
		u.seekIn(text[i:])
	default:
		u.anywhere(text)
	}
	u.move()
	u.drain(text)
}

// soughtMax is how many objects and texts of an event are looked into.
const soughtMax = 256

func (u *unwrapper) seekIn(object []byte) {
	if u.scanner == nil {
		u.scanner = u.Document(true)
	}
	next := [][]byte{object}
	for n := 0; n < len(next) && n < soughtMax; n++ {
		look := func(v jsondoc.Value) {
			switch {
			case len(next) >= soughtMax || u.told(u.vals, u.w) || !signed(v.Raw):
			case v.Kind == jsondoc.Container && v.Raw[0] == '{':
				if vals, err := u.scanner.Scan(v.Raw); err == nil && u.told(vals, u.w) {
					u.object(v.Raw, false, false)
				} else {
					next = append(next, v.Raw)
				}
			case v.Kind == jsondoc.Container:
				next = append(next, v.Raw)
			case v.Kind == jsondoc.String:
				raw := v.Raw
				if !v.Plain() {
					raw = u.w.arena.unescape(raw)
				}
				raw = bytes.TrimLeft(raw, "\ufeff \t\r\n")
				if len(raw) > 0 && (raw[0] == '{' || raw[0] == '[') {
					u.more(raw, mapping.Whole)
					if next = append(next, raw); !isJSON(raw) {
						next = next[:len(next)-1]
						u.anywhere(raw)
					}
				} else {
					u.anywhere(raw)
				}
			}
		}
		if c := next[n]; c[0] == '[' {
			eachElement(c, look)
		} else {
			eachMember(c, func(_ []byte, v jsondoc.Value) { look(v) })
		}
	}
}

// anywhere reads the event that stands somewhere in a text.
func (u *unwrapper) anywhere(text []byte) {
	text = bytes.TrimRight(text, " \t\r\n\x00")
	if at := eventStart(text, 0); at >= 0 {
		u.xmlText(text[at:], mapping.Whole)
		return
	}
	if u.tabbed(text) {
		return
	}
	for at, n := 0, 0; n < bracesMax; n++ {
		i := bytes.IndexByte(text[at:], '{')
		if i < 0 {
			break
		}
		if at += i; opensObject(text, at) {
			if end := objectEnd(text, at); end > 0 && isObject(text[at:end]) {
				if u.more(text[at:end], mapping.Whole); !u.told(u.vals, u.w) {
					u.seekIn(text[at:end])
				}
				return
			}
		}
		at++
	}
	u.more(text, mapping.Whole)
}

// opensObject reports whether a brace may open an object of JSON.
func opensObject(text []byte, at int) bool {
	i := skipBlank(text, at+1)
	return i < len(text) && (text[i] == '"' || text[i] == '}')
}

// bracesMax is how many braces of a text are looked at for an object.
const bracesMax = 16

// isJSON reports whether a text begins with a sound object or array.
func isJSON(raw []byte) bool {
	end := objectEnd(raw, 0)
	return end > 0 && (raw[0] == '{' && isObject(raw[:end]) || raw[0] == '[' && jsondoc.Valid(raw[:end]) == nil)
}

// put gives the event a value by the index of its name.
func (u *unwrapper) put(i int, v jsondoc.Value) {
	u.vals[i], u.exact[i] = v, true
	u.given = append(u.given, i)
}

func (u *unwrapper) enqueue(i int, v jsondoc.Value) {
	if as := u.openings[i].As; as != mapping.Unnamed && as != mapping.Rendered && as != mapping.Alone {
		u.queue = append(u.queue, opened{i, v})
	}
}

// open reads one field.
func (u *unwrapper) open(q opened, text []byte) {
	o := u.openings[q.at]
	// The value may be of an object inside: it is told by what the event has so far.
	outer := u.vals[o.At]
	u.vals[o.At] = q.value
	holds := o.Holds(u.vals)
	u.vals[o.At] = outer
	if !holds {
		return
	}
	switch {
	case o.As == mapping.Prefixed:
		u.prefixed(text)
	case o.As == mapping.Lines:
		u.nameLines(q.value)
	case q.value.Kind != jsondoc.Container:
		u.text(q.value, o.As)
	case q.value.Raw[0] == '[':
		u.list(q.value.Raw, o.As)
	case o.As == mapping.Element:
		u.element(q.value.Raw)
	default:
		u.object(q.value.Raw, o.As == mapping.Listed, false)
	}
}

// nameLines reads lines of "Name: value". What comes behind a line without a name
// is a part of the value before it.
func (u *unwrapper) nameLines(v jsondoc.Value) {
	text := v.Raw
	if v.Kind == jsondoc.String && !v.Plain() {
		text = u.w.arena.unescape(text)
	}
	name, start := "", 0
	for at := 0; at <= len(text); {
		end := lineEnd(text, at)
		if n, _, ok := bytes.Cut(text[at:end], []byte(": ")); ok && isKey(n) || at >= len(text) {
			if name != "" {
				u.field(name, lineValue(text[start:at]))
			}
			name, start = string(n), at+len(n)+1
		}
		if at >= len(text) {
			break
		}
		at = end
	}
}

// text reads a text that holds more: JSON, XML, Splunk's or the legacy text.
func (u *unwrapper) text(v jsondoc.Value, as mapping.Reading) {
	if !mapping.BeginsMore(v) {
		return
	}
	raw := v.Raw
	if v.Kind == jsondoc.String && !v.Plain() {
		raw = u.w.arena.unescape(raw)
	}
	u.more(bytes.TrimLeft(raw, "\ufeff \t\r\n"), as)
}

// more reads what a text is.
func (u *unwrapper) more(raw []byte, as mapping.Reading) {
	switch {
	case len(raw) == 0:
	case raw[0] == '{':
		if as == mapping.Element {
			u.element(raw)
		} else {
			u.object(raw, false, true)
		}
	case raw[0] == '[':
		u.list(raw, as)
	case raw[0] == '<':
		u.xmlText(raw, as)
	case splunkHead(raw):
		u.splunkFields(raw)
	case bytes.HasPrefix(raw, legacyOpen):
		(&legacy{u.flat}).instance(bytes.TrimSpace(raw))
	}
}

// object gives the fields of an object. inText says that no one else sees them.
func (u *unwrapper) object(raw []byte, listed, inText bool) {
	if u.scanner == nil {
		u.scanner = u.Document(true)
	}
	vals, err := u.scanner.Scan(raw)
	if err != nil {
		return // text that is no JSON after all
	}
	for _, i := range u.scanner.Found() {
		v := vals[i]
		if listed {
			v = only(v)
		}
		if v.Kind <= jsondoc.Null || slices.Contains(u.Tops, i) {
			continue
		}
		for _, at := range u.opens[i] {
			u.enqueue(at, v)
		}
		if u.vals[i].Kind <= jsondoc.Null || !u.exact[i] {
			u.put(i, v)
		}
	}
	if inText && u.all {
		_ = jsondoc.Flatten(raw, jsondoc.FlattenOptions{}, func(name []byte, v jsondoc.Value) {
			if t := u.target(lend(name)); t != nil && t.slot != event.None && len(t.index) == 0 {
				u.give(lend(name), v)
			}
		})
	}
}

// element gives the fields of the objects in an object: UserData's one element.
func (u *unwrapper) element(raw []byte) {
	eachMember(raw, func(name []byte, v jsondoc.Value) {
		switch {
		case len(name) > 0 && (name[0] == '#' || name[0] == '@'):
		case v.Kind == jsondoc.Container && v.Raw[0] == '{':
			u.members(v.Raw)
		}
	})
}

// members gives an object's members as fields.
func (u *unwrapper) members(raw []byte) {
	eachMember(raw, func(name []byte, v jsondoc.Value) {
		if len(name) == 0 || name[0] == '#' || name[0] == '@' {
			return
		}
		if v.Kind == jsondoc.Container && v.Raw[0] == '{' {
			if text := textOf(v.Raw); text.Kind != jsondoc.Missing {
				v = text
			}
		}
		u.give(lend(name), v)
	})
}

// textOf is the text of an element with attributes.
func textOf(object []byte) (text jsondoc.Value) {
	eachMember(object, func(name []byte, v jsondoc.Value) {
		if string(name) == "#text" {
			text = v
		}
	})
	return text
}

// list reads an array: names and their texts, or one event in a list.
func (u *unwrapper) list(raw []byte, as mapping.Reading) {
	if u.pairs == nil {
		u.pairs = jsondoc.NewScanner(jsondoc.Want{Names: []string{"@Name", "Name", "#text", "Value"}})
	}
	n := 0
	eachElement(raw, func(jsondoc.Value) { n++ })
	eachElement(raw, func(v jsondoc.Value) {
		if v.Kind != jsondoc.Container || v.Raw[0] != '{' {
			if n == 1 && v.Kind == jsondoc.String {
				u.text(v, as)
			}
			return
		}
		vals, err := u.pairs.Scan(v.Raw)
		if err != nil {
			return
		}
		name := vals[named]
		if name.Kind != jsondoc.String && (vals[namedText].Kind != jsondoc.Missing || vals[namedValue].Kind != jsondoc.Missing) {
			name = vals[namedBare]
		}
		switch {
		case name.Kind == jsondoc.String:
			text := vals[namedText]
			if text.Kind == jsondoc.Missing {
				text = vals[namedValue]
			}
			if text.Kind == jsondoc.Missing {
				text = jsondoc.Value{Kind: jsondoc.String, Raw: []byte{}}
			}
			u.give(string(name.AppendText(nil)), text)
		case n == 1 && (as == mapping.Whole || as == mapping.Listed):
			u.object(v.Raw, as == mapping.Listed, false)
		case as == mapping.Whole || as == mapping.Text || as == mapping.Element:
			u.members(v.Raw)
		}
	})
}

// prefixed gives the event's own fields without what stands before their names.
func (u *unwrapper) prefixed(text []byte) {
	_ = jsondoc.Flatten(text, jsondoc.FlattenOptions{}, func(name []byte, v jsondoc.Value) {
		if bare, ok := mapping.Unprefixed(lend(name)); ok && u.wants(bare) {
			u.give(bare, v)
		}
	})
}

// xmlText reads XML: an event, its data alone, or a run of elements of either.
func (u *unwrapper) xmlText(raw []byte, as mapping.Reading) {
	if u.xml == nil {
		xml := newXMLEvent(u.flat)
		u.xml = &xml
	}
	x := raw
	if at := eventStart(raw, 0); at >= 0 {
		x = raw[at:]
	} else if as == mapping.Element && !bytes.HasPrefix(raw, []byte("<UserData")) {
		x = u.inEvent("UserData", raw)
	} else if part := xmlElement(raw, "EventData"); part != nil {
		x = u.inEvent("", part)
	} else if part := xmlElement(raw, "UserData"); part != nil {
		x = u.inEvent("", part)
	} else if bytes.HasPrefix(raw, []byte("<Data")) || bytes.HasPrefix(raw, []byte("<ComplexData")) || bytes.HasPrefix(raw, []byte("<Binary")) {
		x = u.inEvent("EventData", raw)
	} else {
		return // XML of another kind
	}
	if err := u.xml.read(x); err != nil && u.where.part != nil {
		lost(u.want, &input.Block{Part: u.where.part, Offset: u.where.off}, 0, "damaged event XML: "+err.Error(), x)
	}
}

// inEvent puts a part of an event's XML into one.
func (u *unwrapper) inEvent(section string, part []byte) []byte {
	x := append(u.w.Scratch(), "<Event>"...)
	if section != "" {
		x = append(append(append(x, '<'), section...), '>')
	}
	x = append(x, part...)
	if section != "" {
		x = append(append(append(x, "</"...), section...), '>')
	}
	u.w.scratch = append(x, "</Event>"...)
	return u.w.arena.keep(u.w.scratch)
}

// xmlElement finds an element in XML; nil when it is not there.
func xmlElement(raw []byte, name string) []byte {
	start := bytes.Index(raw, []byte("<"+name))
	if start < 0 || start+len(name)+1 >= len(raw) || !isBlank(raw[start+len(name)+1]) && raw[start+len(name)+1] != '>' && raw[start+len(name)+1] != '/' {
		return nil
	}
	end := bytes.Index(raw[start:], []byte("</"+name+">"))
	if end < 0 {
		return nil
	}
	return raw[start : start+end+len(name)+3]
}

// last reads what needs the event's provider and number: a list of values
// without names, and the message.
func (u *unwrapper) last(as mapping.Reading, v jsondoc.Value) {
	id := string(u.id.Find(u.vals, u.w).AppendText(nil))
	if as != mapping.Unnamed {
		if !u.unnamed {
			text := v.Raw
			if v.Kind == jsondoc.String && !v.Plain() {
				text = u.w.arena.unescape(text)
			}
			u.message(id, text)
		}
		return
	}
	var values []jsondoc.Value
	if mapping.IsParams(v) {
		text := v.Raw
		if v.Kind == jsondoc.String && !v.Plain() {
			text = u.w.arena.unescape(text)
		}
		for {
			_, rest, ok := bytes.Cut(text, []byte("<Param>"))
			value, next, end := bytes.Cut(rest, []byte("</Param>"))
			if !ok || !end {
				break
			}
			values, text = append(values, asIs(u.w.arena.keep(unescapeXML(nil, value)))), next
		}
		v = jsondoc.Value{}
	}
	if v.Kind == jsondoc.Container && v.Raw[0] == '{' { // mapping.IsCounted
		list := jsondoc.Value{}
		eachMember(v.Raw, func(name []byte, m jsondoc.Value) {
			if string(name) == "value" {
				list = m
			}
		})
		v = list
	}
	eachElement(v.Raw, func(v jsondoc.Value) {
		if v.Kind == jsondoc.Container && v.Raw[0] == '{' { // {"Value": ...}, of which the value may be {"Value": ...}
			for range 2 {
				inner := jsondoc.Value{}
				eachMember(v.Raw, func(name []byte, m jsondoc.Value) {
					if string(name) == "Value" {
						inner = m
					}
				})
				if v = inner; v.Kind != jsondoc.Container || v.Raw[0] != '{' {
					break
				}
			}
		}
		values = append(values, v)
	})
	names := mapping.Template(string(u.provider.Find(u.vals, u.w).AppendText(nil)), id, len(values))
	for i, name := range names {
		if bytes.HasPrefix(values[i].Raw, []byte("System.Diagnostics.Eventing.")) {
			return // what ConvertTo-Json writes below its depth
		}
		u.unnamed = true
		if values[i].Kind > jsondoc.Null {
			u.give(name, values[i])
		}
	}
}

// only is the one value of a list; any other value is itself.
func only(v jsondoc.Value) jsondoc.Value {
	if v.Kind != jsondoc.Container || v.Raw[0] != '[' {
		return v
	}
	n, one := 0, jsondoc.Value{}
	eachElement(v.Raw, func(e jsondoc.Value) { n, one = n+1, e })
	if n == 1 {
		return one
	}
	return v
}

// eachElement calls each for the elements of an array, which has been read before.
func eachElement(raw []byte, each func(jsondoc.Value)) {
	for i := skipBlank(raw, 1); i < len(raw) && raw[i] != ']'; {
		v, end := jsonValue(raw, i)
		if end < 0 {
			return
		}
		each(v)
		if i = skipBlank(raw, end); i < len(raw) && raw[i] == ',' {
			i = skipBlank(raw, i+1)
		}
	}
}

// eachMember calls each for the members of an object, which has been read before.
func eachMember(raw []byte, each func(name []byte, v jsondoc.Value)) {
	for i := skipBlank(raw, 1); i < len(raw) && raw[i] == '"'; {
		key, end := jsonValue(raw, i)
		if end < 0 {
			return
		}
		if i = skipBlank(raw, end); i >= len(raw) || raw[i] != ':' {
			return
		}
		v, end := jsonValue(raw, skipBlank(raw, i+1))
		if end < 0 {
			return
		}
		each(key.AppendText(nil), v)
		if i = skipBlank(raw, end); i < len(raw) && raw[i] == ',' {
			i = skipBlank(raw, i+1)
		}
	}
}

// jsonValue is the value at i of JSON that has been read before, and where it
// ends; -1 when it does not.
func jsonValue(raw []byte, i int) (v jsondoc.Value, end int) {
	if i >= len(raw) {
		return v, -1
	}
	switch raw[i] {
	case '{', '[':
		if end = objectEnd(raw, i); end < 0 {
			return v, -1
		}
		return jsondoc.Value{Kind: jsondoc.Container, Raw: raw[i:end:end]}, end
	case '"':
		for end = i + 1; end < len(raw) && raw[end] != '"'; end++ {
			if raw[end] == '\\' {
				end++
			}
		}
		if end >= len(raw) {
			return v, -1
		}
		return jsondoc.Value{Kind: jsondoc.String, Raw: raw[i+1 : end : end]}, end + 1
	}
	for end = i; end < len(raw) && bytes.IndexByte([]byte(",]} \t\r\n"), raw[end]) < 0; end++ {
	}
	v = jsondoc.Value{Kind: jsondoc.Number, Raw: raw[i:end:end]}
	switch {
	case end == i:
		return v, -1
	case raw[i] == 'n':
		v.Kind = jsondoc.Null
	case raw[i] == 't' || raw[i] == 'f':
		v.Kind = jsondoc.Bool
	}
	return v, end
}
