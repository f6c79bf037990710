package fn

import (
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "trim", Usage: "trim(<s:expr>)",
		Summary:  "s without white space at its ends.",
		Text:     "Tabs and line ends are white space too; a space that does not break (U+00A0) is not.",
		Examples: lang.Calls(`trim(" Hello World  ")`, `"Hello World"`, `trim("\tx\n")`, `"x"`),
	},
	Within: true,
	Case:   lang.KeepsCase,
	Map:    func(v event.Value) event.Value { return event.Text(trimSpace(v.Str())) },
})
