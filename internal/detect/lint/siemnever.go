package lint

import (
	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/siem"
)

var _ = register(Check{
	ID: "siem-never-holds", Severity: diag.Warning,
	What: "An expression that holds for no record, whatever is in it.",
	Why:  "The rule never fires. A comparison with null is false; `IS NULL` asks for it.",
	Bad:  []string{`user_username = null`, `1 = 2 AND user_username = 'a'`},
	Good: []string{`user_username IS NULL`, `1 = 2 OR user_username = 'a'`},
	SIEM: func(s *SIEM, report Report) {
		c, ok := expr.Fold(s.Cond).(*expr.Const)
		if ok && !c.Value.True() || comparesNull(s.Expr.Cond) {
			report(s.Expr.Cond.At(), "this holds for no record", "x IS NULL asks whether x is null")
		}
	},
})

// comparesNull reports whether x must compare something with null.
func comparesNull(x siem.Node) bool {
	switch x := x.(type) {
	case *siem.And:
		return comparesNull(x.X) || comparesNull(x.Y)
	case *siem.Or:
		return comparesNull(x.X) && comparesNull(x.Y)
	case *siem.Compare:
		for _, side := range []siem.Node{x.X, x.Y} {
			if t, ok := side.(*siem.Literal); ok && t.Kind == siem.Null && x.Op != "<=>" {
				return true
			}
		}
	}
	return false
}
