package logic

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestGroupsOfChoices compares groups that are made in memory used before with the
// plain way to make them: by copies.
func TestGroupsOfChoices(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var g grouping
	most := 0
	for range 5000 {
		choices := make([]*choice, r.IntN(12))
		for i := range choices {
			c := &choice{}
			for range r.IntN(4) {
				id := r.IntN(150)
				if r.IntN(2) == 0 {
					id = r.IntN(12)
				}
				one := make(set, id/64+1)
				one[id/64] = 1 << (id % 64)
				c.about = c.about.with(one)
			}
			choices[i] = c
		}
		got, want := g.of(choices), apart(choices)
		if !slices.EqualFunc(got, want, slices.Equal[[]*choice]) {
			t.Fatalf("%v: got %v, want %v", choices, got, want)
		}
		most = max(most, len(want))
	}
	if most < 5 {
		t.Errorf("there are %d groups at most", most)
	}
}

func apart(choices []*choice) [][]*choice {
	var groups [][]*choice
	var about []set
	for _, c := range choices {
		keys := slices.Clone(c.about)
		group := []*choice{c}
		kept, keptAbout := groups[:0:0], about[:0:0]
		for i, g := range groups {
			if keys.meets(about[i]) {
				group = append(slices.Clone(g), group...)
				keys = keys.with(about[i])
			} else {
				kept, keptAbout = append(kept, g), append(keptAbout, about[i])
			}
		}
		groups, about = append(kept, group), append(keptAbout, keys)
	}
	return groups
}
