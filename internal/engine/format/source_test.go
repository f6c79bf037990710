package format

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Sources and pages are no CSV, though some of their lines have commas: hardly a file of this
// repository is taken for one.
func TestSourcesAreNoCSV(t *testing.T) {
	csv := Named("csv")
	files, taken := 0, []string{}
	err := filepath.WalkDir("../../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == "testdata" || name == "samples" || len(name) > 2 && name[0] == '.' || slices.Contains([]string{"dist", "release", "site"}, name) {
				return filepath.SkipDir
			}
			return nil
		}
		if !slices.Contains([]string{".go", ".md", ".py", ".yaml", ".yml", ".sumo", ".html", ".css", ".js", ".s"}, filepath.Ext(path)) {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		if csv.Sniff(text[:min(len(text), 64<<10)]) > 0 {
			taken = append(taken, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 500 || len(taken) > files/200 {
		t.Errorf("%d of %d files are taken for CSV:\n%s", len(taken), files, strings.Join(taken, "\n"))
	}
}
