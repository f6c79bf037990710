package render

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

// cellWidth is how many columns of a terminal a text takes.
func cellWidth(s string) (n int) {
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// shorten cuts a text to a width, with a sign that something is missing. Of a
// Windows path the end is kept: it names the program.
func shorten(s string, n int) string {
	if len(s) <= n || cellWidth(s) <= n {
		return s
	}
	if isPath(s) {
		return shortenStart(s, n)
	}
	w := 0
	for i, r := range s {
		if w += runeWidth(r); w > n-1 {
			return s[:i] + "…"
		}
	}
	return s
}

func shortenStart(s string, n int) string {
	runes := []rune(s)
	w, i := 0, len(runes)
	for i > 0 && w+runeWidth(runes[i-1]) <= n-1 {
		i--
		w += runeWidth(runes[i])
	}
	return "…" + string(runes[i:])
}

// isPath reports whether a text is the path of a Windows file and nothing more.
func isPath(s string) bool {
	return len(s) > 3 && s[1] == ':' && s[2] == '\\' && !strings.ContainsAny(s, `"*?<>|`) && !strings.Contains(s, " -") && !strings.Contains(s, " /")
}
