package evtx

import (
	"unicode/utf8"
)

// AppendXML appends the event as XML on one line, as Windows shows it. Elements
// that hold an array come once for each of its values.
func (ev *Event) AppendXML(dst []byte) []byte {
	if len(ev.Fragments) == 0 {
		return dst
	}
	return ev.fragment(dst, 0)
}

func (ev *Event) fragment(dst []byte, i int) []byte {
	for k := range ev.Fragments[i].nodes {
		dst = ev.node(dst, i, &ev.Fragments[i].nodes[k], false)
	}
	return dst
}

// node appends a node of a fragment, as content of an element or an attribute.
func (ev *Event) node(dst []byte, i int, n *node, attr bool) []byte {
	switch n.kind {
	case nodeText:
		return appendEscaped(dst, n.text, attr)
	case nodeValue:
		v := ev.Fragments[i].Value(n.sub)
		if v.Type == BinXML {
			return ev.nested(dst, i, n.sub)
		}
		return appendValue(dst, v, attr)
	case nodeInstance:
		for j := range ev.Fragments {
			if ev.Fragments[j].inst == n.inst {
				return ev.fragment(dst, j)
			}
		}
		return dst
	}
	missing := false
	n.needs(func(value int) { missing = missing || ev.Fragments[i].Value(value).Type == Null })
	if missing {
		return dst
	}
	// An array that is all of an element makes one element of each value.
	if len(n.nodes) == 1 && n.nodes[0].kind == nodeValue {
		if v := ev.Fragments[i].Value(n.nodes[0].sub); v.Type&Array != 0 && len(v.Data) > 0 {
			for item := range v.Items {
				dst = append(ev.open(dst, i, n), '>')
				dst = appendValue(dst, item, false)
				dst = append(append(append(dst, "</"...), n.name...), '>')
			}
			return dst
		}
	}
	dst = ev.open(dst, i, n)
	if len(n.nodes) == 0 {
		return append(dst, "/>"...)
	}
	dst = append(dst, '>')
	for k := range n.nodes {
		dst = ev.node(dst, i, &n.nodes[k], false)
	}
	return append(append(append(dst, "</"...), n.name...), '>')
}

// open appends a start tag without its end. Attributes that only hold optional
// values, none of which is there, are left out.
func (ev *Event) open(dst []byte, i int, n *node) []byte {
	dst = append(append(dst, '<'), n.name...)
	for _, a := range n.attrs {
		missing := len(a.content) > 0
		for k := range a.content {
			c := &a.content[k]
			missing = missing && c.kind == nodeValue && c.optional && ev.Fragments[i].Value(c.sub).Empty()
		}
		if missing {
			continue
		}
		dst = append(append(append(dst, ' '), a.name...), `="`...)
		for k := range a.content {
			dst = ev.node(dst, i, &a.content[k], true)
		}
		dst = append(dst, '"')
	}
	return dst
}

// nested appends the fragments that are a value of another.
func (ev *Event) nested(dst []byte, parent, value int) []byte {
	for j := parent + 1; j < len(ev.Fragments); j++ {
		if f := &ev.Fragments[j]; f.Parent == parent && f.inst == nil && f.value == value {
			dst = ev.fragment(dst, j)
		}
	}
	return dst
}

func appendValue(dst []byte, v Value, attr bool) []byte {
	at := len(dst)
	dst = v.AppendText(dst)
	for _, c := range dst[at:] {
		if c < ' ' || c == '<' || c == '&' || c == '>' || c == '"' || c == 0xef {
			text := string(dst[at:])
			return appendEscaped(dst[:at], text, attr)
		}
	}
	return dst
}

// appendEscaped appends text as XML. Characters that XML 1.0 does not have
// become U+FFFD, line ends references: an event stays on its line.
func appendEscaped(dst []byte, s string, attr bool) []byte {
	for _, c := range s {
		switch {
		case c == '&':
			dst = append(dst, "&amp;"...)
		case c == '<':
			dst = append(dst, "&lt;"...)
		case c == '>':
			dst = append(dst, "&gt;"...)
		case attr && c == '"':
			dst = append(dst, "&quot;"...)
		case attr && c == '\t', c == '\n', c == '\r':
			dst = append(append(dst, "&#"...), byte('0'+c/10%10), byte('0'+c%10), ';')
		case c < ' ' && c != '\t', c == 0xfffe, c == 0xffff:
			dst = append(dst, "\uFFFD"...)
		default:
			dst = utf8.AppendRune(dst, c)
		}
	}
	return dst
}
