package match

import (
	"encoding/binary"
	"unicode"
	"unicode/utf8"
	"unsafe"
)

// Two foldings are in use.
//
// simple is Unicode's simple case folding: what "letter case aside" means when
// a glob is matched. Two texts are equal under it exactly if strings.EqualFold
// says so.
//
// loose also makes i of U+0130 and U+0131, whose lower and upper case leave the
// class of simple folding: a text stays the same under it whether or not it
// went through toLowerCase or toUpperCase. It is for what must never miss:
// witnesses and candidate indexes.
type folding bool

const (
	simple folding = false
	loose  folding = true
)

// Fold returns the form that all spellings of s in other letter case share,
// those that toLowerCase and toUpperCase make included. ASCII comes out in
// lower case. Bytes that are not UTF-8 stay.
func Fold(s string) string { return loose.of(s) }

func (f folding) of(s string) string {
	i := 0
	for i < len(s) && s[i] < utf8.RuneSelf && lower[s[i]] == s[i] {
		i++
	}
	if i == len(s) {
		return s
	}
	return string(f.append(make([]byte, 0, len(s)), s))
}

// AppendFolded appends the form that all spellings of s share which a pattern
// takes for equal when it ignores letter case.
func AppendFolded(dst []byte, s string) []byte { return simple.append(dst, s) }

// append appends s, folded.
func (f folding) append(dst []byte, s string) []byte {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := binary.LittleEndian.Uint64(unsafe.Slice(unsafe.StringData(s), len(s))[i:])
		if w&highs != 0 {
			break
		}
		dst = binary.LittleEndian.AppendUint64(dst, lowered(w))
	}
	for i < len(s) {
		c := s[i]
		if c < utf8.RuneSelf {
			dst = append(dst, lower[c])
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, c)
		} else {
			dst = utf8.AppendRune(dst, f.rune(r))
		}
		i += n
	}
	return dst
}

// rune is the letter that stands for all letters equal to r.
func (f folding) rune(r rune) rune {
	if r < utf8.RuneSelf {
		return rune(lower[r])
	}
	if f == loose && (r == 'İ' || r == 'ı') {
		return 'i'
	}
	least, alone := r, true
	for q := unicode.SimpleFold(r); q != r; q = unicode.SimpleFold(q) {
		least, alone = min(least, q), false
	}
	if alone {
		return r
	}
	return unicode.ToLower(least)
}

// lower is ASCII in lower case, and every other byte itself.
var lower = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
		if 'A' <= i && i <= 'Z' {
			t[i] += 'a' - 'A'
		}
	}
	return t
}()

// ascii reports whether s is ASCII throughout.
func ascii[T string | []byte](s T) bool {
	for ; len(s) >= 8; s = s[8:] {
		if (s[0]|s[1]|s[2]|s[3]|s[4]|s[5]|s[6]|s[7])&utf8.RuneSelf != 0 {
			return false
		}
	}
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
