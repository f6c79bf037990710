package agg

import "github.com/gyoji-dev/gyoji/internal/engine/lang"

var _ = register(lang.Aggregate{
	Doc: lang.Doc{
		Name: "most_recent", Usage: "most_recent(<f:field>)",
		Summary: "The value with the latest time, whatever the order of rows.",
		Text: "Its argument is made by `withtime f`, which puts the value and its `_messageTime` into `f_withtime`; other text is left out. " +
			"The column is `_mostrecent`. Of equal times it takes the row that comes first in the stream.",
		Examples: []lang.Example{
			{Query: `* | withtime s | most_recent(s_withtime) by h`, In: threeStates, Out: []string{`{"h":"a","_mostrecent":"new"}`}},
		},
	},
	New: ofTimed("most_recent", "_mostrecent", func() lang.Accumulator { return new(recent) }),
})
