package match

import (
	"bytes"
)

// plainSet is the search for a Set in plain Go: where there are no shuffles, and
// where the literals are so many that their fingerprints tell nothing. It is Wu
// and Manber's: the last bytes of a window as wide as the shortest literal say
// how far the window may move on. Literals that begin with bytes of only one
// kind, as escapes do, are left to bytes.Index, which is faster still, and would
// make the window narrow.
type plainSet struct {
	begins []beginning
	width  int     // of the window; 0 when no needle needs it
	shift  []uint8 // by the hash of its last two bytes, or one if that is all
	chain  map[uint16][]int32
}

// beginning is the bytes that some needles begin with.
type beginning struct {
	text    []byte
	needles []int32
}

const (
	beginningsMax = 6  // each costs a pass over the buffer
	widthMax      = 64 // more room makes no longer steps worth having
	hashSize      = 1 << 14
)

// hash is of two bytes, letter case aside: 7 bits of each. Bytes that fall
// together only cost a look. Three bytes with 5 bits of each make the steps
// shorter by one, and were a fifth slower for 7 literals and for 64.
func hash(a, b byte) uint16 { return uint16(a&0x5f)<<7 | uint16(b&0x5f) }

func (p *plainSet) init(needles []needle) {
	var rest []int32
	for i := range needles {
		if !p.begin(needles, int32(i)) {
			rest = append(rest, int32(i))
		}
	}
	if len(rest) == 0 {
		return
	}
	p.width = widthMax
	for _, i := range rest {
		p.width = min(p.width, len(needles[i].lit))
	}
	p.shift = make([]uint8, hashSize)
	for i := range p.shift {
		p.shift[i] = uint8(max(p.width-1, 1))
	}
	p.chain = map[uint16][]int32{}
	for _, i := range rest {
		lit := needles[i].lit
		if p.width == 1 {
			lit[0].each(func(c byte) { p.stop(hash(0, c), i) })
			continue
		}
		for j := 1; j < p.width; j++ {
			step := uint8(p.width - 1 - j)
			lit[j-1].each(func(a byte) {
				lit[j].each(func(b byte) {
					if h := hash(a, b); step == 0 {
						p.stop(h, i)
					} else {
						p.shift[h] = min(p.shift[h], step)
					}
				})
			})
		}
	}
}

func (p *plainSet) stop(h uint16, id int32) {
	p.shift[h] = 0
	if c := p.chain[h]; len(c) == 0 || c[len(c)-1] != id {
		p.chain[h] = append(c, id)
	}
}

// begin files a needle under its first bytes if they are of one kind.
func (p *plainSet) begin(needles []needle, id int32) bool {
	const least = 2
	n := &needles[id]
	same := 0
	for same < len(n.lit) && n.or[same] == 0 {
		same++
	}
	if same < least {
		return false
	}
	for i := range p.begins {
		if text := p.begins[i].text; bytes.HasPrefix(n.want[:same], text) {
			p.begins[i].needles = append(p.begins[i].needles, id)
			return true
		}
	}
	if len(p.begins) == beginningsMax {
		return false
	}
	p.begins = append(p.begins, beginning{n.want[:same], []int32{id}})
	return true
}

// index is Set.Index. The passes take turns on stretches of the buffer, so that
// a hit near its start is not paid for with passes over all of it.
func (p *plainSet) index(needles []needle, buf []byte, from int) int {
	const (
		stretchMin = 1 << 10
		stretchMax = 64 << 10
	)
	for stretch := stretchMin; from < len(buf); stretch = min(2*stretch, stretchMax) {
		end := min(len(buf), from+stretch) // literals that begin before it count
		best := -1
		for i := range p.begins {
			if at := p.begins[i].index(needles, buf, from, end); at >= 0 {
				best, end = at, at
			}
		}
		if p.width > 0 {
			if at := p.indexShift(needles, buf, from, end); at >= 0 {
				best = at
			}
		}
		if best >= 0 {
			return best
		}
		from = end
	}
	return -1
}

func (b *beginning) index(needles []needle, buf []byte, from, end int) int {
	for from < end {
		i := bytes.Index(buf[from:min(len(buf), end+len(b.text)-1)], b.text)
		if i < 0 {
			return -1
		}
		from += i
		for _, id := range b.needles {
			if needles[id].stands(buf, from) {
				return from
			}
		}
		from++
	}
	return -1
}

func (p *plainSet) indexShift(needles []needle, buf []byte, from, end int) int {
	last := p.width - 1
	text := buf[:min(len(buf), end+last)]
	shift := (*[hashSize]uint8)(p.shift)
	for i := from + last; i < len(text); {
		var h uint16
		if last == 0 {
			h = hash(0, text[i])
		} else {
			h = hash(text[i-1], text[i])
		}
		if step := shift[h]; step != 0 {
			i += int(step)
			continue
		}
		for _, id := range p.chain[h] {
			if needles[id].stands(buf, i-last) {
				return i - last
			}
		}
		i++
	}
	return -1
}
