package evtx

import (
	"bytes"
	"strings"
)

// templateHeadBytes is what stands before a template's body: the offset of the
// next one of its hash, its GUID, and the size of the body.
const templateHeadBytes = 24

// Piece is a part of a field's text: fixed text, or one of the record's values.
type Piece struct {
	Text     string
	Value    int // index of the value, -1 for fixed text
	Optional bool
}

// Field is a place of a fragment that can hold text: an element without
// elements in it, or an attribute.
type Field struct {
	// Path are the names of the elements, from the fragment's root to the
	// field's own; a fragment inside another begins again.
	Path []string
	// Attr is the attribute's name, "" for the element's text.
	Attr string
	// Key is the Name attribute of a Data element; it says what the field is.
	Key     string
	KeyFrom []Piece // where Key is not fixed text

	Content []Piece
	// Needs are values without which the field is not there: the element, or one
	// that it stands in, is left out when one of them is Null.
	Needs  []int
	nested []*instance
}

// Template is a fragment made ready for reading: which fields it has and which
// values go where. It belongs to its Decoder.
type Template struct {
	Fields []Field
	// Plan is for whoever reads the events to keep what was worked out for this
	// template.
	Plan any

	nests bool // other templates are used in it
	nodes []node
	field []int16 // by value: the first field that shows it, or -1
}

// newTemplate compiles a fragment.
func newTemplate(nodes []node) *Template {
	for i := range nodes {
		nodes[i].root = true
	}
	t := &Template{nodes: nodes}
	t.flatten(nodes, nil, nil)
	for i, f := range t.Fields {
		t.nests = t.nests || len(f.nested) > 0
		for _, p := range f.Content {
			if p.Value < 0 {
				continue
			}
			for len(t.field) <= p.Value {
				t.field = append(t.field, -1)
			}
			if t.field[p.Value] < 0 && i < 1<<15 {
				t.field[p.Value] = int16(i)
			}
		}
	}
	return t
}

// Missing reports whether the field is not there for want of a value that it needs.
func (f *Fragment) Missing(field *Field) bool {
	for _, value := range field.Needs {
		if f.Value(value).Type == Null {
			return true
		}
	}
	return false
}

// fieldOf is the field that shows a value, or -1.
func (t *Template) fieldOf(value int) int {
	if value < len(t.field) {
		return int(t.field[value])
	}
	return -1
}

func (t *Template) flatten(nodes []node, path []string, needs []int) {
	var loose []node
	for i := range nodes {
		n := &nodes[i]
		if n.kind != nodeElement {
			loose = append(loose, *n)
			continue
		}
		t.element(n, append(path[:len(path):len(path)], n.name), needs)
	}
	// What stands outside of all elements is a field of no name; it is kept for
	// the fragments in it.
	if content, nested := pieces(loose); len(path) == 0 && (len(content) > 0 || len(nested) > 0) {
		t.Fields = append(t.Fields, Field{Content: content, nested: nested})
	}
}

func (t *Template) element(n *node, path []string, needs []int) {
	n.needs(func(value int) { needs = append(needs[:len(needs):len(needs)], value) })
	f := Field{Path: path, Needs: needs}
	own := 0
	for _, a := range n.attrs {
		content, nested := pieces(a.content)
		switch {
		case isNamespace(a.name):
			own++
		case a.name == "Name" && keyed(n.name):
			if f.Key = fixed(content); f.Key == "" {
				f.KeyFrom = content
			}
			own++
		default:
			t.Fields = append(t.Fields, Field{Path: path, Attr: a.name, Content: content, Needs: needs, nested: nested})
		}
	}
	var text []node
	elements := false
	for i := range n.nodes {
		if n.nodes[i].kind == nodeElement {
			elements = true
		} else {
			text = append(text, n.nodes[i])
		}
	}
	content, nested := pieces(text)
	if len(nested) > 0 || len(content) > 0 && !(elements && strings.TrimSpace(fixed(content)) == "" && isFixed(content)) ||
		!elements && len(n.attrs) == own {
		f.Content, f.nested = content, nested
		t.Fields = append(t.Fields, f)
	}
	if elements {
		t.flatten(n.nodes, path, needs)
	}
}

