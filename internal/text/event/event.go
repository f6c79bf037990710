// Package event holds log events in memory, a batch at a time, column by column.
package event

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// MaxRows is the most rows a Batch holds. 512 was slower by the cost of opening
// batches, 8192 kept too many values out of the second cache.
const MaxRows = 2048

// MaxFields is the most fields one run may meet. A log with more of them is
// machine-made noise (keys that are data); the rest is counted and left out.
const MaxFields = 8192

// Slot is the index of a field in a run's Layout.
type Slot uint16

// None is the Slot of no field.
const None = Slot(0xffff)

// Column is one field of every row: distinct values of this batch and, for each
// row, which of them it has. Dict[0] is always null, so a column that no event
// of the batch has costs one entry and no codes. The values need not all be
// distinct: a reader stops looking for equal ones where there are few.
type Column struct {
	Dict []Value
	Code []uint16 // by row; shorter than the batch where the rest is null

	// Gen, where it is not 0, says that another batch's column with the same Gen
	// has the same dictionary, but for entries behind, and text that stays: what
	// was found out about a code holds for both.
	Gen uint64

	shared   bool // Dict and Code belong to another column: not to be written
	borrowed bool // Code alone does
}

// At returns the value of a row.
func (c *Column) At(row uint16) Value {
	if int(row) >= len(c.Code) {
		return Value{}
	}
	return c.Dict[c.Code[row]]
}

// Reset empties the column, keeping its memory if it is its own.
func (c *Column) Reset() {
	if c.shared {
		*c = Column{}
	}
	if c.borrowed {
		c.Code, c.borrowed = nil, false
	}
	c.Dict, c.Code, c.Gen = append(c.Dict[:0], Value{}), c.Code[:0], 0
}

var generations atomic.Uint64

// NewGen is a Gen that no column has yet.
func NewGen() uint64 { return generations.Add(1) }

// Lend makes a column read only that is about to be pushed, and returns it as its
// owner may go on with it in the next batch, once it has emptied Code.
func (c *Column) Lend(gen uint64) Column {
	mine := *c
	c.shared, c.Gen = true, gen
	return mine
}

// own makes sure that the column may be written.
func (c *Column) own() {
	c.Gen = 0
	if c.shared {
		c.Dict, c.Code, c.shared = slices.Clone(c.Dict), slices.Clone(c.Code), false
	}
	if c.borrowed {
		c.Code, c.borrowed = slices.Clone(c.Code), false
	}
	if len(c.Dict) == 0 {
		c.Dict = append(c.Dict, Value{})
	}
}

// Set gives a row a value. Rows are set in any order; values are not looked up
// among those present.
func (c *Column) Set(row uint16, v Value) {
	if !c.appends(row) {
		c.extend(int(row) + 1)
	} else if c.Code = append(c.Code, 0); !v.IsNull() {
		c.Code[row] = uint16(len(c.Dict))
		c.Dict, c.Gen = append(c.Dict, v), 0
		return
	}
	if v.IsNull() {
		c.Code[row] = 0
		return
	}
	c.Code[row] = c.Put(v)
}

// SetCode gives a row an entry of the dictionary.
func (c *Column) SetCode(row, code uint16) {
	if c.appends(row) {
		c.Code = append(c.Code, code)
		return
	}
	if c.shared || c.borrowed || int(row) >= len(c.Code) {
		c.extend(int(row) + 1)
	}
	c.Code[row] = code
}

// appends reports whether a row that gets a code is the next one, as it mostly is
// where columns are filled.
func (c *Column) appends(row uint16) bool {
	return int(row) == len(c.Code) && !c.shared && !c.borrowed && len(c.Dict) > 0
}

// ShareCodes gives c the codes of another column: their dictionaries have
// entries in the same order. c's codes are then read only until Reset.
func (c *Column) ShareCodes(from *Column) { c.Code, c.borrowed = from.Code, true }

