package match

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

func TestWitnessAndPicksTheRarer(t *testing.T) {
	w := func(any ...string) *Witness { return NewWitness(any...) }
	for _, c := range []struct{ a, b, want *Witness }{
		{nil, nil, nil},
		{nil, w("a"), w("a")},
		{w("a"), nil, w("a")},
		{w("abc"), w("abcdef"), w("abcdef")},
		{w("abcq", "abcr"), w("abcs"), w("abcs")},
		{w("qqq"), w("qqqa", "qqqb"), w("qqqa", "qqqb")},
		{w(".exe"), w("xqz"), w("xqz")},
		{w("microsoft"), w("lsass"), w("lsass")},
	} {
		for _, got := range []*Witness{And(c.a, c.b), And(c.b, c.a)} {
			if (got == nil) != (c.want == nil) || got != nil && !slices.Equal(got.Any, c.want.Any) {
				t.Errorf("And(%v, %v) = %v, want %v", c.a, c.b, got, c.want)
			}
		}
	}
}

func TestWitnessOrIsOpenIfOneIs(t *testing.T) {
	a, b := NewWitness("Abc", "b"), NewWitness("b", "C")
	if got := Or(a, b); !slices.Equal(got.Any, []string{"abc", "b", "c"}) {
		t.Errorf("Or: %q", got.Any)
	}
	if !slices.Equal(a.Any, []string{"abc", "b"}) || !slices.Equal(b.Any, []string{"b", "c"}) {
		t.Errorf("Or changed %q or %q", a.Any, b.Any)
	}
	if Or(a, nil) != nil || Or(nil, a) != nil || NewWitness("a", "") != nil {
		t.Error("an open branch does not open the whole")
	}
	var many []string
	for i := range witnessMax + 1 {
		many = append(many, fmt.Sprint("word", i))
	}
	if NewWitness(many...) != nil || NewWitness(many[1:]...) == nil {
		t.Error("the limit is elsewhere")
	}
	var ws Witnesses
	ws = ws.With(nil).With(a).With(NewWitness("abc", "b")).With(b)
	if len(ws) != 2 || ws[0] != a || ws[1] != b {
		t.Errorf("%v", ws)
	}
}

func TestJSONNeedles(t *testing.T) {
	for _, c := range []struct {
		any  []string
		c    Case
		want []Literal
	}{
		{[]string{"lsaß"}, Folded, []Literal{AnyCase("lsa"), Exact("\u017f"), JSONEscape()}},
		{[]string{"Mimi"}, AsWritten, []Literal{Exact("Mimi"), JSONEscape()}},
		{[]string{"Mimikatz"}, Folded, []Literal{AnyCase("mimikatz"), Exact("\u0130"), Exact("\u0131"), Exact("\u212a"), JSONEscape()}},
		{[]string{`\opera.exe`, `/Opera.EXE`}, Folded, []Literal{AnyCase("opera.exe"), JSONEscape()}},
		{[]string{`a"b\cd/e` + "\nf"}, Folded, nil},
		{[]string{"chrome", "ab"}, Folded, nil},
		{nil, Folded, []Literal{JSONEscape()}},
	} {
		w := &Witness{Any: c.any}
		if got := w.JSONNeedles(c.c); !slices.EqualFunc(got, c.want, func(a, b Literal) bool { return slices.Equal(a, b) }) {
			t.Errorf("%q: %v, want %v", c.any, got, c.want)
		}
	}
	if (*Witness)(nil).JSONNeedles(Folded) != nil {
		t.Error("no requirement has needles")
	}
}

func TestJSONValuesFindWholeValuesOnly(t *testing.T) {
	s := NewSet((&Witness{Any: []string{"1", "22"}}).JSONValues()...)
	for line, want := range map[string]bool{
		`{"EventID":"1"}`: true, `{"EventID":1}`: true, `{"EventID": 22 ,"a":"b"}`: true, "{\"EventID\":\t1\r\n}": true,
		`{"EventID":"\u0031"}`: true, `{"_raw":"{\"EventID\":\"1\"}"}`: true, `{"_raw":"{\"EventID\":1\n}"}`: true,
		`{"e":"<EventID Qualifiers='0'>1</EventID>"}`: true, `{"a":[0,1]}`: true,
		`{"EventID":"11"}`: false, `{"EventID":"2"}`: false, `{"v":"10.0.1.22:1"}`: true, `{"v":"10.0.1.2"}`: false, `{"a1":"x1"}`: false,
	} {
		if got := s.Index([]byte(line), 0) >= 0; got != want {
			t.Errorf("%s: found %v, want %v", line, got, want)
		}
	}
	if (&Witness{Any: []string{"1", "1e"}}).JSONValues() != nil || (*Witness)(nil).JSONValues() != nil {
		t.Error("values that may be written in other ways")
	}
}

