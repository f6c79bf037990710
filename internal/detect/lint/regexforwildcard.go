package lint

import (
	"fmt"
	"regexp/syntax"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	lang "github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "regex-for-wildcard", Severity: diag.Note,
	What: "A regular expression that a wildcard pattern says as well.",
	Why:  "`matches \"*text*\"` is searched for as it stands and is easier to read. Without `^` and `$` a regular expression matches anywhere, and so needs a star at both ends.",
	Bad: []string{
		"_sourceCategory=a\n| where url matches /admin/",
		"_sourceCategory=a\n| where url matches /^https:\\/\\/.*\\.zip$/",
	},
	Good: []string{
		"_sourceCategory=a\n| where url matches \"*admin*\"",
		"_sourceCategory=a\n| where url matches /(?i)admin/",
		"_sourceCategory=a\n| where url matches /admin|root/",
	},
	Query: func(q *Query, report Report) {
		for _, p := range q.Pipes {
			for _, s := range p.Stages {
				s.each(func(x lang.Expr) {
					m, ok := x.(*lang.Matches)
					if !ok {
						return
					}
					re, ok := unparen(m.Pattern).(*lang.Regex)
					if !ok {
						return
					}
					if glob, exact, ok := globOf(re.Pattern); ok {
						form := quoted(glob)
						d := report(re.Pos, "a wildcard says the same", "write "+form)
						d.Fix = &diag.Fix{Title: fmt.Sprintf("write %s", form), Safe: exact, Edits: []diag.Edit{{Span: re.Pos, New: form}}}
					}
				})
			}
		}
	},
})

// globOf turns a regular expression into the wildcard pattern that matches the
// same, if there is one. exact is false where a . of the expression would stop at
// the end of a line and the star does not.
func globOf(pattern string) (glob string, exact, ok bool) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return "", false, false
	}
	parts := []*syntax.Regexp{re}
	if re.Op == syntax.OpConcat {
		parts = re.Sub
	}
	var b strings.Builder
	exact = true
	open, shut := true, true
	literals := 0
	for i, p := range parts {
		switch {
		case p.Op == syntax.OpBeginText && i == 0:
			open = false
		case p.Op == syntax.OpEndText && i == len(parts)-1:
			shut = false
		case p.Op == syntax.OpLiteral && p.Flags&syntax.FoldCase == 0:
			text := string(p.Rune)
			if strings.Contains(text, "*") {
				return "", false, false
			}
			b.WriteString(text)
			literals += len(text)
		case p.Op == syntax.OpStar && (p.Sub[0].Op == syntax.OpAnyCharNotNL || p.Sub[0].Op == syntax.OpAnyChar):
			b.WriteByte('*')
			inside := i > 0 && i < len(parts)-1 || !open
			exact = exact && (p.Sub[0].Op == syntax.OpAnyChar || !inside)
		default:
			return "", false, false
		}
	}
	if literals == 0 {
		return "", false, false
	}
	glob = b.String()
	if open {
		glob = "*" + glob
	}
	if shut {
		glob += "*"
	}
	for strings.Contains(glob, "**") {
		glob = strings.ReplaceAll(glob, "**", "*")
	}
	return glob, exact, true
}
