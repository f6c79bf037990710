package langtest_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/lang/langtest"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax/syntaxtest"
)

// defaultLeast is the share of published queries that compile with
// --param-default '*'.
const defaultLeast = 0.99

// TestPublishedQueriesCompileWithDefault puts * in the place of every template
// parameter, as --param-default '*' does, and compiles: a sample, or with -full
// all.
func TestPublishedQueriesCompileWithDefault(t *testing.T) {
	all, good := 0, 0
	reasons := map[string]int{}
	for _, q := range syntaxtest.Corpus(t) {
		if !*full && !*update && !inSample(q.ID) {
			continue
		}
		all++
		text := q.Query
		if q.Fragment && !strings.HasPrefix(strings.TrimSpace(text), "|") {
			text = "* | " + text
		}
		f, diags := query.FillAll(diag.Text(q.ID, text), query.Standard(), "*")
		if !diags.HasErrors() {
			_, diags = query.Compile(f, query.Standard())
		}
		if !diags.HasErrors() {
			good++
			continue
		}
		for _, d := range diags {
			if d.Severity == diag.Error {
				reasons[d.Code+": "+d.Message]++
				break
			}
		}
	}
	// Most of the rest is * where a value, a condition or a stage has to stand.
	for _, r := range slices.SortedFunc(maps.Keys(reasons), func(a, b string) int { return reasons[b] - reasons[a] }) {
		t.Logf("%5d %s", reasons[r], r)
	}
	t.Logf("%d of %d compile", good, all)
	now := fmt.Sprintf("With `--param-default '*'` %d of all %d (%.2f %%) compile.\n", good, all, 100*float64(good)/float64(all))
	switch {
	case *update:
		langtest.SetSection(t, page, "param-default", now)
	case *full && langtest.Section(t, page, "param-default") != now:
		t.Errorf("docs/compatibility.md says otherwise than: %s", now)
	}
	if float64(good) < defaultLeast*float64(all) {
		t.Errorf("only %d of %d compile", good, all)
	}
}
