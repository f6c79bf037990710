package op

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"slices"
	"unsafe"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// groupTable is groups in memory. Groups are numbers; all that is known of them
// stands in columns, and the text of their keys in an arena, so that a million of
// them are a few dozen objects for the garbage collector, and not five million.
type groupTable struct {
	g      *group
	slots  []groupSlot // by hash, open addressing; a power of two
	hashes []uint64    // by group
	keys   []arenaText // as appendKey writes them, all of a group's together
	first  []lang.Moment
	kinds  []byte             // of the values of a key, by group and then by field
	bits   map[int32][]uint64 // those of values that are no text, of groups that have such
	states []lang.States      // by aggregate
	arena  arena
}

// groupSlot is a place in the table: tag is the upper half of the hash, at the
// group's number plus 1; 0 is free.
type groupSlot struct {
	tag uint32
	at  int32
}

// groupBytes is what a group costs besides the text of its key and its states: two
// places in the table, a hash, where the text is, the moment, kinds, and what
// columns that grow leave free.
const groupBytes = 128

var groupSeed = maphash.MakeSeed()

func newGroupTable(g *group) *groupTable {
	t := &groupTable{g: g}
	t.states = make([]lang.States, len(g.aggs))
	for i := range g.aggs {
		t.states[i] = g.aggs[i].States()
	}
	return t
}

// empty forgets all groups.
func (t *groupTable) empty() {
	clear(t.slots)
	t.hashes, t.keys, t.first, t.kinds, t.bits = t.hashes[:0], t.keys[:0], t.first[:0], t.kinds[:0], nil
	for _, s := range t.states {
		s.Reset()
	}
	if len(t.arena.chunks) > 0 {
		t.arena.chunks = t.arena.chunks[:1]
		t.arena.chunks[0] = t.arena.chunks[0][:0]
	}
}

func (t *groupTable) len() int { return len(t.hashes) }

