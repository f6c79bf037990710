package lint

import (
	"fmt"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "unanchored-executable", Severity: diag.Warning,
	What: "A pattern such as `*cmd.exe`, which matches notcmd.exe as well.",
	Why: "The star stands for any text, so the name is only the end of some name: `*csc.exe` matches `mcsc.exe`, `*opera.exe` matches `notopera.exe`. " +
		"With the backslash, `*\\\\cmd.exe`, it is the whole name. Where the field may hold a bare name add `or field = \"cmd.exe\"`. " +
		"The fix narrows what matches, so it is made only when asked for.",
	Bad:  []string{"_sourceCategory=a\n| where image matches \"*cmd.exe\"", "_sourceCategory=a\n| where image matches \"*more.com\""},
	Good: []string{"_sourceCategory=a\n| where image matches \"*\\\\cmd.exe\"", "_sourceCategory=a\n| where command matches \"*cmd.exe*\"", "_sourceCategory=a\n| where QueryName matches \"*opendns.com\""},
	Query: func(q *Query, report Report) {
		for _, p := range q.Pipes {
			for _, s := range p.Stages {
				s.each(func(x syntax.Expr) {
					m, ok := x.(*syntax.Matches)
					if !ok {
						return
					}
					s, ok := unparen(m.Pattern).(*syntax.String)
					if !ok {
						return
					}
					name := executable().FindStringSubmatch(s.Value)
					if name == nil {
						return
					}
					form := quoted(`*\` + name[1])
					d := report(s.Pos, fmt.Sprintf("%s matches not%s as well", quoted(s.Value), name[1]), "write "+form)
					d.Fix = edit("write "+form, s.Pos, form)
				})
			}
		}
	},
})
