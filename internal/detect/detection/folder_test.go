package detection_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
)

// TestFolderIsNamedAlike: a package's folder has one name, however its path is spelled, as
// it begins the ids of findings.
func TestFolderIsNamedAlike(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "my-package")
	if err := os.MkdirAll(filepath.Join(dir, "tests"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"detection.yaml": "name: Mine\nid: 6b4b6d4e-58f7-4c39-a4d7-5d0e6a4a5b11\nversion: 1.0.0\nattack: {techniques: [T1110], tactics: [TA0006]}\ndetections:\n  - {id: each, name: Each, query: each.sumo, severity: low}\n",
		"each.sumo":      "* | count",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range []struct{ in, path string }{
		{dir, "."}, {dir, "./"}, {dir, "../my-package"}, {dir, dir}, {dir, "tests/.."},
		{filepath.Dir(dir), "my-package"}, {filepath.Dir(dir), "./my-package/"}, {filepath.Dir(dir), "."},
		{filepath.Join(dir, "tests"), ".."}, {filepath.Join(dir, "tests"), "../"},
	} {
		t.Chdir(at.in)
		got, errs := detection.LoadDir(at.path)
		if len(errs) > 0 || len(got) != 1 || got[0].Folder != "my-package" {
			t.Errorf("in %s, %s: %v, %v", at.in, at.path, got, errs)
		}
	}
}
