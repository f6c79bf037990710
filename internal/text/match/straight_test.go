package match

import (
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"testing"
	"time"
)

// straightPatterns are patterns of published queries and ones made to be difficult, and
// whether they are straight.
var straightPatterns = map[string]bool{
	`"Image":"(?<img>[^"]+)"`:                      true,
	`user=(?<user>[^ ]+) host=(?<h>\S+)`:           true,
	`(?<exe>[^\\]+)$`:                              true,
	`^(?<first>\S+) (?<second>\S+)`:                true,
	`(?<ip>\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})`:    true,
	`ip=(?<ip>\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})`: true,
	`ip=(?<ip>(?:\d{1,3}\.){3}\d{1,3})`:            true,
	`a=(?<x>.*?) b=(?<y>.*?) c`:                    true,
	`a=(?<x>.*?),(?<y>[^,]*);`:                     false, // a later comma may be the right one
	`a=(?<x>.*),`:                                  false,
	`a=(?<x>.*)`:                                   true,
	`a(?<x>b*)b`:                                   false,
	`(?i)user=(?<u>\w+)`:                           false,
	`a(?<x>[^b]*)b`:                                true,
	`a(?<x>\w+)(?<y>\W*)(?<z>\w)`:                  false,
	`a(?<x>[a-c]?)(?<y>[d-f]?)g`:                   true,
	`a(?<x>[a-c]?)(?<y>[c-f]?)g`:                   false,
	`é=(?<x>[^é]+)`:                                false,
	`é=(?<x>[^=]{2})(?<y>.+?);`:                    true,
	`a(?<x>.+?)b`:                                  true,
	`a(?<x>[^\n]+?)b(?<y>\w*?)c`:                   false,
	`a$`:                                           true,
	`^a(?<x>[\s\S]*?)b(?<y>[\s\S]*?)a`:             true,
	`(?<x>a|b)c`:                                   true, // a class
	`(?<x>ab|cd)c`:                                 false,
	`a(?<x>)b`:                                     true,
	`\ba(?<x>b)`:                                   false,
	`a(?<x>.{3})b`:                                 true,
}

// TestStraight compares straight patterns with Go's engine over texts made of their own letters.
func TestStraight(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for pattern, want := range straightPatterns {
		tree, err := syntax.Parse(pattern, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		p := straightOf(tree)
		if (p != nil) != want {
			t.Errorf("%s: straight is %v", pattern, p != nil)
		}
		if p != nil {
			compareStraight(t, rnd, pattern, p, 400)
		}
	}
}

// TestStraightOfAnything does so for patterns put together at random.
func TestStraightOfAnything(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	parts := []string{`a`, `b`, `ab`, `;`, `é`, `[^a]`, `[ab]`, `\d`, `.`, `(?s:.)`, `[^;]`, `\w`, `(?:ab)`, `[^é]`}
	times := []string{``, ``, ``, `*`, `+`, `?`, `*?`, `+?`, `??`, `{2}`, `{1,2}`, `{2,}`, `{1,2}?`}
	straights := 0
	for range 6000 {
		var b strings.Builder
		if rnd.IntN(8) == 0 {
			b.WriteByte('^')
		}
		for range 1 + rnd.IntN(5) {
			piece := parts[rnd.IntN(len(parts))] + times[rnd.IntN(len(times))]
			if rnd.IntN(3) == 0 {
				piece = "(" + piece + ")"
			}
			b.WriteString(piece)
		}
		if rnd.IntN(8) == 0 {
			b.WriteByte('$')
		}
		tree, err := syntax.Parse(b.String(), syntax.Perl)
		if err != nil {
			continue
		}
		if p := straightOf(tree); p != nil {
			straights++
			compareStraight(t, rnd, b.String(), p, 60)
		}
	}
	if straights < 300 {
		t.Errorf("only %d patterns were straight", straights)
	}
}

func compareStraight(t *testing.T, rnd *rand.Rand, pattern string, p *straight, texts int) {
	re := regexp.MustCompile(pattern)
	letters := append(strings.Split(pattern, ""), "a", "b", "c", " ", "1", "22", ".", ";", ",", "=", "é", "\n", "\xff", "\xc3", "\ufffd", "a=", " b=", " c", "ip=", `"`)
	for range texts {
		var b strings.Builder
		for range rnd.IntN(24) {
			b.WriteString(letters[rnd.IntN(len(letters))])
			if rnd.IntN(6) == 0 { // a piece of the pattern itself
				at := rnd.IntN(len(pattern))
				b.WriteString(pattern[at : at+rnd.IntN(len(pattern)-at+1)])
			}
		}
		s := b.String()
		got, ok, sure := p.find(s, 0, nil)
		want, found, _ := spans(nil, re.FindStringSubmatchIndex(s))
		if sure && (ok != found || ok && !slices.Equal(got, want)) {
			t.Fatalf("%s in %q: %v %v, and Go's engine says %v %v", pattern, s, got, ok, want, found)
		}
	}
}

// TestStraightTakesNoSquare: a pattern that could begin at each letter is left to Go's engine.
func TestStraightTakesNoSquare(t *testing.T) {
	re, err := CompileRegexp(`a(?<x>[^b]*)b`)
	if err != nil || re.straight == nil {
		t.Fatal(err, re.straight)
	}
	s := strings.Repeat("a", 1<<20)
	if _, _, sure := re.straight.find(s, 0, nil); sure {
		t.Error("it went on for the square of the text's length")
	}
	began := time.Now()
	if _, ok, _ := re.Find(s, 0, nil); ok {
		t.Error("found")
	}
	t.Log(time.Since(began))
}
