package match

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
	"unsafe"
)

// Grams tells which of thousands of literals stand in a text, letter case aside
// (as Fold has it), in one pass over the text. Of each literal the four bytes
// that are met least are looked for, by a bit for each hash of four bytes; where
// one stands, the literal is compared.
//
// Each place of the text is looked at on its own, so that one look does not wait
// for the last as the steps of an automaton do: with 4,400 literals of rules and
// values of Sysmon events, Aho and Corasick's took twice as long over a text, and
// fifteen times as long to make.
type Grams struct {
	literals []string // folded
	// filter has a bit for each hash of a gram. It is sixteen times as large as
	// there are literals, so that it is rarely met by accident, and at most
	// half the first cache.
	filter []uint64
	shift  uint8 // of a hash to an index of filter's bits
	// grams by the upper bits of their hash: those of one hash are together.
	grams []gram
	first []uint32
	// pairs has a bit for each two bytes that a literal shorter than a gram
	// begins with; nil when all are longer.
	pairs []uint64
	short [256][]int32 // such literals, by their first byte
}

// gram is four bytes of a literal, and where in it they stand. The four others
// beside them tell of most places that the literal is not there, without a look
// at it.
type gram struct {
	bytes  uint32
	beside uint32
	off    int32 // from the one to the other; 0 when the literal has no others
	at     uint32
	id     int32
}

func newGram(l string, at int, id int32) gram {
	x := gram{bytes: gramOf(l[at:]), at: uint32(at), id: id}
	switch {
	case at+2*gramBytes <= len(l):
		x.off = gramBytes
	case at >= gramBytes:
		x.off = -gramBytes
	default: // they overlap
		x.off = int32(len(l) - gramBytes - at)
	}
	x.beside = gramOf(l[at+int(x.off):])
	return x
}

const (
	gramBytes     = 4
	filterBitsMin = 10
	filterBitsMax = 17
)

// NewGrams readies literals; Each names them by their index. Those that are
// empty are never reported.
func NewGrams(literals []string) *Grams {
	g := &Grams{literals: make([]string, len(literals))}
	size := min(max(bits.Len(uint(16*len(literals))), filterBitsMin), filterBitsMax)
	g.shift = uint8(32 - size)
	g.filter = make([]uint64, 1<<size/64)
	g.first = make([]uint32, 1<<size/16+1)
	var shared [1 << 16]uint16 // by hash: how many literals hold the gram
	for i, l := range literals {
		l = Fold(l)
		g.literals[i] = l
		for at := range max(len(l)-gramBytes+1, 0) {
			if n := &shared[gramHash(gramOf(l[at:]))>>16]; *n < 1<<16-1 {
				*n++
			}
		}
	}
	for i, l := range g.literals {
		switch {
		case len(l) >= gramBytes:
			at := rareGram(l, &shared)
			g.grams = append(g.grams, newGram(l, at, int32(i)))
		case l != "":
			g.addShort(l, int32(i))
		}
	}
	slices.SortStableFunc(g.grams, func(a, b gram) int { return int(g.bucket(a.bytes)) - int(g.bucket(b.bytes)) })
	for _, x := range g.grams {
		h := gramHash(x.bytes) >> g.shift
		g.filter[h>>6] |= 1 << (h & 63)
		g.first[g.bucket(x.bytes)+1]++
	}
	for i := 1; i < len(g.first); i++ {
		g.first[i] += g.first[i-1]
	}
	return g
}

// addShort adds a literal of fewer bytes than a gram has.
func (g *Grams) addShort(l string, id int32) {
	if g.pairs == nil {
		g.pairs = make([]uint64, 1<<16/64)
	}
	g.short[l[0]] = append(g.short[l[0]], id)
	for c := range 256 {
		if len(l) == 1 || int(l[1]) == c {
			p := uint16(l[0]) | uint16(c)<<8
			g.pairs[p>>6] |= 1 << (p & 63)
		}
	}
}

func gramOf(s string) uint32 {
	return uint32(s[0]) | uint32(s[1])<<8 | uint32(s[2])<<16 | uint32(s[3])<<24
}

func gramHash(bytes uint32) uint32 { return bytes * 0x9e3779b1 }

// bucket is which stretch of grams four bytes belong to.
func (g *Grams) bucket(bytes uint32) uint32 { return gramHash(bytes) >> g.shift >> 4 }

// rareGram is where the gram of a folded literal stands that tells most: what
// many literals hold is met often, and leaves many of them to compare.
func rareGram(l string, shared *[1 << 16]uint16) (best int) {
	least := math.Inf(1)
	for i := range len(l) - gramBytes + 1 {
		gram := gramOf(l[i:])
		if r := gramRate(gram) + float64(shared[gramHash(gram)>>16])/64; r < least {
			best, least = i, r
		}
	}
	return best
}

// Len is the number of literals.
func (g *Grams) Len() int { return len(g.literals) }

