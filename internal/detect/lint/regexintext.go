package lint

import (
	"regexp"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "regex-in-quotes", Severity: diag.Warning,
	What: "A pattern in quotes after matches that looks like a regular expression.",
	Why:  "In quotes only `*` is special: `matches \".*(cmd|pwsh)\\.exe\"` looks for a dot, parentheses and a bar. A regular expression stands between slashes.",
	Bad: []string{
		"_sourceCategory=a\n| where Image matches \".*(cmd|pwsh)\\.exe\"",
		"_sourceCategory=a\n| where toLowerCase(Image) matches \"*(cmd.exe|pwsh.exe)*\"",
		"_sourceCategory=a\n| where toLowerCase(Image) matches \"*\\\\(cmd|pwsh).exe\"",
		"_sourceCategory=a\n| where url matches \"//[a-z]+/\"",
	},
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
					if !ok || !regexSigns().MatchString(s.Raw) {
						return
					}
					d := report(s.Pos, "in quotes only * is special, and this looks like a regular expression", "a regular expression stands between slashes, and .* is any text there")
					if form := regexMeant(s); form != "" {
						d.Help = "write " + form
						d.Fix = edit("write "+form, s.Pos, form)
					}
				})
			}
		}
	},
})

// regexSigns are what nobody writes in a wildcard pattern.
var regexSigns = match.Lazy(`\.\*.*\(|\(.*\|.*\)|\(\?[:i<]|\[[a-z0-9]-[a-z0-9]|\\d[+*{]|\\w[+*]|\\s[+*]|^\^.|[^\\]\.\+|^\.\*`)

// regexOnly are signs that a pattern was written as a regular expression from end
// to end, and not as a wildcard pattern with alternatives.
var regexOnly = match.Lazy(`\.\*|\.\+|\(\?|\[|\\[dwsbSDW.]|\^|\$|\)[+?]`)

// regexMeant is the regular expression, with its slashes, that a text in quotes
// was meant as; "" when that is not clear. Of a wildcard pattern with
// alternatives, *(cmd.exe|pwsh.exe)*, a star is any text and a dot is a dot.
func regexMeant(s *syntax.String) string {
	pattern := s.Raw
	if !regexOnly().MatchString(s.Raw) {
		var b strings.Builder
		text, open, shut := s.Value, false, false
		for text != "" && text[0] == '*' {
			text, open = text[1:], true
		}
		for text != "" && text[len(text)-1] == '*' {
			text, shut = text[:len(text)-1], true
		}
		if !open {
			b.WriteByte('^')
		}
		for _, r := range text {
			switch r {
			case '*':
				b.WriteString(".*")
			case '(', ')', '|':
				b.WriteRune(r)
			default:
				b.WriteString(regexp.QuoteMeta(string(r)))
			}
		}
		if !shut {
			b.WriteByte('$')
		}
		pattern = b.String()
	}
	if _, err := regexp.Compile(pattern); err != nil {
		return ""
	}
	form := strings.ReplaceAll(pattern, "/", `\/`)
	if strings.HasPrefix(form, "*") {
		return ""
	}
	return "/" + form + "/"
}
