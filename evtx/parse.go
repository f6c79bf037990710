package evtx

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// The tokens of binary XML; more is added to some of them.
const (
	tokenEnd          = 0x00
	tokenOpen         = 0x01
	tokenCloseStart   = 0x02
	tokenCloseEmpty   = 0x03
	tokenClose        = 0x04
	tokenText         = 0x05
	tokenAttribute    = 0x06
	tokenCDATA        = 0x07
	tokenCharacter    = 0x08
	tokenEntity       = 0x09
	tokenTarget       = 0x0a
	tokenInstruction  = 0x0b
	tokenInstance     = 0x0c
	tokenValue        = 0x0d
	tokenOptional     = 0x0e
	tokenFragment     = 0x0f
	tokenMore         = 0x40
	fragmentHeadBytes = 4
)

// noDependency is the dependency identifier of an element that is always there.
const noDependency = 0xffff

// DamageError is a place where the file is not as the format says.
type DamageError struct {
	Offset int // in the chunk
	What   string
}

func (e *DamageError) Error() string {
	return fmt.Sprintf("%s at 0x%x of the chunk", e.What, e.Offset)
}

func damaged(at int, what string) error { return &DamageError{at, what} }

type nodeKind uint8

const (
	nodeElement nodeKind = iota
	nodeText
	nodeValue
	nodeInstance
)

// node is a part of a fragment: an element, text, or what stands for a value.
type node struct {
	kind     nodeKind
	optional bool // nodeValue: an element or attribute that only holds it goes with it
	sub      int  // nodeValue: which one
	depends  int  // nodeElement: a value that it is left out without, or -1
	root     bool // of its fragment
	name     string
	text     string
	attrs    []attribute
	nodes    []node
	inst     *instance
}

type attribute struct {
	name    string
	content []node
}

// instance is a template with the values that go into it.
type instance struct {
	template *Template
	values   []Value
	holds    bool // some value is a fragment
}

// nameRef is a place in a template's body that holds the offset of a name.
type nameRef struct {
	at     int
	inline bool
	name   []byte // length and UTF-16, as in the chunk
}

// parser reads binary XML of the chunk that its Decoder is at.
type parser struct {
	*Decoder
	refs  []nameRef // names of the body that is being read
	fixed bool      // nothing but names depends on the chunk
	body  bool      // it is a template's: values go into it
	// lift makes values of texts, the first of which is number lifted; see shaped.
	lift   bool
	lifted int
}

func (p *parser) count(at int) error {
	if p.nodes++; p.nodes > nodesMax {
		return damaged(at, "more elements than there is room for")
	}
	return nil
}

// name reads the name whose offset stands at an offset, and returns where it
// goes on. A name that was not met before in its chunk is written in place.
func (p *parser) name(at, end int) (string, int, error) {
	if at+4 > end {
		return "", 0, damaged(at, "no room for a name")
	}
	off := int(u32(p.data, at))
	raw, ok := p.rawName(off)
	if !ok {
		return "", 0, damaged(at, "name that is not in the chunk")
	}
	ref := nameRef{at: at, name: raw, inline: off == at+4}
	next := at + 4
	if ref.inline {
		next = off + nameHeadBytes + len(raw) + 2 // its NUL
		if next > end {
			return "", 0, damaged(at, "name longer than its element")
		}
	}
	name := p.intern(raw[2:])
	if name == "" {
		return "", 0, damaged(off, "name that XML does not allow")
	}
	p.refs = append(p.refs, ref)
	return name, next, nil
}

// nameHeadBytes is what stands before a name's count: the offset of the next
// name of its hash and the hash.
const nameHeadBytes = 6

// rawName is a name's count and UTF-16.
func (d *Decoder) rawName(off int) ([]byte, bool) {
	if off < chunkHeaderBytes || off+nameHeadBytes+2 > len(d.data) {
		return nil, false
	}
	n := int(u16(d.data, off+nameHeadBytes))
	start := off + nameHeadBytes
	end := start + 2 + 2*n
	if n == 0 || end > len(d.data) {
		return nil, false
	}
	return d.data[start:end], true
}

// intern makes a string of a name's UTF-16, the same one for equal names; "" where
// it is none: a template that was overwritten has such.
func (d *Decoder) intern(text []byte) string {
	d.scratch = AppendUTF16(d.scratch[:0], text)
	if s, ok := d.names[string(d.scratch)]; ok {
		return s
	}
	if len(d.names) >= namesMax {
		clear(d.names)
	}
	s := strings.Clone(string(d.scratch))
	d.names[s] = s
	if !isName(s) {
		d.names[s] = ""
	}
	return d.names[s]
}

