package render

import (
	"encoding/binary"
	"slices"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Rows that are kept to be put in order are packed: in place of a field that many
// of them have alike stands the number of a piece of text, which they share. Most
// fields of a log are so, and the rows of a hunt then take half the memory, and
// half the disk where they are spilled.
//
// A packed row is a list of numbers (uvarint), the lowest bit of which says what
// they are. 0: a piece, `"name":value,`. 1: a piece, `"name":`, and after the
// number come four bytes of length and a value of this row alone.

const (
	// piecesBytesMax is how much memory pieces of values take, of all workers.
	// What comes when there are more stands in rows themselves.
	piecesBytesMax = 2 << 20
	// pieceBytes is what a piece costs besides its text.
	pieceBytes = 96
)

// pieces are the texts that rows share, by number. Several workers may add to them.
type pieces struct {
	mu    sync.Mutex
	texts [][]byte
	ids   map[string]uint32
	bytes int
}

// add returns the number of a text, which counts against the limit if it is of a
// value: ok is false beyond.
func (p *pieces) add(text []byte, value bool) (id uint32, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id, ok := p.ids[string(text)]; ok {
		return id, true
	}
	if value {
		if p.bytes += len(text) + pieceBytes; p.bytes > piecesBytesMax {
			p.bytes = piecesBytesMax
			return 0, false
		}
	}
	if p.ids == nil {
		p.ids = map[string]uint32{}
	}
	id = uint32(len(p.texts))
	p.texts = append(p.texts, slices.Clone(text))
	p.ids[string(text)] = id
	return id, true
}

// all are the texts so far.
func (p *pieces) all() [][]byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.texts
}

// packer packs rows. It is one worker's.
type packer struct {
	objectRows
	pieces *pieces
	known  []packedColumn
	text   []byte
}

// packedColumn is what a packer knows of an output column.
type packedColumn struct {
	name string
	key  uint32   // the piece of the name
	gen  uint64   // of the dictionary that ids are of; 0 when they are of none
	ids  []uint32 // by code: a piece, or one of:
}

const (
	unknown   uint32 = iota // not looked at yet
	alone                   // not to be shared
	firstUsed               // pieces' numbers are this much higher
)

func (p *packer) Start(b *event.Batch) {
	p.objectRows.Start(b)
	for len(p.known) < len(p.cols) {
		p.known = append(p.known, packedColumn{})
	}
	for i, c := range p.cols {
		k := &p.known[i]
		if k.name != c.name || k.ids == nil {
			key, _ := p.pieces.add(p.keys[i], false)
			*k = packedColumn{name: c.name, key: key, ids: []uint32{}}
		}
		if k.gen != c.col.Gen {
			k.gen, k.ids = c.col.Gen, k.ids[:0]
		}
		if have := len(k.ids); k.gen != 0 && have < len(c.col.Dict) {
			k.ids = slices.Grow(k.ids, len(c.col.Dict)-have)[:len(c.col.Dict)]
			clear(k.ids[have:])
		}
	}
}

func (p *packer) Append(dst []byte, row uint16) []byte {
	for i := range p.cols {
		c, k := p.cols[i].col, &p.known[i]
		code := uint16(0)
		if int(row) < len(c.Code) {
			code = c.Code[row]
		}
		if code == 0 && p.o.Columns == nil { // null, which most fields of a row are
			continue
		}
		if k.gen != 0 {
			id := k.ids[code]
			if id == unknown {
				id = p.learn(i, c.Dict[code])
				k.ids[code] = id
			}
			if id >= firstUsed {
				dst = binary.AppendUvarint(dst, uint64(id-firstUsed)<<1)
				continue
			}
		}
		v := c.Dict[code]
		if v.IsNull() && p.o.Columns == nil {
			continue
		}
		dst = binary.AppendUvarint(dst, uint64(k.key)<<1|1)
		at := len(dst)
		dst = appendJSON(append(dst, 0, 0, 0, 0), v)
		binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	}
	return dst
}

// learn makes a piece of a value.
func (p *packer) learn(i int, v event.Value) uint32 {
	if v.IsNull() && p.o.Columns == nil {
		return alone
	}
	p.text = append(appendJSON(append(p.text[:0], p.keys[i]...), v), ',')
	id, ok := p.pieces.add(p.text, true)
	if !ok {
		return alone
	}
	return id + firstUsed
}

// unpack appends a packed row as it is printed.
func unpack(dst, packed []byte, texts [][]byte) []byte {
	dst = append(dst, '{')
	for len(packed) > 0 {
		n, k := uint64(packed[0]), 1
		if n >= 0x80 {
			n, k = binary.Uvarint(packed)
		}
		packed = packed[k:]
		dst = append(dst, texts[n>>1]...)
		if n&1 != 0 {
			end := 4 + int(binary.LittleEndian.Uint32(packed))
			dst = append(append(dst, packed[4:end]...), ',')
			packed = packed[end:]
		}
	}
	if dst[len(dst)-1] == '{' {
		return append(dst, '}')
	}
	dst[len(dst)-1] = '}'
	return dst
}
