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
