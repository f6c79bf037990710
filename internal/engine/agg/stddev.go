package agg

import (
	"math"
	"math/big"
	"math/bits"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(lang.Aggregate{
	Doc: lang.Doc{
		Name: "stddev", Usage: "stddev(<f:field>)",
		Summary: "The standard deviation of a numeric field.",
		Text: "The estimator is that of a sample: it divides by n - 1. One value alone has deviation 0. " +
			"Text is cast to a number; null and other text are left out. The column is `_stddev`, a double. " +
			"It is computed from exact sums, so values far from zero and close together lose nothing.",
		Differs: "OP-29: the sample estimator.",
		Examples: []lang.Example{
			{Query: `* | stddev(n)`, In: []string{`{"_raw":"","n":4}`, `{"_raw":"","n":4}`, `{"_raw":"","n":4}`}, Out: []string{`{"_stddev":0}`}},
			{Query: `* | stddev(n) as s`, In: []string{`{"_raw":"","n":1}`, `{"_raw":"","n":3}`, `{"_raw":"","n":5}`}, Out: []string{`{"s":2}`}},
		},
	},
	Kind: event.Double,
	New:  ofField("stddev(field)", "_stddev", func() lang.Accumulator { return new(deviation) }),
})

type deviation struct{ sum, squares total }

func (d *deviation) Add(args []event.Value, _ lang.Moment) int {
	v := args[0]
	f, ok := v.Float()
	if !ok {
		return 0
	}
	grown := d.sum.add(v)
	d.squares.n++
	whole := math.Abs(f) <= wholeMax && f == math.Trunc(f)
	if i, isInt := v.Int(); isInt && (whole || v.Kind() == event.Long || v.Kind() == event.Date) {
		size := uint64(i)
		if i < 0 {
			size = -size
		}
		hi, lo := bits.Mul64(size, size) // at most 2^126
		return grown + d.squares.add128(int64(hi), lo)
	}
	// The product and its rounding error together are the exact square.
	square := f * f
	grown += d.squares.addFloat(square)
	if rest := math.FMA(f, f, -square); rest != 0 && !math.IsInf(square, 0) && !math.IsNaN(square) {
		grown += d.squares.addFloat(rest)
	}
	return grown
}

func (d *deviation) Merge(o lang.Accumulator) {
	other := o.(*deviation)
	d.sum.merge(&other.sum)
	d.squares.merge(&other.squares)
}

func (d *deviation) Result(dst []event.Value) []event.Value {
	n := d.sum.n
	if n == 0 {
		return append(dst, event.Value{})
	}
	if _, ok := d.sum.endless(); ok {
		return append(dst, event.Float(math.NaN()))
	}
	if f, ok := d.squares.endless(); ok {
		return append(dst, event.Float(f))
	}
	if n == 1 {
		return append(dst, event.Float(0))
	}
	// (n * sum of squares - square of sum) / (n * (n-1)), exact up to the division.
	const bitsMax = 2*exactBits + 128
	count := new(big.Float).SetPrec(64).SetInt64(n)
	over := new(big.Float).SetPrec(bitsMax).Mul(d.squares.exact(), count)
	s := d.sum.exact()
	over.Sub(over, new(big.Float).SetPrec(bitsMax).Mul(s, s))
	if over.Sign() <= 0 { // below 0 only where squares of numbers under 1e-145 lost bits
		return append(dst, event.Float(0))
	}
	under := new(big.Float).SetPrec(128).SetInt64(n)
	under.Mul(under, new(big.Float).SetPrec(64).SetInt64(n-1))
	q := new(big.Float).SetPrec(128).Quo(over, under)
	f, _ := q.Sqrt(q).Float64()
	return append(dst, event.Float(f))
}
