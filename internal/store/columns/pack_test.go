package columns

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/parquet-go/parquet-go/encoding/rle"
)

// TestUnpack: numbers are those that parquet-go's own decoder reads.
func TestUnpack(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 3000 {
		width := rnd.IntN(16)
		in := make([]int32, rnd.IntN(300))
		run := int32(0)
		for i := range in {
			if rnd.IntN(1+rnd.IntN(20)) == 0 {
				run = int32(rnd.IntN(1 << width))
			}
			in[i] = run
		}
		packed, err := codes.EncodeInt32(nil, in)
		if err != nil {
			t.Fatal(err)
		}
		want, err := new(rle.DictionaryEncoding).DecodeInt32(nil, packed)
		if err != nil {
			t.Fatal(err)
		}
		got, err := unpack(nil, packed[1:], uint(packed[0]), len(in))
		if err != nil {
			t.Fatal(err)
		}
		for i := range in {
			if int32(got[i]) != want[i] || want[i] != in[i] {
				t.Fatalf("width %d: number %d is %d, want %d of %v", width, i, got[i], in[i], in)
			}
		}
		if len(in) > 0 {
			if _, err := unpack(nil, packed[1:len(packed)-1], uint(packed[0]), len(in)); err == nil && len(packed) > 2 && packed[0] > 0 {
				t.Errorf("cut short, and read all the same: %v", in)
			}
		}
	}
}

// TestWords: the words of a text are found by those of what it holds, however it is
// written, and those that it does not hold are not.
func TestWords(t *testing.T) {
	holds := func(text, literal string, start, end bool) (usable, may bool) {
		var w words
		w.add([]byte(text), 0)
		hs := wordsIn(literal, start, end)
		return len(hs) > 0, w.any || !slices.ContainsFunc(hs, func(h uint64) bool { return !slices.Contains(w.hashes, h) })
	}
	for _, c := range []struct {
		text, literal string
		start, end    bool
		usable, may   bool
	}{
		{"one two three", "two", true, true, true, true},
		{"one two three", "TWO", true, true, true, true},
		{"one twos three", "two", true, true, true, false},
		{"one twos three", "two", true, false, false, true},    // it may go on
		{"one twos three", " twos ", false, false, true, true}, // whole in the literal
		{`{"a":"x\ntwo"}`, "two", true, true, true, true},
		{`{"a":"x\\ntwo"}`, "ntwo", true, true, true, true},
		{`{"a":"x\\\ntwo"}`, "two", true, true, true, true},
		{`{"a":"\u003ctwo"}`, "two", true, true, true, true},
		{`{"a":"\u0074wo"}`, "two", true, true, true, true}, // a letter is hidden
		{`{"a":"\\u0074wo"}`, "two", true, true, true, true},
		{`{"a":"\u212aelvin"}`, "kelvin", true, true, true, true},
		{"\u212aelvin", "kelvin", true, true, true, true},
		{"stra\u017fe", "strase", true, true, true, true},
		{"D\u0131YAR", "diyar", true, true, true, true},
		{"&#116;wo", "two", true, true, true, true},
		{"caféword", "word", false, true, false, true},
		{"caféword", "éword", false, true, true, true},
		{"CAFÉword", "éword", false, true, true, true},
		{"{7CF65FC7-D629-6086-B70A-000000002000}", "{7cf65fc7-d629-6086-b70a-000000002000}", false, false, true, true},
		{"{7CF65FC7-D629-6086-B70A-000000002000}", "{7cf65fc7-d629-6086-b70a-000000002001}", false, false, true, false},
		{"a b", "a b", true, true, false, true}, // too short
		{"x 0123456789abcdef0123456789abcdef y", "0123456789ABCDEF0123456789abcdef", true, true, true, true},
		{"x 0123456789abcdef0123456789abcdee y", "0123456789ABCDEF0123456789abcdef", true, true, true, false},
	} {
		usable, may := holds(c.text, c.literal, c.start, c.end)
		if usable != c.usable || may != c.may {
			t.Errorf("%q in %q: usable %v, may hold %v; want %v, %v", c.literal, c.text, usable, may, c.usable, c.may)
		}
	}
}