// needs calls yield for the values without which the element is left out: the
// one that its dependency identifier names, and the one optional value that is
// all it holds ([MS-EVEN6] 2.2.12 and 3.1.4.7.2). A fragment's root is always there:
// a torn record may lack every value.
func (n *node) needs(yield func(value int)) {
	if n.root {
		return
	}
	if n.depends >= 0 {
		yield(n.depends)
	}
	if len(n.nodes) == 1 && n.nodes[0].kind == nodeValue && n.nodes[0].optional && n.nodes[0].sub != n.depends {
		yield(n.nodes[0].sub)
	}
}

// keyed reports whether the Name of an element says which field it is.
func keyed(element string) bool { return element == "Data" || element == "ComplexData" }

func isNamespace(attr string) bool { return attr == "xmlns" || strings.HasPrefix(attr, "xmlns:") }

// pieces are the pieces of text of some nodes, fixed ones joined.
func pieces(nodes []node) (out []Piece, nested []*instance) {
	for _, n := range nodes {
		switch n.kind {
		case nodeText:
			if last := len(out) - 1; last >= 0 && out[last].Value < 0 {
				out[last].Text += n.text
			} else if n.text != "" {
				out = append(out, Piece{Text: n.text, Value: -1})
			}
		case nodeValue:
			out = append(out, Piece{Value: n.sub, Optional: n.optional})
		case nodeInstance:
			nested = append(nested, n.inst)
		}
	}
	return out, nested
}

func isFixed(content []Piece) bool {
	return len(content) == 0 || len(content) == 1 && content[0].Value < 0
}

// fixed is the text of content that is nothing but that.
func fixed(content []Piece) string {
	if len(content) == 1 && content[0].Value < 0 {
		return content[0].Text
	}
	return ""
}

// templateKey is what a template is looked up by. Its body differs from chunk
// to chunk in the offsets of names, and in which names are written in place.
type templateKey struct {
	guid [16]byte
	size uint32
}

// variant is a template as it was met once: what another must be like to be the
// same one.
type variant struct {
	key      templateKey
	body     []byte   // filled up with zeroes to whole blocks
	free     []uint32 // of each block the bytes that depend on the chunk, a bit each
	inline   []uint16 // places of offsets of names that stand after them
	places   []uint16 // of offsets of other names, equal ones together
	names    []variantName
	template *Template
}

// variantName is a name that is referred to in so many places.
type variantName struct {
	places int
	name   []byte // count and UTF-16
}

// variantBlock is how many bytes of a body are compared at a time.
const variantBlock = 32

// fits reports whether the body at an offset of the chunk is the variant. One at
// the very end of a chunk, where no whole block can be read, is not.
func (v *variant) fits(d *Decoder, start int) bool {
	if len(d.data)-start < len(v.body) {
		return false
	}
	body := d.data[start : start+len(v.body)]
	if !sameBlocks(body, v.body, v.free) {
		return false
	}
	for _, at := range v.inline {
		if int(u32(body, int(at))) != start+int(at)+4 {
			return false
		}
	}
	places := v.places
	for i := range v.names {
		n := &v.names[i]
		off := u32(body, int(places[0]))
		for _, at := range places[:n.places] {
			if o := u32(body, int(at)); o != off || int(o) == start+int(at)+4 {
				return false
			}
		}
		places = places[n.places:]
		if raw, ok := d.rawName(int(off)); !ok || !bytes.Equal(raw, n.name) {
			return false
		}
	}
	return true
}

