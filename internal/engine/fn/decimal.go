package fn

import (
	"math"
	"strconv"
)

// decimal is a number as people write it, 0.d1d2d3... times 10^exp: the
// shortest digits that read back as the same double. round and format work on
// it, because "1.005 to two places" means the 1.005 that was written and not
// the double just below it. No digits are zero.
type decimal struct {
	digits []byte
	exp    int
}

// decimalOf returns the digits of f, which is finite, without its sign. The
// digits are in buf if there is room.
func decimalOf(f float64, buf []byte) decimal {
	if f == 0 {
		return decimal{}
	}
	text := strconv.AppendFloat(buf[:0], math.Abs(f), 'e', -1, 64)
	// d.ddde±xx
	e := len(text) - 1
	for text[e] != 'e' {
		e--
	}
	exp, _ := strconv.Atoi(string(text[e+1:]))
	if e > 1 {
		copy(text[1:], text[2:e])
		e--
	}
	return decimal{text[:e], exp + 1}
}

// round keeps places digits behind the point, before it when negative; ties go
// away from zero.
func (d *decimal) round(places int) {
	keep := d.exp + places
	switch {
	case keep >= len(d.digits):
		return
	case keep < 0:
		*d = decimal{}
		return
	}
	up := d.digits[keep] >= '5'
	d.digits = d.digits[:keep]
	if !up {
		if keep == 0 {
			*d = decimal{}
		}
		return
	}
	for i := keep - 1; i >= 0; i-- {
		if d.digits[i] != '9' {
			d.digits[i]++
			d.digits = d.digits[:i+1]
			return
		}
	}
	d.digits, d.exp = append(d.digits[:0], '1'), d.exp+1
}

// appendFixed appends the number with a fixed number of places.
func (d *decimal) appendFixed(dst []byte, places int) []byte {
	if d.exp <= 0 || len(d.digits) == 0 {
		dst = append(dst, '0')
	}
	for i := 0; i < d.exp && len(d.digits) > 0; i++ {
		dst = append(dst, d.at(i))
	}
	if places <= 0 {
		return dst
	}
	dst = append(dst, '.')
	for i := range places {
		dst = append(dst, d.at(d.exp+i))
	}
	return dst
}

// appendScientific appends the number as d.ddde±xx.
func (d *decimal) appendScientific(dst []byte, places int) []byte {
	dst = append(dst, d.at(0))
	if places > 0 {
		dst = append(dst, '.')
		for i := range places {
			dst = append(dst, d.at(1+i))
		}
	}
	exp := d.exp - 1
	if len(d.digits) == 0 {
		exp = 0
	}
	dst = append(dst, 'e')
	if exp < 0 {
		dst, exp = append(dst, '-'), -exp
	} else {
		dst = append(dst, '+')
	}
	if exp < 10 {
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(exp), 10)
}

// at is the i-th digit, zero beyond those there are.
func (d *decimal) at(i int) byte {
	if i < 0 || i >= len(d.digits) {
		return '0'
	}
	return d.digits[i]
}
