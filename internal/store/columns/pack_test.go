package columns

import (
	"math/rand/v2"
	"slices"
	"testing"

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
		w.add([]byte(text))
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
