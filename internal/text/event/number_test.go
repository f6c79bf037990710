package event

import (
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"testing"
)

// TestWholeNumbersCompareExactly compares whole numbers in every writing that a
// log or a query has of them, with math/big as the judge.
func TestWholeNumbersCompareExactly(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	edges := []string{"0", "1", "9007199254740992", "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616", "100000000000000000000000000000"}
	whole := func() *big.Int {
		n, _ := new(big.Int).SetString(edges[rng.IntN(len(edges))], 10)
		n.Add(n, big.NewInt(rng.Int64N(5)-2))
		if rng.IntN(2) == 0 {
			n.Neg(n)
		}
		return n
	}
	written := func(n *big.Int) Value {
		s := n.String()
		switch rng.IntN(6) {
		case 0:
			return Text(s)
		case 1:
			return Text(" " + s + ".0 ")
		case 2:
			if n.Sign() >= 0 {
				return Text("+00" + s)
			}
		case 3:
			if n.IsInt64() {
				return Int(n.Int64())
			}
		case 4:
			d, ok := Text(s).ToDouble()
			if !ok {
				t.Fatalf("%s is no number", s)
			}
			return d
		}
		return Number(s)
	}
	for range 20000 {
		x, y := whole(), whole()
		a, b := written(x), written(y)
		if c, ok := CompareNumbers(a, b); !ok || c != x.Cmp(y) {
			t.Fatalf("%v and %v: %d, %v; want %d", a, b, c, ok, x.Cmp(y))
		}
		if a.IsNumber() && b.IsNumber() {
			if c := Compare(a, b); c != x.Cmp(y) {
				t.Fatalf("%v and %v in order: %d; want %d", a, b, c, x.Cmp(y))
			}
		}
	}
}

// TestComparedWithFractions: doubles and whole numbers on one line, compared as
// fractions by math/big.
func TestComparedWithFractions(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 20000 {
		f := math.Ldexp(rng.Float64()-0.5, rng.IntN(70))
		i := int64(f) + rng.Int64N(3) - 1
		want := new(big.Rat).SetInt64(i).Cmp(new(big.Rat).SetFloat64(f))
		if math.Abs(f) < exactMax && float64(i) == f {
			want = 0
		}
		if c, ok := CompareNumbers(Int(i), Float(f)); !ok || c != want {
			t.Fatalf("%d and %v: %d; want %d", i, f, c, want)
		}
	}
}

func TestNumberKeepsItsWriting(t *testing.T) {
	for _, s := range []string{"0", "-0", "1", "1.10", "1.0", "0.1", "1e3", "1E+3", "-1.50e-2", "9007199254740993", "18446744073709551615", "-9223372036854775809", "123456789012345678901234567890", "0.10000000000000000001"} {
		v := Number(s)
		if v.String() != s || !v.IsNumber() {
			t.Errorf("%s is printed as %s, a %v", s, v, v.Kind())
		}
		f, _ := strconv.ParseFloat(s, 64)
		if got, ok := v.Float(); !ok || got != f {
			t.Errorf("%s counts as %v", s, got)
		}
		k, bits, text := v.Parts()
		if FromParts(k, bits, text) != v {
			t.Errorf("%s is not made of its parts", s)
		}
	}
	for s, want := range map[string]int64{"9007199254740993": 9007199254740993, "18446744073709551615": math.MaxInt64, "-1.9": -1} {
		if d, _ := Text(s).ToDouble(); d.Kind() != Double {
			t.Errorf("%s as a double is a %v", s, d.Kind())
		} else if i, ok := d.Int(); !ok || i != want {
			t.Errorf("%s as a whole number: %d, want %d", s, i, want)
		}
	}
	for _, s := range []string{"", "x", "1.2.3", "0x10"} {
		if v := Number(s); !v.IsNull() {
			t.Errorf("%q is %v", s, v)
		}
	}
}
