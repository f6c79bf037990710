// Package evtxtest writes Windows event log files for tests: chunks with
// templates, names and records as Windows lays them out, of events made up by
// the test. It shares no code with the reader.
package evtxtest

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"unicode/utf16"
)

// Value is a value of a record: its type in binary XML and its bytes.
type Value struct {
	Type byte
	Data []byte
}

// Text is a value of UTF-16.
func Text(s string) Value { return Value{0x01, UTF16(s)} }

// Uint16 is a value of two bytes.
func Uint16(n uint16) Value { return Value{0x06, binary.LittleEndian.AppendUint16(nil, n)} }

// Uint64 is a value of eight bytes.
func Uint64(n uint64) Value { return Value{0x0a, binary.LittleEndian.AppendUint64(nil, n)} }

// FileTime is a moment in 100 ns since 1601.
func FileTime(t uint64) Value { return Value{0x11, binary.LittleEndian.AppendUint64(nil, t)} }

// UTF16 is text in little-endian UTF-16.
func UTF16(s string) (b []byte) {
	for _, c := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, c)
	}
	return b
}

// Element is an element of a template.
type Element struct {
	Name  string
	Attrs []Attr
	// Content is text (string), values' places (Place), references (Entity,
	// Char), CDATA, or elements (Element).
	Content []any
	// Needs is the number, counted from 1, of the value without which the element is
	// left out: its dependency identifier. 0 is none.
	Needs uint16
}

// Attr is an attribute; its content is as an element's, without elements.
type Attr struct {
	Name    string
	Content []any
}

// Place is where a value of the record goes.
type Place struct {
	Index    uint16
	Type     byte
	Optional bool
}

// Entity is a reference by name, Char one by number.
type (
	Entity string
	Char   uint16
	CDATA  string
)

// Template is an element with a name that chunks know it by.
type Template struct {
	GUID [16]byte
	Root Element
}

// Nested is the value that is a fragment of a template of its own.
type Nested struct {
	Template *Template
	Values   []any // Value, Nested, Element, or []Nested for several one after the other
}

const (
	chunkBytes = 64 << 10
	firstAt    = 512
)

// Chunk is a chunk in the making.
type Chunk struct {
	buf       []byte
	names     map[string]uint32
	templates map[*Template]uint32
	first     uint64
	last      uint64
	records   int
}

// NewChunk makes a chunk without records.
func NewChunk() *Chunk {
	return &Chunk{buf: make([]byte, firstAt, chunkBytes), names: map[string]uint32{}, templates: map[*Template]uint32{}}
}

// Record appends a record whose event is a template's. It reports whether there
// was room.
func (c *Chunk) Record(id, written uint64, t *Template, values ...any) bool {
	return c.add(id, written, func() { c.instance(t, values) })
}

// RecordOf appends a record that holds an element itself, without a template.
func (c *Chunk) RecordOf(id, written uint64, root Element) bool {
	return c.add(id, written, func() {
		c.element(root, true)
		c.byte(0)
	})
}

func (c *Chunk) add(id, written uint64, content func()) bool {
	start := len(c.buf)
	names, templates := len(c.names), len(c.templates)
	c.buf = append(c.buf, "**\x00\x00\x00\x00\x00\x00"...)
	c.u64(id)
	c.u64(written)
	c.buf = append(c.buf, 0x0f, 1, 1, 0)
	content()
	for (len(c.buf)-start)%8 != 4 {
		c.byte(0)
	}
	if len(c.buf)+4 > chunkBytes {
		c.buf = c.buf[:start]
		if names != len(c.names) || templates != len(c.templates) {
			for k, v := range c.names {
				if int(v) >= start {
					delete(c.names, k)
				}
			}
			for k, v := range c.templates {
				if int(v) >= start {
					delete(c.templates, k)
				}
			}
		}
		return false
	}
	size := uint32(len(c.buf) - start + 4)
	c.u32(size)
	binary.LittleEndian.PutUint32(c.buf[start+4:], size)
	if c.records == 0 {
		c.first = id
	}
	c.last = id
	c.records++
	return true
}

func (c *Chunk) byte(b byte)   { c.buf = append(c.buf, b) }
func (c *Chunk) u16(n uint16)  { c.buf = binary.LittleEndian.AppendUint16(c.buf, n) }
func (c *Chunk) u32(n uint32)  { c.buf = binary.LittleEndian.AppendUint32(c.buf, n) }
func (c *Chunk) u64(n uint64)  { c.buf = binary.LittleEndian.AppendUint64(c.buf, n) }
func (c *Chunk) put(at int)    { binary.LittleEndian.PutUint32(c.buf[at:], uint32(len(c.buf)-at-4)) }
func (c *Chunk) at() uint32    { return uint32(len(c.buf)) }
func (c *Chunk) text(s string) { b := UTF16(s); c.u16(uint16(len(b) / 2)); c.buf = append(c.buf, b...) }

