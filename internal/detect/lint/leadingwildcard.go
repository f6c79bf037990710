package lint

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "leading-wildcard", Severity: diag.Note,
	What: "A `_sourceCategory` that starts with a wildcard.",
	Why: "Every source category of the account is compared, none can be looked up, and partitions are not chosen by it. " +
		"It also takes in categories that only end like the one that is meant.",
	Bad:  []string{"_sourceCategory=*sysmon* | count"},
	Good: []string{"_sourceCategory=windows/sysmon* | count"},
	Query: func(q *Query, report Report) {
		for _, p := range q.Pipes {
			if p.Query.Search == nil {
				continue
			}
			syntax.Walk(p.Query.Search, func(n syntax.Node) bool {
				if _, child := n.(*syntax.Query); child {
					return false
				}
				f, ok := n.(*syntax.FieldTerm)
				if !ok || !strings.EqualFold(f.Field.Name, "_sourceCategory") {
					return true
				}
				for _, v := range f.Values {
					if !v.Quoted && strings.HasPrefix(v.Text, "*") && strings.Trim(v.Text, "*") != "" {
						report(v.Pos, fmt.Sprintf("%s compares with every source category", v.Text), "write how the category starts")
					}
				}
				return true
			})
		}
	},
})
