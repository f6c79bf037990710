package conformance

import (
	"context"
	"os"
	"path/filepath"
	"sort"
	"testing"
)

// specCases is the specification's file of cases, which stands beside the checkout.
const specCases = "../../shared/spec/operator-cases.jsonl"

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
