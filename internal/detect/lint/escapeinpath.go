package lint

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "escape-in-path", Severity: diag.Warning,
	What: "A single backslash before n, r or t in what looks like a Windows path.",
	Why:  "`\\n`, `\\r` and `\\t` stand for a line end and a tab, so `\"C:\\temp\\new.exe\"` is no path any more. Other single backslashes are kept, which hides the mistake. Write `\\\\`.",
	Bad:  []string{"_sourceCategory=a\n| where Image matches \"*\\temp\\run.exe\""},
	Good: []string{"_sourceCategory=a\n| where Image matches \"*\\\\temp\\\\run.exe\"", "_sourceCategory=a\n| replace(x, \"a\\tb\", \"\") as y"},
	Query: func(q *Query, report Report) {
		for _, p := range q.Pipes {
			for _, s := range p.Stages {
				s.each(func(x syntax.Expr) {
					s, ok := x.(*syntax.String)
					if !ok || s.Single {
						return
					}
					text := q.File.Slice(s.Pos)
					at := singleEscape().FindStringIndex(text)
					if at == nil || !pathLike(text) {
						return
					}
					form := lone().ReplaceAllString(text, `$1\\$2`)
					d := report(s.Pos, fmt.Sprintf("%s is a line end or tab here", text[at[1]-2:at[1]]), "write "+form)
					d.Fix = edit("write "+form, s.Pos, form)
				})
			}
		}
	},
})

var (
	// singleEscape is a lone backslash before n, r or t and more letters: \temp.
	singleEscape = match.Lazy(`(?:^|[^\\])\\[nrt]`)
	lone         = match.Lazy(`(^|[^\\])\\([A-Za-z0-9_.])`)
)

// pathLike reports whether a text is a path of Windows: a drive, or folders and a
// file that has an extension.
func pathLike(text string) bool {
	inner := strings.Trim(text, `"`)
	return driveStart().MatchString(inner) || windowsFile().MatchString(inner) && strings.Count(inner, `\`) > 0 && !strings.ContainsAny(inner, "()[]")
}

var driveStart = match.Lazy(`(?i)^\*?[a-z]:\\`)
