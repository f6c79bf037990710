package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "smooth", Usage: "smooth <of:field> [[,] <n:int>] {as <out:field>|by <groups:field,...>}",
		Summary: "The mean of a field over the last rows, the current one included.",
		Text: "Without a number the last 10 rows count, at most 1,000; at the start there are fewer. " +
			"A value that is null or no number gives null and does not count. The column is `_smooth`.",
		Differs: "OP-56: null and text are passed over, and their rows stay.",
		Examples: []lang.Example{
			{Query: `* | sum(n) as n by t | sort by t asc | smooth n, 2`, In: numbersInOrder, Out: []string{`{"t":"1","_smooth":2}`, `{"t":"2","_smooth":3}`, `{"t":"3","_smooth":5}`}},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Keeps},
	New: func() lang.Stage {
		return &running{name: "smooth", result: "_smooth", n: windowDefault, open: func(n int) step { return &smooth{newWindow(n)} }}
	},
})

type smooth struct{ window }

func (s *smooth) next(v event.Value) (event.Value, bool) {
	f, ok := v.Float()
	if !ok {
		return event.Value{}, true
	}
	s.add(f)
	return event.Float(s.mean()), true
}
