package op

import (
	"math"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "rollingstd", Usage: "rollingstd <of:field> [[,] <n:int>] {as <out:field>|by <groups:field,...>}",
		Summary: "The standard deviation of a field over the last rows, the current one included.",
		Text: "Without a number the last 10 rows count, at most 1,000. One value alone has deviation 0. " +
			"A value that is null or no number gives null and does not count. The column is `_rollingstd`.",
		Differs: "OP-29: the sample estimator. OP-56: null and text are passed over, and their rows stay.",
		Examples: []lang.Example{
			{Query: `* | sum(n) as n by t | sort by t asc | rollingstd n, 2 | round(_rollingstd, 4) as s`, In: numbersInOrder, Out: []string{`{"t":"1","s":0}`, `{"t":"2","s":1.4142}`, `{"t":"3","s":1.4142}`}},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Keeps},
	New: func() lang.Stage {
		return &running{name: "rollingstd", result: "_rollingstd", n: windowDefault, open: func(n int) step { return &rollingstd{newWindow(n)} }}
	},
})

type rollingstd struct{ window }

func (s *rollingstd) next(v event.Value) (event.Value, bool) {
	f, ok := v.Float()
	if !ok {
		return event.Value{}, true
	}
	s.add(f)
	return event.Float(s.deviation(s.mean())), true
}

// sampleDeviation is the standard deviation of at least two values about their
// mean, with n - 1 (OP-29).
func sampleDeviation(vals []float64, mean float64) float64 {
	sum := 0.0
	for _, f := range vals {
		sum += (f - mean) * (f - mean)
	}
	return math.Sqrt(sum / float64(len(vals)-1))
}
