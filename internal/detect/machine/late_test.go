package machine_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/machine"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// shuffled has hits come up to late after their turn, some of them twice, and says to each how
// far event time had come.
func shuffled(r *rand.Rand, hits []*machine.Hit, late int64) (out []*machine.Hit) {
	type turn struct {
		h  machine.Hit
		at int64
	}
	var all []turn
	for _, h := range hits {
		all = append(all, turn{*h, h.Time + r.Int64N(late+1)})
		if r.IntN(8) == 0 {
			again := *h
			again.Pos += 1000
			all = append(all, turn{again, all[len(all)-1].at + 1})
		}
	}
	slices.SortStableFunc(all, func(a, b turn) int { return int(a.at - b.at) })
	newest := int64(0)
	for i := range all {
		h := &all[i].h
		h.Now = newest
		newest = max(newest, h.Time)
		out = append(out, h)
	}
	return out
}

// TestLateHitsCount takes the same records in order and late, through one rule's groups that
// are saved and loaded at random. Every signal in order has one of the late ones within a
// window's length, of a complete window; and no more signals come than windows have room for.
func TestLateHitsCount(t *testing.T) {
	const size, keep = 100, 60
	kinds := map[string]func() machine.Machine{
		"threshold": func() machine.Machine { return machine.NewThreshold(4, size, false) },
		"distinct":  func() machine.Machine { return machine.NewThreshold(3, size, true) },
		"chain":     func() machine.Machine { return machine.NewChain([]int{2, 1, 1}, true, size) },
		"any order": func() machine.Machine { return machine.NewChain([]int{2, 1, 1}, false, size) },
		"aggregation": func() machine.Machine {
			return machine.NewAggregation([]string{"sum"}, func(v []event.Value, _ *machine.Hit) bool {
				n, _ := v[0].Int()
				return n > 30
			}, size)
		},
	}
	for name, fresh := range kinds {
		inOrder, some := 0, 0
		for seed := range uint64(200) {
			r := rand.New(rand.NewPCG(seed, 5))
			hits := stream(r, 60, 50, func(h *machine.Hit) {
				h.Time += 1000
				h.Value, h.Steps, h.Args = string(rune('a'+r.IntN(4))), 1<<r.IntN(3), []event.Value{event.Int(r.Int64N(12))}
			})
			groups := func(keep int64) *machine.Groups {
				g := &machine.Groups{New: fresh, Keep: keep}
				g.Track()
				return g
			}
			var want, got []*machine.Firing
			plain := groups(0)
			for _, h := range hits {
				plain.Take("g", h, func(f *machine.Firing) bool { want = append(want, f); return true })
			}
			g := groups(keep)
			state := map[[2]string][]byte{}
			for _, h := range shuffled(r, hits, keep) {
				g.Take("g", h, func(f *machine.Firing) bool { got = append(got, f); return true })
				if r.IntN(5) == 0 {
					g.Close(h.Now, nil)
				}
				if r.IntN(5) > 0 {
					continue
				}
				pieces, err := g.Changed()
				if err != nil {
					t.Fatal(err)
				}
				for _, p := range pieces {
					if p.State == nil {
						delete(state, [2]string{p.Group, p.Name})
					} else {
						state[[2]string{p.Group, p.Name}] = p.State
					}
				}
				g = groups(keep)
				for k, s := range state {
					if err := g.Put(machine.Piece{Group: k[0], Name: k[1], State: s}); err != nil {
						t.Fatal(err)
					}
				}
				g.Ready()
			}
			at := func(fs []*machine.Firing) (ts []int64) {
				for _, f := range fs {
					ts = append(ts, f.Hit.Time)
				}
				slices.Sort(ts)
				return ts
			}
			told := func() string {
				return fmt.Sprintf("%s, seed %d: in order at %v, late at %v", name, seed, at(want), at(got))
			}
			for _, f := range want {
				if !slices.ContainsFunc(got, func(l *machine.Firing) bool { return l.Hit.Time-f.Hit.Time < size && f.Hit.Time-l.Hit.Time < size }) {
					t.Fatalf("%s: none for that at %d", told(), f.Hit.Time)
				}
			}
			ts := at(got)
			for i := range ts {
				if i > 0 && ts[i]-ts[i-1] < size {
					t.Fatalf("%s: two signals of one window", told())
				}
			}
			for _, f := range got { // of records that were there, each once
				seen := map[string]bool{}
				for _, h := range f.Records {
					if seen[h.UID] || h.Time > f.Hit.Time || h.Time <= f.Hit.Time-size {
						t.Fatalf("%s: a signal of records outside of its window, or twice of one", told())
					}
					seen[h.UID] = true
				}
			}
			inOrder += len(want)
			some += len(got)
		}
		if inOrder < 200 || some < 200 {
			t.Errorf("%s: %d signals in order and %d late: too few to judge by", name, inOrder, some)
		}
	}
}

// TestOldLogsAfterNew sends the records of one group a day at a time, the newest day first:
// each day is judged as if it were alone.
func TestOldLogsAfterNew(t *testing.T) {
	const day, minute = 24 * 60 * 60_000, 60_000
	g := &machine.Groups{New: func() machine.Machine { return machine.NewThreshold(3, 10*minute, false) }, Keep: 5 * minute}
	var at []int64
	now := int64(0)
	for d := int64(4); d >= 0; d-- {
		for i := range int64(3) {
			h := &machine.Hit{Time: d*day + i*minute, UID: fmt.Sprint(d, i), Now: now}
			g.Take("g", h, func(f *machine.Firing) bool { at = append(at, f.Hit.Time); return true })
			now = max(now, h.Time)
			g.Close(now, nil) // what is old by the clock of the newest is not forgotten while it comes
		}
	}
	want := []int64{4*day + 2*minute, 3*day + 2*minute, 2*day + 2*minute, day + 2*minute, 2 * minute}
	if !slices.Equal(at, want) {
		t.Errorf("signals at %v, want %v", at, want)
	}
	for g.Close(now+16*minute, nil); g.Len() > 0; {
		t.Fatalf("%d groups are remembered after all of their windows are over", g.Len())
	}
}
