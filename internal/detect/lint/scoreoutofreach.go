package lint

import (
	"fmt"
	"math"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "score-out-of-reach", Severity: diag.Warning,
	What: "A comparison with a number that a computed score cannot reach, or cannot fail to reach.",
	Why: "What `if (..., 1, 0)` and sums of it can come to is known before the query runs. A threshold above the highest sum never fires, and " +
		"one at or below the lowest always does; both are left behind when a term of a score goes.",
	Bad: []string{
		"_sourceCategory=a\n| if (x = \"y\", 1, 0) as a\n| if (z = \"y\", 2, 0) as b\n| a + b as score\n| where score >= 4",
		"_sourceCategory=a\n| if (x = \"y\", 1, 0) as a\n| a * 10 as score\n| where score >= 0",
	},
	Good: []string{"_sourceCategory=a\n| if (x = \"y\", 1, 0) as a\n| if (z = \"y\", 2, 0) as b\n| a + b as score\n| where score >= 3"},
	Query: func(q *Query, report Report) {
		for _, p := range q.Pipes {
			k := known{}
			for _, s := range p.Stages {
				s.each(func(x syntax.Expr) {
					if b, ok := x.(*syntax.Binary); ok {
						q.outOfReach(k, b, report)
					}
				})
				k = k.after(s)
			}
		}
	},
})

func (q *Query) outOfReach(k known, b *syntax.Binary, report Report) {
	x, y := k.of(b.X), k.of(b.Y)
	of, v, c := b.X, x, b.Y
	if x.literal {
		of, v, c = b.Y, y, b.X
	}
	if math.IsInf(v.lo, 0) && math.IsInf(v.hi, 0) {
		return
	}
	how := compare(b.Op, x, y)
	if how == unknown {
		return
	}
	what := fmt.Sprintf("%s is from %s to %s, so this never holds", q.short(of), bound(v.lo), bound(v.hi))
	if how == always {
		what = fmt.Sprintf("%s is from %s to %s, so this always holds", q.short(of), bound(v.lo), bound(v.hi))
	}
	d := report(b.Pos, what, "compare with a number that the sum can reach, or mend the terms of the sum")
	d.Labels = []diag.Label{{Span: c.Span(), Text: "out of its reach"}}
	if how == always {
		d.Labels = nil
	}
}

func bound(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "any number"
	case math.IsInf(v, -1):
		return "any negative number"
	}
	return numberText(v)
}
