package lint

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "used-before-made", Severity: diag.Warning,
	What: "A field that is read in an earlier stage than the one that makes it.",
	Why:  "Where it is read the field is still null, or what the event itself has under that name. Move the stage that makes it up.",
	Bad:  []string{"_sourceCategory=a\n| where score > 2\n| if (x = \"y\", 3, 0) as score"},
	Good: []string{"_sourceCategory=a\n| if (x = \"y\", 3, 0) as score\n| where score > 2", "_sourceCategory=a\n| if (isEmpty(user), \"-\", user) as user"},
	Query: func(q *Query, report Report) {
		for _, p := range q.Pipes {
			usedBeforeMade(p, report)
		}
	},
})

func usedBeforeMade(p *Pipe, report Report) {
	makers := map[string][]int{} // the stages that make a field, in order
	for i, s := range p.Stages {
		for _, u := range s.Makes {
			k := strings.ToLower(u.Name)
			makers[k] = append(makers[k], i)
		}
	}
	told := map[string]bool{}
	for i, s := range p.Stages {
		if s.Kind == syntax.Grouping || !s.Messages {
			return // what is made later is made of records
		}
		for _, u := range s.Reads {
			k := strings.ToLower(u.Name)
			if u.At == nil || !u.Messages || told[k] || strings.HasPrefix(k, "_") || s.makes(k) {
				continue
			}
			told[k] = true // made before, or told, or never made: once is enough
			if len(makers[k]) == 0 || makers[k][0] <= i {
				continue
			}
			// A stage that changes the field in place, or may make any name, makes nothing new.
			m := p.Stages[makers[k][0]]
			if !m.Messages || m.Kind != syntax.Assigning || m.reads(k) {
				continue
			}
			d := report(u.At.Pos, fmt.Sprintf("%s is read here and made only later", u.Name), "move the stage that makes it before this one")
			d.Labels = []diag.Label{{Span: m.Pos, Text: "made here"}}
		}
	}
}
