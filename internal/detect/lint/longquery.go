package lint

import (
	"fmt"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "long-query", Severity: diag.Warning,
	What: "A query of more than 15,000 characters.",
	Why:  "Sumo Logic takes no longer ones. gyoji fmt --short leaves comments out; move long lists to a lookup table.",
	Query: func(q *Query, report Report) {
		limit := convert.Named("sumo").Limit
		n := utf8.RuneCountInString(q.File.Text)
		if n <= limit.Max || q.Tree == nil {
			return
		}
		short := utf8.RuneCountInString(syntax.PrintShort(q.Tree))
		what := fmt.Sprintf("this query has %d characters, and Sumo Logic takes %d", n, limit.Max)
		if short <= limit.Max {
			report(diag.Span{End: 1}, what, fmt.Sprintf("gyoji fmt --short leaves its comments out: %d characters", short))
			return
		}
		report(diag.Span{End: 1}, fmt.Sprintf("%s; without comments it still has %d", what, short), limit.Help)
	},
})
