package op

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
)

// The regular expression of a keyword finds what the keyword finds.
func TestKeywordsAsPatterns(t *testing.T) {
	rnd := rand.New(rand.NewPCG(20261125, 6))
	pick := func(of []string, n int) string {
		var b strings.Builder
		for range 1 + rnd.IntN(n) {
			b.WriteString(of[rnd.IntN(len(of))])
		}
		return b.String()
	}
	matched, differ := 0, 0
	for range 5000 {
		quoted := rnd.IntN(2) == 0
		pieces := []string{"a", "B", "1", "é", ".", "-", "_", "*", "?", "*"}
		if quoted {
			pieces = append(pieces, " ", "  ", "\t")
		}
		term, why := compileTerm(pick(pieces, 5), quoted)
		text, plain, pattern := term.keyword()
		re := regexp.MustCompile("(?i)" + pattern)
		for range 10 {
			s := pick([]string{"a", "b", "1", "É", ".", "-", "_", " ", "\t", "*", "?", "\u00a0", "\u2003", "\n"}, 8)
			want := term.Match(s)
			if want {
				matched++
			}
			if got := re.MatchString(s); got != want {
				if differ++; differ < 5 {
					t.Errorf("%+v (%s): %q in %q: %v, want %v", term, why, pattern, s, got, want)
				}
			}
			if plain && strings.Contains(strings.ToLower(s), text) != want {
				t.Errorf("%q is plain, and not found in %q", text, s)
			}
		}
	}
	if matched < 1000 {
		t.Errorf("only %d matches", matched)
	}
}

// A keyword that is looked for by its rarest bytes is found where the walk of one
// character after the other finds it, with the letters outside ASCII whose other case is
// in it, with broken UTF-8, and at any place of a long text.
func TestKeywordsAreFoundAsSlowly(t *testing.T) {
	rnd := rand.New(rand.NewPCG(20261130, 1))
	pieces := []string{"e", "E", "x", "k", "K", "\u212a", "s", "S", "\u017f", "i", "I", "\u0130", "é", ".", "-", " ", "1", "\xff", "\xe2\x84", "exe", "KIS", "plain text that goes on for a while "}
	pick := func(n int) string {
		var b strings.Builder
		for range 1 + rnd.IntN(n) {
			b.WriteString(pieces[rnd.IntN(len(pieces))])
		}
		return b.String()
	}
	matched, fast := 0, 0
	for range 20000 {
		text := pick(4)
		term, _ := compileTerm(text, rnd.IntN(2) == 0)
		if term.all || term.never || len(term.parts) == 0 {
			continue
		}
		if term.start != nil {
			fast++
		}
		for range 6 {
			s := pick(12)
			if rnd.IntN(3) == 0 {
				s += strings.ToUpper(text) + pick(3)
			}
			want := term.matchSlowly(s)
			if got := term.Match(s); got != want {
				t.Fatalf("%q in %q: %v, want %v", text, s, got, want)
			}
			if want {
				matched++
			}
		}
	}
	if matched < 5000 || fast < 5000 {
		t.Errorf("only %d matches, %d keywords found by their rarest bytes", matched, fast)
	}
}
