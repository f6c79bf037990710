package format_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// export writes the events of a file as the messages of a Sumo Logic export.
func export(t *testing.T, path string) string {
	t.Helper()
	got := run(t, "* | fields _raw", 1, 0, true, path)
	got.clean(t)
	out := filepath.Join(t.TempDir(), "export.jsonl")
	f, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, row := range got.rows {
		if err := json.NewEncoder(f).Encode(map[string]any{
			"_raw": row["_raw"], "_messageTime": "1619449385976", "_sourceCategory": "windows/sysmon", "_collector": "c", "_size": "1",
		}); err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// TestJSONAutoOfExports: in an export of Sumo Logic each event is the text of a
// message, whatever wrote it, and after json auto the seed query finds in it what
// it finds in the event itself. Without mapping only flat events have the names.
func TestJSONAutoOfExports(t *testing.T) {
	needShared(t)
	text := seedQuery(t)
	flat := map[string]bool{"flat.json": true, "mordor.json": true, "nxlog.json": true, "nxlog-2.json": true}
	for _, path := range samples(t, shared+"/formats/*.*") {
		name := filepath.Base(path)
		if strings.HasSuffix(name, ".csv") {
			continue // a line without its header is no event
		}
		t.Run(name, func(t *testing.T) {
			file := export(t, path)
			want := sampleRow()
			if strings.HasPrefix(name, "defender") {
				want["User"], want["ParentImage"] = `nt authority\system`, `c:\portable\edge\msedge.exe`
			}
			got := run(t, text, 1, 0, false, file)
			got.clean(t)
			if len(got.rows) != 1 {
				t.Fatalf("%d rows, want 1", len(got.rows))
			}
			compare(t, want, got.rows[0])
			if n := len(run(t, text, 1, 0, true, file).rows); (n == 1) != flat[name] {
				t.Errorf("without mapping %d rows", n)
			}
		})
	}
	for _, path := range samples(t, shared+"/formats/bulk/*.*") {
		t.Run("bulk/"+filepath.Base(path), func(t *testing.T) {
			file := export(t, path)
			q := strings.Replace(text, "| fields _messagetime,", "| fields EventRecordID, UtcTime,", 1)
			q = strings.Replace(q, "| sort by _messagetime desc", "", 1)
			want, got := run(t, q, 1, 0, false, path), run(t, q, 3, 8<<10, false, file)
			got.clean(t)
			for _, rows := range [][]map[string]any{want.rows, got.rows} {
				for _, row := range rows {
					delete(row, "at")
				}
				byID(rows)
			}
			if len(got.rows) != 24 && !strings.HasPrefix(filepath.Base(path), "defender") {
				t.Errorf("%d rows, want 24", len(got.rows))
			}
			if a, b := fmt.Sprint(want.rows), fmt.Sprint(got.rows); a != b {
				t.Errorf("the rows of an export are\n%s\nwant\n%s", b, a)
			}
		})
	}
}
