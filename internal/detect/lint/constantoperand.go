package lint

import (
	"fmt"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "constant-operand", Severity: diag.Warning,
	What: "A value by itself beside `and` or `or`: `where EventID = 1 or 3`.",
	Why:  "Each side of `and` and `or` is a condition of its own. A number by itself is true, so every row is kept; a text by itself is false. Write `EventID = 1 or EventID = 3`, or a list: `EventID in (\"1\", \"3\")`.",
	Bad: []string{
		"_sourceCategory=a\n| where EventID = 1 or 3",
		"_sourceCategory=a\n| where user = \"root\" or \"admin\"",
		"_sourceCategory=a\n| where Image matches \"*\\\\a.exe\" or \"*\\\\b.exe\"",
	},
	Good: []string{"_sourceCategory=a\n| where EventID = 1 or EventID = 3", "_sourceCategory=a\n| where user in (\"root\", \"admin\")", "_sourceCategory=a\n| where a or b"},
	Query: func(q *Query, report Report) {
		for _, p := range q.Pipes {
			for _, s := range p.Stages {
				s.each(func(x syntax.Expr) { q.constantOperand(x, report) })
			}
		}
	},
})

func (q *Query) constantOperand(x syntax.Expr, report Report) {
	b, ok := x.(*syntax.Binary)
	if !ok || b.Op != "and" && b.Op != "or" {
		return
	}
	for _, side := range []syntax.Expr{b.X, b.Y} {
		switch unparen(side).(type) {
		case *syntax.Number, *syntax.String:
		default:
			continue
		}
		d := report(side.Span(), fmt.Sprintf("%s is no condition: nothing is compared with it", q.short(side)), "say what is compared: field = "+q.short(side))
		// The comparison before it is repeated.
		before := chain(b.X, b.Op)
		var left string
		switch y := unparen(before[len(before)-1]).(type) {
		case *syntax.Binary:
			if y.Op == "=" || y.Op == "!=" || y.Op == "contains" {
				left = q.text(y.X) + " " + y.Written
			}
		case *syntax.Matches:
			left = q.text(y.X) + " matches"
			if y.Not {
				left = q.text(y.X) + " not matches"
			}
		}
		if side == b.Y && left != "" {
			form := left + " " + q.text(side)
			d.Help = "write " + form
			d.Fix = edit("write "+form, side.Span(), form)
		}
	}
}
