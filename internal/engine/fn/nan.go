package fn

import (
	"math"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// blank reports whether a value has no text to judge: isNaN and isInfinity
// have no result for it.
func blank(v event.Value) bool { return v.Kind() == event.String && trimSpace(v.Str()) == "" }

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "isNaN", Usage: "isNaN(<x:expr>)",
		Summary:  "True when x is not a number.",
		Text:     "Text is cast. Null, empty and blank text have no result: null, which is not true, so `!isNaN(x)` keeps such rows.",
		Differs:  "OP-60: the negation of no result is true.",
		Examples: lang.Calls(`isNaN("abc")`, `true`, `isNaN(0/0)`, `true`, `isNaN("12")`, `false`, `isNaN(" ")`, `null`),
	},
	Map: func(v event.Value) event.Value {
		if blank(v) {
			return event.Value{}
		}
		f, ok := v.Float()
		return event.Bool(!ok || math.IsNaN(f))
	},
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "isInfinity", Usage: "isInfinity(<x:expr>)",
		Summary:  "True when x is infinite, of either sign.",
		Text:     "Division by zero is infinite. Null, empty and blank text have no result: null.",
		Examples: lang.Calls(`isInfinity(5/0)`, `true`, `isInfinity(5)`, `false`, `isInfinity("")`, `null`),
	},
	Map: func(v event.Value) event.Value {
		if blank(v) {
			return event.Value{}
		}
		f, _ := v.Float()
		return event.Bool(math.IsInf(f, 0))
	},
})
