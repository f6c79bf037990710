package rule

import (
	"math/rand/v2"
	"testing"
)

// like is section 4.5 of the specification word by word: % is any run, _ any character,
// \\ one backslash or two, \% and \_ a plain sign or a backslash with the wildcard.
func like(p, s string) bool {
	if p == "" {
		return s == ""
	}
	run := func(p string) bool {
		for i := range len(s) + 1 {
			if like(p, s[i:]) {
				return true
			}
		}
		return false
	}
	literal := func(l, rest string) bool { return len(s) >= len(l) && s[:len(l)] == l && like(rest, s[len(l):]) }
	switch {
	case p[0] == '%':
		return run(p[1:])
	case p[0] == '_':
		return s != "" && like(p[1:], s[1:])
	case len(p) > 1 && p[:2] == `\\`:
		return literal(`\`, p[2:]) || literal(`\\`, p[2:])
	case len(p) > 1 && p[:2] == `\%`, len(p) > 1 && p[:2] == `\_`:
		return literal(p[1:2], p[2:]) || s != "" && s[0] == '\\' && like(p[1:], s[1:])
	}
	return literal(p[:1], p[1:])
}

// TestLikeHasBothReadings compares patterns, whether they are globs or regular
// expressions, with the specification's words.
func TestLikeHasBothReadings(t *testing.T) {
	rnd := rand.New(rand.NewPCG(4, 5))
	text := func(of string, most int) string {
		b := make([]byte, rnd.IntN(most))
		for i := range b {
			b[i] = of[rnd.IntN(len(of))]
		}
		return string(b)
	}
	globs := 0
	for range 100_000 {
		p, s := text(`ab\\\%%%_`[:7+2*rnd.IntN(2)], 9), text(`ab\\%_`, 9)
		x, err := likePattern(p, "")
		if err != nil {
			t.Fatal(p, err)
		}
		if x.re == nil {
			globs++
		}
		if got, err := x.match(s); err != nil || got != like(p, s) {
			t.Fatalf("%q LIKE %q is %v, %v", s, p, got, err)
		}
	}
	if globs < 20_000 {
		t.Errorf("only %d patterns are globs", globs)
	}
}
