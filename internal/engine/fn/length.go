package fn

import (
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

func length(v event.Value) event.Value { return event.Int(int64(length16(v.Str()))) }

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "length", Usage: "length(<s:expr>)",
		Summary:  "The number of characters of s.",
		Text:     "Null has length 0. Characters outside the basic plane, such as emoji, count as two, as in Java.",
		Differs:  "OP-63: UTF-16 code units.",
		Examples: lang.Calls(`length("sumo logic")`, `10`, `length(nosuchfield)`, `0`, `length("äö")`, `2`),
	},
	Nulls: true,
	Map:   length,
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "strlen", Usage: "strlen(<s:expr>)",
		Summary:  "The number of characters of s.",
		Text:     "Null has length 0.",
		Dialect:  "length(s)",
		Examples: lang.Calls(`strlen("abc")`, `3`),
	},
	Nulls: true,
	Map:   length,
})
