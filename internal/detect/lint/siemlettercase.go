package lint

import (
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/fn"
	"github.com/gyoji-dev/gyoji/siem"
)

var _ = register(Check{
	ID: "siem-letter-case", Severity: diag.Warning,
	What: "Text with a capital letter that lower(x) is compared with, or with a small one for upper(x).",
	Why:  "lower(x) has no capital letters, so the comparison never holds and the branch is dead. The product does not report it: eight of its own rules have such a branch. Write the text in small letters.",
	Bad:  []string{`lower(baseImage) LIKE '%\PowerShell.exe'`, `lower(file_path) IN ('a', 'B')`, `toUpperCase(action) = 'Create'`},
	Good: []string{`lower(baseImage) LIKE '%\powershell.exe'`, `baseImage LIKE '%\PowerShell.exe'`, `upper(action) = 'CREATE'`},
	SIEM: func(s *SIEM, report Report) {
		check := func(of siem.Node, t *siem.Literal) {
			c, ok := of.(*siem.Call)
			if !ok {
				return
			}
			f := fn.SIEM(c.Name)
			switch {
			case f == nil:
			case f.Name == "toLowerCase" && t.Text != strings.ToLower(t.Text):
				report(t.Span, "lower() has no capital letters: this never holds", "write '"+strings.ToLower(t.Text)+"'")
			case f.Name == "toUpperCase" && t.Text != strings.ToUpper(t.Text):
				report(t.Span, "upper() has no small letters: this never holds", "write '"+strings.ToUpper(t.Text)+"'")
			}
		}
		comparisons(s.Expr.Cond, false, check)
		comparisons(s.Expr.Cond, true, check)
	},
})