// Bytes is the memory of the tables.
func (g *Grams) Bytes() int {
	n := 8*(len(g.filter)+len(g.pairs)) + 20*len(g.grams) + 4*len(g.first)
	for _, l := range g.literals {
		n += 16 + len(l)
	}
	return n
}

// Each calls fn for every literal that stands in s, perhaps several times.
func (g *Grams) Each(s string, fn func(id int)) {
	g.scan(s, func(id int32) bool { fn(int(id)); return true })
}

// Any reports whether one of the literals stands in s.
func (g *Grams) Any(s string) (found bool) {
	g.scan(s, func(int32) bool { found = true; return false })
	return found
}

// scan calls hit for the literals that stand in s, until it returns false.
func (g *Grams) scan(s string, hit func(id int32) bool) {
	text := unsafe.Slice(unsafe.StringData(s), len(s))
	filter, shift, pairs := g.filter, g.shift&31, g.pairs
	// Eight bytes at a time, of which four begin a gram.
	for i := 0; i < len(text); i += 4 {
		var w uint64
		switch left := len(text) - i; {
		case left >= 8:
			w = binary.LittleEndian.Uint64(text[i:])
		case len(text) >= 8: // zeros behind the end
			w = binary.LittleEndian.Uint64(text[len(text)-8:]) >> (8 * (8 - left) & 63)
		default:
			for j := range left {
				w |= uint64(text[i+j]) << (8 * j & 63)
			}
		}
		if w&highs != 0 {
			g.scanFolded(Fold(s), hit)
			return
		}
		w = lowered(w)
		h0, h1, h2, h3 := gramHash(uint32(w))>>shift, gramHash(uint32(w>>8))>>shift, gramHash(uint32(w>>16))>>shift, gramHash(uint32(w>>24))>>shift
		if (filter[h0>>6]>>(h0&63)|filter[h1>>6]>>(h1&63)|filter[h2>>6]>>(h2&63)|filter[h3>>6]>>(h3&63))&1 != 0 && !g.compare(s, i, w, hit) {
			return
		}
		if pairs != nil && !g.compareShort(s, i, w, hit) {
			return
		}
	}
}

// scanFolded is scan of a text that is folded, and not ASCII.
func (g *Grams) scanFolded(s string, hit func(id int32) bool) {
	var b [8]byte
	for i := 0; i < len(s); i += 4 {
		clear(b[copy(b[:], s[i:]):])
		w := binary.LittleEndian.Uint64(b[:])
		if !g.compare(s, i, w, hit) || g.pairs != nil && !g.compareShort(s, i, w, hit) {
			return
		}
	}
}

// compare finds the literals with a gram that begins in the first four of the
// folded bytes w. They stand in s at i; behind the end of s w is zeros.
func (g *Grams) compare(s string, i int, w uint64, hit func(id int32) bool) bool {
	for k := range 4 {
		bytes := uint32(w >> (8 * k))
		h := gramHash(bytes) >> g.shift
		if g.filter[h>>6]>>(h&63)&1 == 0 {
			continue
		}
		bucket := g.grams[g.first[h>>4]:g.first[h>>4+1]]
		for j := range bucket {
			x := &bucket[j]
			if x.bytes != bytes || !x.besideIn(s, i+k) {
				continue
			}
			l := g.literals[x.id]
			at := i + k - int(x.at)
			if at >= 0 && len(s)-at >= len(l) && equalFolded(s[at:at+len(l)], l) && !hit(x.id) {
				return false
			}
		}
	}
	return true
}

// besideIn reports whether the bytes beside a gram may stand in s, which has the
// gram at a place.
func (x *gram) besideIn(s string, at int) bool {
	if at += int(x.off); at < 0 || len(s)-at < gramBytes {
		return false // nor does the literal fit
	}
	w := uint64(gramOf(s[at:]))
	return w&highs != 0 || uint32(lowered(w)) == x.beside
}

// compareShort is compare for the literals that are shorter than a gram.
func (g *Grams) compareShort(s string, i int, w uint64, hit func(id int32) bool) bool {
	for k := range 4 {
		p := uint16(w >> (8 * k))
		if g.pairs[p>>6]>>(p&63)&1 == 0 {
			continue
		}
		for _, id := range g.short[byte(p)] {
			l := g.literals[id]
			if at := i + k; len(s)-at >= len(l) && equalFolded(s[at:at+len(l)], l) && !hit(id) {
				return false
			}
		}
	}
	return true
}

const (
	ones  = 0x0101010101010101
	highs = 0x80 * ones
)

// lowered is eight bytes of ASCII in lower case.
func lowered(w uint64) uint64 {
	// A byte's high bit comes up where it is at least A, and above Z.
	return w | ((w+(0x80-'A')*ones)&^(w+(0x7f-'Z')*ones)&highs)>>2
}
