package hunt_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/sigma"
)

// started are starts of processes and connections of three computers, in order of time.
func started() (lines []string) {
	rnd := rand.New(rand.NewPCG(8, 15))
	at := time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)
	for i := range 400 {
		at = at.Add(time.Duration(1+rnd.IntN(25_000)) * time.Millisecond)
		id, rest := 1, fmt.Sprintf(`"Image":"C:\\Windows\\t%d.exe","CommandLine":"t%d","User":"u%d"`, rnd.IntN(12), i, rnd.IntN(3))
		if rnd.IntN(4) == 0 {
			id, rest = 3, fmt.Sprintf(`"Image":"C:\\Windows\\t%d.exe","DestinationIp":"10.0.0.%d"`, rnd.IntN(12), rnd.IntN(5))
		}
		lines = append(lines, fmt.Sprintf(`{"Channel":"Microsoft-Windows-Sysmon/Operational","Provider":"Microsoft-Windows-Sysmon","EventID":%d,"EventRecordID":%d,"Computer":"srv-%d","UtcTime":%q,%s}`+"\n",
			id, 1+i, rnd.IntN(3), at.Format("2006-01-02 15:04:05.000"), rest))
	}
	return lines
}

// TestStateOfEachVersion goes on from what a hunt of each version of gyoji has held of packages'
// queries, Sigma rules and their correlations, and finds what a hunt finds that was never ended.
// A version that changes what is written adds a file (-update writes testdata/state-N.bin) and
// removes none.
func TestStateOfEachVersion(t *testing.T) {
	docs, ds := sigma.Parse(diag.Text("correlations.yml", correlations))
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	d := hunt.Detections{Scope: rule.NewScope()}
	for i, text := range []string{`* | where EventID = "1" | count by Computer, Image | where _count > 12`, `EventID=1 | where Image matches "*t1.exe"`, `* | timeslice 1h | count by _timeslice, Computer`} {
		p := &detection.Package{Name: fmt.Sprint("Made ", i), Dir: "made", Folder: "made", Detections: []*detection.Detection{{ID: fmt.Sprint("q", i), Query: diag.Text(fmt.Sprint("q", i), text)}}}
		p.Detections[0].Package = p
		d.Packages = append(d.Packages, p)
	}
	d.Rules, _ = d.Scope.Lower(docs, nil)
	h, ds := hunt.Compile(d)
	if ds.HasErrors() {
		t.Fatal(ds)
	}
	lines := started()
	first, second := strings.Join(lines[:200], ""), strings.Join(lines[200:], "")
	// run hunts in pieces of the log, and gives what it finds.
	run := func(state []byte, pieces []string, ends bool) (found []string, held []byte) {
		t.Helper()
		l, err := h.Start(t.Context(), query.Run{Warnings: &exec.Warnings{}}, hunt.LiveOptions{Part: func(int) string { return "log" }, Found: func(f *hunt.Finding) error {
			found = append(found, fmt.Sprint(f.ID, " ", f.DetectionID, " ", f.Time, " ", f.Records))
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if state != nil {
			if err := l.Load(bytes.NewReader(state)); err != nil {
				t.Fatal(err)
			}
		}
		for _, text := range pieces {
			if err := l.Add(t.Context(), input.NewReader(input.Memory("log", []byte(text)), format.All(), input.Options{})); err != nil {
				t.Fatal(err)
			}
			if err := l.Advance(l.Newest() - 60_000); err != nil {
				t.Fatal(err)
			}
			if err := l.News(); err != nil {
				t.Fatal(err)
			}
		}
		if ends {
			if err := l.Finish(); err != nil {
				t.Fatal(err)
			}
			return found, nil
		}
		var b bytes.Buffer
		if err := l.Save(&b); err != nil {
			t.Fatal(err)
		}
		return found, b.Bytes()
	}
	want, _ := run(nil, []string{first, second}, true)
	before, held := run(nil, []string{first}, false)
	for _, what := range []string{"made/q0", "made/q1", "made/q2", "images", "process-then-network", "many-and-network"} {
		if !slices.ContainsFunc(want, func(s string) bool { return strings.Contains(s, " "+what+" ") }) {
			t.Errorf("no finding of %s is among the %d", what, len(want))
		}
	}
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile("testdata/state-1.bin", held, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob("testdata/state-*.bin")
	if err != nil || len(files) == 0 {
		t.Fatal("no state of any version is in testdata", err)
	}
	slices.Sort(want)
	for _, name := range files {
		state, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		after, _ := run(state, []string{second}, true)
		got := slices.Concat(before, after)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: with what was found before there are %d findings, want %d", name, len(got), len(want))
			for _, s := range got {
				if !slices.Contains(want, s) {
					t.Log("more:", s)
				}
			}
			for _, s := range want {
				if !slices.Contains(got, s) {
					t.Log("less:", s)
				}
			}
		}
	}
}
