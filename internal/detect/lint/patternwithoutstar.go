package lint

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "pattern-without-star", Severity: diag.Warning,
	What: "A pattern without a star after `matches`, for a field that holds a path or a command line.",
	Why:  "A pattern covers the whole value, so without a star `matches` is `=`: `Image matches \"cmd.exe\"` finds no `C:\\Windows\\System32\\cmd.exe`. Write `\"*\\\\cmd.exe\"`, or stars at both ends.",
	Bad:  []string{"_sourceCategory=a\n| where toLowerCase(Image) matches \"cmd.exe\"", "_sourceCategory=a\n| where toLowerCase(CommandLine) matches \"mimikatz\""},
	Good: []string{"_sourceCategory=a\n| where toLowerCase(Image) matches \"*\\\\cmd.exe\"", "_sourceCategory=a\n| where status matches \"200\"", "_sourceCategory=a\n| where toLowerCase(Image) matches \"c:\\\\windows\\\\explorer.exe\""},
	Query: func(q *Query, report Report) {
		for _, p := range q.Pipes {
			for _, s := range p.Stages {
				s.each(func(x syntax.Expr) { q.patternWithoutStar(x, report) })
			}
		}
	},
})

func (q *Query) patternWithoutStar(x syntax.Expr, report Report) {
	m, ok := x.(*syntax.Matches)
	if !ok {
		return
	}
	of := unparen(m.X)
	if c, ok := of.(*syntax.Call); ok && len(c.Args) == 1 {
		of = unparen(c.Args[0]) // toLowerCase
	}
	f, _ := of.(*syntax.Field)
	s, ok := unparen(m.Pattern).(*syntax.String)
	if f == nil || !ok || s.Value == "" || !isPathField(f.Name) || strings.EqualFold(f.Name, "OriginalFileName") ||
		strings.ContainsAny(s.Value, `*\/`) || regexSigns().MatchString(s.Raw) {
		return
	}
	glob := "*" + s.Value + "*"
	if executable().MatchString("*" + s.Value) {
		glob = `*\` + s.Value
	}
	form := quoted(glob)
	d := report(s.Pos, fmt.Sprintf("without a star this is the whole of %s, which is longer", f.Name), "write "+form)
	d.Fix = edit("write "+form, s.Pos, form)
}
