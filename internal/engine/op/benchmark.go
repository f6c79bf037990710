package op

import "github.com/gyoji-dev/gyoji/internal/engine/lang"

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "benchmark", Usage: "benchmark <outs:rename,...> from <model:word> on <keys:expr,...>",
		Summary: "Compares with figures of all customers of Sumo Logic; does not run here.",
		Text:    "The figures are of the service. The word is refused. Instead: save figures of your own to a table and compare with lookup.",
		Status:  "refused: needs Sumo Logic's service",
	},
	Facts: lang.Facts{Rows: lang.Keeps, Service: true},
	New: func() lang.Stage {
		return &serviceOnly{name: "benchmark", instead: "save figures of your own to a table and compare with lookup"}
	},
})
