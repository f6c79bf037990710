package lint

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
)

var _ = register(Check{
	ID: "unknown-field", Severity: diag.Warning,
	What: "A field that does not exist where it is read, or that is one letter away from one that does.",
	Why: "A field that is not there is null, and a comparison with null is not true: rows go without a word. After an aggregate " +
		"only its groups and results exist. Before one, any field may come from the data, so only names that are nearly those of fields that the query makes are told.",
	Bad: []string{"_sourceCategory=a | count by user | where usr = \"x\"", "_sourceCategory=a | parse \"user=*\" as user_name | where user_nmae = \"x\""},
	Good: []string{"_sourceCategory=a | count by user | where user = \"x\"", "_sourceCategory=a | parse \"user=*\" as src_ip1, src_ip2 | where src_ip = \"x\"",
		"_sourceCategory=a | count by user | fields - usr", "_sourceCategory=a | count by ip | lookup level from path://\"/threats\" on threat=ip"},
	Query: misspeltFields,
})

// misspeltMin is the shortest name that is taken for a misspelt one: short names
// are near each other by chance.
const misspeltMin = 6

func misspeltFields(q *Query, report Report) {
	for _, p := range q.Pipes {
		made, lacking, told := map[string]string{}, map[string]string{}, map[string]bool{}
		all := map[string]bool{}
		for _, s := range p.Stages {
			for _, u := range s.Makes {
				all[strings.ToLower(u.Name)] = true
			}
		}
		for _, s := range p.Stages {
			for _, u := range s.Reads {
				k := strings.ToLower(u.Name)
				if u.At == nil || !u.Messages || all[k] || told[k] || len(k) < misspeltMin || strings.HasPrefix(k, "_") {
					continue
				}
				if name := slipOf(k, made, lacking); name != "" {
					told[k] = true
					d := report(u.At.Pos, fmt.Sprintf("%s is not made by this query, and %s is", u.Name, name), "did you mean "+name+"?")
					d.Fix = edit("write "+name, u.At.Pos, name)
				}
			}
			for _, u := range s.Makes {
				k := strings.ToLower(u.Name)
				if u.At == nil || len(k) < misspeltMin || made[k] != "" {
					continue
				}
				made[k] = u.Name
				for i := 1; i < len(k); i++ {
					if short := k[:i] + k[i+1:]; lacking[short] == "" && dropped(k, short) {
						lacking[short] = u.Name
					}
				}
			}
		}
	}
}

// slipOf is the name in made that k is with two neighbours swapped, or a letter
// missing or doubled; lacking has the names of made by what is left of them
// without a letter. It is "" when there is none. A letter that differs makes a
// different name as often as not: src_ip and dst_ip, user1 and user2.
func slipOf(k string, made, lacking map[string]string) string {
	for i := 0; i+1 < len(k); i++ {
		if name := made[k[:i]+k[i+1:i+2]+k[i:i+1]+k[i+2:]]; name != "" {
			return name
		}
		if i == 0 {
			continue
		}
		if short := k[:i] + k[i+1:]; made[short] != "" && dropped(k, short) {
			return made[short]
		}
	}
	return lacking[k]
}

// dropped reports whether a letter inside long is all that short lacks. An s at
// the end, a digit and _ make other names.
func dropped(long, short string) bool {
	i := 0
	for i < len(short) && long[i] == short[i] {
		i++
	}
	return i < len(short) && i > 0 && 'a' <= long[i] && long[i] <= 'z' && long[i+1:] == short[i:]
}
