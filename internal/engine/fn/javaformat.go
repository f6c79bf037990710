package fn

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// layout is a pattern of Java's String.format, read.
type layout struct {
	parts []conversion
	args  int // how many arguments it needs
}

// conversion is literal text, or a % with what belongs to it.
type conversion struct {
	text  string // literal; the conversion as written otherwise
	arg   int    // from 0; noArg for literals
	verb  byte   // lower case
	upper bool
	flags flags
	width int // 0 is none
	prec  int // -1 is none
}

const noArg = -1

type flags uint8

const (
	left  flags = 1 << iota // -
	plus                    // +
	gap                     // space
	zero                    // 0
	comma                   // ,
	paren                   // (
	sharp                   // #
)

const flagChars = "-+ 0,(#"

func (f flags) has(o flags) bool { return f&o != 0 }

// allowed are the flags each conversion takes, as Java has them for whole
// numbers and doubles.
var allowed = map[byte]flags{
	's': left, 'b': left, 'c': left, '%': left, 'n': 0,
	'd': left | plus | gap | zero | comma | paren,
	'x': left | zero | sharp, 'o': left | zero | sharp,
	'f': left | plus | gap | zero | comma | paren | sharp,
	'e': left | plus | gap | zero | paren | sharp,
	'g': left | plus | gap | zero | comma | paren,
}

// parseLayout reads a pattern.
func parseLayout(pattern string) (*layout, error) {
	l := &layout{}
	next, last := 0, noArg
	for i := 0; i < len(pattern); {
		j := strings.IndexByte(pattern[i:], '%')
		if j < 0 {
			j = len(pattern) - i
		}
		if j > 0 {
			l.parts = append(l.parts, conversion{text: pattern[i : i+j], arg: noArg})
			i += j
			continue
		}
		c, again, n, err := parseConversion(pattern[i:])
		if err != nil {
			return nil, err
		}
		i += n
		switch {
		case c.verb == '%':
			c.text, c.verb = pad("%", c.width, c.flags), 0
		case c.verb == 'n':
			c.text, c.verb = "\n", 0
		case again && last == noArg:
			return nil, fmt.Errorf("%s takes the argument of the conversion before it, and there is none", c.text)
		case again:
			c.arg = last
		case c.arg == noArg:
			c.arg, next = next, next+1
		}
		if c.verb != 0 {
			last = c.arg
			l.args = max(l.args, c.arg+1)
		}
		l.parts = append(l.parts, c)
	}
	return l, nil
}

// parseConversion reads one conversion at the start of s and returns how long
// it is; again says that it takes the argument of the one before.
func parseConversion(s string) (c conversion, again bool, n int, err error) {
	c.arg, c.prec = noArg, -1
	i := 1
	if d := span(s[i:], isDigit); d > 0 && i+d < len(s) && s[i+d] == '$' && s[i] != '0' {
		v, err := smallNumber(s[i:i+d], concatMax, "argument")
		if err != nil {
			return c, false, 0, err
		}
		c.arg, i = v-1, i+d+1
	} else if i < len(s) && s[i] == '<' {
		again, i = true, i+1
	}
	for ; i < len(s); i++ {
		f := strings.IndexByte(flagChars, s[i])
		if f < 0 {
			break
		}
		if c.flags.has(1 << f) {
			return c, false, 0, fmt.Errorf("the flag %q stands twice in %s", s[i], s[:i+1])
		}
		c.flags |= 1 << f
	}
	if d := span(s[i:], isDigit); d > 0 {
		if c.width, err = smallNumber(s[i:i+d], widthMax, "width"); err != nil {
			return c, false, 0, err
		}
		i += d
	}
	if i < len(s) && s[i] == '.' {
		d := span(s[i+1:], isDigit)
		if d == 0 {
			return c, false, 0, fmt.Errorf("a precision is missing after %s", s[:i+1])
		}
		if c.prec, err = smallNumber(s[i+1:i+1+d], widthMax, "precision"); err != nil {
			return c, false, 0, err
		}
		i += 1 + d
	}
	if i == len(s) {
		return c, false, 0, fmt.Errorf("the conversion %s is cut off; a percent sign is written %%%%", s)
	}
	_, size := utf8.DecodeRuneInString(s[i:])
	c.text, n = s[:i+size], i+size
	c.verb = s[i]
	if strings.IndexByte("SBCXEG", c.verb) >= 0 {
		c.verb, c.upper = c.verb|0x20, true
	}
	return c, again, n, c.check()
}

