package match

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// target is what a tree is written out for.
type target uint8

const (
	// forGo is Go's regexp. Only a regular tree can be written for it.
	forGo target = iota
	// forBacktracking is regexp2, without options.
	forBacktracking
	// relaxed is for Go too, with what Go cannot say left out or widened, so
	// that it matches wherever the pattern does, and elsewhere.
	relaxed
)

// goRepeatMax is the largest count that Go's engine takes.
const goRepeatMax = 1000

// regular reports whether Go's engine can match the tree.
func (n *node) regular() bool {
	switch n.kind {
	case kindLook, kindAtomic, kindRef:
		return false
	case kindAssert:
		return n.text != "Z"
	case kindRepeat:
		if n.how == '+' || max(n.least, n.most) > goRepeatMax {
			return false
		}
	}
	for _, s := range n.subs {
		if !s.regular() {
			return false
		}
	}
	return true
}

// write writes the tree as a pattern.
func (n *node) write(to target) string {
	w := writer{to: to}
	w.node(n)
	return w.String()
}

type writer struct {
	strings.Builder
	to target
}

func (w *writer) node(n *node) {
	switch n.kind {
	case kindEmpty:
	case kindChars:
		w.chars(n.ranges)
	case kindDot:
		w.WriteString(`[^\n]`)
	case kindCat:
		for _, s := range n.subs {
			if s.kind == kindAlt {
				w.wrapped("(?:", s)
			} else {
				w.node(s)
			}
		}
	case kindAlt:
		for i, s := range n.subs {
			if i > 0 {
				w.WriteByte('|')
			}
			w.node(s)
		}
	case kindGroup:
		w.wrapped("(", n.subs[0])
	case kindRepeat:
		w.repeat(n)
	case kindLook:
		if w.to == relaxed {
			return
		}
		open := "(?"
		if n.behind {
			open += "<"
		}
		if n.negative {
			open += "!"
		} else {
			open += "="
		}
		w.wrapped(open, n.subs[0])
	case kindAtomic:
		if w.to == relaxed {
			w.wrapped("(?:", n.subs[0])
		} else {
			w.wrapped("(?>", n.subs[0])
		}
	case kindRef:
		switch {
		case w.to == relaxed:
			w.WriteString(`(?s:.*)`)
		case n.fold:
			w.WriteString(`(?i:\k<` + strconv.Itoa(n.n) + `>)`)
		default:
			w.WriteString(`\k<` + strconv.Itoa(n.n) + `>`)
		}
	case kindAssert:
		w.assert(n.text)
	}
}

func (w *writer) wrapped(open string, n *node) {
	w.WriteString(open)
	w.node(n)
	w.WriteByte(')')
}

func (w *writer) repeat(n *node) {
	least, most := n.least, n.most
	if w.to == relaxed && max(least, most) > goRepeatMax {
		least, most = min(least, goRepeatMax), -1
	}
	if n.how == '+' && w.to == forBacktracking {
		w.WriteString("(?>")
		defer w.WriteByte(')')
	}
	if s := n.subs[0]; s.kind == kindChars || s.kind == kindDot || s.kind == kindGroup {
		w.node(s)
	} else {
		w.wrapped("(?:", s)
	}
	switch {
	case least == 0 && most < 0:
		w.WriteByte('*')
	case least == 1 && most < 0:
		w.WriteByte('+')
	case least == 0 && most == 1:
		w.WriteByte('?')
	default:
		w.WriteString("{" + strconv.Itoa(least))
		if most != least {
			w.WriteByte(',')
			if most >= 0 {
				w.WriteString(strconv.Itoa(most))
			}
		}
		w.WriteByte('}')
	}
	if n.how == '?' {
		w.WriteByte('?')
	}
}

func (w *writer) chars(r ranges) {
	switch {
	case len(r) == 0 && w.to == forBacktracking:
		w.WriteString(`(?!)`)
	case len(r) == 0:
		w.WriteString(`[^\x{0}-\x{10FFFF}]`)
	case len(r) == 2 && r[0] == 0 && r[1] == utf8.MaxRune:
		w.WriteString(`(?s:.)`)
	case len(r) == 2 && r[0] == r[1]:
		w.char(r[0])
	default:
		w.WriteByte('[')
		for i := 0; i < len(r); i += 2 {
			w.char(r[i])
			if r[i] != r[i+1] {
				w.WriteByte('-')
				w.char(r[i+1])
			}
		}
		w.WriteByte(']')
	}
}

// char writes what both engines read as r, in a class and outside.
func (w *writer) char(r rune) {
	if c := r | 0x20; '0' <= r && r <= '9' || r < utf8.RuneSelf && 'a' <= c && c <= 'z' {
		w.WriteRune(r)
		return
	}
	w.WriteString(`\x{` + strconv.FormatInt(int64(r), 16) + `}`)
}

func (w *writer) assert(text string) {
	if w.to != forBacktracking {
		switch text {
		case "A", "z", "b", "B":
			w.WriteString(`\` + text)
		case "^", "$":
			w.WriteString("(?m:" + text + ")")
		case "Z": // only relaxed
		}
		return
	}
	// regexp2 knows words and line ends by Unicode and .NET; these are RE2's.
	switch text {
	case "A", "z":
		w.WriteString(`\` + text)
	case "^":
		w.WriteString(`(?<![^\n])`)
	case "$":
		w.WriteString(`(?![^\n])`)
	case "b":
		w.WriteString(`(?:(?<=[0-9A-Za-z_])(?![0-9A-Za-z_])|(?<![0-9A-Za-z_])(?=[0-9A-Za-z_]))`)
	case "B":
		w.WriteString(`(?:(?<=[0-9A-Za-z_])(?=[0-9A-Za-z_])|(?<![0-9A-Za-z_])(?![0-9A-Za-z_]))`)
	case "Z": // the end, or before the line end that is last
		w.WriteString(`(?=(?:\r\n|[\n\r\x{85}\x{2028}\x{2029}])?\z)`)
	}
}

// lookaheads are the trees that must stand somewhere at or behind a match's
// start for the tree to match at all.
func (n *node) lookaheads() (all []*node) {
	switch n.kind {
	case kindLook:
		if !n.negative {
			return []*node{n.subs[0]}
		}
	case kindCat:
		for _, s := range n.subs {
			all = append(all, s.lookaheads()...)
		}
	case kindGroup, kindAtomic:
		return n.subs[0].lookaheads()
	}
	return all
}
