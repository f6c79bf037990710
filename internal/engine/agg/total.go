package agg

import (
	"math"
	"math/big"
	"math/bits"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// total is an exact sum of numbers. Nothing is rounded until the end, and then
// once, so the result depends neither on the order of the numbers nor on how
// they were divided and merged.
//
// Whole numbers, which is what logs mostly hold, are added in 128 bits. Other
// doubles are kept as parts: doubles of growing size which do not overlap and
// whose sum is exactly the sum of what was added (Shewchuk's expansions). There
// are one or two parts in practice and 40 at most, for the range of a double is
// 40 times its precision.
type total struct {
	n     int64 // numbers added
	hi    int64 // whole numbers, in two's complement with lo
	lo    uint64
	parts []float64
	odd   *odd // nil unless something beyond parts was added
}

// odd holds what is not finite or not near: parts would overflow.
type odd struct {
	far    []float64 // parts of numbers from farFrom on, divided by farScale
	nan    bool
	posInf bool
	negInf bool
}

const (
	wholeMax = 1 << 53 // doubles up to here are whole numbers without gaps
	farFrom  = 0x1p960 // 2^63 numbers below this cannot overflow a part
	farScale = 0x1p128
)

// partBytes is what a part costs.
const partBytes = 8

// add takes a value if it is a number, cast from text if need be. It returns by
// how many bytes t grew; null and other text are ignored (OP-27).
func (t *total) add(v event.Value) (grown int) {
	switch v.Kind() {
	case event.Long, event.Date:
		i, _ := v.Int()
		t.n++
		return t.add128(i>>63, uint64(i))
	}
	f, ok := v.Float()
	if !ok {
		return 0
	}
	t.n++
	return t.addFloat(f)
}

func (t *total) addFloat(f float64) (grown int) {
	if math.Abs(f) <= wholeMax && f == math.Trunc(f) {
		i := int64(f)
		return t.add128(i>>63, uint64(i))
	}
	if a := math.Abs(f); a < farFrom {
		before := cap(t.parts)
		t.parts = grow(t.parts, f)
		return partBytes * (cap(t.parts) - before)
	}
	if t.odd == nil {
		t.odd = new(odd)
	}
	switch {
	case math.IsNaN(f):
		t.odd.nan = true
	case math.IsInf(f, 1):
		t.odd.posInf = true
	case math.IsInf(f, -1):
		t.odd.negInf = true
	default:
		before := cap(t.odd.far)
		t.odd.far = grow(t.odd.far, f/farScale)
		return partBytes * (cap(t.odd.far) - before)
	}
	return 0
}

// add128 adds a whole number. When 128 bits are full, which takes sums of
// squares, what they hold moves to the parts.
func (t *total) add128(hi int64, lo uint64) (grown int) {
	l, carry := bits.Add64(t.lo, lo, 0)
	h := t.hi + hi + int64(carry)
	if (t.hi < 0) == (hi < 0) && (h < 0) != (hi < 0) {
		before := cap(t.parts)
		for _, p := range chunks(t.hi, t.lo) {
			t.parts = grow(t.parts, p)
		}
		t.hi, t.lo = hi, lo
		return partBytes * (cap(t.parts) - before)
	}
	t.hi, t.lo = h, l
	return 0
}

// chunks are four doubles whose exact sum is a 128-bit number.
func chunks(hi int64, lo uint64) [4]float64 {
	sign, h := 1.0, uint64(hi)
	if hi < 0 {
		sign = -1
		var borrow uint64
		lo, borrow = bits.Sub64(0, lo, 0)
		h, _ = bits.Sub64(0, h, borrow)
	}
	const low = 1<<32 - 1
	return [4]float64{
		sign * float64(lo&low), sign * float64(lo>>32) * 0x1p32,
		sign * float64(h&low) * 0x1p64, sign * float64(h>>32) * 0x1p96,
	}
}

// grow adds x to parts without losing a bit. It needs sums that do not overflow.
func grow(parts []float64, x float64) []float64 {
	n := 0
	for _, y := range parts {
		if math.Abs(x) < math.Abs(y) {
			x, y = y, x
		}
		sum := x + y
		if rest := y - (sum - x); rest != 0 {
			parts[n] = rest
			n++
		}
		x = sum
	}
	if x == 0 {
		return parts[:n]
	}
	return append(parts[:n], x)
}

func (t *total) merge(o *total) {
	t.n += o.n
	t.add128(o.hi, o.lo)
	for _, p := range o.parts {
		t.parts = grow(t.parts, p)
	}
	if o.odd == nil {
		return
	}
	if t.odd == nil {
		t.odd = new(odd)
	}
	t.odd.nan = t.odd.nan || o.odd.nan
	t.odd.posInf = t.odd.posInf || o.odd.posInf
	t.odd.negInf = t.odd.negInf || o.odd.negInf
	for _, p := range o.odd.far {
		t.odd.far = grow(t.odd.far, p)
	}
}

// value is the sum, rounded to the nearest double.
func (t *total) value() float64 {
	if f, ok := t.endless(); ok {
		return f
	}
	if t.odd != nil && len(t.odd.far) > 0 {
		f, _ := t.exact().Float64()
		return f
	}
	fits := t.hi == int64(t.lo)>>63
	if len(t.parts) == 0 && fits {
		return float64(int64(t.lo))
	}
	var buf [48]float64
	parts := append(buf[:0], t.parts...)
	for _, p := range chunks(t.hi, t.lo) {
		parts = grow(parts, p)
	}
	return nearest(parts)
}

// endless is the sum when some of the numbers were not finite: infinities of
// one sign give it, of both signs, or with NaN, NaN (OP-44).
func (t *total) endless() (float64, bool) {
	switch {
	case t.odd == nil:
	case t.odd.nan, t.odd.posInf && t.odd.negInf:
		return math.NaN(), true
	case t.odd.posInf:
		return math.Inf(1), true
	case t.odd.negInf:
		return math.Inf(-1), true
	}
	return 0, false
}

// nearest rounds parts, which do not overlap, to the nearest double, ties to
// even. Adding from the largest down is exact until the first addition that
// leaves a rest; the parts below can then only tip a tie.
func nearest(parts []float64) float64 {
	n := len(parts)
	if n == 0 {
		return 0
	}
	n--
	sum, rest := parts[n], 0.0
	for n > 0 && rest == 0 {
		n--
		x := sum
		sum = x + parts[n]
		rest = parts[n] - (sum - x)
	}
	if n > 0 && (rest < 0 && parts[n-1] < 0 || rest > 0 && parts[n-1] > 0) {
		// What is below points the same way as rest: if rest is exactly half of a
		// unit the tie was no tie.
		if up := sum + 2*rest; 2*rest == up-sum {
			return up
		}
	}
	return sum
}

// exactBits holds every bit of any sum of doubles: they reach from 2^-1074 to
// 2^1024, and 2^63 of them 63 bits further.
const exactBits = 2176

// exact is the sum as a number of any precision. It must be finite.
func (t *total) exact() *big.Float {
	z := new(big.Float).SetPrec(exactBits)
	term := new(big.Float).SetPrec(exactBits)
	if t.odd != nil {
		for _, p := range t.odd.far {
			z.Add(z, term.SetFloat64(p))
		}
		z.SetMantExp(z, 128)
	}
	for _, p := range t.parts {
		z.Add(z, term.SetFloat64(p))
	}
	for _, p := range chunks(t.hi, t.lo) {
		z.Add(z, term.SetFloat64(p))
	}
	return z
}
