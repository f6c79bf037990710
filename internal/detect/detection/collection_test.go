package detection

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/gyoji-dev/gyoji/diag"
)

// A collection's cases want a severity: what is found too low, not at all or too high is said,
// and so is a case that is no longer missed.
func TestCollectionsAreGraded(t *testing.T) {
	score := Score{Field: "n", Severity: map[int]Severity{1: Low, 2: Medium}}
	p := &Package{
		Tests:      "tests.yaml",
		Detections: []*Detection{{ID: "d", Score: score, File: "q.sumo", Query: diag.Text("q.sumo", `* | json auto | where kind = "bad" | num(level) as n | fields n`)}},
		FS: fstest.MapFS{
			"tests.yaml": {Data: []byte("collections:\n- {file: bad.jsonl, alert: medium}\n- {file: good.jsonl, below: medium}\n")},
			"bad.jsonl": {Data: []byte(`{"id":"found","events":[{"kind":"bad","level":2}]}
{"id":"low","events":[{"kind":"bad","level":1}]}
{"id":"silent","events":[{"kind":"good"}]}
{"id":"excused","missed":"no field","events":[{"kind":"good"}]}
{"id":"mended","missed":"no field","events":[{"kind":"good"},{"kind":"bad","level":2}]}
`)},
			"good.jsonl": {Data: []byte(`{"id":"quiet","events":[{"kind":"bad","level":1}]}
{"id":"loud","events":[{"kind":"bad","level":2}]}
`)},
		},
	}
	v, err := p.Verify(context.Background(), Verify{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"found": "", "low": "d finds it as low, want medium or more", "silent": "nothing is found, want medium or more",
		"excused": "", "mended": "although the case says that it is missed (no field)", "quiet": "", "loud": "d finds it as medium, want less than medium",
	}
	for _, d := range v.Verdicts {
		got := strings.Join(d.Failures, "; ")
		if w, ok := want[d.Case.ID]; !ok || (w == "") != (got == "") || !strings.Contains(got, w) {
			t.Errorf("%s: %q, want %q", d.Case.ID, got, w)
		}
		delete(want, d.Case.ID)
	}
	if len(want) > 0 {
		t.Errorf("not run: %v", want)
	}
}