// isName reports whether XML allows a name; beyond ASCII any letter, mark or
// digit will do.
func isName(s string) bool {
	for i, c := range s {
		switch {
		case c == '_' || c == ':' || unicode.IsLetter(c):
		case i > 0 && (c == '-' || c == '.' || unicode.IsDigit(c) || unicode.IsMark(c) || c == '·'):
		default:
			return false
		}
	}
	return s != ""
}

// content reads nodes up to the end of their element or fragment. depend says
// that elements have a dependency identifier, as they do outside of values.
func (p *parser) content(at, end, depth int, depend bool) ([]node, int, error) {
	var nodes []node
	if depth > depthMax {
		return nil, 0, damaged(at, "elements nested too deep")
	}
	for at < end {
		if err := p.count(at); err != nil {
			return nil, 0, err
		}
		token := p.data[at]
		switch token &^ tokenMore {
		case tokenEnd:
			return nodes, at + 1, nil
		case tokenClose:
			return nodes, at, nil
		case tokenFragment:
			at += fragmentHeadBytes
		case tokenOpen:
			n, next, err := p.element(at, end, depth, depend)
			if err != nil {
				return nil, 0, err
			}
			nodes, at = append(nodes, n), next
		default:
			n, next, err := p.piece(at, end, depth)
			if err != nil {
				return nil, 0, err
			}
			nodes, at = append(nodes, n), next
		}
	}
	return nodes, at, nil
}

// element reads an element from its opening token.
func (p *parser) element(at, end, depth int, depend bool) (n node, next int, err error) {
	start := at
	if depend != p.depends(at, end, depend) {
		depend = !depend
	}
	more := p.data[at]&tokenMore != 0
	at++
	n.depends = -1
	if depend {
		at += 2
	}
	if at+8 > end {
		return n, 0, damaged(start, "element cut short")
	}
	if depend && p.body {
		if on := u16(p.data, at-2); on != noDependency {
			n.depends = int(on)
		}
	}
	size := int(u32(p.data, at))
	at += 4
	if size > end-at {
		return n, 0, damaged(start, "element longer than what holds it")
	}
	end = at + size
	if n.name, at, err = p.name(at, end); err != nil {
		return n, 0, err
	}
	if more {
		if at+4 > end {
			return n, 0, damaged(start, "attributes cut short")
		}
		at += 4 // their size; they end where no more begins
		for at < end && p.data[at]&^tokenMore == tokenAttribute {
			if err := p.count(at); err != nil {
				return n, 0, err
			}
			var a attribute
			if a.name, at, err = p.name(at+1, end); err != nil {
				return n, 0, err
			}
			lift := p.lift
			p.lift = lift && !isNamespace(a.name) && !(a.name == "Name" && keyed(n.name))
			for at < end && attributeContent(p.data[at]) {
				if err := p.count(at); err != nil {
					return n, 0, err
				}
				var c node
				if c, at, err = p.piece(at, end, depth); err != nil {
					return n, 0, err
				}
				a.content = append(a.content, c)
			}
			p.lift = lift
			n.attrs = append(n.attrs, a)
		}
	}
	if at >= end {
		return n, 0, damaged(start, "element without an end")
	}
	switch p.data[at] {
	case tokenCloseEmpty:
		return n, at + 1, nil
	case tokenCloseStart:
		if n.nodes, at, err = p.content(at+1, end, depth+1, depend); err != nil {
			return n, 0, err
		}
		if at >= end || p.data[at] != tokenClose {
			return n, 0, damaged(at, "element without an end")
		}
		return n, at + 1, nil
	}
	return n, 0, damaged(at, fmt.Sprintf("token 0x%02x where an element should open", p.data[at]))
}

// depends reports whether the element at an offset has a dependency identifier.
// It is told by where the element stands; some writers do otherwise, and then
// its size and name make sense only the other way.
func (d *Decoder) depends(at, end int, expected bool) bool {
	if d.plausible(at, end, expected) || !d.plausible(at, end, !expected) {
		return expected
	}
	return !expected
}

func (d *Decoder) plausible(at, end int, depend bool) bool {
	at++
	if depend {
		at += 2
	}
	if at+8 > end || int(u32(d.data, at)) > end-at-4 {
		return false
	}
	_, ok := d.rawName(int(u32(d.data, at+4)))
	return ok
}

func attributeContent(token byte) bool {
	switch token &^ tokenMore {
	case tokenText, tokenCharacter, tokenEntity, tokenValue, tokenOptional, tokenCDATA:
		return true
	}
	return false
}

