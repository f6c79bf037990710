package lint

import (
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/siem"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// SIEMExpression checks a file that holds one expression of Cloud SIEM.
func SIEMExpression(f *diag.File) diag.List {
	x, found := siem.Parse(f)
	if found.HasErrors() {
		return found
	}
	_, more := rule.NewScope().SIEM(x)
	found = append(found, more...)
	found.Sort()
	return found
}

// SIEMRules checks the expressions of the Cloud SIEM rules in a JSON or Terraform
// file. A file without one has an error.
func SIEMRules(f *diag.File) diag.List {
	list, found := ruledoc.Expressions(f)
	if len(list) == 0 && !found.HasErrors() {
		return diag.List{{Severity: diag.Error, Code: "no-rule", File: f, Message: "no expression of a Cloud SIEM rule stands here", Help: "a rule has an expression, match_expression, filter_expression or expressions_and_limits"}}
	}
	for _, x := range list {
		for _, d := range SIEMExpression(diag.Text(f.Name, x.Text)) {
			moved := *d
			moved.File, moved.Span = f, x.At
			if at := x.At.Start + 1; f.Slice(x.At) == `"`+x.Text+`"` { // no escapes: places are the same
				moved.Span = diag.Span{Start: at + d.Span.Start, End: at + d.Span.End}
			}
			moved.Fix, moved.Labels = nil, nil // they are of the expression's own text
			if x.Rule != "" && len(list) > 1 {
				moved.Message = strings.TrimSpace(x.Rule) + ": " + moved.Message
			}
			found.Add(&moved)
		}
	}
	found.Sort()
	return found
}
