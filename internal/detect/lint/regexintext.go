package lint

import (
	"regexp"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "regex-in-quotes", Severity: diag.Warning,
	What: "A pattern in quotes behind matches that looks like a regular expression.",
	Why:  "In quotes only `*` is special: `matches \".*(cmd|pwsh)\\.exe\"` looks for a dot, parentheses and a bar. A regular expression stands between slashes.",
	Bad:  []string{"_sourceCategory=a\n| where Image matches \".*(cmd|pwsh)\\.exe\""},
	Good: []string{"_sourceCategory=a\n| where Image matches /(?i)(cmd|pwsh)\\.exe$/", "_sourceCategory=a\n| where x matches \"*(a)*\""},
	Query: func(q *Query, report Report) {
		for _, p := range q.Pipes {
			for _, s := range p.Stages {
				s.each(func(x syntax.Expr) {
					m, ok := x.(*syntax.Matches)
					if !ok {
						return
					}
					s, ok := unparen(m.Pattern).(*syntax.String)
					if !ok || !regexSigns.MatchString(s.Raw) {
						return
					}
					form := "/" + strings.ReplaceAll(s.Raw, "/", `\/`) + "/"
					d := report(s.Pos, "in quotes only * is special, and this looks like a regular expression", "write "+form)
					d.Fix = edit("write "+form, s.Pos, form)
				})
			}
		}
	},
})

// regexSigns are what nobody writes in a wildcard pattern.
var regexSigns = regexp.MustCompile(`\.\*.*\(|\(.*\|.*\)|\(\?[:i<]|\[[a-z0-9]-[a-z0-9]|\\d[+*{]|\\w[+*]|\\s[+*]|^\^.|[^\\]\.\+|^\.\*`)
