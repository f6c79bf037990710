package fn

import (
	"fmt"
	"math"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "substring", Usage: "substring(<s:expr>, <from:expr>[, <to:expr>])",
		Summary: "The part of s from one place up to another.",
		Text: "Places count from 0; the character at `to` is left out, and `to` beyond the end is the end. " +
			"Written-out places that are negative, or with the end before the start, are an error; where they come from data the result is empty. " +
			"Characters outside the basic plane count as two, and half of one is left out.",
		Differs: "OP-63: UTF-16 code units. Places out of range in data give the empty string.",
		Examples: lang.Calls(
			`substring("Hello world!", 6)`, `"world!"`,
			`substring("Sumo Logic", 0, 4)`, `"Sumo"`,
			`substring("Sumo Logic", 0, 100)`, `"Sumo Logic"`,
			`substring("abc", 5)`, `""`),
	},
	Within: true,
	Case:   lang.KeepsCase,
	Make:   makeSubstring,
})

func makeSubstring(s *lang.Site) call {
	ok := noRegex(s, -1)
	var places [3]int64
	var known [3]bool
	for i := 1; i < len(s.Args); i++ {
		v, is := s.Const(i)
		if !is || v.IsNull() {
			continue
		}
		n, whole := v.Int()
		switch {
		case !whole:
			s.Error(i, "bad-place", fmt.Sprintf("substring counts places, and %q is no number", v.Str()), "the first character is at 0")
			ok = false
		case n < 0:
			s.Error(i, "negative-place", "substring does not count from the end: places start at 0", "use length(s) to count from the end")
			ok = false
		}
		places[i], known[i] = n, true
	}
	if known[1] && known[2] && places[2] < places[1] && ok {
		s.Error(2, "reversed-places", fmt.Sprintf("the end %d comes before the start %d", places[2], places[1]), "the third argument is a place, not a length")
		ok = false
	}
	if !ok {
		return nil
	}
	return func(_ *expr.Env, args []event.Value) (event.Value, error) {
		from, ok := args[1].Int()
		to, ok2 := int64(math.MaxInt64), true
		if len(args) > 2 {
			to, ok2 = args[2].Int()
		}
		if !ok || !ok2 {
			return event.Value{}, fmt.Errorf("a place is no number")
		}
		return event.Text(substring(args[0].Str(), from, to)), nil
	}
}

// substring is the text between two places in UTF-16 code units; empty when
// they are out of range.
func substring(s string, from, to int64) string {
	if from < 0 || to < from || from >= int64(len(s)) {
		return ""
	}
	to = min(to, int64(len(s))) // code units are never more than bytes
	return slice16(s, int(from), int(to))
}
