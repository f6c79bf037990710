package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "diff", Usage: "diff <of:field> {as <out:field>|by <groups:field,...>}",
		Summary: "How much a field differs from the row before.",
		Text: "The result is this row minus the row before it in the same group; the first row has null. " +
			"Text is cast; a row whose value is null or no number leaves. The column is `_diff`.",
		Differs: "OP-46: the sign is that of current minus previous.",
		Examples: []lang.Example{
			{Query: `* | sum(n) as n by t | sort by t asc | diff n`, In: numbersInOrder, Out: []string{`{"t":"1","_diff":null}`, `{"t":"2","_diff":2}`, `{"t":"3","_diff":2}`}},
			{Query: `* | sum(n) as n by t, g | sort by t asc | diff n as d by g`, In: numbersInOrder, Out: []string{`{"t":"1","d":null}`, `{"t":"2","d":null}`, `{"t":"3","d":4}`}},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Keeps},
	New: func() lang.Stage {
		return &running{name: "diff", result: "_diff", open: func(int) step { return new(diff) }}
	},
})

type diff struct {
	some bool
	last float64
}

func (d *diff) next(v event.Value) (event.Value, bool) {
	f, ok := v.Float()
	if !ok {
		return event.Value{}, false
	}
	var out event.Value
	if d.some {
		out = event.Float(f - d.last)
	}
	d.some, d.last = true, f
	return out, true
}

func (d *diff) bytes() int { return 16 }
