package op

import (
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/exec/exectest"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// TestSortSplit has rows whose keys, times and values repeat, with nulls and
// both kinds of number.
func TestSortSplit(t *testing.T) {
	l := event.NewLayout("k", "v")
	var rows []exectest.Row
	for i := range 300 {
		k := event.Int(int64(i * 7 % 11))
		switch i % 5 {
		case 0:
			k = event.Value{}
		case 1:
			k = event.Float(float64(i%13) + 0.5)
		case 2:
			k = event.Text("text that is long enough to differ late " + string(rune('a'+i%17)))
		}
		rows = append(rows, exectest.Row{Time: int64(i / 9), Vals: []event.Value{k, event.Int(int64(i))}})
	}
	for _, limit := range []int{0, 1, 20} {
		s := &sorting{newest: true, limit: limit, order: exec.Order{Keys: []exec.Key{{Slot: 0, Desc: true}}}}
		s.after.Add(0, 1)
		got := exectest.Same(t, exectest.Stage{Layout: l, Open: s.Open, Ordered: true, Spills: true}, rows)
		if want := len(rows); limit > 0 && len(got) != limit || limit == 0 && len(got) != want {
			t.Errorf("limit %d: %d rows", limit, len(got))
		}
	}
}
