package siem

import "strings"

// LikePiece is a piece of a LIKE pattern: text, % or _, or a backslash that has two
// readings, of which either counts.
type LikePiece struct {
	Text     string
	Any, One bool // % and _
	Or       *[2][]LikePiece
}

// LikePieces takes a pattern of LIKE apart. A backslash before %, _ and a backslash has
// two readings where the product's own rules and its documentation disagree (4.5), unless
// there is an ESCAPE clause (R39).
func LikePieces(p, escape string) (out []LikePiece) {
	text := func(s string) {
		if n := len(out); n > 0 && out[n-1].Text != "" {
			out[n-1].Text += s
			return
		}
		out = append(out, LikePiece{Text: s})
	}
	either := func(a, b []LikePiece) { out = append(out, LikePiece{Or: &[2][]LikePiece{a, b}}) }
	for i := 0; i < len(p); i++ {
		rest := p[i:]
		switch {
		case escape != "" && strings.HasPrefix(rest, escape) && len(rest) > len(escape):
			i += len(escape)
			text(p[i : i+1])
		case p[i] == '%':
			out = append(out, LikePiece{Any: true})
		case p[i] == '_':
			out = append(out, LikePiece{One: true})
		case escape == "" && strings.HasPrefix(rest, `\\`):
			either([]LikePiece{{Text: `\`}}, []LikePiece{{Text: `\\`}})
			i++
		case escape == "" && strings.HasPrefix(rest, `\%`):
			either([]LikePiece{{Text: "%"}}, []LikePiece{{Text: `\`}, {Any: true}})
			i++
		case escape == "" && strings.HasPrefix(rest, `\_`):
			either([]LikePiece{{Text: "_"}}, []LikePiece{{Text: `\`}, {One: true}})
			i++
		default:
			text(p[i : i+1])
		}
	}
	return out
}
