package sigma

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// Parse reads the documents of a file. A document with an error in the list is
// left out; warnings come beside one that can be used. Several documents of a
// file are a rule collection: action: global, repeat and reset are understood.
func Parse(f *diag.File) ([]Document, diag.List) { return parse(f, &nodes{}) }

// parse is Parse with nodes that may be used again when it is done.
func parse(f *diag.File, slab *nodes) ([]Document, diag.List) {
	p := &parser{file: f}
	if len(f.Text) > FileBytesMax {
		p.add(diag.Error, "too-large", diag.Span{}, "the file is larger than %d bytes", FileBytesMax)
		return nil, p.diags
	}
	c := collection{}
	if root, ok := block(f.Text, slab); ok {
		docs := p.next(nil, &c, root)
		p.diags.Sort()
		return docs, p.diags
	}
	var docs []Document
	d := yaml.NewDecoder(strings.NewReader(f.Text))
	for {
		var n yaml.Node
		if err := d.Decode(&n); err != nil {
			if !errors.Is(err, io.EOF) {
				p.yamlError(err)
			}
			break
		}
		if len(n.Content) == 0 || n.Content[0].ShortTag() == "!!null" {
			continue
		}
		docs = p.next(docs, &c, n.Content[0])
	}
	p.diags.Sort()
	return docs, p.diags
}

// next adds the next document of a file to those before it, if it is one and has
// no errors.
func (p *parser) next(docs []Document, c *collection, root *yaml.Node) []Document {
	root, ok := c.next(p, root)
	if !ok {
		return docs
	}
	p.first = len(p.diags)
	if doc := p.document(root); doc != nil && !p.failed() {
		docs = append(docs, doc)
	}
	return docs
}

// parser reads one file.
type parser struct {
	file  *diag.File
	diags diag.List
	first int // of the document's own diags
	nodes int // looked at, aliases followed
}

// failed reports whether the document has an error so far.
func (p *parser) failed() bool { return p.diags[p.first:].HasErrors() }

func (p *parser) add(s diag.Severity, code string, at diag.Span, format string, args ...any) *diag.Diagnostic {
	// A mistake at the end of the text stands after its last byte.
	at.End = min(at.End, len(p.file.Text))
	at.Start = min(at.Start, at.End)
	d := &diag.Diagnostic{Severity: s, Code: code, File: p.file, Span: at, Message: fmt.Sprintf(format, args...)}
	p.diags.Add(d)
	return d
}

func (p *parser) fail(code string, n *yaml.Node, format string, args ...any) *diag.Diagnostic {
	return p.add(diag.Error, code, p.span(n), format, args...)
}

func (p *parser) warn(code string, n *yaml.Node, format string, args ...any) {
	p.add(diag.Warning, code, p.span(n), format, args...)
}

// span is where a node stands.
func (p *parser) span(n *yaml.Node) diag.Span { return Span(p.file, n) }

var yamlLine = match.Lazy(`^yaml: (?:line (\d+): )?`)

// yamlError puts an error of the YAML library at its line.
func (p *parser) yamlError(err error) {
	msg := err.Error()
	at := diag.Span{}
	if m := yamlLine().FindStringSubmatch(msg); m != nil {
		msg = msg[len(m[0]):]
		if line, err := strconv.Atoi(m[1]); err == nil {
			start := p.file.Offset(diag.Place{Line: line, Col: 1})
			at = diag.Span{Start: start, End: start + len(p.file.Line(line))}
		}
	}
	p.add(diag.Error, "not-yaml", at, "this is not YAML: %s", msg)
}

// resolve follows aliases and counts what is looked at. ok is false when the
// file turns out to be larger than any rule.
func (p *parser) resolve(n *yaml.Node) (_ *yaml.Node, ok bool) {
	for range depthMax {
		if p.nodes++; p.nodes > nodesMax {
			if p.nodes == nodesMax+1 {
				p.fail("too-large", n, "the YAML holds more than %d values once its aliases are followed", nodesMax)
			}
			return nil, false
		}
		if n.Kind != yaml.AliasNode {
			return n, true
		}
		n = n.Alias
	}
	return nil, false
}

