package fn

import (
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "isNull", Usage: "isNull(<s:expr>)",
		Summary:  "True when s is null: a field the row does not have.",
		Text:     "Missing and null are the same thing. The empty string is not null.",
		Examples: lang.Calls(`isNull(nosuchfield)`, `true`, `isNull("")`, `false`, `isNull("bob")`, `false`),
	},
	Nulls: true,
	Map:   func(v event.Value) event.Value { return event.Bool(v.IsNull()) },
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "isEmpty", Usage: "isEmpty(<s:expr>)",
		Summary:  "True when s is null or the empty string.",
		Text:     "White space is not empty: see `isBlank`.",
		Examples: lang.Calls(`isEmpty(nosuchfield)`, `true`, `isEmpty("")`, `true`, `isEmpty(" ")`, `false`),
	},
	Nulls: true,
	Map:   func(v event.Value) event.Value { return event.Bool(v.IsNull() || v.Str() == "") },
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "isBlank", Usage: "isBlank(<s:expr>)",
		Summary:  "True when s is null, empty or only white space.",
		Text:     "A space that does not break (U+00A0) is not white space.",
		Examples: lang.Calls(`isBlank("  ")`, `true`, `isBlank(nosuchfield)`, `true`, `isBlank(" bob ")`, `false`),
	},
	Nulls: true,
	Map:   func(v event.Value) event.Value { return event.Bool(v.IsNull() || trimSpace(v.Str()) == "") },
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "isNotNull", Usage: "isNotNull(<s:expr>)",
		Summary:  "True when s is not null.",
		Text:     "The empty string is not null.",
		Dialect:  "!isNull(s)",
		Examples: lang.Calls(`isNotNull(nosuchfield)`, `false`, `isNotNull("")`, `true`),
	},
	Nulls: true,
	Map:   func(v event.Value) event.Value { return event.Bool(!v.IsNull()) },
})

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "coalesce", Aliases: []string{"nvl"}, Usage: "coalesce(<a:expr>, <b:expr,...>)",
		Summary:  "The first argument that is not null.",
		Text:     "Null when all are. The empty string is not null.",
		Dialect:  "if(isNull(a), b, a)",
		Examples: lang.Calls(`coalesce(nosuchfield, "b", "c")`, `"b"`, `coalesce("", "b")`, `""`),
	},
	Nulls: true,
	Call: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		for _, v := range args {
			if !v.IsNull() {
				return v, nil
			}
		}
		return event.Value{}, nil
	},
})
