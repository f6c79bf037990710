package op

import "github.com/gyoji-dev/gyoji/internal/engine/lang"

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "infer", Usage: "infer <options:(<name:word>=(<value:word>|<text:string>))...>",
		Summary: "Applies a model that Sumo Logic has trained; does not run here.",
		Text:    "The models are of the service and their data of its customers. The word is refused. Instead: outlier and predict find what is unusual in data of your own.",
		Status:  "refused: needs Sumo Logic's service",
	},
	Facts: lang.Facts{Rows: lang.Keeps, Service: true},
	New: func() lang.Stage {
		return &serviceOnly{name: "infer", instead: "outlier and predict find what is unusual in data of your own"}
	},
})
