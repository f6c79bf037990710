package fn

import (
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "isNumeric", Usage: "isNumeric(<s:expr>)",
		Summary: "True when s is a number, or text that Java would read as one.",
		Text: "Decimals, an exponent, hexadecimal after `0x`, octal after a leading `0` (so `09` is none), and the suffixes `L`, `F` and `D`. " +
			"White space is not allowed. Null and empty text are not numeric.",
		Examples: lang.Calls(
			`isNumeric("1.56")`, `true`, `isNumeric("1e5")`, `true`, `isNumeric("0x1F")`, `true`, `isNumeric("123L")`, `true`,
			`isNumeric("09")`, `false`, `isNumeric("abc")`, `false`, `isNumeric("")`, `false`, `isNumeric(nosuchfield)`, `false`),
	},
	Nulls: true,
	Map:   func(v event.Value) event.Value { return event.Bool(isNumeric(v.Str())) },
})

// isNumeric reports whether s is a number literal of Java, as the Commons Lang
// method isCreatable understands it.
func isNumeric(s string) bool {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	// A leading zero makes hexadecimal or octal, unless there is a point anywhere.
	if len(s) > 1 && s[0] == '0' && strings.IndexByte(s, '.') < 0 {
		if s[1]|0x20 == 'x' {
			return len(s) > 2 && span(s[2:], isHex) == len(s)-2
		}
		if isDigit(s[1]) {
			return span(s, func(c byte) bool { return c >= '0' && c <= '7' }) == len(s)
		}
	}
	whole := span(s, isDigit)
	digits, rest := whole, s[whole:]
	point := strings.HasPrefix(rest, ".")
	if point {
		n := span(rest[1:], isDigit)
		digits, rest = digits+n, rest[1+n:]
	}
	if digits == 0 {
		return false
	}
	exponent := rest != "" && rest[0]|0x20 == 'e'
	if exponent {
		rest = rest[1:]
		if rest != "" && (rest[0] == '-' || rest[0] == '+') {
			rest = rest[1:]
		}
		n := span(rest, isDigit)
		if n == 0 {
			return false
		}
		rest = rest[n:]
	}
	switch rest {
	case "", "f", "F", "d", "D":
		return true
	case "l", "L":
		return !point && !exponent
	}
	return false
}

// span counts the bytes at the start of s for which ok holds.
func span(s string, ok func(byte) bool) int {
	for i := 0; i < len(s); i++ {
		if !ok(s[i]) {
			return i
		}
	}
	return len(s)
}

func isDigit(c byte) bool { return c-'0' < 10 }
func isHex(c byte) bool   { return isDigit(c) || c|0x20 >= 'a' && c|0x20 <= 'f' }
