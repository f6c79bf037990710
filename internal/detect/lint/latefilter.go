package lint

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "late-filter", Severity: diag.Note,
	What: "A where that could stand before a costly stage: a lookup, a sort, an aggregate, a parse by regular expression.",
	Why:  "Rows that are dropped anyway are looked up, sorted or grouped first. gyoji moves some filters itself; Sumo Logic runs stages as they are written.",
	Bad: []string{
		"_sourceCategory=a\n| count by user, host\n| where user = \"root\"",
		"_sourceCategory=a\n| sort by size\n| where user = \"root\"",
		"_sourceCategory=a\n| parse regex \"size=(?<size>\\d+)\" nodrop\n| where user = \"root\"",
	},
	Good: []string{
		"_sourceCategory=a\n| where user = \"root\"\n| count by user, host",
		"_sourceCategory=a\n| count by user, host\n| where _count > 5",
		"_sourceCategory=a\n| limit 10\n| where user = \"root\"",
	},
	Query: func(q *Query, report Report) {
		for _, p := range q.Pipes {
			for i, s := range p.Stages {
				if c := s.condition(); c != nil {
					q.lateFilter(p, i, c, report)
				}
			}
		}
	},
})

func (q *Query) lateFilter(p *Pipe, i int, cond syntax.Expr, report Report) {
	where := p.Stages[i]
	if len(where.Reads) == 0 {
		return // a condition on nothing is another mistake
	}
	var over *Stage // the earliest costly stage that it could stand before
	for j := i - 1; j >= 0; j-- {
		s := p.Stages[j]
		if !q.passes(s, where) {
			break
		}
		if s.Costly {
			over = s
		}
	}
	if over == nil {
		return
	}
	d := report(cond.Span(), fmt.Sprintf("this could stand before %s", strings.ToLower(over.Op.Text)), "move it up, so that rows it drops cost nothing")
	d.Labels = []diag.Label{{Span: diag.Span{Start: over.Pos.Start, End: over.Op.Pos.End}, Text: "before this"}}
}

// passes reports whether a where may stand before s and keep the same rows.
func (q *Query) passes(s *Stage, where *Stage) bool {
	switch {
	case s.Kind == syntax.Grouping:
		// Groups go as a whole; an aggregate without groups gives a row of
		// nothing as well.
		if len(s.By) == 0 {
			return false
		}
		for _, u := range where.Reads {
			if !groupsBy(s, u.Name) {
				return false
			}
		}
		return true
	case s.Alone && !s.Any, s.Rows == lang.Orders:
		for _, u := range where.Reads {
			if s.makes(u.Name) {
				return false
			}
			// A field of the event itself may be one that json auto and its like find.
			if !s.Messages && s.Hides {
				return false
			}
		}
		return true
	}
	return false
}

func groupsBy(s *Stage, name string) bool {
	for _, b := range s.By {
		if f, ok := b.X.(*syntax.Field); ok && b.As == nil && strings.EqualFold(f.Name, name) {
			return true
		}
	}
	return false
}
