package datefmt

import (
	"math/rand/v2"
	"testing"
)

// A clock reads what ParseEventTime reads, whatever came before.
func TestClock(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	pick := func(of ...string) string { return of[rnd.IntN(len(of))] }
	var c Clock
	good := 0
	for range 200_000 {
		s := pick("2026", "2024", "0000", "20x6") + pick("-", "-", "-", "/") + pick("02", "12", "13") + "-" + pick("01", "29", "30", "0a") +
			pick("T", " ", "t", "_") + pick("05", "23", "24") + pick(":", ":", ":", ".") + pick("00", "59", "60") + ":" +
			pick("00", "07", "59", "60", "61", "1", "x1", "") + pick("", ".1", ",25", ".123456789", ".", ".9x") +
			pick("", "Z", "z", "+02:00", " -0330", "+000039800Z", "x", "ZZ")
		if rnd.IntN(50) == 0 {
			s = pick("", "1772435199953", "20260302055959.964000+000", "-", "2026-")
		}
		want, wantOK := ParseEventTime(s)
		got, ok := c.ParseEventTime(s)
		if got != want || ok != wantOK {
			t.Fatalf("%q: %d, %v; ParseEventTime says %d, %v", s, got, ok, want, wantOK)
		}
		if ok {
			good++
		}
	}
	if good < 1000 {
		t.Errorf("only %d times are times", good)
	}
}
