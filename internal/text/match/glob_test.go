package match

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestGlobMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, value string
		exact, fold    bool
	}{
		{"", "", true, true},
		{"", "a", false, false},
		{"*", "", true, true},
		{"*", "any\nthing", true, true},
		{"**", "x", true, true},
		{"200", "200", true, true},
		{"200", "2000", false, false},
		{"200", "1200", false, false},
		{"Root", "root", false, true},
		{"5*", "503", true, true},
		{"5*", "150", false, false},
		{"*.exe", `C:\a.exe`, true, true},
		{"*.exe", `C:\a.EXE`, false, true},
		{"*.exe", ".exe.bak", false, false},
		{"*lsass*", `C:\Windows\LSASS.exe`, false, true},
		{"*lsass*", `lsass`, true, true},
		{`*\Services\*\ImagePath`, `HKLM\Services\x\ImagePath`, true, true},
		{`*\Services\*\ImagePath`, `HKLM\Services\ImagePath`, false, false},
		{"*/schedule?*", "x/schedule?id=1", true, true},
		{"*/schedule?*", "x/schedules", false, false},
		{"a*a", "a", false, false},
		{"a*a", "aa", true, true},
		{"ab*ba", "aba", false, false},
		{"*a*b*a*", "xaxbxax", true, true},
		{"*a*b*a*", "xaxbx", false, false},
		{"*EventType = Error*", "one\r\nEventType = Error\r\n", true, true},
		{"*GROẞE*", "eine große", false, true},
		{"kelvin", "\u212aELVIN", false, true},
		{"*\u212aelvin*", "a kelvin", false, true},
		{"*ss*", "a\u017fs", false, true},
		{"i", "\u0130", false, false},
		{"*\xff*", "a\xffb", true, true},
		{"*\xff*", "a\xfeb", false, false},
	} {
		if got := CompileGlob(c.pattern, false).Match(c.value); got != c.exact {
			t.Errorf("%q matches %q: %v, want %v", c.pattern, c.value, got, c.exact)
		}
		if got := CompileGlob(c.pattern, true).Match(c.value); got != c.fold {
			t.Errorf("%q matches %q, ignoring letter case: %v, want %v", c.pattern, c.value, got, c.fold)
		}
	}
}

func TestEqualFoldHasNoWildcard(t *testing.T) {
	g := EqualFold("A*b")
	for value, want := range map[string]bool{"a*B": true, "A*b": true, "axb": false, "a*": false} {
		if got := g.Match(value); got != want {
			t.Errorf("A*b equals %q: %v, want %v", value, got, want)
		}
	}
	if got := g.Literals(); !slices.Equal(got, []string{"a*b"}) {
		t.Errorf("literals %q", got)
	}
}

func TestGlobLiteralsAreThePieces(t *testing.T) {
	for pattern, want := range map[string][]string{
		"":        {},
		"*":       {},
		"A":       {"A"},
		"A*":      {"A"},
		"*A*bc**": {"A", "bc"},
		"a*b*c":   {"a", "b", "c"},
	} {
		if got := CompileGlob(pattern, false).Literals(); !slices.Equal(got, want) {
			t.Errorf("%q: %q, want %q", pattern, got, want)
		}
	}
}

// The worst there is for a matcher that goes back: it must not notice.
func TestGlobTakesLinearTime(t *testing.T) {
	value := strings.Repeat("a", 1<<20)
	for _, pattern := range []string{
		strings.Repeat("a*", 1000) + "b",
		"*" + strings.Repeat("a*", 1000) + "b*",
		"*" + strings.Repeat("a", 1<<15) + "b*",
	} {
		for _, fold := range []bool{false, true} {
			if CompileGlob(pattern, fold).Match(value) {
				t.Errorf("%.20q... matches", pattern)
			}
		}
	}
}

