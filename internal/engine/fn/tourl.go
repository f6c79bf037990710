package fn

import (
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "tourl", Usage: "tourl(<url:expr>, <text:expr>[, <prefix:expr>, <suffix:expr>])",
		Summary:  "A short name for a URL.",
		Text:     "In Sumo Logic's tables the name is a link. Here it is the name alone, with its prefix and suffix; both or none of these are given.",
		Differs:  "OP-39: the result is the text of the link, not the link.",
		Examples: lang.Calls(`tourl("https://example.com/a", "link")`, `"link"`, `tourl("https://example.com/a", "12:00", "at ", " UTC")`, `"at 12:00 UTC"`),
	},
	Make: func(s *lang.Site) call {
		if !noRegex(s, -1) {
			return nil
		}
		if len(s.Args) == 3 {
			s.Error(2, "wrong-argument-count", "tourl takes a prefix and a suffix, or neither", `write "" for the one that is not wanted`)
			return nil
		}
		return func(_ *expr.Env, args []event.Value) (event.Value, error) {
			if len(args) == 2 {
				return event.Text(args[1].Str()), nil
			}
			return concat(nil, []event.Value{args[2], args[1], args[3]})
		}
	},
})
