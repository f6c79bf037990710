package format_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// shared is where the recorded samples are; they are not part of the project.
const shared = "../../../../shared/data"

func needShared(t *testing.T) {
	t.Helper()
	if _, err := os.Stat(shared); err != nil {
		t.Skip("the recorded samples (../shared/data) are absent")
	}
}

func seedQuery(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../../packages/T1204.001-malicious-link/query.seed.sumo")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// result is what a run of a query gave: rows by column name, nil for null.
type result struct {
	rows     []map[string]any
	failed   []string
	warnings []exec.Warning
}

type collect struct {
	q   *query.Query
	out *result
}

func (c collect) Push(b *event.Batch) error {
	for _, row := range b.Live {
		m := map[string]any{}
		if int(row) < len(b.Pos) {
			m["at"] = b.Pos[row]
		}
		for _, col := range c.q.Columns {
			switch v := b.Value(col.Slot, row); v.Kind() {
			case event.Null:
				m[col.Name] = nil
			case event.String:
				m[col.Name] = strings.Clone(v.Str())
			default:
				f, _ := v.Float()
				m[col.Name] = f
			}
		}
		c.out.rows = append(c.out.rows, m)
	}
	return nil
}

// run runs a query over paths.
func run(t testing.TB, text string, workers, block int, noMap bool, paths ...string) result {
	t.Helper()
	q, diags := query.Compile(diag.Text("test", text), query.Standard())
	if err := diags.Err(); err != nil {
		t.Fatal(err)
	}
	w := &exec.Warnings{}
	o := input.Options{Warnings: w, BlockBytes: block}
	src, err := input.Paths(paths, o)
	if err != nil {
		t.Fatal(err)
	}
	r := input.NewReader(src, format.All(), o)
	var res result
	err = q.Run(context.Background(), query.Run{Input: r, Layout: q.Layout.Clone(), Workers: workers, Now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), NoMap: noMap, Warnings: w}, collect{q, &res})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Stats().Failed {
		res.failed = append(res.failed, f.Error())
	}
	res.warnings = w.List()
	return res
}

func (r result) clean(t *testing.T) {
	t.Helper()
	for _, f := range r.failed {
		t.Error(f)
	}
	for _, w := range r.warnings {
		t.Errorf("%d %s: %v", w.Count, w.Kind, w.Sample)
	}
}

// sampleRow is the row of the event that every sample holds, by the query and
// the flat event, worked out by hand.
func sampleRow() map[string]any {
	return map[string]any{
		"_messagetime": 1619449385976.0, "Computer": "fs02.offsec.lan", "User": `NT AUTHORITY\SYSTEM`,
		"Image": `C:\Windows\System32\cmd.exe`, "CommandLine": `C:\Windows\system32\cmd.exe  /Q /c C:\Windows\TEMP\execute.bat `,
		"ParentImage":       `C:\Portable\Edge\msedge.exe`,
		"ParentCommandLine": `C:\Portable\Edge\msedge.exe /Q /c echo cd  ^> \\127.0.0.1\C$\__output 2^>^&1 > C:\Windows\TEMP\execute.bat & C:\Portable\Edge\msedge.exe /Q /c C:\Windows\TEMP\execute.bat & del C:\Windows\TEMP\execute.bat`,
		"is_encoded_ps":     0.0, "is_download_cradle": 0.0, "is_script_engine": 0.0, "is_lolbin": 0.0, "suspicion_score": 1.0,
	}
}

// TestEverySampleGivesTheSameRow: one event in every shape, and the seed query
// finds it with the same values in each.
func TestEverySampleGivesTheSameRow(t *testing.T) {
	needShared(t)
	text := seedQuery(t)
	for _, path := range samples(t, shared+"/formats/*.*") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			want := sampleRow()
			if strings.HasPrefix(filepath.Base(path), "defender") {
				// Defender has no UtcTime, and host, account and the parent's
				// path in lower case.
				want["_messagetime"] = 1619449385992.0
				want["User"], want["ParentImage"] = `nt authority\system`, `c:\portable\edge\msedge.exe`
			}
			got := run(t, text, 1, 0, false, path)
			got.clean(t)
			if len(got.rows) != 1 {
				t.Fatalf("%d rows, want 1", len(got.rows))
			}
			compare(t, want, got.rows[0])
		})
	}
}

