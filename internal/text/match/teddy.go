package match

import (
	"math/bits"
	"sync"
)

// Teddy, after Hyperscan's algorithm of that name: 32 places of the buffer are
// compared at once with a fingerprint of every literal. Each literal belongs to
// one of eight buckets, which are the bits of a byte. For each of the four
// bytes of a fingerprint two tables say in which buckets a byte with this low,
// and this high, half is in place; the AND of all eight is the buckets whose
// literals may stand there. A shuffle looks up 32 bytes in a table of 16.

const buckets = 8

// teddyMasks are the tables, low halves first, each twice as the shuffle wants
// it. Assembly knows this layout.
type teddyMasks struct {
	low, high [fingerprintBytes][32]byte
}

// halves are the low and high halves of the bytes of a bucket at one place.
type halves struct{ low, high uint16 }

type bucket struct {
	at      [fingerprintBytes]halves
	needles []int32
	met     float64
}

const (
	// groupsMax is how many groups the search for the best buckets starts from.
	groupsMax = 64

	// comparesMax is how many needles may have to be compared per byte, by
	// guess. At 0.1 (100 words) the tables still won over plainSet by 1.7 to
	// 1, at 1 (130 words) they lost by 2 to 1.
	comparesMax = 0.25
)

// fillBuckets deals the needles into buckets so that bytes of one do not pass
// for another's more often than must be: beginning with a bucket for each, the
// two that lose least are made one until there are few enough.
func (s *Set) fillBuckets() {
	var all []bucket
	for i := range s.needles {
		n := &s.needles[i]
		b := bucket{needles: []int32{int32(i)}}
		for k := range b.at {
			if n.print+k*s.stride >= len(n.lit) {
				b.at[k] = halves{0xffff, 0xffff}
				continue
			}
			n.lit[n.print+k*s.stride].each(func(c byte) {
				b.at[k].low |= 1 << (c & 15)
				b.at[k].high |= 1 << (c >> 4)
			})
		}
		b.met = b.rate()
		if len(all) < groupsMax {
			all = append(all, b)
			continue
		}
		// Too many to try every pair: join the group that loses least.
		best, least := 0, 0.0
		for j := range all {
			if lost := all[j].rateWith(&b) - all[j].met; j == 0 || lost < least {
				best, least = j, lost
			}
		}
		all[best].join(&b)
	}
	var lost [groupsMax][groupsMax]float64 // by joining i and j, where j < i
	weigh := func(i, j int) { lost[max(i, j)][min(i, j)] = all[i].rateWith(&all[j]) - all[i].met - all[j].met }
	for i := range all {
		for j := range i {
			weigh(i, j)
		}
	}
	for len(all) > buckets {
		a, b := 1, 0
		for i := range all {
			for j := range i {
				if lost[i][j] < lost[a][b] {
					a, b = i, j
				}
			}
		}
		all[b].join(&all[a])
		last := len(all) - 1
		all[a] = all[last]
		all = all[:last]
		for j := range all {
			if j != a && a < last {
				lost[max(a, j)][min(a, j)] = lost[last][j]
			}
		}
		for j := range all {
			if j != b {
				weigh(b, j)
			}
		}
	}
	compares := 0.0
	for bit := range all {
		compares += all[bit].met
		s.buckets[bit] = all[bit].needles
		for k, h := range all[bit].at {
			for half := range 32 {
				if h.low>>(half&15)&1 != 0 {
					s.masks.low[k][half] |= 1 << bit
				}
				if h.high>>(half&15)&1 != 0 {
					s.masks.high[k][half] |= 1 << bit
				}
			}
		}
	}
	s.telling = compares < comparesMax
}

// join takes over the needles of another bucket.
func (b *bucket) join(o *bucket) {
	for k := range b.at {
		b.at[k] = b.at[k].or(o.at[k])
	}
	b.needles = append(b.needles, o.needles...)
	b.met = b.rate()
}

// rate guesses how often per byte of text the bucket has to be looked into, and
// at how much cost.
func (b *bucket) rate() float64 { return b.rateWith(&bucket{}) }

// rateWith is rate of what joining two buckets would make.
func (b *bucket) rateWith(o *bucket) float64 {
	p := 1.0
	for k := range b.at {
		p *= b.at[k].or(o.at[k]).often()
	}
	return p * float64(len(b.needles)+len(o.needles))
}

func (h halves) or(o halves) halves { return halves{h.low | o.low, h.high | o.high} }

// often is how likely a byte of text is to have both halves.
func (h halves) often() (p float64) {
	sums := halfSums()
	for high := h.high; high != 0; high &= high - 1 {
		s := &sums[bits.TrailingZeros16(high)]
		p += s[0][h.low&0xff] + s[1][h.low>>8]
	}
	return p
}

// halfSums are by high half, and by the lower and the upper eight of the low
// halves, how likely a byte is to have the one and one of a set of the others.
var halfSums = sync.OnceValue(func() *[16][2][256]float64 {
	var sums [16][2][256]float64
	for high := range sums {
		for upper := range sums[high] {
			for set := 1; set < 256; set++ {
				rest := set & (set - 1)
				sums[high][upper][set] = sums[high][upper][rest] + frequency[high<<4|upper<<3|bits.TrailingZeros8(uint8(set))]
			}
		}
	}
	return &sums
})

const (
	blockBytes = 32                                          // places compared at once
	windowMax  = blockBytes + strideMax*(fingerprintBytes-1) // bytes read for them, at most
)

// indexTeddy is Index by the tables. teddy finds the blocks to look into.
func (s *Set) indexTeddy(buf []byte, from int) int {
	var found [blockBytes]byte
	var tail [blockBytes + 2*windowMax]byte
	windowSize := blockBytes + s.stride*(fingerprintBytes-1)
	best := -1
	// Fingerprints begin at different places of their literals, so after a
	// hit another may still turn up that begins before it; stop is where no
	// fingerprint can any more.
	stop := len(buf)
	for at := from; at < stop; at += blockBytes {
		text := buf[at:min(len(buf), stop+windowSize)]
		if len(text) < windowSize {
			// What is missing at the end of the buffer is made up with zeros;
			// comparing does not reach into them.
			n := copy(tail[:], buf[at:])
			clear(tail[n:])
			text = tail[:]
		}
		pos, places := teddy(&s.masks, &text[0], len(text), s.stride, &found)
		at += pos
		for ; places != 0; places &= places - 1 {
			i := bits.TrailingZeros32(places)
			for in := found[i]; in != 0; in &= in - 1 {
				for _, id := range s.buckets[bits.TrailingZeros8(in)] {
					n := &s.needles[id]
					start := at + i - n.print
					if start >= from && (best < 0 || start < best) && n.stands(buf, start) {
						best = start
						stop = min(stop, best+s.reach)
					}
				}
			}
		}
	}
	return best
}
