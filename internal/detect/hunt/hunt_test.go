package hunt_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var update = flag.Bool("update", false, "write docs/schema and the state in testdata/ anew")

func TestPublishedSchemaIsCurrent(t *testing.T) {
	path, want := filepath.Join("..", "..", "..", "docs", "schema", "finding.json"), hunt.JSONSchema()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is stale (%v); go test ./internal/detect/hunt -run Schema -update", path, err)
	}
}

// list makes a list with room for a few findings in memory, so that most are on disk.
func list(t *testing.T, o hunt.Options) *hunt.List {
	rt := &exec.Runtime{Ctx: t.Context(), Layout: event.NewLayout(), Budget: &exec.Budget{Limit: 1 << 20}, TempDir: t.TempDir(), Warnings: &exec.Warnings{}}
	t.Cleanup(rt.Close)
	return hunt.NewList(rt, o)
}

// record is a finding of a record of a file of a run.
func record(severity detection.Severity, at int64, part int, file string, id, offset int64) *hunt.Finding {
	f := &hunt.Finding{Severity: severity, Host: "WKS-01"}
	f.SetTime(at)
	f.Evidence = []hunt.Evidence{hunt.Record(hunt.Place{File: file, RecordID: id, Channel: "Security", EventID: "4625"}, event.Position(part, offset))}
	f.Subject = &hunt.Subject{}
	f.Fields = hunt.Fields{{Name: "n", Value: event.Int(id)}}
	return f
}

