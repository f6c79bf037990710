// Package printable makes text that comes from logs, rules, packages and file names
// safe to show. A terminal obeys control characters rather than showing them (ECMA-48:
// ESC, and the C1 codes as bytes 80 to 9F or as U+0080 to U+009F), marks that set the
// direction of writing make one text look like another (CVE-2021-42574), and characters
// without width hide text (CWE-150). All text for people passes through here: what is not
// shown as itself is shown by its code, so that a reader sees that it is there.
package printable

import (
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Shown reports whether r is shown as itself. The controls, line and paragraph
// separators, what has no width or sets the direction of writing (category Cf), and the
// default-ignorable rest, such as the blank fillers of Hangul, are not. Variation selectors are: they belong to
// the sign before them. So are the number signs of Arabic scripts, which are of
// category Cf and are seen.
func Shown(r rune) bool {
	switch {
	case r < 0x20 || 0x7f <= r && r < 0xa0:
		return false
	case r < 0xad:
		return true
	}
	switch {
	case unicode.Is(unicode.Variation_Selector, r), unicode.Is(unicode.Prepended_Concatenation_Mark, r):
		return true
	case unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point):
		return false
	}
	return !unicode.Is(unicode.Noncharacter_Code_Point, r)
}

// Text is s on one line: line ends become ⏎, a tab a blank, other controls their
// picture (␛ for ESC) and what else is not shown its code, \u202e. Bytes that are no
// UTF-8 become \x9b.
func Text(s string) string { return plain(s, false) }

// Lines is s with its line ends and tabs kept, and all else as in Text.
func Lines(s string) string { return plain(s, true) }

func plain(s string, lines bool) string {
	at := suspect(s, lines)
	if at == len(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	b.WriteString(s[:at])
	for i := at; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\r' && strings.HasPrefix(s[i:], "\r\n"): // the line end says it
		case lines && (r == '\n' || r == '\t'), n > 1 && Shown(r), n == 1 && 0x20 <= r && r < 0x7f:
			b.WriteString(s[i : i+n])
		case r == '\n' || r == '\r' && !lines:
			b.WriteRune('⏎')
		case r == '\t':
			b.WriteByte(' ')
		default:
			b.Write(people(nil, r, s[i:i+n]))
		}
		i += n
	}
	return b.String()
}

// suspect is the index of the first byte of s that may not be shown as itself.
func suspect(s string, lines bool) int {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c < 0x20 && !(lines && (c == '\n' || c == '\t')) || c == 0x7f {
			return i
		} else if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if n == 1 || !Shown(r) {
				return i
			}
			i += n - 1
		}
	}
	return len(s)
}

// people appends what people are shown for a rune. text are its bytes.
func people(dst []byte, r rune, text string) []byte {
	switch {
	case r == utf8.RuneError && len(text) == 1:
		return fmt.Appendf(dst, `\x%02x`, text[0])
	case r < 0x20:
		return utf8.AppendRune(dst, '␀'+r)
	case r == 0x7f:
		return append(dst, "␡"...)
	case r > 0xffff:
		return fmt.Appendf(dst, `\U%08x`, r)
	}
	return fmt.Appendf(dst, `\u%04x`, r)
}

// Form is how a Writer writes what is not shown as itself.
type Form func(dst []byte, r rune, text string) []byte

