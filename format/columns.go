package format

import (
	"bytes"
	"hash/maphash"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/gyoji-dev/gyoji/event"
	"github.com/gyoji-dev/gyoji/jsondoc"
	"github.com/gyoji-dev/gyoji/mapping"
)

const (
	// tableSize is the slots of a column's hash table: twice the rows of a batch.
	tableSize = 2 * event.MaxRows
	// probation is after how many rows a column is judged: one whose values
	// hardly repeat is filled without looking for equal ones.
	probation = 256
	// pardon is after how many batches such a column is judged anew.
	pardon = 32
	// chunkBytes is the size of an arena's pieces.
	chunkBytes = 256 << 10
)

var seed = maphash.MakeSeed()

// column fills one column of a batch, giving equal values one entry.
type column struct {
	table  []uint16 // hash to code
	raws   []entry  // by code: what the entry was made of
	rows   int      // given in this batch
	unique int      // batches yet to fill without a look at the table
}

// entry is what an entry of a dictionary was made of: bytes, and which of the ways to read
// them was used.
type entry struct {
	raw  []byte
	kind uint8
	bad  bool   // it is no UTF-8
	at   uint16 // its place in the column's table
}

const (
	plainKind  uint8 = iota // JSON that is the text itself
	quotedKind              // a JSON string, where a backslash means something
)

func (c *column) reset() {
	if c.rows > 0 && c.unique == 0 {
		c.forget()
	}
	if c.unique > 0 {
		c.unique--
	}
	c.raws = append(c.raws[:0], entry{})
	c.rows = 0
}

// forget empties the table. A small file's batch leaves most of it as it is.
func (c *column) forget() {
	if len(c.raws) > tableSize/32 {
		clear(c.table)
		return
	}
	for i := range c.raws {
		c.table[c.raws[i].at] = 0
	}
}

// builder fills the columns of a batch with text. It owns the batch.
type builder struct {
	b     event.Batch
	cols  []column
	arena arena
	bad   bool // some value since it was last looked at is no UTF-8

	scratch []byte
}

// reset readies the builder for the next batch.
func (w *builder) reset() {
	w.b.Reset()
	w.arena.reset()
	for i := range w.cols {
		if w.cols[i].raws != nil {
			w.cols[i].reset()
		}
	}
}

func (w *builder) column(s event.Slot) *column {
	for len(w.cols) <= int(s) {
		w.cols = append(w.cols, column{})
	}
	c := &w.cols[s]
	if c.raws == nil {
		c.raws = append(c.raws, entry{})
		c.table = make([]uint16, tableSize)
	}
	return c
}

// text gives a row the text of a JSON value, which is undone of its escapes
// once for equal values. v.Raw must stay as it is until the batch is pushed.
func (w *builder) text(s event.Slot, row uint16, v jsondoc.Value) {
	if v.Kind == jsondoc.Null || v.Kind == jsondoc.Missing {
		return
	}
	kind := plainKind
	if v.Kind == jsondoc.String {
		kind = quotedKind
	}
	if at, ok := w.known(s, row, v.Raw, kind); !ok {
		before := w.bad
		w.bad = false
		w.add(s, row, at, v.Raw, kind, w.value(v))
		w.bad = w.bad || before
	}
}

// known gives a row the entry that was made of the same bytes in the same way.
// Where there is none it returns the place in the column's table that add wants.
func (w *builder) known(s event.Slot, row uint16, raw []byte, kind uint8) (at int, ok bool) {
	c, col := w.column(s), w.b.Col(s)
	c.rows++
	if c.unique > 0 {
		return 0, false
	}
	i := maphash.Bytes(seed, raw) % tableSize
	for {
		code := c.table[i]
		if code == 0 {
			return int(i), false
		}
		if r := &c.raws[code]; r.kind == kind && len(r.raw) == len(raw) && string(r.raw) == string(raw) {
			col.SetCode(row, code)
			w.bad = w.bad || r.bad
			return 0, true
		}
		i = (i + 1) % tableSize
	}
}