// pair is a key of a map with its value.
type pair struct {
	key   *yaml.Node
	value *yaml.Node
}

// pairs lists the keys of a map in order. A key that stands twice is an error.
func (p *parser) pairs(n *yaml.Node) []pair {
	out := make([]pair, 0, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, ok := p.resolve(n.Content[i])
		if !ok {
			return out
		}
		v, ok := p.resolve(n.Content[i+1])
		if !ok {
			return out
		}
		if k.Kind != yaml.ScalarNode {
			p.fail("bad-key", k, "a key must be text")
			continue
		}
		if k.Value == "<<" && k.Tag == "!!merge" && v.Kind == yaml.MappingNode && v != n {
			for _, m := range p.pairs(v) {
				if value(out, m.key.Value) == nil {
					out = append(out, m)
				}
			}
			continue
		}
		twice := false
		for _, o := range out {
			if o.key.Value == k.Value {
				d := p.fail("key-twice", k, "%s stands twice in this map", k.Value)
				d.Labels = []diag.Label{{Span: p.span(o.key), Text: "first here"}}
				twice = true
				break
			}
		}
		if !twice {
			out = append(out, pair{k, v})
		}
	}
	return out
}

func value(pairs []pair, key string) *yaml.Node {
	for _, e := range pairs {
		if e.key.Value == key {
			return e.value
		}
	}
	return nil
}

// document reads a rule, a correlation or a filter by the section it has.
func (p *parser) document(root *yaml.Node) Document {
	if root.Kind != yaml.MappingNode {
		p.fail("not-a-rule", root, "a Sigma document is a map with title, logsource and detection")
		return nil
	}
	top := p.pairs(root)
	m := p.meta(top)
	m.Span = p.span(root)
	if e := value(top, "title"); e != nil {
		m.Span = p.span(top[0].key)
	}
	switch {
	case value(top, "correlation") != nil:
		return p.correlation(m, top)
	case value(top, "filter") != nil:
		return p.filter(m, top)
	case value(top, "detection") != nil:
		return p.rule(m, top)
	}
	p.fail("not-a-rule", root, "there is no detection, correlation or filter section: this is no Sigma rule")
	return nil
}

// meta reads what documents of every kind have. What is wrong with it is a
// warning: the rule runs all the same.
func (p *parser) meta(top []pair) Meta {
	m := Meta{File: p.file}
	for _, e := range top {
		switch e.key.Value {
		case "title":
			m.Title = p.text(e.value)
		case "id":
			m.ID = p.text(e.value)
		case "name":
			m.Name = p.text(e.value)
		case "status":
			m.Status = p.text(e.value)
		case "description":
			m.Description = p.text(e.value)
		case "author":
			m.Author = p.text(e.value)
		case "date":
			m.Date = p.text(e.value)
		case "modified":
			m.Modified = p.text(e.value)
		case "license":
			m.License = p.text(e.value)
		case "taxonomy":
			m.Taxonomy = p.text(e.value)
		case "references":
			m.References = names(p.list(e.value))
		case "fields":
			m.Fields = names(p.list(e.value))
		case "falsepositives":
			m.FalsePositives = names(p.list(e.value))
		case "scope":
			m.Scope = names(p.list(e.value))
		case "level":
			l, ok := ParseLevel(p.text(e.value))
			if !ok {
				p.warn("bad-level", e.value, "%q is no level: write informational, low, medium, high or critical", e.value.Value)
			}
			m.Level = l
		case "tags":
			for _, t := range p.list(e.value) {
				ns, name, ok := strings.Cut(strings.ToLower(t.Name), ".")
				if !ok {
					ns, name = "", ns
				}
				m.Tags = append(m.Tags, Tag{ns, name, t.Span})
			}
		case "related":
			if e.value.Kind != yaml.SequenceNode {
				p.warn("bad-related", e.value, "related is a list of maps with id and type")
				continue
			}
			for _, r := range e.value.Content {
				if r, ok := p.resolve(r); ok && r.Kind == yaml.MappingNode {
					var rel Related
					for _, f := range p.pairs(r) {
						switch f.key.Value {
						case "id":
							rel.ID = p.text(f.value)
						case "type":
							rel.Type = p.text(f.value)
						}
					}
					m.Related = append(m.Related, rel)
				}
			}
		}
	}
	if m.Title == "" && len(top) > 0 {
		p.warn("no-title", top[0].key, "the rule has no title")
	}
	return m
}

