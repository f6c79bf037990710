package render

import (
	"encoding/xml"
	"strings"
	"testing"
)

func TestTestsAreWrittenInEveryFormat(t *testing.T) {
	tests := &Tests{Suites: []TestSuite{{Name: "pkg", Notes: []string{"kill score 9 of 10"}, Cases: []Test{
		{Name: "good", File: "t.yaml", Line: 3},
		{Name: "bad", Title: "A <bad> one", File: "t.yaml", Line: 9, Failures: []string{"fired never, want once\nat 50%"}},
		{Name: "later", Skipped: "no data"},
	}}}}
	want := map[string][]string{
		"text":   {"pkg\n", "FAIL bad: A <bad> one (t.yaml:9)\n", "       fired never, want once\n       at 50%\n", "skip later: no data\n", "kill score 9 of 10\n", "1 passed, 1 failed, 1 skipped\n"},
		"json":   {`"passed": 1`, `"failed": 1`, `"skipped": 1`, `"line": 9`},
		"junit":  {`<testsuite name="pkg" tests="3" failures="1" skipped="1">`, `<failure message="fired never, want once">`, `<skipped message="no data">`},
		"tap":    {"TAP version 13\n1..3\n", "ok 1 - pkg: good\n", "not ok 2 - pkg: bad\n# fired never, want once\n# at 50%\n", "ok 3 - pkg: later # SKIP no data\n"},
		"github": {"::error file=t.yaml,line=9,title=pkg%3A bad::fired never, want once%0Aat 50%25\n", "1 passed, 1 failed, 1 skipped\n"},
	}
	if len(want) != len(TestFormats) {
		t.Fatalf("%d formats are checked, there are %d", len(want), len(TestFormats))
	}
	for _, format := range TestFormats {
		var b strings.Builder
		if err := WriteTests(&b, tests, format, TestStyle{}); err != nil {
			t.Fatal(err)
		}
		for _, s := range want[format] {
			if !strings.Contains(b.String(), s) {
				t.Errorf("%s lacks %q:\n%s", format, s, b.String())
			}
		}
		if format == "junit" {
			var any struct {
				XMLName xml.Name
			}
			if err := xml.Unmarshal([]byte(b.String()), &any); err != nil || any.XMLName.Local != "testsuites" {
				t.Errorf("junit is not XML: %v", err)
			}
		}
	}
	if err := WriteTests(new(strings.Builder), tests, "csv", TestStyle{}); err == nil {
		t.Error("csv is taken for a test format")
	}
}
