package input

import (
	"archive/zip"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An archive of very many members that cannot be read names a few and says how many more
// there are; files that are no archive are all named, also where # is in their name.
func TestFailuresOfAnArchiveAreCounted(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "many.zip"))
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	const members = 2000
	for i := range members {
		w, err := z.Create(fmt.Sprintf("m%04d.jsonl.gz", i))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write([]byte("\x1f\x8bbroken"))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	const files = 20
	for i := range files {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("a#%02d.gz", i)), []byte("\x1f\x8bbroken"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	src, err := Paths([]string{dir}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	var all failures
	for p, err := range src.Parts(context.Background()) {
		if err == nil {
			err = &PathError{p.Name, fmt.Errorf("broken")}
		}
		all.add(err)
	}
	list := all.all()
	if len(list) != files+failuresMax+1 {
		t.Fatalf("%d failures are told of", len(list))
	}
	last := list[len(list)-1].Error()
	if want := fmt.Sprintf("many.zip: %d more members cannot be read", members-failuresMax); !strings.HasSuffix(last, want) {
		t.Errorf("the last says %q, want %q", last, want)
	}
}
