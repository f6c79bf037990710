package cli

import (
	"bytes"
	"encoding/json"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/sharedtest"
)

// TestRecordingsAreFound hunts for techniques in recordings of them. What must be found is read
// from the recordings: for each detection, the number and score of its findings.
func TestRecordingsAreFound(t *testing.T) {
	for _, c := range []struct {
		pkg, file string
		want      map[string]int // "DETECTION score" -> findings
	}{
		// PowerShell (1) opens an HTML application of Startup (2): base 1, in Sysmon and Security.
		// It starts cmd.exe /c calc.exe: script host 2, fetched 2; in Security its line is unknown.
		{"T1218.005-mshta", "data/jsonl/security-datasets/psh_mshta_html_application_execution.zip", map[string]int{
			"mshta-line 4": 2, "mshta-child 4": 1, "mshta-child 2": 1,
		}},
		// cmd.exe (1) has mshta run a script (2) with GetObject (1). It starts calc.exe: 1 and 2, in
		// Security 1; keeps the scriptlet in its cache: script 1, user's folder 1; loads scrobj.dll
		// three times over: 2.
		{"T1218.005-mshta", "data/jsonl/security-datasets/cmd_mshta_javascript_getobject_sct.zip", map[string]int{
			"mshta-line 5": 2, "mshta-child 3": 1, "mshta-child 1": 1, "mshta-writes 3": 1, "mshta-loads 3": 3,
		}},
		// A browser (1) opens an HTML application of its cache (2); mshta connects to port 4443: 3 and 1.
		{"T1218.005-mshta", "data/evtx/attack-samples/Execution/sysmon_mshta_sharpshooter_stageless_meterpreter.evtx", map[string]int{
			"mshta-line 4": 1, "mshta-network 4": 1,
		}},
		// A copy of Word in a user's folder loads wwlib.dll from beside itself (3, and 1 for the folder),
		// starts itself (2 and 1), rundll32 with no arguments (1, 1 and 2) and cmd.exe (2 and 1).
		{"T1566.001-spearphishing-attachment", "data/evtx/attack-samples/AutomatedTestingTools/Malware/sideloading_uacbypass_rundll32_injection_c2.evtx", map[string]int{
			"document-loads 5": 2, "document-child 3": 2, "document-child 4": 1,
		}},
		// Excel has PowerShell (2 and 1) start rundll32 on a library in ProgramData (1), three times.
		{"T1566.001-spearphishing-attachment", "data/jsonl/amides", map[string]int{"document-child 4": 3}},
	} {
		t.Run(filepath.Base(c.file), func(t *testing.T) {
			var out, errs bytes.Buffer
			pkg := filepath.Join("..", "..", "packages", c.pkg)
			if code := Main([]string{"hunt", "-Q", "--no-fold", "-f", "ndjson", "-d", pkg, sharedtest.Path(t, c.file)}, strings.NewReader(""), &out, &errs); code != 0 {
				t.Fatalf("exit code %d\n%s", code, errs.String())
			}
			got := map[string]int{}
			for line := range strings.Lines(out.String()) {
				var f struct {
					Kind string      `json:"kind"`
					ID   string      `json:"detection_id"`
					Rank json.Number `json:"score"`
				}
				if err := json.Unmarshal([]byte(line), &f); err != nil {
					t.Fatal(err)
				}
				if f.Kind == "package" {
					got[strings.TrimPrefix(f.ID, c.pkg+"/")+" "+f.Rank.String()]++
				}
			}
			if !maps.Equal(got, c.want) {
				t.Errorf("found %v, want %v", got, c.want)
			}
		})
	}
}
