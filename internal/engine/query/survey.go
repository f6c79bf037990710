package query

import (
	"slices"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// Survey is what is known of a query that may not compile: an editor's text while
// it is typed. Stages that cannot be read are passed over.
type Survey struct {
	Tree *syntax.Query
	Uses []lang.Use // fields that the stages read and make, in order
	// Known are the fields that rows are known to have after the last stage. On
	// Messages they are those that a stage has made; the data has others.
	Known    []string
	Messages bool
}

// Look surveys a text.
func Look(f *diag.File, v *lang.Vocabulary) *Survey {
	tree, found := syntax.Parse(f, v)
	return look(tree, f, v, found)
}

// LookAt surveys a part of a tree that was read: what stands before a place.
func LookAt(tree *syntax.Query, f *diag.File, v *lang.Vocabulary) *Survey {
	return look(tree, f, v, nil)
}

func look(tree *syntax.Query, f *diag.File, v *lang.Vocabulary, found diag.List) *Survey {
	s := &Survey{Tree: tree}
	sc := lang.NewScope(v, event.NewLayout(), f, new(diag.List))
	sc.Unfilled = true
	sc.Uses = func(u lang.Use) { s.Uses = append(s.Uses, u) }
	first := len(f.Text)
	if len(tree.Stages) > 0 {
		first = tree.Stages[0].Pos.Start
	}
	broken := slices.ContainsFunc(found, func(d *diag.Diagnostic) bool {
		return d.Severity == diag.Error && d.Code != syntax.Unfilled && d.Span.Start < first
	})
	if st := v.Search(tree.Search); st != nil && !broken {
		st.Check(sc)
	}
	pipe := sc.Analyse(tree.Stages, false)
	s.Messages = pipe.Messages
	for _, c := range sc.Known() {
		s.Known = append(s.Known, c.Name)
	}
	return s
}