var (
	// People is for readers: as Lines does it.
	People Form = people
	// JSON keeps the value of JSON text the same: \u202e in place of the character.
	// Bytes that are no UTF-8 become U+FFFD, as JSON has none.
	JSON Form = func(dst []byte, r rune, text string) []byte {
		switch {
		case len(text) == 1 && r == utf8.RuneError:
			return append(dst, "\ufffd"...)
		case r > 0xffff:
			r -= 0x10000
			return fmt.Appendf(dst, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		}
		return fmt.Appendf(dst, `\u%04x`, r)
	}
	// XML keeps the value of XML text the same: &#x202e; in place of the character. What
	// XML 1.0 cannot hold at all becomes U+FFFD.
	XML Form = func(dst []byte, r rune, text string) []byte {
		if r < 0x20 || r == utf8.RuneError || r&0xfffe == 0xfffe {
			return append(dst, "\ufffd"...)
		}
		return fmt.Appendf(dst, "&#x%x;", r)
	}
)

// Writer passes text on with what is not shown as itself in another form. Line ends and
// tabs pass. A character whose bytes are not all there yet is held until the next Write.
// Several goroutines may write to it.
type Writer struct {
	mu     sync.Mutex
	w      io.Writer
	form   Form
	styled bool
	held   []byte
	buf    []byte
}

// NewWriter makes a Writer. With styled, colours and weights (ESC [ numbers m) pass: for a
// terminal and text whose values are safe already.
func NewWriter(w io.Writer, form Form, styled bool) *Writer {
	return &Writer{w: w, form: form, styled: styled}
}

func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	text := p
	if len(w.held) > 0 {
		text = append(w.held, p...)
		w.held = nil
	}
	i := quiet(text)
	if i == len(p) && len(text) == len(p) {
		return w.w.Write(p)
	}
	w.buf = append(w.buf[:0], text[:i]...)
	for i < len(text) {
		rest := text[i:]
		if n := quiet(rest); n > 0 {
			w.buf = append(w.buf, rest[:n]...)
			i += n
			continue
		}
		if w.styled && rest[0] == '\x1b' {
			n, whole := style(rest)
			if whole {
				w.buf = append(w.buf, rest[:n]...)
				i += n
				continue
			}
			if n == len(rest) && n < styleMax {
				w.held = append([]byte(nil), rest...)
				break
			}
		}
		if !utf8.FullRune(rest) || len(rest) == 1 && rest[0] == '\r' {
			w.held = append([]byte(nil), rest...)
			break
		}
		r, n := utf8.DecodeRune(rest)
		switch {
		case n > 1 && Shown(r):
			w.buf = append(w.buf, rest[:n]...)
		case r == '\r' && len(rest) > 1 && rest[1] == '\n': // the line end says it
		default:
			w.buf = w.form(w.buf, r, string(rest[:n]))
		}
		i += n
	}
	if _, err := w.w.Write(w.buf); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Flush writes what is held.
func (w *Writer) Flush() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []byte
	for _, c := range w.held {
		r := rune(c)
		if c >= utf8.RuneSelf {
			r = utf8.RuneError
		}
		if c >= 0x20 && c < 0x7f {
			out = append(out, c)
		} else {
			out = w.form(out, r, string([]byte{c}))
		}
	}
	w.held = nil
	if len(out) == 0 {
		return nil
	}
	_, err := w.w.Write(out)
	return err
}

// styleMax is the longest style that passes.
const styleMax = 32

// style is the length of the style that p, which begins with ESC, begins with, and
// whether it is whole.
func style(p []byte) (n int, whole bool) {
	for n = 1; n < len(p) && n < styleMax; n++ {
		switch c := p[n]; {
		case n == 1 && c != '[':
			return n, false
		case n == 1, c >= '0' && c <= '9', c == ';':
		case c == 'm':
			return n + 1, true
		default:
			return n, false
		}
	}
	return n, false
}

// quiet is how much of p, from its start, is ASCII without controls but line ends and
// tabs: 32 bytes at a time, since nearly all text is.
func quiet(p []byte) int {
	i := 0
	for i+32 <= len(p) {
		q := p[i : i+32 : i+32]
		a, b := loud(binary.LittleEndian.Uint64(q)), loud(binary.LittleEndian.Uint64(q[8:]))
		c, d := loud(binary.LittleEndian.Uint64(q[16:])), loud(binary.LittleEndian.Uint64(q[24:]))
		if (a|b|c|d)&high == 0 {
			i += 32
			continue
		}
		for a&high == 0 {
			a, b, c = b, c, d
			i += 8
		}
		i += bits.TrailingZeros64(a&high) >> 3
		if p[i] != '\n' && p[i] != '\t' {
			return i
		}
		i++
	}
	for ; i < len(p); i++ {
		if c := p[i]; c >= 0x7f || c < 0x20 && c != '\n' && c != '\t' {
			return i
		}
	}
	return i
}

const ones, high = 0x0101010101010101, 0x8080808080808080

// loud has one of the bits of high set where a byte of x is below 0x20 or above 0x7e: the
// sum has it from 0x7f to 0xfe, the difference below 0x20 and from 0xa0. A carry goes up from
// such a byte only, so the first bit that is set is right.
func loud(x uint64) uint64 { return (x + ones) | (x - ones*0x20) }
