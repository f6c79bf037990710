package fn

import (
	"math"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// real1 makes a function of one number. Text is cast; null, and text that is no
// number, give null.
func real1(name, summary string, fn func(float64) float64, examples ...string) struct{} {
	return register(lang.Function{
		Doc: lang.Doc{
			Name: name, Usage: name + "(<x:expr>)", Summary: summary,
			Text:     "The result is a double. Text is cast to a number; text that is none gives null.",
			Examples: lang.Calls(examples...),
		},
		Map: func(v event.Value) event.Value {
			f, ok := v.Float()
			if !ok {
				return event.Value{}
			}
			return event.Float(fn(f))
		},
	})
}

// real2 is real1 for two numbers.
func real2(name, usage, summary string, fn func(a, b float64) float64, examples ...string) struct{} {
	return register(lang.Function{
		Doc: lang.Doc{
			Name: name, Usage: usage, Summary: summary,
			Text:     "The result is a double. Text is cast to a number; text that is none gives null.",
			Examples: lang.Calls(examples...),
		},
		Call: func(_ *expr.Env, args []event.Value) (event.Value, error) {
			a, ok := args[0].Float()
			b, ok2 := args[1].Float()
			if !ok || !ok2 {
				return event.Value{}, nil
			}
			return event.Float(fn(a, b)), nil
		},
	})
}

var (
	_ = real1("abs", "The size of x, without its sign.", math.Abs, `abs(-1.5)`, `1.5`, `abs("x")`, `null`)
	_ = real1("ceil", "The smallest whole number that is not below x.", math.Ceil, `ceil(1.5)`, `2`, `ceil(-1.5)`, `-1`)
	_ = real1("floor", "The greatest whole number that is not above x.", math.Floor, `floor(1.5)`, `1`, `floor(-1.5)`, `-2`)
	_ = real1("sqrt", "The square root of x; NaN when x is negative.", math.Sqrt, `sqrt(4)`, `2`, `isNaN(sqrt(-1))`, `true`)
	_ = real1("cbrt", "The cube root of x.", math.Cbrt, `cbrt(8)`, `2`)
	_ = real1("exp", "e to the power of x.", math.Exp, `exp(1)`, `2.718281828459045`)
	_ = real1("expm1", "exp(x) - 1, exact for small x.", math.Expm1, `expm1(0.1)`, `0.10517091807564763`)
	_ = real1("log", "The natural logarithm of x.", math.Log, `log(2)`, `0.6931471805599453`)
	_ = real1("log10", "The logarithm of x to base 10.", math.Log10, `log10(2)`, `0.3010299956639812`)
	_ = real1("log1p", "log(1 + x), exact for small x.", math.Log1p, `log1p(0.1)`, `0.09531017980432487`)
	_ = real1("sin", "The sine of x, an angle in radians.", math.Sin, `sin(1)`, `0.8414709848078965`)
	_ = real1("cos", "The cosine of x, an angle in radians.", math.Cos, `cos(1)`, `0.5403023058681398`)
	_ = real1("tan", "The tangent of x, an angle in radians.", math.Tan, `tan(1)`, `1.5574077246549023`)
	_ = real1("asin", "The angle in radians whose sine is x; NaN beyond -1 to 1.", math.Asin, `asin(1)`, `1.5707963267948966`)
	_ = real1("acos", "The angle in radians whose cosine is x; NaN beyond -1 to 1.", math.Acos, `acos(1)`, `0`)
	_ = real1("atan", "The angle in radians whose tangent is x.", math.Atan, `atan(1)`, `0.7853981633974483`)
	_ = real1("sinh", "The hyperbolic sine of x.", math.Sinh, `sinh(1)`, `1.1752011936438014`)
	_ = real1("cosh", "The hyperbolic cosine of x.", math.Cosh, `cosh(1)`, `1.5430806348152437`)
	_ = real1("tanh", "The hyperbolic tangent of x.", math.Tanh, `tanh(1)`, `0.7615941559557649`)
	_ = real1("toDegrees", "x, an angle in radians, in degrees.", func(x float64) float64 { return x * (180 / math.Pi) }, `toDegrees(asin(1))`, `90`)
	_ = real1("toRadians", "x, an angle in degrees, in radians.", func(x float64) float64 { return x * (math.Pi / 180) }, `toRadians(180)`, `3.141592653589793`)

	_ = real2("atan2", "atan2(<y:expr>, <x:expr>)", "The angle in radians of the point (x, y).", math.Atan2, `atan2(0, -1)`, `3.141592653589793`)
	_ = real2("hypot", "hypot(<a:expr>, <b:expr>)", "The length of the hypotenuse over a and b.", math.Hypot, `hypot(3, 4)`, `5`, `hypot(1, 0)`, `1`)
	_ = real2("pow", "pow(<x:expr>, <y:expr>)", "x to the power of y.", math.Pow, `pow(2, 8)`, `256`)
	_ = real2("max", "max(<a:expr>, <b:expr>)", "The greater of two numbers. With one argument, after a pipe, it is the group function.", math.Max, `max(1, 2)`, `2`, `max("10", "9")`, `10`)
	_ = real2("min", "min(<a:expr>, <b:expr>)", "The smaller of two numbers. With one argument, after a pipe, it is the group function.", math.Min, `min(1, 2)`, `1`, `min((40 / 10 + 1) * 10, 70)`, `50`)
)
