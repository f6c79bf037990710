package agg

import (
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Aggregate{
	Doc: lang.Doc{
		Name: "min", Usage: "min(<f:field>)",
		Summary: "The smallest number of a field.",
		Text: "Values are compared as numbers; text is cast, null and other text are left out. The column is `_min`, a double. " +
			"With two arguments `min(a, b)` is the function of an expression.",
		Differs: "OP-27: what is no number is ignored. NaN counts only where there is nothing else.",
		Examples: []lang.Example{
			{Query: `* | min(d)`, In: []string{`{"_raw":"","d":"9"}`, `{"_raw":"","d":"10"}`}, Out: []string{`{"_min":9}`}},
		},
	},
	Kind: event.Double,
	New:  ofField("min(field)", "_min", func() lang.Accumulator { return new(extreme) }),
})
