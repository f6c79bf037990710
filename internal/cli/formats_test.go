package cli

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
)

// ofScript writes the files of a test script into a folder of their own.
func ofScript(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile(filepath.Join("testdata", "script", name))
	if err != nil {
		t.Fatal(err)
	}
	file := ""
	files := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if at, ok := strings.CutPrefix(strings.TrimSpace(line), "-- "); ok && strings.HasSuffix(at, " --") {
			file = strings.TrimSuffix(at, " --")
		} else if file != "" {
			files[file] += line
		}
	}
	for name, text := range files {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// hunted is what a hunt prints, which ends with 0.
func hunted(t *testing.T, args ...string) []byte {
	t.Helper()
	var out, errs bytes.Buffer
	if code := Main(append([]string{"hunt", "-Q"}, args...), strings.NewReader(""), &out, &errs); code != 0 {
		t.Fatalf("hunt %q: exit code %d\n%s", args, code, errs.String())
	}
	return out.Bytes()
}

// TestEveryFormatIsAsItsSchemaHasIt holds findings of all four kinds, in every format,
// against the published schema, or against what the format's own specification demands.
func TestEveryFormatIsAsItsSchemaHasIt(t *testing.T) {
	dir := ofScript(t, "filters.txtar")
	at := func(name string) string { return filepath.Join(dir, name) }
	// A blank in the file's name has to be written in other ways in some formats.
	logs := at("a log #1.jsonl")
	if err := os.Rename(at("logs.jsonl"), logs); err != nil {
		t.Fatal(err)
	}
	four := func(format string, more ...string) []byte {
		return hunted(t, append([]string{"-d", at("mine"), "-d", at("rules.yml"), "-d", at("siem.json"), "-f", format, logs}, more...)...)
	}
	nothing := func(format string) []byte {
		return hunted(t, "-d", at("rules.yml"), "-f", format, "--host", "nosuchhost", logs)
	}
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join("..", "..", "docs", "schema", "finding.json"))
	if err != nil {
		t.Fatal(err)
	}
	valid := func(t *testing.T, text []byte) map[string]any {
		t.Helper()
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s\n%v", text, err)
		}
		return v.(map[string]any)
	}
	kinds := map[string]int{}
	var ids []string
	t.Run("ndjson", func(t *testing.T) {
		for line := range bytes.Lines(four("ndjson")) {
			f := valid(t, line)
			kinds[f["kind"].(string)]++
			ids = append(ids, f["id"].(string))
			if bytes.Contains(line, []byte(":null")) {
				t.Errorf("a null: %s", line)
			}
		}
		for _, k := range hunt.Kinds {
			if kinds[string(k)] == 0 {
				t.Errorf("no finding of %s: this holds nothing against the schema", k)
			}
		}
	})
	t.Run("json", func(t *testing.T) {
		var list []json.RawMessage
		if err := json.Unmarshal(four("json"), &list); err != nil || len(list) != len(ids) {
			t.Fatalf("%d findings, want %d; %v", len(list), len(ids), err)
		}
		for i, f := range list {
			if got := valid(t, f)["id"]; got != ids[i] {
				t.Errorf("finding %d is %v, as NDJSON %s", i, got, ids[i])
			}
		}
		if got := strings.TrimSpace(string(nothing("json"))); got != "[]" {
			t.Errorf("nothing is %s", got)
		}
	})
	t.Run("csv", func(t *testing.T) {
		rows, err := csv.NewReader(bytes.NewReader(four("csv"))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		// The head of docs/packages.md, in this order, whatever was found.
		head := strings.Split("id,time,time_ms,severity,score,detection_id,detection,kind,package,techniques,tactics,host,user,entities,next,file,line,record_id,channel,event_id,source_category,records", ",")
		if !slices.Equal(rows[0][:len(head)], head) {
			t.Errorf("the head is %q", rows[0][:len(head)])
		}
		seen := map[string]bool{}
		for _, name := range rows[0] {
			if seen[strings.ToLower(name)] {
				t.Errorf("two columns %s", name)
			}
			seen[strings.ToLower(name)] = true
		}
		for i, row := range rows[1:] {
			if row[0] != ids[i] {
				t.Errorf("row %d is %s", i, row[0])
			}
			if _, err := time.Parse("2006-01-02T15:04:05.000Z", row[1]); err != nil {
				t.Error(err)
			}
		}
	})
	// SARIF 2.1.0: 3.4.3 uri, 3.27.5 ruleId, 3.27.10 level, 3.30.5 startLine, 3.8.2 tags; GitHub
	// wants a location of every result.
	t.Run("sarif", func(t *testing.T) {
		for _, text := range [][]byte{four("sarif"), nothing("sarif")} {
			var s struct {
				Version string
				Runs    []struct {
					Tool struct {
						Driver struct {
							Name  string
							Rules []struct {
								ID         string
								Properties struct{ Tags []string }
							}
						}
					}
					Results []struct {
						RuleID    string `json:"ruleId"`
						Level     string
						Message   struct{ Text string }
						Locations []struct {
							PhysicalLocation struct {
								ArtifactLocation struct{ URI string }
								Region           *struct{ StartLine int }
							}
						}
						PartialFingerprints map[string]string
					}
				}
			}
			if err := json.Unmarshal(text, &s); err != nil {
				t.Fatal(err)
			}
			if s.Version != "2.1.0" || len(s.Runs) != 1 || s.Runs[0].Tool.Driver.Name != "gyoji" || bytes.Contains(text, []byte(`": null`)) {
				t.Errorf("%s", text)
			}
			rules := map[string]bool{}
			for _, r := range s.Runs[0].Tool.Driver.Rules {
				if rules[r.ID] {
					t.Errorf("the rule %s is there twice", r.ID)
				}
				rules[r.ID] = true
			}
			for _, r := range s.Runs[0].Results {
				if !rules[r.RuleID] || !slices.Contains([]string{"none", "note", "warning", "error"}, r.Level) || r.Message.Text == "" || len(r.Locations) == 0 || len(r.PartialFingerprints) == 0 {
					t.Errorf("%+v", r)
				}
				for _, l := range r.Locations {
					u, err := url.Parse(l.PhysicalLocation.ArtifactLocation.URI)
					if err != nil || u.Path != filepath.ToSlash(logs) || strings.Contains(l.PhysicalLocation.ArtifactLocation.URI, " ") {
						t.Errorf("%q: %v", l.PhysicalLocation.ArtifactLocation.URI, err)
					}
					if g := l.PhysicalLocation.Region; g != nil && g.StartLine < 1 {
						t.Errorf("line %d", g.StartLine)
					}
				}
			}
		}
	})
	// JUnit as Jenkins' and Maven's schemas have it: counts that agree, a name and a class of each case.
	t.Run("junit", func(t *testing.T) {
		for _, text := range [][]byte{four("junit"), nothing("junit")} {
			var all struct {
				XMLName xml.Name `xml:"testsuites"`
				Suites  []struct {
					Name     string `xml:"name,attr"`
					Tests    int    `xml:"tests,attr"`
					Failures int    `xml:"failures,attr"`
					Cases    []struct {
						Class   string  `xml:"classname,attr"`
						Name    string  `xml:"name,attr"`
						Failure *string `xml:"failure"`
					} `xml:"testcase"`
				} `xml:"testsuite"`
			}
			if err := xml.Unmarshal(text, &all); err != nil {
				t.Fatal(err)
			}
			failed, cases := 0, 0
			for _, s := range all.Suites {
				for _, c := range s.Cases {
					cases++
					if c.Failure != nil {
						failed++
					}
					if c.Class == "" || c.Name == "" {
						t.Errorf("%+v", c)
					}
				}
				if s.Name == "" || s.Tests != len(s.Cases) || s.Failures != failed {
					t.Errorf("%s: %d tests, %d failures; there are %d and %d", s.Name, s.Tests, s.Failures, len(s.Cases), failed)
				}
			}
			if cases == 0 {
				t.Error("a run of detections has no case")
			}
		}
	})
	// OCSF 1.3.0, class 2004 Detection Finding: its required attributes, the captions of
	// severity_id, and type_uid = class_uid * 100 + activity_id.
	t.Run("ocsf", func(t *testing.T) {
		severities := []string{"", "Informational", "Low", "Medium", "High", "Critical"}
		n := 0
		for line := range bytes.Lines(four("ocsf")) {
			var o struct {
				ActivityID  int   `json:"activity_id"`
				CategoryUID int   `json:"category_uid"`
				ClassUID    int   `json:"class_uid"`
				TypeUID     int   `json:"type_uid"`
				SeverityID  int   `json:"severity_id"`
				StatusID    int   `json:"status_id"`
				Time        int64 `json:"time"`
				Severity    string
				Metadata    struct {
					Version string
					Product struct {
						VendorName string `json:"vendor_name"`
					}
				}
				Info struct {
					Title, UID string
					Attacks    []struct{ Technique struct{ UID string } }
				} `json:"finding_info"`
				Evidences []map[string]any
			}
			if err := json.Unmarshal(line, &o); err != nil {
				t.Fatal(err)
			}
			if o.ClassUID != 2004 || o.CategoryUID != 2 || o.TypeUID != o.ClassUID*100+o.ActivityID || o.Time < 1e12 || o.StatusID != 1 ||
				o.Metadata.Version != "1.3.0" || o.Metadata.Product.VendorName == "" || o.Info.Title == "" || o.Info.UID != ids[n] ||
				o.SeverityID < 1 || o.SeverityID > 5 || o.Severity != severities[o.SeverityID] || len(o.Evidences) == 0 || bytes.Contains(line, []byte(":null")) {
				t.Errorf("%s", line)
			}
			n++
		}
		if n != len(ids) {
			t.Errorf("%d findings, want %d", n, len(ids))
		}
	})
	// The layer format of the ATT&CK Navigator, 4.5.
	t.Run("navigator", func(t *testing.T) {
		for _, text := range [][]byte{four("navigator"), nothing("navigator")} {
			var l struct {
				Name, Domain string
				Versions     struct{ Layer, Attack, Navigator string }
				Techniques   []struct {
					TechniqueID string `json:"techniqueID"`
					Score       float64
				}
				Gradient struct {
					Colors             []string
					MinValue, MaxValue float64
				}
			}
			if err := json.Unmarshal(text, &l); err != nil {
				t.Fatal(err)
			}
			if l.Name == "" || l.Domain != "enterprise-attack" || l.Versions.Layer != "4.5" || l.Versions.Navigator == "" || l.Techniques == nil || len(l.Gradient.Colors) < 2 || l.Gradient.MaxValue <= l.Gradient.MinValue {
				t.Errorf("%s", text)
			}
			for _, x := range l.Techniques {
				if !regexp.MustCompile(`^T[0-9]{4}(\.[0-9]{3})?$`).MatchString(x.TechniqueID) || x.Score < 1 || x.Score > l.Gradient.MaxValue {
					t.Errorf("%+v", x)
				}
			}
		}
	})
	t.Run("read by people", func(t *testing.T) {
		for _, format := range []string{"table", "list", "timeline", "md", "html"} {
			text := string(four(format))
			for _, title := range []string{"My program", "Program starts", "Many failed", "Program in the cloud"} {
				if !strings.Contains(text, title) {
					t.Errorf("%s does not say %s:\n%.2000s", format, title, text)
				}
			}
		}
	})
}
