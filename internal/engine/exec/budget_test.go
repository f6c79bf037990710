package exec

import (
	"math/rand/v2"
	"sync"
	"testing"
)

// A refused request charges nothing, neither here nor in a parent, and what is
// given back may be taken again.
func TestRefusalChargesNothing(t *testing.T) {
	process := &Budget{Limit: 10 * grain}
	run := &Budget{Limit: 4 * grain, Parent: process}
	a, b := run.Open("a"), run.Open("b")
	if !a.Add(4 * grain) {
		t.Fatal("refused what there is")
	}
	for range 100 {
		if b.Add(1) {
			t.Fatal("gave more than there is")
		}
	}
	if run.Used() != 4*grain || process.Used() != 4*grain {
		t.Fatalf("used %d of the run and %d of the process after refusals, want %d", run.Used(), process.Used(), 4*grain)
	}
	a.Release()
	if !b.Add(4*grain) || b.Add(1) {
		t.Error("what was given back is not to be had again, or more than it")
	}
}

// A run stops at what its process has left, whatever its own limit, and says so.
func TestParentRefuses(t *testing.T) {
	process := &Budget{Limit: 2 * grain}
	free, small := &Budget{Parent: process}, &Budget{Limit: 8 * grain, Parent: process}
	a, b := free.Open("a"), small.Open("b")
	if !a.Add(2*grain) || b.Add(1) {
		t.Fatal("the process's limit does not hold")
	}
	if small.Used() != 0 || !small.Half() {
		t.Errorf("the refused run uses %d, and half of its parent is not seen to be used", small.Used())
	}
	if got := b.Over("rows", "less").(*OverBudget).Limit; got != 2*grain {
		t.Errorf("the message names a limit of %d, want the process's", got)
	}
	a.Release()
	if !b.Add(1) {
		t.Error("refused what was given back")
	}
}

// Whatever accounts ask for and give back, from any goroutine, no limit is passed
// and in the end nothing is left taken.
func TestBudgetsOfMany(t *testing.T) {
	process := &Budget{Limit: 50 * grain}
	var wg sync.WaitGroup
	for i := range 8 {
		run := &Budget{Limit: int64(5+3*i) * grain, Parent: process}
		wg.Go(func() {
			rnd := rand.New(rand.NewPCG(1, uint64(i)))
			a, b := run.Open("a"), run.Open("b")
			for range 2000 {
				switch rnd.IntN(8) {
				case 0:
					a.Release()
				case 1:
					a.Take(b)
				case 2:
					b.Release()
				default:
					a.Add(rnd.Int64N(2 * grain))
					b.Add(rnd.Int64N(grain))
				}
				if a.taken+b.taken > run.Limit || a.have < 0 || b.have < 0 {
					t.Errorf("accounts took %d and %d of %d", a.taken, b.taken, run.Limit)
				}
			}
			a.Release()
			b.Release()
			if run.Used() != 0 {
				t.Errorf("%d bytes stay taken", run.Used())
			}
		})
	}
	wg.Wait()
	if process.Used() != 0 {
		t.Errorf("%d bytes of the process stay taken", process.Used())
	}
}