// text reads a scalar; what is none is a warning.
func (p *parser) text(n *yaml.Node) string {
	if n.Kind != yaml.ScalarNode {
		p.warn("not-text", n, "text is expected here")
		return ""
	}
	if n.ShortTag() == "!!null" {
		return ""
	}
	return n.Value
}

// list reads a list of scalars, or one alone.
func (p *parser) list(n *yaml.Node) []Named {
	if n.Kind == yaml.ScalarNode {
		if t := p.text(n); t != "" {
			return []Named{{t, p.span(n)}}
		}
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		p.warn("not-a-list", n, "a list is expected here")
		return nil
	}
	out := make([]Named, 0, len(n.Content))
	for _, c := range n.Content {
		c, ok := p.resolve(c)
		if !ok {
			return out
		}
		out = append(out, Named{p.text(c), p.span(c)})
	}
	return out
}

func names(l []Named) []string {
	if len(l) == 0 {
		return nil
	}
	out := make([]string, len(l))
	for i, n := range l {
		out[i] = n.Name
	}
	return out
}

func (p *parser) logSource(top []pair) (LogSource, bool) {
	n := value(top, "logsource")
	if n == nil {
		p.fail("no-logsource", top[0].key, "there is no logsource section")
		return LogSource{}, false
	}
	if n.Kind != yaml.MappingNode {
		p.fail("bad-logsource", n, "logsource is a map with product, category or service")
		return LogSource{}, false
	}
	l := LogSource{Span: p.span(n)}
	for _, e := range p.pairs(n) {
		switch e.key.Value {
		case "category":
			l.Category = p.text(e.value)
		case "product":
			l.Product = p.text(e.value)
		case "service":
			l.Service = p.text(e.value)
		case "definition":
			l.Definition = p.text(e.value)
		}
	}
	if l.Category == "" && l.Product == "" && l.Service == "" {
		p.fail("bad-logsource", n, "logsource names no product, category or service")
		return l, false
	}
	return l, true
}

// rule reads a detection rule.
func (p *parser) rule(m Meta, top []pair) Document {
	r := &Rule{Meta: m}
	var ok bool
	if r.LogSource, ok = p.logSource(top); !ok {
		return nil
	}
	n := value(top, "detection")
	if n.Kind != yaml.MappingNode {
		p.fail("bad-detection", n, "detection is a map of search identifiers and a condition")
		return nil
	}
	var used map[*Search]bool
	r.Searches, r.Conditions, used = p.detection(n, "detection", "condition", "timeframe")
	for _, s := range r.Searches {
		if !used[s] && len(r.Conditions) > 0 {
			p.add(diag.Warning, "unused-search", s.Span, "the condition does not use %s", s.Name)
		}
	}
	return r
}

