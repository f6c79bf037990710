package agg

import (
	"encoding/binary"
	"math"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// What follows writes down the pieces that states are made of and reads them
// back. Numbers are of variable length, doubles of 8 bytes, lists and text begin
// with their length.

func saveInt(dst []byte, n int64) []byte   { return binary.AppendVarint(dst, n) }
func saveUint(dst []byte, n uint64) []byte { return binary.AppendUvarint(dst, n) }
func saveFloat(dst []byte, f float64) []byte {
	return binary.LittleEndian.AppendUint64(dst, math.Float64bits(f))
}

func saveBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 1)
	}
	return append(dst, 0)
}

func saveText(dst []byte, s string) []byte { return append(saveUint(dst, uint64(len(s))), s...) }

func saveFloats(dst []byte, fs []float64) []byte {
	dst = saveUint(dst, uint64(len(fs)))
	for _, f := range fs {
		dst = saveFloat(dst, f)
	}
	return dst
}

func saveMoment(dst []byte, m lang.Moment) []byte {
	return saveBool(saveUint(saveInt(saveInt(dst, m.Time), m.Receipt-m.Time), m.Pos), m.Records)
}

// reading takes pieces off the front of saved bytes.
type reading struct{ src []byte }

func (r *reading) int() int64 {
	n, k := binary.Varint(r.src)
	r.skip(k)
	return n
}

func (r *reading) uint() uint64 {
	n, k := binary.Uvarint(r.src)
	r.skip(k)
	return n
}

func (r *reading) skip(k int) {
	if k <= 0 {
		panic("agg: the saved state is damaged")
	}
	r.src = r.src[k:]
}

func (r *reading) float() float64 {
	f := math.Float64frombits(binary.LittleEndian.Uint64(r.src))
	r.src = r.src[8:]
	return f
}

func (r *reading) bool() bool {
	b := r.src[0] == 1
	r.src = r.src[1:]
	return b
}

// text is lent: it stands in the saved bytes.
func (r *reading) text() []byte {
	n := r.uint()
	s := r.src[:n]
	r.src = r.src[n:]
	return s
}

func (r *reading) floats() []float64 {
	n := r.uint()
	if n > uint64(len(r.src))/8 {
		panic("agg: the saved state is damaged")
	}
	var fs []float64
	for range n {
		fs = append(fs, r.float())
	}
	return fs
}

func (r *reading) moment() lang.Moment {
	m := lang.Moment{Time: r.int()}
	m.Receipt = m.Time + r.int()
	m.Pos, m.Records = r.uint(), r.bool()
	return m
}

func (n nothing) Save(dst []byte) []byte        { return dst }
func (n nothing) Load(src []byte) ([]byte, int) { return src, 0 }

func (c *counter) Save(dst []byte) []byte { return saveInt(dst, c.n) }
func (c *counter) Load(src []byte) ([]byte, int) {
	r := reading{src}
	c.n += r.int()
	return r.src, 0
}

func (d *distinct) Save(dst []byte) []byte {
	dst = saveUint(dst, uint64(len(d.set)))
	for k := range d.set {
		dst = saveText(dst, k)
	}
	return dst
}

func (d *distinct) Load(src []byte) ([]byte, int) {
	r, grown := reading{src}, 0
	for range r.uint() {
		k := r.text()
		if _, ok := d.set[string(k)]; !ok {
			grown += d.insert(string(k))
		}
	}
	return r.src, grown
}

func (h *held) save(dst []byte) []byte { return exec.AppendValue(dst, h.value()) }

// value is lent: its text stands in the saved bytes.
func (r *reading) value() event.Value {
	v, n := exec.DecodeValue(r.src)
	r.src = r.src[n:]
	return v
}

func (e *edge) Save(dst []byte) []byte {
	if dst = saveBool(dst, e.some); !e.some {
		return dst
	}
	return e.v.save(saveMoment(dst, e.at))
}

func (e *edge) Load(src []byte) ([]byte, int) {
	r, grown := reading{src}, 0
	if r.bool() {
		o := &edge{last: e.last, some: true, at: r.moment()}
		grown = o.v.set(r.value())
		if e.last && e.some && e.at == o.at { // of one message, and saved later
			*e = *o
		} else {
			e.Merge(o)
		}
	}
	return r.src, grown
}

func (e *extreme) Save(dst []byte) []byte { return exec.AppendValue(saveBool(dst, e.some), e.v) }

func (e *extreme) Load(src []byte) ([]byte, int) {
	r := reading{src}
	o := &extreme{max: e.max, some: r.bool()}
	o.v = r.value()
	e.Merge(o)
	return r.src, 0
}

func (t *total) save(dst []byte) []byte {
	dst = saveFloats(saveUint(saveInt(saveInt(dst, t.n), t.hi), t.lo), t.parts)
	if dst = saveBool(dst, t.odd != nil); t.odd == nil {
		return dst
	}
	return saveBool(saveBool(saveBool(saveFloats(dst, t.odd.far), t.odd.nan), t.odd.posInf), t.odd.negInf)
}

// load adds a saved total, and returns by how many bytes t grew.
func (t *total) load(r *reading) int {
	o := &total{n: r.int(), hi: r.int(), lo: r.uint(), parts: r.floats()}
	if r.bool() {
		o.odd = &odd{far: r.floats()}
		o.odd.nan, o.odd.posInf, o.odd.negInf = r.bool(), r.bool(), r.bool()
	}
	before := t.bytes()
	t.merge(o)
	return t.bytes() - before
}

// bytes is what the parts cost.
func (t *total) bytes() int {
	n := cap(t.parts)
	if t.odd != nil {
		n += cap(t.odd.far)
	}
	return n * partBytes
}

func (s *sum) Save(dst []byte) []byte { return s.t.save(dst) }
func (s *sum) Load(src []byte) ([]byte, int) {
	r := reading{src}
	n := s.t.load(&r)
	return r.src, n
}

func (m *mean) Save(dst []byte) []byte { return m.t.save(dst) }
func (m *mean) Load(src []byte) ([]byte, int) {
	r := reading{src}
	n := m.t.load(&r)
	return r.src, n
}

func (d *deviation) Save(dst []byte) []byte { return d.squares.save(d.sum.save(dst)) }
func (d *deviation) Load(src []byte) ([]byte, int) {
	r := reading{src}
	n := d.sum.load(&r)
	n += d.squares.load(&r)
	return r.src, n
}

func (l *listing) Save(dst []byte) []byte {
	dst = saveUint(dst, uint64(len(l.sorted)))
	for _, s := range l.sorted {
		dst = saveText(dst, s)
	}
	return dst
}

func (l *listing) Load(src []byte) ([]byte, int) {
	r, grown := reading{src}, 0
	for range r.uint() {
		grown += l.insert(string(r.text()), false)
	}
	return r.src, grown
}

func (s *sample) Save(dst []byte) []byte { return saveFloats(dst, s.nums) }
func (s *sample) Load(src []byte) ([]byte, int) {
	r, before := reading{src}, cap(s.nums)
	s.nums = append(s.nums, r.floats()...)
	return r.src, 8 * (cap(s.nums) - before)
}

func (c *recent) Save(dst []byte) []byte {
	if dst = saveBool(dst, c.some); !c.some {
		return dst
	}
	return c.raw.save(saveMoment(saveInt(dst, c.time), c.at))
}

func (c *recent) Load(src []byte) ([]byte, int) {
	r, grown := reading{src}, 0
	if r.bool() {
		o := &recent{least: c.least, some: true, time: r.int(), at: r.moment()}
		grown = o.raw.set(r.value())
		c.Merge(o)
	}
	return r.src, grown
}
