package mapping

import (
	"slices"
	"testing"
)

// A text that means event 11 is none for a value that is 1, and one for a value with a
// 1 in it.
func TestTranslationsOfWholeValues(t *testing.T) {
	of := func(piece string, whole bool) []string {
		texts, ok := Translations("EventID", []string{piece}, whole)
		if !ok {
			t.Fatal("the texts that mean an event's number cannot be listed")
		}
		return texts
	}
	one, eleven, some := of("1", true), of("11", true), of("1", false)
	if len(one) == 0 || len(eleven) == 0 {
		t.Fatalf("texts for event 1: %q, for event 11: %q", one, eleven)
	}
	for _, text := range eleven {
		if slices.Contains(one, text) || !slices.Contains(some, text) {
			t.Errorf("%q means event 11: for the whole value 1 it is in %q, for a 1 within a value in %q", text, one, some)
		}
	}
	if got := of("processcreate", true); len(got) != 0 {
		t.Errorf("texts for a number that is none: %q", got)
	}
}
