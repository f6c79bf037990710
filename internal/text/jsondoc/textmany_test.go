package jsondoc

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
	"unsafe"
)

// TestTextManyAtATime holds the reading and writing of strings, of which some
// machines do many bytes at once, against encoding/json. Texts end where their
// memory does, too, and begin there.
func TestTextManyAtATime(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	page := make([]byte, 3*4096)
	first := 4096 - int(uintptr(unsafe.Pointer(&page[0]))%4096)
	for range 20000 {
		letters := [][]rune{[]rune(`ab\`), []rune(`abcdefghijklmnop\"/`), []rune("a\\\"\n\x01\x1f"), []rune(`aé\😀"`), []rune(`\`), []rune(`abcdefgh`)}[rnd.IntN(6)]
		var b strings.Builder
		for range rnd.IntN(60) {
			b.WriteRune(letters[rnd.IntN(len(letters))])
		}
		text := b.String()
		for _, at := range []int{first, first + 4096 - len(text), first + 4096 - len(text)/2} {
			s := page[at : at+copy(page[at:], text)]
			written := AppendString([]byte("x"), unsafe.String(unsafe.SliceData(s), len(s)))
			var back string
			if err := json.Unmarshal(written[1:], &back); err != nil || back != text {
				t.Fatalf("%q is written as %s, which is read as %q, %v", text, written, back, err)
			}
			if n := strings.Count(text, `\`) + strings.Count(text, `"`); !strings.ContainsAny(text, "\n\x01\x1f") && len(written) != 3+len(text)+n {
				t.Fatalf("%q is written with more escapes than it needs: %s", text, written)
			}
			raw := page[at : at+copy(page[at:], written[2:len(written)-1])]
			if got := Unescape([]byte("y"), raw); string(got) != "y"+text {
				t.Fatalf("%s is read as %q", raw, got)
			}
			// Without the end, an escape may be cut in two.
			if len(raw) > 0 {
				raw = raw[:len(raw)-1]
				var want []byte
				for rest := raw; len(rest) > 0; {
					if rest[0] != '\\' {
						r, n := utf8.DecodeRune(rest)
						want = utf8.AppendRune(want, r)
						rest = rest[n:]
						continue
					}
					var n int
					want, n = unescape(want, rest)
					rest = rest[n:]
				}
				if got := Unescape(nil, raw); string(got) != string(want) {
					t.Fatalf("%s is read as %q, one by one as %q", raw, got, want)
				}
			}
		}
	}
}