func TestJSONSetTakesTheRarestRequirement(t *testing.T) {
	ws := Witnesses{nil, NewWitness("ab"), NewWitness(".exe"), NewWitness(`c:\zq\`), NewWitness("downloadstring")}
	s := ws.JSONSet(Folded)
	if s.Index([]byte(`{"a":"x.exe"}`), 0) >= 0 || s.Index([]byte(`{"a":"DownloadString"}`), 0) < 0 {
		t.Error("another was taken")
	}
	if (Witnesses{nil, NewWitness("ab")}).JSONSet(Folded) != nil {
		t.Error("a set without a usable requirement")
	}
}

// written is s as some JSON encoder might write it.
func written(rnd *rand.Rand, s string) string {
	var b strings.Builder
	for _, r := range s {
		short := strings.IndexRune("\"\\/\b\f\n\r\t", r)
		switch {
		case rnd.IntN(8) == 0 || r < ' ' && short < 0:
			for _, u := range utf16.AppendRune(nil, r) {
				fmt.Fprintf(&b, []string{`\u%04x`, `\u%04X`}[rnd.IntN(2)], u)
			}
		case short >= 0 && (r != '/' || rnd.IntN(2) == 0):
			b.WriteByte('\\')
			b.WriteByte(`"\/bfnrt`[short])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// No line whose decoded value holds a literal, in any case, is ever skipped.
func TestJSONNeedlesMissNothing(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 8))
	letters := []rune("abkKsSiIxyz.-_0\"\\/\n\t\u00e4\u00c4\u212a\u017f\u0130\u0131\u4e16\U0001f600")
	text := func(n int) string {
		out := make([]rune, n)
		for i := range out {
			out[i] = letters[rnd.IntN(len(letters))]
		}
		return string(out)
	}
	cases := []func(string) string{
		func(s string) string { return s }, strings.ToLower, strings.ToUpper, strings.ToTitle,
		func(s string) string { return strings.Map(func(r rune) rune { return simple.rune(r) }, s) },
		func(s string) string {
			return strings.NewReplacer("k", "\u212a", "s", "\u017f", "i", "\u0131", "I", "\u0130").Replace(s)
		},
	}
	usable := 0
	for range 20000 {
		literal := text(1 + rnd.IntN(10))
		w := NewWitness(literal, text(3+rnd.IntN(8)))
		exact := &Witness{Any: []string{literal}}
		value := text(rnd.IntN(5)) + cases[rnd.IntN(len(cases))](literal) + text(rnd.IntN(5))
		line := []byte(`{"EventID":1,"a":"` + written(rnd, value) + `"}`)
		var decoded struct{ A string }
		if err := json.Unmarshal(line, &decoded); err != nil || decoded.A != value {
			t.Fatalf("%q is written as %s: %v", value, line, err)
		}
		inner := []byte(`{"EventID":1,"raw":"` + written(rnd, `{"a":"`+written(rnd, value)+`"}`) + `"}`)
		if needles := w.JSONNeedles(Folded); needles != nil {
			usable++
			s := NewSet(needles...)
			if s.Index(line, 0) < 0 {
				t.Fatalf("%q is missed in %s", literal, line)
			}
			if s.Index(inner, 0) < 0 {
				t.Fatalf("%q is missed in %s", literal, inner)
			}
		}
		if needles := exact.JSONNeedles(AsWritten); needles != nil && strings.Contains(value, literal) && NewSet(needles...).Index(line, 0) < 0 {
			t.Fatalf("%q as it is written is missed in %s", literal, line)
		}
	}
	if usable < 1000 {
		t.Errorf("only %d witnesses were usable: this proves little", usable)
	}
}

func FuzzJSONNeedles(f *testing.F) {
	f.Add(`\chrome.exe`, "C:\\x\\CHROME.EXE")
	f.Add("kiss", "\u212a\u0130\u017f\u017f")
	f.Fuzz(func(t *testing.T, literal, value string) {
		if !utf8.ValidString(value) || len(literal) > 100 {
			return
		}
		line, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if needles := NewWitness(literal).JSONNeedles(Folded); needles != nil && strings.Contains(Fold(value), Fold(literal)) && NewSet(needles...).Index(line, 0) < 0 {
			t.Errorf("%q is missed in %s", literal, line)
		}
	})
}

// The lines a set leaves are read and compared; those it skips must not match.
func TestJSONSetOverRealEvents(t *testing.T) {
	buf := sharedEvents(t)
	for _, any := range [][]string{{`\powershell.exe`, `\pwsh.exe`}, {"wmiprvse"}, {`HKLM\SOFTWARE\`}} {
		s := Witnesses{NewWitness(any...)}.JSONSet(Folded)
		want, passed := 0, 0
		for line := range bytes.Lines(buf) {
			var fields map[string]interface{}
			if err := json.Unmarshal(line, &fields); err != nil {
				continue
			}
			holds := false
			for _, v := range fields {
				holds = holds || slices.ContainsFunc(any, func(l string) bool { return strings.Contains(Fold(fmt.Sprint(v)), Fold(l)) })
			}
			pass := s.Index(line, 0) >= 0
			if holds && !pass {
				t.Fatalf("%q: skipped %s", any, line)
			}
			if holds {
				want++
			}
			if pass {
				passed++
			}
		}
		if want == 0 || passed > 4*want+500 {
			t.Errorf("%q: %d lines pass, %d match", any, passed, want)
		}
	}
}
