package agg

import (
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Aggregate{
	Doc: lang.Doc{
		Name: "avg", Usage: "avg(<f:field>)",
		Summary: "The mean of a numeric field.",
		Text: "Text is cast to a number; null and other text are left out and do not count, and a group with nothing else has a null mean. " +
			"The column is `_avg`, a double.",
		Differs: "OP-27: what is no number is ignored.",
		Examples: []lang.Example{
			{Query: `* | avg(n) by k`, In: []string{`{"_raw":"","k":"a","n":1}`, `{"_raw":"","k":"a","n":"3"}`, `{"_raw":"","k":"a"}`}, Out: []string{`{"k":"a","_avg":2}`}},
			{Query: `* | x + y as z | avg(z) as average`, In: []string{`{"_raw":"","x":1,"y":2}`, `{"_raw":"","x":3,"y":4}`}, Out: []string{`{"average":5}`}},
		},
	},
	Kind: event.Double,
	New:  ofField("avg(field)", "_avg", func() lang.Accumulator { return new(mean) }),
})

type mean struct{ t total }

func (m *mean) Add(args []event.Value, _ lang.Moment) int { return m.t.add(args[0]) }
func (m *mean) Merge(o lang.Accumulator)                  { m.t.merge(&o.(*mean).t) }

func (m *mean) Result(dst []event.Value) []event.Value {
	if m.t.n == 0 {
		return append(dst, event.Value{})
	}
	return append(dst, event.Float(m.t.value()/float64(m.t.n)))
}
