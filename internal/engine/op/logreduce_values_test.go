package op

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// A row goes to the cluster to which it goes where all clusters are looked at, and to its
// own where none has half of its values.
func TestClustersByHalvesAreThoseOfAll(t *testing.T) {
	for fields := 2; fields <= 6; fields++ {
		rnd := rand.New(rand.NewPCG(1, uint64(fields)))
		var plain []*valueCluster
		x := &valuesTask{logreduceValues: &logreduceValues{}, index: map[uint64]*valueCluster{}, subsets: halves(fields)}
		keys := func(vals []string) (all []uint64) {
			for i, half := range x.subsets {
				k := uint64(i + 1)
				for _, f := range half {
					for _, c := range vals[f] + "/" {
						k = k*1_000_003 + uint64(c)
					}
				}
				all = append(all, k)
			}
			return all
		}
		for row := range 1500 {
			vals := make([]string, fields)
			for i := range vals {
				vals[i] = fmt.Sprint(rnd.IntN(3 + 40*i))
			}
			want := (&valuesTask{all: plain}).find(vals, nil)
			got := x.find(vals, keys(vals))
			if (got == nil) != (want == nil) || got != nil && got.nth != want.nth {
				t.Fatalf("%d fields, row %d: cluster %v, want %v", fields, row, got, want)
			}
			if got == nil {
				for _, all := range []*[]*valueCluster{&plain, &x.all} {
					*all = append(*all, &valueCluster{vals: slices.Clone(vals), many: make([]bool, fields), nth: len(*all)})
				}
				for _, k := range keys(vals) {
					x.index[k] = x.all[len(x.all)-1]
				}
				continue
			}
			for _, c := range []*valueCluster{got, want} {
				for i, v := range vals {
					c.many[i] = c.many[i] || c.vals[i] != v
				}
			}
		}
		if len(plain) < 3 {
			t.Errorf("%d fields: %d clusters prove little", fields, len(plain))
		}
	}
}
