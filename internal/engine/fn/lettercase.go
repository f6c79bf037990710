package fn

import (
	"encoding/binary"
	"strings"
	"unsafe"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

func lower(v event.Value) event.Value { return event.Text(lowerText(v.Str())) }
func upper(v event.Value) event.Value { return event.Text(strings.ToUpper(v.Str())) }

// lowerText is strings.ToLower, which looks at one byte after the other.
func lowerText(s string) string {
	const (
		ones  = 0x0101010101010101
		highs = 0x80 * ones
	)
	if len(s) < 8 {
		return strings.ToLower(s)
	}
	text := unsafe.Slice(unsafe.StringData(s), len(s))
	var low []byte // made where the first capital is
	for i := 0; ; i += 8 {
		i = min(i, len(text)-8) // of the last eight some are looked at again
		w := binary.LittleEndian.Uint64(text[i:])
		if w&highs != 0 {
			return strings.ToLower(s)
		}
		// One sum has its high bit from A on, the other from behind Z on.
		capitals := (w + (0x80-'A')*ones) &^ (w + (0x7f-'Z')*ones) & highs
		if low == nil && capitals != 0 {
			low = []byte(s)
		}
		if low != nil {
			binary.LittleEndian.PutUint64(low[i:], w|capitals>>2)
		}
		if i == len(text)-8 {
			break
		}
	}
	if low == nil {
		return s
	}
	return unsafe.String(unsafe.SliceData(low), len(low))
}

// lettercase makes a function that changes the case of letters. What it
// returns stands in its argument, case aside, so it can be looked for there.
func lettercase(doc lang.Doc, fn func(event.Value) event.Value, letters lang.Case) struct{} {
	doc.Text = "Letters of every script, each on its own: a letter does not become two."
	if doc.Dialect == "" {
		doc.Differs = "A number is taken as its text, where Sumo Logic wants a string."
	}
	return register(lang.Function{Doc: doc, Map: fn, Within: true, Case: letters})
}

var (
	_ = lettercase(lang.Doc{
		Name: "toLowerCase", Usage: "toLowerCase(<s:expr>)", Summary: "s in lower case.",
		Examples: lang.Calls(`toLowerCase("Mr JOE Smith")`, `"mr joe smith"`, `toLowerCase("ÄÖÜ")`, `"äöü"`),
	}, lower, lang.LowerCase)
	_ = lettercase(lang.Doc{
		Name: "toUpperCase", Usage: "toUpperCase(<s:expr>)", Summary: "s in upper case.",
		Examples: lang.Calls(`toUpperCase("nite-1")`, `"NITE-1"`),
	}, upper, lang.UpperCase)

	_ = lettercase(lang.Doc{
		Name: "toLower", Usage: "toLower(<s:expr>)", Summary: "s in lower case.", Dialect: "toLowerCase(s)",
		Examples: lang.Calls(`toLower("ABC")`, `"abc"`),
	}, lower, lang.LowerCase)
	_ = lettercase(lang.Doc{
		Name: "lower", Usage: "lower(<s:expr>)", Summary: "s in lower case.", Dialect: "toLowerCase(s)",
		Examples: lang.Calls(`lower("ABC")`, `"abc"`),
	}, lower, lang.LowerCase)
	_ = lettercase(lang.Doc{
		Name: "toUpper", Usage: "toUpper(<s:expr>)", Summary: "s in upper case.", Dialect: "toUpperCase(s)",
		Examples: lang.Calls(`toUpper("abc")`, `"ABC"`),
	}, upper, lang.UpperCase)
	_ = lettercase(lang.Doc{
		Name: "upper", Usage: "upper(<s:expr>)", Summary: "s in upper case.", Dialect: "toUpperCase(s)",
		Examples: lang.Calls(`upper("abc")`, `"ABC"`),
	}, upper, lang.UpperCase)
)
