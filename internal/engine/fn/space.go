package fn

import (
	"strings"
	"unicode"
)

// isSpace is white space as Java sees it: separators and controls from tab to
// carriage return and from U+001C to U+001F, but no space that does not break
// (spec A.2.2).
func isSpace(r rune) bool {
	switch {
	case r == ' ', r >= '\t' && r <= '\r', r >= 0x1c && r <= 0x1f:
		return true
	case r < 0x80, r == 0xa0, r == 0x2007, r == 0x202f:
		return false
	}
	return unicode.In(r, unicode.Zs, unicode.Zl, unicode.Zp)
}

// trimSpace removes white space on both ends.
func trimSpace(s string) string { return strings.TrimFunc(s, isSpace) }
