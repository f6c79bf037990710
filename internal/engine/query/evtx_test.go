package query_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

// compile compiles a query of a test.
func compile(t testing.TB, text string) *query.Query {
	t.Helper()
	q, diags := query.Compile(diag.Text("query", text), query.Standard())
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	return q
}

// collect runs a query over a path. What the reader says of the data comes too.
func collect(t testing.TB, q *query.Query, path string) (*query.Rows, []exec.Warning, []error) {
	t.Helper()
	o := input.Options{Warnings: &exec.Warnings{}}
	src, err := input.Paths([]string{path}, o)
	if err != nil {
		t.Fatal(err)
	}
	r := query.Run{Input: input.NewReader(src, format.All(), o), Workers: 2, Warnings: o.Warnings}
	rows, err := q.Collect(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	return rows, o.Warnings.List(), r.Input.(*input.Reader).Stats().Failed
}

// TestSeedOverEVTX runs the seed query over every recorded event log, and counts
// its records.
func TestSeedOverEVTX(t *testing.T) {
	var answers map[string]struct {
		Records      int
		MaybeRecords int              `json:"maybe_records"`
		Sysmon1      int              `json:"sysmon_1"`
		Sysmon3      int              `json:"sysmon_3"`
		Sysmon11     int              `json:"sysmon_11"`
		Sysmon15     int              `json:"sysmon_15"`
		Sysmon22     int              `json:"sysmon_22"`
		Security4688 int              `json:"security_4688"`
		Rows         []map[string]any `json:"rows"`
	}
	readAnswers(t, "expected/evtx.json", &answers)
	q := seed(t)
	counts := compile(t, `* | count by Provider, EventID`)
	// The parser of the answers stops in a chunk at a damaged record; whole records
	// follow it in these, so many.
	behind := map[string]int{"sample-with-zero-data-size-event.evtx": 114, "sample_with_a_bad_chunk_magic.evtx": 31}
	for name, want := range answers {
		t.Run(strings.TrimPrefix(name, "evtx/"), func(t *testing.T) {
			more := behind[filepath.Base(name)]
			want.Records += more
			want.MaybeRecords += more
			path := filepath.Join(shared, name)
			got, warnings, failed := collect(t, counts, path)
			if len(failed) > 0 {
				if want.Records > 0 || filepath.Base(name) != "15-not-evtx.evtx" {
					t.Fatal(failed)
				}
				return
			}
			for _, w := range warnings {
				t.Logf("%d %s: %v", w.Count, w.Kind, w.Sample)
			}
			total := 0
			per := map[string]int{}
			for i := range got.Values {
				n, _ := got.Get(i, "_count").Int()
				total += int(n)
				per[got.Get(i, "Provider").Str()+" "+got.Get(i, "EventID").Str()] = int(n)
			}
			if total < want.Records || total > want.Records+want.MaybeRecords-more {
				t.Errorf("%d records, want %d and at most %d more", total, want.Records, want.MaybeRecords)
			}
			for event, n := range map[string]int{
				"Microsoft-Windows-Sysmon 1": want.Sysmon1, "Microsoft-Windows-Sysmon 3": want.Sysmon3,
				"Microsoft-Windows-Sysmon 11": want.Sysmon11, "Microsoft-Windows-Sysmon 15": want.Sysmon15,
				"Microsoft-Windows-Sysmon 22": want.Sysmon22, "Microsoft-Windows-Security-Auditing 4688": want.Security4688,
			} {
				// The answers for damaged files do not count kinds of events.
				if got := per[event]; strings.Contains(name, "/damaged/") {
					continue
				} else if got < n || got > n+want.MaybeRecords {
					t.Errorf("%d events %s, want %d", got, event, n)
				}
			}
			first := how{workers: 2}.output(t, q, path)
			sameRows(t, rows(t, first), want.Rows)
			for _, h := range ways {
				if testing.Short() && h.workers != 1 {
					continue
				}
				if out := h.output(t, q, path); !bytes.Equal(out, first) {
					t.Errorf("%+v gives\n%s\nwant\n%s", h, out, first)
				}
			}
		})
	}
}

// TestDamagedEVTX wants every sound record of damaged logs, and says of each
// what was met.
func TestDamagedEVTX(t *testing.T) {
	var answers map[string]struct {
		What   string
		Intact []int `json:"intact_record_ids"`
		Maybe  []int `json:"maybe_record_ids"`
	}
	readAnswers(t, "evtx/damaged/expected.json", &answers)
	// What each file must be said to have; the rest are sound.
	warned := map[string]string{
		"01-truncated-mid-record.evtx":  "chunk cut short",
		"02-truncated-file-header.evtx": "file cut short",
		"05-bad-file-header-crc.evtx":   "file header checksum",
		"06-bad-chunk-header-crc.evtx":  "chunk header checksum",
		"07-bad-chunk-data-crc.evtx":    "chunk checksum",
		"08-dirty-stale-count.evtx":     "file not closed",
		"09-zeroed-chunk.evtx":          "chunk of zeroes",
		"10-garbage-tail.evtx":          "data that is no chunk",
		"12-record-size-overrun.evtx":   "torn record",
		"13-bad-chunk-magic.evtx":       "chunk signature",
		"16-template-offset-cycle.evtx": "damaged record",
	}
	ids := compile(t, `* | fields EventRecordID`)
	for name, want := range answers {
		t.Run(name, func(t *testing.T) {
			got, warnings, failed := collect(t, ids, filepath.Join(shared, "evtx/damaged", name))
			if name == "15-not-evtx.evtx" {
				if len(failed) != 1 {
					t.Errorf("a file that is no event log is not refused: %v", failed)
				}
				return
			}
			var have []int
			for i := range got.Values {
				id, ok := got.Get(i, "EventRecordID").Int()
				if !ok {
					t.Errorf("row %d has no EventRecordID", i)
				}
				have = append(have, int(id))
			}
			for _, id := range want.Intact {
				if !slices.Contains(have, id) {
					t.Errorf("record %d is lost", id)
				}
			}
			for _, id := range have {
				if !slices.Contains(want.Intact, id) && !slices.Contains(want.Maybe, id) {
					t.Errorf("record %d is not in the file", id)
				}
			}
			if kind := warned[name]; kind != "" && !slices.ContainsFunc(warnings, func(w exec.Warning) bool { return w.Kind == kind }) {
				t.Errorf("%s: no warning %q in %v", want.What, kind, warnings)
			}
		})
	}
}

// TestRegressionTwins holds every event of the Sigma regression logs against the
// JSON that another reader made of it.
func TestRegressionTwins(t *testing.T) {
	root := filepath.Join(shared, "sigma-regression")
	if _, err := os.Stat(root); err != nil {
		t.Skip("the recorded logs are not beside this checkout: ../shared/data is not there")
	}
	all := compile(t, `* | fields _raw`)
	files, events := 0, 0
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".evtx" {
			return err
		}
		files++
		got, warnings, _ := collect(t, all, path)
		for _, w := range warnings {
			t.Logf("%s: %d %s %v", path, w.Count, w.Kind, w.Sample)
		}
		text, err := os.ReadFile(strings.TrimSuffix(path, ".evtx") + ".json")
		if err != nil {
			t.Errorf("no twin: %v", err)
			return nil
		}
		twins := map[string]map[string]any{}
		for dec := json.NewDecoder(bytes.NewReader(text)); ; {
			var v any
			dec.UseNumber()
			if err := dec.Decode(&v); err != nil {
				break
			}
			list, ok := v.([]any)
			if !ok {
				list = []any{v}
			}
			for _, e := range list {
				flat := map[string]any{}
				flattenTwin(t, flat, e.(map[string]any)["Event"].(map[string]any))
				twins[flat["EventRecordID"].(string)] = flat
			}
		}
		if len(twins) != len(got.Values) {
			t.Errorf("%s: %d events, its twin has %d", path, len(got.Values), len(twins))
		}
		for i := range got.Values {
			var have map[string]any
			if err := json.Unmarshal([]byte(got.Get(i, "_raw").Str()), &have); err != nil {
				t.Fatalf("%s: _raw: %v", path, err)
			}
			id, _ := have["EventRecordID"].(string)
			want := twins[id]
			if want == nil {
				t.Errorf("%s: the twin has no record %s", path, id)
				continue
			}
			events++
			for k, w := range want {
				h, ok := have[k].(string)
				if !ok || !sameTwin(h, w.(string)) {
					t.Errorf("%s: record %s: %s is %q, the twin has %q", path, id, k, h, w)
				}
			}
			for k, h := range have {
				if _, ok := want[k]; !ok && h != "" {
					t.Errorf("%s: record %s: %s=%q is not in the twin", path, id, k, h)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d files, %d events", files, events)
	if files < 100 {
		t.Errorf("only %d files", files)
	}
}

// flattenTwin flattens the other reader's JSON: attributes stand under
// #attributes, beside text in #text.
func flattenTwin(t *testing.T, out map[string]any, event map[string]any) {
	text := func(v any) string {
		switch v := v.(type) {
		case string:
			return v
		case json.Number:
			return v.String()
		case bool:
			return map[bool]string{true: "true", false: "false"}[v]
		case nil:
			return ""
		case map[string]any:
			if s, ok := v["#text"]; ok {
				b, _ := json.Marshal(s)
				return strings.Trim(string(b), `"`)
			}
			return ""
		}
		b, _ := json.Marshal(v)
		return string(b)
	}
	attributes := map[string]string{
		"Provider/Name": "Provider", "Provider/Guid": "ProviderGuid", "Provider/EventSourceName": "EventSourceName",
		"EventID/Qualifiers": "Qualifiers", "TimeCreated/SystemTime": "SystemTime",
		"Correlation/ActivityID": "ActivityID", "Correlation/RelatedActivityID": "RelatedActivityID",
		"Execution/ProcessID": "ExecutionProcessID", "Execution/ThreadID": "ExecutionThreadID", "Security/UserID": "UserID",
	}
	for name, v := range event["System"].(map[string]any) {
		if m, ok := v.(map[string]any); ok {
			if a, ok := m["#attributes"].(map[string]any); ok {
				for k, v := range a {
					flat, ok := attributes[name+"/"+k]
					if !ok {
						t.Errorf("attribute %s of %s is not in the table", k, name)
					}
					out[flat] = text(v)
				}
			}
			if _, ok := m["#text"]; !ok {
				continue
			}
		}
		if s := text(v); s != "" {
			out[name] = s
		}
	}
	for section, body := range event {
		if section == "System" || section == "#attributes" {
			continue
		}
		m, _ := body.(map[string]any)
		if section == "UserData" {
			for _, v := range m {
				m, _ = v.(map[string]any)
			}
		}
		for k, v := range m {
			if k == "#attributes" {
				continue
			}
			if _, taken := out[k]; taken {
				k = section + "." + k
			}
			out[k] = text(v)
		}
	}
}

// sameTwin compares two readers' texts of one value: the other leaves out the
// braces of GUIDs and blanks at the end, and prints times to the microsecond.
func sameTwin(a, b string) bool {
	if strings.TrimSpace(a) == strings.TrimSpace(b) || strings.Trim(a, "{}") == b {
		return true
	}
	if len(a) == len("2006-01-02T15:04:05.0000000Z") && strings.HasSuffix(a, "Z") {
		return strings.TrimRight(a[:26], ".0") == strings.TrimRight(strings.TrimSuffix(b, "Z"), ".0")
	}
	return false
}
