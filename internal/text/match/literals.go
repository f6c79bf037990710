package match

import (
	"math/bits"
	"slices"
)

// Bytes is a set of byte values.
type Bytes [4]uint64

// ByteSet is the set of the bytes of s.
func ByteSet(s string) (b Bytes) {
	for i := range len(s) {
		b.add(s[i])
	}
	return b
}

func (b *Bytes) add(c byte) { b[c>>6] |= 1 << (c & 63) }

// Has reports whether c is in the set.
func (b *Bytes) Has(c byte) bool { return b[c>>6]>>(c&63)&1 != 0 }

// each calls fn for every byte of the set.
func (b *Bytes) each(fn func(c byte)) {
	for w, word := range b {
		for ; word != 0; word &= word - 1 {
			fn(byte(w*64 + bits.TrailingZeros64(word)))
		}
	}
}

// Literal is what a Set looks for: a run of bytes, each any one of a few.
type Literal []Bytes

// Exact is the literal that is s and nothing else.
func Exact(s string) Literal {
	l := make(Literal, len(s))
	for i := range len(s) {
		l[i].add(s[i])
	}
	return l
}

// AnyCase is s with every ASCII letter in either case.
func AnyCase(s string) Literal {
	l := Exact(s)
	for i := range len(s) {
		l[i].add(lower[s[i]])
		l[i].add(upper(s[i]))
	}
	return l
}

// JSONEscape is \u and four hexadecimal digits: behind it JSON can hide any
// character of any literal.
func JSONEscape() Literal {
	hex := ByteSet("0123456789abcdefABCDEF")
	return append(Exact(`\u`), hex, hex, hex, hex)
}

// Set finds the first of many literals in a buffer. It reads the buffer once
// whatever their number: at some 9 GB/s with up to 40 of them on a machine that
// has AVX2, at 3 with 80 and at 0.4 with 200, and at 0.5 to 1 elsewhere.
type Set struct {
	needles []needle
	reach   int  // the furthest fingerprint from a needle's start
	stride  int  // from one byte of a fingerprint to the next
	telling bool // fingerprints leave little to compare
	masks   teddyMasks
	buckets [buckets][]int32 // needles by the bit that stands for them
	plain   plainSet
}

// needle is a literal, ready to be compared.
type needle struct {
	lit Literal
	// A byte b is right at place i if b|or[i] == want[i]. Places that neither
	// a byte nor a letter in both cases can say have or and want 0xff, and
	// stand in odd.
	or, want []byte
	odd      []int
	print    int // where the fingerprint begins
}

// fingerprintBytes is how many bytes are looked at before a needle is compared.
// Each costs two shuffles and makes false hits rarer. The assembly has four.
const fingerprintBytes = 4

// strideMax is that of wide text, where every other byte tells little.
const strideMax = 2

// NewSet readies literals for search. A literal without bytes would stand
// everywhere: it is left out, and so is one that holds an empty set of bytes
// and can stand nowhere.
func NewSet(literals ...Literal) *Set { return newSet(1, literals) }

// NewWideSet is NewSet for buffers that are mostly UTF-16: literals are told by
// every other byte.
func NewWideSet(literals ...Literal) *Set { return newSet(2, literals) }

func newSet(stride int, literals []Literal) *Set {
	s := &Set{stride: stride}
	for _, l := range literals {
		if len(l) == 0 || slices.ContainsFunc(l, func(b Bytes) bool { return b == Bytes{} }) {
			continue
		}
		s.needles = append(s.needles, newNeedle(l, stride))
	}
	for i := range s.needles {
		s.reach = max(s.reach, s.needles[i].print)
	}
	s.fillBuckets()
	s.plain.init(s.needles)
	return s
}

// Len is the number of literals looked for.
func (s *Set) Len() int { return len(s.needles) }

func newNeedle(l Literal, stride int) needle {
	n := needle{lit: l, or: make([]byte, len(l)), want: make([]byte, len(l))}
	for i := range l {
		var low, high byte
		count := 0
		l[i].each(func(c byte) {
			if count == 0 {
				low = c
			}
			high = c
			count++
		})
		switch {
		case count == 1:
			n.want[i] = low
		case count == 2 && low^high == 0x20:
			n.or[i], n.want[i] = 0x20, high
		default:
			n.or[i], n.want[i] = 0xff, 0xff
			n.odd = append(n.odd, i)
		}
	}
	n.print = fingerprint(l, stride)
	return n
}

// fingerprint picks the place of a literal whose bytes are met least.
func fingerprint(l Literal, stride int) (place int) {
	least := 0.0
	part := make(Literal, 0, fingerprintBytes)
	for at := 0; at == 0 || at+stride*(fingerprintBytes-1) < len(l); at += stride {
		part = part[:0]
		for i := at; i < len(l) && len(part) < fingerprintBytes; i += stride {
			part = append(part, l[i])
		}
		met := float64(len(sample))
		for i := range part {
			met *= part[i].often()
		}
		part[0].each(func(c byte) {
			for _, i := range sampleAt()[c] {
				if at > 0 && met >= least {
					return
				}
				if i+len(part) <= len(sample) && part.stands(sample[i:]) {
					met++
				}
			}
		})
		if at == 0 || met < least {
			place, least = at, met
		}
	}
	return place
}

// stands reports whether s, which is long enough, begins with l.
func (l Literal) stands(s string) bool {
	for i := range l {
		if !l[i].Has(s[i]) {
			return false
		}
	}
	return true
}

// stands reports whether n stands in buf at a place, which may lie outside.
func (n *needle) stands(buf []byte, at int) bool {
	if at < 0 || len(buf)-at < len(n.want) {
		return false
	}
	b := buf[at : at+len(n.want)]
	or := n.or[:len(b)]
	for i, w := range n.want {
		if b[i]|or[i] != w {
			return false
		}
	}
	for _, i := range n.odd {
		if !n.lit[i].Has(b[i]) {
			return false
		}
	}
	return true
}

// Index returns where the first literal that begins at or after from begins in
// buf, or -1.
func (s *Set) Index(buf []byte, from int) int {
	from = max(from, 0)
	if from >= len(buf) || len(s.needles) == 0 {
		return -1
	}
	if hasTeddy && s.telling {
		return s.indexTeddy(buf, from)
	}
	return s.plain.index(s.needles, buf, from)
}