// sameBlocks reports whether two bodies are the same, but for the bytes that are
// free.
func sameBlocks(a, b []byte, free []uint32) bool {
	if hasSameFree {
		return len(free) == 0 || sameFree(&a[0], &b[0], &free[0], len(free))
	}
	return sameWords(a, b, free)
}

// sameWords is sameBlocks, eight bytes at a time.
func sameWords(a, b []byte, free []uint32) bool {
	diff := uint64(0)
	for i := 0; i < 4*len(free); i++ {
		diff |= (u64(a, 8*i) ^ u64(b, 8*i)) &^ byteMasks[uint8(free[i/4]>>(i%4*8))]
	}
	return diff == 0
}

// byteMasks has a byte of ones for each bit of its index.
var byteMasks = func() (t [256]uint64) {
	for i := range t {
		for k := range 8 {
			if i>>k&1 != 0 {
				t[i] |= 0xff << (8 * k)
			}
		}
	}
	return t
}()

// slot is a place of the table of templates by their offset in the chunk.
type slot struct {
	chunk, off uint32
	template   *Template
	err        error
}

// template returns the template at an offset of the chunk.
func (d *Decoder) template(off, depth int) (*Template, error) {
	if off < chunkHeaderBytes || off > len(d.data)-templateHeadBytes {
		return nil, damaged(off, "template that is not in the chunk")
	}
	s := &d.slots[uint32(off)*2654435769>>(32-slotBits)]
	if s.chunk == d.chunk && int(s.off) == off {
		return s.template, s.err
	}
	t, err := d.findTemplate(off, depth)
	*s = slot{d.chunk, uint32(off), t, err}
	return t, err
}

func (d *Decoder) findTemplate(off, depth int) (*Template, error) {
	key := templateKey{size: u32(d.data, off+20)}
	copy(key.guid[:], d.data[off+4:])
	start, size := off+templateHeadBytes, int(key.size)
	if size > len(d.data)-start {
		return nil, damaged(off, "template longer than its chunk")
	}
	recent := &d.recent[(u32(d.data, off+4)^key.size)*2654435769>>(32-recentBits)]
	if v := *recent; v != nil && v.key == key && v.fits(d, start) {
		return v.template, nil
	}
	for _, v := range d.variants[key] {
		if v.fits(d, start) {
			*recent = v
			return v.template, nil
		}
	}
	p := parser{Decoder: d, fixed: true, body: true}
	content, _, err := p.content(start, start+size, depth, true)
	if err != nil {
		return nil, err
	}
	t := newTemplate(content)
	if p.fixed && len(d.variants[key]) < variantsMax {
		if d.kept >= templatesMax {
			clear(d.variants)
			d.kept = 0
		}
		d.kept++
		d.variants[key] = append(d.variants[key], p.variant(key, start, t))
	}
	return t, nil
}

func (p *parser) variant(key templateKey, start int, t *Template) *variant {
	size := int(key.size)
	v := &variant{key: key, template: t}
	blocks := (size + variantBlock - 1) / variantBlock
	v.body, v.free = make([]byte, blocks*variantBlock), make([]uint32, blocks)
	copy(v.body, p.data[start:start+size])
	free := func(from, to int) {
		for ; from < to; from++ {
			v.free[from/variantBlock] |= 1 << (from % variantBlock)
		}
	}
	free(size, len(v.body))
	var offsets []int
	places := map[int][]uint16{}
	names := map[int][]byte{}
	for _, r := range p.refs {
		at := r.at - start
		if r.inline {
			v.inline = append(v.inline, uint16(at))
			free(at, at+8) // the second is the offset of the next name of the same hash
			continue
		}
		free(at, at+4)
		off := int(u32(p.data, r.at))
		if names[off] == nil {
			offsets, names[off] = append(offsets, off), r.name
		}
		places[off] = append(places[off], uint16(at))
	}
	for _, off := range offsets {
		v.places = append(v.places, places[off]...)
		v.names = append(v.names, variantName{len(places[off]), bytes.Clone(names[off])})
	}
	return v
}
