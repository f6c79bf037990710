package jsondoc

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
	"unsafe"
)

// Unescape appends the text of a JSON string, given without its quotes.
// Invalid UTF-8 and lone surrogates become U+FFFD; an escape that JSON does not
// know is kept as it stands.
func Unescape(dst, raw []byte) []byte {
	for {
		var n int
		dst, n = unescapeMany(dst, raw)
		for n < len(raw) && raw[n] != '\\' && raw[n] < utf8.RuneSelf {
			dst = append(dst, raw[n])
			n++
		}
		if raw = raw[n:]; len(raw) == 0 {
			return dst
		}
		if raw[0] == '\\' {
			dst, n = unescape(dst, raw)
			raw = raw[n:]
			continue
		}
		if n = bytes.IndexByte(raw, '\\'); n < 0 {
			return appendValid(dst, raw)
		}
		dst, raw = appendValid(dst, raw[:n]), raw[n:]
	}
}

// unescapeMany appends the text of the beginning of a JSON string, as far as
// that goes many bytes at a time, and returns how much it has read.
func unescapeMany(dst, raw []byte) ([]byte, int) {
	dst = slices.Grow(dst, len(raw)+TextSlack)
	d, i := len(dst), 0
	if hasText {
		if len(raw) == 0 {
			return dst, 0
		}
		read, wrote := unescapeText(&dst[:d+1][d], &raw[0], len(raw))
		return dst[:d+wrote], read
	}
	for ; i+8 <= len(raw); i, d = i+8, d+8 {
		w := binary.LittleEndian.Uint64(raw[i:])
		binary.LittleEndian.PutUint64(dst[d:d+8], w)
		b := w ^ backslashes
		if m := (w | (b-ones)&^b) & highs; m != 0 {
			n := bits.TrailingZeros64(m) >> 3
			return dst[:d+n], i + n
		}
	}
	return dst[:d], i
}

// unescape appends the character of the escape that raw begins with, and
// returns its length.
func unescape(dst, raw []byte) ([]byte, int) {
	if len(raw) < 2 {
		return append(dst, raw...), len(raw)
	}
	switch raw[1] {
	case '"', '\\', '/':
		return append(dst, raw[1]), 2
	case 'b':
		return append(dst, '\b'), 2
	case 'f':
		return append(dst, '\f'), 2
	case 'n':
		return append(dst, '\n'), 2
	case 'r':
		return append(dst, '\r'), 2
	case 't':
		return append(dst, '\t'), 2
	case 'u':
		r, ok := hex4(raw[2:])
		if !ok {
			break
		}
		n := 6
		if utf16.IsSurrogate(r) {
			r2 := rune(-1)
			if len(raw) >= 12 && raw[6] == '\\' && raw[7] == 'u' {
				r2, _ = hex4(raw[8:])
			}
			if d := utf16.DecodeRune(r, r2); d != utf8.RuneError {
				r, n = d, 12
			} else {
				r = utf8.RuneError
			}
		}
		return utf8.AppendRune(dst, r), n
	}
	return append(dst, raw[:2]...), 2
}

// hex4 reads four hexadecimal digits.
func hex4(b []byte) (r rune, ok bool) {
	if len(b) < 4 {
		return 0, false
	}
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			c = c | 0x20 - 'a' + 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// appendValid appends text with U+FFFD for each byte that is not UTF-8.
func appendValid(dst, b []byte) []byte {
	if utf8.Valid(b) {
		return append(dst, b...)
	}
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			dst = append(dst, "\uFFFD"...)
		} else {
			dst = append(dst, b[:n]...)
		}
		b = b[n:]
	}
	return dst
}

const hexDigits = "0123456789abcdef"

const (
	backslashes = '\\' * ones
	blanks      = ' ' * ones
)

// AppendString appends s as a JSON string, quotes included. Only what JSON asks
// for is escaped; bytes that are not UTF-8 become U+FFFD, each.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	for {
		var n int
		dst, n = escapeMany(dst, s)
		for n < len(s) && asItIs[s[n]] {
			dst = append(dst, s[n])
			n++
		}
		if s = s[n:]; s == "" {
			return append(dst, '"')
		}
		n = 1
		switch c := s[0]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			for n = 0; n < len(s) && s[n] >= utf8.RuneSelf; {
				r, size := utf8.DecodeRuneInString(s[n:])
				dst = utf8.AppendRune(dst, r)
				n += size
			}
		}
		s = s[n:]
	}
}

// escapeMany appends what the beginning of a text is written as in a JSON
// string, as far as that goes many bytes at a time, and returns how much it has
// read.
func escapeMany(dst []byte, s string) ([]byte, int) {
	dst = slices.Grow(dst, 2*len(s)+TextSlack)
	d, i := len(dst), 0
	if hasText {
		if s == "" {
			return dst, 0
		}
		read, wrote := escapeText(&dst[:d+1][d], unsafe.StringData(s), len(s))
		return dst[:d+wrote], read
	}
	for ; i+8 <= len(s); i, d = i+8, d+8 {
		w := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		binary.LittleEndian.PutUint64(dst[d:d+8], w)
		q, b := w^quotes, w^backslashes
		// The lowest mark is always right, higher ones may not be.
		if m := (w | (w-blanks)&^w | (q-ones)&^q | (b-ones)&^b) & highs; m != 0 {
			n := bits.TrailingZeros64(m) >> 3
			return dst[:d+n], i + n
		}
	}
	return dst[:d], i
}

// TextSlack is how many bytes of room beyond the text they append Unescape and
// AppendString want to have, so as to write many at a time.
const TextSlack = 16

// asItIs is the ASCII that JSON strings hold unescaped.
var asItIs = func() (t [256]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()
