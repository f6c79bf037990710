package ruledoc

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/gyoji-dev/gyoji/diag"
)

// parseYAML reads the documents of a YAML text.
func parseYAML(f *diag.File) (all []Value, problem *diag.Diagnostic) {
	d := yaml.NewDecoder(strings.NewReader(f.Text))
	for {
		var n yaml.Node
		err := d.Decode(&n)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return nil, &diag.Diagnostic{Severity: diag.Error, Code: "bad-yaml", File: f, Message: "this is not YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
		}
		left := 100_000 // values, aliases counted as often as they are used
		v, err := fromYAML(f, &n, 0, &left)
		if err != nil {
			at := f.Offset(diag.Place{Line: max(n.Line, 1), Col: max(n.Column, 1)})
			return nil, &diag.Diagnostic{Severity: diag.Error, Code: "bad-yaml", File: f, Span: diag.Span{Start: at, End: at}, Message: err.Error()}
		}
		all = append(all, v)
	}
}

func fromYAML(f *diag.File, n *yaml.Node, depth int, left *int) (v Value, err error) {
	if *left--; *left < 0 || depth > depthMax {
		return v, fmt.Errorf("the document is too large or nested too deep")
	}
	at := f.Offset(diag.Place{Line: max(n.Line, 1), Col: max(n.Column, 1)})
	v.At = diag.Span{Start: at, End: min(at+max(len(n.Value), 1), len(f.Text))}
	switch n.Kind {
	case yaml.DocumentNode:
		if len(n.Content) == 0 {
			return v, nil
		}
		return fromYAML(f, n.Content[0], depth, left)
	case yaml.AliasNode:
		return fromYAML(f, n.Alias, depth+1, left)
	case yaml.SequenceNode:
		v.Kind = List
		for _, c := range n.Content {
			x, err := fromYAML(f, c, depth+1, left)
			if err != nil {
				return v, err
			}
			v.Items = append(v.Items, x)
		}
	case yaml.MappingNode:
		v.Kind = Object
		for i := 0; i+1 < len(n.Content); i += 2 {
			x, err := fromYAML(f, n.Content[i+1], depth+1, left)
			if err != nil {
				return v, err
			}
			v.Set(n.Content[i].Value, x)
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
