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
	told := map[string]bool{}
	for i, s := range p.Stages {
		for _, u := range s.Reads {
			k := strings.ToLower(u.Name)
			if u.At == nil || !u.Messages || told[k] || strings.HasPrefix(k, "_") || s.makes(k) {
				continue
			}
			told[k] = true // made before, or told, or never made: once is enough
			if madeIn(p.Stages[:i], k) {
				continue
			}
			if m := maker(p.Stages[i+1:], k); m != nil {
				d := report(u.At.Pos, fmt.Sprintf("%s is read here and made only later", u.Name), "move the stage that makes it before this one")
				d.Labels = []diag.Label{{Span: m.Pos, Text: "made here"}}
			}
		}
	}
}

func madeIn(stages []*Stage, name string) bool {
	for _, s := range stages {
		if s.makes(name) {
			return true
		}
	}
	return false
}

// maker is the stage that makes a field out of others, while rows are messages:
// nil when the first that makes it changes it in place, or may make any name.
func maker(stages []*Stage, name string) *Stage {
	for _, s := range stages {
		if s.Kind == syntax.Grouping || !s.Messages {
			return nil
		}
		if s.makes(name) {
			if s.Kind != syntax.Assigning || s.reads(name) {
				return nil
			}
			return s
		}
	}
	return nil
}
