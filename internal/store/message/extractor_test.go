package message_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/store/message"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// TestExtractor pins what the samples are read as. Where a value is another than it was,
// columns that were made before are not what reading gives: raise Extractor, and put the
// digest that the test prints here.
func TestExtractor(t *testing.T) {
	const number, digest = 1, "b73dad44afcf4d0dd0416082ae6323b3"
	paths, _ := filepath.Glob("../../../samples/*.jsonl")
	formats, _ := filepath.Glob("testdata/*")
	if len(paths) < 3 || len(formats) < 5 {
		t.Fatalf("%d samples, %d in testdata", len(paths), len(formats))
	}
	h := sha256.New()
	for _, path := range slices.Concat(paths, formats) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		o := &message.Origin{Origin: event.Origin{Name: filepath.Base(path)}}
		rows := []message.Row{{Origin: o, Raw: bytes.TrimSpace(data)}}
		if filepath.Ext(path) == ".jsonl" {
			rows = rowsOf(t, data, o)
		}
		for _, w := range []func() []string{
			func() []string { return ofRows(t, rows, wants()) },
			func() []string {
				return ofRows(t, rows, wants("Image", "EventID", "User", "CommandLine", "ParentImage", "Hashes", "TargetObject", "DestinationIp", "_sourceCategory", "_sourceHost"))
			},
		} {
			for _, row := range w() {
				fmt.Fprintln(h, row)
			}
		}
	}
	got := hex.EncodeToString(h.Sum(nil)[:16])
	if message.Extractor != number || got != digest {
		t.Errorf("extractor %d reads the samples as %s; %d did as %s", message.Extractor, got, number, digest)
	}
}
