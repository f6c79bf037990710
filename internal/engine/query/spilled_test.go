package query

import (
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
)

// TestSpilledStreams: stages with a state for each group of rows give the same rows, in
// the same order, whether all groups have room in memory, one has, or a few.
func TestSpilledStreams(t *testing.T) {
	data := splitEvents(3000)
	for _, text := range []string{
		`* | json auto | dedup by n`,
		`* | json auto | dedup 2 by n, k`,
		`* | json auto | dedup by k, n | limit 7`,
		`* | json auto | accum n as n by k, j`,
		`* | json auto | sort by n asc | accum n as so_far by n, j | count by so_far`,
		`* | json auto | diff n by k, n`,
		`* | json auto | count by k, n | sort by n asc, k | smooth n, 3 by k`,
		`* | json auto | backshift n, 2 as n by n | dedup by n, k`,
		`* | json auto | rollingstd n, 4 by n | dedup 3 by _rollingstd`,
		`* | json auto | topk(2, n) by k, j`,
		`* | json auto | count by n, k | topk(2, _count) by n | accum _count by k`,
		`* | json auto | count by n | filter n in (where _count > 30)`,
		`* | json auto | count by n, k | filter n, k in (where _count > 3 | fields n, k)`,
		`* | json auto | count by n, k | fillmissing values all in n, values all in k | sort by n, k, _count`,
		`* | json auto | count by n, j | fillmissing values all in n, values all in j, values("x", "y") in k | count by k`,
		`* | json auto | timeslice 5m | count by _timeslice, n | fillmissing timeslice, values all in n | count by _timeslice, _count`,
		`* | json auto | count by n | filter n in (sort by _count | limit 20) | accum _count`,
	} {
		q, diags := Compile(diag.Text("query", text), Standard())
		if diags.HasErrors() {
			t.Fatal(diags.Err())
		}
		want, err := split{workers: 1}.run(q, data)
		if err != nil || len(want) == 0 {
			t.Fatalf("%s: %d rows, %v", text, len(want), err)
		}
		for _, memory := range []int64{1, 64 << 10, 130 << 10, 200 << 10} {
			got, err := split{workers: 2, block: 5000, memory: memory}.run(q, data)
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("%s\nwith %d bytes: %v\n got %.1000s\nwant %.1000s", text, memory, err, strings.Join(got, "\n     "), strings.Join(want, "\n     "))
			}
		}
	}
}
