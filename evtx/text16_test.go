package evtx

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// TestText16 compares text with the standard library's UTF-16 and JSON.
func TestText16(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	letters := []uint16{'a', 'b', 'Z', '/', ' ', '"', '\\', '\n', 0, 0x1f, 0x7f, 0x80, 0xe9, 0x20ac, 0xffff, 0xd83d, 0xde00, 0xd800}
	for n := range 4000 {
		plain := n%2 == 0 // mostly
		var units []uint16
		var src []byte
		for range rnd.IntN(40) {
			u := letters[rnd.IntN(len(letters))]
			if plain && rnd.IntN(12) > 0 {
				u = letters[rnd.IntN(5)]
			}
			units = append(units, u)
			src = binary.LittleEndian.AppendUint16(src, u)
		}
		want := string(utf16.Decode(units))
		if got := string(AppendUTF16([]byte("-"), src)); got != "-"+want {
			t.Fatalf("%x is %q, want %q", units, got, want)
		}
		if got := string(AppendUTF16(nil, append(src, 'x'))); got != want {
			t.Fatalf("%x and an odd byte is %q, want %q", units, got, want)
		}
		var back string
		text := append(AppendJSON16([]byte(`-"`), append(src, 0x78)), '"')
		if err := json.Unmarshal(text[1:], &back); err != nil || back != want || strings.Contains(string(text), "\\u0020") {
			t.Fatalf("%x is %s in JSON, which is %q (%v), want %q", units, text, back, err, want)
		}
	}
}

// TestNarrow compares narrow with its plain twin, at every place of a page: it
// reads beyond what it is given, but not beyond a page.
func TestNarrow(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	letters := []uint16{'"', '\\', '\n', 0, 0x1f, 0x7f, 0x80, 0xff, 0x100, 0x122, 0x5c5c, 0x7fff, 0x8000, 0x8022, 0xffff}
	page := make([]byte, 3*4096)
	for n := range 20000 {
		chars := rnd.IntN(70)
		src := page[4096+rnd.IntN(4096-2*chars):]
		src = src[:2*chars]
		if n%4 == 0 {
			src = page[8192-2*chars : 8192]
		}
		for i := range chars {
			u := uint16(' ' + 2 + rnd.IntN('Z'-' ')) // neither quotes nor backslashes
			if rnd.IntN(10) == 0 {
				u = letters[rnd.IntN(len(letters))]
			}
			binary.LittleEndian.PutUint16(src[2*i:], u)
		}
		for _, json := range []bool{false, true} {
			// Where plain text ends, one may go on a little further than the other.
			all := func(narrow func([]byte, []byte, bool) ([]byte, int)) (out []byte) {
				for src := src; len(src) > 0; {
					dst := append(make([]byte, 0, 2+narrowRoom(src)), "->"...)
					dst, n := narrow(dst, src, json)
					out = append(out, dst[2:]...)
					if src = src[n:]; len(src) > 0 {
						if json {
							out = append(out, "stop"...)
						}
						out, src = utf8.AppendRune(out, rune(u16(src, 0))), src[2:]
					}
				}
				return out
			}
			if a, b := all(narrow), all(narrowWords); string(a) != string(b) {
				t.Fatalf("json %v: %x is %q, want %q", json, src, a, b)
			}
		}
	}
}

// TestFileTimeDays compares times with the standard library's calendar.
func TestFileTimeDays(t *testing.T) {
	for day := int64(-800); day < 3_000_000; day += 1 + max(0, day/50_000) {
		sec := day*86400 + day*7919%86400
		if day < 0 {
			sec = day * 86400
		}
		at := uint64(sec+epochMillis/1000)*1000*ticksPerMilli + 1234567
		want := time.Unix(sec, 0).UTC().Format("2006-01-02T15:04:05") + ".1234567Z"
		if got := string(appendFileTime(nil, at)); got != want {
			t.Fatalf("second %d is %s, want %s", sec, got, want)
		}
	}
}

// TestNumbers compares numbers with the standard library's.
func TestNumbers(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	check := func(n uint64) {
		if got, want := string(appendUint([]byte("-"), n)), "-"+strconv.FormatUint(n, 10); got != want {
			t.Fatalf("%d is %s", n, got)
		}
		if got, want := string(appendUintHex([]byte("-"), n)), "-"+strconv.FormatUint(n, 16); got != want {
			t.Fatalf("%d is %s in hexadecimal, want %s", n, got, want)
		}
	}
	for p := uint64(1); ; p *= 10 {
		check(p - 1)
		check(p)
		check(p + 1)
		if p == 1e19 {
			break
		}
	}
	for i := range 64 {
		check(1<<i - 1)
		check(1 << i)
		check(rnd.Uint64() >> i)
	}
	check(math.MaxUint64)
}
