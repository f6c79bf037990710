package op

import "github.com/gyoji-dev/gyoji/internal/engine/lang"

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "details", Usage: "details <id:word>",
		Summary: "Shows the messages of one of Sumo Logic's stored signatures; does not run here.",
		Text:    "The service keeps the signatures of `logreduce` and shows the messages of one by its id. Nothing is stored here, so the word is refused. Instead: filter with where signature, or search for the words of the signature.",
		Status:  "refused: needs Sumo Logic's service",
	},
	Facts: lang.Facts{Rows: lang.Drops, Service: true},
	New: func() lang.Stage {
		return &serviceOnly{name: "details", instead: "filter with where signature, or search for the words of the signature"}
	},
})
