package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

func sample() *Report {
	return &Report{
		Tool: "gyoji test", Made: time.UnixMilli(1_773_159_658_796), Inputs: []string{"logs"}, Files: 1, Events: 9,
		Findings: []*Finding{
			{N: 1, Finding: found(detection.High, score(4), "A <b>", 1_773_159_658_796, hunt.Finding{Techniques: hunt.TechniquesOf([]string{"T1204.001", "T1059.001"}), Package: "P", Next: "Look.", Host: "WKS|1", User: `CORP\ana`,
				Fields: hunt.Fields{{Name: "CommandLine", Value: event.Text("cmd <script>alert(1)</script> \x1b[31m")}}})},
			{N: 2, Finding: found(detection.Low, nil, "B", 1_773_100_000_000, hunt.Finding{ID: "0b", DetectionID: "7c9d", Techniques: hunt.TechniquesOf([]string{"T9999"}), Fields: hunt.Fields{{Name: "TargetFilename", Value: event.Text(`C:\a.exe`)}}})},
		},
		Trees: map[int]string{1: "explorer.exe\n└─ cmd.exe\n"}, Notes: []string{"a.evtx: cut short"},
	}
}

func score(x float64) *float64 { return &x }

func found(severity detection.Severity, score *float64, name string, at int64, f hunt.Finding) *hunt.Finding {
	f.Severity, f.Score, f.Detection = severity, score, name
	if f.ID == "" {
		f.ID, f.DetectionID = "0a", "a--b"
	}
	f.SetTime(at)
	f.Evidence = []hunt.Evidence{{Place: hunt.Place{File: "logs/a.jsonl", Line: 7}}}
	return &f
}

func write(t *testing.T, format string) string {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, format, sample()); err != nil {
		t.Fatalf("%s: %v", format, err)
	}
	return b.String()
}

func TestTextFromLogsIsNeverMarkup(t *testing.T) {
	html := strings.Replace(write(t, "html"), "<script>"+huntScript+"</script>", "", 1) // its own
	if strings.Contains(html, "<script>") || strings.Contains(html, "A <b>") {
		t.Error("the page holds text of a log as markup")
	}
	md := write(t, "md")
	if strings.Contains(md, "<script>") || !strings.Contains(md, `WKS\|1`) {
		t.Errorf("the table is broken by text of a log:\n%s", md)
	}
}

func TestTheMatrixHasAColumnForEachTactic(t *testing.T) {
	var got []string
	for _, c := range sample().matrix() {
		for _, x := range c.Techniques {
			got = append(got, c.Tactic+" "+x.Technique)
		}
	}
	// ATT&CK 18: both are Execution; T9999 is none.
	if want := "Execution T1059.001, Execution T1204.001, Other T9999"; strings.Join(got, ", ") != want {
		t.Errorf("got %s, want %s", strings.Join(got, ", "), want)
	}
}

// The second finding has neither host nor user.
func TestFindingsAreNamedByTheirRuleAndNamesAreNeverEmpty(t *testing.T) {
	r := sample()
	for format, want := range map[string][]string{
		"sarif": {`"ruleId": "a--b"`, `"ruleId": "7c9d"`, `"text": "B: C:\\a.exe"`, `"user": "CORP\\ana"`, `"startLine": 7`},
		"ocsf":  {`"uid":"0a"`, `"uid":"0b"`, `"resources":[{"name":"WKS|1","type":"host"},{"name":"CORP\\ana","type":"user"}]`},
	} {
		var b bytes.Buffer
		if err := Write(&b, format, r); err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(b.String(), w) {
				t.Errorf("%s lacks %s:\n%s", format, w, &b)
			}
		}
		for _, not := range []string{`"name":""`, `"user": ""`, `"host": ""`} {
			if strings.Contains(b.String(), not) {
				t.Errorf("%s has %s", format, not)
			}
		}
	}
}

func TestMachinesCanReadTheReports(t *testing.T) {
	for _, format := range []string{"sarif", "navigator"} {
		var any map[string]any
		if err := json.Unmarshal([]byte(write(t, format)), &any); err != nil {
			t.Errorf("%s: %v", format, err)
		}
	}
	lines := strings.Split(strings.TrimSpace(write(t, "ocsf")), "\n")
	if len(lines) != 2 {
		t.Fatalf("ocsf has %d lines, want 2", len(lines))
	}
	var o struct {
		Class    int `json:"class_uid"`
		Severity int `json:"severity_id"`
		Time     int64
	}
	if err := json.Unmarshal([]byte(lines[0]), &o); err != nil || o.Class != 2004 || o.Severity != 4 || o.Time != 1_773_159_658_796 {
		t.Errorf("ocsf: %+v, %v", o, err)
	}
	var suites struct {
		XMLName xml.Name
	}
	if err := xml.Unmarshal([]byte(write(t, "junit")), &suites); err != nil || suites.XMLName.Local != "testsuites" {
		t.Errorf("junit: %v", err)
	}
	if err := Write(new(bytes.Buffer), "pdf", sample()); err == nil {
		t.Error("pdf is taken for a report")
	}
	if n := len(Formats()); n != 7 {
		t.Errorf("%d formats, want 7: %v", n, Formats())
	}
}
