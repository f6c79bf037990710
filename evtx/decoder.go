package evtx

import (
	"bytes"
	"errors"
)

// slotBits is the size of the table of a chunk's templates, which has 30 or so.
const slotBits = 9

// recentBits is the size of the table of the variants of templates met last.
const recentBits = 9

// Decoder reads the events of chunks, one chunk at a time. It keeps what it
// compiled from chunk to chunk. A Decoder is one goroutine's.
type Decoder struct {
	// Report is told of damage that records are passed over for: where in the
	// chunk, how many bytes, and what is wrong.
	Report func(at, bytes int, what string)

	data   []byte
	header ChunkHeader
	chunk  uint32 // number of the chunk, to tell old slots
	at     int    // where the next record should be
	end    int    // where the records end
	last   uint64 // identifier of the record before
	carve  bool   // look for records that the chunk does not lead to
	carved bool   // what follows was found so
	sound  int    // where the next whole record was found to be, 0 before a look

	slots    [1 << slotBits]slot
	variants map[templateKey][]*variant
	recent   [1 << recentBits]*variant // met last, by their keys
	kept     int
	names    map[string]string
	scratch  []byte

	// Of fragments without a template.
	shapes     map[string]*Template
	shapeBytes int // of the keys
	shape      []byte
	nameIDs    map[string]knownName
	nameSlots  [1 << slotBits]nameSlot

	vals  []Value
	event Event
	nodes int // met in the event so far
}

// NewDecoder makes a Decoder.
func NewDecoder() *Decoder {
	return &Decoder{
		variants: map[templateKey][]*variant{}, names: map[string]string{},
		shapes: map[string]*Template{}, nameIDs: map[string]knownName{},
	}
}

// Record is a record's frame.
type Record struct {
	Offset, Size int    // in the chunk
	ID           uint64 // as numbered in the file; System's EventRecordID may differ
	Written      uint64 // FILETIME
	Torn         bool   // its end is not what its head says: part of it may be missing
	Carved       bool   // found after the records in use
}

const (
	recordHeadBytes = 24
	recordTailBytes = 4 // its size once more
)

// Open begins a chunk, of which data is all there is: shorter than ChunkBytes
// where the file was cut. carve also looks for records in the space that the
// chunk does not use.
func (d *Decoder) Open(data []byte, carve bool) ChunkHeader {
	d.data = data[:min(len(data), ChunkBytes)]
	d.chunk++
	if len(d.nameIDs) > namesMax {
		clear(d.nameIDs)
		clear(d.shapes)
		d.shapeBytes = 0
	}
	d.header = readChunkHeader(d.data)
	d.carve, d.carved, d.last, d.sound = carve, false, 0, 0
	d.at, d.end = chunkHeaderBytes, len(d.data)
	if f := d.header.Free; f >= chunkHeaderBytes && f < d.end {
		d.end = f
	}
	return d.header
}

// record reads the frame at an offset.
func (d *Decoder) record(at int) (r Record, ok bool) {
	if at+recordHeadBytes+recordTailBytes > len(d.data) || !bytes.Equal(d.data[at:at+4], recordMagic) {
		return r, false
	}
	size := int(u32(d.data, at+4))
	if size < recordHeadBytes+recordTailBytes || size > len(d.data)-at {
		return r, false
	}
	return Record{
		Offset: at, Size: size, ID: u64(d.data, at+8), Written: u64(d.data, at+16),
		Torn: int(u32(d.data, at+size-recordTailBytes)) != size,
	}, true
}

// Next finds the chunk's next record. Where one is damaged it goes on at the next
// that is whole: its signature, and its size at both ends. Only what stands after
// the records in use is left to carving.
func (d *Decoder) Next() (Record, bool) {
	for d.at < d.end {
		r, ok := d.record(d.at)
		if !ok || r.Torn { // its size may be what is damaged
			r, ok = d.torn(r, ok)
		}
		if ok {
			return d.take(r), true
		}
		next := d.following()
		if d.Report != nil && !blank(d.data[d.at:next]) {
			d.Report(d.at, next-d.at, "no record where one should begin, or one that is cut short")
		}
		d.at = next
	}
	if d.at >= len(d.data) {
		return Record{}, false
	}
	// The header of a log that is being written to is older than its records.
	if r, ok := d.record(d.at); ok && !r.Torn && d.last != 0 && r.ID == d.last+1 {
		return d.take(r), true
	}
	if d.carve {
		d.carved = true
		if r, ok := d.record(d.find(d.at, len(d.data))); ok {
			return d.take(r), true
		}
	}
	d.at = len(d.data)
	return Record{}, false
}

// take goes on after a record.
func (d *Decoder) take(r Record) Record {
	r.Carved = d.carved
	d.at, d.last = r.Offset+r.Size, r.ID
	return r
}

