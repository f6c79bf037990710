package ruledoc

import (
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
)

// Expression is a condition on records that stands in a document.
type Expression struct {
	Rule string    // the document's name
	What string    // MatchRule, ...
	Key  string    // expression, match_expression, filter_expression, expressions_and_limits
	At   diag.Span // of the text in the document, its quotes included
	Text string
}

// conditions are the keys whose text is a condition on a record. The
// trigger_expression of an aggregation rule is about what was counted.
var conditions = []string{"expression", "match_expression", "filter_expression"}

// Expressions finds the conditions of the rules and tuning expressions of a file, in
// the order of the text.
func Expressions(f *diag.File) (all []Expression, found diag.List) {
	docs, found := Read(f)
	add := func(d *Document, key string, v *Value) {
		switch {
		case v == nil || v.Kind == Null || v.Kind == Text && v.Text == "":
		case v.Kind != Text:
			found.Add(problem(f, v.At, "bad-value", "%s is %s, and must be text", key, v.Kind))
		default:
			// A heredoc of Terraform ends with a line end that is not the condition's.
			all = append(all, Expression{d.Name(), d.What, key, v.At, strings.TrimSuffix(v.Text, "\n")})
		}
	}
	for _, d := range docs {
		if !d.IsRule() && d.What != Tuning {
			continue
		}
		for _, k := range conditions {
			add(d, k, d.Body.Get(k))
		}
		if v := d.Body.Get("expressions_and_limits"); v != nil {
			for i := range v.Items {
				add(d, "expressions_and_limits", v.Items[i].Get("expression"))
			}
		}
	}
	return all, found
}
