package match

import (
	"strings"
)

// folded is a literal looked for in ASCII text, letter case aside, without
// copying the text.
type folded struct {
	text string // folded
	rare int    // place of the byte by which it is found
	a, b byte   // that byte in lower and upper case
}

func newFolded(text string) folded {
	f := folded{text: text}
	least := 0.0
	for i := range len(text) {
		if c := commonness(text[i]); i == 0 || c < least {
			f.rare, least = i, c
		}
	}
	if text != "" {
		f.a, f.b = text[f.rare], upper(text[f.rare])
	}
	return f
}

func upper(c byte) byte {
	if 'a' <= c && c <= 'z' {
		return c - ('a' - 'A')
	}
	return c
}

// equalFolded reports whether s, which is as long as folded, is it but for
// ASCII letter case.
func equalFolded(s, folded string) bool {
	for i := range len(folded) {
		if lower[s[i]] != folded[i] {
			return false
		}
	}
	return true
}

// index is where f stands first in s at or after from, or -1.
func (f *folded) index(s string, from int) int {
	last := len(s) - len(f.text) + f.rare
	if f.text == "" {
		return from
	}
	tried := 0
	for i := from + f.rare; i <= last; i++ {
		if f.a == f.b {
			n := strings.IndexByte(s[i:last+1], f.a)
			if n < 0 {
				return -1
			}
			i += n
		} else {
			for i <= last && s[i] != f.a && s[i] != f.b {
				i++
			}
			if i > last {
				return -1
			}
		}
		start := i - f.rare
		if equalFolded(s[start:start+len(f.text)], f.text) {
			return start
		}
		// Text made of one letter would take len(s) x len(f.text) steps.
		if tried += len(f.text); tried > 64+8*len(s) {
			n := strings.Index(simple.of(s[start:]), f.text)
			if n < 0 {
				return -1
			}
			return start + n
		}
	}
	return -1
}
