package query

import (
	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/syntax"
)

// Predicate compiles the part of a query that says which events it is about:
// its stages up to the first that needs all rows, sorting aside. rest are the
// stages left out. What comes out of a run are the events, with no columns.
func Predicate(f *diag.File, v *lang.Vocabulary, with ...Option) (q *Query, rest []*syntax.Stage, diags diag.List) {
	whole, diags := Compile(f, v, with...)
	if diags.HasErrors() {
		return nil, nil, diags
	}
	cut := len(whole.Tree.Stages)
	sorts := map[*syntax.Stage]bool{}
	for _, s := range whole.written {
		if s.Flow == lang.Streams || s.Syntax == nil {
			continue
		}
		if s.Facts.Rows == lang.Orders {
			sorts[s.Syntax] = true
			continue
		}
		for i, st := range whole.Tree.Stages {
			if st == s.Syntax {
				cut = i
			}
		}
		break
	}
	tree, diags := syntax.Parse(f, v)
	if unfilled(with) {
		noteUnfilled(diags)
	}
	var kept []*syntax.Stage
	for i, st := range tree.Stages {
		switch {
		case i >= cut:
			rest = append(rest, st)
		case !sorts[whole.Tree.Stages[i]]:
			kept = append(kept, st)
		}
	}
	tree.Stages = kept
	q = compileTree(tree, f, v, &diags, with)
	if diags.HasErrors() {
		return nil, nil, diags
	}
	if n := len(q.steps); n > 0 && q.steps[n-1].Syntax == nil && q.steps[n-1].Flow != lang.Streams {
		q.steps = q.steps[:n-1] // newest first: which events, not in which order
	}
	q.Columns, q.Messages = []lang.Column{}, false
	q.plan()
	return q, rest, diags
}
