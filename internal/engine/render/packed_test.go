package render

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// A packed row is printed as the row itself is, whatever its columns are and
// however many pieces there are.
func TestPackedRowsPrintAsTheyAre(t *testing.T) {
	layout := event.NewLayout("a", "b", `c"`, "d")
	for name, o := range map[string]Options{
		"every field": {Layout: layout},
		"columns":     {Layout: layout, Columns: []lang.Column{{Slot: 2, Name: `c"`}, {Slot: 0, Name: "a"}, {Slot: 0, Name: "again"}, {Slot: 3, Name: "d"}}},
	} {
		t.Run(name, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(8, 9))
			p := &objects{o: o}
			packers := []*packer{p.Printer().(*packer), p.Printer().(*packer)}
			var dict [4]event.Column
			var gen [4]uint64
			shared, own := 0, 0
			for turn := range 300 {
				var b event.Batch
				for range 1 + rnd.IntN(50) {
					b.AddRow(0, 0)
				}
				for s := range dict {
					if turn%(20*(s+1)) == 0 {
						dict[s], gen[s] = event.Column{}, event.NewGen()
						dict[s].Reset()
					}
					dict[s].Code = dict[s].Code[:0]
					for row := range b.N {
						switch n := rnd.IntN(6); {
						case n == 0 && s != 1:
							v := event.Text(fmt.Sprint(rnd.IntN(1000), "\"\n", strings.Repeat("long ", rnd.IntN(600))))
							if rnd.IntN(2) == 0 {
								v = event.Float(float64(rnd.IntN(9)) / 2)
							}
							dict[s].SetCode(uint16(row), dict[s].Put(v))
						case n < 4:
							dict[s].SetCode(uint16(row), uint16(rnd.IntN(len(dict[s].Dict))))
						}
					}
					c := dict[s]
					if rnd.IntN(4) > 0 {
						dict[s] = c.Lend(gen[s])
					}
					*b.Col(event.Slot(s)) = c
				}
				pk, plain := packers[rnd.IntN(2)], &objectRows{o: &o}
				pk.Start(&b)
				plain.Start(&b)
				for row := range uint16(b.N) {
					packed := pk.Append(nil, row)
					got, want := unpack(nil, packed, p.pieces.all()), plain.Append(nil, row)
					if string(got) != string(want) {
						t.Fatalf("turn %d, row %d: %s, not %s", turn, row, got, want)
					}
					if len(packed) < len(want)/2 {
						shared++
					} else {
						own++
					}
				}
			}
			if p.pieces.bytes < piecesBytesMax || shared == 0 || own == 0 {
				t.Errorf("%d bytes of pieces, %d rows share much, %d do not: the test sees too little", p.pieces.bytes, shared, own)
			}
		})
	}
}
