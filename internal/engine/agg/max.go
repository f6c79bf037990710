package agg

import (
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Aggregate{
	Doc: lang.Doc{
		Name: "max", Usage: "max(<f:field>)",
		Summary: "The greatest number of a field.",
		Text: "Values are compared as numbers; text is cast, null and other text are left out. The column is `_max`, a double: " +
			"a time needs `toLong` before `formatDate`. With two arguments `max(a, b)` is the function of an expression.",
		Differs: "OP-27: what is no number is ignored. NaN counts only where there is nothing else.",
		Examples: []lang.Example{
			{Query: `* | max(d)`, In: []string{`{"_raw":"","d":"9"}`, `{"_raw":"","d":"10"}`}, Out: []string{`{"_max":10}`}},
			{Query: `* | max(n) as top by k`, In: []string{`{"_raw":"","k":"a","n":-5}`, `{"_raw":"","k":"a","n":-3}`}, Out: []string{`{"k":"a","top":-3}`}},
		},
	},
	Kind: event.Double,
	New:  ofField("max(field)", "_max", func() lang.Accumulator { return &extreme{max: true} }),
})
