package format

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// A builder gives the values it was given, whatever it keeps of the batches
// before; what it says of dictionaries that stay is true; and what a stage does to
// a batch changes nothing of the next.
func TestBuilderKeepsOnlyWhatStays(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	texts := []func() string{
		func() string { return "1" },
		func() string { return fmt.Sprint("host-", rnd.IntN(40)) },
		func() string { return fmt.Sprintf(`C:\\Windows\\%d.exe`, rnd.IntN(700)) },
		func() string { return fmt.Sprint(rnd.IntN(1 << rnd.IntN(16))) },                  // few and many
		func() string { return fmt.Sprint(rnd.IntN([]int{50, 1 << 20}[rnd.IntN(10)/8])) }, // few, and now and then another
		func() string { return fmt.Sprint("unlike all others ", rnd.Uint64()) },
		func() string { return []string{"", `\u00e9`, "\xff", "é", `\"`}[rnd.IntN(5)] },
		func() string { return strings.Repeat("x", rnd.IntN(3000)) },
	}
	var w builder
	var block []byte // lent, as a reader's
	const other = 20 // a column that now and then is given numbers beside texts
	kept, grown := 0, map[uint64][]event.Value{}
	for turn := range 200 {
		block = slices.Grow(block[:0], 2<<20)
		rows := 1 + rnd.IntN(300)
		want := make([][]string, rows)
		for row := range want {
			w.b.AddRow(0, uint64(row))
			for s, text := range texts {
				if rnd.IntN(10) == 0 {
					want[row] = append(want[row], "")
					continue
				}
				at := len(block)
				block = append(block, text()...)
				raw := block[at:len(block):len(block)]
				w.text(event.Slot(s), uint16(row), jsondoc.Value{Kind: jsondoc.String, Raw: raw})
				want[row] = append(want[row], string(jsondoc.Unescape(nil, raw)))
			}
			if turn%3 > 0 || row%2 == turn%2 {
				w.text(other, uint16(row), asIs([]byte(fmt.Sprint("text ", row%4))))
			} else {
				w.b.Col(other).Set(uint16(row), event.Int(int64(row)))
			}
		}
		err := w.push(sinkFunc(func(b *event.Batch) error {
			for row, texts := range want {
				for s, text := range texts {
					if got := b.Value(event.Slot(s), uint16(row)).Str(); got != text {
						t.Fatalf("row %d, column %d: %q, not %q", row, s, got, text)
					}
				}
				number := fmt.Sprint(row)
				if turn%3 > 0 || row%2 == turn%2 {
					number = fmt.Sprint("text ", row%4)
				}
				if got := b.Value(other, uint16(row)).Str(); got != number {
					t.Fatalf("row %d: %q, not %q", row, got, number)
				}
			}
			for s := range b.Cols {
				c := &b.Cols[s]
				if c.Gen != 0 {
					before := grown[c.Gen]
					if len(before) > 0 {
						kept++
					}
					if len(before) > len(c.Dict) || !slices.Equal(before, c.Dict[:len(before)]) {
						t.Fatalf("column %d: a dictionary that was to stay is another", s)
					}
					for _, v := range c.Dict[len(before):] {
						before = append(before, v.Clone())
					}
					grown[c.Gen] = before
				}
				switch rnd.IntN(4) {
				case 0:
					c.Edit(uint16(rnd.IntN(len(c.Dict))), event.Text("edited"))
				case 1:
					c.Set(uint16(rnd.IntN(rows)), event.Text("set"))
				case 2:
					c.Reset()
				default:
					continue
				}
				if c.Gen != 0 {
					t.Fatalf("column %d: changed, and it says it is as before", s)
				}
			}
			return nil
		}))
		if err != nil {
			t.Fatal(err)
		}
		for i := range block[:cap(block)] {
			block[:cap(block)][i] = '#'
		}
	}
	if kept < 200 {
		t.Errorf("only %d dictionaries stayed", kept)
	}
	held := 0
	for _, c := range w.cols {
		held += c.held
	}
	if held > keptBytesMax {
		t.Errorf("%d bytes are kept", held)
	}
}
