package fn

import (
	"fmt"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "concat", Usage: "concat(<a:expr>, <b:expr,...>)",
		Summary: "Texts put end to end.",
		Text:    "Numbers are taken as their text and null as the empty string. Two to 16 arguments; nest for more. An alias is required.",
		Examples: lang.Calls(
			`concat("time", 4, "logs")`, `"time4logs"`,
			`concat("x", "-", nosuchfield)`, `"x-"`,
			`concat(1, "/", 1, "/", 2020)`, `"1/1/2020"`),
	},
	Alias: true,
	Nulls: true,
	Case:  lang.KeepsCase,
	From:  lang.EveryArg,
	Make: func(s *lang.Site) call {
		ok := noRegex(s, -1)
		if n := len(s.Args); n > concatMax {
			s.Error(concatMax, "wrong-argument-count", fmt.Sprintf("concat takes 2 to %d arguments, not %d", concatMax, n), "nest: concat(concat(...), ...)")
			ok = false
		}
		if !ok {
			return nil
		}
		return concat
	},
})

func concat(_ *expr.Env, args []event.Value) (event.Value, error) {
	var room [256]byte
	buf := room[:0]
	for _, v := range args {
		buf = v.AppendText(buf)
		if err := fits(len(buf)); err != nil {
			return event.Value{}, err
		}
	}
	return event.Text(string(buf)), nil
}
