package job

import (
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// Field is what the API says of a column.
type Field struct {
	Name string `json:"name"` // in lower case
	Type string `json:"fieldType"`
	Key  bool   `json:"keyField"`
}

// metadataTypes are the types of metadata, as the product has them.
var metadataTypes = map[string]string{
	"_blockid": "long", "_messageid": "long", "_sourceid": "long", "_collectorid": "long", "_size": "long",
	"_messagetime": "long", "_receipttime": "long", "_messagecount": "int",
}

// Fields are the columns of a page as the API tells them: names in lower case, each once.
func (p *Page) Fields(keys []string) []Field {
	out := []Field{}
	at := map[string]int{}
	kinds := map[string]uint8{}
	for _, c := range p.Columns {
		name := strings.ToLower(c.Name)
		if c.Kinds == 0 && c.kind != event.Null {
			c.Kinds = 1 << c.kind
		}
		kinds[name] |= c.Kinds
		if _, ok := at[name]; ok {
			continue
		}
		at[name] = len(out)
		f := Field{Name: name}
		for _, k := range keys {
			f.Key = f.Key || strings.EqualFold(k, c.Name)
		}
		out = append(out, f)
	}
	for i := range out {
		out[i].Type = typeOf(out[i].Name, kinds[out[i].Name])
	}
	return out
}

// typeOf is the type of a field whose values are of some kinds.
func typeOf(name string, kinds uint8) string {
	if t, ok := metadataTypes[name]; ok {
		return t
	}
	has := func(ks ...event.Kind) bool {
		var all uint8
		for _, k := range ks {
			all |= 1 << k
		}
		return kinds != 0 && kinds&^all == 0
	}
	switch {
	case has(event.Boolean):
		return "boolean"
	case has(event.Long, event.Date):
		if strings.HasPrefix(name, "_count") {
			return "int"
		}
		return "long"
	case has(event.Long, event.Date, event.Double):
		return "double"
	}
	return "string"
}

// AppendMap appends a row as the API writes it: an object of texts by lower-case name;
// what is null is left out. Of fields whose names differ in letter case alone the first
// that has a value stands.
func (p *Page) AppendMap(dst []byte, row []Cell) []byte {
	names := p.lower()
	dst = append(dst, '{')
	first := true
	for i, c := range row {
		if p.same[c.Column] && p.before(row[:i], names[c.Column]) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = jsondoc.AppendString(dst, names[c.Column])
		dst = append(dst, ':')
		dst = jsondoc.AppendString(dst, string(c.Text))
	}
	return append(dst, '}')
}

// lower are the columns' names in lower case.
func (p *Page) lower() []string {
	if p.names == nil {
		count := map[string]int{}
		for _, c := range p.Columns {
			name := strings.ToLower(c.Name)
			p.names = append(p.names, name)
			count[name]++
		}
		for _, name := range p.names {
			p.same = append(p.same, count[name] > 1)
		}
	}
	return p.names
}

// before reports whether one of some cells has a name.
func (p *Page) before(cells []Cell, name string) bool {
	for _, c := range cells {
		if p.names[c.Column] == name {
			return true
		}
	}
	return false
}