// Follow makes c the column of what is computed of another: its dictionary, which
// may have entries already, is made as long as the other's and so many entries
// more, with null. With none more c has the other's codes, as by ShareCodes, else
// no rows have values yet.
func (c *Column) Follow(from *Column, more int) {
	if c.borrowed {
		c.Code, c.borrowed = nil, false
	}
	c.Code = c.Code[:0]
	if need := len(from.Dict) + more - len(c.Dict); need > 0 {
		n := len(c.Dict)
		c.Dict = slices.Grow(c.Dict, need)[:n+need]
		clear(c.Dict[n:])
	}
	if more == 0 {
		c.ShareCodes(from)
	}
}

// Edit changes an entry of the dictionary, and so the value of every row that
// has it.
func (c *Column) Edit(code uint16, v Value) {
	c.own()
	c.Dict[code] = v
}

// Put adds a value to the dictionary and returns its code.
func (c *Column) Put(v Value) uint16 {
	c.own()
	c.Dict = append(c.Dict, v)
	return uint16(len(c.Dict) - 1)
}

// extend makes sure that the first n rows have codes.
func (c *Column) extend(n int) {
	c.own()
	if old := len(c.Code); old < n {
		c.Code = slices.Grow(c.Code, n-old)[:n]
		clear(c.Code[old:])
	}
}

// Fill gives the first n rows one value.
func (c *Column) Fill(n int, v Value) {
	c.Reset()
	if v.IsNull() {
		return
	}
	c.Dict = append(c.Dict, v)
	c.extend(n)
	for i := range c.Code {
		c.Code[i] = 1
	}
}

// Alias makes c show what from shows without a copy. A column so shared is
// copied when it is written to, so a stage may alias its own buffer into a
// batch, or one field of the batch to another.
func (c *Column) Alias(from *Column) {
	c.Dict, c.Code, c.Gen, c.shared = from.Dict, from.Code, from.Gen, true
}

// Origin is what the events of a part share: the metadata of where they came from.
type Origin struct{ Collector, Source, Category, Host, Name string }

// Batch is a run of events of one source, at most MaxRows. It is lent to a
// stage while Push runs; the stage may change it but keeps nothing of it.
type Batch struct {
	N    int
	Cols []Column // by Slot
	Live []uint16 // rows still in the stream; ascending unless Sorted made an order
	Time []int64  // _messageTime in ms, by row, NoTime where the event says none; nil after an aggregate
	Pos  []uint64 // place in the input, by row; see Position. Breaks ties, so that output does not depend on -j
	// Receipt is _receiptTime in ms by row where it differs from Time, else nil.
	Receipt []int64
	// Auto says that the reader has put every wanted field of the JSON object
	// in _raw into its column, so json auto has nothing left to do.
	Auto bool
	// Matched marks rows that an earlier parse ... nodrop of the same run of
	// parse stages matched (spec B.10.1). nil when no row is marked.
	Matched []bool
	// Printed is the rows as they are printed, by row, where a stage has already
	// done so; there are no columns then.
	Printed [][]byte
}

// NoTime is the time of an event that says none: before any that an event can be
// of, so that it is the last where the newest come first.
const NoTime int64 = 0

// A position has 44 bits for the offset in one of the first half million parts, of
// which each may be 16 TiB. Of later ones, of which there are 536 million, it has 34:
// beyond 16 GiB events of one moment and part have no order of their own.
const (
	partsWide  = 1 << 19
	wideBits   = 44
	narrowBits = 34
	narrow     = 1 << 63 // marks a later part
	partsMax   = partsWide + 1<<(63-narrowBits)
)

// Position makes a row's place in the input from the number of its part (file)
// and its byte offset there. Positions are in the order of parts and then offsets.
func Position(part int, offset int64) uint64 {
	off := uint64(max(offset, 0))
	if part < partsWide {
		return uint64(part)<<wideBits | min(off, 1<<wideBits-1)
	}
	later := uint64(min(part, partsMax-1) - partsWide)
	return narrow | later<<narrowBits | min(off, 1<<narrowBits-1)
}

// Offset is the byte offset of a position.
func Offset(pos uint64) int64 {
	if pos&narrow != 0 {
		return int64(pos & (1<<narrowBits - 1))
	}
	return int64(pos & (1<<wideBits - 1))
}

