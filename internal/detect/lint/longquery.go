package lint

import (
	"fmt"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/convert"
)

var _ = register(Check{
	ID: "long-query", Severity: diag.Warning,
	What: "A query of more than 15,000 characters.",
	Why:  "Sumo Logic takes no longer ones. Move long lists to a lookup table.",
	Query: func(q *Query, report Report) {
		limit := convert.Named("sumo").Limit
		if n := utf8.RuneCountInString(q.File.Text); n > limit.Max {
			report(diag.Span{End: 1}, fmt.Sprintf("this query has %d characters, and Sumo Logic takes %d", n, limit.Max), limit.Help)
		}
	},
})