func TestFoldJoinsAllCases(t *testing.T) {
	var toASCII []string
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		s := loose.rune(r)
		if loose.rune(s) != s {
			t.Errorf("%U folds to %U, which folds on", r, s)
		}
		for _, other := range []rune{unicode.ToLower(r), unicode.ToUpper(r), unicode.ToTitle(r), unicode.SimpleFold(r)} {
			if loose.rune(other) != s {
				t.Errorf("%U and its other case %U fold apart", r, other)
			}
		}
		if r >= utf8.RuneSelf && s < utf8.RuneSelf {
			toASCII = append(toASCII, string(r))
		}
		if simple.rune(unicode.SimpleFold(r)) != simple.rune(r) {
			t.Errorf("%U and %U fold apart", r, unicode.SimpleFold(r))
		}
		if q := unicode.SimpleFold(r); q == r && simple.rune(r) != r {
			t.Errorf("%U, which stands alone, folds to %U", r, simple.rune(r))
		}
	}
	var known []string
	for _, o := range otherCases {
		for _, s := range o.spelled {
			known = append(known, s)
			if Fold(s) != o.letter {
				t.Errorf("%q folds to %q, not %q", s, Fold(s), o.letter)
			}
		}
	}
	slices.Sort(known)
	if !slices.Equal(toASCII, known) {
		t.Errorf("%q fold to ASCII, needles know of %q", toASCII, known)
	}
	for s, want := range map[string]string{"": "", "abc": "abc", "ABC": "abc", "a\xffB": "a\xffb", "\u212a\u017f\u0130\u0131": "ksii", "\xc5": "\xc5"} {
		if got := Fold(s); got != want {
			t.Errorf("Fold(%q) = %q, want %q", s, got, want)
		}
	}
}

// twin is a glob said as a regular expression.
func twin(pattern string, fold bool) *regexp.Regexp {
	var b strings.Builder
	if fold {
		b.WriteString("(?i)")
	}
	b.WriteString(`(?s)\A`)
	for i, piece := range strings.Split(pattern, "*") {
		if i > 0 {
			b.WriteString(".*")
		}
		b.WriteString(regexp.QuoteMeta(piece))
	}
	return regexp.MustCompile(b.String() + `\z`)
}

func FuzzGlob(f *testing.F) {
	f.Add("*", "")
	f.Add("a*b*c", "aXbYc")
	f.Add("*.EXE", `C:\x.exe`)
	f.Add("*\u212a*\u017f*", "kelvin's")
	f.Add("*aab*", "aaaaaaaaaaaaaaaaaaaaab")
	f.Fuzz(func(t *testing.T, pattern, value string) {
		// A byte that is no UTF-8 is U+FFFD to a regular expression.
		if !utf8.ValidString(pattern) || !utf8.ValidString(value) || len(pattern) > 200 {
			return
		}
		for _, fold := range []bool{false, true} {
			g := CompileGlob(pattern, fold)
			got, want := g.Match(value), twin(pattern, fold).MatchString(value)
			if got != want {
				t.Errorf("%q matches %q, fold %v: %v, want %v", pattern, value, fold, got, want)
			}
			if got {
				for _, l := range g.Literals() {
					if !strings.Contains(Fold(value), Fold(l)) {
						t.Errorf("%q matches %q, which lacks the literal %q", pattern, value, l)
					}
				}
			}
		}
	})
}

func BenchmarkGlob(b *testing.B) {
	value := `C:\Windows\System32\WindowsPowerShell\v1.0\PowerShell.exe -NoProfile -EncodedCommand SQBFAFgA`
	for _, c := range []struct {
		name, pattern string
		fold, want    bool
	}{
		{"suffix", "*.exe", false, false},
		{"contains", "*-EncodedCommand*", false, true},
		{"general", "*\\powershell.exe*-enc*", true, true},
		{"general exact", "*\\PowerShell.exe*-Enc*", false, true},
		{"contains fold", "*downloadstring*", true, false},
	} {
		b.Run(c.name, func(b *testing.B) {
			g := CompileGlob(c.pattern, c.fold)
			if g.Match(value) != c.want {
				b.Fatalf("matches: %v", !c.want)
			}
			b.SetBytes(int64(len(value)))
			for b.Loop() {
				g.Match(value)
			}
		})
	}
}

// A text folded for many patterns matches as the text itself does.
func TestGlobMatchesFoldedText(t *testing.T) {
	rnd := rand.New(rand.NewPCG(21, 22))
	word := func(n int) string {
		letters := []rune("aAbBkKsS@[`{\u212a\u017fßẞéÉ.\\")
		b := make([]rune, rnd.IntN(n))
		for i := range b {
			b[i] = letters[rnd.IntN(len(letters))]
		}
		return string(b)
	}
	matched := 0
	for range 20000 {
		text := word(30)
		pattern := word(4)
		for range rnd.IntN(3) {
			pattern += "*" + word(4)
		}
		if rnd.IntN(2) == 0 { // of the text itself, in another case
			r := []rune(text)
			i := rnd.IntN(len(r) + 1)
			pattern = strings.ToUpper(string(r[:i])) + "*"
		}
		g := CompileGlob(pattern, true)
		want := g.Match(text)
		if got := g.MatchFolded(string(AppendFolded(nil, text))); got != want {
			t.Fatalf("%q against %q: %v folded, want %v", pattern, text, got, want)
		}
		if want {
			matched++
		}
	}
	if matched < 2000 {
		t.Errorf("only %d matched", matched)
	}
}
