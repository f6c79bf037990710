package rule

import (
	"math"
	"net/netip"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// siemFunction is a function: its arguments, and what it makes of them. With
// nulls it is called for null arguments too; otherwise they make it null.
type siemFunction struct {
	min, max int
	nulls    bool
	within   bool // the result, letter case aside, stands in the first argument
	fn       func(args []event.Value) event.Value
}

var siemFunctions = func() map[string]siemFunction {
	text := func(f func(string) string) func([]event.Value) event.Value {
		return func(a []event.Value) event.Value { return event.Text(f(a[0].Str())) }
	}
	test := func(f func(string) bool) func([]event.Value) event.Value {
		return func(a []event.Value) event.Value { return event.Bool(f(a[0].Str())) }
	}
	float := func(f func(float64) float64) func([]event.Value) event.Value {
		return func(a []event.Value) event.Value {
			n, ok := number(a[0])
			if r := f(n); ok && !math.IsNaN(r) && !math.IsInf(r, 0) {
				return event.Float(r)
			}
			return event.Value{}
		}
	}
	whole := func(a []event.Value) event.Value {
		n, ok := number(a[0])
		if !ok || math.Abs(n) >= 1<<63 {
			return event.Value{}
		}
		return event.Int(int64(math.Floor(n)))
	}
	address := func(ok func(netip.Addr) bool) func(string) bool {
		return func(s string) bool {
			a, err := netip.ParseAddr(s)
			return err == nil && ok(a)
		}
	}
	fs := map[string]siemFunction{
		"lower":    {1, 1, false, true, text(strings.ToLower)},
		"upper":    {1, 1, false, true, text(strings.ToUpper)},
		"trim":     {1, 1, false, true, text(strings.TrimSpace)},
		"tostring": {1, 1, false, true, text(func(s string) string { return s })},
		"length": {1, 1, true, false, func(a []event.Value) event.Value {
			return event.Int(int64(len([]rune(a[0].Str())))) // 0 for null
		}},
		"concat": {1, 100, false, false, func(a []event.Value) event.Value {
			var b strings.Builder
			for _, v := range a {
				b.WriteString(v.Str())
			}
			return event.Text(b.String())
		}},
		"contains": {2, 2, false, false, func(a []event.Value) event.Value {
			return event.Bool(strings.Contains(a[0].Str(), a[1].Str()))
		}},
		"substring": {2, 3, false, true, func(a []event.Value) event.Value {
			r := []rune(a[0].Str())
			start, ok := number(a[1])
			end, ok2 := float64(len(r)), true
			if len(a) == 3 {
				end, ok2 = number(a[2])
			}
			if !ok || !ok2 {
				return event.Value{}
			}
			from := min(max(int(start), 0), len(r))
			return event.Text(string(r[from:max(from, min(int(end), len(r)))]))
		}},
		"isnull":  {1, 1, true, false, func(a []event.Value) event.Value { return event.Bool(a[0].IsNull()) }},
		"isempty": {1, 1, true, false, func(a []event.Value) event.Value { return event.Bool(a[0].IsNull() || a[0].Str() == "") }},
		"isblank": {1, 1, true, false, func(a []event.Value) event.Value {
			return event.Bool(a[0].IsNull() || strings.TrimSpace(a[0].Str()) == "")
		}},
		"isnumeric":   {1, 1, false, false, test(func(s string) bool { _, ok := event.ParseNumber(s); return ok })},
		"isvalidip":   {1, 1, false, false, test(address(func(netip.Addr) bool { return true }))},
		"isvalidipv4": {1, 1, false, false, test(address(netip.Addr.Is4))},
		"isvalidipv6": {1, 1, false, false, test(address(netip.Addr.Is6))},
		"isprivateip": {1, 1, false, false, test(address(netip.Addr.IsPrivate))},
		"ispublicip":  {1, 1, false, false, test(address(func(a netip.Addr) bool { return !a.IsPrivate() }))},
		"comparecidrprefix": {3, 3, false, false, func(a []event.Value) event.Value {
			x, err := netip.ParseAddr(a[0].Str())
			y, err2 := netip.ParseAddr(a[1].Str())
			bits, ok := number(a[2])
			if err != nil || err2 != nil || !ok || !x.Is4() || !y.Is4() {
				return event.Bool(false)
			}
			p, err := x.Prefix(int(bits))
			return event.Bool(err == nil && p.Contains(y))
		}},
		"array_contains": {2, 2, true, false, func(a []event.Value) event.Value {
			return event.Bool(siemHolds("=", a[0], a[1])) // a text is an array of one; null has nothing
		}},
		"size": {1, 1, true, false, func(a []event.Value) event.Value {
			if a[0].IsNull() {
				return event.Int(-1)
			}
			return event.Int(1)
		}},
		"int":   {1, 1, false, false, whole},
		"long":  {1, 1, false, false, whole},
		"num":   {1, 1, false, false, float(func(f float64) float64 { return f })},
		"abs":   {1, 1, false, false, float(math.Abs)},
		"ceil":  {1, 1, false, false, float(math.Ceil)},
		"floor": {1, 1, false, false, float(math.Floor)},
		"sqrt":  {1, 1, false, false, float(math.Sqrt)},
		"log":   {1, 1, false, false, float(math.Log)},
		"log10": {1, 1, false, false, float(math.Log10)},
		"exp":   {1, 1, false, false, float(math.Exp)},
	}
	for alias, name := range map[string]string{
		"tolowercase": "lower", "touppercase": "upper", "toint": "int", "tolong": "long", "number": "num",
		"float": "num", "double": "num", "tofloat": "num", "todouble": "num",
		"jsonarraycontains": "array_contains", "jsonarraysize": "size",
	} {
		fs[alias] = fs[name]
	}
	return fs
}()
