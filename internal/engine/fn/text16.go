package fn

import "unicode/utf8"

// Lengths and places in text are counted in UTF-16 code units, as Java does
// (OP-63): a character outside the basic plane counts as two.

// length16 is the length of s in UTF-16 code units.
func length16(s string) int {
	n := len(s)
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		n -= size - 1
		if r > 0xffff {
			n++
		}
		i += size
	}
	return n
}

// slice16 is the text from code unit from up to to, which lie within 0 and
// length16(s). Half of a character that takes two units is left out.
func slice16(s string, from, to int) string {
	start, end := -1, len(s)
	at, i := 0, 0
	for i < len(s) {
		if at >= from && start < 0 {
			start = i
		}
		if at >= to {
			end = i
			break
		}
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		at++
		if r > 0xffff {
			if at++; at > to {
				end = i
				break
			}
		}
		i += size
	}
	if start < 0 || start > end {
		return ""
	}
	return s[start:end]
}