// Part is the number of a position's part. Parts from partsMax-1 on share one.
func Part(pos uint64) int {
	if pos&narrow != 0 {
		return int(pos&^narrow>>narrowBits) + partsWide
	}
	return int(pos >> wideBits)
}

// Col returns the column of s, growing the batch when a stage adds a field.
// The pointer is good until the next Col of a higher slot.
func (b *Batch) Col(s Slot) *Column {
	for len(b.Cols) <= int(s) {
		if cap(b.Cols) > len(b.Cols) {
			b.Cols = b.Cols[:len(b.Cols)+1]
			b.Cols[len(b.Cols)-1].Reset()
			continue
		}
		b.Cols = append(b.Cols, Column{Dict: []Value{{}}})
	}
	return &b.Cols[s]
}

// Value returns a field of a row.
func (b *Batch) Value(s Slot, row uint16) Value {
	if int(s) >= len(b.Cols) {
		return Value{}
	}
	return b.Cols[s].At(row)
}

// Reset empties the batch, keeping its memory.
func (b *Batch) Reset() {
	b.N, b.Live, b.Time, b.Pos, b.Receipt = 0, b.Live[:0], b.Time[:0], b.Pos[:0], nil
	b.Auto, b.Matched, b.Printed = false, nil, b.Printed[:0]
	for i := range b.Cols {
		b.Cols[i].Reset()
	}
}

// AddRow appends a live row without values and returns its index.
func (b *Batch) AddRow(time int64, pos uint64) uint16 {
	r := uint16(b.N)
	b.N++
	b.Live = append(b.Live, r)
	b.Time = append(b.Time, time)
	b.Pos = append(b.Pos, pos)
	return r
}

// Layout gives every field name of a run its slot. The names a query mentions
// come first; a reader that is asked for all fields adds those it meets. Safe
// for use by several goroutines.
//
// Names are matched exactly first, then ignoring case (spec A.6, OP-54): a
// query that says image finds Image. Names that only the data has keep a slot for
// each spelling, so that what they are called does not hang on which worker met
// one first.
type Layout struct {
	mu    sync.RWMutex
	names []string
	met   map[Slot]bool // only the data has them
	exact map[string]Slot
	fold  map[string]Slot
	found []Slot
	epoch int
}

// NewLayout makes a Layout with the given names in slots 0, 1, ...
func NewLayout(names ...string) *Layout {
	l := &Layout{exact: map[string]Slot{}, fold: map[string]Slot{}, met: map[Slot]bool{}}
	for _, n := range names {
		l.add(n)
	}
	return l
}

func (l *Layout) add(name string) Slot {
	s := Slot(len(l.names))
	l.names = append(l.names, name)
	l.exact[name] = s
	if k := strings.ToLower(name); l.fold[k] == 0 {
		if _, ok := l.fold[k]; !ok {
			l.fold[k] = s
		}
	}
	return s
}

// Find returns the slot of a name, exact spelling first.
func (l *Layout) Find(name string) (Slot, bool) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if s, ok := l.exact[name]; ok {
		return s, true
	}
	s, ok := l.fold[strings.ToLower(name)]
	return s, ok
}

// Slot finds or makes the slot of a name. It returns None when the layout is full.
func (l *Layout) Slot(name string) Slot {
	if s, ok := l.Find(name); ok {
		return s
	}
	return l.Exact(name)
}

// Met finds or makes the slot of a name that the data has: that of the same
// spelling, that of a name which someone asks for, letter case aside, or its own.
func (l *Layout) Met(name string) Slot {
	if s, ok := l.Find(name); ok && (!l.isMet(s) || l.Name(s) == name) {
		return s
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if s, ok := l.exact[name]; ok {
		return s
	}
	if len(l.names) >= MaxFields {
		return None
	}
	s := l.add(strings.Clone(name))
	l.met[s] = true
	return s
}

func (l *Layout) isMet(s Slot) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.met[s]
}

