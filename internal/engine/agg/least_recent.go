package agg

import "github.com/gyoji-dev/gyoji/internal/engine/lang"

var _ = register(lang.Aggregate{
	Doc: lang.Doc{
		Name: "least_recent", Usage: "least_recent(<f:field>)",
		Summary: "The value with the earliest time, whatever the order of rows.",
		Text: "Its argument is made by `withtime f`, which puts the value and its `_messageTime` into `f_withtime`; other text is left out. " +
			"The column is `_leastrecent`. Of equal times it takes the row that comes last in the stream.",
		Examples: []lang.Example{
			{Query: `* | withtime s | least_recent(s_withtime) by h`, In: threeStates, Out: []string{`{"h":"a","_leastrecent":"old"}`}},
		},
	},
	New: ofTimed("least_recent", "_leastrecent", func() lang.Accumulator { return &recent{least: true} }),
})
