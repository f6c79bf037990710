package fn

import (
	"fmt"
	"math"
	"strconv"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "round", Usage: "round(<x:expr>[, <places:expr>])",
		Summary: "x rounded to a number of decimal places, none by default.",
		Text: "A tie goes away from zero. What is rounded is the number as it is written: 1.005 to two places is 1.01. " +
			"A negative number of places rounds before the point. Text is cast; text that is no number gives null.",
		Differs:  "Ties away from zero, and decimal rather than binary rounding, are our reading.",
		Examples: lang.Calls(`round(1.5)`, `2`, `round(-2.5)`, `-3`, `round(1.549, 2)`, `1.55`, `round(1.005, 2)`, `1.01`, `round(1234, -2)`, `1200`),
	},
	Call: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		x, ok := args[0].Float()
		if !ok {
			return event.Value{}, nil
		}
		places := int64(0)
		if len(args) > 1 {
			if places, ok = args[1].Int(); !ok {
				return event.Value{}, fmt.Errorf("the number of places %q is no number", args[1].Str())
			}
		}
		return event.Float(round(x, int(min(max(places, -400), 400)))), nil
	},
})

// powers are the powers of ten that doubles hold exactly.
var powers = [...]float64{1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22}

func round(x float64, places int) float64 {
	switch {
	case math.IsNaN(x), math.IsInf(x, 0):
		return x
	case places == 0:
		return math.Round(x)
	case places > 0 && places < len(powers):
		// Away from ties the product is near enough to tell which way to go, and
		// one division of exact numbers gives the double nearest to the decimal.
		y := math.Abs(x) * powers[places]
		if whole := math.Floor(y); y < 1<<40 && math.Abs(y-whole-0.5) > 1e-3 {
			if y-whole > 0.5 {
				whole++
			}
			return math.Copysign(whole/powers[places], x)
		}
	}
	var buf [32]byte
	d := decimalOf(x, buf[:])
	d.round(places)
	if len(d.digits) == 0 {
		return math.Copysign(0, x)
	}
	var text [48]byte
	s := append(append(text[:0], "0."...), d.digits...)
	s = strconv.AppendInt(append(s, 'e'), int64(d.exp), 10)
	f, _ := strconv.ParseFloat(string(s), 64) // beyond the range it is Infinity, as wanted
	return math.Copysign(f, x)
}
