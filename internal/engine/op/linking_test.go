package op

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/exec/exectest"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// TestLinkingIsTheForest holds the groups found on disk against those of the
// forest: chains, which are slowest to find, stars, and links at random.
func TestLinkingIsTheForest(t *testing.T) {
	rnd := rand.New(rand.NewPCG(11, 11))
	for name, link := range map[string]func(i, n int) (int, int){
		"chain":           func(i, n int) (int, int) { return i, (i + 1) % n },
		"chain backwards": func(i, n int) (int, int) { return n - 1 - i, max(n-2-i, 0) },
		"star":            func(i, n int) (int, int) { return i, n - 1 },
		"few":             func(_, n int) (int, int) { return rnd.IntN(n), rnd.IntN(n) },
		"pairs":           func(i, n int) (int, int) { return i, i ^ 1 },
	} {
		for _, n := range []int{1, 2, 3, 300} {
			rt := &exec.Runtime{Ctx: context.Background(), Layout: event.NewLayout("u", "v"), Zone: time.UTC,
				Budget: &exec.Budget{Limit: exectest.TinyBudget}, Warnings: &exec.Warnings{}, TempDir: t.TempDir()}
			l := newLinking(rt, "test", 0, 1)
			var f forest
			for range n {
				f.node()
			}
			for i := range n {
				if name == "few" && i%2 == 0 {
					continue
				}
				u, v := link(i, n)
				if v >= n {
					v = u
				}
				if u == v {
					continue
				}
				f.join(int32(u), int32(v))
				if err := l.link(int64(u), int64(v)); err != nil {
					t.Fatal(err)
				}
			}
			got := make([]int32, n)
			for i := range got {
				got[i] = int32(i)
			}
			if err := l.groups(func(u, smallest int64) error { got[u] = int32(smallest); return nil }); err != nil {
				t.Fatal(err)
			}
			for i := range got {
				if want := f.root(int32(i)); got[i] != want {
					t.Fatalf("%s of %d: %d belongs to %d, want %d", name, n, i, got[i], want)
				}
			}
		}
	}
}
