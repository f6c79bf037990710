package cli

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/sharedtest"
)

// TestEveryFindingLeadsToItsRecord hunts with SigmaHQ's rules over the recorded event logs,
// as files and in an archive, and dumps the record of each finding by its evidence: it is
// that record, and it is there.
func TestEveryFindingLeadsToItsRecord(t *testing.T) {
	logs := sharedtest.Path(t, "data/evtx")
	rules := sharedtest.Path(t, "data/sigma/windows-rules.tar.gz")
	// Archives of the samples that make most findings.
	packed := filepath.Join(t.TempDir(), "case #1.zip")
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	if err := filepath.WalkDir(filepath.Join(logs, "to-mitre-attack"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || len(path)%3 != 0 { // a third of them will do
			return err
		}
		name, err := filepath.Rel(logs, path)
		if err != nil {
			return err
		}
		w, err := z.Create(filepath.ToSlash(name))
		if err != nil {
			return err
		}
		text, err := os.ReadFile(path)
		if err == nil {
			_, err = w.Write(text)
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(packed, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{logs, packed} {
		var out, errs bytes.Buffer
		if code := Main([]string{"hunt", "-Q", "-f", "ndjson", "-d", rules, from}, strings.NewReader(""), &out, &errs); code != 0 && code != exitInput { // one of the damaged logs is none
			t.Fatalf("exit code %d\n%s", code, errs.String())
		}
		byFile := map[string]map[int64]*hunt.Place{}
		findings := 0
		for line := range bytes.Lines(out.Bytes()) {
			f := &hunt.Finding{}
			if err := json.Unmarshal(line, f); err != nil {
				t.Fatal(err)
			}
			findings++
			if len(f.Evidence) == 0 || f.Next == "" {
				t.Errorf("a finding without evidence, or without what to do next: %s", line)
			}
			for i := range f.Evidence {
				e := &f.Evidence[i]
				for _, p := range append([]hunt.Place{e.Place}, e.Copies...) {
					if p.RecordID == 0 || p.Command() == "" {
						t.Errorf("a record without its number: %s", line)
						continue
					}
					if byFile[p.File] == nil {
						byFile[p.File] = map[int64]*hunt.Place{}
					}
					byFile[p.File][p.RecordID] = &p
				}
			}
		}
		if findings < 50 {
			t.Fatalf("%d findings in %s: this tries nothing", findings, from)
		}
		for file, places := range byFile {
			records := dumped(t, file)
			for id, p := range places {
				if at := fmt.Sprintf("%d %s %s", id, p.Channel, p.EventID); !records[at] {
					t.Errorf("%s holds no record %s", file, at)
				}
			}
		}
		// One record by the command's own flag, of each file.
		for file, places := range byFile {
			for id, p := range places {
				out.Reset()
				if code := Main([]string{"dump", "-Q", "--record", fmt.Sprint(id), file}, strings.NewReader(""), &out, &errs); code != 0 {
					t.Errorf("%s: exit code %d", p.Command(), code)
				}
				var e struct{ EventRecordID, Channel, EventID string }
				if err := json.Unmarshal(bytes.SplitN(out.Bytes(), []byte("\n"), 2)[0], &e); err != nil || e.EventRecordID != fmt.Sprint(id) || e.EventID != p.EventID {
					t.Errorf("%s gives %.200s; %v", p.Command(), out.String(), err)
				}
				break
			}
		}
	}
}

// dumped are the records of a file: number, channel and event id.
func dumped(t *testing.T, file string) map[string]bool {
	t.Helper()
	var out, errs bytes.Buffer
	Main([]string{"dump", "-Q", file}, strings.NewReader(""), &out, &errs)
	all := map[string]bool{}
	for line := range bytes.Lines(out.Bytes()) {
		var e struct{ EventRecordID, Channel, EventID string }
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("%s: %v\n%s", file, err, line)
		}
		all[fmt.Sprintf("%s %s %s", e.EventRecordID, e.Channel, e.EventID)] = true
	}
	return all
}
