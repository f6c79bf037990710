package evtx

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendUTF16 appends little-endian UTF-16 as UTF-8. A surrogate without its
// other half becomes U+FFFD, an odd last byte is left out.
func AppendUTF16(dst, src []byte) []byte {
	// Nearly all text is ASCII.
	src = src[:len(src)&^1]
	for dst = slices.Grow(dst, narrowRoom(src)); ; {
		var n int
		dst, n = narrow(dst, src, false)
		src = src[n:]
		for range beyondRun {
			if len(src) == 0 {
				return dst
			}
			dst, n = appendRune16(dst, src)
			src = src[n:]
		}
		dst = slices.Grow(dst, narrowRoom(src))
	}
}

// beyondRun is how many characters are read one by one where one is not plain:
// others follow it as a rule.
const beyondRun = 4

// narrowRoom is the room that narrow wants for some UTF-16: each character may
// need a backslash, and sixteen are written at a time.
func narrowRoom(src []byte) int { return len(src) + 16 }

// narrowWords appends the characters of ASCII that src begins with, eight at a
// time, and returns how many bytes of src it took. For JSON it ends at control
// characters and writes quotes and backslashes with a backslash before them.
// Otherwise it may end at NUL. dst has the room that narrowRoom says.
func narrowWords(dst, src []byte, json bool) ([]byte, int) {
	at := 0
	var tail [16]byte
	for at < len(src) {
		eight := src[at:]
		if len(eight) < 16 {
			// NULs are no plain characters, so what is made up is not taken.
			clear(tail[copy(tail[:], eight):])
			eight = tail[:]
		}
		a, b := u64(eight, 0), u64(eight, 8)
		if (a|b)&beyondASCII != 0 {
			// The four before it may be plain; not worth a look.
			if c := u16(eight, 0); c < utf8.RuneSelf && c >= ' ' {
				if json && plainJSON[c] == 0 {
					dst = append(dst, '\\')
				}
				dst = append(dst, byte(c))
				at += 2
				continue
			}
			break
		}
		text := pack(a) | pack(b)<<32
		n := plainBytes(text, json)
		dst = binary.LittleEndian.AppendUint64(dst, text)
		dst = dst[:len(dst)-8+n]
		if at += 2 * n; n == 8 || at == len(src) {
			continue
		}
		if c := byte(text >> (8 * n)); json && (c == '"' || c == '\\') {
			dst = append(dst, '\\', c)
			at += 2
			continue
		}
		break
	}
	return dst, at
}

// beyondASCII are the bits that four characters of ASCII do not have.
const beyondASCII = 0xff80ff80ff80ff80

// pack makes four bytes of four characters of ASCII.
func pack(w uint64) uint64 {
	w = (w | w>>8) & 0x0000ffff0000ffff
	return (w | w>>16) & 0xffffffff
}

// appendRune16 appends the character that src begins with, and returns how many
// bytes of src it takes.
func appendRune16(dst, src []byte) ([]byte, int) {
	c := rune(u16(src, 0))
	if !utf16.IsSurrogate(c) {
		return utf8.AppendRune(dst, c), 2
	}
	if len(src) >= 4 {
		if c := utf16.DecodeRune(c, rune(u16(src, 2))); c != utf8.RuneError {
			return utf8.AppendRune(dst, c), 4
		}
	}
	return utf8.AppendRune(dst, utf8.RuneError), 2
}

// trim16 leaves out the NULs after a text.
func trim16(b []byte) []byte {
	b = b[:len(b)&^1]
	for len(b) >= 2 && b[len(b)-1] == 0 && b[len(b)-2] == 0 {
		b = b[:len(b)-2]
	}
	return b
}

// AppendJSON16 appends little-endian UTF-16 as it is written in a JSON string,
// without the quotes around it.
func AppendJSON16(dst, src []byte) []byte {
	src = src[:len(src)&^1]
	for {
		var n int
		dst, n = narrow(slices.Grow(dst, narrowRoom(src)), src, true)
		src = src[n:]
		for range beyondRun {
			if len(src) == 0 {
				return dst
			}
			if c := u16(src, 0); c < utf8.RuneSelf {
				dst = appendJSONByte(dst, byte(c))
				src = src[2:]
				continue
			}
			dst, n = appendRune16(dst, src)
			src = src[n:]
		}
	}
}

// plainBytes is how many of eight characters of ASCII, from the first, narrow
// takes as they are.
func plainBytes(text uint64, json bool) int {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	// The high bit of a byte stays set unless it is 0, below a space, or equal.
	plain := (text | high) - ones
	if json {
		plain = (text | high) - ' '*ones
		plain &= (text ^ '"'*ones | high) - ones
		plain &= (text ^ '\\'*ones | high) - ones
	}
	return bits.TrailingZeros64(^plain&high) / 8
}

// plainJSON has 1 for the ASCII characters that JSON writes as they are.
var plainJSON = func() (t [256]byte) {
	for c := byte(' '); c < utf8.RuneSelf; c++ {
		if c != '"' && c != '\\' {
			t[c] = 1
		}
	}
	return t
}()

func appendJSONByte(dst []byte, c byte) []byte {
	if plainJSON[c] != 0 {
		return append(dst, c)
	}
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	}
	return append(dst, '\\', 'u', '0', '0', lowerHex[c>>4], lowerHex[c&15])
}

const lowerHex = "0123456789abcdef"