// following is where the next whole record in use begins, or where they end.
func (d *Decoder) following() int {
	if d.sound <= d.at {
		d.sound = d.find(d.at+1, d.end)
	}
	return d.sound
}

// torn makes the best of a record whose size is not the same at both ends: it goes as
// far as the next whole one where that is what its end says, and never beyond it.
func (d *Decoder) torn(r Record, ok bool) (Record, bool) {
	size := d.following() - d.at
	if size < recordHeadBytes+recordTailBytes || !bytes.HasPrefix(d.data[d.at:], recordMagic) {
		return r, false
	}
	if int(u32(d.data, d.at+size-recordTailBytes)) == size {
		return Record{Offset: d.at, Size: size, ID: u64(d.data, d.at+8), Written: u64(d.data, d.at+16), Torn: true}, true
	}
	r.Size = min(r.Size, size)
	return r, ok
}

// find returns where the next whole record begins in a part of the chunk, or
// the part's end.
func (d *Decoder) find(at, end int) int {
	for at < end {
		i := bytes.Index(d.data[at:end], recordMagic)
		if i < 0 {
			return end
		}
		if at += i; at < end {
			if r, ok := d.record(at); ok && !r.Torn {
				return at
			}
		}
		at++
	}
	return end
}

func blank(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// Fragment is a part of an event: a template and its values.
type Fragment struct {
	*Template
	Values []Value
	// Parent is the index of the fragment that this one stands in, at its field
	// Field; -1 for the record's own.
	Parent, Field int

	value int       // which value of the parent it is
	inst  *instance // where it is written in the parent
}

// Event is a record's content. It is good until the Decoder's next.
type Event struct {
	Fragments []Fragment
}

var errEmpty = errors.New("record without an event")

// Event reads a record's event. The error is a *DamageError, or says that there
// is none.
func (d *Decoder) Event(r Record) (*Event, error) {
	d.event.Fragments, d.vals = d.event.Fragments[:0], d.vals[:0]
	d.nodes = 0
	err := d.fragment(r.Offset+recordHeadBytes, r.Offset+r.Size-recordTailBytes, -1, -1, 0, true)
	if err == nil && len(d.event.Fragments) == 0 {
		err = errEmpty
	}
	return &d.event, err
}

// fragment reads a fragment, those in its values, and what follows it in a value.
func (d *Decoder) fragment(at, end, parent, value, depth int, depend bool) error {
	if depth > depthMax || len(d.event.Fragments) >= fragmentsMax {
		return damaged(at, "fragments nested too deep")
	}
	if at+fragmentHeadBytes <= end && d.data[at] == tokenFragment {
		at += fragmentHeadBytes
	}
	if at >= end {
		return nil
	}
	field := -1
	if parent >= 0 {
		field = d.event.Fragments[parent].fieldOf(value)
	}
	switch d.data[at] &^ tokenMore {
	case tokenEnd:
		return nil
	case tokenInstance:
		p := parser{Decoder: d}
		inst, next, err := p.instance(at, end, depth)
		if err != nil {
			return err
		}
		if err := d.add(inst, nil, parent, field, value, depth); err != nil || parent < 0 {
			return err
		}
		// A value may hold several: EventData, and RenderingInfo after it.
		return d.fragment(next, end, parent, value, depth, depend)
	}
	first := len(d.vals)
	if t := d.shaped(at, end, depth, depend); t != nil {
		return d.add(instance{template: t, values: d.vals[first:]}, nil, parent, field, value, depth)
	}
	p := parser{Decoder: d}
	content, _, err := p.content(at, end, depth, depend)
	if err != nil {
		return err
	}
	return d.add(instance{template: newTemplate(content)}, nil, parent, field, value, depth)
}

// add appends a fragment to the event, and then those in it.
func (d *Decoder) add(inst instance, in *instance, parent, field, value, depth int) error {
	if len(d.event.Fragments) >= fragmentsMax {
		return damaged(0, "more fragments than an event has")
	}
	self := len(d.event.Fragments)
	d.event.Fragments = append(d.event.Fragments, Fragment{inst.template, inst.values, parent, field, value, in})
	for i := 0; inst.holds && i < len(inst.values); i++ {
		v := &inst.values[i]
		if v.Type != BinXML || len(v.Data) == 0 {
			continue
		}
		at := d.offset(v.Data)
		if err := d.fragment(at, at+len(v.Data), self, i, depth+1, false); err != nil {
			return err
		}
	}
	if !inst.template.nests {
		return nil
	}
	for i := range inst.template.Fields {
		for _, n := range inst.template.Fields[i].nested {
			if err := d.add(*n, n, self, i, -1, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// offset is where in the chunk a part of it begins.
func (d *Decoder) offset(part []byte) int { return cap(d.data) - cap(part) }

// Value returns a value of the fragment; one that it does not have is Null.
func (f *Fragment) Value(i int) Value {
	if i >= len(f.Values) {
		return Value{}
	}
	return f.Values[i]
}
