package lint

import (
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/siem"
)

var _ = register(Check{
	ID: "siem-mixed-and-or", Severity: diag.Warning,
	What: "AND and OR at one level without parentheses.",
	Why:  "AND binds tighter: `a AND b OR c` is `(a AND b) OR c`, and holds for every c. Seven of the product's own rules have it. Parentheses say what is meant.",
	Bad:  []string{`metadata_vendor = 'Microsoft' AND user_username = 'a' OR user_username = 'b'`},
	Good: []string{`metadata_vendor = 'Microsoft' AND (user_username = 'a' OR user_username = 'b')`, `(srcPort = 1 AND dstPort = 2) OR dstPort = 3`},
	SIEM: func(s *SIEM, report Report) {
		siem.Walk(s.Expr.Cond, func(n siem.Node) bool {
			or, ok := n.(*siem.Or)
			if !ok {
				return true
			}
			for _, side := range []siem.Node{or.X, or.Y} {
				if and, ok := side.(*siem.And); ok && !inParentheses(s.File.Text, and.Span) {
					report(and.Span, "AND binds tighter than OR here", "put parentheses around what belongs together")
				}
			}
			return true
		})
	},
})

func inParentheses(text string, at diag.Span) bool {
	return strings.HasSuffix(strings.TrimRight(text[:at.Start], " \t\r\n"), "(") && strings.HasPrefix(strings.TrimLeft(text[at.End:], " \t\r\n"), ")")
}
