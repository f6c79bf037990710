package event

import (
	"math/rand/v2"
	"testing"
)

// Positions are in the order of parts and offsets however many parts there are: the
// millionth comes after all before it.
func TestPositionsKeepTheirOrder(t *testing.T) {
	last := uint64(0)
	for _, part := range []int{0, 1, 1<<19 - 1, 1 << 19, 1<<19 + 1, 999_999, 1_000_000, 1 << 20, 1<<20 + 1, 1 << 28, partsMax - 1} {
		for _, off := range []int64{0, 1, 1<<34 - 1} {
			at := Position(part, off)
			if at <= last && part+int(off) > 0 {
				t.Errorf("part %d, byte %d: %d is not after %d", part, off, at, last)
			}
			if Offset(at) != off {
				t.Errorf("part %d: the offset of %d comes back as %d", part, off, Offset(at))
			}
			if Part(at) != part {
				t.Errorf("part %d comes back as %d", part, Part(at))
			}
			last = at
		}
	}
	rnd := rand.New(rand.NewPCG(2, 2))
	for range 10000 {
		a, b := rnd.IntN(3_000_000), rnd.IntN(3_000_000)
		x, y := Position(a, rnd.Int64N(1<<34)), Position(b, rnd.Int64N(1<<34))
		if (a < b) != (x < y) && a != b {
			t.Fatalf("parts %d and %d have positions %d and %d", a, b, x, y)
		}
	}
	if a, b := Position(7, 1<<43), Position(7, 1<<43+1); a >= b {
		t.Error("offsets of a large file have no order")
	}
}

func TestLayoutForgets(t *testing.T) {
	l := NewLayout("image", "user")
	for i := range 2 * MaxFields {
		l.Met(string(rune('a'+i%26)) + string(rune(0x4e00+i)))
	}
	if l.Met("late") != None {
		t.Fatal("the layout is not full: this tests nothing")
	}
	l.Forget(2)
	if s := l.Met("late"); s != 2 || l.Len() != 3 || l.Name(2) != "late" {
		t.Errorf("a name met after the others were forgotten has slot %d of %d", s, l.Len())
	}
	if s, ok := l.Find("Image"); !ok || s != 0 {
		t.Error("a name that the query has is forgotten")
	}
}
