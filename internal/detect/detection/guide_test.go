package detection_test

import (
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/packages"
)

// Every block of the guides that we ship compiles with the values of a finding,
// text in quotes included, and every answer leads to a step that is there.
func TestGuidesCompileWithAnyValues(t *testing.T) {
	pkgs, _ := detection.Load(packages.FS, "packages")
	steps := 0
	for _, p := range pkgs {
		for _, file := range []string{p.Guide, p.Playbook} {
			g, err := p.ReadGuide(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range g.Steps {
				steps++
				text, missing := s.Fill(func(string) (string, bool) { return `C:\a "b" | c`, true })
				if len(missing) > 0 || strings.Contains(text, "{{") {
					t.Errorf("%s: %s is not filled: %v", g.File, s.ID, missing)
				}
				if _, ds := query.Compile(diag.Text(s.ID, text), query.Standard()); ds.HasErrors() {
					t.Errorf("%s:%d: %v", g.File, s.Line, ds.Err())
				}
				if s.From >= s.To {
					t.Errorf("%s:%d: the window ends before it begins", g.File, s.Line)
				}
			}
		}
	}
	if steps < 11 {
		t.Errorf("only %d steps were looked at", steps)
	}
}

// Build is what is in the checkout, and the package has nothing to complain of.
func TestShippedPackagesAreCurrent(t *testing.T) {
	pkgs, _ := detection.Load(packages.FS, "packages")
	for _, p := range pkgs {
		stale, err := p.Stale()
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range stale {
			t.Errorf("%s: %s; gyoji pkg build packages", p.Dir, s)
		}
	}
}

// A ledger entry that no one may add: its words are wrong.
func TestLedgerEntriesSayWhatIsMissing(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"no owner":     {"id: x\nreason: r\nexpires: 2027-01-01\nattacker_controls: 'no: x'\nmatch: {Image: a}\n", "owner missing"},
		"bad date":     {"id: x\nowner: o\nreason: r\nexpires: soon\nattacker_controls: 'no: x'\nmatch: {Image: a}\n", "write a date"},
		"bad control":  {"id: x\nowner: o\nreason: r\nexpires: 2027-01-01\nattacker_controls: perhaps\nmatch: {Image: a}\n", "begins with no, partly or yes"},
		"bad modifier": {"id: x\nowner: o\nreason: r\nexpires: 2027-01-01\nattacker_controls: 'no: x'\nmatch: {Image|nosuch: a}\n", "nosuch"},
		"unknown key":  {"id: x\nwho: o\n", "field who not found"},
	} {
		p := &detection.Package{Dir: "p", FS: mapFS{"tuning/x.yaml": c.text}}
		if _, err := p.Ledger(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
