// Package fn holds the scalar functions: what stands in an expression, or
// before "as" in a stage of its own. Each file holds one word or a close family.
//
// Unless a function says otherwise, null in any argument gives null, numbers
// are taken as their text where text is wanted, and text is cast where a number
// is wanted; text that does not cast gives null (spec B.3, OP-8).
package fn

import (
	"fmt"
	"math"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var words lang.Words

// register adds a function to Words. It is called from variable declarations
// beside each function.
func register(f lang.Function) struct{} {
	words.Functions = append(words.Functions, &f)
	return struct{}{}
}

// Words returns the package's contribution to a vocabulary.
func Words() lang.Words { return words }

// call is the form of lang.Function.Call and of what Make returns.
type call = func(env *expr.Env, args []event.Value) (event.Value, error)

// noRegex reports /patterns/ among the arguments of a function made by Make,
// but for the one argument that may be one (-1: none). It returns whether all
// is well.
func noRegex(s *lang.Site, but int) bool {
	ok := true
	for i := range s.Args {
		if r, is := s.Regex(i); is && i != but {
			s.Error(i, "regex-out-of-place", "a regular expression stands only after matches or as the second argument of replace", "write text in quotes instead of /"+r.Pattern+"/")
			ok = false
		}
	}
	return ok
}

// longText returns the result of a function that can make text longer. Without
// a limit a few stages of concat(a, a) as a fill any memory.
func longText(s string) (event.Value, error) {
	if err := fits(len(s)); err != nil {
		return event.Value{}, err
	}
	return event.Text(s), nil
}

// fits is an error if a result of n bytes would be too long.
func fits(n int) error {
	if n > textMax {
		return fmt.Errorf("the result is longer than %d MB", textMax>>20)
	}
	return nil
}

// wholeOf casts a value to a whole number; a fraction is no whole number.
func wholeOf(v event.Value) (int64, bool) {
	f, ok := v.Float()
	if !ok || f != math.Trunc(f) || math.IsInf(f, 0) {
		return 0, false
	}
	return v.Int()
}
