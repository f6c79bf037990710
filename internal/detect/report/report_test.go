package report

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"strings"
	"testing"
	"time"
)

func sample() *Report {
	return &Report{
		Tool: "gyoji test", Made: time.UnixMilli(1_773_159_658_796), Inputs: []string{"logs"}, Files: 1, Events: 9,
		Findings: []*Finding{
			{N: 1, Severity: "high", Score: "4", Detection: "A <b>", Techniques: []string{"T1204.001", "T1059.001"}, Package: "P", Next: "Look.", Time: 1_773_159_658_796,
				Fields: []Field{{"Computer", "WKS|1"}, {"User", `CORP\ana`}, {"CommandLine", "cmd <script>alert(1)</script> \x1b[31m"}}},
			{N: 2, Severity: "low", Detection: "B", Techniques: []string{"T9999"}, Time: 1_773_100_000_000, Fields: []Field{{"TargetFilename", `C:\a.exe`}}},
		},
		Trees: map[int]string{1: "explorer.exe\n└─ cmd.exe\n"}, Notes: []string{"a.evtx: cut short"},
	}
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
	html := write(t, "html")
	if strings.Contains(html, "<script>") || strings.Contains(html, "A <b>") {
		t.Error("the page holds text of a log as markup")
	}
	md := write(t, "md")
	if strings.Contains(md, "<script>") || !strings.Contains(md, `WKS\|1`) {
		t.Errorf("the table is broken by text of a log:\n%s", md)
	}
	if s := write(t, "timeline"); strings.Contains(s, "\x1b") {
		t.Error("the timeline lets a log colour the terminal")
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

// The first finding has no id, the second neither host nor user.
func TestFindingsAreNamedByTheirRuleAndNamesAreNeverEmpty(t *testing.T) {
	r := sample()
	r.Findings[1].ID = "7c9d"
	for format, want := range map[string][]string{
		"sarif": {`"ruleId": "a--b"`, `"ruleId": "7c9d"`, `"text": "B: C:\\a.exe"`, `"user": "CORP\\ana"`},
		"ocsf":  {`"uid":"a--b-1773159658796-1"`, `"uid":"7c9d-1773100000000-2"`, `"resources":[{"name":"WKS|1","type":"host"},{"name":"CORP\\ana","type":"user"}]`},
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