// name writes a name's offset, and the name after it where it is new.
func (c *Chunk) name(s string) {
	off, ok := c.names[s]
	if ok {
		c.u32(off)
		return
	}
	off = c.at() + 4
	c.names[s] = off
	c.u32(off)
	c.u32(0)
	h := uint32(0)
	for _, u := range utf16.Encode([]rune(s)) {
		h = h*65599 + uint32(u)
	}
	c.u16(uint16(h))
	c.text(s)
	c.u16(0)
}

// instance writes a template's use: the template too where it is new.
func (c *Chunk) instance(t *Template, values []any) {
	c.byte(0x0c)
	c.byte(1)
	c.buf = append(c.buf, t.GUID[:4]...)
	off, ok := c.templates[t]
	if !ok {
		off = c.at() + 4
		c.templates[t] = off
		c.u32(off)
		c.u32(0)
		c.buf = append(c.buf, t.GUID[:]...)
		size := len(c.buf)
		c.u32(0)
		c.buf = append(c.buf, 0x0f, 1, 1, 0)
		c.element(t.Root, true)
		c.byte(0)
		c.put(size)
	} else {
		c.u32(off)
	}
	// A fragment's bytes hold offsets, so it is written where it stands, and
	// its size put in afterwards.
	c.u32(uint32(len(values)))
	table := len(c.buf)
	for range values {
		c.u32(0)
	}
	for i, v := range values {
		start := len(c.buf)
		kind := byte(0x21)
		switch v := v.(type) {
		case Value:
			kind = v.Type
			c.buf = append(c.buf, v.Data...)
		case Nested:
			c.buf = append(c.buf, 0x0f, 1, 1, 0)
			c.instance(v.Template, v.Values)
			c.byte(0)
		case Element:
			c.buf = append(c.buf, 0x0f, 1, 1, 0)
			c.element(v, false)
			c.byte(0)
		case []Nested:
			for _, v := range v {
				c.instance(v.Template, v.Values)
			}
		}
		binary.LittleEndian.PutUint16(c.buf[table+4*i:], uint16(len(c.buf)-start))
		c.buf[table+4*i+2] = kind
	}
}

// element writes an element; those in values have no dependency identifier.
func (c *Chunk) element(e Element, depend bool) {
	open := byte(0x01)
	if len(e.Attrs) > 0 {
		open = 0x41
	}
	c.byte(open)
	if depend {
		c.u16(e.Needs - 1)
	}
	size := len(c.buf)
	c.u32(0)
	c.name(e.Name)
	if len(e.Attrs) > 0 {
		attrs := len(c.buf)
		c.u32(0)
		for i, a := range e.Attrs {
			token := byte(0x06)
			if i < len(e.Attrs)-1 {
				token = 0x46
			}
			c.byte(token)
			c.name(a.Name)
			c.content(a.Content, depend)
		}
		c.put(attrs)
	}
	if len(e.Content) == 0 {
		c.byte(0x03)
	} else {
		c.byte(0x02)
		c.content(e.Content, depend)
		c.byte(0x04)
	}
	c.put(size)
}

func (c *Chunk) content(content []any, depend bool) {
	for _, x := range content {
		switch x := x.(type) {
		case string:
			c.byte(0x05)
			c.byte(0x01)
			c.text(x)
		case Place:
			token := byte(0x0d)
			if x.Optional {
				token = 0x0e
			}
			c.byte(token)
			c.u16(x.Index)
			c.byte(x.Type)
		case Entity:
			c.byte(0x09)
			c.name(string(x))
		case Char:
			c.byte(0x08)
			c.u16(uint16(x))
		case CDATA:
			c.byte(0x07)
			c.text(string(x))
		case Element:
			c.element(x, depend)
		}
	}
}

// Bytes is the chunk with its header.
func (c *Chunk) Bytes() []byte {
	b := append(bytes.Clone(c.buf), make([]byte, chunkBytes-len(c.buf))...)
	le := binary.LittleEndian
	copy(b, "ElfChnk\x00")
	le.PutUint64(b[8:], c.first)
	le.PutUint64(b[16:], c.last)
	le.PutUint64(b[24:], c.first)
	le.PutUint64(b[32:], c.last)
	le.PutUint32(b[40:], 128)
	le.PutUint32(b[48:], uint32(len(c.buf)))
	le.PutUint32(b[52:], crc32.ChecksumIEEE(c.buf[firstAt:]))
	le.PutUint32(b[124:], crc32.Update(crc32.ChecksumIEEE(b[:120]), crc32.IEEETable, b[128:firstAt]))
	return b
}

// File is a file of chunks.
func File(chunks ...*Chunk) []byte {
	h := make([]byte, 4096)
	le := binary.LittleEndian
	copy(h, "ElfFile\x00")
	if n := len(chunks); n > 0 {
		le.PutUint64(h[16:], uint64(n-1))
		le.PutUint64(h[24:], chunks[n-1].last+1)
	}
	le.PutUint32(h[32:], 128)
	le.PutUint16(h[36:], 1)
	le.PutUint16(h[38:], 3)
	le.PutUint16(h[40:], 4096)
	le.PutUint16(h[42:], uint16(len(chunks)))
	le.PutUint32(h[124:], crc32.ChecksumIEEE(h[:120]))
	for _, c := range chunks {
		h = append(h, c.Bytes()...)
	}
	return h
}
