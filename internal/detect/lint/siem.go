package lint

import (
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/siem"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// SIEM is an expression of Cloud SIEM that is checked.
type SIEM struct {
	File *diag.File
	Expr *siem.Expression
	Cond expr.Expr // over records
	admitted
}

// SIEMRule is a rule of Cloud SIEM that is checked.
type SIEMRule struct {
	File *diag.File
	*ruledoc.Rule
	Before   []*ruledoc.Rule // that stand before it in the file
	admitted                 // by its conditions
}

// SIEMExpression checks a file that holds one expression of Cloud SIEM.
func SIEMExpression(f *diag.File) diag.List {
	found, _ := siemExpression(f)
	return found
}

func siemExpression(f *diag.File) (diag.List, *SIEM) {
	x, found := siem.Parse(f)
	if found.HasErrors() {
		return found, nil
	}
	cond, more := rule.LowerSIEM(x, rule.RecordAttributes(event.NewLayout()))
	found = append(found, more...)
	if cond == nil {
		found.Sort()
		return found, nil
	}
	s := &SIEM{f, x, cond, admits(x)}
	for _, c := range Checks() {
		if c.SIEM != nil {
			c.SIEM(s, reportOf(c, f, &found))
		}
	}
	found.Sort()
	return found, s
}

func reportOf(c *Check, f *diag.File, found *diag.List) Report {
	return func(at diag.Span, message, help string) *diag.Diagnostic {
		d := &diag.Diagnostic{Severity: c.Severity, Code: c.ID, File: f, Span: at, Message: message, Help: help}
		found.Add(d)
		return d
	}
}

// SIEMRules checks the Cloud SIEM rules in a JSON, YAML or Terraform file, and their
// expressions. A file without one has an error.
func SIEMRules(f *diag.File) diag.List {
	list, found := ruledoc.Expressions(f)
	docs, _ := ruledoc.Read(f) // what Expressions found
	if len(list) == 0 && !found.HasErrors() {
		return diag.List{{Severity: diag.Error, Code: "no-rule", File: f, Message: "no expression of a Cloud SIEM rule stands here", Help: "a rule has an expression, match_expression, filter_expression or expressions_and_limits"}}
	}
	admit := map[string]admitted{} // by rule
	for _, x := range list {
		ds, s := siemExpression(diag.Text(f.Name, x.Text))
		if s != nil {
			admit[x.Rule] = admit[x.Rule].or(s.admitted)
		}
		for _, d := range ds {
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
	var rules []*ruledoc.Rule
	for _, d := range docs {
		if !d.IsRule() {
			continue
		}
		r, ds := d.Rule()
		for _, p := range ds {
			if p.Code == "no-entity" || p.Code == "no-severity" || p.Code == "rule-without-name" { // a sketch lacks them
				sketch := *p
				sketch.Severity = diag.Warning
				p = &sketch
			}
			found.Add(p)
		}
		if r == nil {
			continue
		}
		s := &SIEMRule{f, r, rules, admit[d.Name()]}
		rules = append(rules, r)
		for _, c := range Checks() {
			if c.SIEMRule != nil {
				c.SIEMRule(s, reportOf(c, f, &found))
			}
		}
	}
	found.Sort()
	return found
}

// comparisons calls each with the texts that a node is compared with: those of = and
// IN, or with like those of LIKE.
func comparisons(x siem.Node, like bool, each func(of siem.Node, text *siem.Literal)) {
	siem.Walk(x, func(n siem.Node) bool {
		add := func(of, y siem.Node) {
			if t, ok := y.(*siem.Literal); ok && t.Kind == siem.Text {
				each(of, t)
			}
		}
		switch n := n.(type) {
		case *siem.Compare:
			if !like && (n.Op == "=" || n.Op == "==") {
				add(n.X, n.Y)
				add(n.Y, n.X)
			}
		case *siem.In:
			for _, y := range n.List {
				if !like {
					add(n.X, y)
				}
			}
		case *siem.Like:
			if like {
				add(n.X, n.Pattern)
			}
		}
		return true
	})
}
