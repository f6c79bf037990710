package match

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// checkGrams compares with looking for each literal in the whole text.
func checkGrams(t *testing.T, literals []string, text string) {
	t.Helper()
	a := NewGrams(literals)
	got := map[int]bool{}
	a.Each(text, func(id int) { got[id] = true })
	folded := Fold(text)
	any := false
	for id, l := range literals {
		want := l != "" && strings.Contains(folded, Fold(l))
		any = any || want
		if got[id] != want {
			t.Fatalf("%q in %q: %v, want %v; literals %q", l, text, got[id], want, literals)
		}
	}
	if a.Any(text) != any {
		t.Fatalf("any of %q in %q: %v", literals, text, !any)
	}
}

func TestGramsFindAll(t *testing.T) {
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
		{[]string{"@AZ[", "`az{"}, "@az["},
		{[]string{"\x00\x00\x00\x00", "b\x00\x00\x00", "\x00", "b\x00"}, "ab"},
		{[]string{"ab", "b", "abc"}, "xxxxxxxAB"},
		{[]string{"abcd", "é"}, "xxxxxxxxxxabcd \u00c9"},
	} {
		checkGrams(t, c.literals, c.text)
	}
}

func TestGramsOfManyLiterals(t *testing.T) {
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
			checkGrams(t, literals, text)
		}
	}
}

func FuzzGrams(f *testing.F) {
	f.Add("he\nshe\nhis\nhers", "ushers")
	f.Add("\u212a\ni", "kK\u0130\u0131")
	f.Add("\xff\n\xff\xff", "\xff\xff\xff")
	f.Fuzz(func(t *testing.T, words, text string) {
		if len(words) > 2000 || len(text) > 500 {
			return
		}
		checkGrams(t, strings.Split(words, "\n"), text)
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

func BenchmarkGrams(b *testing.B) {
	for _, n := range []int{50, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			words := ruleWords(n)
			a := NewGrams(words)
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
				found := map[int]bool{}
				a.Each(v, func(id int) { found[id] = true })
				hits += len(found)
				for _, w := range words {
					if strings.Contains(Fold(v), Fold(w)) {
						want++
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