// check refuses what Java refuses in a conversion.
func (c *conversion) check() error {
	ok, known := allowed[c.verb]
	switch {
	case c.verb == 't' || c.verb == 'T':
		return fmt.Errorf("%s formats a date; use formatDate for that", c.text)
	case !known:
		return fmt.Errorf("there is no conversion %s; a percent sign is written %%%%", c.text)
	case c.flags&^ok != 0:
		bad := ""
		for i := range flagChars {
			if (c.flags &^ ok).has(1 << i) {
				bad = flagChars[i : i+1]
				break
			}
		}
		return fmt.Errorf("%s does not take the flag %q", c.text, bad)
	case c.prec >= 0 && strings.IndexByte("cdxo%n", c.verb) >= 0:
		return fmt.Errorf("%s does not take a precision", c.text)
	case c.verb == 'n' && c.width > 0:
		return fmt.Errorf("%s does not take a width", c.text)
	case c.flags.has(left) && c.flags.has(zero):
		return fmt.Errorf("%s has both the flags - and 0", c.text)
	case c.flags.has(plus) && c.flags.has(gap):
		return fmt.Errorf("%s has both the flags + and space", c.text)
	case c.flags.has(left|zero) && c.width == 0:
		return fmt.Errorf("%s pads, and wants a width", c.text)
	}
	return nil
}

func smallNumber(digits string, most int, what string) (int, error) {
	v, err := strconv.Atoi(digits)
	if err != nil || v > most {
		return 0, fmt.Errorf("the %s %s is more than %d", what, digits, most)
	}
	return v, nil
}

// badArgument is an argument that a conversion cannot show.
type badArgument struct {
	conv  *conversion
	value event.Value
	why   string
}

func (e *badArgument) Error() string {
	if e.value.IsNull() {
		return fmt.Sprintf("%s: argument %d is null", e.conv.text, e.conv.arg+1)
	}
	return fmt.Sprintf("%s: %q is %s", e.conv.text, e.value.Str(), e.why)
}

// format fills the pattern in. drop says that the row goes: hexadecimal of what
// is no number does that (documented by Sumo Logic).
func (l *layout) format(args []event.Value) (text string, drop bool, err error) {
	var room [256]byte
	dst := room[:0]
	for i := range l.parts {
		c := &l.parts[i]
		if c.verb == 0 {
			dst = append(dst, c.text...)
		} else if c.arg >= len(args) {
			return "", false, fmt.Errorf("%s wants argument %d, and there are %d", c.text, c.arg+1, len(args))
		} else {
			v := args[c.arg]
			if (c.verb == 'x' || c.verb == 'o') && !v.IsNull() && !v.IsNumber() {
				return "", true, nil
			}
			if dst, err = c.append(dst, v); err != nil {
				return "", false, err
			}
		}
		if err := fits(len(dst)); err != nil {
			return "", false, err
		}
	}
	return string(dst), false, nil
}

func (c *conversion) append(dst []byte, v event.Value) ([]byte, error) {
	if v.IsNull() {
		return nil, &badArgument{c, v, ""}
	}
	switch c.verb {
	case 's':
		return c.appendText(dst, v.Str()), nil
	case 'b':
		// As in Java, what is no boolean is true because it is there.
		return c.appendText(dst, strconv.FormatBool(v.Kind() != event.Boolean || v.True())), nil
	case 'c':
		s, ok := character(v)
		if !ok {
			return nil, &badArgument{c, v, "no character"}
		}
		return c.appendText(dst, s), nil
	case 'd':
		neg, digits, ok := wholeDigits(v)
		if !ok {
			return nil, &badArgument{c, v, "no whole number"}
		}
		return c.appendNumber(dst, neg, digits), nil
	case 'x', 'o':
		i, ok := wholeOf(v)
		if !ok {
			return nil, &badArgument{c, v, "no whole number"}
		}
		return c.appendBits(dst, uint64(i)), nil
	}
	f, ok := v.Float()
	if !ok || v.Kind() == event.Boolean {
		return nil, &badArgument{c, v, "no number"}
	}
	return c.appendFloat(dst, f), nil
}

// appendText appends text cut to the precision and padded to the width, which
// count UTF-16 code units.
func (c *conversion) appendText(dst []byte, s string) []byte {
	if c.prec >= 0 && c.prec < len(s) {
		s = slice16(s, 0, c.prec)
	}
	if c.upper {
		s = strings.ToUpper(s)
	}
	return append(dst, pad(s, c.width, c.flags)...)
}

func pad(s string, width int, f flags) string {
	missing := 0
	if width > 0 {
		missing = width - length16(s)
	}
	switch {
	case missing <= 0:
		return s
	case f.has(left):
		return s + strings.Repeat(" ", missing)
	}
	return strings.Repeat(" ", missing) + s
}

