package lint

import (
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "missing-scope", Severity: diag.Warning,
	What: "A search expression that names no source, partition or other metadata and no word.",
	Why: "Every message of the account is read. On Sumo Logic that is slow, and by the scanned volume it is paid for. " +
		"Name at least a `_sourceCategory`, an `_index` or a keyword.",
	Bad:  []string{"* | count by user", "| count by user"},
	Good: []string{"_sourceCategory=windows/sysmon | count by user", "error | count by user", "cat path://\"/Library/x\" | count"},
	Query: func(q *Query, report Report) {
		if scoped(q.Tree.Search) || len(q.Tree.Stages) > 0 && q.Tree.Search == nil && q.facts[q.Tree.Stages[0]].Table {
			return
		}
		at := q.Tree.Pos
		if q.Tree.Search != nil {
			at = q.Tree.Search.Span()
		} else if len(q.Tree.Stages) > 0 {
			at.End = min(at.End, at.Start+1)
		}
		report(at, "this reads every message there is", "name a source first, such as _sourceCategory=windows/sysmon")
	},
})

// scoped reports whether a search expression says which messages to read, be it
// only by one of its words.
func scoped(x syntax.Search) bool {
	switch x := x.(type) {
	case nil, *syntax.Everything, *syntax.Not:
		return false
	case *syntax.Group:
		return scoped(x.X)
	case *syntax.And:
		for _, y := range x.List {
			if scoped(y) {
				return true
			}
		}
		return false
	case *syntax.Or:
		for _, y := range x.List {
			if !scoped(y) {
				return false
			}
		}
		return len(x.List) > 0
	case *syntax.FieldTerm:
		if x.Op == "!=" || x.Op == "not in" {
			return false
		}
		for _, v := range x.Values {
			if strings.Trim(v.Text, "*") == "" {
				return false
			}
		}
	case *syntax.Term:
		return strings.Trim(x.Text, "*") != ""
	}
	return true
}
