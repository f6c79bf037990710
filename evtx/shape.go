package evtx

import (
	"encoding/binary"
	"unicode"
)

// A fragment that a record holds itself, without a template, is read as if it
// had one: its elements, attributes and names are its shape, of which a template
// is made once, and its texts are the values. Some providers (CAPI2) write all
// of their events so, in few shapes.

// nameSlot is a place of the table of names by their offset in the chunk.
type nameSlot struct {
	chunk, off uint32
	knownName
}

// knownName is a name of elements or attributes as shapes know it.
type knownName struct {
	id   uint32
	size uint32 // of its UTF-16 with the count
	kind nameKind
}

type nameKind uint8

const (
	dataName  nameKind = 1 << iota // of an element whose Name says which field it is
	keyName                        // of the attribute that says it
	spaceName                      // of the attribute that is a namespace
	noName                         // that XML does not allow
)

// shaped returns the template made of the fragment at an offset, and appends its
// texts to the values. nil when it is out of the ordinary, or damaged.
func (d *Decoder) shaped(at, end, depth int, depend bool) *Template {
	first := len(d.vals)
	d.shape = d.shape[:0]
	if _, ok := d.outline(at, end, depth, depend); !ok {
		d.vals = d.vals[:first]
		return nil
	}
	if t, ok := d.shapes[string(d.shape)]; ok {
		return t
	}
	p := parser{Decoder: d, lift: true}
	content, _, err := p.content(at, end, depth, depend)
	if err != nil || p.lifted != len(d.vals)-first {
		d.vals = d.vals[:first]
		return nil
	}
	t := newTemplate(content)
	if d.shapeBytes += len(d.shape); d.shapeBytes > shapeBytesMax {
		clear(d.shapes)
		d.shapeBytes = len(d.shape)
	}
	d.shapes[string(d.shape)] = t
	return t
}

// outline appends what tells a fragment's shape from others, and its texts to
// the values. It goes the way of parser.content; ok is false where that would
// find damage or anything else than elements and text.
func (d *Decoder) outline(at, end, depth int, depend bool) (next int, ok bool) {
	if depth > depthMax {
		return 0, false
	}
	for at < end {
		switch token := d.data[at] &^ tokenMore; token {
		case tokenEnd:
			d.shape = append(d.shape, token)
			return at + 1, true
		case tokenClose:
			d.shape = append(d.shape, token)
			return at, true
		case tokenFragment:
			at += fragmentHeadBytes
		case tokenOpen:
			if at, ok = d.outlineElement(at, end, depth, depend); !ok {
				return 0, false
			}
		default:
			if at, ok = d.outlinePiece(at, end, false); !ok {
				return 0, false
			}
		}
	}
	d.shape = append(d.shape, tokenEnd)
	return at, true
}

func (d *Decoder) outlineElement(at, end, depth int, depend bool) (next int, ok bool) {
	if depend != d.depends(at, end, depend) {
		depend = !depend
	}
	more := d.data[at]&tokenMore != 0
	at++
	if depend {
		at += 2
	}
	if at+8 > end {
		return 0, false
	}
	size := int(u32(d.data, at))
	if at += 4; size > end-at {
		return 0, false
	}
	end = at + size
	d.shape = append(d.shape, tokenOpen)
	element, at, ok := d.outlineName(at, end)
	if !ok {
		return 0, false
	}
	if more {
		if at+4 > end {
			return 0, false
		}
		at += 4
		for at < end && d.data[at]&^tokenMore == tokenAttribute {
			d.shape = append(d.shape, tokenAttribute)
			var attr nameKind
			if attr, at, ok = d.outlineName(at+1, end); !ok {
				return 0, false
			}
			fixed := element&dataName != 0 && attr&keyName != 0 || attr&spaceName != 0
			for at < end && attributeContent(d.data[at]) {
				if at, ok = d.outlinePiece(at, end, fixed); !ok {
					return 0, false
				}
			}
		}
	}
	if at >= end {
		return 0, false
	}
	switch d.data[at] {
	case tokenCloseEmpty:
		d.shape = append(d.shape, tokenCloseEmpty)
		return at + 1, true
	case tokenCloseStart:
		d.shape = append(d.shape, tokenCloseStart)
		if at, ok = d.outline(at+1, end, depth+1, depend); !ok || at >= end || d.data[at] != tokenClose {
			return 0, false
		}
		return at + 1, true
	}
	return 0, false
}

// outlinePiece is outline of text. fixed text is part of the shape.
func (d *Decoder) outlinePiece(at, end int, fixed bool) (next int, ok bool) {
	token := d.data[at] &^ tokenMore
	at++
	d.shape = append(d.shape, token)
	switch token {
	case tokenText:
		if at+3 > end || Type(d.data[at]) != String {
			return 0, false
		}
		at++
		fallthrough
	case tokenCDATA:
		if at+2 > end {
			return 0, false
		}
		n := 2 * int(u16(d.data, at))
		if at += 2; n > end-at {
			return 0, false
		}
		text := d.data[at : at+n]
		if token == tokenCDATA || fixed || blank16(text) {
			d.shape = binary.LittleEndian.AppendUint16(d.shape, uint16(n/2))
			d.shape = append(append(d.shape, 1), text...)
		} else {
			d.shape = append(d.shape, 0, 0, 0)
			d.vals = append(d.vals, Value{text, String})
		}
		return at + n, true
	case tokenCharacter:
		if at+2 > end {
			return 0, false
		}
		d.shape = append(d.shape, d.data[at:at+2]...)
		return at + 2, true
	case tokenEntity:
		_, at, ok = d.outlineName(at, end)
		return at, ok
	}
	return 0, false
}

func (d *Decoder) outlineName(at, end int) (kind nameKind, next int, ok bool) {
	if at+4 > end {
		return 0, 0, false
	}
	n, next, ok := d.knownName(at, end)
	d.shape = binary.LittleEndian.AppendUint32(d.shape, n.id)
	return n.kind, next, ok
}

// knownName reads the name whose offset stands at an offset that has room for it,
// and returns where it goes on.
func (d *Decoder) knownName(at, end int) (n knownName, next int, ok bool) {
	off := u32(d.data, at)
	s := &d.nameSlots[off*2654435769>>(32-slotBits)]
	if s.chunk != d.chunk || s.off != off {
		raw, ok := d.rawName(int(off))
		if !ok {
			return n, 0, false
		}
		*s = nameSlot{d.chunk, off, d.nameOf(raw)}
	}
	if next = at + 4; int(off) == next {
		next += nameHeadBytes + int(s.size) + 2
	}
	return s.knownName, next, s.kind != noName && next <= end
}

// nameOf numbers a name.
func (d *Decoder) nameOf(raw []byte) knownName {
	if n, ok := d.nameIDs[string(raw)]; ok {
		return n
	}
	n := knownName{id: uint32(len(d.nameIDs)), size: uint32(len(raw))}
	switch s := string(AppendUTF16(nil, raw[2:])); {
	case keyed(s):
		n.kind = dataName
	case s == "Name":
		n.kind = keyName
	case isNamespace(s):
		n.kind = spaceName
	case !isName(s):
		n.kind = noName
	}
	d.nameIDs[string(raw)] = n
	return n
}

// blank16 reports whether UTF-16 is nothing but white space.
func blank16(text []byte) bool {
	for ; len(text) >= 2; text = text[2:] {
		if !unicode.IsSpace(rune(u16(text, 0))) {
			return false
		}
	}
	return true
}
