package evtx

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/gyoji-dev/gyoji/evtx/evtxtest"
)

// TestTemplatesAreKept reads a log of many chunks: the templates of the first are
// those of all, wherever the chunks have their names.
func TestTemplatesAreKept(t *testing.T) {
	file := evtxtest.Processes(2000)
	d := NewDecoder()
	kept := 0
	for at := HeaderBytes; at < len(file); at += ChunkBytes {
		d.Open(file[at:min(at+ChunkBytes, len(file))], false)
		for r, ok := d.Next(); ok; r, ok = d.Next() {
			if _, err := d.Event(r); err != nil {
				t.Fatal(err)
			}
		}
		if kept == 0 {
			kept = d.kept
		}
	}
	if kept == 0 || d.kept != kept {
		t.Errorf("%d templates kept of the first chunk and %d of all", kept, d.kept)
	}
}

// TestSameFree compares the search for differences with its plain twin.
func TestSameFree(t *testing.T) {
	if !hasSameFree {
		t.Skip("there is no assembly for this machine")
	}
	rnd := rand.New(rand.NewPCG(8, 9))
	same := 0
	for range 20_000 {
		blocks := 1 + rnd.IntN(5)
		a, free := make([]byte, blocks*variantBlock), make([]uint32, blocks)
		for i := range a {
			a[i] = byte(rnd.Uint32())
		}
		for i := range free {
			free[i] = rnd.Uint32() & rnd.Uint32()
		}
		b := bytes.Clone(a)
		for range rnd.IntN(4) {
			b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8)
		}
		got, want := sameFree(&a[0], &b[0], &free[0], blocks), sameWords(a, b, free)
		if got != want {
			t.Fatalf("%x and %x but for %x: %v, want %v", a, b, free, got, want)
		}
		if got {
			same++
		}
	}
	if same < 1000 || same > 19_000 {
		t.Errorf("%d of 20000 the same, which proves little", same)
	}
}
