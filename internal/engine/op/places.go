package op

import (
	"encoding/binary"
	"slices"
	"strconv"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// placesOf has a group say of which messages it is made, under lang.CarriedPlaces.
func placesOf(sc *lang.Scope) lang.Aggregator {
	return lang.Aggregator{
		Args: []event.Slot{sc.Slot(lang.CarriedPlace)}, Out: []string{lang.CarriedPlaces},
		Open: func() lang.Accumulator { return new(places) },
	}
}

// placesMax is how many places a group remembers: those that stand first in the input.
const placesMax = 10

// places are the number of a group's messages, and the positions of the first of them.
type places struct {
	n  uint64
	at []uint64 // ascending
}

func (p *places) Add(args []event.Value, _ lang.Moment) int {
	if args[0].IsNull() {
		return 0
	}
	pos, _ := args[0].Int()
	p.n++
	return p.note(uint64(pos))
}

// note remembers a position, and returns by how many bytes that grew the state.
func (p *places) note(pos uint64) int {
	if len(p.at) == placesMax && pos >= p.at[placesMax-1] {
		return 0
	}
	before := cap(p.at)
	i, _ := slices.BinarySearch(p.at, pos)
	if len(p.at) == placesMax {
		p.at = p.at[:placesMax-1]
	}
	p.at = slices.Insert(p.at, i, pos)
	return 8 * (cap(p.at) - before)
}

func (p *places) Merge(o lang.Accumulator) {
	other := o.(*places)
	p.n += other.n
	for _, pos := range other.at {
		p.note(pos)
	}
}

// Result is text: the number, and the positions after it, with spaces between; null for none.
func (p *places) Result(dst []event.Value) []event.Value {
	if p.n == 0 {
		return append(dst, event.Value{})
	}
	text := strconv.AppendUint(nil, p.n, 10)
	for _, pos := range p.at {
		text = strconv.AppendUint(append(text, ' '), pos, 10)
	}
	return append(dst, event.Text(string(text)))
}

func (p *places) Save(dst []byte) []byte {
	dst = binary.AppendUvarint(binary.AppendUvarint(dst, p.n), uint64(len(p.at)))
	for _, pos := range p.at {
		dst = binary.AppendUvarint(dst, pos)
	}
	return dst
}

func (p *places) Load(src []byte) (rest []byte, grown int) {
	next := func() uint64 {
		n, k := binary.Uvarint(src)
		if k <= 0 {
			panic("op: the saved places are damaged")
		}
		src = src[k:]
		return n
	}
	p.n += next()
	for range next() {
		grown += p.note(next())
	}
	return src, grown
}
