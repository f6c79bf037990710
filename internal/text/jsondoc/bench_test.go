package jsondoc_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/sharedtest"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// lines reads a file of JSON lines, unpacking it if it is gzipped.
func lines(t testing.TB, path string) [][]byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = bufio.NewReader(f)
	if filepath.Ext(path) == ".gz" {
		if r, err = gzip.NewReader(r); err != nil {
			t.Fatal(err)
		}
	}
	all, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for line := range bytes.Lines(bytes.TrimPrefix(all, []byte("\xef\xbb\xbf"))) {
		if line = bytes.TrimSpace(line); len(line) > 0 {
			out = append(out, line)
		}
	}
	return out
}

var (
	two   = []string{"EventID", "Image"}
	eight = []string{"EventID", "ParentImage", "Image", "CommandLine", "Computer", "User", "ParentCommandLine", "UtcTime"}
	roots = []string{
		"EventData", "Event.EventData", "event_data", "winlog.event_data", "data.win.eventdata", "UserData",
		"Event.UserData", "System", "Event.System", "winlog", "data.win.system", "map",
	}
)

// BenchmarkScan reads real Sysmon events, one flat object a line.
func BenchmarkScan(b *testing.B) {
	events := lines(b, sharedtest.Path(b, "data", "jsonl", "sysmon-flat.jsonl.gz"))
	size := int64(0)
	for _, e := range events {
		size += int64(len(e))
	}
	for _, bb := range []struct {
		name  string
		names []string
		roots []string
	}{{"2 fields", two, nil}, {"8 fields", eight, nil}, {"8 fields, roots", eight, roots}} {
		b.Run(bb.name, func(b *testing.B) {
			s := jsondoc.NewScanner(jsondoc.Want{Names: bb.names, Roots: bb.roots})
			for _, e := range events[:500] { // the answers first
				vals, err := s.Scan(e)
				if err != nil {
					b.Fatal(err)
				}
				var want map[string]string
				if err := json.Unmarshal(e, &want); err != nil {
					b.Fatal(err)
				}
				for i, n := range bb.names {
					if got := string(vals[i].AppendText(nil)); got != want[n] {
						b.Fatalf("%s of %s: got %q, want %q", n, e, got, want[n])
					}
				}
			}
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				for _, e := range events {
					if _, err := s.Scan(e); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(len(events))*float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
