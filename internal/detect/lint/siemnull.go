package lint

import (
	"slices"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/siem"
)

var _ = register(Check{
	ID: "siem-not-equal-null", Severity: diag.Note,
	What: "!= with an attribute that the expression does not ask for otherwise.",
	Why:  "A comparison with null is false, so `x != 'a'` leaves out the records that have no x, and `NOT x = 'a'` keeps them. Where another part asks for x, both are the same.",
	Bad:  []string{`metadata_deviceEventId = 'Security-4624' AND user_username != 'admin'`, `lower(user_role) != 'guest'`},
	Good: []string{
		`metadata_deviceEventId = 'Security-4624' AND NOT user_username = 'admin'`, `user_username IS NOT NULL AND user_username != 'admin'`,
		`user_username LIKE 'a%' AND lower(user_username) != 'admin'`, `metadata_vendor != 'Microsoft'`,
	},
	SIEM: func(s *SIEM, report Report) {
		asked := asks(s.Expr.Cond, nil)
		siem.Walk(s.Expr.Cond, func(n siem.Node) bool {
			c, ok := n.(*siem.Compare)
			if !ok || c.Op != "!=" && c.Op != "<>" {
				return true
			}
			for _, side := range [2][2]siem.Node{{c.X, c.Y}, {c.Y, c.X}} {
				name := attributeOf(side[0])
				if _, literal := side[1].(*siem.Literal); !literal || name == "" || slices.Contains(asked, name) || alwaysThere[name] {
					continue
				}
				report(c.Span, "this is false where "+name+" is null: records without it are left out", "if they are meant too: NOT "+siem.Print(&siem.Expression{Cond: &siem.Compare{Op: "=", X: c.X, Y: c.Y}}))
			}
			return true
		})
	},
})

// alwaysThere are attributes that every record has.
var alwaysThere = map[string]bool{"metadata_vendor": true, "metadata_product": true, "metadata_deviceEventId": true, "objectType": true, "timestamp": true}

// asks lists the attributes that are not null in any record for which x holds: those that
// a part of its AND compares with something.
func asks(x siem.Node, found []string) []string {
	add := func(n siem.Node, not bool) []string {
		if name := attributeOf(n); name != "" && !not {
			found = append(found, name)
		}
		return found
	}
	switch x := x.(type) {
	case *siem.And:
		return asks(x.Y, asks(x.X, found))
	case *siem.Compare:
		if x.Op == "!=" || x.Op == "<>" || x.Op == "<=>" {
			return found
		}
		found = add(x.X, false)
		return add(x.Y, false)
	case *siem.In:
		return add(x.X, x.Not)
	case *siem.Like:
		return add(x.X, x.Not)
	case *siem.Matches:
		return add(x.X, x.Not)
	case *siem.Between:
		return add(x.X, x.Not)
	case *siem.IsNull:
		return add(x.X, !x.Not)
	}
	return found
}

// attributeOf is the attribute or raw key that a node is, or that a function of one
// argument is made of; "" of anything else.
func attributeOf(n siem.Node) string {
	switch n := n.(type) {
	case *siem.Name:
		return n.Name
	case *siem.Index:
		return siem.Print(&siem.Expression{Cond: n})
	case *siem.Call:
		if len(n.Args) == 1 {
			return attributeOf(n.Args[0])
		}
	}
	return ""
}