// add gives a row an entry that known has not found. raw must stay as it is
// until the batch is pushed.
func (w *builder) add(s event.Slot, row uint16, at int, raw []byte, kind uint8, v event.Value) {
	c, col := &w.cols[s], w.b.Col(s)
	code := col.Put(v)
	col.SetCode(row, code)
	if c.unique > 0 {
		return
	}
	for len(c.raws) < int(code) { // entries put by other means
		c.raws = append(c.raws, entry{})
	}
	c.raws = append(c.raws, entry{raw, kind, w.bad, uint16(at)})
	c.table[at] = code
	if c.rows == probation && int(code) > probation*3/4 {
		c.unique = pardon
		clear(c.table)
	}
}

// value makes an event's value of a JSON one.
func (w *builder) value(v jsondoc.Value) event.Value {
	if v.Plain() {
		return event.Text(lend(v.Raw))
	}
	text := w.arena.unescape(v.Raw)
	if bytes.Contains(text, replaced) {
		w.bad = w.bad || !utf8.Valid(v.Raw)
	}
	return event.Text(lend(text))
}

// replaced is what stands in a text for bytes that are no UTF-8.
var replaced = []byte("\ufffd")

// Scratch and Keep make the builder a mapping.Keeper.
func (w *builder) Scratch() []byte { return w.scratch[:0] }

func (w *builder) Keep(text []byte) jsondoc.Value {
	w.scratch = text
	if len(text) == 0 {
		return jsondoc.Value{}
	}
	return asIs(w.arena.keep(text))
}

// undouble takes back what mapping.Shape calls Doubled.
func (w *builder) undouble(v jsondoc.Value) jsondoc.Value {
	if bytes.IndexByte(v.Raw, '\\') < 0 {
		return v
	}
	return w.Keep(mapping.Undouble(w.Scratch(), v.AppendText(nil)))
}

// lend is text that points into memory which outlives the batch's push, no longer.
func lend(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// arena holds the text of one batch.
type arena struct {
	chunks [][]byte
	used   int // chunks in use; the last one has room
}

func (a *arena) reset() {
	for i := range a.chunks {
		a.chunks[i] = a.chunks[i][:0]
	}
	a.used = min(1, len(a.chunks))
}

// keep keeps a text.
func (a *arena) keep(text []byte) []byte {
	c := a.room(len(text))
	at := len(*c)
	*c = append(*c, text...)
	return (*c)[at:len(*c):len(*c)]
}

// unescape keeps the text of a JSON string.
func (a *arena) unescape(raw []byte) []byte {
	// Text is never longer than its JSON form, but for invalid bytes, which
	// become three each.
	c := a.room(3*len(raw) + jsondoc.TextSlack)
	at := len(*c)
	*c = jsondoc.Unescape(*c, raw)
	return (*c)[at:len(*c):len(*c)]
}

// room is a piece with room for need bytes more.
func (a *arena) room(need int) *[]byte {
	if a.used == 0 || cap(a.chunks[a.used-1])-len(a.chunks[a.used-1]) < need {
		if a.used == len(a.chunks) {
			a.chunks = append(a.chunks, make([]byte, 0, max(chunkBytes, need)))
		} else if cap(a.chunks[a.used]) < need {
			a.chunks[a.used] = make([]byte, 0, need)
		}
		a.used++
	}
	return &a.chunks[a.used-1]
}

// typed makes a value of a message's pre-extracted field, which keeps its JSON type.
func (w *builder) typed(v jsondoc.Value) event.Value {
	switch v.Kind {
	case jsondoc.Missing, jsondoc.Null:
		return event.Value{}
	case jsondoc.Bool:
		return event.Bool(v.Raw[0] == 't')
	case jsondoc.Number:
		return number(v.Raw)
	}
	return w.value(v)
}

// number makes a whole number or a double of a JSON number.
func number(raw []byte) event.Value {
	t := event.Text(lend(raw))
	if !strings.ContainsAny(lend(raw), ".eE") {
		if i, ok := t.Int(); ok {
			return event.Int(i)
		}
	}
	f, _ := t.Float()
	return event.Float(f)
}
