package convert

import (
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/sigma"
)

// What is written for Lucene holds for the whole of the values in which the pattern is
// found. The subset that is written means the same to Go, with anchors around it.
func TestLuceneRegexMeansTheSame(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, r := range []sigma.Regexp{
		{Pattern: `foo\d+`}, {Pattern: `(?i)foo\d+`}, {Pattern: `foo`, IgnoreCase: true}, {Pattern: `^a|b$`}, {Pattern: `^(a|b)$`}, {Pattern: `(^[a-z]{4}$)|(^[a-z]{8}$)`},
		{Pattern: `(?:^|\s)-u`}, {Pattern: `-u(?:\s|$)`}, {Pattern: `(^|x)a(y|$)`}, {Pattern: `a+?b*?`}, {Pattern: `\W\s*\)\.Name`}, {Pattern: `[^"]{0,6}x`}, {Pattern: `\$\{?e\}`},
		{Pattern: `(?:/c|/r)(?:\s|)"set`}, {Pattern: `[Rr]un(?:\.exe)? \S+?\w:`}, {Pattern: `a{2,}b{3}c{1,2}`}, {Pattern: `~#@&<>"x`}, {Pattern: `x\\y`}, {Pattern: `[\]\[\\^-]`},
		{Pattern: `(?i)\\(venv|python(.+)?)\\lib`}, {Pattern: `a(?i)bc`}, {Pattern: `ab`, Start: true}, {Pattern: `ab`, End: true}, {Pattern: `ab|c`, Start: true, End: true}, {Pattern: `x?`}, {Pattern: `()`}, {Pattern: `\x41\n`},
	} {
		text, ok := wholeRegex(r)
		if !ok {
			t.Errorf("%v is refused", r)
			continue
		}
		want := regexp.MustCompile(r.Syntax())
		got, err := regexp.Compile(`^(?s:` + text + `)$`)
		if err != nil {
			t.Errorf("%v: %s: %v", r, text, err)
			continue
		}
		tree, err := syntax.Parse(r.Syntax(), syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		hits := 0
		for range 400 {
			s := sample(tree, rnd)
			switch rnd.IntN(6) {
			case 0:
				s = "x " + s
			case 1:
				s += "\t.y"
			case 2:
				s = strings.ToUpper(s)
			case 3:
				if len(s) > 0 {
					at := rnd.IntN(len(s))
					s = s[:at] + s[at+1:]
				}
			case 4:
				s = sample(tree, rnd) + "0" + s
			}
			if want.MatchString(s) {
				hits++
			}
			if want.MatchString(s) != got.MatchString(s) {
				t.Errorf("%v: %s: %q is %v, want %v", r, text, s, got.MatchString(s), want.MatchString(s))
				break
			}
		}
		if hits == 0 {
			t.Errorf("%v: no sample matches", r)
		}
	}
	for _, p := range []string{`\bfoo`, `a(?=b)`, `(a)\1`, `a^b`, `(?m)^a`} {
		if text, ok := wholeRegex(sigma.Regexp{Pattern: p}); ok {
			t.Errorf("%s is %s", p, text)
		}
	}
}

// sample is a text that a pattern may match.
func sample(re *syntax.Regexp, rnd *rand.Rand) string {
	var b strings.Builder
	times := func(low, high int) {
		for range low + rnd.IntN(high-low+1) {
			b.WriteString(sample(re.Sub[0], rnd))
		}
	}
	switch re.Op {
	case syntax.OpLiteral:
		b.WriteString(string(re.Rune))
	case syntax.OpCharClass:
		i := rnd.IntN(len(re.Rune)/2) * 2
		b.WriteRune(re.Rune[i] + rune(rnd.IntN(min(int(re.Rune[i+1]-re.Rune[i])+1, 90))))
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		b.WriteByte("aZ0 .\\"[rnd.IntN(6)])
	case syntax.OpCapture:
		times(1, 1)
	case syntax.OpStar:
		times(0, 3)
	case syntax.OpPlus:
		times(1, 3)
	case syntax.OpQuest:
		times(0, 1)
	case syntax.OpRepeat:
		high := re.Max
		if high < 0 {
			high = re.Min + 2
		}
		times(re.Min, high)
	case syntax.OpConcat:
		for _, s := range re.Sub {
			b.WriteString(sample(s, rnd))
		}
	case syntax.OpAlternate:
		b.WriteString(sample(re.Sub[rnd.IntN(len(re.Sub))], rnd))
	}
	return b.String()
}
