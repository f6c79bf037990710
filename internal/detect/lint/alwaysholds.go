package lint

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "always-holds", Severity: diag.Warning,
	What: "An or of two != on one field, which every row fulfils.",
	Why:  "Every value differs from one of the two, so the condition filters nothing. `and` was meant.",
	Bad:  []string{"_sourceCategory=a\n| where user != \"root\" or user != \"admin\""},
	Good: []string{"_sourceCategory=a\n| where user != \"root\" and user != \"admin\""},
	Query: func(q *Query, report Report) {
		for _, p := range q.Pipes {
			for _, s := range p.Stages {
				seen := map[syntax.Expr]bool{}
				s.each(func(x syntax.Expr) {
					b, ok := x.(*syntax.Binary)
					if !ok || b.Op != "or" || seen[x] {
						return
					}
					for y := syntax.Expr(b); ; { // the inner links of the chain
						o, ok := unparen(y).(*syntax.Binary)
						if !ok || o.Op != "or" {
							break
						}
						seen[o] = true
						y = o.X
					}
					q.alwaysHolds(b, report)
				})
			}
		}
	},
})

func (q *Query) alwaysHolds(or *syntax.Binary, report Report) {
	first := map[string]*syntax.Binary{}
	for _, x := range chain(or, "or") {
		b, ok := unparen(x).(*syntax.Binary)
		if !ok || b.Op != "!=" || !(known{}).of(b.Y).literal {
			continue
		}
		k := strings.ToLower(q.text(b.X))
		o := first[k]
		if o == nil {
			first[k] = b
			continue
		}
		if !same(known{}.of(o.Y), known{}.of(b.Y)) {
			d := report(b.Pos, fmt.Sprintf("%s is always different from %s or from %s", q.short(b.X), q.short(o.Y), q.short(b.Y)), "write and between them")
			d.Labels = []diag.Label{{Span: o.Pos, Text: "the other one"}}
			return
		}
	}
}
