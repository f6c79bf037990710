package fn

import (
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

func toDouble(v event.Value) event.Value {
	d, _ := v.ToDouble() // null where it is none
	return d
}

func toLong(v event.Value) event.Value {
	i, ok := v.Int()
	if !ok {
		return event.Value{}
	}
	return event.Int(i)
}

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "num", Aliases: []string{"number", "double", "toDouble", "float", "toFloat", "toNumber"},
		Usage:   "num(<x:expr>)",
		Summary: "x as a number.",
		Text: "White space around the digits does not matter. Text that is no decimal number gives null. " +
			"Without an alias it casts the field in place: `num(d) | sort by d`.",
		Differs:  "OP-8: text that is no number gives null.",
		Examples: lang.Calls(`num("9.5")`, `9.5`, `num(" 10 ")`, `10`, `num("ten")`, `null`),
	},
	Map: toDouble,
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "toLong", Aliases: []string{"long"}, Usage: "toLong(<x:expr>)",
		Summary:  "x as a whole number, cut toward zero.",
		Text:     "Text that is no number gives null. What is beyond 64 bits becomes the nearest number that is not.",
		Differs:  "OP-8: text that is no number gives null.",
		Examples: lang.Calls(`toLong("12.9")`, `12`, `toLong(-1.5)`, `-1`, `toLong("x")`, `null`),
	},
	Map: toLong,
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "toInt", Aliases: []string{"int"}, Usage: "toInt(<x:expr>)",
		Summary:  "x as a whole number, cut toward zero.",
		Text:     "Text that is no number gives null.",
		Differs:  "The result is not cut to 32 bits: it is that of toLong.",
		Examples: lang.Calls(`toInt(floor("1000" / 256))`, `3`, `toInt("12")`, `12`),
	},
	Map: toLong,
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "toString", Usage: "toString(<x:expr>)",
		Summary:  "x as text.",
		Text:     "Whole numbers have no decimals; booleans are `true` and `false`.",
		Examples: lang.Calls(`toString(5) in ("5")`, `true`, `toString(2.50)`, `"2.5"`, `toString(1 = 1)`, `"true"`),
	},
	Map: func(v event.Value) event.Value { return event.Text(v.Str()) },
})
