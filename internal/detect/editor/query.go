package editor

import (
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/content"
	"github.com/gyoji-dev/gyoji/internal/detect/lint"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax"
)

// queryText is a query of log search with what is known of it, each part found out
// when it is first asked for.
type queryText struct {
	file  *diag.File
	vocab *lang.Vocabulary

	found  func() diag.List     // without fixes
	fixes  func() diag.List     // with those that are sound
	survey func() *query.Survey // names and fields, of a half-typed query too
}

func (r *Region) read() *queryText {
	q := &queryText{file: r.File, vocab: r.doc.set.Vocab}
	q.found = sync.OnceValue(func() diag.List { return lint.Quick(q.file, q.vocab, query.Unfilled) })
	q.fixes = sync.OnceValue(func() diag.List { return lint.Text(q.file, q.vocab, query.Unfilled) })
	q.survey = sync.OnceValue(func() *query.Survey { return query.Look(q.file, q.vocab) })
	return q
}

// nodeAt is the innermost name, field or stage that stands at an offset, nil for none,
// with the nodes around it, outer ones first.
func nodeAt(tree *syntax.Query, offset int) (node syntax.Node, around []syntax.Node) {
	syntax.Walk(tree, func(n syntax.Node) bool {
		s := n.Span()
		if s.Start <= offset && offset <= s.End {
			around = append(around, n)
			switch n.(type) {
			case *syntax.Field, *syntax.Name:
				if node == nil || s.Start < offset || offset == s.Start {
					node = n
				}
			}
			return true
		}
		_, q := n.(*syntax.Query)
		return q && s.Start <= offset
	})
	return node, around
}

// holdsRules recognises the rules of Cloud SIEM in JSON.
func holdsRules(name, text string) bool {
	k := content.Of(name, text)
	return k == content.SIEMRule && (strings.Contains(text, "xpression") || strings.Contains(text, "entitySelectors"))
}
