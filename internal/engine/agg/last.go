package agg

import "github.com/gyoji-dev/gyoji/internal/engine/lang"

var _ = register(lang.Aggregate{
	Doc: lang.Doc{
		Name: "last", Usage: "last(<f:field>)",
		Summary: "The value on the last row of the group, in the order rows have.",
		Text: "Messages come newest first, so `last` is the oldest value; after `sort` it follows the sort. " +
			"Null is a value like any other here. The column is `_last`.",
		Differs: "A null is not skipped.",
		Examples: []lang.Example{
			{Query: `* | last(s) by h`, In: threeStates, Out: []string{`{"h":"a","_last":"old"}`}},
		},
	},
	New: ofField("last(field)", "_last", func() lang.Accumulator { return &edge{last: true} }),
})