// find returns the group of a key, or -1.
func (t *groupTable) find(key []byte, hash uint64) int32 {
	if len(t.slots) == 0 {
		return -1
	}
	mask := uint64(len(t.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := t.slots[i]
		if s.at == 0 {
			return -1
		}
		if s.tag == uint32(hash>>32) && bytes.Equal(t.arena.at(t.keys[s.at-1]), key) {
			return s.at - 1
		}
	}
}

// add makes a group of a key that find does not know. value gives the parts of the
// key. It returns by how many bytes the states grew.
func (t *groupTable) add(key []byte, hash uint64, first lang.Moment, value func(i int) event.Value) (g int32, grown int) {
	if 2*(t.len()+1) > len(t.slots) {
		t.slots = make([]groupSlot, max(64, 2*len(t.slots)))
		for g, h := range t.hashes {
			t.place(h, int32(g))
		}
	}
	g = int32(t.len())
	t.hashes = append(t.hashes, hash)
	t.place(hash, g)
	t.keys = append(t.keys, t.arena.put(key))
	t.first = append(t.first, first)
	for range t.g.by {
		t.kinds = append(t.kinds, 0)
	}
	t.setKinds(g, value)
	for _, s := range t.states {
		grown += s.Grow(int(g) + 1)
	}
	return g, grown
}

func (t *groupTable) place(hash uint64, g int32) {
	mask := uint64(len(t.slots) - 1)
	i := hash & mask
	for t.slots[i].at != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = groupSlot{uint32(hash >> 32), g + 1}
}

// setKinds notes of what kind the values of a key are: those of the group's first
// row (OP-53).
func (t *groupTable) setKinds(g int32, value func(i int) event.Value) {
	by := len(t.g.by)
	kinds := t.kinds[int(g)*by : int(g)*by+by]
	var bits []uint64
	for i := range kinds {
		var n uint64
		if kinds[i], n = kindOf(value(i)); n != 0 {
			if bits == nil {
				bits = make([]uint64, by)
			}
			bits[i] = n
		}
	}
	if bits != nil {
		if t.bits == nil {
			t.bits = map[int32][]uint64{}
		}
		t.bits[g] = bits
	} else if t.bits != nil {
		delete(t.bits, g)
	}
}

// hasText marks kinds of values that have text, which is what stands in the key.
const hasText = 1 << 7

// kindOf is what there is to know of a value besides its text.
func kindOf(v event.Value) (kind byte, bits uint64) {
	k, bits, text := v.Parts()
	if kind = byte(k); text != "" {
		kind |= hasText
	}
	return kind, bits
}

// valueOf is the value of a kind whose text form is text, which stays the value's.
func valueOf(kind byte, bits uint64, text []byte) event.Value {
	if kind&hasText == 0 {
		text = nil
	}
	return event.FromParts(event.Kind(kind&^hasText), bits, unsafe.String(unsafe.SliceData(text), len(text)))
}

// key appends the values of a group's key. Their text is the table's.
func (t *groupTable) key(g int32, dst []event.Value) []event.Value {
	by := len(t.g.by)
	key := t.arena.at(t.keys[g])
	for i, k := range t.kinds[int(g)*by : int(g)*by+by] {
		var text []byte
		if key[0] == 0 {
			key = key[1:]
		} else {
			n := int(binary.LittleEndian.Uint32(key[1:]))
			text, key = key[5:5+n], key[5+n:]
		}
		bits := uint64(0)
		if of := t.bits[g]; of != nil {
			bits = of[i]
		}
		dst = append(dst, valueOf(k, bits, text))
	}
	return dst
}

// before orders groups by their first rows, and those made of one message by key.
func (t *groupTable) before(a, b int32) int {
	x, y := t.first[a], t.first[b]
	switch {
	case x.Before(y):
		return -1
	case y.Before(x):
		return 1
	}
	return slices.CompareFunc(t.key(a, nil), t.key(b, nil), event.Compare)
}

// inOrder are the groups in the order of their first rows.
func (t *groupTable) inOrder() []int32 {
	all := make([]int32, t.len())
	sorted := true
	for g := range all {
		all[g] = int32(g)
		sorted = sorted && (g == 0 || t.before(int32(g-1), int32(g)) < 0)
	}
	if !sorted {
		slices.SortFunc(all, t.before)
	}
	return all
}

// save appends what is known of a group.
func (t *groupTable) save(g int32, dst []byte) []byte {
	by := len(t.g.by)
	key := t.arena.at(t.keys[g])
	dst = append(binary.AppendUvarint(dst, uint64(len(key))), key...)
	for i, k := range t.kinds[int(g)*by : int(g)*by+by] {
		bits := uint64(0)
		if of := t.bits[g]; of != nil {
			bits = of[i]
		}
		dst = binary.AppendUvarint(append(dst, k), bits)
	}
	m := t.first[g]
	dst = binary.AppendVarint(dst, m.Time)
	dst = binary.AppendVarint(dst, m.Receipt-m.Time)
	dst = binary.AppendUvarint(dst, m.Pos)
	for _, s := range t.states {
		dst = s.Save(g, dst)
	}
	return dst
}

// load adds a group that was saved to the one of the same key, making it where
// there is none. It panics when rec is not what save wrote. grown is without what a
// new group itself costs.
func (t *groupTable) load(rec []byte) (made bool, key, grown int) {
	n, k := binary.Uvarint(rec)
	text := rec[k : k+int(n)]
	rec = rec[k+int(n):]
	vals := make([]event.Value, 0, 4)
	for at := text; len(vals) < len(t.g.by); {
		var own []byte
		if at[0] == 0 {
			at = at[1:]
		} else {
			n := int(binary.LittleEndian.Uint32(at[1:]))
			own, at = at[5:5+n], at[5+n:]
		}
		bits, k := binary.Uvarint(rec[1:])
		vals = append(vals, valueOf(rec[0], bits, own))
		rec = rec[1+k:]
	}
	m := lang.Moment{Records: t.g.records}
	m.Time, k = binary.Varint(rec)
	rec = rec[k:]
	m.Receipt, k = binary.Varint(rec)
	m.Receipt += m.Time
	rec = rec[k:]
	m.Pos, k = binary.Uvarint(rec)
	rec = rec[k:]
	value := func(i int) event.Value { return vals[i] }
	hash := maphash.Bytes(groupSeed, text)
	g := t.find(text, hash)
	if made = g < 0; made {
		g, grown = t.add(text, hash, m, value)
	} else {
		t.meet(g, m, value)
	}
	for _, s := range t.states {
		var more int
		rec, more = s.Load(g, rec)
		grown += more
	}
	return made, len(text), grown
}

// meet notes that a group has a row of a moment.
func (t *groupTable) meet(g int32, m lang.Moment, value func(i int) event.Value) {
	if !m.Before(t.first[g]) {
		return
	}
	t.first[g] = m
	by := len(t.g.by)
	for i, k := range t.kinds[int(g)*by : int(g)*by+by] {
		if is, _ := kindOf(value(i)); is != k {
			t.setKinds(g, value)
			return
		}
	}
}

// merge adds a group of another table, and reports whether it is new here.
func (t *groupTable) merge(o *groupTable, other int32) {
	key, hash := o.arena.at(o.keys[other]), o.hashes[other]
	vals := o.key(other, nil)
	value := func(i int) event.Value { return vals[i] }
	g := t.find(key, hash)
	if g < 0 {
		g, _ = t.add(key, hash, o.first[other], value)
	} else {
		t.meet(g, o.first[other], value)
	}
	for i, s := range t.states {
		s.Merge(g, o.states[i], other)
	}
}

// arena holds pieces of text, in chunks that do not move.
type arena struct{ chunks [][]byte }

// arenaText is where a piece is.
type arenaText struct {
	chunk uint32
	at, n uint32
}

// arenaChunk is how large a chunk is, in bytes; longer pieces have their own.
const arenaChunk = 256 << 10

func (a *arena) put(p []byte) arenaText {
	last := len(a.chunks) - 1
	if last < 0 || cap(a.chunks[last])-len(a.chunks[last]) < len(p) {
		size := arenaChunk
		if last < 0 {
			size = 4 << 10 // most tables are small
		}
		a.chunks = append(a.chunks, make([]byte, 0, max(size, len(p))))
		last++
	}
	c := &a.chunks[last]
	at := len(*c)
	*c = append(*c, p...)
	return arenaText{uint32(last), uint32(at), uint32(len(p))}
}

func (a *arena) at(t arenaText) []byte {
	return a.chunks[t.chunk][t.at : t.at+t.n : t.at+t.n]
}
