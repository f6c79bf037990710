package fn

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "base64Encode", Usage: "base64Encode(<s:expr>)",
		Summary:  "Text as base64 of its UTF-8 bytes.",
		Text:     "The standard alphabet, padded.",
		Examples: lang.Calls(`base64Encode("hello world")`, `"aGVsbG8gd29ybGQ="`),
	},
	Call: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		s := args[0].Str()
		if err := fits(base64.StdEncoding.EncodedLen(len(s))); err != nil {
			return event.Value{}, err
		}
		return event.Text(base64.StdEncoding.EncodeToString([]byte(s))), nil
	},
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "base64Decode", Usage: "base64Decode(<s:expr>[, <encoding:expr>])",
		Summary: "The text that is written in base64.",
		Text: "What is not base64 is returned unchanged. The encoding of the bytes is UTF-8 unless it is named: `US-ASCII`, `ISO-8859-1`, `UTF-8`, " +
			"`UTF-16`, `UTF-16BE`, `UTF-16LE`, `UTF-32`, `UTF-32BE`, `UTF-32LE`. PowerShell's encoded commands are `UTF-16LE`. " +
			"Both alphabets are read, with or without padding and with line ends in between. Bytes that are no text in the encoding become U+FFFD.",
		Examples: lang.Calls(
			`base64Decode("aGVsbG8gd29ybGQ=")`, `"hello world"`,
			`base64Decode("VABoAGkAcwAgAGkAcwAgAGEAIAB0AGUAcwB0ACAAcwB0AHIAaQBuAGcA", "UTF-16LE")`, `"This is a test string"`,
			`base64Decode("not*base64!")`, `"not*base64!"`),
	},
	Make: func(s *lang.Site) call {
		if !noRegex(s, -1) {
			return nil
		}
		if len(s.Args) == 1 {
			return func(_ *expr.Env, args []event.Value) (event.Value, error) {
				return decode64(args[0], charsets["utf-8"])
			}
		}
		if name, known := s.Const(1); known && !name.IsNull() {
			read, ok := charsets[strings.ToLower(name.Str())]
			if !ok {
				s.Error(1, "unknown-encoding", fmt.Sprintf("there is no encoding %q", name.Str()), "known are US-ASCII, ISO-8859-1, UTF-8, UTF-16, UTF-32 and the latter two with BE or LE")
				return nil
			}
			return func(_ *expr.Env, args []event.Value) (event.Value, error) { return decode64(args[0], read) }
		}
		return func(_ *expr.Env, args []event.Value) (event.Value, error) {
			read, ok := charsets[strings.ToLower(args[1].Str())]
			if !ok {
				return event.Value{}, fmt.Errorf("there is no encoding %q", clip(args[1].Str()))
			}
			return decode64(args[0], read)
		}
	},
})

// decode64 reads base64, or returns v when it is none.
func decode64(v event.Value, read func([]byte) string) (event.Value, error) {
	b, ok := fromBase64(v.Str())
	if !ok {
		return v, nil
	}
	return longText(read(b))
}

// fromBase64 reads both alphabets. Line ends and other white space may stand
// anywhere, padding only at the end, and it may be missing.
func fromBase64(s string) ([]byte, bool) {
	clean := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case ' ', '\t', '\r', '\n':
		case '-':
			clean = append(clean, '+')
		case '_':
			clean = append(clean, '/')
		default:
			clean = append(clean, c)
		}
	}
	n := len(clean)
	for n > 0 && clean[n-1] == '=' && len(clean)-n < 2 {
		n--
	}
	if n < len(clean) && len(clean)%4 != 0 {
		return nil, false
	}
	out := make([]byte, base64.RawStdEncoding.DecodedLen(n))
	m, err := base64.RawStdEncoding.Decode(out, clean[:n])
	return out[:m], err == nil
}

// charsets read bytes as text, by the name of the encoding in lower case.
var charsets = map[string]func([]byte) string{
	"utf-8":      func(b []byte) string { return validUTF8(string(b)) },
	"us-ascii":   func(b []byte) string { return latin(b, 0x7f) },
	"iso-8859-1": func(b []byte) string { return latin(b, 0xff) },
	"utf-16":     func(b []byte) string { b, order := byteOrder(b, 2); return wide16(b, order) },
	"utf-16be":   func(b []byte) string { return wide16(b, binary.BigEndian) },
	"utf-16le":   func(b []byte) string { return wide16(b, binary.LittleEndian) },
	"utf-32":     func(b []byte) string { b, order := byteOrder(b, 4); return wide32(b, order) },
	"utf-32be":   func(b []byte) string { return wide32(b, binary.BigEndian) },
	"utf-32le":   func(b []byte) string { return wide32(b, binary.LittleEndian) },
}

// validUTF8 puts U+FFFD for every byte of s that is no UTF-8.
func validUTF8(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string([]rune(s))
}

func latin(b []byte, last byte) string {
	out := make([]rune, len(b))
	for i, c := range b {
		if out[i] = rune(c); c > last {
			out[i] = utf8.RuneError
		}
	}
	return string(out)
}

// byteOrder reads the mark at the start of text in 2 or 4 byte units; without
// one the order is big endian.
func byteOrder(b []byte, size int) ([]byte, binary.ByteOrder) {
	if len(b) >= size {
		for _, order := range []binary.ByteOrder{binary.BigEndian, binary.LittleEndian} {
			if size == 2 && order.Uint16(b) == 0xfeff || size == 4 && order.Uint32(b) == 0xfeff {
				return b[size:], order
			}
		}
	}
	return b, binary.BigEndian
}

func wide16(b []byte, order binary.ByteOrder) string {
	units := make([]uint16, 0, len(b)/2+1)
	for ; len(b) >= 2; b = b[2:] {
		units = append(units, order.Uint16(b))
	}
	if len(b) > 0 {
		units = append(units, 0xfffd)
	}
	return string(utf16.Decode(units))
}

func wide32(b []byte, order binary.ByteOrder) string {
	runes := make([]rune, 0, len(b)/4+1)
	for ; len(b) >= 4; b = b[4:] {
		r := utf8.RuneError
		if u := order.Uint32(b); u <= utf8.MaxRune {
			r = rune(u)
		}
		runes = append(runes, r)
	}
	if len(b) > 0 {
		runes = append(runes, utf8.RuneError)
	}
	return string(runes)
}
