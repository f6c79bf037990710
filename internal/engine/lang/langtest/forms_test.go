package langtest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax"
)

// TestEveryAlternativeReads writes every operator in every way that its usage line
// allows, and reads it: each word is bound to what the line says it is, so that
// an option's word is never taken for a field. What is read prints and reads the
// same again.
func TestEveryAlternativeReads(t *testing.T) {
	v := query.Standard()
	for _, name := range v.Names() {
		o := v.Operator(name)
		if o == nil || !strings.EqualFold(o.Name, name) {
			continue
		}
		u, _ := v.Usage(name)
		if u.Parse != nil {
			continue // the line is documentation only
		}
		for _, f := range u.Forms() {
			text := "* | " + f.Text
			tree, diags := syntax.Parse(diag.Text("query", text), v)
			if diags.HasErrors() || len(tree.Stages) != 1 {
				t.Errorf("%s: %v", text, diags.Err())
				continue
			}
			if got := bound(tree.Stages[0]); !slices.Equal(got, f.Binds) {
				t.Errorf("%s: binds %v, want %v", text, got, f.Binds)
			}
			query.Compile(diag.Text("query", text), v) // may refuse it, and has to come back
			if again, diags := syntax.Parse(diag.Text("query", syntax.Print(tree)), v); diags.HasErrors() {
				t.Errorf("%s: printed as %q: %v", text, syntax.Print(tree), diags.Err())
			} else if got := bound(again.Stages[0]); !slices.Equal(got, f.Binds) {
				t.Errorf("%s: printed as %q, binds %v", text, syntax.Print(tree), got)
			}
		}
	}
}

func bound(s *syntax.Stage) (list []string) {
	for _, a := range s.Args {
		list = append(list, a.Slot)
	}
	return list
}
