package evtx

import (
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
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
		text := AppendJSON16([]byte("-"), append(src, 0x78))
		if err := json.Unmarshal(text[1:], &back); err != nil || back != want || strings.Contains(string(text), "\\u0020") {
			t.Fatalf("%x is %s in JSON, which is %q (%v), want %q", units, text, back, err, want)
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
