package fn

import "github.com/gyoji-dev/gyoji/internal/engine/lang"

// The resolver makes if itself: only the chosen branch is computed.
var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "if", Usage: "if(<cond:expr>, <then:expr>, <else:expr>)",
		Summary:  "One of two values, by a condition.",
		Text:     "A null condition is false. `c ? t : f` is the same. Only the chosen branch is computed.",
		Differs:  "Branches of different types are accepted.",
		Examples: lang.Calls(`if("503" matches "5*", 1, 0)`, `1`, `if(nosuchfield = "x", "yes", "no")`, `"no"`, `3 < 7 ? 3 : 7`, `3`),
	},
	Alias: true,
})
