package match

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// naive is Set.Index as its words say.
func naive(literals []Literal, buf []byte, from int) int {
	for at := max(from, 0); at < len(buf); at++ {
		for _, l := range literals {
			if len(l) > 0 && len(buf)-at >= len(l) && l.stands(string(buf[at:at+len(l)])) {
				return at
			}
		}
	}
	return -1
}

// checkSet compares the searches there are with the naive one, for a few
// starts, and where the buffer begins off its alignment.
func checkSet(t *testing.T, literals []Literal, buf []byte) {
	t.Helper()
	checkSearch(t, NewSet(literals...), literals, buf)
	checkSearch(t, NewWideSet(literals...), literals, buf)
}

func checkSearch(t *testing.T, s *Set, literals []Literal, buf []byte) {
	t.Helper()
	for _, from := range []int{-1, 0, 1, 7, 31, 32, 33, len(buf) - 1, len(buf), len(buf) + 1} {
		want := naive(literals, buf, from)
		if got := s.Index(buf, from); got != want {
			t.Fatalf("Index(%q, %d) = %d, want %d; %d literals", buf, from, got, want, len(literals))
		}
		if from >= 0 && from < len(buf) {
			if got := s.plain.index(s.needles, buf, from); got != want {
				t.Fatalf("plain index(%q, %d) = %d, want %d; %d literals", buf, from, got, want, len(literals))
			}
			if hasTeddy {
				if got := s.indexTeddy(buf, from); got != want {
					t.Fatalf("teddy index(%q, %d) = %d, want %d; %d literals", buf, from, got, want, len(literals))
				}
			}
		}
	}
	// All hits in turn, as a reader asks for them.
	for at := 0; ; at++ {
		want := naive(literals, buf, at)
		got := s.Index(buf, at)
		if got != want {
			t.Fatalf("Index(%q, %d) = %d, want %d", buf, at, got, want)
		}
		if at = got; got < 0 {
			break
		}
	}
}

func TestSetFindsTheFirst(t *testing.T) {
	browsers := browserSet()
	for _, c := range []struct {
		name     string
		literals []Literal
		buf      string
		want     int
	}{
		{"nothing to find", nil, "abc", -1},
		{"literal without bytes", []Literal{AnyCase("")}, "abc", -1},
		{"literal that can stand nowhere", []Literal{{Bytes{}}}, "abc", -1},
		{"empty buffer", []Literal{AnyCase("a")}, "", -1},
		{"one byte", []Literal{Exact("c")}, "abc", 2},
		{"letter case", []Literal{AnyCase("Chrome.EXE")}, `C:\cHROME.exe`, 3},
		{"exact", []Literal{Exact("Chrome")}, "chrome Chrome", 7},
		{"only letters fold", []Literal{AnyCase("a[b")}, "A{B a[B", 4},
		{"of two, the first", []Literal{AnyCase("bbbb"), AnyCase("aaaa")}, "xaaaabbbb", 1},
		{"the longer begins before the shorter", []Literal{AnyCase("opera.exe"), AnyCase("xxxxxxxxopera.exe")}, "-xxxxxxxxopera.exe", 1},
		{"cut off at the end", []Literal{AnyCase("chrome.exe")}, "chrome.exe chrome.ex", 0},
		{"escape", browsers, `{"a":"chrom\u0065.exe"}`, 11},
		{"upper case is no escape", browsers, `C:\\U0065`, -1},
		{"escape without digits", browsers, `C:\users \u00g0`, -1},
		{"escape cut off", browsers, `\u006`, -1},
		{"any byte, then x", []Literal{{Bytes{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}, ByteSet("x")}}, "a\xffx", 1},
	} {
		buf := []byte(c.buf)
		if got := NewSet(c.literals...).Index(buf, 0); got != c.want {
			t.Errorf("%s: Index(%q) = %d, want %d", c.name, c.buf, got, c.want)
		}
		checkSet(t, c.literals, buf)
	}
}

// Every place of a buffer, near both ends and across blocks, at every length.
func TestSetFindsAtEveryPlace(t *testing.T) {
	for _, word := range []string{"a", "Kb", "\xc5\xbf", "abc", "abcd", "opera.exe", strings.Repeat("longer.", 8)} {
		s, wide := NewSet(AnyCase(word)), NewWideSet(AnyCase(word))
		for size := len(word); size < len(word)+110; size++ {
			// With room before it, so that the buffer is unaligned too.
			room := bytes.Repeat([]byte("."), size+size%3)
			buf := room[size%3:]
			for at := 0; at+len(word) <= size; at++ {
				copy(buf[at:], word)
				for _, from := range []int{0, at - 1, at} {
					if got := s.Index(buf, from); got != at {
						t.Fatalf("%q at %d of %d, from %d: %d", word, at, size, from, got)
					}
					if got := wide.Index(buf, from); got != at {
						t.Fatalf("wide: %q at %d of %d, from %d: %d", word, at, size, from, got)
					}
					if got := s.plain.index(s.needles, buf, max(from, 0)); got != at {
						t.Fatalf("plain: %q at %d of %d, from %d: %d", word, at, size, from, got)
					}
				}
				if got := s.Index(buf, at+1); got != -1 {
					t.Fatalf("%q at %d of %d, from after: %d", word, at, size, got)
				}
				copy(buf[at:], bytes.Repeat([]byte("."), len(word)))
			}
		}
	}
}

