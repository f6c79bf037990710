package datefmt

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/sharedtest"
)

// Sumo Logic's documented forms, and everyday ones: the text of a line is enough
// to find its time.
func TestDocumentedForms(t *testing.T) {
	data, err := os.ReadFile(sharedtest.Path(t, "spec/timestamps.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		var c struct {
			Format, Line, UTC, Now string
			Millis                 int64 `json:"utc_ms"`
		}
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatal(err)
		}
		now := time.Date(2024, 6, 1, 0, 0, 0, 0, time.UTC)
		if c.Now != "" {
			now, _ = time.Parse(time.RFC3339, c.Now)
		}
		r := Recogniser{Now: now}
		if s, ok := r.Find([]byte(c.Line)); !ok || s.Millis != c.Millis {
			t.Errorf("%s: %s: got %s %v, want %s", c.Format, c.Line, time.UnixMilli(s.Millis).UTC().Format(time.RFC3339Nano), ok, c.UTC)
		}
	}
}
