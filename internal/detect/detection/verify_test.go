package detection_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/packages"
)

func TestShippedPackagesPassTheirTests(t *testing.T) {
	pkgs, errs := detection.Load(packages.FS, "packages")
	for _, err := range errs {
		t.Error(err)
	}
	cases := 0
	for _, p := range pkgs {
		v, err := p.Verify(context.Background(), detection.Verify{})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range v.Verdicts {
			cases++
			for _, f := range d.Failures {
				t.Errorf("%s: %s: %s", p.Dir, d.Case.ID, f)
			}
		}
		for _, k := range v.Kills {
			t.Logf("%s: kill score of %s is %.1f%% (%d of %d)", p.Dir, k.Detection.ID, 100*k.Score(), k.Killed, k.Total)
			if k.Score() < k.Min {
				t.Errorf("%s: kill score of %s is %.3f, want %.3f", p.Dir, k.Detection.ID, k.Score(), k.Min)
			}
		}
		for _, s := range v.Stale {
			t.Errorf("%s: %s", p.Dir, s)
		}
	}
	if cases < 60 {
		t.Errorf("only %d cases ran", cases)
	}
}

func TestDeclaredScoresAreWhatTheQueriesReach(t *testing.T) {
	pkgs, _ := detection.Load(packages.FS, "packages")
	analysed := 0
	for _, p := range pkgs {
		for _, d := range append(append([]*detection.Detection{}, p.Detections...), p.Baselines...) {
			a, err := d.AnalyseScore(0)
			if err != nil {
				t.Fatal(err)
			}
			if a.Unknown != "" { // the rows on record are the least that the range has to cover
				withinRange(t, p, d)
				continue
			}
			analysed++
			for _, problem := range a.Problems() {
				t.Errorf("%s: %s", d.ID, problem)
			}
		}
	}
	// The seed adds four flags, of which is_script_engine and is_lolbin name
	// different programs: it cannot reach 4.
	seed := named(t, pkgs, "T1204.001").Detection("seed")
	a, err := seed.AnalyseScore(0)
	if err != nil {
		t.Fatal(err)
	}
	if low, high := a.Range(); low != 1 || high != 3 {
		t.Errorf("the seed reaches %d to %d, want 1 to 3", low, high)
	}
	if analysed < 7 {
		t.Errorf("only %d scores were analysed", analysed)
	}
}

// withinRange checks the scores of a detection's recorded rows against its range.
func withinRange(t *testing.T, p *detection.Package, d *detection.Detection) {
	t.Helper()
	if len(d.Score.Range) != 2 {
		t.Fatalf("%s has no range", d.ID)
	}
	rows, err := fs.ReadFile(p.FS, "tests/golden/"+d.ID+".jsonl")
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(bytes.NewReader(rows))
	n := 0
	for ; dec.More(); n++ {
		var row struct {
			Score int `json:"suspicion_score"`
		}
		if err := dec.Decode(&row); err != nil {
			t.Fatal(err)
		}
		if row.Score < d.Score.Range[0] || row.Score > d.Score.Range[1] {
			t.Errorf("%s: a row scores %d, outside of %v", d.ID, row.Score, d.Score.Range)
		}
	}
	if n < 10 {
		t.Errorf("%s: only %d rows on record", d.ID, n)
	}
}

// No two Cloud SIEM rules of shipped packages have one id: only the first of them would run.
func TestRulesOfPackagesHaveTheirOwnIDs(t *testing.T) {
	files, err := fs.Glob(packages.FS, "*/rules/*.json")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	by := map[string]string{}
	for _, file := range files {
		text, err := fs.ReadFile(packages.FS, file)
		if err != nil {
			t.Fatal(err)
		}
		var doc struct{ Fields struct{ ID string } }
		if err := json.Unmarshal(text, &doc); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		id := doc.Fields.ID
		switch {
		case id == "":
			t.Errorf("%s: the rule has no id", file)
		case by[id] != "":
			t.Errorf("%s: the id %s is that of %s", file, id, by[id])
		}
		by[id] = file
	}
}
