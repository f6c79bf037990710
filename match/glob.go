// Package match finds text in text: wildcards, regular expressions, many
// literals at once, and what an event must hold to match at all.
package match

import "strings"

// Glob is a pattern in which * is any run of characters and all else stands for
// itself. It covers the whole value.
type Glob struct {
	pieces []string
	fold   bool
	equal  bool
}

// CompileGlob readies a pattern; fold ignores letter case.
func CompileGlob(pattern string, fold bool) *Glob {
	if fold {
		pattern = strings.ToLower(pattern)
	}
	return &Glob{pieces: strings.Split(pattern, "*"), fold: fold}
}

// EqualFold matches one text, letter case aside, without wildcards.
func EqualFold(text string) *Glob {
	return &Glob{pieces: []string{strings.ToLower(text)}, fold: true}
}

// Literals are the pieces between the wildcards.
func (g *Glob) Literals() []string { return g.pieces }

// Match reports whether the pattern covers s.
func (g *Glob) Match(s string) bool {
	if g.fold {
		s = strings.ToLower(s)
	}
	first, last := g.pieces[0], g.pieces[len(g.pieces)-1]
	if len(g.pieces) == 1 {
		return s == first
	}
	if len(s) < len(first)+len(last) || !strings.HasPrefix(s, first) || !strings.HasSuffix(s, last) {
		return false
	}
	s = s[len(first) : len(s)-len(last)]
	for _, p := range g.pieces[1 : len(g.pieces)-1] {
		i := strings.Index(s, p)
		if i < 0 {
			return false
		}
		s = s[i+len(p):]
	}
	return true
}
