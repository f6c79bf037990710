package rule_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// What a worker keeps of the values of earlier batches changes nothing, be it
// much, next to nothing, or of a field whose values never repeat.
func TestValuesThatAreKeptChangeNothing(t *testing.T) {
	const text = `title: %s
logsource: {product: linux}
detection:
  s: {%s}
  condition: %ss
---
`
	var all string
	for i, d := range []string{"A: v1", "A|endswith: ['3', '5']", "A|re: 'v[2-4]'", "B|contains: u7", "A: v2, B|endswith: '1'", "B: null", "C|contains|all: [x, y]"} {
		all += fmt.Sprintf(text, "r"+fmt.Sprint(i), d, "")
		all += fmt.Sprintf(text, "n"+fmt.Sprint(i), d, "not ")
	}
	for _, keep := range []int{0, 1000, 1 << 20} {
		sc := rule.NewScope()
		rules := lower(t, sc, "rules.yml", all)
		a, b, c := sc.Layout.Slot("A"), sc.Layout.Slot("B"), sc.Layout.Slot("C")
		run := rule.Compile(sc, rules).Open(&expr.Env{})
		run.KeepAtMost(keep)
		rnd := rand.New(rand.NewPCG(uint64(keep), 7))
		var batch event.Batch
		matches := 0
		for n := range 120 {
			batch.Reset()
			for i := range 1 + rnd.IntN(200) {
				row := batch.AddRow(0, uint64(i))
				batch.Col(a).Set(row, event.Text(fmt.Sprint("v", rnd.IntN(9))))
				if rnd.IntN(3) > 0 {
					batch.Col(b).Set(row, event.Text(fmt.Sprint("u", rnd.IntN(1<<30))))
				}
				if rnd.IntN(9) == 0 {
					batch.Col(c).Set(row, event.Text(string("XYZ"[rnd.IntN(3)])+string("xyz"[rnd.IntN(3)])))
				}
			}
			got := make([][]uint16, len(rules))
			if err := run.Match(&batch, func(i int, rows []uint16) error {
				got[i] = slices.Clone(rows)
				matches += len(rows)
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			for i, r := range rules {
				want := expr.Compile(r.When()).Open(&expr.Env{}).Keep(&batch, slices.Clone(batch.Live))
				if !slices.Equal(got[i], want) {
					t.Fatalf("keeping %d bytes, batch %d, %s: rows %v, want %v", keep, n, r.Title, got[i], want)
				}
			}
		}
		if matches < 10000 {
			t.Errorf("only %d matches", matches)
		}
	}
}
