package ruledoc

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/gyoji-dev/gyoji/diag"
)

// resourcePrefix begins the types of the resources that are Cloud SIEM's.
const resourcePrefix = "sumologic_cse_"

// resource is a resource of a Terraform file.
type resource struct {
	Type, Label string
	Body        Value
	At          diag.Span
}

// single are the blocks that stand once; all others are lists.
var single = map[string]bool{"severity_mapping": true, "unstructured_fields": true}

// parseHCL reads Cloud SIEM's resources of a Terraform file. What Terraform would
// compute is left out and named.
func parseHCL(f *diag.File) (all []resource, found diag.List) {
	file, ds := hclsyntax.ParseConfig([]byte(f.Text), f.Name, hcl.InitialPos)
	for _, d := range ds {
		if d.Severity == hcl.DiagError {
			at := diag.Span{}
			if d.Subject != nil {
				at = hclSpan(f, *d.Subject)
			}
			// What follows is of the same mistake.
			return nil, diag.List{{Severity: diag.Error, Code: "bad-terraform", File: f, Span: at, Message: d.Summary, Help: d.Detail}}
		}
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil, nil
	}
	for _, b := range body.Blocks {
		if b.Type != "resource" || len(b.Labels) != 2 || !strings.HasPrefix(b.Labels[0], resourcePrefix) {
			continue
		}
		r := resource{Type: strings.TrimPrefix(b.Labels[0], resourcePrefix), Label: b.Labels[1], At: hclSpan(f, b.DefRange())}
		r.Body = fromBody(f, b.Body, r.Label, &found, 0)
		r.Body.At = r.At
		all = append(all, r)
	}
	return all, found
}

func hclSpan(f *diag.File, r hcl.Range) diag.Span {
	return diag.Span{Start: min(r.Start.Byte, len(f.Text)), End: min(r.End.Byte, len(f.Text))}
}

// meta are the arguments that are Terraform's own.
var meta = map[string]bool{"count": true, "for_each": true, "provider": true, "depends_on": true, "lifecycle": true, "provisioner": true, "connection": true}

func fromBody(f *diag.File, body *hclsyntax.Body, label string, found *diag.List, depth int) (v Value) {
	v.Kind = Object
	type part struct {
		at   int
		key  string
		attr *hclsyntax.Attribute
		sub  *hclsyntax.Block
	}
	var parts []part
	for _, a := range body.Attributes {
		parts = append(parts, part{a.SrcRange.Start.Byte, a.Name, a, nil})
	}
	for _, b := range body.Blocks {
		parts = append(parts, part{b.TypeRange.Start.Byte, b.Type, nil, b})
	}
	sortBy(parts, func(p part) int { return p.at })
	for _, p := range parts {
		if depth == 0 && meta[p.key] || depth > depthMax {
			continue
		}
		if p.attr != nil {
			at := hclSpan(f, p.attr.Expr.Range())
			x, ds := p.attr.Expr.Value(nil)
			if ds.HasErrors() || !x.IsWhollyKnown() {
				found.Add(&diag.Diagnostic{
					Severity: diag.Error, Code: "terraform-computed", File: f, Span: at,
					Message: fmt.Sprintf("the %s of %s is computed by Terraform", p.key, label), Help: "write the value out: gyoji does not run Terraform",
				})
				continue
			}
			value := fromCty(x)
			value.At = at
			v.Members = append(v.Members, Member{p.key, value, hclSpan(f, p.attr.NameRange)})
			continue
		}
		x := fromBody(f, p.sub.Body, label, found, depth+1)
		x.At = hclSpan(f, p.sub.DefRange())
		if single[p.key] {
			v.Set(p.key, x)
			continue
		}
		if old := v.Get(p.key); old != nil && old.Kind == List {
			old.Items = append(old.Items, x)
			continue
		}
		v.Members = append(v.Members, Member{p.key, Value{Kind: List, Items: []Value{x}, At: x.At}, x.At})
	}
	return v
}

func fromCty(x cty.Value) Value {
	t := x.Type()
	switch {
	case x.IsNull():
		return Value{}
	case t == cty.String:
		return Of(x.AsString())
	case t == cty.Bool:
		return Of(x.True())
	case t == cty.Number:
		n := x.AsBigFloat()
		if n.IsInt() {
			i, _ := n.Int(nil)
			return Value{Kind: Number, Text: i.String()}
		}
		return Value{Kind: Number, Text: n.Text('g', -1)}
	case t.IsTupleType() || t.IsListType() || t.IsSetType():
		v := Value{Kind: List}
		for _, y := range x.AsValueSlice() {
			v.Items = append(v.Items, fromCty(y))
		}
		return v
	}
	v := Value{Kind: Object}
	for it := x.ElementIterator(); it.Next(); {
		k, y := it.Element()
		v.Members = append(v.Members, Member{Key: k.AsString(), Value: fromCty(y)})
	}
	return v
}

// writeHCL writes a resource. Objects, and lists of them, are blocks.
func writeHCL(typ, label string, v *Value) string {
	b := []byte("resource " + quoteHCL(resourcePrefix+typ) + " " + quoteHCL(label) + " ")
	return string(append(appendBlock(b, v, 0), '\n'))
}

// appendBlock appends a block's body in its braces, indented below depth.
func appendBlock(b []byte, v *Value, depth int) []byte {
	b = append(b, "{\n"...)
	line := func(key string) { b = append(append(b, strings.Repeat("  ", depth+1)...), key...) }
	for i := range v.Members {
		m := &v.Members[i]
		blocks := []Value{m.Value}
		if m.Value.Kind == List {
			blocks = m.Value.Items
		}
		if len(blocks) > 0 && blocks[0].Kind == Object {
			for j := range blocks {
				line(m.Key + " ")
				b = append(appendBlock(b, &blocks[j], depth+1), '\n')
			}
			continue
		}
		line(m.Key + " = ")
		b = append(appendHCL(b, &m.Value), '\n')
	}
	return append(append(b, strings.Repeat("  ", depth)...), '}')
}

// appendHCL appends a value of an argument.
func appendHCL(b []byte, v *Value) []byte {
	switch v.Kind {
	case Text:
		return append(b, quoteHCL(v.Text)...)
	case Number:
		if strings.Trim(v.Text, "0123456789+-.eE") != "" { // YAML has .inf and 0x1f
			return append(b, quoteHCL(v.Text)...)
		}
		return append(b, v.Text...)
	case Bool:
		return append(b, v.Text...)
	case List:
		b = append(b, '[')
		for i := range v.Items {
			if i > 0 {
				b = append(b, ", "...)
			}
			b = appendHCL(b, &v.Items[i])
		}
		return append(b, ']')
	case Object:
		b = append(b, '{')
		for i := range v.Members {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(append(append(b, ' '), quoteHCL(v.Members[i].Key)...), " = "...)
			b = appendHCL(b, &v.Members[i].Value)
		}
		return append(b, " }"...)
	}
	return append(b, "null"...)
}

// quoteHCL writes a text so that nothing in it is an escape or a template.
// Source: HCL native syntax specification, "Template Expressions".
func quoteHCL(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case (c == '$' || c == '%') && strings.HasPrefix(s[i+1:], "{"):
			b.WriteRune(c)
			b.WriteRune(c)
		case !unicode.IsPrint(c):
			if c < 0x10000 {
				fmt.Fprintf(&b, `\u%04x`, c)
			} else {
				fmt.Fprintf(&b, `\U%08x`, c)
			}
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
