package conformance

import (
	"context"
	"os"
	"path/filepath"
	"sort"
	"testing"
)

// specCases is the specification's file of cases, which stands beside the checkout.
const specCases = "../../../../shared/spec/operator-cases.jsonl"

func TestSpecificationCases(t *testing.T) {
	f, err := os.Open(filepath.FromSlash(specCases))
	if err != nil {
		t.Skip("the specification's cases are not beside this checkout: ../shared/spec is not there")
	}
	defer f.Close()
	cases, err := Load("operator-cases.jsonl", f)
	if err != nil {
		t.Fatal(err)
	}
	passed := 0
	failed := map[string]int{}
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			for _, workers := range []int{1, 3} {
				if r := Run(context.Background(), c, workers); r.Failure != "" {
					failed[c.Operator]++
					t.Fatalf("line %d, %d workers: %s", c.Line, workers, r.Failure)
				}
			}
			passed++
		})
	}
	var ops []string
	for op := range failed {
		ops = append(ops, op)
	}
	sort.Strings(ops)
	t.Logf("%d of %d cases pass; not yet: %v", passed, len(cases), ops)
}

// TestErrorsAreOfAClass has the error catalogue of the specification (C.8), and
// that a case which expects the other class fails.
func TestErrorsAreOfAClass(t *testing.T) {
	for query, class := range map[string]string{
		`* | parse "seconds=*;" as time where time > 5`: syntactic,
		`* | where (a = 1`:                syntactic,
		`* | count by`:                    syntactic,
		`* | json "a", "b" as c`:          semantic,
		`* | keyvalue "a", "b" as c`:      semantic,
		`* | parse regex "(?<a>(?<b>x))"`: semantic,
		`* | parse xml "//x" as y`:        semantic,
		`* | sum(a + b)`:                  semantic,
		`* | count, count_frequent(a)`:    semantic,
		`* | fields a, a`:                 semantic,
		`* | concat(a) as x`:              semantic,
		`* | format("%s", a)`:             semantic,
		`* | replace(a, "b", "c")`:        semantic,
		`* | tourl(a, b, c) as d`:         semantic,
		`* | join (where a) as t1, (where b) as t2 on t1.b != t2.d`: semantic,
	} {
		for _, want := range []string{syntactic, semantic, anyError} {
			c := &Case{ID: "case", Query: query, Expect: Expect{Error: want}}
			if r := Run(context.Background(), c, 1); (r.Failure == "") != (want == class || want == anyError) {
				t.Errorf("%s, with a %s error expected: %q", query, want, r.Failure)
			}
		}
	}
}
