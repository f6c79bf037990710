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
	// field's own; a fragment inside another begins anew.
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
	body     []byte
	refs     []nameRef // places are relative to the body
	template *Template
}

// fits reports whether the body at an offset of the chunk is the variant.
func (v *variant) fits(d *Decoder, start int) bool {
	body := d.data[start : start+len(v.body)]
	at := 0
	for i := range v.refs {
		r := &v.refs[i]
		if !bytes.Equal(body[at:r.at], v.body[at:r.at]) {
			return false
		}
		off := int(u32(body, r.at))
		if r.inline {
			if off != start+r.at+4 {
				return false
			}
			at = r.at + 8 // the offset of the next name of the same hash
			continue
		}
		at = r.at + 4
		if end := off + nameHeadBytes + len(r.name); off < chunkHeaderBytes || off == start+at || end > len(d.data) ||
			!bytes.Equal(d.data[off+nameHeadBytes:end], r.name) {
			return false
		}
	}
	return bytes.Equal(body[at:], v.body[at:])
}

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
	for _, v := range d.variants[key] {
		if v.fits(d, start) {
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
		d.variants[key] = append(d.variants[key], p.variant(start, size, t))
	}
	return t, nil
}

func (p *parser) variant(start, size int, t *Template) *variant {
	v := &variant{body: bytes.Clone(p.data[start : start+size]), template: t}
	for _, r := range p.refs {
		v.refs = append(v.refs, nameRef{r.at - start, r.inline, bytes.Clone(r.name)})
	}
	return v
}