// piece reads what may stand between elements and in attributes.
func (p *parser) piece(at, end, depth int) (n node, next int, err error) {
	start := at
	token := p.data[at] &^ tokenMore
	at++
	switch token {
	case tokenText:
		if at >= end {
			return n, 0, damaged(start, "text cut short")
		}
		if t := Type(p.data[at]); t != String {
			return n, 0, damaged(start, fmt.Sprintf("text of type 0x%02x", t))
		}
		text, at, err := p.text(at+1, end)
		if p.lift && !blank16(text) {
			p.lifted++
			return node{kind: nodeValue, sub: p.lifted - 1}, at, err
		}
		return node{kind: nodeText, text: string(AppendUTF16(nil, text))}, at, err
	case tokenCDATA:
		text, at, err := p.text(at, end)
		return node{kind: nodeText, text: string(AppendUTF16(nil, text))}, at, err
	case tokenCharacter:
		if at+2 > end {
			return n, 0, damaged(start, "character cut short")
		}
		return node{kind: nodeText, text: string(rune(u16(p.data, at)))}, at + 2, nil
	case tokenEntity:
		name, at, err := p.name(at, end)
		return node{kind: nodeText, text: entity(name)}, at, err
	case tokenValue, tokenOptional:
		if at+3 > end {
			return n, 0, damaged(start, "value's place cut short")
		}
		return node{kind: nodeValue, sub: int(u16(p.data, at)), optional: token == tokenOptional}, at + 3, nil
	case tokenTarget:
		// A processing instruction is not part of an event.
		_, at, err := p.name(at, end)
		return node{kind: nodeText}, at, err
	case tokenInstruction:
		_, at, err := p.text(at, end)
		return node{kind: nodeText}, at, err
	case tokenInstance:
		p.fixed = false
		inst, at, err := p.instance(start, end, depth+1)
		return node{kind: nodeInstance, inst: &inst}, at, err
	}
	return n, 0, damaged(start, fmt.Sprintf("token 0x%02x, which the format does not have", p.data[start]))
}

// text reads counted UTF-16.
func (p *parser) text(at, end int) ([]byte, int, error) {
	if at+2 > end {
		return nil, 0, damaged(at, "text cut short")
	}
	n := 2 * int(u16(p.data, at))
	at += 2
	if n > end-at {
		return nil, 0, damaged(at, "text longer than its element")
	}
	return p.data[at : at+n], at + n, nil
}

// entity is the text that an entity stands for. Those of XML are known without
// a document type, and others have none here.
func entity(name string) string {
	switch name {
	case "amp":
		return "&"
	case "lt":
		return "<"
	case "gt":
		return ">"
	case "quot":
		return `"`
	case "apos":
		return "'"
	}
	return "&" + name + ";"
}

// instance reads a template's use, with the template if it is written in place,
// and its values.
func (p *parser) instance(at, end, depth int) (inst instance, next int, err error) {
	start := at
	if at+10 > end {
		return inst, 0, damaged(start, "template's use cut short")
	}
	off := int(u32(p.data, at+6))
	at += 10
	if off == at {
		if at+templateHeadBytes > end {
			return inst, 0, damaged(start, "template cut short")
		}
		size := int(u32(p.data, at+templateHeadBytes-4))
		if size > end-at-templateHeadBytes {
			return inst, 0, damaged(start, "template longer than its record")
		}
		at += templateHeadBytes + size
	}
	if inst.template, err = p.template(off, depth); err != nil {
		return inst, 0, err
	}
	inst.values, inst.holds, next, err = p.values(at, end)
	return inst, next, err
}

// values reads a table of values, and returns whether one of them is a fragment and
// where they end.
func (d *Decoder) values(at, end int) (vals []Value, holds bool, next int, err error) {
	if at+4 > end {
		return nil, false, 0, damaged(at, "values cut short")
	}
	n := int(u32(d.data, at))
	at += 4
	if n > (end-at)/4 {
		return nil, false, 0, damaged(at, "more values than the record has room for")
	}
	table := d.data[at : at+4*n]
	at += 4 * n
	first := len(d.vals)
	d.vals = slices.Grow(d.vals, n)[:first+n]
	vals = d.vals[first:]
	for i := range vals {
		if len(table) < 4 {
			break
		}
		size, kind := int(u16(table, 0)), Type(table[2])
		table = table[4:]
		if size > end-at {
			return nil, false, 0, damaged(at, "value longer than its record")
		}
		holds = holds || kind == BinXML
		vals[i] = Value{d.data[at : at+size], kind}
		at += size
	}
	return vals, holds, at, nil
}
