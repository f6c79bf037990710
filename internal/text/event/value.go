package event

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Kind is the type of a Value. Arrays and maps do not exist in the language;
// JSON values are held as text.
type Kind uint8

const (
	Null    Kind = iota // missing and null are one thing (spec B.2)
	String              // everything that was parsed or came as metadata
	Long                // whole numbers: counts, times in ms, ids
	Double              // results of arithmetic
	Boolean             //
	Date                // ms since the epoch, made by fromMillis and read by formatDate
	Dropped             // not a value: the row it is computed for leaves the stream (spec B.10, isPrivateIP and others)
)

func (k Kind) String() string {
	return [...]string{"null", "string", "long", "double", "boolean", "date", "dropped"}[min(k, Dropped)]
}

// Value is one field of one event. The zero Value is null. Its text may point
// into memory that its batch only lends: Clone it to keep it.
type Value struct {
	kind Kind
	num  uint64 // of a String: 1 for a List
	str  string // of a Long or Double: how it is written where that is not its own form
}

// Drop is the value of an expression that removes its row.
var Drop = Value{kind: Dropped}

func Text(s string) Value { return Value{kind: String, str: s} }

// List is a field that has several values, written as a JSON array. To the query
// language it is that text; a Sigma rule looks at each value of it.
func List(array string) Value { return Value{kind: String, num: 1, str: array} }

// IsList reports whether v was made by List.
func (v Value) IsList() bool { return v.kind == String && v.num != 0 }

func Int(i int64) Value      { return Value{kind: Long, num: uint64(i)} }
func Float(f float64) Value  { return Value{kind: Double, num: math.Float64bits(f)} }
func Millis(ms int64) Value  { return Value{kind: Date, num: uint64(ms)} }
func (v Value) Kind() Kind   { return v.kind }
func (v Value) IsNull() bool { return v.kind == Null }

// IsDrop reports whether v removes its row.
func (v Value) IsDrop() bool { return v.kind == Dropped }

// IsNumber reports whether v is a number without any cast.
func (v Value) IsNumber() bool { return v.kind == Long || v.kind == Double || v.kind == Date }

// Bool makes a boolean.
func Bool(b bool) Value {
	if b {
		return Value{kind: Boolean, num: 1}
	}
	return Value{kind: Boolean}
}

// Clone returns v with text of its own.
func (v Value) Clone() Value {
	v.str = strings.Clone(v.str)
	return v
}

// Str is the text of a String without a copy, and the text form of anything else.
func (v Value) Str() string {
	if v.kind == String {
		return v.str
	}
	return v.String()
}

// String is the text form of v: whole numbers without decimals, doubles in the
// shortest decimal form without ".0", "" for null (spec B.1).
func (v Value) String() string {
	switch v.kind {
	case String:
		return v.str
	case Null, Dropped:
		return ""
	case Boolean:
		return strconv.FormatBool(v.num != 0)
	}
	return string(v.AppendText(nil))
}

// AppendText appends the text form of v to dst.
func (v Value) AppendText(dst []byte) []byte {
	if v.str != "" {
		return append(dst, v.str...)
	}
	switch v.kind {
	case Long, Date:
		return strconv.AppendInt(dst, int64(v.num), 10)
	case Double:
		switch f := math.Float64frombits(v.num); {
		case math.IsNaN(f):
			return append(dst, "NaN"...)
		case math.IsInf(f, 1):
			return append(dst, "Infinity"...)
		case math.IsInf(f, -1):
			return append(dst, "-Infinity"...)
		case f == 0:
			return append(dst, '0')
		default:
			return strconv.AppendFloat(dst, f, 'f', -1, 64)
		}
	case Boolean:
		return strconv.AppendBool(dst, v.num != 0)
	}
	return dst
}

// Float casts v to a number: text is parsed as a decimal number, white space
// around it trimmed (spec B.3). ok is false for null and for text that is no number.
func (v Value) Float() (f float64, ok bool) {
	switch v.kind {
	case Long, Date:
		return float64(int64(v.num)), true
	case Double:
		return math.Float64frombits(v.num), true
	case Boolean:
		return float64(v.num), true
	case String:
		return ParseNumber(v.str)
	}
	return 0, false
}

// Int casts v to a whole number, cutting toward zero. ok is as for Float.
func (v Value) Int() (i int64, ok bool) {
	switch v.kind {
	case Long, Date, Boolean:
		return int64(v.num), true
	}
	if v.str != "" {
		if i, err := strconv.ParseInt(strings.TrimSpace(v.str), 10, 64); err == nil {
			return i, true
		}
	}
	f, ok := v.Float()
	if !ok || math.IsNaN(f) {
		return 0, false
	}
	switch {
	case f >= math.MaxInt64:
		return math.MaxInt64, true
	case f <= math.MinInt64:
		return math.MinInt64, true
	}
	return int64(f), true
}

// True is the value of v in a boolean context (spec B.3, 8): true, a number
// that is not zero, the text "true" in any case. Null is false.
func (v Value) True() bool {
	switch v.kind {
	case Boolean, Long:
		return v.num != 0
	case Double:
		f := math.Float64frombits(v.num)
		return f != 0 && !math.IsNaN(f)
	case String:
		return len(v.str) == 4 && strings.EqualFold(v.str, "true")
	}
	return false
}