// written are ways to write a text in JSON.
func written(v string) []string {
	plain, _ := json.Marshal(v)
	var escaped, half, solidus strings.Builder
	for i, r := range utf16.Encode([]rune(v)) {
		fmt.Fprintf(&escaped, `\u%04x`, r)
		switch {
		case r < ' ' || r == '"' || r == '\\' || r >= 0x80 || i%3 == 0:
			fmt.Fprintf(&half, `\u%04X`, r)
		default:
			half.WriteByte(byte(r))
		}
	}
	solidus.WriteString(strings.ReplaceAll(string(plain), "/", `\/`))
	twice, _ := json.Marshal(string(plain))
	return []string{string(plain), `"` + escaped.String() + `"`, `"` + half.String() + `"`, solidus.String(), string(twice)}
}

// wholeWords reports whether a text holds a literal, letter case aside, with no letter or
// digit before or behind it where it begins or ends with one: what keywords ask.
func wholeWords(text, literal string) bool {
	is := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	first, _ := utf8.DecodeRuneInString(literal)
	last, _ := utf8.DecodeLastRuneInString(literal)
	for at := 0; ; at++ {
		i := strings.Index(text[at:], literal)
		if i < 0 {
			return false
		}
		at += i
		before, _ := utf8.DecodeLastRuneInString(text[:at])
		behind, _ := utf8.DecodeRuneInString(text[at+len(literal):])
		if !(is(first) && at > 0 && is(before)) && !(is(last) && at+len(literal) < len(text) && is(behind)) {
			return true
		}
	}
}

// A text that holds a literal is found by the literal's words, however it is written.
func checkWords(t *testing.T, value, literal string) {
	value, literal = strings.ToValidUTF8(value, "\ufffd"), strings.ToValidUTF8(literal, "\ufffd")
	if literal == "" {
		return
	}
	for _, at := range []expr.Anchor{expr.Anywhere, expr.AtStart, expr.AtEnd, expr.Whole, expr.Words} {
		holds := at.Holds(value, literal)
		if at == expr.Words {
			holds = wholeWords(match.Fold(value), match.Fold(literal))
		}
		if !holds {
			continue
		}
		start, end := at&expr.AtStart != 0 || at == expr.Words, at&expr.AtEnd != 0 || at == expr.Words
		for _, text := range append(written(value), "<Data>"+value+"</Data>", "k="+value+" ") {
			var w, twin words
			w.add([]byte(`{"key":`+text+`}`), 0)
			twin.addPlain([]byte(`{"key":` + text + `}`))
			once := func(hs []uint64) []uint64 {
				slices.Sort(hs)
				return slices.Compact(hs)
			}
			if !slices.Equal(once(w.hashes), once(twin.hashes)) || w.any != twin.any {
				t.Fatalf("%q: words differ from those found byte by byte", text)
			}
			for _, h := range wordsIn(literal, start, end) {
				if !w.any && !slices.Contains(w.hashes, h) {
					t.Fatalf("%q holds %q (%v), but as %s not all of its words", value, literal, at, text)
				}
			}
		}
	}
}

func TestWordsOfLiterals(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 1))
	alphabet := []rune(`aabbccxyzKISkis019 -_.\/"{}<>&#;:,=` + "\n\t\u0130\u0131\u017f\u212aéÉßẞſΣςσ\u00a0\u2013\ufffd𝄞")
	for range 2500 {
		var value []rune
		for range 1 + rnd.IntN(14) {
			for range 1 + rnd.IntN(4) {
				value = append(value, alphabet[rnd.IntN(len(alphabet))])
			}
			if rnd.IntN(3) == 0 {
				value = append(value, []rune("word")...)
			}
		}
		from := rnd.IntN(len(value))
		literal := string(value[from : from+1+rnd.IntN(len(value)-from)])
		switch rnd.IntN(4) {
		case 0:
			literal = strings.ToUpper(literal)
		case 1:
			literal = strings.ToLower(literal)
		}
		checkWords(t, string(value), literal)
	}
}

func FuzzWords(f *testing.F) {
	f.Add("C:\\Windows\\notepad.exe", "notepad.exe")
	f.Add("x\ntwo", "two")
	f.Add("\u212aelvin", "kelvin")
	f.Fuzz(checkWords)
}
