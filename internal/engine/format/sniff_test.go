package format

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"unicode/utf8"
)

// wrapsListSlowly is wrapsList from the keys' side: each is looked for in all of the text.
func wrapsListSlowly(object []byte) bool {
	for _, n := range listKeys {
		for from := range object {
			if !bytes.HasPrefix(object[from:], n) {
				continue
			}
			if j := skipBlank(object, from+len(n)); j < len(object) && object[j] == ':' {
				if j = skipBlank(object, j+1); j < len(object) && object[j] == '[' {
					if j = skipBlank(object, j+1); j < len(object) && (object[j] == '{' || object[j] == '[') {
						return true
					}
				}
			}
		}
	}
	return false
}

// What tells formats apart looks at little of a text. Its slow twins look at all of it.
func TestShortcutsOfSniffingFindWhatTheirTwinsFind(t *testing.T) {
	pieces := []string{
		`"records"`, `"Records"`, `"resourcelogs"`, `"result"`, `"value"`, `"data"`, `"DATA"`, `"Body"`, `"bodyy"`, `"xdata"`,
		":", " :", "\t:", ":", "[", "[", "{", "}", "]", " ", "\n", "\r\n", ",", `"`, "a", "\x00", "\x1b", "\x1f", "\x7f", "\x80", "é", "😀", "plain text", `"k":"v"`,
	}
	rnd := rand.New(rand.NewPCG(12, 1))
	yes := map[string]int{}
	for range 200_000 {
		var b []byte
		for range 1 + rnd.IntN(9) {
			b = append(b, pieces[rnd.IntN(len(pieces))]...)
		}
		if got, want := wrapsList(b), wrapsListSlowly(b); got != want {
			t.Fatalf("wrapsList(%q) = %v, by its twin %v", b, got, want)
		} else if got {
			yes["wraps"]++
		}
		if got, want := packs(b), packedKeys().Index(b, 0) >= 0; got != want {
			t.Fatalf("packs(%q) = %v, and the keys are there: %v", b, got, want)
		} else if got {
			yes["packs"]++
		}
		if len(b) >= 8 {
			word := uint64(0)
			plain := true
			for i, c := range b[:8] {
				word |= uint64(c) << (8 * i)
				plain = plain && c >= ' ' && c < utf8.RuneSelf
			}
			if got := plainASCII(word); got != plain {
				t.Fatalf("plainASCII(%q) = %v, want %v", b[:8], got, plain)
			} else if got {
				yes["plain"]++
			}
		}
	}
	for _, what := range []string{"wraps", "packs", "plain"} {
		if yes[what] < 20 {
			t.Errorf("only %d texts were said to be so by %s", yes[what], what)
		}
	}
}
