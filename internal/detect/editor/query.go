package editor

import (
	"context"
	"regexp"
	"strings"
	"sync"
	"time"

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
	uses   func() []lang.Use    // the survey's, with the place of each name that is spelled out
}

// fixesTime is how long somebody waits for the changes that are offered.
const fixesTime = 2 * time.Second

func (r *Region) read() *queryText {
	q := &queryText{file: r.File, vocab: r.doc.set.Vocab}
	q.found = sync.OnceValue(func() diag.List { return lint.Quick(q.file, q.vocab, query.Unfilled) })
	q.fixes = sync.OnceValue(func() diag.List {
		ctx, cancel := context.WithTimeout(context.Background(), fixesTime)
		defer cancel()
		return lint.Within(ctx, q.file, q.vocab, query.Unfilled)
	})
	q.survey = sync.OnceValue(func() *query.Survey { return query.Look(q.file, q.vocab) })
	q.uses = sync.OnceValue(func() []lang.Use { return placed(q.survey().Uses) })
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
		}
		return true // an alias may stand behind what it is of: count by x as n
	})
	return node, around
}

// holdsRules recognises the rules of Cloud SIEM in JSON.
func holdsRules(name, text string) bool {
	k := content.Of(name, text)
	return k == content.SIEMRule && (strings.Contains(text, "xpression") || strings.Contains(text, "entitySelectors"))
}

// placed gives uses the places of names that their stages spell out: an aggregate makes
// columns as a whole, some of them called what as says, some those of its groups, which it
// passes on and does not make.
func placed(uses []lang.Use) (list []lang.Use) {
	for _, u := range uses {
		if !u.Makes || u.At != nil || u.Stage == nil {
			list = append(list, u)
			continue
		}
		passed := false
		for _, b := range u.Stage.By {
			f, ok := b.X.(*syntax.Field)
			passed = passed || ok && b.As == nil && strings.EqualFold(f.Name, u.Name)
		}
		if passed {
			continue
		}
		syntax.Walk(u.Stage, func(n syntax.Node) bool {
			var as *syntax.Field
			switch n := n.(type) {
			case *syntax.Agg:
				as = n.As
			case *syntax.Named:
				as = n.As
			case *syntax.Query:
				return false
			}
			if as != nil && strings.EqualFold(as.Name, u.Name) {
				u.At = as
			}
			return true
		})
		list = append(list, u)
	}
	return list
}

// patterns are the regular expressions of this package that were used. Nothing of them is
// made at the start of a run, which most often asks for none.
var patterns sync.Map

func pattern(text string) *regexp.Regexp {
	if re, ok := patterns.Load(text); ok {
		return re.(*regexp.Regexp)
	}
	re, _ := patterns.LoadOrStore(text, regexp.MustCompile(text))
	return re.(*regexp.Regexp)
}
