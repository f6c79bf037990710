package fn

import (
	"math"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// TestFormatAsJava: the results are those of String.format in OpenJDK 17.
func TestFormatAsJava(t *testing.T) {
	i, f, s, b := event.Int, event.Float, event.Text, event.Bool
	tests := []struct {
		pattern string
		args    []event.Value
		want    string
	}{
		{"%2$s %1$s", []event.Value{s("a"), s("b")}, "b a"},
		{"%s %<s %s", []event.Value{s("a"), s("b")}, "a a b"},
		{"%1$s %s %2$s %s", []event.Value{s("a"), s("b")}, "a a b b"},
		{"%5%|%-5%|", nil, "    %|%    |"},
		{"a%nb", nil, "a\nb"},
		{"<%8s|%-8s|%.2s|%8.2S>", []event.Value{s("abc"), s("abc"), s("abc"), s("abc")}, "<     abc|abc     |ab|      AB>"},
		{"%s %s", []event.Value{b(true), i(-7)}, "true -7"},
		{"%b %B %b", []event.Value{b(false), b(true), s("false")}, "false TRUE true"},
		{"%c%C%c", []event.Value{i(65), s("b"), i(128512)}, "AB😀"},

		{"%d", []event.Value{i(math.MinInt64)}, "-9223372036854775808"},
		{"%,d", []event.Value{i(1234567)}, "1,234,567"},
		{"%,d", []event.Value{i(-123)}, "-123"},
		{"%+d|% d|%(d", []event.Value{i(5), i(5), i(-5)}, "+5| 5|(5)"},
		{"%05d|%-5d|%5d", []event.Value{i(-42), i(-42), i(-42)}, "-0042|-42  |  -42"},
		{"%0,10d", []event.Value{i(1234)}, "000001,234"},
		{"%(08d", []event.Value{i(-12)}, "(000012)"},
		{"% ,d", []event.Value{i(1234567)}, " 1,234,567"},

		{"%x %X %o", []event.Value{i(255), i(48879), i(8)}, "ff BEEF 10"},
		{"%x", []event.Value{i(-1)}, "ffffffffffffffff"},
		{"%016X", []event.Value{i(48879)}, "000000000000BEEF"},
		{"%#x %#o %#06x", []event.Value{i(255), i(8), i(255)}, "0xff 010 0x00ff"},

		{"%f", []event.Value{f(3.14159265)}, "3.141593"},
		{"%.2f %.2f %.1f", []event.Value{f(1.005), f(2.675), f(0.25)}, "1.01 2.68 0.3"},
		{"%.0f %.0f %.0f", []event.Value{f(0.5), f(1.5), f(2.5)}, "1 2 3"},
		{"%.20f", []event.Value{f(0.1)}, "0.10000000000000000000"},
		{"%(,.2f", []event.Value{f(-1234.5)}, "(1,234.50)"},
		{"%,.2f", []event.Value{f(1234567.891)}, "1,234,567.89"},
		{"%08.2f|%-8.1f|", []event.Value{f(-3.14159), f(2.55)}, "-0003.14|2.6     |"},
		{"%.3f", []event.Value{f(-0.0001)}, "-0.000"},
		{"%f %F", nil, "error"},
		{"%f %f %05f", []event.Value{f(math.NaN()), f(math.Inf(1)), f(math.Inf(-1))}, "NaN Infinity -Infinity"},
		{"%+f %(f %G", []event.Value{f(math.Inf(1)), f(math.Inf(-1)), f(math.NaN())}, "+Infinity (Infinity) NAN"},
		{"%e %E %.2e", []event.Value{f(12345.678), f(0.00012), f(9.999)}, "1.234568e+04 1.200000E-04 1.00e+01"},
		{"%e %.0e", []event.Value{f(0), f(1e-100)}, "0.000000e+00 1e-100"},
		{"%g %g %g %g", []event.Value{f(123.456), f(0.0001), f(0.00001), f(1e10)}, "123.456 0.000100000 1.00000e-05 1.00000e+10"},
		{"%g %.3g %.0g", []event.Value{f(0), f(999999.5), f(2.5)}, "0.00000 1.00e+06 3"},
		{"%#.0f|%#.0e", []event.Value{f(3), f(3)}, "3.|3.e+00"},

		{"%s %s", []event.Value{s("a")}, "error"},
		{"%", nil, "error"},
		{"%5", nil, "error"},
		{"%.s", []event.Value{s("a")}, "error"},
		{"%<s", []event.Value{s("a")}, "error"},
		{"%0d", []event.Value{i(5)}, "error"},
		{"%-d", []event.Value{i(5)}, "error"},
		{"%D", []event.Value{i(5)}, "error"},
		{"%i", []event.Value{i(5)}, "error"},
		{"%+ d", []event.Value{i(5)}, "error"},
		{"%-05d", []event.Value{i(5)}, "error"},
		{"%++d", []event.Value{i(5)}, "error"},
		{"%.2d", []event.Value{i(5)}, "error"},
		{"%#d", []event.Value{i(5)}, "error"},
		{"%,x", []event.Value{i(5)}, "error"},
		{"%0$s", []event.Value{s("a")}, "error"},
		{"%99$s", []event.Value{s("a")}, "error"},
		{"%5n", nil, "error"},
		{"%é", []event.Value{s("a")}, "error"},
		{"%d", []event.Value{s("abc")}, "error"},
	}
	for _, tt := range tests {
		if got := formatted(tt.pattern, tt.args); got != tt.want {
			t.Errorf("format(%q, %v):\n got %s\nwant %s", tt.pattern, tt.args, got, tt.want)
		}
	}
}

// Where Sumo Logic is kinder than Java, or we are.
func TestFormatCasts(t *testing.T) {
	null := event.Value{}
	tests := []struct {
		pattern string
		arg     event.Value
		want    string
	}{
		{"%d", event.Text(" 42 "), "42"},
		{"%d", event.Text("42.0"), "42"},
		{"%d", event.Float(3), "3"},
		{"%d", event.Float(1e20), "100000000000000000000"},
		{"%d", event.Float(2.5), "error"},
		{"%d", event.Bool(true), "error"},
		{"%d", event.Millis(5), "5"},
		{"%.1f", event.Text("2.25"), "2.3"},
		{"%.1f", event.Int(2), "2.0"},
		{"%f", event.Bool(true), "error"},
		{"%f", event.Text("abc"), "error"},
		{"%x", event.Float(255), "ff"},
		{"%x", event.Float(2.5), "error"},
		{"%x", event.Text("255"), "dropped"},
		{"%o", event.Bool(true), "dropped"},
		{"%x", null, "error"},
		{"%s", null, "error"},
		{"%b", null, "error"},
		{"%c", event.Text("ab"), "error"},
		{"%c", event.Int(-1), "error"},
		{"%s", event.Float(2), "2"},
		{"%2000d", event.Int(1), "error"},
		{"%.2000f", event.Int(1), "error"},
		{"%99999999999999999999d", event.Int(1), "error"},
		{"%.1s", event.Text("😀z"), ""},
		{"%3s", event.Text("😀"), " 😀"},
	}
	for _, tt := range tests {
		if got := formatted(tt.pattern, []event.Value{tt.arg}); got != tt.want {
			t.Errorf("format(%q, %s %q):\n got %s\nwant %s", tt.pattern, tt.arg.Kind(), tt.arg, got, tt.want)
		}
	}
}

func formatted(pattern string, args []event.Value) string {
	l, err := parseLayout(pattern)
	if err != nil {
		return "error"
	}
	text, drop, err := l.format(args)
	switch {
	case err != nil:
		return "error"
	case drop:
		return "dropped"
	}
	return text
}

func FuzzFormat(f *testing.F) {
	for _, p := range []string{"%s", "%,.2f%%", "%1$-10s|%<S", "%016X", "%+e %g", "100%", "%(,d", "%#o%n%c"} {
		f.Add(p, "a😀", 3.25, int64(-7))
	}
	f.Fuzz(func(t *testing.T, pattern, s string, x float64, i int64) {
		l, err := parseLayout(pattern)
		if err != nil {
			return
		}
		args := []event.Value{event.Text(s), event.Float(x), event.Int(i), {}}
		for range args {
			if text, drop, err := l.format(args); err == nil && !drop && strings.Contains(pattern, "%%") && !strings.Contains(text, "%") {
				t.Errorf("format(%q) lost its percent sign: %q", pattern, text)
			}
			args = append(args[1:], args[0])
		}
	})
}
