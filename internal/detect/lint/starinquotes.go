package lint

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "star-in-quotes", Severity: diag.Warning,
	What: "A star in quotes in the search expression, where it is only a star.",
	Why: "Quotes and wildcards do not go together: `_sourceCategory=\"*windows*\"` asks for a category whose name has two stars, and finds nothing. " +
		"Leave the quotes out. A value with blanks takes a star for each blank, or goes into `where _sourceCategory matches \"*a b*\"`.",
	Bad:  []string{"_sourceCategory=\"*windows*\" | count", "_sourceCategory=a _sourceHost=\"web*\"", "_sourceCategory=a \"*failed*\"", "_sourceCategory=a (\"fail*\" or EventID=\"46*\")"},
	Good: []string{"_sourceCategory=*windows* | count", "_sourceCategory=\"windows events\"", "_sourceCategory=a \"5 * 3\"", "_sourceCategory=a \"SELECT * FROM\"", "_sourceCategory=a \"* * * * * root\""},
	Query: func(q *Query, report Report) {
		for _, p := range q.Pipes {
			if p.Query.Search == nil {
				continue
			}
			syntax.Walk(p.Query.Search, func(n syntax.Node) bool {
				switch n := n.(type) {
				case *syntax.Query:
					return false
				case *syntax.FieldTerm:
					for _, v := range n.Values {
						if v.Quoted && strings.Contains(v.Text, "*") {
							starInQuotes(n.Pos, v, n.Field.Name+" with", report)
						}
					}
					return false
				case *syntax.Term:
					if n.Quoted && starAtWord().MatchString(n.Text) {
						starInQuotes(n.Pos, n, "text with", report)
					}
				}
				return true
			})
		}
	},
})

// starAtWord recognises a text with a star at an end, next to a letter or digit;
// stars by themselves stand in logs.
var starAtWord = match.Lazy(`^\*+[\pL\pN]|[\pL\pN]\*+$`)

// bareValue is what needs no quotes in the search expression.
var bareValue = match.Lazy(`^[\pL\pN_:/.+@#$%^*-]+$`)

func starInQuotes(at diag.Span, v *syntax.Term, what string, report Report) {
	d := report(at, fmt.Sprintf("in quotes a star is only a star: this finds %s the text %s", what, v.Text), "")
	form := strings.Join(strings.Fields(v.Text), "*")
	if !bareValue().MatchString(form) || strings.Contains(form, "//") || strings.Contains(form, "/*") {
		d.Help = "leave the quotes out, or compare in a where: matches knows stars in quotes"
		return
	}
	d.Help = "write " + form + " without quotes"
	d.Fix = edit("write "+form, v.Pos, form)
}
