package fn

import (
	"encoding/json"
	"math"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// SIEMFunction is a function of Cloud SIEM expressions. A null argument makes the
// result null unless it has Nulls, and a result that is no finite number is null.
// Source: ../shared/spec/cloud-siem.md, sections 4.3 and 4.8, and R37 of 18.
type SIEMFunction struct {
	Name     string // as log search names it where it has the function
	Min, Max int    // arguments
	Nulls    bool   // has a meaning for null arguments
	Within   bool   // the result, letter case aside, stands word for word in the first argument
	Text     bool   // the result is text
	Fn       func(env *expr.Env, args []event.Value) (event.Value, error)
}

// SIEM finds a function by its name or another one that it has, in any letter
// case; it is nil if there is none.
func SIEM(name string) *SIEMFunction { return siemFunctions()[strings.ToLower(name)] }

// SIEMNames are all names of functions, sorted.
var SIEMNames = sync.OnceValue(func() (names []string) {
	for _, row := range siemTable {
		names = append(names, strings.Fields(row.names)...)
	}
	slices.Sort(names)
	return names
})

// siemTable is the dialect: each function by all its names, and what it does where
// that is not what the first of them does in log search.
var siemTable = []struct {
	names    string
	min, max int
	SIEMFunction
}{
	{"toLowerCase lower", 1, 1, SIEMFunction{Text: true}},
	{"toUpperCase upper", 1, 1, SIEMFunction{Text: true}},
	{"trim", 1, 1, SIEMFunction{Text: true}},
	{"toString", 1, 1, SIEMFunction{Text: true, Within: true}},
	{"length", 1, 1, SIEMFunction{}},
	// In log search null is the empty text; here it makes the whole null.
	{"concat", 1, math.MaxInt, SIEMFunction{Text: true, Fn: concat}},
	{"contains", 2, 2, SIEMFunction{}},
	{"substring", 2, 3, SIEMFunction{Text: true, Within: true, Fn: func(_ *expr.Env, a []event.Value) (event.Value, error) {
		from, ok := a[1].Int()
		to, ok2 := int64(math.MaxInt64), true
		if len(a) > 2 {
			to, ok2 = a[2].Int()
		}
		if !ok || !ok2 {
			return event.Value{}, nil
		}
		return event.Text(substring(a[0].Str(), from, to)), nil
	}}},
	{"urlencode", 1, 1, SIEMFunction{Text: true}},
	{"urldecode", 1, 1, SIEMFunction{Text: true}},
	{"asciiToHex toHex", 1, 1, SIEMFunction{Text: true}},
	{"hexToAscii fromHex", 1, 1, SIEMFunction{Text: true}},
	{"base64Encode toBase64", 1, 1, SIEMFunction{Text: true}},
	{"base64Decode fromBase64", 1, 2, SIEMFunction{Text: true, Fn: func(_ *expr.Env, a []event.Value) (event.Value, error) {
		read := charsets["utf-8"]
		if len(a) > 1 {
			if read = charsets[strings.ToLower(a[1].Str())]; read == nil {
				return event.Value{}, nil
			}
		}
		return decode64(a[0], read)
	}}},
	{"luhn", 1, 1, SIEMFunction{}},

	{"isNull", 1, 1, SIEMFunction{}},
	{"isEmpty", 1, 1, SIEMFunction{}},
	{"isBlank", 1, 1, SIEMFunction{}},
	{"isNumeric", 1, 1, SIEMFunction{}},
	{"isValidIP", 1, 1, SIEMFunction{}},
	{"isValidIPv4", 1, 1, SIEMFunction{}},
	{"isValidIPv6", 1, 1, SIEMFunction{}},
	// In log search a row that has no IPv4 address leaves the stream; here what is no
	// address is neither, and IPv6 has private addresses too (RFC 4193).
	{"isPrivateIP", 1, 1, addressTest(netip.Addr.IsPrivate)},
	{"isPublicIP", 1, 1, addressTest(public)},

	{"abs", 1, 1, SIEMFunction{}}, {"ceil", 1, 1, SIEMFunction{}}, {"floor", 1, 1, SIEMFunction{}},
	{"round", 1, 2, SIEMFunction{}},
	{"sqrt", 1, 1, SIEMFunction{}}, {"cbrt", 1, 1, SIEMFunction{}},
	{"exp", 1, 1, SIEMFunction{}}, {"expm1", 1, 1, SIEMFunction{}},
	{"log", 1, 1, SIEMFunction{}}, {"log10", 1, 1, SIEMFunction{}}, {"log1p", 1, 1, SIEMFunction{}},
	{"sin", 1, 1, SIEMFunction{}}, {"cos", 1, 1, SIEMFunction{}}, {"tan", 1, 1, SIEMFunction{}},
	{"asin", 1, 1, SIEMFunction{}}, {"acos", 1, 1, SIEMFunction{}}, {"atan", 1, 1, SIEMFunction{}}, {"atan2", 2, 2, SIEMFunction{}},
	{"sinh", 1, 1, SIEMFunction{}}, {"cosh", 1, 1, SIEMFunction{}}, {"tanh", 1, 1, SIEMFunction{}},
	{"hypot", 2, 2, SIEMFunction{}},
	{"toDegrees", 1, 1, SIEMFunction{}}, {"toRadians", 1, 1, SIEMFunction{}},
	{"haversine", 4, 4, SIEMFunction{}},

	// In log search toInt cuts toward zero.
	{"toInt int", 1, 1, SIEMFunction{Fn: func(_ *expr.Env, a []event.Value) (event.Value, error) {
		if a[0].Kind() == event.Long {
			return a[0], nil
		}
		f, ok := a[0].Float()
		if !ok {
			return event.Value{}, nil
		}
		if f == math.Trunc(f) {
			return toLong(a[0]), nil // digits beyond a double's are kept
		}
		return event.Int(int64(math.Floor(f))), nil // what has a fraction is in range
	}}},
	{"toLong long", 1, 1, SIEMFunction{}},
	{"num number toFloat float toDouble double", 1, 1, SIEMFunction{}},
	{"decToHex", 1, 1, SIEMFunction{Text: true}},
	{"hexToDec", 1, 1, SIEMFunction{}},

	{"compareCIDRPrefix", 3, 3, SIEMFunction{Nulls: true, Fn: compareCIDRPrefix}},
	{"getCIDRPrefix", 2, 2, SIEMFunction{Text: true}},
	{"maskFromCIDR", 1, 1, SIEMFunction{Text: true}},
	{"ipv4ToNumber", 1, 1, SIEMFunction{}},

	// Text that is no JSON array is an array of one; log search takes it for none.
	{"jsonArrayContains array_contains", 2, 2, SIEMFunction{Nulls: true, Fn: func(_ *expr.Env, a []event.Value) (event.Value, error) {
		return event.Bool(!a[1].IsNull() && slices.Contains(elements(a[0]), a[1].Str())), nil
	}}},
	{"jsonArraySize size", 1, 1, SIEMFunction{Nulls: true, Fn: func(_ *expr.Env, a []event.Value) (event.Value, error) {
		if a[0].IsNull() {
			return event.Int(-1), nil
		}
		return event.Int(int64(len(elements(a[0])))), nil
	}}},
}

var siemFunctions = sync.OnceValue(func() map[string]*SIEMFunction {
	search := map[string]*lang.Function{}
	for _, f := range words.Functions {
		search[f.Name] = f
	}
	all := map[string]*SIEMFunction{}
	for i := range siemTable {
		row := &siemTable[i]
		names := strings.Fields(row.names)
		f := row.SIEMFunction
		f.Name, f.Min, f.Max = names[0], row.min, row.max
		if f.Fn == nil {
			same := search[names[0]]
			f.Nulls, f.Within = same.Nulls, f.Within || same.Within
			f.Fn = same.Call
			if same.Map != nil {
				f.Fn = func(_ *expr.Env, a []event.Value) (event.Value, error) { return same.Map(a[0]), nil }
			}
		}
		fn := f.Fn
		f.Fn = func(env *expr.Env, args []event.Value) (event.Value, error) {
			v, err := fn(env, args)
			if v.Kind() == event.Double {
				if x, _ := v.Float(); math.IsNaN(x) || math.IsInf(x, 0) {
					return event.Value{}, err
				}
			}
			return v, err
		}
		for _, n := range names {
			all[strings.ToLower(n)] = &f
		}
	}
	return all
})

// elements are those of a JSON array as text, null and text otherwise being arrays
// of none and one.
func elements(v event.Value) (all []string) {
	if v.IsNull() {
		return nil
	}
	raws, ok := array(v)
	if !ok {
		return []string{v.Str()}
	}
	for _, raw := range raws {
		all = append(all, elementText(raw))
	}
	return all
}

// ListsContain reports whether a record's listMatches, an array, has a list. Blanks
// and underscores in names are the same (2.6).
func ListsContain(_ *expr.Env, args []event.Value) (event.Value, error) {
	if args[1].IsNull() {
		return event.Bool(false), nil
	}
	spell := func(s string) string { return strings.ReplaceAll(s, " ", "_") }
	want := spell(args[1].Str())
	return event.Bool(slices.ContainsFunc(elements(args[0]), func(s string) bool { return spell(s) == want })), nil
}

func addressTest(ok func(netip.Addr) bool) SIEMFunction {
	return SIEMFunction{Fn: func(_ *expr.Env, a []event.Value) (event.Value, error) {
		ip, err := netip.ParseAddr(trimSpace(a[0].Str()))
		return event.Bool(err == nil && ok(ip.Unmap())), nil
	}}
}

func public(a netip.Addr) bool {
	if a.Is4() {
		return !within(a, private) && !within(a, reserved)
	}
	return a.IsGlobalUnicast() && !a.IsPrivate() && !documentation.Contains(a)
}

// documentation is the network of RFC 3849.
var documentation = netip.MustParsePrefix("2001:db8::/32")

// Part is v[key]: of a JSON array the element of a number, counted from 0, and of a
// JSON object the member of a name. Text that is no array is an array of one (4.7).
// What is not there is null.
func Part(v, key event.Value) event.Value {
	if v.IsNull() || key.IsNull() {
		return event.Value{}
	}
	if !key.IsNumber() {
		var object map[string]json.RawMessage
		if json.Unmarshal([]byte(v.Str()), &object) != nil {
			return event.Value{}
		}
		return partValue(object[key.Str()])
	}
	i, ok := wholeOf(key)
	raws, is := array(v)
	switch {
	case !ok || i < 0 || is && i >= int64(len(raws)) || !is && i > 0:
		return event.Value{}
	case !is:
		return v
	}
	return partValue(raws[i])
}

func partValue(raw json.RawMessage) event.Value {
	switch {
	case len(raw) == 0 || string(raw) == "null":
		return event.Value{}
	case raw[0] == '[':
		return event.List(string(raw))
	}
	return event.Text(elementText(raw))
}

// Members are the texts of what a JSON object or array holds.
func Members(v event.Value) (all []string) {
	var object map[string]json.RawMessage
	if json.Unmarshal([]byte(v.Str()), &object) != nil {
		return elements(v)
	}
	for _, raw := range object {
		all = append(all, elements(partValue(raw))...) // a header that stands twice is an array
	}
	return all
}
