package convert

import (
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/sigma"
)

// A pattern over a text that characters were taken out of, or whose ending was
// cut off, is asked of the text itself: with the same result.
func TestPatternsOfEditedTexts(t *testing.T) {
	patterns := []string{
		`abc`, `a.c`, `^ab`, `bc$`, `^a*$`, `^$`, `a+b?`, `[ab]c`, `[^a]b`, `(?i)aB`, `a(b|cd)`, `a{2}`, `\.(a|ab|b)\b`, `\bab`, `\b(a|b)c`, `-?a(b)?\b`, `\ba?b`, `a"b`, `["^]a`, `(ab|b$)`, `a|^b`, `(?s)a.*b`, `a\sb`, `^(a|b)*c`,
	}
	alphabet := []string{"a", "b", "c", "d", "A", `"`, "^", "'", ".", " ", "\n", ":z", "a", "b"}
	rnd := rand.New(rand.NewPCG(20261125, 4))
	matched := 0
	for _, s := range []subject{
		{field: "F", without: []rune(`"^'`)},
		{field: "F", ending: ":z"},
		{field: "F", without: []rune("."), form: asIs},
	} {
		written := 0
		for _, p := range patterns {
			cond, err := s.regexp(p)
			if err != nil {
				t.Logf("%+v: %s: %v", s, p, err)
				continue
			}
			written++
			plain := regexp.MustCompile(p)
			for range 3000 {
				var b strings.Builder
				for range rnd.IntN(7) {
					b.WriteString(alphabet[rnd.IntN(len(alphabet))])
				}
				text := b.String()
				edited := strings.TrimSuffix(text, s.ending)
				for _, r := range s.without {
					edited = strings.ReplaceAll(edited, string(r), "")
				}
				want := plain.MatchString(edited)
				if want {
					matched++
				}
				if got := meets(cond, text); got != want {
					t.Fatalf("%+v: %s finds in %q: %v; %#v in %q: %v", s, p, edited, want, cond, text, got)
				}
			}
		}
		if written < len(patterns)-5 {
			t.Errorf("%+v: only %d of %d patterns are written", s, written, len(patterns))
		}
	}
	if matched < 10000 {
		t.Errorf("only %d matches", matched)
	}
	// What cannot be asked of the text itself is refused.
	for _, p := range []string{`a\bb`, `(?m)^a`, `a\B`, `(?=a)b`, `(a|.)\b`} {
		if c, err := (subject{field: "F", without: []rune(`"`)}).regexp(p); err == nil {
			t.Errorf("%s becomes %#v", p, c)
		}
	}
}

// meets computes a condition on one text.
func meets(c Cond, text string) bool {
	switch c := c.(type) {
	case *And:
		for _, x := range c.Of {
			if !meets(x, text) {
				return false
			}
		}
		return true
	case *Or:
		for _, x := range c.Of {
			if meets(x, text) {
				return true
			}
		}
		return false
	case *Not:
		return !meets(c.X, text)
	case *Match:
		switch v := c.Value.(type) {
		case sigma.Regexp:
			return regexp.MustCompile(v.Syntax()).MatchString(text)
		case sigma.String:
			_, inner := shapeOf(v)
			return strings.HasSuffix(text, inner)
		}
	}
	panic("no such condition is made")
}

// What a replace takes out is read where it is single characters without letter
// case, or a plain ending.
func TestWhatAReplaceTakesOut(t *testing.T) {
	for pattern, want := range map[string]string{
		"/[\\^\"'`]/": "\"'^`", `/\^/`: "^", `/[a"]/`: "", `/x/`: "", `/["']+/`: `"'`, `/[^a]/`: "", `["]`: "", `/[\n"]/`: "", `/[0-9]/`: "0123456789",
	} {
		runes, ok := takenOut(pattern)
		if !ok {
			runes = nil
		}
		if string(runes) != want {
			t.Errorf("%s takes out %q, want %q", pattern, string(runes), want)
		}
	}
	for pattern, want := range map[string]string{`/:zone\.identifier$/`: ":zone.identifier", `/:zone/`: "", `/a+$/`: "", `/(?i)x$/`: "", `:z$`: ""} {
		if text, _ := cutEnding(pattern); text != want {
			t.Errorf("%s cuts off %q, want %q", pattern, text, want)
		}
	}
}
