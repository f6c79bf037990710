package fn

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// creatable is isNumeric as a pattern.
var creatable = regexp.MustCompile(`^[-+]?(0[xX][0-9a-fA-F]+|0[0-7]+|(0|[1-9][0-9]*)([eE][-+]?[0-9]+)?[fFdD]?|(0|[1-9][0-9]*)[lL]|([0-9]+\.[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?[fFdD]?)$`)

func TestIsNumeric(t *testing.T) {
	// The results are those of NumberUtils.isCreatable in Commons Lang 3.12.
	for s, want := range map[string]bool{
		"12345": true, "1234.5": true, ".12345": true, "1234E5": true, "1234E+5": true, "1234E-5": true, "123.4E5": true, "-1234": true,
		"-1234.5": true, "-.12345": true, "-1234E5": true, "0": true, "-0": true, "01234": true, "-01234": true, "-0xABC123": true,
		"-0x0": true, "123.4E21D": true, "-221.23F": true, "22338L": true, "2.": true, "+123": true, "+.5": true, "0.": true, "09.5": true, "0e5": true,
		"": false, " ": false, "\r\n\t": false, "--2.3": false, ".12.3": false, "-123E": false, "-123E+-212": false, "-123E2.12": false,
		"0xGF": false, "0xFAE-1": false, ".": false, "-0ABC123": false, "123.4E-D": false, "123.4ED": false, "1234E5l": false, "11a": false,
		"1a": false, "a": false, "11g": false, "11z": false, "11def": false, "11d11": false, "11 11": false, " 1111": false, "1111 ": false,
		"09": false, "0x": false, "-": false, "+": false, "1.5L": false, "08f": false, "NaN": false, "Infinity": false, "１": false,
	} {
		if got := isNumeric(s); got != want {
			t.Errorf("isNumeric(%q) = %v, want %v", s, got, want)
		}
	}
}

func FuzzIsNumeric(f *testing.F) {
	for _, s := range []string{"1.56", "1e5", "09", "0x1F", "123L", "-.5e-3D", "+0", "00.1", "1ed"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := isNumeric(s), creatable.MatchString(s); got != want {
			t.Errorf("isNumeric(%q) = %v, the pattern says %v", s, got, want)
		}
	})
}

func FuzzSubstring(f *testing.F) {
	f.Add("Hello world!", int64(6), int64(100))
	f.Add("a😀b", int64(1), int64(2))
	f.Add("\xff\xf0\x9f", int64(0), int64(2))
	f.Fuzz(func(t *testing.T, s string, from, to int64) {
		got := substring(s, from, to)
		if !strings.Contains(s, got) {
			t.Fatalf("substring(%q, %d, %d) = %q does not stand in it", s, from, to, got)
		}
		if !utf8.ValidString(s) {
			return
		}
		units := utf16.Encode([]rune(s))
		if length16(s) != len(units) {
			t.Fatalf("length16(%q) = %d, want %d", s, length16(s), len(units))
		}
		want := ""
		if from >= 0 && to >= from && from < int64(len(units)) {
			part := units[from:min(to, int64(len(units)))]
			if len(part) > 0 && part[0]&0xfc00 == 0xdc00 { // the second half of a character
				part = part[1:]
			}
			if n := len(part); n > 0 && part[n-1]&0xfc00 == 0xd800 { // the first half
				part = part[:n-1]
			}
			want = string(utf16.Decode(part))
		}
		if got != want {
			t.Errorf("substring(%q, %d, %d) = %q, want %q", s, from, to, got, want)
		}
	})
}

func pattern(t *testing.T, s string) *match.Regexp {
	t.Helper()
	re, err := match.CompileRegexp(s)
	if err != nil {
		t.Fatal(err)
	}
	return re
}

func TestReplacementTemplates(t *testing.T) {
	re := pattern(t, `(?P<a>x)(y)?((((((((z))))))))`) // 10 groups
	tests := []struct{ repl, want string }{
		{"<$0>", "<xz>"}, {"$1", "x"}, {"[$2]", "[]"}, {"${a}!", "x!"}, {"$10", "z"}, {"$11", "x1"}, {"$19", "x9"},
		{`\$1`, "$1"}, {`\\`, `\`}, {`a\`, `a\`}, {"", ""}, {"é", "é"}, {`\é`, "é"},
		{"$", "error"}, {"$x", "error"}, {"${a", "error"}, {"${b}", "error"}, {"${}", "error"},
	}
	for _, tt := range tests {
		got := "error"
		if tmpl, err := re.Template(tt.repl); err == nil {
			v, err := replaceMatches("xz", re, tmpl)
			if err != nil {
				t.Error(err)
			}
			got = v.Str()
		}
		if got != tt.want {
			t.Errorf("replacement %q: got %q, want %q", tt.repl, got, tt.want)
		}
	}
	if _, err := pattern(t, "x").Template("$1"); err == nil {
		t.Error("$1 of a pattern without groups is accepted")
	}
}

func FuzzReplace(f *testing.F) {
	f.Add("aXbXc", "X", "-$0-")
	f.Add("", "", "x")
	f.Add("a\xffb", "b|(c)", `\$1${0}`)
	f.Fuzz(func(t *testing.T, s, find, repl string) {
		v, err := replaceText(event.Text(s), find, repl)
		if want := strings.ReplaceAll(s, find, repl); err != nil || find != "" && v.Str() != want {
			t.Fatalf("replace(%q, %q, %q) = %q, %v, want %q", s, find, repl, v, err, want)
		}
		re, err := match.CompileRegexp(find)
		if err != nil {
			return
		}
		tmpl, err := re.Template(repl)
		if err != nil {
			return
		}
		v, err = replaceMatches(s, re, tmpl)
		plain, bad := regexp.Compile(find)
		if err != nil || bad != nil || re.String() != plain.String() || strings.ContainsAny(repl, `\$`) {
			return
		}
		if want := plain.ReplaceAllLiteralString(s, repl); v.Str() != want {
			t.Fatalf("replace(%q, /%s/, %q) = %q, want %q", s, find, repl, v, want)
		}
	})
}

// The quick way to round agrees with the digits.
func FuzzRound(f *testing.F) {
	f.Add(1.005, 2)
	f.Add(-2.675, 2)
	f.Add(1e15+0.3, 1)
	f.Add(5e-324, 300)
	f.Fuzz(func(t *testing.T, x float64, places int) {
		if math.IsNaN(x) || math.IsInf(x, 0) || places < -400 || places > 400 {
			return
		}
		d := decimalOf(x, nil)
		d.round(places)
		want, _ := strconv.ParseFloat(string(d.appendFixed(nil, max(places, 0))), 64)
		if got := round(math.Abs(x), places); got != want {
			t.Errorf("round(%v, %d) = %v, want %v", x, places, got, want)
		}
	})
}

func TestMurmur3(t *testing.T) {
	// Vectors of the reference implementation, h1 and h2 in memory order.
	for in, want := range map[string]string{
		"":      "00000000000000000000000000000000",
		"hello": "029bbd41b3a7d8cb191dae486a901e5b",
		"The quick brown fox jumps over the lazy dog": "6c1b07bc7bbc4be347939ac4a93c437a",
	} {
		h := murmur3([]byte(in))
		got := ""
		for _, c := range h {
			got += string("0123456789abcdef"[c>>4]) + string("0123456789abcdef"[c&15])
		}
		if got != want {
			t.Errorf("murmur3(%q) = %s, want %s", in, got, want)
		}
	}
}
