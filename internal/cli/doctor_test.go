package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestDoctorsStagesWork: the stages that doctor prints run, and give the fields
// the values that they have where gyoji maps names itself.
func TestDoctorsStagesWork(t *testing.T) {
	shared := filepath.Join("..", "..", "..", "shared", "data", "formats")
	if _, err := os.Stat(shared); err != nil {
		t.Skip("the recorded samples (../shared/data) are absent")
	}
	logs, err := filepath.Glob(filepath.Join(shared, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"*.jsonl", "../real/*.json", "../security-4688/*.json"} {
		more, err := filepath.Glob(filepath.Join(shared, "bulk", f))
		if err != nil {
			t.Fatal(err)
		}
		logs = append(logs, more...)
	}
	rule := filepath.Join(t.TempDir(), "rule.yml")
	if err := os.WriteFile(rule, []byte("title: T\nlogsource: {product: windows}\ndetection:\n  s:\n    Hashes: a\n    OriginalFileName: a\n    UtcTime: a\n    Provider_Name: a\n  condition: s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		if code := Main(append(args, "-Q"), strings.NewReader(""), &out, &errs); code != 0 {
			t.Fatalf("%q: exit code %d\n%s", args, code, errs.String())
		}
		return out.String()
	}
	for _, log := range logs {
		name := strings.TrimSuffix(filepath.Base(filepath.Dir(log))+"/"+filepath.Base(log), ".json")
		t.Run(name, func(t *testing.T) {
			_, stages, ok := strings.Cut(run("doctor", "-d", rule, "-d", filepath.Join("..", "..", "packages"), log), "write after json auto:\n")
			if !ok {
				for _, flat := range []string{"flat", "mordor", "nxlog", "nxlog-2", "otel-raw", "security-datasets.sysmon-1", "nxlog-2.sysmon-1"} {
					if strings.TrimSuffix(filepath.Base(name), ".jsonl") == flat {
						return // nothing to write
					}
				}
				t.Fatal("doctor has no stages for it")
			}
			var made []string
			for line := range strings.Lines(stages) {
				for _, sep := range []string{" as ", "(?<"} {
					if i := strings.LastIndex(line, sep); i >= 0 {
						f := strings.FieldsFunc(line[i+len(sep):], func(r rune) bool { return r == '>' || r == ' ' || r == '\n' })[0]
						if !slices.Contains(made, f) {
							made = append(made, f)
						}
						break
					}
				}
			}
			fields := " | fields " + strings.Join(made, ", ")
			want := rowsOf(t, run("search", "* | json auto"+fields, log))
			got := rowsOf(t, run("search", "--no-map", "* | json auto "+strings.ReplaceAll(stages, "\n", " ")+fields, log))
			for i := range max(len(got), len(want)) {
				if i >= len(got) || i >= len(want) || got[i] != want[i] {
					t.Errorf("the stages\n%s\ngive %d rows, want %d; the first that differ are\n%s\n%s", stages, len(got), len(want), strings.Join(got[min(i, len(got)):min(i+1, len(got))], ""), strings.Join(want[min(i, len(want)):min(i+1, len(want))], ""))
					break
				}
			}
			if want == nil {
				t.Error("no rows: this compares nothing")
			}
		})
	}
}

// rowsOf reads NDJSON without what is null or empty, in one order.
func rowsOf(t *testing.T, out string) (rows []string) {
	t.Helper()
	for line := range strings.Lines(out) {
		var m map[string]any
		if err := json.Unmarshal([]byte(line), &m); err != nil {
			t.Fatal(err)
		}
		for k, v := range m {
			if v == nil || v == "" {
				delete(m, k)
			}
		}
		b, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, string(b))
	}
	slices.Sort(rows)
	return rows
}
