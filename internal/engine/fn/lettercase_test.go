package fn

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestLowerTextIsStringsToLower(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, letters := range [][]rune{[]rune("@AZ[`az{"), []rune("abc"), []rune("\x00\x7fAz "), []rune("aBÄßİKǅΣ")} {
		for range 3000 {
			var b strings.Builder
			for range rnd.IntN(40) {
				b.WriteRune(letters[rnd.IntN(len(letters))])
			}
			for _, s := range []string{b.String(), b.String() + "\xff"} {
				before := strings.Clone(s)
				if got := lowerText(s); got != strings.ToLower(before) || s != before {
					t.Fatalf("%q: got %q", before, got)
				}
			}
		}
	}
}
