package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// numbersInOrder are rows that the examples of running operators share.
var numbersInOrder = []string{`{"_raw":"","t":"1","g":"x","n":2}`, `{"_raw":"","t":"2","g":"y","n":4}`, `{"_raw":"","t":"3","g":"x","n":6}`}

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "accum", Usage: "accum <of:field> {as <out:field>|by <groups:field,...>}",
		Summary: "The running sum of a field, the current row included.",
		Text: "Rows are taken in the order they have: put `sort by _timeslice asc` before it. With `by` every group has a sum of its own, and rows keep their order. " +
			"Text is cast; a row whose value is null or no number leaves. The column is `_accum`.",
		Differs: "OP-14: rows that are skipped leave the result.",
		Examples: []lang.Example{
			{Query: `* | sum(n) as n by t | sort by t asc | accum n`, In: numbersInOrder, Out: []string{`{"t":"1","_accum":2}`, `{"t":"2","_accum":6}`, `{"t":"3","_accum":12}`}},
			{Query: `* | sum(n) as n by t, g | sort by t asc | accum n as so_far by g`, In: numbersInOrder, Out: []string{`{"t":"1","so_far":2}`, `{"t":"2","so_far":4}`, `{"t":"3","so_far":8}`}},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Keeps},
	New: func() lang.Stage {
		return &running{name: "accum", result: "_accum", open: func(int) step { return new(accum) }}
	},
})

type accum struct{ sum float64 }

func (a *accum) next(v event.Value) (event.Value, bool) {
	f, ok := v.Float()
	if !ok {
		return event.Value{}, false
	}
	a.sum += f
	return event.Float(a.sum), true
}

func (a *accum) bytes() int { return 8 }
