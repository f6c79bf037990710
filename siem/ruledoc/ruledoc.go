// Package ruledoc finds the expressions of Cloud SIEM rules in the documents
// that hold rules: the API's JSON, flat JSON, the catalogue's {"rules":[...]},
// and Terraform. It reads what conditions there are and where they stand, and
// nothing else of a rule. A package of its own, for HashiCorp's library.
package ruledoc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/gyoji-dev/gyoji/diag"
)

// Expression is a condition on records that stands in a rule.
type Expression struct {
	Rule string    // the rule's name; where it has none its label in Terraform
	Type string    // what the document calls the kind of rule: sumologic_cse_match_rule; "" in JSON without one
	Key  string    // expression, match_expression, filter_expression, expressions_and_limits; in camel case in the API's JSON
	At   diag.Span // of the text in the document, its quotes included
	Text string    // the expression
}

// keys are the keys whose text is a condition on a record, in both spellings.
// The trigger_expression of an aggregation rule is about what was counted.
var keys = []string{"expression", "matchExpression", "match_expression", "filterExpression", "filter_expression"}

// lists are the keys of chain rules whose items have an expression.
var lists = []string{"expressionsAndLimits", "expressions_and_limits"}

// Read finds the expressions of a document, in the order of the text. The list
// has an error where the document cannot be read, and for each rule whose
// expression cannot.
func Read(f *diag.File) ([]Expression, diag.List) {
	if first := strings.TrimLeft(f.Text, "\ufeff \t\r\n"); strings.HasPrefix(first, "{") || strings.HasPrefix(first, "[") {
		return readJSON(f)
	}
	return readHCL(f)
}

// ---- JSON

// readJSON walks the tokens of a JSON text, which know where they stand.
func readJSON(f *diag.File) (list []Expression, found diag.List) {
	text := []byte(strings.TrimPrefix(f.Text, "\ufeff"))
	skipped := len(f.Text) - len(text)
	d := json.NewDecoder(bytes.NewReader(text))
	r := &jsonReader{d: d, text: text, skipped: skipped}
	if err := r.value("", false); err != nil {
		at := min(int(d.InputOffset())+skipped, len(f.Text))
		return nil, diag.List{{Severity: diag.Error, Code: "bad-rule", File: f, Span: diag.Span{Start: at, End: at},
			Message: "this is no JSON: " + err.Error(), Help: `a rule of the API is {"fields":{"expression":"...", ...}}`}}
	}
	return r.list, nil
}

type jsonReader struct {
	d       *json.Decoder
	text    []byte
	skipped int
	depth   int
	list    []Expression
}

// depthMax bounds how deep a document may be nested.
const depthMax = 200

// value reads a value. key is what it stands under; inChain that it is an item of
// a chain's list.
func (r *jsonReader) value(key string, inChain bool) error {
	if r.depth++; r.depth > depthMax {
		return fmt.Errorf("it is nested more than %d deep", depthMax)
	}
	defer func() { r.depth-- }()
	t, err := r.d.Token()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('['):
		for r.d.More() {
			if err := r.value(key, inChain); err != nil {
				return err
			}
		}
		_, err = r.d.Token()
		return err
	case json.Delim('{'):
		start := len(r.list)
		name, kind := "", ""
		for r.d.More() {
			k, err := r.d.Token()
			if err != nil {
				return err
			}
			under, _ := k.(string)
			// Under entitySelectors and the like an expression is no condition.
			rule := key == "" || key == "fields" || key == "rules" || inChain
			at := int(r.d.InputOffset())
			switch {
			case rule && (has(keys, under) || under == "name" || under == "pattern_type" || under == "patternType"):
				v, err := r.d.Token()
				if err != nil {
					return err
				}
				s, ok := v.(string)
				switch {
				case !ok:
					if d, open := v.(json.Delim); open && (d == '{' || d == '[') {
						return fmt.Errorf("%s is no text", under)
					}
				case under == "name":
					name = s
				case strings.HasPrefix(under, "pattern"):
					kind = s
				case s != "":
					end := int(r.d.InputOffset())
					at += bytes.IndexByte(r.text[at:end], '"')
					as := under
					if inChain {
						as = key
					}
					r.list = append(r.list, Expression{Key: as, At: diag.Span{Start: at + r.skipped, End: end + r.skipped}, Text: s})
				}
			default:
				if err := r.value(under, rule && has(lists, under)); err != nil {
					return err
				}
			}
		}
		for i := range r.list[start:] {
			x := &r.list[start+i]
			if x.Rule == "" {
				x.Rule = name
			}
			if x.Type == "" {
				x.Type = kind
			}
		}
		_, err = r.d.Token()
		return err
	}
	return nil
}

func has(list []string, s string) bool {
	for _, k := range list {
		if k == s {
			return true
		}
	}
	return false
}

// ---- Terraform

// readHCL reads the rules and tuning expressions among Terraform's resources.
func readHCL(f *diag.File) (list []Expression, found diag.List) {
	file, ds := hclsyntax.ParseConfig([]byte(f.Text), f.Name, hcl.InitialPos)
	for _, d := range ds {
		if d.Severity == hcl.DiagError {
			at := diag.Span{}
			if d.Subject != nil {
				at = span(f, *d.Subject)
			}
			found.Add(&diag.Diagnostic{Severity: diag.Error, Code: "bad-terraform", File: f, Span: at, Message: d.Summary, Help: d.Detail})
			return nil, found // what follows is of the same mistake
		}
	}
	body, ok := file.Body.(*hclsyntax.Body)
	if !ok {
		return nil, nil
	}
	for _, b := range body.Blocks {
		if b.Type != "resource" || len(b.Labels) != 2 || !strings.HasPrefix(b.Labels[0], "sumologic_cse_") {
			continue
		}
		name := b.Labels[1]
		if a := b.Body.Attributes["name"]; a != nil {
			if s, ok := text(a.Expr); ok {
				name = s
			}
		}
		add := func(key string, a *hclsyntax.Attribute) {
			s, ok := text(a.Expr)
			at := span(f, a.Expr.Range())
			if !ok {
				found.Add(&diag.Diagnostic{Severity: diag.Error, Code: "terraform-computed", File: f, Span: at,
					Message: fmt.Sprintf("the %s of %s is computed by Terraform", key, name), Help: "write the expression out: gyoji does not run Terraform"})
				return
			}
			list = append(list, Expression{Rule: name, Type: b.Labels[0], Key: key, At: at, Text: s})
		}
		for _, k := range keys {
			if a := b.Body.Attributes[k]; a != nil && strings.Contains(b.Labels[0], "_rule") {
				add(k, a)
			}
		}
		for _, c := range b.Body.Blocks {
			if a := c.Body.Attributes["expression"]; a != nil && has(lists, c.Type) {
				add(c.Type, a)
			}
		}
	}
	return list, found
}

// text is the value of an expression that is written out: a text, or a heredoc.
func text(x hclsyntax.Expression) (string, bool) {
	v, ds := x.Value(nil)
	if ds.HasErrors() || v.IsNull() || !v.IsKnown() || v.Type() != cty.String {
		return "", false
	}
	return strings.TrimSuffix(v.AsString(), "\n"), true
}

func span(f *diag.File, r hcl.Range) diag.Span {
	return diag.Span{Start: min(r.Start.Byte, len(f.Text)), End: min(r.End.Byte, len(f.Text))}
}
