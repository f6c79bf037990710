package ruledoc

import (
	"fmt"
	"math/big"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/hashicorp/hcl/v2/hclwrite"
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

func toCty(v *Value) cty.Value {
	switch v.Kind {
	case Bool:
		return cty.BoolVal(v.Text == "true")
	case Number:
		if n, _, err := big.ParseFloat(v.Text, 10, 512, big.ToNearestEven); err == nil {
			return cty.NumberVal(n)
		}
		return cty.StringVal(v.Text)
	case Text:
		return cty.StringVal(v.Text)
	case List:
		if len(v.Items) == 0 {
			return cty.EmptyTupleVal
		}
		var items []cty.Value
		for i := range v.Items {
			items = append(items, toCty(&v.Items[i]))
		}
		return cty.TupleVal(items)
	case Object:
		m := map[string]cty.Value{}
		for i := range v.Members {
			m[v.Members[i].Key] = toCty(&v.Members[i].Value)
		}
		return cty.ObjectVal(m)
	}
	return cty.NullVal(cty.DynamicPseudoType)
}

// writeHCL writes a resource. Objects, and lists of them, are blocks.
func writeHCL(typ, label string, v *Value) string {
	file := hclwrite.NewEmptyFile()
	b := file.Body().AppendNewBlock("resource", []string{resourcePrefix + typ, label})
	writeBody(b.Body(), v)
	return string(file.Bytes())
}

func writeBody(b *hclwrite.Body, v *Value) {
	for i := range v.Members {
		m := &v.Members[i]
		switch {
		case m.Value.Kind == Object:
			writeBody(b.AppendNewBlock(m.Key, nil).Body(), &m.Value)
		case m.Value.Kind == List && len(m.Value.Items) > 0 && m.Value.Items[0].Kind == Object:
			for j := range m.Value.Items {
				writeBody(b.AppendNewBlock(m.Key, nil).Body(), &m.Value.Items[j])
			}
		default:
			b.SetAttributeValue(m.Key, toCty(&m.Value))
		}
	}
}