// detection reads search identifiers and conditions. Keys named in reserved are
// no search identifiers.
func (p *parser) detection(n *yaml.Node, section string, reserved ...string) ([]*Search, []*Condition, map[*Search]bool) {
	var searches []*Search
	var condition *yaml.Node
	for _, e := range p.pairs(n) {
		switch name := e.key.Value; {
		case name == "condition":
			condition = e.value
		case name == "timeframe" && section == "detection":
			p.warn("timeframe", e.key, "timeframe is no longer part of Sigma and is not looked at: write a correlation rule")
		case contains(reserved, name):
		default:
			if item := p.definition(e.value, 0); item != nil {
				searches = append(searches, &Search{name, p.span(e.key), item})
			}
		}
	}
	if len(searches) == 0 && !p.failed() {
		p.fail("no-search", n, "%s holds no search identifier", section)
	}
	if condition == nil {
		p.fail("no-condition", n, "%s has no condition", section)
		return searches, nil, nil
	}
	if p.failed() {
		return searches, nil, nil // what they name would only earn further complaints
	}
	used := map[*Search]bool{}
	var out []*Condition
	for _, c := range p.conditionNodes(condition) {
		if x := p.condition(c, searches, false, used); x != nil {
			out = append(out, x)
		}
	}
	return searches, out, used
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

// conditionNodes are the conditions of a rule: one, or a list.
func (p *parser) conditionNodes(n *yaml.Node) []*yaml.Node {
	if n.Kind != yaml.SequenceNode {
		return []*yaml.Node{n}
	}
	if len(n.Content) == 0 {
		p.fail("no-condition", n, "the list of conditions is empty")
	}
	return n.Content
}

func (p *parser) condition(n *yaml.Node, searches []*Search, rules bool, used map[*Search]bool) *Condition {
	n, ok := p.resolve(n)
	if !ok {
		return nil
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" {
		p.fail("bad-condition", n, "a condition is text, such as: selection and not filter")
		return nil
	}
	x, u, err := parseCondition(n.Value, searches, rules)
	if err != nil {
		at := p.span(n)
		var ce *conditionError
		if errors.As(err, &ce) {
			at = p.within(n, at, ce.at, ce.end)
		}
		p.add(diag.Error, "bad-condition", at, "%v", err)
		return nil
	}
	for s := range u {
		used[s] = true
	}
	return &Condition{n.Value, p.span(n), x}
}

// within is the place of bytes of a scalar's text, where that stands in the file
// as it is.
func (p *parser) within(n *yaml.Node, at diag.Span, from, to int) diag.Span {
	start := at.Start
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0 {
		start++
	}
	if strings.HasPrefix(p.file.Text[start:], n.Value) {
		return diag.Span{Start: start + from, End: min(start+to, start+max(len(n.Value), from+1))}
	}
	return at
}

// definition reads what a search identifier stands for: a map, a list of maps,
// or values to be looked for anywhere.
func (p *parser) definition(n *yaml.Node, depth int) Item {
	n, ok := p.resolve(n)
	if !ok {
		return nil
	}
	if depth > depthMax {
		p.fail("too-deep", n, "the lists are nested too deep")
		return nil
	}
	switch n.Kind {
	case yaml.ScalarNode:
		return p.test(n, n, nil)
	case yaml.MappingNode:
		g := &Group{All: true, Span: p.span(n)}
		for _, e := range p.pairs(n) {
			if t := p.test(n, e.value, e.key); t != nil {
				g.Items = append(g.Items, t)
			}
		}
		if len(g.Items) == 0 {
			if len(n.Content) == 0 {
				p.fail("empty", n, "the map is empty: it would match everything")
			}
			return nil
		}
		return g
	case yaml.SequenceNode:
		scalars := 0
		for _, c := range n.Content {
			if c, ok := p.resolve(c); ok && c.Kind == yaml.ScalarNode {
				scalars++
			}
		}
		switch {
		case len(n.Content) == 0:
			p.fail("empty", n, "the list is empty")
			return nil
		case scalars == len(n.Content):
			return p.test(n, n, nil)
		}
		g := &Group{Span: p.span(n)}
		for _, c := range n.Content {
			if i := p.definition(c, depth+1); i != nil {
				g.Items = append(g.Items, i)
			}
		}
		if len(g.Items) == 0 {
			return nil
		}
		return g
	}
	p.fail("bad-search", n, "a search is a map of fields, a list of maps, or a list of keywords")
	return nil
}

// test reads field|modifiers: values; key is nil for keywords.
func (p *parser) test(at, n, key *yaml.Node) Item {
	t := &Test{Span: p.span(at)}
	errs := len(p.diags)
	if key != nil {
		t.Span = p.span(key)
		p.key(t, key)
	}
	re := t.Has("re")
	switch n.Kind {
	case yaml.ScalarNode:
		p.given(t, n, re)
	case yaml.SequenceNode:
		t.Given = make([]Given, 0, max(len(n.Content), 1))
		for _, c := range n.Content {
			c, ok := p.resolve(c)
			if !ok {
				return nil
			}
			if c.Kind != yaml.ScalarNode {
				p.fail("bad-value", c, "a value is text, a number, true, false or null")
				continue
			}
			p.given(t, c, re)
		}
		if len(n.Content) == 0 { // as in pySigma
			t.Given = append(t.Given, Given{"", Null{}, p.span(n)})
		}
	default:
		d := p.fail("bad-value", n, "a value is text, a number, true, false or null, or a list of these")
		if key != nil {
			d.Help = "a field of an object is written with a point: " + t.Field + ".name"
		}
	}
	if p.diags[errs:].HasErrors() {
		return nil
	}
	t.Values = make([]Value, 0, len(t.Given))
	for _, g := range t.Given {
		if _, null := g.Value.(Null); null && t.Keyword() {
			p.add(diag.Error, "bad-value", g.Span, "null says that a field is missing, and here is no field")
			return nil
		}
		t.Values = append(t.Values, g.Value)
	}
	if !p.modify(t) {
		return nil
	}
	return t
}

// key splits field|modifier|modifier.
func (p *parser) key(t *Test, key *yaml.Node) {
	at := p.span(key)
	parts := strings.Split(key.Value, "|")
	t.Field = parts[0]
	t.FieldSpan = p.within(key, at, 0, len(parts[0]))
	from := len(parts[0]) + 1
	for _, name := range parts[1:] {
		span := p.within(key, at, from, from+len(name))
		from += len(name) + 1
		if modifiers[name] == nil {
			var all []string
			for n := range modifiers {
				all = append(all, n)
			}
			d := p.add(diag.Error, "unknown-modifier", span, "%q is no modifier of Sigma", name)
			if near := diag.Nearest(name, all); near != "" {
				d.Help = "did you mean " + near + "?"
			}
			continue
		}
		t.Modifiers = append(t.Modifiers, Modifier{name, span})
	}
}

// given reads one value.
func (p *parser) given(t *Test, n *yaml.Node, re bool) {
	v, err := scalar(n, re)
	if err != nil {
		p.fail("bad-value", n, "%v", err)
		return
	}
	t.Given = append(t.Given, Given{n.Value, v, p.span(n)})
}

// scalar makes a value of a YAML scalar. re leaves text as it is.
func scalar(n *yaml.Node, re bool) (Value, error) {
	if re {
		return plain(n.Value), nil
	}
	switch n.ShortTag() {
	case "!!null":
		return Null{}, nil
	case "!!bool":
		return Bool(strings.EqualFold(n.Value, "true")), nil
	case "!!int", "!!float":
		return number(n)
	case "!!binary":
		return nil, errors.New("binary values are not part of Sigma")
	}
	return ParseString(n.Value), nil
}

// number reads a number in any of YAML's spellings.
func number(n *yaml.Node) (Value, error) {
	var v any
	if err := n.Decode(&v); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case int:
		return Number{strconv.Itoa(v), float64(v)}, nil
	case int64:
		return Number{strconv.FormatInt(v, 10), float64(v)}, nil
	case uint64:
		return Number{strconv.FormatUint(v, 10), float64(v)}, nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%s is no number that a field can have; put it in quotes if it is text", n.Value)
		}
		if strings.Trim(n.Value, "0123456789") == "" { // whole, of more than 64 bits
			return Number{n.Value, v}, nil
		}
		return Number{strconv.FormatFloat(v, 'f', -1, 64), v}, nil
	}
	return nil, fmt.Errorf("%s is no number", n.Value)
}

// modify runs the modifiers over the values, in order.
func (p *parser) modify(t *Test) bool {
	changed := ""
	for _, w := range t.Modifiers {
		m := modifiers[w.Name]
		if m.list != nil {
			m.list(t)
			continue
		}
		if m.first && changed != "" {
			p.add(diag.Error, "modifier-order", w.Span, "%s must come before %s", m.name, changed)
			return false
		}
		if m.name == "exists" && t.Keyword() {
			p.add(diag.Error, "bad-modifier", w.Span, "exists wants a field")
			return false
		}
		changed = m.name
		for i, v := range t.Values {
			room := valuesMax
			out, err := m.apply(v, &room)
			if err != nil {
				d := p.add(diag.Error, "bad-modifier", t.Given[i].Span, "%v", err)
				d.Labels = []diag.Label{{Span: w.Span, Text: "asked for here"}}
				return false
			}
			t.Values[i] = out
		}
	}
	return true
}
