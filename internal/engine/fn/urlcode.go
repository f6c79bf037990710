package fn

import (
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "urlencode", Usage: "urlencode(<s:expr>)",
		Summary: "Text made fit for a URL.",
		Text:    "A space becomes `+`; letters and digits of ASCII and `-_.*` stay; every other byte of the UTF-8 text becomes `%XX`.",
		Differs: "The set of characters that stay is Java's form encoding.",
		Examples: lang.Calls(`urlencode("http://a.org/f.php?gk=G k&")`, `"http%3A%2F%2Fa.org%2Ff.php%3Fgk%3DG+k%26"`,
			`urlencode("é*")`, `"%C3%A9*"`),
	},
	Call: func(_ *expr.Env, args []event.Value) (event.Value, error) { return longText(urlencode(args[0].Str())) },
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "urldecode", Usage: "urldecode(<s:expr>)",
		Summary:  "Text read from a URL.",
		Text:     "`+` is a space and `%XX` a byte of UTF-8. Text with a broken `%` is returned unchanged; bytes that are no UTF-8 become U+FFFD.",
		Differs:  "What a broken escape gives is our reading.",
		Examples: lang.Calls(`urldecode("a%3Ab%2Fc+d")`, `"a:b/c d"`, `urldecode("100%")`, `"100%"`),
	},
	Call: func(_ *expr.Env, args []event.Value) (event.Value, error) { return longText(urldecode(args[0].Str())) },
})

func urlencode(s string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isDigit(c), c|0x20 >= 'a' && c|0x20 <= 'z', strings.IndexByte("-_.*", c) >= 0:
			b.WriteByte(c)
		case c == ' ':
			b.WriteByte('+')
		default:
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}

func urldecode(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '+':
			out = append(out, ' ')
		case '%':
			if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
				return s
			}
			out = append(out, nibble(s[i+1])<<4|nibble(s[i+2]))
			i += 2
		default:
			out = append(out, c)
		}
	}
	return validUTF8(string(out)) // a bad byte is three
}

func nibble(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
