package fn

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "decToHex", Usage: "decToHex(<x:expr>)",
		Summary:  "A whole number in base 16, upper case.",
		Text:     "A negative number is shown as its 64 bits in two's complement. A fraction is cut off. What is no number gives null and a warning.",
		Examples: lang.Calls(`decToHex("4919")`, `"1337"`, `decToHex(48879)`, `"BEEF"`, `decToHex("-1")`, `"FFFFFFFFFFFFFFFF"`),
	},
	Call: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		i, ok := args[0].Int()
		if !ok {
			return event.Value{}, fmt.Errorf("%q is no number", args[0].Str())
		}
		return event.Text(strings.ToUpper(strconv.FormatUint(uint64(i), 16))), nil
	},
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "hexToDec", Usage: "hexToDec(<s:expr>)",
		Summary:  "The number written in base 16.",
		Text:     "Up to 16 digits, read as 64 bits in two's complement. Anything else gives null and a warning.",
		Examples: lang.Calls(`hexToDec("0000000000001337")`, `4919`, `hexToDec("7af")`, `1967`, `hexToDec("FFFFFFFFFFFFFFFE")`, `-2`),
	},
	Call: func(_ *expr.Env, args []event.Value) (event.Value, error) { return fromHex(args[0].Str()) },
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "parseHex", Usage: "parseHex(<s:expr>)",
		Summary:  "The number written in base 16, with or without 0x.",
		Text:     "Up to 16 digits, read as 64 bits in two's complement. Anything else gives null and a warning.",
		Differs:  "OP-38: bad input gives null; the row stays.",
		Examples: lang.Calls(`parseHex("12D230")`, `1233456`, `parseHex("0xABCD")`, `43981`),
	},
	Call: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		s := args[0].Str()
		if len(s) > 2 && s[0] == '0' && s[1]|0x20 == 'x' {
			s = s[2:]
		}
		return fromHex(s)
	},
})

func fromHex(s string) (event.Value, error) {
	if s == "" || len(s) > hexDigitsMax || span(s, isHex) < len(s) {
		return event.Value{}, fmt.Errorf("%q is no number of 1 to %d hexadecimal digits", clip(s), hexDigitsMax)
	}
	u, err := strconv.ParseUint(s, 16, 64)
	return event.Int(int64(u)), err
}

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "hexToAscii", Usage: "hexToAscii(<s:expr>)",
		Summary:  "The text whose bytes are written in base 16.",
		Text:     "Two digits a byte; the bytes are read as UTF-8, of which ASCII is part. Anything else gives null and a warning.",
		Differs:  "Bytes beyond ASCII are read as UTF-8.",
		Examples: lang.Calls(`hexToAscii("68656c6c6f20776f726c64")`, `"hello world"`),
	},
	Call: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		b, err := hex.DecodeString(args[0].Str())
		if err != nil {
			return event.Value{}, fmt.Errorf("%q is no text in hexadecimal digits", clip(args[0].Str()))
		}
		return longText(validUTF8(string(b))) // a bad byte is three
	},
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "asciiToHex", Usage: "asciiToHex(<s:expr>)",
		Summary:  "The bytes of a text in base 16, lower case.",
		Text:     "The bytes are those of UTF-8. The inverse of hexToAscii.",
		Examples: lang.Calls(`asciiToHex("hello")`, `"68656c6c6f"`),
	},
	Call: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		s := args[0].Str()
		if err := fits(2 * len(s)); err != nil {
			return event.Value{}, err
		}
		return event.Text(hex.EncodeToString([]byte(s))), nil
	},
})

// clip shortens data for a message.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}
