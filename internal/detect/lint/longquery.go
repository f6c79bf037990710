package lint

import (
	"fmt"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/diag"
)

// sumoQueryMax is the most characters a query has on Sumo Logic (language
// specification A.1).
const sumoQueryMax = 15_000

var _ = register(Check{
	ID: "long-query", Severity: diag.Warning,
	What: "A query of more than 15,000 characters.",
	Why:  "Sumo Logic takes no longer ones. Move long lists to a lookup table.",
	Query: func(q *Query, report Report) {
		if n := utf8.RuneCountInString(q.File.Text); n > sumoQueryMax {
			report(diag.Span{End: 1}, fmt.Sprintf("this query has %d characters, and Sumo Logic takes %d", n, sumoQueryMax), "move lists of values to a lookup table")
		}
	},
})
