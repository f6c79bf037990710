package lint

import (
	"fmt"
	"iter"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "dead-branch", Severity: diag.Warning,
	What: "A branch that is never taken: a condition that an outer if has already tested, or two branches that are the same; and a part of an or that repeats another.",
	Why:  "A condition that was tested before is false in the else, so what stands there never comes out; most often one letter of a copied line was not changed.",
	Bad: []string{
		"_sourceCategory=a\n| if (x = \"1\", \"low\", if (x = \"1\", \"high\", \"none\")) as level",
		"_sourceCategory=a\n| if (x = \"1\", \"low\", \"low\") as level",
		"_sourceCategory=a\n| where x = \"1\" or y = \"2\" or x = \"1\"",
	},
	Good: []string{"_sourceCategory=a\n| if (x = \"1\", \"low\", if (x = \"2\", \"high\", \"none\")) as level"},
	Query: func(q *Query, report Report) {
		for _, p := range q.Pipes {
			for _, s := range p.Stages {
				for _, x := range s.expressions() {
					q.deadBranches(x, nil, report)
				}
				q.repeated(s, report)
			}
		}
	},
})

// branches takes an if or a ternary apart.
func branches(x syntax.Expr) (c, t, f syntax.Expr, ok bool) {
	switch x := unparen(x).(type) {
	case *syntax.Cond:
		return x.C, x.T, x.F, true
	case *syntax.Call:
		if strings.EqualFold(x.Func.Text, "if") && len(x.Args) == 3 {
			return x.Args[0], x.Args[1], x.Args[2], true
		}
	}
	return nil, nil, nil, false
}

// deadBranches follows the else of each if; tested has the conditions above it by their
// keys, and is changed: an else is read last.
func (q *Query) deadBranches(x syntax.Expr, tested map[string]syntax.Expr, report Report) {
	c, t, f, ok := branches(x)
	if !ok {
		syntax.Walk(x, func(n syntax.Node) bool {
			if _, child := n.(*syntax.Query); child {
				return false
			}
			y, isExpr := n.(syntax.Expr)
			if !isExpr || y == x {
				return true
			}
			if _, _, _, inner := branches(y); inner {
				q.deadBranches(y, nil, report)
				return false
			}
			return true
		})
		return
	}
	key := q.key(c)
	if o := tested[key]; o != nil {
		d := report(c.Span(), "this was tested before and is false here, so its branch is never taken", "test something else, or take the branch away")
		d.Labels = []diag.Label{{Span: o.Span(), Text: "tested here"}}
	}
	if q.alike(t, f) {
		report(x.Span(), fmt.Sprintf("both branches are %s, so the condition decides nothing", q.short(t)), "change one of them, or leave the if out")
	}
	q.deadBranches(c, nil, report)
	q.deadBranches(t, nil, report)
	if tested == nil {
		tested = map[string]syntax.Expr{}
	}
	if tested[key] == nil {
		tested[key] = c
	}
	q.deadBranches(f, tested, report)
}

// alike reports whether two expressions have the same key; what differs early is soon told.
func (q *Query) alike(a, b syntax.Expr) bool {
	next, stop := iter.Pull(strings.FieldsSeq(q.File.Slice(unparen(b).Span())))
	defer stop()
	for x := range strings.FieldsSeq(q.File.Slice(unparen(a).Span())) {
		if y, ok := next(); !ok || x != y {
			return false
		}
	}
	_, more := next()
	return !more
}

// key is an expression as text, letter case kept: strings differ by it.
func (q *Query) key(x syntax.Expr) string { return q.text(unparen(x)) }

// repeated finds operands of an or that stand in it twice.
func (q *Query) repeated(s *Stage, report Report) {
	seen := map[*syntax.Binary]bool{}
	s.each(func(x syntax.Expr) {
		b, ok := x.(*syntax.Binary)
		if !ok || b.Op != "or" || seen[b] {
			return
		}
		for y := syntax.Expr(b); ; {
			o, ok := unparen(y).(*syntax.Binary)
			if !ok || o.Op != "or" {
				break
			}
			seen[o] = true
			y = o.X
		}
		first := map[string]syntax.Expr{}
		for _, y := range chain(b, "or") {
			k := q.key(y)
			if o := first[k]; o != nil {
				d := report(y.Span(), fmt.Sprintf("%s stands in this or twice", q.short(y)), "take one away, or change it to what was meant")
				d.Labels = []diag.Label{{Span: o.Span(), Text: "the first"}}
				continue
			}
			first[k] = y
		}
	})
}
