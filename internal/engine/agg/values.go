package agg

import (
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Aggregate{
	Doc: lang.Doc{
		Name: "values", Usage: "values(<f:field>)",
		Summary: "The different values of a field, in order, joined by line ends.",
		Text: "Values are compared by their text and sorted by code point: digits, then upper case, then lower case. " +
			"Of more than 100 the first 100 in that order are shown. Null is left out; the empty string is a value. The column is `_values`.",
		Differs: "Which 100 values Sumo Logic shows is not documented.",
		Examples: []lang.Example{
			{Query: `* | values(p) as ps`, In: []string{`{"_raw":"","p":"a"}`, `{"_raw":"","p":"B"}`, `{"_raw":"","p":"10"}`, `{"_raw":"","p":"9"}`, `{"_raw":"","p":"a"}`}, Out: []string{`{"ps":"10\n9\nB\na"}`}},
		},
	},
	New: ofField("values(field)", "_values", func() lang.Accumulator { return new(listing) }),
})

// listing holds the smallest values seen, sorted. Keeping the smallest, not the
// first to come, makes the result independent of the order of rows.
type listing struct{ sorted []string }

// listingBytes is what a value costs besides its text.
const listingBytes = 16

func (l *listing) Add(args []event.Value, _ lang.Moment) int {
	if args[0].IsNull() {
		return 0
	}
	return l.insert(args[0].Str(), true)
}

// insert puts s in its place; lent says that its memory belongs to a batch.
func (l *listing) insert(s string, lent bool) (grown int) {
	i, found := slices.BinarySearch(l.sorted, s)
	if found || i >= valuesMax {
		return 0
	}
	if lent {
		s = strings.Clone(s)
	}
	grown = len(s) + listingBytes
	if len(l.sorted) == valuesMax {
		grown -= len(l.sorted[valuesMax-1]) + listingBytes
		l.sorted = l.sorted[:valuesMax-1]
	}
	l.sorted = slices.Insert(l.sorted, i, s)
	return grown
}

func (l *listing) Merge(o lang.Accumulator) {
	for _, s := range o.(*listing).sorted {
		l.insert(s, false)
	}
}

func (l *listing) Result(dst []event.Value) []event.Value {
	if l.sorted == nil {
		return append(dst, event.Value{})
	}
	return append(dst, event.Text(strings.Join(l.sorted, "\n")))
}