// Random literals over few letters, so that many overlap and share beginnings.
func TestSetOfAnySize(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	letters := "abAB.\\u0Kk\xc5\xbf"
	word := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = letters[rnd.IntN(len(letters))]
		}
		return string(b)
	}
	for _, n := range []int{1, 2, 7, 8, 9, 17, 64, 65, 200} {
		for range 4 {
			var literals []Literal
			for range n {
				w := word(1 + rnd.IntN(60))
				if rnd.IntN(2) == 0 {
					literals = append(literals, Exact(w))
				} else {
					literals = append(literals, AnyCase(w))
				}
			}
			if rnd.IntN(2) == 0 {
				literals = append(literals, JSONEscape())
			}
			buf := []byte(word(rnd.IntN(300)))
			for range 3 { // some hits of long literals
				l := literals[rnd.IntN(len(literals))]
				for i := range l {
					buf = append(buf, firstOf(&l[i]))
				}
				buf = append(buf, word(rnd.IntN(40))...)
			}
			checkSet(t, literals, buf)
		}
	}
}

func firstOf(b *Bytes) byte {
	for c := range 256 {
		if b.Has(byte(c)) {
			return byte(c)
		}
	}
	return 0
}

func FuzzSet(f *testing.F) {
	f.Add("chrome.exe\nmsedge.exe", `{"Image": "C:\\Program Files\\Chrome.exe"}`, true)
	f.Add("a\nab\nabc\nb", "xxabcabc", false)
	f.Add(`\u`, `x\u0041`, true)
	f.Add("\xc5\xbf\n\xe2\x84\xaa", "a\u017fb\u212ac", true)
	f.Fuzz(func(t *testing.T, words, text string, escape bool) {
		var literals []Literal
		for i, w := range strings.Split(words, "\n") {
			if i == 200 || len(w) > 300 {
				return
			}
			if i%2 == 0 {
				literals = append(literals, AnyCase(w))
			} else {
				literals = append(literals, Exact(w))
			}
		}
		if escape {
			literals = append(literals, JSONEscape())
		}
		if len(text) > 2000 {
			return
		}
		checkSet(t, literals, []byte(text))
	})
}

var browserNames = []string{"chrome.exe", "msedge.exe", "firefox.exe", "iexplore.exe", "opera.exe", "brave.exe", "vivaldi.exe"}

func browserSet() []Literal {
	var all []Literal
	for _, b := range browserNames {
		all = append(all, AnyCase(b))
	}
	return append(all, JSONEscape())
}

// events makes JSON lines like Sysmon's, of which one in hits is of a browser.
// Its words are others than those of the sample, which the search is tuned with,
// but for what every Sysmon event has.
func events(size, hits int) []byte {
	rnd := rand.New(rand.NewPCG(3, 4))
	pick := func(s ...string) string { return s[rnd.IntN(len(s))] }
	var b bytes.Buffer
	for i := 1; b.Len() < size; i++ {
		image := pick(`C:\\Windows\\System32\\backgroundTaskHost.exe`, `C:\\Windows\\explorer.exe`, `C:\\Program Files\\Git\\usr\\bin\\ssh.exe`,
			`C:\\Windows\\System32\\taskhostw.exe`, `C:\\ProgramData\\Updater\\agent-service.exe`, `C:\\Windows\\Microsoft.NET\\Framework64\\v4.0.30319\\ngen.exe`)
		if hits > 0 && i%hits == 0 {
			image = `C:\\Program Files\\Browser\\` + pick("Chrome.exe", "MSEDGE.EXE", "firefox.exe", "opera.exe")
		}
		fmt.Fprintf(&b, `{"EventID":"%d","Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"%s-%03d.ad.contoso.test","UtcTime":"2024-06-%02d %02d:%02d:%02d.%03d",`,
			1+rnd.IntN(25), pick("DESK", "LAP", "SRV"), rnd.IntN(1000), 1+rnd.IntN(28), rnd.IntN(24), rnd.IntN(60), rnd.IntN(60), rnd.IntN(1000))
		fmt.Fprintf(&b, `"ProcessGuid":"{%08X-%04X-%04X-%04X-%012X}","ProcessId":"%d","Image":"%s","CommandLine":"\"%s\" --type=%s /prefetch:%d",`,
			rnd.Uint32(), rnd.IntN(1<<16), rnd.IntN(1<<16), rnd.IntN(1<<16), rnd.Uint64()&(1<<48-1), rnd.IntN(30000), image, image, pick("utility", "renderer", "gpu-process", "crashpad-handler"), rnd.IntN(9))
		fmt.Fprintf(&b, `"User":"CONTOSO\\%s","IntegrityLevel":"%s","Hashes":"SHA256=%016X%016X%016X%016X","ParentImage":"C:\\Windows\\System32\\%s","ParentCommandLine":"%s"}`+"\n",
			pick("amelia", "jonas", "svc_backup", "priya.k"), pick("Medium", "High", "System"), rnd.Uint64(), rnd.Uint64(), rnd.Uint64(), rnd.Uint64(), pick("wininit.exe", "userinit.exe", "gpupdate.exe"), pick("-Embedding", "/c start", "-k LocalService"))
	}
	return b.Bytes()
}

