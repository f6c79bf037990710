package query_test

import (
	"slices"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

// What a query makes 1 or 0 of is a mark; counts and scores are none.
func TestMarks(t *testing.T) {
	for text, want := range map[string][]string{
		`* | if (a = "x", 1, 0) as by_x | if (b = "y", 2, 0) as kind | by_x + kind as score | by_x as same | isNull(c) as no_c | fields by_x, kind, score, same, d`: {"by_x", "same"},
		`* | if (a = "x", 1, if (a = "y", 1, 0)) as m | max(m) as m, count as n by h`:                                                                               {"m"},
		`* | if (a = "x", 1, 0) as m | "text" as m | fields m`:                                                                                                      nil,
		`* | if (a = "x", "1", "0") as m | fields m`:                                                                                                                nil,
	} {
		q, diags := query.Compile(diag.Text("test", text), query.Standard())
		if err := diags.Err(); err != nil {
			t.Fatal(err)
		}
		if got := q.Marks(); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
