package op

import (
	"errors"
	"strings"
)

// anchor is the pattern of parse: literal text with * holes (spec C.2, parse).
type anchor struct {
	lits  []string // holes+1 pieces: before, between and after the holes
	names int
}

// compileAnchor readies a pattern. Two holes side by side are an error: there
// would be no telling where one ends.
func compileAnchor(pattern string) (*anchor, error) {
	if strings.Contains(pattern, "**") {
		return nil, errors.New("two * side by side: there is no telling where the first ends")
	}
	a := &anchor{lits: strings.Split(pattern, "*")}
	a.names = len(a.lits) - 1
	return a, nil
}

// match finds the first place where the whole pattern fits and appends what
// the holes hold to out. Each hole is the shortest text up to the next literal,
// possibly empty, over line ends (OP-48). A leading hole starts at the start of
// the text, a trailing one runs to its end.
func (a *anchor) match(s string, out []string) ([]string, bool) {
	first, last := a.lits[0], a.lits[len(a.lits)-1]
	if a.names == 0 {
		return out, strings.Contains(s, first)
	}
	at := 0
	if first != "" {
		i := strings.Index(s, first)
		if i < 0 {
			return out, false
		}
		at = i + len(first)
	}
	// Taking the earliest place for every literal can only leave more room for
	// those after it, so nothing has to be tried again.
	for i := 1; i <= a.names; i++ {
		lit := a.lits[i]
		if i == a.names && last == "" {
			return append(out, s[at:]), true
		}
		j := strings.Index(s[at:], lit)
		if j < 0 {
			return out, false
		}
		out = append(out, s[at:at+j])
		at += j + len(lit)
	}
	return out, true
}