// ParseNumber reads a decimal number as Java's Double.parseDouble reads those
// that logs hold: sign, digits, point, exponent, NaN and Infinity. Hexadecimal
// and underscores, which Go would take, are refused.
func ParseNumber(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	if s == "" {
		return 0, false
	}
	if len(s) < 16 { // the common case, without strconv's generality
		n, neg, i := int64(0), false, 0
		if s[0] == '-' || s[0] == '+' {
			neg, i = s[0] == '-', 1
		}
		start := i
		for ; i < len(s) && s[i]-'0' < 10; i++ {
			n = n*10 + int64(s[i]-'0')
		}
		if i == len(s) && i > start {
			if neg {
				return -float64(n), true
			}
			return float64(n), true
		}
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c-'0' < 10, c == '.', c == '-', c == '+', c == 'e', c == 'E':
		case s == "NaN" || s == "Infinity" || s == "-Infinity" || s == "+Infinity":
			f, _ := strconv.ParseFloat(strings.Replace(s, "Infinity", "Inf", 1), 64)
			return f, true
		default:
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return 0, false
	}
	return f, true
}

// Compare orders two values as sort does, without any cast (spec B.3, 5):
// numbers by size, NaN after all of them, then booleans, then text by code
// point, and null after everything. It is a total order. A caller that turns
// the order round keeps null last itself.
func Compare(a, b Value) int {
	if a.kind == String && b.kind == String {
		return strings.Compare(a.str, b.str)
	}
	if x, y := a.rank(), b.rank(); x != y {
		return x - y
	}
	switch {
	case a.kind == Long && b.kind == Long:
		return order(int64(a.num), int64(b.num))
	case a.kind == Boolean:
		return order(a.num, b.num)
	case a.IsNumber():
		c, ok := CompareNumbers(a, b)
		if !ok {
			return order(b2i(a.isNaN()), b2i(b.isNaN()))
		}
		return c
	}
	return 0
}

func (v Value) isNaN() bool { return v.kind == Double && math.IsNaN(math.Float64frombits(v.num)) }

// exactMax is up to where doubles are all the whole numbers there are.
const exactMax = 1 << 53

// CompareNumbers orders two values by size, text cast as by Float. Whole numbers
// are compared exactly, however large; others as doubles. ok is false where one is
// no number, or NaN.
func CompareNumbers(a, b Value) (c int, ok bool) {
	if a.kind == Long && b.kind == Long {
		return order(int64(a.num), int64(b.num)), true
	}
	x, ok := a.Float()
	y, ok2 := b.Float()
	switch {
	case !ok || !ok2 || math.IsNaN(x) || math.IsNaN(y):
		return 0, false
	case x < y: // what is less after rounding was less before
		return -1, true
	case x > y:
		return 1, true
	case math.Abs(x) < exactMax || math.IsInf(x, 0):
		return 0, true
	}
	i, j := a.rational(), b.rational()
	if i == nil || j == nil {
		return 0, true
	}
	return i.Cmp(j), true
}

// rational is a finite number of exactMax or more, all digits that are written of
// it; nil where these are more than any double has. With an exponent it is a double.
func (v Value) rational() *big.Rat {
	switch {
	case v.str != "":
		text := strings.TrimSpace(v.str)
		if strings.ContainsAny(text, "eE") {
			f, _ := v.Float()
			return new(big.Rat).SetFloat64(f)
		}
		if len(text) <= digitsMax {
			if r, ok := new(big.Rat).SetString(text); ok {
				return r
			}
		}
		return nil
	case v.kind == Double:
		return new(big.Rat).SetFloat64(math.Float64frombits(v.num))
	}
	return new(big.Rat).SetInt64(int64(v.num))
}

// digitsMax is how long the text of a number is at most that is compared exactly:
// the largest double has 309 digits.
const digitsMax = 400

// Number makes a value of a number as JSON writes it, and keeps how it is written:
// 18446744073709551615 and 1.10 are printed so. Whole numbers of 64 bits are Longs.
func Number(text string) Value {
	if !strings.ContainsAny(text, ".eE") {
		if i, err := strconv.ParseInt(text, 10, 64); err == nil {
			return Int(i).written(text)
		}
	}
	f, ok := ParseNumber(text)
	if !ok {
		return Value{}
	}
	if v := Float(f); math.Abs(f) < exactMax {
		return v.written(text)
	}
	return Value{kind: Double, num: math.Float64bits(f), str: text}
}

// written is the number v in a writing of its own.
func (v Value) written(text string) Value {
	var own [32]byte
	if string(v.AppendText(own[:0])) != text {
		v.str = text
	}
	return v
}

// ToDouble casts v to a Double. A large whole number keeps its digits.
// ok is as for Float.
func (v Value) ToDouble() (d Value, ok bool) {
	f, ok := v.Float()
	if !ok {
		return Value{}, false
	}
	if v.kind == Double {
		return v, true
	}
	d = Float(f)
	if math.Abs(f) >= exactMax && !math.IsInf(f, 0) && !strings.ContainsAny(v.str, "eE") {
		if r := v.rational(); r != nil && r.IsInt() {
			d.str = r.Num().String()
		}
	}
	return d, true
}

// rank is the place of a value's kind in the order of Compare.
func (v Value) rank() int {
	switch v.kind {
	case Long, Double, Date:
		return 0
	case Boolean:
		return 1
	case String:
		return 2
	}
	return 3
}

func b2i(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func order[T int64 | uint64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// Parts are what FromParts takes back: the kind, its bits, and its text, which is
// "" for most numbers.
func (v Value) Parts() (k Kind, bits uint64, text string) { return v.kind, v.num, v.str }

// FromParts makes a value of its Parts.
func FromParts(k Kind, bits uint64, text string) Value { return Value{kind: k, num: bits, str: text} }
