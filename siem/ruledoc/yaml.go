package ruledoc

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/gyoji-dev/gyoji/diag"
)

// valuesMax bounds the values of a document, aliases counted as often as they are used: a
// list of as many items as are allowed fits.
const valuesMax = 1_000_000

// parseYAML reads the documents of a YAML text.
func parseYAML(f *diag.File) (all []Value, found diag.List) {
	d := yaml.NewDecoder(strings.NewReader(f.Text))
	at := &cursor{f: f}
	for {
		var n yaml.Node
		err := d.Decode(&n)
		if err == io.EOF {
			return all, found
		}
		if err != nil {
			return nil, append(found, &diag.Diagnostic{Severity: diag.Error, Code: "bad-yaml", File: f, Message: "this is not YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")})
		}
		left := valuesMax
		v, err := fromYAML(at, &n, 0, &left)
		if err != nil {
			at := f.Offset(diag.Place{Line: max(n.Line, 1), Col: max(n.Column, 1)})
			found.Add(&diag.Diagnostic{Severity: diag.Error, Code: "bad-yaml", File: f, Span: diag.Span{Start: at, End: at}, Message: err.Error()})
			continue // the others are read
		}
		all = append(all, v)
	}
}

// cursor finds the places of nodes, which come in the order of the text mostly: a line of
// a megabyte is gone through once.
type cursor struct {
	f    *diag.File
	last diag.Place
	at   int
}

func (c *cursor) offset(p diag.Place) int {
	if p.Line != c.last.Line || p.Col < c.last.Col {
		c.at = c.f.Offset(p)
	} else {
		for col := c.last.Col; col < p.Col && c.at < len(c.f.Text) && c.f.Text[c.at] != '\n'; col++ {
			_, n := utf8.DecodeRuneInString(c.f.Text[c.at:])
			c.at += n
		}
	}
	c.last = p
	return c.at
}

func fromYAML(c *cursor, n *yaml.Node, depth int, left *int) (v Value, err error) {
	if *left--; *left < 0 || depth > depthMax {
		return v, fmt.Errorf("the document is too large or nested too deep")
	}
	at := c.offset(diag.Place{Line: max(n.Line, 1), Col: max(n.Column, 1)})
	v.At = diag.Span{Start: at, End: min(at+max(len(n.Value), 1), len(c.f.Text))}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 0 {
			return v, nil
		}
		return fromYAML(c, n.Content[0], depth, left)
	case yaml.AliasNode:
		return fromYAML(c, n.Alias, depth+1, left)
	case yaml.SequenceNode:
		v.Kind = List
		for _, y := range n.Content {
			x, err := fromYAML(c, y, depth+1, left)
			if err != nil {
				return v, err
			}
			v.Items = append(v.Items, x)
		}
	case yaml.MappingNode:
		v.Kind = Object
		place := places{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			x, err := fromYAML(c, n.Content[i+1], depth+1, left)
			if err != nil {
				return v, err
			}
			place.set(&v, n.Content[i].Value, x)
		}
	case yaml.ScalarNode:
		v.Text = n.Value
		switch n.ShortTag() {
		case "!!null":
			v.Kind, v.Text = Null, ""
		case "!!bool":
			v.Kind, v.Text = Bool, strings.ToLower(n.Value)
		case "!!int", "!!float":
			v.Kind = Number
			var x any
			if n.Decode(&x) == nil {
				v.Text = Of(number(x)).Text
			}
		default:
			v.Kind = Text
		}
	}
	return v, nil
}

func number(x any) any {
	switch x := x.(type) {
	case int, int64, float64:
		return x
	}
	return fmt.Sprint(x)
}

// writeYAML writes a value as YAML.
func writeYAML(b *bytes.Buffer, v *Value) error {
	e := yaml.NewEncoder(b)
	e.SetIndent(2)
	if err := e.Encode(toYAML(v)); err != nil {
		return err
	}
	return e.Close()
}

func toYAML(v *Value) *yaml.Node {
	n := &yaml.Node{}
	switch v.Kind {
	case Null:
		n.SetString("null")
		n.Tag = "!!null"
	case Bool:
		n.Kind, n.Tag, n.Value = yaml.ScalarNode, "!!bool", v.Text
	case Number:
		n.Kind, n.Tag, n.Value = yaml.ScalarNode, "!!float", v.Text
		if !strings.ContainsAny(v.Text, ".eE") {
			n.Tag = "!!int"
		}
	case Text:
		n.SetString(v.Text)
		// A block of lines is only for text that begins and ends with a character;
		// of others the library writes blocks that it cannot read.
		if strings.Contains(v.Text, "\n") && (strings.ContainsAny(v.Text, "\t\r") || strings.TrimSpace(v.Text) != strings.TrimSuffix(v.Text, "\n")) {
			n.Style = yaml.DoubleQuotedStyle
		}
	case List:
		n.Kind = yaml.SequenceNode
		plain := len(v.Items) > 0
		for i := range v.Items {
			n.Content = append(n.Content, toYAML(&v.Items[i]))
			plain = plain && v.Items[i].Kind <= Text && len(v.Items[i].Text) < 40
		}
		if plain || len(v.Items) == 0 {
			n.Style = yaml.FlowStyle
		}
	case Object:
		n.Kind = yaml.MappingNode
		for i := range v.Members {
			k := &yaml.Node{}
			k.SetString(v.Members[i].Key)
			n.Content = append(n.Content, k, toYAML(&v.Members[i].Value))
		}
	}
	return n
}
