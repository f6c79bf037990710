package agg

import "github.com/gyoji-dev/gyoji/internal/engine/lang"

// threeStates are messages of one host, oldest first.
var threeStates = []string{
	`{"_raw":"1","_messageTime":1704067200000,"s":"old","h":"a"}`,
	`{"_raw":"2","_messageTime":1704067201000,"s":"mid","h":"a"}`,
	`{"_raw":"3","_messageTime":1704067202000,"s":"new","h":"a"}`,
}

var _ = register(lang.Aggregate{
	Doc: lang.Doc{
		Name: "first", Usage: "first(<f:field>)",
		Summary: "The value on the first row of the group, in the order rows have.",
		Text: "Messages come newest first, so `first` is the most recent value; after `sort` it follows the sort. " +
			"Null is a value like any other here. The column is `_first`.",
		Differs: "A null is not skipped.",
		Examples: []lang.Example{
			{Query: `* | first(s) by h`, In: threeStates, Out: []string{`{"h":"a","_first":"new"}`}},
			{Query: `* | sort by _messageTime asc | first(s) as f`, In: threeStates, Out: []string{`{"f":"old"}`}},
		},
	},
	New: ofField("first(field)", "_first", func() lang.Accumulator { return new(edge) }),
})
