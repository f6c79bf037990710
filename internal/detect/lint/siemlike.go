package lint

import (
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/siem"
)

var _ = register(Check{
	ID: "siem-star-in-like", Severity: diag.Warning,
	What: "A star in the pattern of LIKE.",
	Why:  "LIKE has the wildcards % and _; a star is a star. `x matches 'a*b'` has stars, and LIKE wants `'a%b'`. Two of the product's own rules have branches that are dead for it.",
	Bad:  []string{`commandLine LIKE '*mimikatz*'`},
	Good: []string{`commandLine LIKE '%mimikatz%'`, `commandLine matches '*mimikatz*'`},
	SIEM: func(s *SIEM, report Report) {
		comparisons(s.Expr.Cond, true, func(_ siem.Node, t *siem.Literal) {
			if strings.Contains(t.Text, "*") {
				report(t.Span, "a star is no wildcard of LIKE: it stands for itself", "write '"+strings.ReplaceAll(t.Text, "*", "%")+"'")
			}
		})
	},
})

var _ = register(Check{
	ID: "siem-like-without-wildcard", Severity: diag.Warning,
	What: "A pattern of LIKE without a wildcard.",
	Why:  "LIKE compares the whole text, so without % it is `=`. Write = if that is meant, or put % at the ends.",
	Bad:  []string{`commandLine LIKE 'mimikatz'`},
	Good: []string{`commandLine LIKE '%mimikatz%'`, `user_username LIKE 'adm_n'`},
	SIEM: func(s *SIEM, report Report) {
		comparisons(s.Expr.Cond, true, func(_ siem.Node, t *siem.Literal) {
			if !strings.ContainsAny(t.Text, "%_*") {
				report(t.Span, "without a wildcard LIKE is an equals", "write = '"+t.Text+"', or LIKE '%"+t.Text+"%'")
			}
		})
	},
})

var _ = register(Check{
	ID: "siem-underscore-in-like", Severity: diag.Note,
	What: "An underscore between letters in the pattern of LIKE.",
	Why:  "It is any one character, so `a_b` is `a-b` too. That is mostly harmless; an ESCAPE clause says that the underscore itself is meant.",
	Bad:  []string{`commandLine LIKE '%bypass_uac%'`},
	Good: []string{`commandLine LIKE '%bypass!_uac%' ESCAPE '!'`},
	SIEM: func(s *SIEM, report Report) {
		siem.Walk(s.Expr.Cond, func(n siem.Node) bool {
			like, ok := n.(*siem.Like)
			if !ok || like.Escape != "" {
				return true
			}
			if t, ok := like.Pattern.(*siem.Literal); ok && t.Kind == siem.Text && underscoreInWord(t.Text) {
				report(t.Span, "_ is any one character", "if the underscore itself is meant: LIKE '"+strings.ReplaceAll(t.Text, "_", "!_")+"' ESCAPE '!'")
			}
			return true
		})
	},
})

func underscoreInWord(s string) bool {
	word := func(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' }
	for i := 1; i < len(s)-1; i++ {
		if s[i] == '_' && word(s[i-1]) && word(s[i+1]) {
			return true
		}
	}
	return false
}

var _ = register(Check{
	ID: "siem-backslash-in-like", Severity: diag.Note,
	What: "A backslash before %, _ or another backslash in the pattern of LIKE.",
	Why:  "The documentation reads it as an escape, and the product's own rules use it as a separator of paths: gyoji tries both. An ESCAPE clause, or a regular expression, says which is meant.",
	Bad:  []string{`lower(baseImage) LIKE '%\temp\%'`, `file_path LIKE '\\server\share%'`},
	Good: []string{`lower(baseImage) LIKE '%\temp\%' ESCAPE '!'`, `lower(baseImage) LIKE '%\cmd.exe'`, `lower(baseImage) matches /\\temp\\/`},
	SIEM: func(s *SIEM, report Report) {
		siem.Walk(s.Expr.Cond, func(n siem.Node) bool {
			like, ok := n.(*siem.Like)
			if !ok || like.Escape != "" {
				return true
			}
			t, ok := like.Pattern.(*siem.Literal)
			if !ok || t.Kind != siem.Text {
				return true
			}
			for _, two := range []string{`\%`, `\_`, `\\`} {
				if strings.Contains(t.Text, two) {
					report(t.Span, two+" has two readings, and both are tried", "to have the backslash itself: LIKE '"+t.Text+"' ESCAPE '!'")
					break
				}
			}
			return true
		})
	},
})
