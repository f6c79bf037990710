package agg

import (
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Aggregate{
	Doc: lang.Doc{
		Name: "count", Usage: "count [(<f:field>)]",
		Summary: "The number of rows, or of rows whose field is not null.",
		Text: "`count` and `count(*)` count rows; `count(f)` counts those where `f` is not null. The column is `_count`. " +
			"`by` may be left out: `count a, b` is `count by a, b`. Over no rows at all the result is one row of 0.",
		Differs: "OP-28: count(f) leaves out null. OP-26: no rows count as 0.",
		Examples: []lang.Example{
			{Query: `* | count as hits by k`, In: []string{`{"_raw":"","k":"a"}`, `{"_raw":"","k":"a"}`, `{"_raw":"","k":"b"}`}, Out: []string{`{"k":"b","hits":1}`, `{"k":"a","hits":2}`}},
			{Query: `* | count, count(user) as named`, In: []string{`{"_raw":"1"}`, `{"_raw":"2","user":"bob"}`}, Out: []string{`{"_count":2,"named":1}`}},
		},
	},
	Kind: event.Long,
	New: func(s *lang.AggSite) lang.Aggregator {
		open := func() lang.Accumulator { return new(counter) }
		switch {
		case s.Len() == 0 || s.Star():
			return lang.Aggregator{Out: []string{"_count"}, Open: open, Columns: func() lang.States { return new(counters) }}
		case !s.Count(0, 1, "count, count(*) or count(field)"):
			return broken("_count")
		}
		_, slot, ok := s.Field(0)
		if !ok {
			return broken("_count")
		}
		return lang.Aggregator{Args: []event.Slot{slot}, Out: []string{"_count"}, Open: open}
	},
})

type counter struct{ n int64 }

func (c *counter) Add(args []event.Value, _ lang.Moment) int {
	if len(args) == 0 || !args[0].IsNull() {
		c.n++
	}
	return 0
}

func (c *counter) Merge(o lang.Accumulator) { c.n += o.(*counter).n }

func (c *counter) Result(dst []event.Value) []event.Value { return append(dst, event.Int(c.n)) }

// counters are the numbers of rows of many groups.
type counters struct{ n []int64 }

func (c *counters) Grow(n int) int {
	more := n - len(c.n)
	c.n = append(c.n, make([]int64, more)...)
	return 8 * more
}

func (c *counters) Reset() { c.n = c.n[:0] }

func (c *counters) Add(r *lang.GroupedRows) int {
	for _, g := range r.Groups {
		c.n[g]++
	}
	return 0
}

func (c *counters) Merge(g int32, o lang.States, other int32) { c.n[g] += o.(*counters).n[other] }
func (c *counters) Save(g int32, dst []byte) []byte           { return saveInt(dst, c.n[g]) }

func (c *counters) Load(g int32, src []byte) ([]byte, int) {
	r := reading{src}
	c.n[g] += r.int()
	return r.src, 0
}

func (c *counters) Result(g int32, dst []event.Value) []event.Value {
	return append(dst, event.Int(c.n[g]))
}