func samples(t *testing.T, pattern string) []string {
	t.Helper()
	all, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, p := range all {
		if base := filepath.Base(p); base != "README.md" && base != "expected.json" {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		t.Fatalf("no samples at %s", pattern)
	}
	return out
}

func compare(t *testing.T, want, got map[string]any) {
	t.Helper()
	for k, w := range want {
		if g := got[k]; fmt.Sprint(g) != fmt.Sprint(w) {
			t.Errorf("%s: got %q, want %q", k, fmt.Sprint(g), fmt.Sprint(w))
		}
	}
}

// TestEveryBulkFileGivesTheExpectedRows: 157 events with 24 hits in every
// shape, read in one piece, and in small ones by several workers.
func TestEveryBulkFileGivesTheExpectedRows(t *testing.T) {
	needShared(t)
	var expected struct {
		Rows     []map[string]any `json:"rows"`
		Defender []map[string]any `json:"defender_rows"`
	}
	data, err := os.ReadFile(shared + "/formats/bulk/expected.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &expected); err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(seedQuery(t), "| fields _messagetime,", "| fields EventRecordID, UtcTime, _messagetime,", 1)
	for _, path := range samples(t, shared+"/formats/bulk/*.*") {
		t.Run(filepath.Base(path), func(t *testing.T) {
			want := expected.Rows
			if strings.HasPrefix(filepath.Base(path), "defender") {
				want = expected.Defender
			}
			whole := run(t, text, 1, 0, false, path)
			whole.clean(t)
			cut := run(t, text, 3, 4<<10, false, path)
			cut.clean(t)
			if a, b := fmt.Sprint(whole.rows), fmt.Sprint(cut.rows); a != b {
				t.Errorf("rows depend on workers and blocks:\n%s\n%s", a, b)
			}
			if len(whole.rows) != len(want) {
				t.Fatalf("%d rows, want %d", len(whole.rows), len(want))
			}
			byID(want)
			byID(whole.rows)
			for i, w := range want {
				delete(w, "SystemTime")
				for k, v := range w {
					if f, ok := v.(float64); ok {
						w[k] = f
					}
				}
				compare(t, w, whole.rows[i])
			}
		})
	}
}

func byID(rows []map[string]any) {
	sort.SliceStable(rows, func(i, j int) bool {
		return fmt.Sprint(rows[i]["EventRecordID"]) < fmt.Sprint(rows[j]["EventRecordID"])
	})
}

// TestRecordedChains: one query over the two recordings gives every step of
// each chain, from download to execution, as the event of the line that the
// record has it at.
func TestRecordedChains(t *testing.T) {
	needShared(t)
	data, err := os.ReadFile(shared + "/expected/malicious-link-chains.json")
	if err != nil {
		t.Fatal(err)
	}
	var chains map[string][]map[string]any
	if err := json.Unmarshal(data, &chains); err != nil {
		t.Fatal(err)
	}
	// The keyword spares the reader the lines that cannot matter.
	const q = `downloads* | json auto
| where EventID in ("1", "11", "15")
| toLowerCase(if (EventID = "1", Image, TargetFilename)) as path
| where path matches "*\\downloads\\*"
| fields EventID, UtcTime, Computer, User, Image, TargetFilename, Contents, ParentImage, CommandLine
| sort by UtcTime asc`
	for file, steps := range chains {
		name, member, _ := strings.Cut(file, "#")
		t.Run(member, func(t *testing.T) {
			got := run(t, q, 2, 0, false, shared+"/"+name)
			got.clean(t)
			at := lineStarts(t, shared+"/"+name, member)
			before := 0
			for _, step := range steps {
				line := int(step["line"].(float64))
				if line <= before {
					t.Errorf("the record has line %d after line %d", line, before)
				}
				before = line
				n := 0
				for _, row := range got.rows {
					if row["at"] != event.Position(0, at[line-1]) {
						continue
					}
					n++
					for k, v := range step {
						if k != "line" && k != "step" && fmt.Sprint(row[k]) != fmt.Sprint(v) {
							t.Errorf("line %d: %s is %q, want %q", line, k, fmt.Sprint(row[k]), fmt.Sprint(v))
						}
					}
				}
				if n != 1 {
					t.Errorf("%s: %d rows of line %d, want 1", step["step"], n, line)
				}
			}
		})
	}
}

// lineStarts are the offsets of the lines of a zip's member.
func lineStarts(t *testing.T, path, member string) []int64 {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	f, err := z.Open(member)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := []int64{0}
	buf := make([]byte, 1<<20)
	for off := int64(0); ; {
		n, err := f.Read(buf)
		for i := 0; i < n; {
			end := bytes.IndexByte(buf[i:n], '\n')
			if end < 0 {
				break
			}
			i += end + 1
			out = append(out, off+int64(i))
		}
		if off += int64(n); errors.Is(err, io.EOF) {
			return out
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
