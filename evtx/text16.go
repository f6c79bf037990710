package evtx

import (
	"encoding/binary"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendUTF16 appends little-endian UTF-16 as UTF-8. A surrogate without its
// other half becomes U+FFFD, an odd last byte is left out.
func AppendUTF16(dst, src []byte) []byte {
	for len(src) >= 2 {
		// Nearly all text is ASCII: four characters at a time.
		for len(src) >= 8 {
			w := binary.LittleEndian.Uint64(src)
			if w&0xff80ff80ff80ff80 != 0 {
				break
			}
			w |= w >> 8
			dst = append(dst, byte(w), byte(w>>16), byte(w>>32), byte(w>>48))
			src = src[8:]
		}
		if len(src) < 2 {
			break
		}
		c := rune(binary.LittleEndian.Uint16(src))
		src = src[2:]
		if c < utf8.RuneSelf {
			dst = append(dst, byte(c))
			continue
		}
		if utf16.IsSurrogate(c) {
			c2 := rune(0)
			if len(src) >= 2 {
				c2 = rune(binary.LittleEndian.Uint16(src))
			}
			if c = utf16.DecodeRune(c, c2); c != utf8.RuneError {
				src = src[2:]
			}
		}
		dst = utf8.AppendRune(dst, c)
	}
	return dst
}

// trim16 leaves out the NULs behind a text.
func trim16(b []byte) []byte {
	b = b[:len(b)&^1]
	for len(b) >= 2 && b[len(b)-1] == 0 && b[len(b)-2] == 0 {
		b = b[:len(b)-2]
	}
	return b
}

// AppendJSON16 appends little-endian UTF-16 as a JSON string.
func AppendJSON16(dst, src []byte) []byte {
	dst = append(dst, '"')
	for len(src) >= 2 {
		for len(src) >= 8 {
			w := binary.LittleEndian.Uint64(src)
			if w&0xff80ff80ff80ff80 != 0 {
				break
			}
			a, b, c, d := byte(w), byte(w>>16), byte(w>>32), byte(w>>48)
			if plainJSON[a]&plainJSON[b]&plainJSON[c]&plainJSON[d] == 0 {
				break
			}
			dst = append(dst, a, b, c, d)
			src = src[8:]
		}
		if len(src) < 2 {
			break
		}
		c := binary.LittleEndian.Uint16(src)
		if c < utf8.RuneSelf {
			dst = appendJSONByte(dst, byte(c))
			src = src[2:]
			continue
		}
		n := 2
		if utf16.IsSurrogate(rune(c)) && len(src) >= 4 {
			n = 4
			if utf16.DecodeRune(rune(c), rune(binary.LittleEndian.Uint16(src[2:]))) == utf8.RuneError {
				n = 2
			}
		}
		dst = AppendUTF16(dst, src[:n])
		src = src[n:]
	}
	return append(dst, '"')
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
