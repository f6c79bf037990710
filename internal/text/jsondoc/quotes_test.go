package jsondoc

import (
	"math/rand/v2"
	"testing"
)

// TestQuoteMarks holds the places found many at a time against the plain search.
func TestQuoteMarks(t *testing.T) {
	if !hasMarks {
		t.Skip("this machine or build has no search for many quotes at once")
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	var q quoteMarks
	for range 3000 {
		text := make([]byte, rnd.IntN(300))
		letters := []string{"a\"\\", "abcdefghijklmnop\"", `\\\"`, "a"}[rnd.IntN(4)]
		for i := range text {
			text[i] = letters[rnd.IntN(len(letters))]
		}
		q.mark(text)
		for i := 1; i <= len(text); i++ { // a string's text begins behind its quote
			if got, want := q.stringEnd(text, i), stringEnd(text, i); got != want {
				t.Fatalf("%q from %d: %d, want %d", text, i, got, want)
			}
		}
	}
}
