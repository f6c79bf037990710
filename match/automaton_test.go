package match

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// checkAutomaton compares with looking for each literal at every place.
func checkAutomaton(t *testing.T, literals []string, text string) {
	t.Helper()
	a := NewAutomaton(literals)
	got := map[int]int{}
	a.Each(text, func(id int) { got[id]++ })
	folded := Fold(text)
	any := false
	for id, l := range literals {
		want := 0
		if f := Fold(l); f != "" {
			for i := range len(folded) {
				if strings.HasPrefix(folded[i:], f) {
					want++
				}
			}
		}
		any = any || want > 0
		if got[id] != want {
			t.Fatalf("%q in %q: %d times, want %d; literals %q", l, text, got[id], want, literals)
		}
	}
	if a.Any(text) != any {
		t.Fatalf("any of %q in %q: %v", literals, text, !any)
	}
}

func TestAutomatonFindsAll(t *testing.T) {
	for _, c := range []struct {
		literals []string
		text     string
	}{
		{nil, "abc"},
		{[]string{""}, "abc"},
		{[]string{"a"}, ""},
		{[]string{"he", "she", "his", "hers"}, "uSHERs his"},
		{[]string{"a", "aa", "aaa", "aaaa"}, "aaaaa"},
		{[]string{"same", "SAME", "same"}, "xSamex"},
		{[]string{"kelvin", "straße", "\u0131stanbul"}, "\u212aelvin STRAẞE \u0130stanbul"},
		{[]string{"\xff\xfe", "a\xff"}, "a\xff\xfe"},
		{[]string{"abcdefgh", "cdefgx", "efgy"}, "abcdefgx abcdefgy"},
	} {
		checkAutomaton(t, c.literals, c.text)
	}
}

func TestAutomatonOfManyLiterals(t *testing.T) {
	rnd := rand.New(rand.NewPCG(9, 10))
	word := func(letters string, n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = letters[rnd.IntN(len(letters))]
		}
		return string(b)
	}
	for _, letters := range []string{"ab", "abcdefgh", "abcdefghijklmnopqrstuvwxyzABC.\\-/ 0123456789"} {
		for _, n := range []int{1, 10, 300} {
			var literals []string
			for range n {
				literals = append(literals, word(letters, 1+rnd.IntN(12)))
			}
			text := word(letters, 300)
			for range 20 {
				text += literals[rnd.IntN(n)]
			}
			checkAutomaton(t, literals, text)
		}
	}
}

func FuzzAutomaton(f *testing.F) {
	f.Add("he\nshe\nhis\nhers", "ushers")
	f.Add("\u212a\ni", "kK\u0130\u0131")
	f.Add("\xff\n\xff\xff", "\xff\xff\xff")
	f.Fuzz(func(t *testing.T, words, text string) {
		if len(words) > 2000 || len(text) > 500 {
			return
		}
		checkAutomaton(t, strings.Split(words, "\n"), text)
	})
}

// ruleWords makes literals like those of detection rules, of which few stand in
// an event.
func ruleWords(n int) (all []string) {
	rnd := rand.New(rand.NewPCG(11, 12))
	pick := func(s ...string) string { return s[rnd.IntN(len(s))] }
	for i := range n {
		stem := ""
		for range 2 + rnd.IntN(3) {
			stem += pick("in", "vo", "ke", "dump", "cre", "tor", "load", "reg", "ser", "ob", "fus", "ex", "fil", "hook", "net", "pass", "key", "log")
		}
		all = append(all, pick(`\`, ` -`, ` /`, `\AppData\Local\`, `HKLM\SYSTEM\CurrentControlSet\`, "")+stem+pick(".exe", ".dll", ".ps1", "", " ", "=")+pick("", fmt.Sprint(i)))
	}
	return all
}

func BenchmarkAutomaton(b *testing.B) {
	for _, n := range []int{50, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			words := ruleWords(n)
			a := NewAutomaton(words)
			if limit := 10 << 20; a.Bytes() > limit {
				b.Errorf("%d literals take %d bytes, the limit is %d", n, a.Bytes(), limit)
			}
			var values []string
			size := 0
			for line := range bytes.Lines(events(200<<10, 50)) {
				for i, v := range bytes.Split(line, []byte(`"`)) {
					if i%4 == 3 {
						values = append(values, string(v))
						size += len(v)
					}
				}
			}
			hits, want := 0, 0
			for _, v := range values[:500] {
				a.Each(v, func(int) { hits++ })
				for _, w := range words {
					if f := Fold(w); f != "" {
						for i := range len(v) {
							if strings.HasPrefix(Fold(v)[i:], f) {
								want++
							}
						}
					}
				}
			}
			if hits != want {
				b.Fatalf("%d hits, want %d", hits, want)
			}
			b.SetBytes(int64(size))
			n := 0
			for b.Loop() {
				for _, v := range values {
					a.Each(v, func(int) { n++ })
				}
			}
			b.ReportMetric(float64(a.Bytes()), "table-bytes")
		})
	}
}

func TestAutomatonKeepsTheOrderOfEnds(t *testing.T) {
	var got []int
	NewAutomaton([]string{"bcd", "a", "cd", "d"}).Each("abcd", func(id int) { got = append(got, id) })
	if !slices.Equal(got, []int{1, 0, 2, 3}) {
		t.Errorf("%v", got)
	}
}
