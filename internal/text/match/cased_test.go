package match

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestCasedIsStringsContains(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	text := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte("abq-"[min(rnd.IntN(9), 3)])
		}
		return b.String()
	}
	found := 0
	for range 20000 {
		literal, s := text(rnd.IntN(5)), text(rnd.IntN(40))
		c := newCased(literal)
		if got, want := c.in(s), strings.Contains(s, literal); got != want {
			t.Fatalf("%q in %q: %v", literal, s, got)
		} else if got {
			found++
		}
	}
	if found < 2000 || found > 18000 {
		t.Fatalf("%d of 20000 texts have their literal", found)
	}
}
