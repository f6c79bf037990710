package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/syntax"
)

// frequentMax is how many rows count_frequent gives (spec C.3).
const frequentMax = 10000

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "count_frequent", Usage: "count_frequent <names:field,...>",
		Summary: "Counts the rows of each value of some fields, most frequent first.",
		Text: "The columns are the fields and `_approxcount`. It takes no parentheses and stands with no other aggregate. " +
			"At most 10,000 rows come out; values with equal counts keep the order in which they were met.",
		Differs: "Sumo Logic estimates, never too low; these counts are exact at any number of values, so memory grows with that number, and beyond the budget groups go to disk.",
		Examples: []lang.Example{
			{Query: `* | count_frequent u`, In: []string{`{"_raw":"","u":"/a"}`, `{"_raw":"","u":"/b"}`, `{"_raw":"","u":"/a"}`}, Out: []string{`{"u":"/a","_approxcount":2}`, `{"u":"/b","_approxcount":1}`}},
		},
	},
	Flow:  lang.Collects,
	Facts: lang.Facts{Rows: lang.Makes, Costly: true},
	New:   func() lang.Stage { return new(countFrequent) },
})

type countFrequent struct {
	Names []*syntax.Field `usage:"names"`
	chain
}

func (c *countFrequent) Check(sc *lang.Scope) {
	const out = "_approxcount"
	c.add(sc, countBy(sc.Stage(), out, c.Names), lang.Collects)
	c.add(sc, &sorting{Keys: []*syntax.SortKey{{Field: &syntax.Field{Name: out}}}, limit: frequentMax}, lang.Collects)
}
