package agg

import (
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Aggregate{
	Doc: lang.Doc{
		Name: "sum", Usage: "sum(<f:field>)",
		Summary: "The sum of a numeric field.",
		Text: "Text is cast to a number; null and other text are left out, and a group with nothing else has a null sum. " +
			"The column is `_sum`, a double. The sum is exact and rounded once, so it does not depend on the order of rows.",
		Differs: "OP-27: what is no number is ignored. OP-44: Infinity and NaN carry through.",
		Examples: []lang.Example{
			{Query: `* | sum(n) by k`, In: []string{`{"_raw":"","k":"a","n":1}`, `{"_raw":"","k":"a","n":"3"}`, `{"_raw":"","k":"b","n":5}`}, Out: []string{`{"k":"b","_sum":5}`, `{"k":"a","_sum":4}`}},
			{Query: `* | sum(n) as s`, In: []string{`{"_raw":"","n":0.5}`, `{"_raw":"","n":"0.25"}`, `{"_raw":"","n":"-"}`}, Out: []string{`{"s":0.75}`}},
		},
	},
	Kind: event.Double,
	New:  ofField("sum(field)", "_sum", func() lang.Accumulator { return new(sum) }),
})

type sum struct{ t total }

func (s *sum) Add(args []event.Value, _ lang.Moment) int { return s.t.add(args[0]) }
func (s *sum) Merge(o lang.Accumulator)                  { s.t.merge(&o.(*sum).t) }

func (s *sum) Result(dst []event.Value) []event.Value {
	if s.t.n == 0 {
		return append(dst, event.Value{})
	}
	return append(dst, event.Float(s.t.value()))
}