func all(t *testing.T, l *hunt.List) (out []*hunt.Finding) {
	t.Helper()
	if err := l.Each(context.Background(), nil, func(n int, f *hunt.Finding) error {
		if n != len(out)+1 {
			t.Errorf("number %d after %d", n, len(out))
		}
		out = append(out, f)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func score(x float64) *float64 { return &x }

func TestOrder(t *testing.T) {
	d := &hunt.Detection{ID: "d", Name: "D", Kind: hunt.Sigma}
	for order, want := range map[hunt.Order]string{hunt.Severest: "e d c b a", hunt.Newest: "c e d b a", hunt.Oldest: "b e d c a"} {
		l := list(t, hunt.Options{Order: order})
		for _, x := range []struct {
			name     string
			severity detection.Severity
			score    *float64
			at       int64
		}{
			{"a", detection.Low, nil, event.NoTime},
			{"b", detection.Low, nil, 1000},
			{"c", detection.Low, nil, 9000},
			{"d", detection.Critical, score(2), 3000},
			{"e", detection.Critical, score(10), 3000},
		} {
			f := record(x.severity, x.at, 0, "f", x.at+1, x.at)
			f.Score, f.User = x.score, x.name
			if err := l.Add(d, f); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for _, f := range all(t, l) {
			got = append(got, f.User)
		}
		// Of equal time the higher score comes first, in either direction; one without a time is last.
		if strings.Join(got, " ") != want {
			t.Errorf("order %d: %v, want %s", order, got, want)
		}
	}
}

func TestCopiesAreOneFinding(t *testing.T) {
	d := &hunt.Detection{ID: "d", Name: "D", Kind: hunt.Sigma}
	add := func(l *hunt.List) {
		for _, f := range []*hunt.Finding{
			record(detection.High, 1000, 0, "a.evtx", 7, 512),
			record(detection.High, 1000, 1, "copy.evtx", 7, 9000), // the same record
			record(detection.High, 1000, 0, "a.evtx", 8, 700),     // another
			record(detection.High, 1000, 2, "x.log", 0, 10),       // equal lines without a number: two of one file,
			record(detection.High, 1000, 2, "x.log", 0, 90),       //
			record(detection.High, 1000, 3, "y.log", 0, 10),       // and a copy of the first
		} {
			if err := l.Add(d, f); err != nil {
				t.Fatal(err)
			}
		}
	}
	l := list(t, hunt.Options{})
	add(l)
	found := all(t, l)
	ids, places := map[string]bool{}, map[string]int{}
	for _, f := range found {
		ids[f.ID] = true
		if len(f.ID) != 24 || f.File != f.Evidence[0].File {
			t.Errorf("%+v", f)
		}
		places[f.File] += len(f.Evidence[0].Copies)
	}
	if len(found) != 4 || len(ids) != 4 || !reflect.DeepEqual(places, map[string]int{"a.evtx": 1, "x.log": 1}) {
		t.Errorf("%d findings, %d ids, copies by file %v", len(found), len(ids), places)
	}
	if n := d.Found(); n != 4 {
		t.Errorf("the detection has %d", n)
	}

	// Flat, each reading stands alone, with the id that it has folded.
	l = list(t, hunt.Options{Flat: true})
	add(l)
	found = all(t, l)
	if len(found) != 6 {
		t.Errorf("%d findings, flat", len(found))
	}
	for _, f := range found {
		if !ids[f.ID] {
			t.Errorf("%s has another id, flat: %s", f.File, f.ID)
		}
	}
}

// What Sysmon 1 and Security 4688 say of one process stands together, behind the worst.
func TestProcessesStandTogether(t *testing.T) {
	d := &hunt.Detection{ID: "d", Name: "D", Kind: hunt.Sigma}
	l := list(t, hunt.Options{})
	add := func(name string, severity detection.Severity, at int64, id int64, eventID string, s hunt.Subject) {
		f := record(severity, at, 0, "a.evtx", id, id*100)
		f.User, f.Evidence[0].EventID, f.Subject = name, eventID, &s
		if err := l.Add(d, f); err != nil {
			t.Fatal(err)
		}
	}
	add("4688", detection.Low, 1500, 1, "4688", hunt.Subject{PID: "44", Image: `C:\a.EXE`})
	add("other", detection.High, 1000, 2, "1", hunt.Subject{PID: "45", Image: `C:\b.exe`, GUID: "{2}"})
	add("sysmon", detection.Critical, 1000, 3, "1", hunt.Subject{PID: "44", Image: `C:\a.exe`, GUID: "{1}"})
	add("late 4688", detection.Medium, 99000, 4, "4688", hunt.Subject{PID: "44", Image: `C:\a.exe`}) // the pid again
	var got []string
	for _, f := range all(t, l) {
		got = append(got, f.User)
	}
	if strings.Join(got, ", ") != "sysmon, 4688, other, late 4688" {
		t.Errorf("%v", got)
	}
}

func TestJSON(t *testing.T) {
	f := record(detection.High, 1772442000000, 0, "in.jsonl", 77, 0)
	f.Score = score(8)
	f.Entities = []hunt.Entity{{Type: "_hostname", Value: "WKS-01"}}
	f.Fields = hunt.Fields{{"Image", event.Text(`C:\a "b".exe`)}, {"pid", event.Int(9007199254740993)}, {"half", event.Float(0.5)}, {"yes", event.Bool(true)}, {"at", event.Millis(0)}}
	l := list(t, hunt.Options{})
	if err := l.Add(&hunt.Detection{ID: "p/d", Name: "D", Kind: hunt.Package, Techniques: hunt.TechniquesOf([]string{"T1059.001"}), Tactics: hunt.TacticsOf(nil, []string{"T1059.001"})}, f); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(all(t, l)[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"time":"2026-03-02T09:00:00.000Z","time_ms":1772442000000,"severity":"high","score":8,`, `"techniques":[{"id":"T1059.001","name":"PowerShell"}]`,
		`"tactics":[{"id":"TA0002","name":"Execution"}]`, `"file":"in.jsonl","record_id":77`,
		`"fields":{"Image":"C:\\a \"b\".exe","pid":9007199254740993,"half":0.5,"yes":true,`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s\nis not in %s", want, text)
		}
	}
	if strings.Contains(string(text), "null") {
		t.Errorf("null in %s", text)
	}
	var back hunt.Finding
	if err := json.Unmarshal(text, &back); err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(&back); !bytes.Equal(again, text) {
		t.Errorf("read back:\n%s\nwant\n%s", again, text)
	}
	f.SetTime(event.NoTime)
	if text, _ = json.Marshal(f); !strings.Contains(string(text), `"time":null,"time_ms":null,`) {
		t.Errorf("%s", text)
	}
}

func TestFilter(t *testing.T) {
	f := &hunt.Finding{Severity: detection.Medium, Host: "WKS-01.corp.example", User: `CORP\ana`}
	d := &hunt.Detection{ID: "p/main", Name: "Evil cmd", Tags: []string{"attack.t1059.001", "attack.defense_evasion"}}
	for _, c := range []struct {
		x    hunt.Filter
		want bool
	}{
		{hunt.Filter{}, true},
		{hunt.Filter{Least: detection.High}, false},
		{hunt.Filter{Hosts: []string{"wks-01"}}, true},
		{hunt.Filter{Hosts: []string{"WKS-01.corp.example"}}, true},
		{hunt.Filter{Hosts: []string{"wks-*"}}, true},
		{hunt.Filter{Hosts: []string{"dc", "*example"}}, true},
		{hunt.Filter{Hosts: []string{"wks"}}, false},
		{hunt.Filter{Users: []string{"ana"}}, true},
		{hunt.Filter{Users: []string{`corp\*`}, Hosts: []string{"dc*"}}, false},
		{hunt.Filter{Detections: []string{"evil*"}}, true},
		{hunt.Filter{Detections: []string{"p/main"}}, true},
		{hunt.Filter{Detections: []string{"main"}}, true},
		{hunt.Filter{Detections: []string{"ain"}}, false},
		{hunt.Filter{Tags: []string{"attack.T1059"}}, true},
		{hunt.Filter{Tags: []string{"T1059.001"}}, true},
		{hunt.Filter{Tags: []string{"attack.t105"}}, false},
		{hunt.Filter{Tags: []string{"attack.defense-evasion"}}, true},
		{hunt.Filter{Tags: []string{"attack.execution", "attack.t1059.002"}}, false},
	} {
		if got := c.x.Takes(f) && c.x.Wants(d); got != c.want {
			t.Errorf("%+v: %v", c.x, got)
		}
	}
}
