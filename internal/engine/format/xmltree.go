package format

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

// xmlTree is an element of an XML document that is no event's own: one of an export,
// which becomes an object of JSON.
type xmlTree struct {
	name  string
	attrs map[string]string
	text  string // all that stands in it, tags aside
	kids  []*xmlTree
}

// treeDepthMax is how deep the elements of a document may stand.
const treeDepthMax = 64

// parseTree reads one element.
func parseTree(raw []byte) (*xmlTree, error) {
	d := xml.NewDecoder(bytes.NewReader(raw))
	d.Strict = false
	root := &xmlTree{}
	stack := []*xmlTree{root}
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) && len(stack) == 1 && len(root.kids) == 1 {
			return root.kids[0], nil
		}
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(stack) > treeDepthMax {
				return nil, errors.New("elements stand too deep")
			}
			e := &xmlTree{name: t.Name.Local, attrs: map[string]string{}}
			for _, a := range t.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			top := stack[len(stack)-1]
			top.kids = append(top.kids, e)
			stack = append(stack, e)
		case xml.CharData:
			for _, e := range stack[1:] {
				if e.name == "v" || len(e.kids) == 0 { // Splunk marks what was searched for in the text
					e.text += string(t)
				}
			}
		case xml.EndElement:
			if len(stack) > 1 {
				stack = stack[:len(stack)-1]
			}
		}
	}
}

func (e *xmlTree) all(name string) (out []*xmlTree) {
	for _, k := range e.kids {
		if k.name == name {
			out = append(out, k)
		}
	}
	return out
}

// xmlDocument reads the elements of a document that are one event each, as objects of JSON.
type xmlDocument struct {
	*jsonl
	find   func(data []byte, at int) (start, end int) // the next element; -1 for none, and for no end
	object func(*xmlTree) any
	close  string // the tag that an element ends with
}

func (r *xmlDocument) Read(b input.Block, next exec.Sink) error {
	r.part = b.Part
	r.w.reset()
	for at := 0; at < len(b.Data); {
		start, end := r.find(b.Data, at)
		between := b.Data[at:]
		if start >= 0 {
			between = b.Data[at:start]
		}
		// What stands there is of the document, if it is not the rest of an element.
		if i := skipBlank(between, 0); i < len(between) && between[i] != '<' && between[i] != '#' || bytes.Contains(between, []byte(r.close)) {
			lost(r.want, &b, at+i, "text between elements", between[i:])
		}
		if start < 0 {
			break
		}
		if end < 0 {
			lost(r.want, &b, start, "element without an end", b.Data[start:])
			break
		}
		tree, err := parseTree(b.Data[start:end])
		if err != nil {
			lost(r.want, &b, start, "damaged XML: "+err.Error(), b.Data[start:end])
		} else if text, ok := encoded(r.object(tree)); ok {
			r.off = b.Offset + int64(start)
			if err := r.line(text, next); err != nil {
				return err
			}
			if r.err != nil {
				r.lost(r.err)
			}
		}
		at = end
	}
	return r.push(next)
}

// cutElements cuts behind the last whole element.
func cutElements(find func([]byte, int) (int, int)) func([]byte, int64, bool) int {
	return func(buf []byte, _ int64, last bool) int {
		whole := 0
		for !last {
			start, end := find(buf, whole)
			if start < 0 || end < 0 {
				if start >= 0 && whole == 0 && len(buf) > endlessBytes {
					return cutLines(buf, 0, false)
				}
				return whole
			}
			whole = end
		}
		return len(buf)
	}
}
