package fn

import (
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "contains", Usage: "contains(<a:expr>, <b:expr>)",
		Summary: "True when text b stands in text a.",
		Text: "Letter case counts. Two empty texts contain each other; an empty and a filled one do not, either way round. " +
			"Null contains nothing and is contained nowhere. `a contains b` is the same.",
		Examples: lang.Calls(
			`contains("hello world", "hello")`, `true`,
			`contains("hello", "Hello")`, `false`,
			`contains("", "")`, `true`,
			`contains("abc", "")`, `false`,
			`contains(nosuchfield, "x")`, `false`),
	},
	Nulls: true,
	Call: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		if args[0].IsNull() || args[1].IsNull() {
			return event.Bool(false), nil
		}
		return event.Bool(expr.ContainsText(args[0].Str(), args[1].Str())), nil
	},
})
