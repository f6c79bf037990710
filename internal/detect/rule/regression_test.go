package rule_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/sigma"
)

const shared = "../../../../shared/data/"

// lower makes rules of a file's text.
func lower(t testing.TB, sc *rule.Scope, name, text string) []*rule.Rule {
	t.Helper()
	docs, diags := sigma.Parse(diag.Text(name, text))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	rules, unusable := sc.Lower(docs, nil)
	for _, u := range unusable {
		t.Fatal(u.Diagnostic)
	}
	return rules
}

// scan runs rules over files and counts the matches of each.
func scan(t testing.TB, sc *rule.Scope, rules []*rule.Rule, workers int, paths ...string) map[*rule.Rule]int {
	t.Helper()
	set := rule.Compile(sc, rules)
	counts := make([]map[*rule.Rule]int, 0, workers)
	read(t, sc, set.Fields(), workers, func() exec.Task {
		m := map[*rule.Rule]int{}
		counts = append(counts, m)
		return set.Task(&expr.Env{}, nil, func(r *rule.Rule, b *event.Batch) error {
			m[r] += len(b.Live)
			return nil
		})
	}, paths...)
	out := map[*rule.Rule]int{}
	for _, m := range counts {
		for r, n := range m {
			out[r] += n
		}
	}
	return out
}

// read feeds the events of files to tasks.
func read(t testing.TB, sc *rule.Scope, fields event.Fields, workers int, open func() exec.Task, paths ...string) int64 {
	t.Helper()
	src, err := input.Paths(paths, input.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := input.NewReader(src, format.All(), input.Options{})
	rt := &exec.Runtime{Ctx: context.Background(), Layout: sc.Layout, Budget: &exec.Budget{}, Warnings: &exec.Warnings{}}
	p := exec.Pipeline{Front: func(exec.Sink) exec.Task { return open() }, Back: exec.Chain(discard{})}
	if err := exec.Run(rt, p, workers, r.Feed(rt.Ctx, &input.Want{Layout: sc.Layout, Fields: fields, Warnings: rt.Warnings})); err != nil {
		t.Fatal(err)
	}
	for _, err := range r.Stats().Failed {
		t.Error(err)
	}
	return r.Stats().Events
}

type discard struct{}

func (discard) Push(*event.Batch) error { return nil }

// lines puts the indented objects of a file one on a line.
func lines(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for d := json.NewDecoder(bytes.NewReader(text)); d.More(); out.WriteByte('\n') {
		var one json.RawMessage
		if err := d.Decode(&one); err != nil {
			t.Fatal(path, err)
		}
		if err := json.Compact(&out, one); err != nil {
			t.Fatal(path, err)
		}
	}
	name := filepath.Join(t.TempDir(), "events.jsonl")
	if err := os.WriteFile(name, out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// Every case of SigmaHQ's regression data gives at least the matches it says,
// as EVTX and as the JSON beside it.
func TestRegression(t *testing.T) {
	text, err := os.ReadFile(shared + "expected/sigma-regression.json")
	if err != nil {
		t.Skip("the regression data is not here: ", err)
	}
	var cases map[string]struct {
		Rule  string
		Tests []struct {
			File  string
			Count *int `json:"match_count"`
		}
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 132 {
		t.Errorf("%d cases, want 132", len(cases))
	}
	good := map[string]int{}
	total := map[string]int{}
	for name, c := range cases {
		text, err := os.ReadFile(shared + c.Rule)
		if err != nil {
			t.Fatal(err)
		}
		for _, test := range c.Tests {
			for _, ext := range []string{".evtx", ".json"} {
				if ext == ".evtx" && format.Named("evtx") == nil {
					continue
				}
				path := shared + strings.TrimSuffix(test.File, filepath.Ext(test.File)) + ext
				if _, err := os.Stat(path); err != nil {
					continue
				}
				total[ext]++
				if ext == ".json" {
					path = lines(t, path)
				}
				sc := rule.NewScope()
				rules := lower(t, sc, filepath.Base(c.Rule), string(text))
				got := scan(t, sc, rules, 1, path)[rules[0]]
				want := 1
				if test.Count != nil {
					want = *test.Count
				}
				if got < want { // a number is the least, as for SigmaHQ
					t.Errorf("%s: %d matches in %s, want %d", name, got, ext, want)
					continue
				}
				good[ext]++
			}
		}
	}
	t.Logf("right: %v of %v", good, total)
}

// A digest is found in the list that Sysmon writes, as EVTX and as JSON, and
// goes through the index.
func TestDigestOfARecordedEvent(t *testing.T) {
	base := shared + "sigma-regression/rules-threat-hunting/windows/image_load/image_load_win_werfaultsecure_dbgcore_dbghelp_load/8a2f4b1c-3d5e-4f7a-9b2c-1e4f6d8a9c2b"
	if _, err := os.Stat(base + ".evtx"); err != nil {
		t.Skip("the regression data is not here: ", err)
	}
	const text = "title: t\nlogsource: {product: windows, category: image_load}\ndetection: {s: {Imphash: %s}, condition: s}\n"
	for _, path := range []string{base + ".evtx", lines(t, base+".json")} {
		for digest, want := range map[string]int{"c324aaac01f0f75c811e1f80c41b860c": 1, "c324aaac01f0f75c811e1f80c41b860d": 0} {
			sc := rule.NewScope()
			rules := lower(t, sc, "digest.yml", fmt.Sprintf(text, digest))
			if st := rule.Compile(sc, rules).Stats(); st.Unindexed != 0 {
				t.Errorf("a rule for a digest is not indexed")
			}
			if got := scan(t, sc, rules, 1, path)[rules[0]]; got != want {
				t.Errorf("%s in %s: %d matches, want %d", digest, filepath.Base(path), got, want)
			}
		}
	}
}
