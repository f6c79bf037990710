package machine_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/machine"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// TestPiecesGoOn: groups of each kind whose changed pieces are written into a store of
// keys at random, and which go on from the store in another process, fire as groups that
// nothing happens to; also where groups are too many, and where values are.
func TestPiecesGoOn(t *testing.T) {
	defer machine.SetMaxValues(40)()
	kinds := map[string]func() machine.Machine{
		"match":     machine.NewMatch,
		"threshold": func() machine.Machine { return machine.NewThreshold(3, 40, true) },
		"chain":     func() machine.Machine { return machine.NewChain([]int{2, 1}, true, 60) },
		"aggregation": func() machine.Machine {
			return machine.NewAggregation([]string{"count"}, func(v []event.Value, _ *machine.Hit) bool { n, _ := v[0].Int(); return n > 3 }, 50)
		},
		"first seen": func() machine.Machine { return machine.NewFirstSeen(50, 120) },
		"outlier": func() machine.Machine {
			return machine.NewOutlier(&machine.OutlierRule{Function: "count", Bucket: 20, Learning: 40, Retention: 200, Deviations: 1})
		},
	}
	for name, fresh := range kinds {
		t.Run(name, func(t *testing.T) {
			fired := 0
			for seed := range uint64(20) {
				r := rand.New(rand.NewPCG(seed, 11))
				most := 3 + r.IntN(20)
				var want, got []string
				whole := &machine.Groups{New: fresh, Max: most}
				cut := &machine.Groups{New: fresh, Max: most}
				cut.Track()
				store := map[[2]string][]byte{}
				for i, h := range stream(r, 400, 8, func(h *machine.Hit) {
					h.Value, h.Steps, h.Args = fmt.Sprint(r.IntN(60)), 1+r.Uint64N(3), []event.Value{event.Int(r.Int64N(9))}
				}) {
					key := fmt.Sprint(r.IntN(8))
					note := func(to *[]string) machine.Fire {
						return func(f *machine.Firing) bool {
							*to = append(*to, fmt.Sprint(key, f.Hit.Pos, f.Total, f.Aggregates))
							return signal(f.Hit)
						}
					}
					h2 := *h
					whole.Take(key, h, note(&want))
					cut.Take(key, &h2, note(&got))
					if r.IntN(30) == 0 {
						whole.Close(h.Time, note(&want))
						cut.Close(h.Time, note(&got))
					}
					if r.IntN(5) == 0 {
						pieces, err := cut.Changed()
						if err != nil {
							t.Fatal(err)
						}
						if r.IntN(4) == 0 {
							continue // the store could not be written; the next checkpoint has it all
						}
						for _, p := range pieces {
							if p.State == nil {
								delete(store, [2]string{p.Group, p.Name})
							} else {
								store[[2]string{p.Group, p.Name}] = p.State
							}
						}
						cut.Kept()
						if again, err := cut.Changed(); len(again) > 0 || err != nil {
							t.Fatalf("%d pieces have changed since they were kept: %v", len(again), err)
						}
						if r.IntN(3) == 0 {
							next := &machine.Groups{New: fresh, Max: most}
							for at, state := range store {
								if err := next.Put(machine.Piece{Group: at[0], Name: at[1], State: state}); err != nil {
									t.Fatal(err)
								}
							}
							next.Ready()
							next.Track()
							if next.Len() != cut.Len() {
								t.Fatalf("hit %d: %d groups, %d before", i, next.Len(), cut.Len())
							}
							cut = next
						}
					}
				}
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("seed %d: %d firings, want %d:\n%v\n%v", seed, len(got), len(want), got, want)
				}
				fired += len(want)
			}
			if fired < 100 {
				t.Errorf("%d firings in all rounds: too few to judge by", fired)
			}
		})
	}
}

// TestPiecesAreSmall: of a baseline of many values a checkpoint writes those that came.
func TestPiecesAreSmall(t *testing.T) {
	g := &machine.Groups{New: func() machine.Machine { return machine.NewFirstSeen(0, 1000) }}
	g.Track()
	none := func(*machine.Firing) bool { return true }
	for n := range 5000 {
		g.Take("", &machine.Hit{Time: 1, Value: fmt.Sprint(n)}, none)
	}
	if pieces, _ := g.Changed(); len(pieces) != 5001 {
		t.Errorf("%d pieces of 5000 values", len(pieces))
	}
	g.Kept()
	g.Take("", &machine.Hit{Time: 2, Value: "7"}, none)
	pieces, _ := g.Changed()
	if size := len(pieces[0].State) + len(pieces[1].State); len(pieces) != 2 || size > 20 {
		t.Errorf("%d pieces of %d bytes for one value", len(pieces), size)
	}
}

// Pieces that are cut off are refused, never half taken.
func TestBrokenPieces(t *testing.T) {
	for _, p := range []machine.Piece{{State: []byte{}}, {State: []byte{1}}, {State: []byte{1, 9, 0, 0, 0}}, {State: []byte{1, 1, 1}}, {Name: "abc", State: []byte{1}}, {Name: "0123456789abcdef"}} {
		g := &machine.Groups{New: func() machine.Machine { return machine.NewFirstSeen(0, 1000) }}
		if g.Put(p) == nil {
			t.Errorf("%+v is taken", p)
		}
	}
}
