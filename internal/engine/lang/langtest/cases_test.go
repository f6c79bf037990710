package langtest_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/conformance"
)

// TestCases runs the files of cases that pin the language beyond the
// specification's own: what is null, cast, tied, ordered and refused.
func TestCases(t *testing.T) {
	files, err := filepath.Glob("testdata/*.case")
	if err != nil || len(files) == 0 {
		t.Fatalf("no case files: %v", err)
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		cases, err := conformance.LoadFile(filepath.ToSlash(name), f)
		f.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range cases {
			t.Run(c.ID, func(t *testing.T) {
				for _, workers := range []int{1, 3} {
					if r := conformance.Run(context.Background(), c, workers); r.Failure != "" {
						t.Fatalf("%s\n%d workers: %s", c.Note, workers, r.Failure)
					}
				}
			})
		}
	}
}