// character is the one character of a text, or that of a code point.
func character(v event.Value) (string, bool) {
	if v.IsNumber() {
		i, ok := wholeOf(v)
		if !ok || i < 0 || i > utf8.MaxRune {
			return "", false
		}
		return string(rune(i)), true
	}
	s := v.Str()
	return s, utf8.RuneCountInString(s) == 1
}

// wholeDigits casts a value to a whole number of any size. A double that is
// whole is one (OP-57).
func wholeDigits(v event.Value) (neg bool, digits string, ok bool) {
	var text string
	switch v.Kind() {
	case event.Boolean:
		return false, "", false
	case event.Long, event.Date:
		text = v.String()
	default:
		if i, err := strconv.ParseInt(trimSpace(v.Str()), 10, 64); err == nil {
			text = strconv.FormatInt(i, 10)
			break
		}
		f, ok := v.Float()
		if !ok || f != math.Trunc(f) || math.IsInf(f, 0) {
			return false, "", false
		}
		text = strconv.FormatFloat(f+0, 'f', 0, 64)
	}
	digits, neg = strings.CutPrefix(text, "-")
	return neg, digits, true
}

// appendNumber appends a decimal number with its sign, grouping and padding.
func (c *conversion) appendNumber(dst []byte, neg bool, digits string) []byte {
	var sign, end string
	switch {
	case neg && c.flags.has(paren):
		sign, end = "(", ")"
	case neg:
		sign = "-"
	case c.flags.has(plus):
		sign = "+"
	case c.flags.has(gap):
		sign = " "
	}
	if c.flags.has(comma) {
		digits = group(digits)
	}
	if c.flags.has(zero) {
		if missing := c.width - len(sign) - len(digits) - len(end); missing > 0 {
			digits = strings.Repeat("0", missing) + digits
		}
	}
	s := sign + digits + end
	if c.upper {
		s = strings.ToUpper(s)
	}
	return append(dst, pad(s, c.width, c.flags)...)
}

// group puts a comma before every three digits in front of the point.
func group(s string) string {
	n := span(s, isDigit)
	var out []byte
	for i := range n {
		if i > 0 && (n-i)%3 == 0 {
			out = append(out, ',')
		}
		out = append(out, s[i])
	}
	return string(out) + s[n:]
}

// appendBits appends a number in base 16 or 8, as its 64 bits.
func (c *conversion) appendBits(dst []byte, u uint64) []byte {
	prefix, base := "0x", 16
	if c.verb == 'o' {
		prefix, base = "0", 8
	}
	if !c.flags.has(sharp) {
		prefix = ""
	}
	digits := strconv.FormatUint(u, base)
	if c.flags.has(zero) {
		if missing := c.width - len(prefix) - len(digits); missing > 0 {
			digits = strings.Repeat("0", missing) + digits
		}
	}
	s := prefix + digits
	if c.upper {
		s = strings.ToUpper(s)
	}
	return append(dst, pad(s, c.width, c.flags)...)
}

func (c *conversion) appendFloat(dst []byte, f float64) []byte {
	if math.IsNaN(f) {
		nan := "NaN"
		if c.upper {
			nan = "NAN"
		}
		return append(dst, pad(nan, c.width, c.flags)...)
	}
	neg := math.Signbit(f)
	if math.IsInf(f, 0) {
		plain := *c
		plain.flags &^= zero | comma
		plain.upper = c.upper
		return plain.appendNumber(dst, neg, "Infinity")
	}
	prec := c.prec
	if prec < 0 {
		prec = 6
	}
	var room [40]byte
	d := decimalOf(f, room[:])
	var num []byte
	switch c.verb {
	case 'f':
		d.round(prec)
		num = d.appendFixed(nil, prec)
	case 'e':
		d.round(prec + 1 - d.exp)
		num = d.appendScientific(nil, prec)
	case 'g':
		prec = max(prec, 1)
		d.round(prec - d.exp)
		switch {
		case len(d.digits) == 0:
			num = d.appendFixed(nil, prec-1)
		case d.exp > -4 && d.exp <= prec: // from 10^-4 up to 10^prec
			num = d.appendFixed(nil, prec-d.exp)
		default:
			num = d.appendScientific(nil, prec-1)
		}
	}
	if c.flags.has(sharp) && prec == 0 {
		at := len(num)
		if c.verb == 'e' {
			at = 1
		}
		num = append(num[:at:at], append([]byte("."), num[at:]...)...)
	}
	return c.appendNumber(dst, neg, string(num))
}
