package detection_test

import (
	"encoding/json"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/packages"
)

// An entry of a ledger reaches the Cloud SIEM rules of the detections that it applies to, and
// no other: a rule is called after its detection, or is the one written from the portable rule.
func TestTuningExpressionsAreForTheRulesOfTheirDetections(t *testing.T) {
	type named struct {
		Fields struct {
			Name  string   `json:"name"`
			Rules []string `json:"ruleIds"`
		} `json:"fields"`
	}
	read := func(t *testing.T, p *detection.Package, file string) (x named) {
		t.Helper()
		data, err := fs.ReadFile(p.FS, file)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(data, &x); err != nil {
			t.Fatal(err)
		}
		return x
	}
	entries := 0
	pkgs, errs := detection.Load(packages.FS, "packages")
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for _, p := range pkgs {
		of := map[string][]string{} // names of rules by detection
		main := p.Detections[0].ID
		if p.Platforms.Detection != "" {
			main = p.Platforms.Detection
		}
		files, err := fs.Glob(p.FS, "rules/*.cse.json")
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			stem := strings.TrimSuffix(path.Base(f), ".cse.json")
			for _, d := range p.Detections {
				if stem == d.ID || strings.HasPrefix(stem, d.ID+"-") || f == p.Platforms.Rule && d.ID == main {
					of[d.ID] = append(of[d.ID], read(t, p, f).Fields.Name)
				}
			}
		}
		ledger, err := p.Ledger()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range ledger {
			var want []string
			for _, d := range e.AppliesTo {
				want = append(want, of[d]...)
			}
			slices.Sort(want)
			want = slices.Compact(want)
			file := path.Join("rules", "tuning", e.ID+".cse.json")
			if _, err := fs.Stat(p.FS, file); err != nil {
				if len(want) > 0 {
					t.Errorf("%s: %s has no expression for %q", p.Dir, e.ID, want)
				}
				continue
			}
			entries++
			got := read(t, p, file).Fields.Rules
			slices.Sort(got)
			if !slices.Equal(got, want) {
				t.Errorf("%s: %s is for %q, want %q", p.Dir, e.ID, got, want)
			}
		}
	}
	if entries == 0 {
		t.Error("no entry has an expression")
	}
}
