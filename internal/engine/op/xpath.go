package op

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// xmlDepthMax is how deep elements may nest in text that parse xml reads;
// deeper text is taken for no XML.
const xmlDepthMax = 256

// xpath is a path of parse xml: absolute, forward only (spec C.2, parse xml).
type xpath struct {
	steps []xstep
	attr  string // /@name at the end
	text  bool   // /text() at the end
}

// xstep is one element of a path, with its conditions.
type xstep struct {
	name  string
	preds []xpred
}

// xpred is [2], [last()], [last()-1] or [@id=456].
type xpred struct {
	at          int // 1-based; counted from the end when last is set
	last        bool
	attr, value string
	has         bool // [@id] alone
}

// compileXPath reads a path. What XPath has and the subset has not is an error.
func compileXPath(path string) (*xpath, error) {
	p := &xpath{}
	s := strings.TrimSpace(path)
	if !strings.HasPrefix(s, "/") {
		return nil, errors.New("a path is absolute: it starts with /")
	}
	for s != "" {
		if s[0] != '/' {
			return nil, fmt.Errorf("a / stands before %q", s)
		}
		s = s[1:]
		if p.attr != "" || p.text {
			return nil, errors.New("an attribute and text() stand only at the end of a path")
		}
		switch {
		case s == "":
			return nil, errors.New("the path ends with /")
		case s[0] == '/':
			return nil, errors.New("// is not supported: a path names every element on its way")
		case strings.HasPrefix(s, ".."):
			return nil, errors.New(".. is not supported: a path goes forward only")
		}
		var err error
		if s, err = p.step(s); err != nil {
			return nil, err
		}
	}
	if len(p.steps) == 0 {
		return nil, errors.New("the path names no element")
	}
	return p, nil
}

func (p *xpath) step(s string) (rest string, err error) {
	attr := s[0] == '@'
	if attr {
		s = s[1:]
	}
	n := strings.IndexAny(s, "/[")
	if n < 0 {
		n = len(s)
	}
	name := strings.TrimSpace(s[:n])
	rest = s[n:]
	switch {
	case strings.Contains(name, "::"):
		return "", errors.New("axes are not supported: a path goes forward only")
	case attr && name != "":
		p.attr = name
		return rest, nil
	case name == "text()":
		p.text = true
		return rest, nil
	case name == "" || strings.ContainsAny(name, "*()@='\" "):
		return "", fmt.Errorf("%q is no name of an element", name)
	}
	st := xstep{name: name}
	for strings.HasPrefix(rest, "[") {
		end := strings.IndexByte(rest, ']')
		if end < 0 {
			return "", errors.New("] is missing")
		}
		pred, err := compilePred(strings.TrimSpace(rest[1:end]))
		if err != nil {
			return "", err
		}
		st.preds = append(st.preds, pred)
		rest = rest[end+1:]
	}
	p.steps = append(p.steps, st)
	return rest, nil
}

func compilePred(s string) (xpred, error) {
	if n, err := strconv.Atoi(s); err == nil && n > 0 {
		return xpred{at: n}, nil
	}
	if s == "last()" {
		return xpred{last: true}, nil
	}
	if rest, ok := strings.CutPrefix(s, "last()"); ok {
		if n, err := strconv.Atoi(strings.ReplaceAll(rest, " ", "")); err == nil && n < 0 {
			return xpred{last: true, at: -n}, nil
		}
	}
	if rest, ok := strings.CutPrefix(s, "@"); ok {
		name, value, eq := strings.Cut(rest, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if len(value) >= 2 && (value[0] == '"' || value[0] == '\'') && value[len(value)-1] == value[0] {
			value = value[1 : len(value)-1]
		}
		if name != "" {
			return xpred{attr: name, value: value, has: !eq}, nil
		}
	}
	return xpred{}, fmt.Errorf("[%s] is not supported; there are [2], [last()] and [@id=456]", s)
}

// xnode is an element, or a text when name is "".
type xnode struct {
	name  string
	attrs []xml.Attr
	text  string
	kids  []*xnode
}

// parseXML reads text as one XML element. What stands before the first < is
// passed over. nil when it is not well-formed.
func parseXML(s string) *xnode {
	i := strings.IndexByte(s, '<')
	if i < 0 {
		return nil
	}
	d := xml.NewDecoder(strings.NewReader(s[i:]))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // the text was decoded long ago
	root := &xnode{}
	open := []*xnode{root}
	for {
		tok, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil
		}
		top := open[len(open)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			if len(open) > xmlDepthMax {
				return nil
			}
			n := &xnode{name: tok.Name.Local, attrs: tok.Attr}
			top.kids = append(top.kids, n)
			open = append(open, n)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			if len(open) == 1 {
				continue
			}
			if k := len(top.kids); k > 0 && top.kids[k-1].name == "" {
				top.kids[k-1].text += string(tok)
			} else {
				top.kids = append(top.kids, &xnode{text: string(tok)})
			}
		}
		if len(open) == 1 && len(root.kids) > 0 {
			return root // what follows the element is not read
		}
	}
	return nil
}

// find returns the first value of the path in document order.
func (p *xpath) find(root *xnode) (string, bool) { return p.walk(root, 0) }

func (p *xpath) walk(n *xnode, step int) (string, bool) {
	if step == len(p.steps) {
		return p.value(n)
	}
	st := &p.steps[step]
	var list []*xnode
	for _, k := range n.kids {
		if k.name == st.name && k.name != "" {
			list = append(list, k)
		}
	}
	for _, pred := range st.preds {
		list = pred.filter(list)
	}
	for _, k := range list {
		if v, ok := p.walk(k, step+1); ok {
			return v, true
		}
	}
	return "", false
}

func (p xpred) filter(list []*xnode) []*xnode {
	if p.attr == "" {
		at := p.at - 1
		if p.last {
			at = len(list) - 1 - p.at
		}
		if at < 0 || at >= len(list) {
			return nil
		}
		return list[at : at+1]
	}
	var out []*xnode
	for _, n := range list {
		if v, ok := n.attr(p.attr); ok && (p.has || v == p.value) {
			out = append(out, n)
		}
	}
	return out
}

func (n *xnode) attr(name string) (string, bool) {
	for _, a := range n.attrs {
		if a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

func (p *xpath) value(n *xnode) (string, bool) {
	switch {
	case p.attr != "":
		return n.attr(p.attr)
	case p.text:
		for _, k := range n.kids {
			if k.name == "" {
				return k.text, true
			}
		}
		return "", false
	}
	var b strings.Builder
	n.appendText(&b)
	return b.String(), true
}

func (n *xnode) appendText(b *strings.Builder) {
	b.WriteString(n.text)
	for _, k := range n.kids {
		k.appendText(b)
	}
}
