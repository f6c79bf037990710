package agg

import (
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Aggregate{
	Doc: lang.Doc{
		Name: "median", Usage: "median(<f:field>)",
		Summary: "The median of a numeric field: pct(f, 50) under a name of its own.",
		Text:    "The column is `_median`.",
		Dialect: "pct(f, 50) as _median",
		Examples: []lang.Example{
			{Query: `* | median(n)`, In: []string{`{"_raw":"","n":1}`, `{"_raw":"","n":2}`, `{"_raw":"","n":9}`}, Out: []string{`{"_median":2}`}},
		},
	},
	Kind: event.Double,
	New:  ofField("median(field)", "_median", func() lang.Accumulator { return &sample{ps: []float64{50}} }),
})
