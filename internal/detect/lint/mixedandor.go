package lint

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "mixed-and-or", Severity: diag.Warning,
	What: "AND, or a blank that stands for it, beside OR without parentheses: `_sourceCategory=a error OR fail`.",
	Why: "AND binds tighter than OR, in the search expression and in conditions. `_sourceCategory=a error OR fail` is read as " +
		"`(_sourceCategory=a error) OR fail`, and finds `fail` in every source. Parentheses say what is meant.",
	Bad: []string{
		"_sourceCategory=a error OR fail | count",
		"_sourceCategory=a error OR fail OR timeout | count",
		"_sourceCategory=a AND (b OR c AND d) | count",
		"_sourceCategory=a\n| where x = \"1\" and y = \"2\" or z = \"3\"",
	},
	Good: []string{
		"_sourceCategory=a (error OR fail) | count",
		"(_sourceCategory=a error) OR (_sourceCategory=b fail) | count",
		"_sourceCategory=a error fail | count",
		"_sourceCategory=a\n| where (x = \"1\" and y = \"2\") or z = \"3\"",
	},
	Query: func(q *Query, report Report) {
		for _, p := range q.Pipes {
			if p.Query.Search != nil {
				syntax.Walk(p.Query.Search, func(n syntax.Node) bool {
					if or, ok := n.(*syntax.Or); ok {
						for _, x := range or.List {
							if and, ok := x.(*syntax.And); ok {
								q.mixed(or, and, report)
								break
							}
						}
					}
					return true
				})
			}
			for _, s := range p.Stages {
				inner := map[syntax.Expr]bool{} // links of a chain that was looked at
				s.each(func(x syntax.Expr) {
					or, ok := x.(*syntax.Binary)
					if !ok || or.Op != "or" || inner[or] {
						return
					}
					found := false
					for y := syntax.Expr(or); ; {
						o, ok := y.(*syntax.Binary)
						if !ok || o.Op != "or" {
							if !found {
								q.isAnd(or, y, report)
							}
							break
						}
						inner[o] = true
						found = found || q.isAnd(or, o.Y, report)
						y = o.X
					}
				})
			}
		}
	},
})

// isAnd reports an operand of or that is an and without parentheses.
func (q *Query) isAnd(or, x syntax.Expr, report Report) bool {
	and, ok := x.(*syntax.Binary)
	if !ok || and.Op != "and" {
		return false
	}
	q.mixed(or, and, report)
	return true
}

// mixed reports that an and stands in an or without parentheses.
func (q *Query) mixed(or, and syntax.Node, report Report) {
	const most = 80
	read := "(" + q.text(and) + ")"
	help := "put parentheses around what belongs together"
	if whole, ok := strings.CutPrefix(q.text(or), q.text(and)); ok && len(read)+len(whole) <= most {
		help = fmt.Sprintf("this is read as %s%s; put parentheses around what belongs together", read, whole)
	} else if len(read) <= most {
		help = fmt.Sprintf("%s is read together; put parentheses around what belongs together", read)
	}
	report(and.Span(), "AND binds tighter than OR here", help)
}
