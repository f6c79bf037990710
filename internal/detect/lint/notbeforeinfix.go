package lint

import (
	"fmt"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "not-before-infix", Severity: diag.Warning,
	What: "`!` before a comparison without parentheses: it takes the next operand alone.",
	Why: "`!` binds tighter than any operator between two operands: `!Image matches \"*cmd.exe\"` compares the negation of Image, true or false, with the pattern, and keeps no row. " +
		"Write `!(Image matches \"*cmd.exe\")`. The word `not` takes the whole comparison.",
	Bad: []string{
		"_sourceCategory=a\n| where !Image matches \"*cmd.exe\"",
		"_sourceCategory=a\n| where !user = \"root\"",
		"_sourceCategory=a\n| where !user in (\"root\", \"admin\") and x = 1",
		"_sourceCategory=a\n| if (!url contains \"x\", 1, 0) as y",
		"_sourceCategory=a\n| where !size > 5",
	},
	Good: []string{
		"_sourceCategory=a\n| where !(Image matches \"*cmd.exe\")",
		"_sourceCategory=a\n| where not user = \"root\"",
		"_sourceCategory=a\n| where !isNull(user) and x = 1",
		"_sourceCategory=a\n| where !isNull(user) = true",
		"_sourceCategory=a\n| where !(user in (\"root\"))",
	},
	Query: func(q *Query, report Report) {
		for _, p := range q.Pipes {
			for _, s := range p.Stages {
				s.each(func(x syntax.Expr) { q.notBeforeInfix(x, report) })
			}
		}
	},
})

func (q *Query) notBeforeInfix(x syntax.Expr, report Report) {
	var left syntax.Expr
	switch x := x.(type) {
	case *syntax.Binary:
		if x.Op == "and" || x.Op == "or" {
			return
		}
		if _, truth := unparen(x.Y).(*syntax.Bool); truth {
			return // a negation is compared with what it can be
		}
		left = x.X
	case *syntax.Matches:
		left = x.X
	case *syntax.In:
		left = x.X
	}
	not, ok := left.(*syntax.Unary)
	if !ok || not.Op != "!" {
		return
	}
	d := report(x.Span(), fmt.Sprintf("! takes %s alone here, and not the comparison", q.short(not.X)), "put parentheses around the comparison: !(...)")
	from, to := not.X.Span().Start, x.Span().End
	d.Fix = &diag.Fix{Title: "put parentheses around the comparison", Edits: []diag.Edit{
		{Span: diag.Span{Start: from, End: from}, New: "("}, {Span: diag.Span{Start: to, End: to}, New: ")"},
	}}
}