// lines counts the lines that a set finds something in, as a reader would.
func lines(index func(from int) int, buf []byte) (n int) {
	for at := 0; at < len(buf); {
		i := index(at)
		if i < 0 {
			break
		}
		n++
		end := bytes.IndexByte(buf[i:], '\n')
		if end < 0 {
			break
		}
		at = i + end + 1
	}
	return n
}

func benchmarkSet(b *testing.B, literals []Literal, buf []byte) {
	re := 0
	for line := range bytes.Lines(buf) {
		if naive(literals, line, 0) >= 0 {
			re++
		}
	}
	s := NewSet(literals...)
	ways := map[string]func(int) int{"plain": func(from int) int { return s.plain.index(s.needles, buf, from) }}
	if hasTeddy {
		ways["teddy"] = func(from int) int { return s.indexTeddy(buf, from) }
	}
	for name, index := range ways {
		if got := lines(index, buf); got != re {
			b.Fatalf("%s finds %d lines, there are %d", name, got, re)
		}
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(buf)))
			for b.Loop() {
				lines(index, buf)
			}
			b.ReportMetric(float64(re), "lines")
		})
	}
}

func BenchmarkSet(b *testing.B) {
	made := events(1<<20, 50)
	never := events(1<<20, 0)
	witness := append(browserSet(), Exact("\u017f"), Exact("\u212a"), Exact("\u0130"), Exact("\u0131"))
	many := func(n int) (all []Literal) {
		rnd := rand.New(rand.NewPCG(5, 6))
		for range n {
			w := make([]byte, 6+rnd.IntN(14))
			for i := range w {
				w[i] = "etaoinshrdlucmfwypvbgkjqxz.-_\\"[rnd.IntN(30)]
			}
			all = append(all, AnyCase(string(w)))
		}
		return append(all, JSONEscape())
	}
	b.Run("browsers, 1 line in 50", func(b *testing.B) { benchmarkSet(b, browserSet(), made) })
	b.Run("browsers, no line", func(b *testing.B) { benchmarkSet(b, browserSet(), never) })
	b.Run("browsers as a witness", func(b *testing.B) { benchmarkSet(b, witness, made) })
	b.Run("24 words", func(b *testing.B) { benchmarkSet(b, many(24), made) })
	b.Run("64 words", func(b *testing.B) { benchmarkSet(b, many(64), made) })
	b.Run("200 words", func(b *testing.B) { benchmarkSet(b, many(200), made) })
	b.Run("shared data", func(b *testing.B) { benchmarkSet(b, browserSet(), sharedEvents(b)) })
}

// sharedEvents are real Sysmon events, beside the checkout.
func sharedEvents(t testing.TB) []byte {
	f, err := os.Open(filepath.Join("..", "..", "..", "..", "shared", "data", "jsonl", "sysmon-flat.jsonl.gz"))
	if err != nil {
		t.Skip("../shared/data is not there")
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	buf, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return buf
}

func TestSetOverRealEvents(t *testing.T) {
	buf := sharedEvents(t)
	literals := browserSet()
	s := NewSet(literals...)
	want := 0
	for line := range bytes.Lines(buf) {
		if naive(literals, line, 0) >= 0 {
			want++
		}
	}
	if got := lines(func(from int) int { return s.Index(buf, from) }, buf); got != want || want == 0 {
		t.Errorf("%d lines, want %d", got, want)
	}
	if got := lines(func(from int) int { return s.plain.index(s.needles, buf, from) }, buf); got != want {
		t.Errorf("plain: %d lines, want %d", got, want)
	}
}
