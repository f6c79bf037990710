package syntax_test

import (
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax"
)

// TestBlankAfterDot reads names with blanks after their dots wherever a field
// stands; a dot with nothing after it stays a mistake.
func TestBlankAfterDot(t *testing.T) {
	v := query.Standard()
	for spaced, want := range map[string]string{
		`| where t1. x = t2.  x and a.b. c > 1`: "| where t1.x = t2.x and a.b.c > 1",
		`| fields t1. x, y`:                     "| fields t1.x, y",
		`| count by t1. x`:                      "| count by t1.x",
		`| sort by t1. x desc`:                  "| sort by t1.x desc",
	} {
		tree, diags := syntax.Parse(diag.Text("query", "* "+spaced), v)
		if got := syntax.Print(tree); diags.HasErrors() || !strings.HasSuffix(strings.TrimSpace(got), want) {
			t.Errorf("%s: %s %v", spaced, got, diags)
		}
	}
	for _, wrong := range []string{`| fields t1.`, `| where t1. = 1`, `| count by t1. , x`} {
		if _, diags := syntax.Parse(diag.Text("query", "* "+wrong), v); !diags.HasErrors() {
			t.Errorf("%s is read", wrong)
		}
	}
}
