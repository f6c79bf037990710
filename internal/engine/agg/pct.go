package agg

import (
	"math"
	"slices"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Aggregate{
	Doc: lang.Doc{
		Name: "pct", Usage: "pct(<f:field>[, <p:number,...>])",
		Summary: "Percentiles of a numeric field.",
		Text: "Each `p` lies between 0 and 100 and may have decimals; without one it is 50, the median. " +
			"Columns are named `_<field>_pct_<p>`; an alias names the column where there is one percentile. " +
			"Between two values the result is interpolated linearly. Text is cast; null and other text are left out. " +
			"The result is exact, so memory grows by 8 bytes a value.",
		Differs: "OP-30: linear interpolation. Sumo Logic estimates from 1,000 values on; this stays exact.",
		Examples: []lang.Example{
			{Query: `* | pct(n, 50, 75)`, In: []string{`{"_raw":"","n":1}`, `{"_raw":"","n":2}`, `{"_raw":"","n":9}`}, Out: []string{`{"_n_pct_50":2,"_n_pct_75":5.5}`}},
			{Query: `* | pct(n) as middle`, In: []string{`{"_raw":"","n":1}`, `{"_raw":"","n":2}`}, Out: []string{`{"middle":1.5}`}},
		},
	},
	Kind: event.Double,
	New:  func(s *lang.AggSite) lang.Aggregator { return percentiles(s, "pct(field, 95)") },
})

var _ = register(lang.Aggregate{
	Doc: lang.Doc{
		Name: "pct_sampling", Usage: "pct_sampling(<f:field>[, <p:number,...>])",
		Summary: "Percentiles of a numeric field, as pct.",
		Text:    "The columns are named as those of `pct`.",
		Differs: "Sumo Logic looks at a sample of 1,000 messages; here it is `pct`, over all of them.",
		Examples: []lang.Example{
			{Query: `* | pct_sampling(n, 50)`, In: []string{`{"_raw":"","n":1}`, `{"_raw":"","n":2}`, `{"_raw":"","n":9}`}, Out: []string{`{"_n_pct_50":2}`}},
		},
	},
	Kind: event.Double,
	New:  func(s *lang.AggSite) lang.Aggregator { return percentiles(s, "pct_sampling(field, 95)") },
})

func percentiles(s *lang.AggSite, usage string) lang.Aggregator {
	if !s.Count(1, -1, usage) {
		return broken("_pct")
	}
	f, slot, ok := s.Field(0)
	if !ok {
		return broken("_pct")
	}
	var ps []float64
	var out []string
	for i := 1; i < s.Len(); i++ {
		n, ok := s.Number(i)
		if !ok {
			s.Error(i, "bad-percentile", "a percentile is a number written out", "the form is "+usage)
			continue
		}
		p := n.Float
		if n.IsInt {
			p = float64(n.Int)
		}
		if p < 0 || p > 100 || math.IsNaN(p) {
			s.Error(i, "bad-percentile", "a percentile lies between 0 and 100", "the median is 50, not 0.5")
			continue
		}
		if p > 0 && p < 1 {
			s.Warn(i, "small-percentile", "this is less than one percent", "percentiles run from 0 to 100: the median is 50, not 0.5")
		}
		ps = append(ps, p)
		out = append(out, percentileName(f, event.Float(p)))
	}
	if s.Len() == 1 {
		ps, out = []float64{50}, []string{percentileName(f, event.Int(50))}
	}
	return lang.Aggregator{
		Args: []event.Slot{slot}, Out: out,
		Open: func() lang.Accumulator { return &sample{ps: ps} },
	}
}

func percentileName(f *syntax.Field, p event.Value) string {
	return "_" + f.Name + "_pct_" + p.String()
}

// sample keeps all numbers of a group.
type sample struct {
	ps   []float64
	nums []float64
}

func (s *sample) Add(args []event.Value, _ lang.Moment) int {
	f, ok := args[0].Float()
	if !ok || math.IsNaN(f) {
		return 0
	}
	before := cap(s.nums)
	s.nums = append(s.nums, f)
	return 8 * (cap(s.nums) - before)
}

func (s *sample) Merge(o lang.Accumulator) { s.nums = append(s.nums, o.(*sample).nums...) }

func (s *sample) Result(dst []event.Value) []event.Value {
	slices.Sort(s.nums)
	for _, p := range s.ps {
		if len(s.nums) == 0 {
			dst = append(dst, event.Value{})
			continue
		}
		dst = append(dst, event.Float(at(s.nums, p)+0))
	}
	return dst
}

// at is the percentile p of sorted numbers, interpolated between neighbours.
func at(nums []float64, p float64) float64 {
	place := p * float64(len(nums)-1) / 100
	i := int(place)
	if i >= len(nums)-1 {
		return nums[len(nums)-1]
	}
	low, high := nums[i], nums[i+1]
	share := place - float64(i)
	if share == 0 || low == high {
		return low
	}
	if gap := high - low; !math.IsInf(gap, 0) {
		return low + float64(gap*share)
	}
	return float64(low*(1-share)) + float64(high*share)
}
