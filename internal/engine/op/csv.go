package op

import "github.com/gyoji-dev/gyoji/internal/engine/lang"

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "csv", Usage: "csv <from:field> {[,] escape=<escaped:option>|[,] quote=<quoted:option>} extract <columns:(<n:int> as <name:field>|<name:field>),...> {nodrop}",
		Summary: "Takes columns out of text with commas.",
		Text: "As `split` with a comma, `\"` as quote and `\\` as escape: `extract a, _, c` names columns from the first on, `5 as e` the fifth; `escape='^'` and `quote='|'` name another escape and quote. " +
			"A column that the text does not have is null; no row is dropped.",
		Differs: "OP-24: too few columns are null. `nodrop` is taken and changes nothing.",
		Examples: []lang.Example{
			{Query: `* | csv _raw extract 1 as id, 2 as n`, In: []string{`7,"a,b",z`}, Out: []string{`{"id":"7","n":"a,b"}`}},
			{Query: "* | csv _raw escape='^', quote=''' extract a, b", In: []string{"'x,y',1^,2"}, Out: []string{`{"a":"x,y","b":"1,2"}`}},
		},
	},
	Flow:  lang.Streams,
	Facts: lang.Facts{Rows: lang.Keeps, Alone: true, Family: true, Text: true, Parts: true},
	New:   func() lang.Stage { return new(split) },
})
