package match

import (
	"slices"
	"strings"
)

// Glob is a pattern in which * is any run of characters, line ends included,
// and all else stands for itself, ? and \ too. It covers the whole value.
type Glob struct {
	shape  shape
	fold   bool
	first  string   // what the value starts with
	last   string   // what it ends with
	middle []folded // what stands between, in order and apart
	find   cased    // the same of contains, when fold is not set
}

// shape is what has to be looked at to match.
type shape uint8

const (
	equal    shape = iota // first alone
	anything              // *
	prefix                // first*
	suffix                // *last
	contains              // *middle*
	general
)

// CompileGlob readies a pattern; fold ignores letter case by Unicode's simple
// folding. Any text is a pattern.
func CompileGlob(pattern string, fold bool) *Glob {
	return NewGlob(strings.Split(pattern, "*"), fold)
}

// NewGlob readies a pattern given as the pieces between its wildcards, which may
// hold asterisks of their own; one piece is a pattern without wildcards.
func NewGlob(pieces []string, fold bool) *Glob {
	spelled := func(piece string) string {
		if fold {
			return simple.of(piece)
		}
		return piece
	}
	g := &Glob{fold: fold, first: spelled(pieces[0])}
	last := len(pieces) - 1
	if last == 0 {
		return g
	}
	for _, piece := range pieces[1:last] {
		if piece != "" {
			g.middle = append(g.middle, newFolded(spelled(piece)))
		}
	}
	g.last = spelled(pieces[last])
	switch {
	case len(g.middle) == 0 && g.first == "" && g.last == "":
		g.shape = anything
	case len(g.middle) == 0 && g.last == "":
		g.shape = prefix
	case len(g.middle) == 0 && g.first == "":
		g.shape = suffix
	case len(g.middle) == 1 && g.first == "" && g.last == "":
		g.shape = contains
	default:
		g.shape = general
	}
	if g.shape == contains && !fold {
		g.find = newCased(g.middle[0].text)
	}
	return g
}

// EqualFold matches one text, letter case aside, without wildcards.
func EqualFold(text string) *Glob {
	return &Glob{first: simple.of(text), fold: true}
}

// Ends returns the text that the pattern's matches start and end with, and
// whether nothing but a run of characters stands between: first*last.
func (g *Glob) Ends() (first, last string, simple bool) {
	return g.first, g.last, g.shape != equal && len(g.middle) == 0
}

// Exact returns the only text that the pattern matches, folded if it ignores
// letter case; ok is false for a pattern with a wildcard.
func (g *Glob) Exact() (text string, ok bool) { return g.first, g.shape == equal }

// Folds reports whether the pattern ignores letter case.
func (g *Glob) Folds() bool { return g.fold }

// Pieces are the texts between the wildcards, as NewGlob takes them.
func (g *Glob) Pieces() []string {
	if g.shape == equal {
		return []string{g.first}
	}
	return append(g.middles(append(make([]string, 0, len(g.middle)+2), g.first)), g.last)
}

// middles appends the texts of middle.
func (g *Glob) middles(dst []string) []string {
	for i := range g.middle {
		dst = append(dst, g.middle[i].text)
	}
	return dst
}

// Literals are the pieces between the wildcards, none empty: all stand in any
// value that matches. They are folded if the glob ignores letter case.
func (g *Glob) Literals() []string {
	all := make([]string, 0, len(g.middle)+2)
	all = append(g.middles(append(all, g.first)), g.last)
	return slices.DeleteFunc(all, func(s string) bool { return s == "" })
}

// Rarest is of Literals the one that is met least, by guess; "" where there are none.
func (g *Glob) Rarest() (best string) {
	least, n := 0.0, 0
	look := func(l string) {
		if l == "" {
			return
		}
		if n++; n == 1 {
			best = l // a guess is not needed unless there is another
			return
		}
		if n == 2 {
			least = Rate(best)
		}
		if r := Rate(l); r < least {
			best, least = l, r
		}
	}
	look(g.first)
	for i := range g.middle {
		look(g.middle[i].text)
	}
	look(g.last)
	return best
}

// Match reports whether the pattern covers s. It takes time linear in s.
func (g *Glob) Match(s string) bool {
	if g.fold {
		if ascii(s) {
			return g.matchASCII(s)
		}
		s = simple.of(s)
	}
	return g.MatchFolded(s)
}

// MatchFolded is Match of a text that AppendFolded has made, if the pattern
// ignores letter case.
func (g *Glob) MatchFolded(s string) bool {
	switch g.shape {
	case equal:
		return s == g.first
	case anything:
		return true
	case prefix:
		return strings.HasPrefix(s, g.first)
	case suffix:
		return strings.HasSuffix(s, g.last)
	case contains:
		if g.fold {
			return strings.Contains(s, g.middle[0].text)
		}
		return g.find.in(s)
	}
	if len(s) < len(g.first)+len(g.last) || !strings.HasPrefix(s, g.first) || !strings.HasSuffix(s, g.last) {
		return false
	}
	// The first place for each piece leaves the most room for those after it,
	// so a place once taken never has to be given up.
	s = s[len(g.first) : len(s)-len(g.last)]
	for i := range g.middle {
		m := g.middle[i].text
		i := strings.Index(s, m)
		if i < 0 {
			return false
		}
		s = s[i+len(m):]
	}
	return true
}

// matchASCII is Match of a text in ASCII, letter case aside.
func (g *Glob) matchASCII(s string) bool {
	if g.shape == equal {
		return len(s) == len(g.first) && equalFolded(s, g.first)
	}
	if len(s) < len(g.first)+len(g.last) {
		return false
	}
	end := len(s) - len(g.last)
	if !equalFolded(s[:len(g.first)], g.first) || !equalFolded(s[end:], g.last) {
		return false
	}
	s = s[len(g.first):end]
	at := 0
	for i := range g.middle {
		n := g.middle[i].index(s, at)
		if n < 0 {
			return false
		}
		at = n + len(g.middle[i].text)
	}
	return true
}
