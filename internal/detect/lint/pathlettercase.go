package lint

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "path-letter-case", Severity: diag.Warning,
	What: "A Windows path or command line compared with letter case.",
	Why: "Windows ignores the case of paths and of most commands, and `=`, `in`, `contains` and `matches` do not: `C:\\Windows\\System32\\CMD.EXE` is not found. " +
		"Compare `toLowerCase(field)` with small letters, or start a regular expression with `(?i)`. The fix widens what matches, so it is made only when asked for.",
	Bad: []string{
		"_sourceCategory=a\n| where Image matches \"*\\\\cmd.exe\"",
		"_sourceCategory=a\n| where process = \"C:\\\\Windows\\\\explorer.exe\"",
		"_sourceCategory=a\n| where CommandLine matches /encodedcommand/",
	},
	Good: []string{
		"_sourceCategory=a\n| where toLowerCase(Image) matches \"*\\\\cmd.exe\"",
		"_sourceCategory=a\n| toLowerCase(Image) as image\n| where image matches \"*\\\\cmd.exe\"",
		"_sourceCategory=a\n| where CommandLine matches /(?i)encodedcommand/",
		"_sourceCategory=a\n| replace(toLowerCase(Image), /^.*[\\\\\\/]/, \"\") as name\n| where name = \"cmd.exe\"",
		"_sourceCategory=a\n| toLowerCase(Image) as image\n| parse regex field=image \"(?<name>[^\\\\]+)$\"\n| where name = \"cmd.exe\"",
	},
	Query: func(q *Query, report Report) {
		for _, p := range q.Pipes {
			k := known{}
			for _, s := range p.Stages {
				s.each(func(x syntax.Expr) { q.pathLetterCase(k, x, report) })
				k = k.after(s)
			}
		}
	},
})

func (q *Query) pathLetterCase(k known, x syntax.Expr, report Report) {
	var of syntax.Expr
	var list []syntax.Expr
	switch x := x.(type) {
	case *syntax.Binary:
		if x.Op != "=" && x.Op != "!=" && x.Op != "contains" {
			return
		}
		of, list = x.X, []syntax.Expr{x.Y}
	case *syntax.Matches:
		of, list = x.X, []syntax.Expr{x.Pattern}
	case *syntax.In:
		of, list = x.X, x.List
	default:
		return
	}
	f := fieldOf(of)
	if f == nil {
		return
	}
	if v := k.of(f); v.lower || v.upper || v.texts != nil {
		return
	}
	var edits []diag.Edit
	var first syntax.Expr
	for _, y := range list {
		switch y := unparen(y).(type) {
		case *syntax.String:
			if !hasLetter(y.Value) || !isPathField(f.Name) && !windowsPath().MatchString(y.Value) {
				continue
			}
			if low := strings.ToLower(y.Value); low != y.Value {
				edits = append(edits, diag.Edit{Span: y.Pos, New: quoted(low)})
			}
		case *syntax.Regex:
			if !hasLetter(y.Pattern) || strings.Contains(y.Pattern, "(?i") || !isPathField(f.Name) && !windowsFile().MatchString(y.Pattern) {
				continue
			}
			at := diag.Span{Start: y.Pos.Start + 1, End: y.Pos.Start + 1}
			d := report(y.Pos, fmt.Sprintf("letter case counts here, and in %s Windows ignores it", f.Name), "start the pattern with (?i)")
			d.Fix = edit("start the pattern with (?i)", at, "(?i)")
			return
		default:
			continue
		}
		if first == nil {
			first = y
		}
	}
	if first == nil {
		return
	}
	d := report(x.Span(), fmt.Sprintf("letter case counts here, and in %s Windows ignores it", f.Name),
		fmt.Sprintf("compare toLowerCase(%s) with small letters", q.text(f)))
	d.Fix = &diag.Fix{Title: "compare in lower case", Edits: append([]diag.Edit{{Span: of.Span(), New: "toLowerCase(" + q.text(f) + ")"}}, edits...)}
}
