package detection_test

import (
	"io/fs"
	"regexp"
	"testing"

	"github.com/gyoji-dev/gyoji/packages"
)

// TestRuleIDsAreOfOneRule: a Cloud SIEM with all packages refuses the second rule of an id.
func TestRuleIDsAreOfOneRule(t *testing.T) {
	files, err := fs.Glob(packages.FS, "*/rules/*.json")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d rules: %v", len(files), err)
	}
	seen := map[string]string{}
	for _, f := range files {
		text, err := fs.ReadFile(packages.FS, f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"id": "([A-Z]+-U[0-9]+)"`).FindAllStringSubmatch(string(text), -1) {
			if other := seen[m[1]]; other != "" {
				t.Errorf("%s and %s are both %s", other, f, m[1])
			}
			seen[m[1]] = f
		}
	}
	if len(seen) < 10 {
		t.Errorf("only %d ids", len(seen))
	}
}