// Exact finds or makes the slot of exactly this spelling.
func (l *Layout) Exact(name string) Slot {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s, ok := l.exact[name]; ok {
		return s
	}
	if len(l.names) >= MaxFields {
		return None
	}
	return l.add(strings.Clone(name))
}

// Name returns the spelling of a slot.
func (l *Layout) Name(s Slot) string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if int(s) >= len(l.names) {
		return ""
	}
	return l.names[s]
}

// Len is the number of slots.
func (l *Layout) Len() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.names)
}

// Names returns all spellings by slot, as a copy.
func (l *Layout) Names() []string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.Clone(l.names)
}

// SetFound says which columns a stage has found in the data, in order: those of
// transpose. It is set before a row that has them is pushed.
func (l *Layout) SetFound(ss []Slot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.found = slices.Clone(ss)
}

// Found returns the columns that SetFound was last told of.
func (l *Layout) Found() []Slot {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.Clone(l.found)
}

// Forget forgets all names but the first n, so that their slots are free for others.
// No batch, and nothing that a reader or a stage remembers, may have one of them.
func (l *Layout) Forget(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n >= len(l.names) {
		return
	}
	o := NewLayout(l.names[:n]...)
	for s := range l.met {
		if int(s) < n {
			o.met[s] = true
		}
	}
	l.names, l.met, l.exact, l.fold, l.found = o.names, o.met, o.exact, o.fold, nil
	l.epoch++
}

// Epoch is how often names have been forgotten: what is known of slots is of one epoch.
func (l *Layout) Epoch() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.epoch
}

// Clone returns a Layout with the same names, which then grows on its own.
func (l *Layout) Clone() *Layout { return NewLayout(l.Names()...) }

// Fields is a set of slots. All means every field the event has besides.
type Fields struct {
	All bool
	set []bool
	// auto is one more than the slot of the text that only json auto reads.
	auto Slot
}

func (f *Fields) Add(ss ...Slot) {
	for _, s := range ss {
		if s == None {
			continue
		}
		for len(f.set) <= int(s) {
			f.set = append(f.set, false)
		}
		f.set[s] = true
		if f.auto == s+1 {
			f.auto = 0
		}
	}
}

// AddForAuto adds the slot of the text that json auto reads, for which a reader
// that sets Batch.Auto need not give it.
func (f *Fields) AddForAuto(s Slot) {
	if !f.Wants(s) {
		f.Add(s)
		f.auto = s + 1
	}
}

// OnlyForAuto reports whether a slot is in the set only for json auto.
func (f *Fields) OnlyForAuto(s Slot) bool { return f.auto == s+1 && f.Has(s) && !f.All }

// Remove takes slots out: they are made here, so nobody before need read them.
// It does not narrow All.
func (f *Fields) Remove(ss ...Slot) {
	for _, s := range ss {
		if int(s) < len(f.set) {
			f.set[s] = false
		}
	}
}

// Clear empties the set: what comes before an aggregate is wanted only as far
// as the aggregate says.
func (f *Fields) Clear() { f.All, f.auto = false, 0; clear(f.set) }

// Has reports whether a slot is in the set by name (All aside).
func (f *Fields) Has(s Slot) bool { return int(s) < len(f.set) && f.set[s] }

// Wants reports whether a slot is wanted by name or because all are.
func (f *Fields) Wants(s Slot) bool { return f.All || f.Has(s) }

// Slots returns the set in ascending order.
func (f *Fields) Slots() []Slot {
	var ss []Slot
	for i, ok := range f.set {
		if ok {
			ss = append(ss, Slot(i))
		}
	}
	return ss
}

// Clone returns a copy that changes on its own.
func (f *Fields) Clone() Fields { return Fields{f.All, slices.Clone(f.set), f.auto} }

// Union adds another set to f.
func (f *Fields) Union(o *Fields) {
	f.All = f.All || o.All
	for _, s := range o.Slots() {
		if o.OnlyForAuto(s) {
			f.AddForAuto(s)
		} else {
			f.Add(s)
		}
	}
}

func (f *Fields) String() string {
	if f.All {
		return fmt.Sprintf("all + %v", f.Slots())
	}
	return fmt.Sprint(f.Slots())
}
