package lint

import (
	"fmt"

	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "wildcard-in-equals", Severity: diag.Warning,
	What: "A text with a star after `=`, `!=`, `in` or `contains`, where a star is only a star.",
	Why:  "Only `matches` and the search expression know wildcards. `where Image = \"*cmd.exe\"` looks for a value that starts with an asterisk, and finds none.",
	Bad:  []string{"_sourceCategory=a\n| where Image = \"*cmd.exe\"", "_sourceCategory=a\n| where host in (\"web*\", \"db1\")"},
	Good: []string{"_sourceCategory=a\n| where Image matches \"*\\\\cmd.exe\"", "_sourceCategory=a\n| where field = \"*\""},
	Query: func(q *Query, report Report) {
		for _, p := range q.Pipes {
			for _, s := range p.Stages {
				s.each(func(x syntax.Expr) { q.wildcardInEquals(x, report) })
			}
		}
	},
})

// starred reports whether a text has a star that was meant as a wildcard: at an
// end, and not alone.
func starred(x syntax.Expr) (*syntax.String, bool) {
	s, ok := unparen(x).(*syntax.String)
	if !ok {
		return nil, false
	}
	inner := strings.Trim(s.Value, "*")
	return s, inner != "" && len(inner) < len(s.Value) && !strings.Contains(s.Value, "**")
}

func (q *Query) wildcardInEquals(x syntax.Expr, report Report) {
	switch x := x.(type) {
	case *syntax.Binary:
		if x.Op != "=" && x.Op != "!=" && x.Op != "contains" || known.of(nil, x.X).literal {
			return
		}
		s, ok := starred(x.Y)
		if !ok {
			return
		}
		word, text := "matches", quoted(s.Value)
		d := report(s.Pos, "a star is only a star here", "")
		switch x.Op {
		case "=":
			d.Help = fmt.Sprintf("write %s matches %s", q.short(x.X), text)
			d.Fix = edit("write "+word, x.OpPos, word)
		case "!=":
			d.Help = fmt.Sprintf("write !(%s matches %s)", q.short(x.X), text)
			d.Fix = &diag.Fix{Title: "write !(... matches ...)", Edits: []diag.Edit{
				{Span: diag.Span{Start: x.Pos.Start, End: x.Pos.Start}, New: "!("}, {Span: x.OpPos, New: word},
				{Span: diag.Span{Start: x.Pos.End, End: x.Pos.End}, New: ")"},
			}}
		case "contains":
			bare := quoted(strings.Trim(s.Value, "*"))
			d.Help = "leave the star out: contains looks anywhere"
			if !strings.Contains(strings.Trim(s.Value, "*"), "*") {
				d.Fix = edit("write "+bare, s.Pos, bare)
			}
		}
	case *syntax.In:
		for _, y := range x.List {
			if s, ok := starred(y); ok {
				report(s.Pos, "a star is only a star here", fmt.Sprintf("write %s matches %s, joined to the rest by or", q.short(x.X), quoted(s.Value)))
			}
		}
	}
}
