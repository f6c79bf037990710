package format

import (
	"bytes"
	"hash/maphash"
	"unicode/utf8"
	"unsafe"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

const (
	// keptMax is how many values of a column are kept from batch to batch.
	keptMax = 2048
	// tableMin is the slots of a column's hash table at first: most runs of a query in a
	// test are over a few events. It has twice as many as there are entries, or more.
	tableMin = 32
	// keptBytesMax is how much memory the values have that a builder keeps.
	keptBytesMax = 4 << 20
	// entryBytes is what a kept value costs besides its text.
	entryBytes = 72
	// probation is after how many rows a column is judged: one whose values
	// hardly repeat is filled without looking for equal ones.
	probation = 1024
	// pardon is after how many batches such a column is judged anew, at first;
	// each time it is found to be so again it takes twice as long, up to pardonMax.
	pardon    = 32
	pardonMax = 1024
	// chunkBytes is the size of an arena's pieces.
	chunkBytes = 256 << 10
)

var seed = maphash.MakeSeed()

// column fills one column of a batch, giving equal values one entry. Where values
// repeat, the dictionary stays from batch to batch, so that what is found out
// about a value downstream has to be found out once.
type column struct {
	table []uint16     // hash to code
	raws  []entry      // by code: what the entry was made of
	last  uint16       // code of the row before
	rows  int          // given in this batch
	seen  int          // rows given since the dictionary was empty
	full  bool         // the dictionary takes no more entries that would stay
	kept  event.Column // what the next batch goes on with, when gen is not 0
	gen   uint64
	text  []byte // where kept text goes
	held  int    // bytes of what is kept

	unique int // batches yet to fill without a look at the table
	pardon int // the next time
}

// entry is what an entry of a dictionary was made of: bytes, and which of the ways to read
// them was used.
type entry struct {
	raw  []byte
	kind uint8
	bad  bool // it is no UTF-8
}

const (
	plainKind  uint8 = iota // JSON that is the text itself
	quotedKind              // a JSON string, where a backslash means something
	listKind                // a JSON array

	noKind uint8 = 0xfe // of null, and of entries put by other means
)

// begin readies the column for the first row of a batch.
func (c *column) begin(col *event.Column) {
	if c.gen == 0 {
		return
	}
	if len(col.Dict) > 1 { // entries put by other means
		c.forget()
		return
	}
	*col = c.kept
	col.Code = col.Code[:0]
}

// lend readies the column for the push of the batch.
func (c *column) lend(col *event.Column) {
	if c.rows == 0 {
		return
	}
	if c.unique > 0 || c.full || len(c.raws) != len(col.Dict) {
		c.gen = 0
		return
	}
	if c.gen == 0 {
		c.gen = event.NewGen()
	}
	c.kept = col.Lend(c.gen)
}

// reset readies the column for the next batch.
func (c *column) reset() {
	switch {
	case c.rows == 0:
	case c.unique > 0:
		c.unique--
		c.raws = c.raws[:1]
	case c.gen == 0:
		c.forget()
	}
	c.rows = 0
}

// forget empties the dictionary.
func (c *column) forget() {
	clear(c.table)
	c.raws = c.raws[:1]
	c.seen, c.last, c.full, c.held = 0, 0, false, 0
	c.gen, c.kept, c.text = 0, event.Column{}, nil
}

// giveUp ends the looking for equal values: they hardly repeat.
func (c *column) giveUp() {
	c.forget()
	c.pardon = min(max(2*c.pardon, pardon), pardonMax)
	c.unique = c.pardon
}

// slot is where the table is first looked at for bytes.
func (c *column) slot(raw []byte) int {
	return int(maphash.Bytes(seed, raw)) & (len(c.table) - 1)
}

// grow makes the table twice as long.
func (c *column) grow() {
	c.table = make([]uint16, 2*len(c.table))
	for code, e := range c.raws {
		if e.kind == noKind {
			continue
		}
		i := c.slot(e.raw)
		for c.table[i] != 0 {
			i = (i + 1) & (len(c.table) - 1)
		}
		c.table[i] = uint16(code)
	}
}

// keep copies text to memory that stays.
func (c *column) keep(text []byte) []byte {
	if cap(c.text)-len(c.text) < len(text) {
		c.text = make([]byte, 0, min(max(2*cap(c.text), 256, len(text)), max(64<<10, len(text))))
	}
	at := len(c.text)
	c.text = append(c.text, text...)
	return c.text[at:len(c.text):len(c.text)]
}

// builder fills the columns of a batch with text. It owns the batch.
type builder struct {
	b     event.Batch
	cols  []column
	arena arena
	bad   bool // some value since it was last looked at is no UTF-8

	scratch []byte
}

// push pushes the batch, if it has rows, and readies the builder for the next.
func (w *builder) push(next exec.Sink) error {
	if w.b.N == 0 {
		return nil
	}
	for i := range w.cols {
		if w.cols[i].rows > 0 {
			w.cols[i].lend(w.b.Col(event.Slot(i)))
		}
	}
	err := next.Push(&w.b)
	w.reset()
	return err
}

// reset readies the builder for the next batch.
func (w *builder) reset() {
	w.b.Reset()
	w.arena.reset()
	held := 0
	for i := range w.cols {
		if w.cols[i].raws != nil {
			w.cols[i].reset()
			held += w.cols[i].held
		}
	}
	if held > keptBytesMax {
		for i := range w.cols {
			if w.cols[i].raws != nil {
				w.cols[i].forget()
			}
		}
	}
}

func (w *builder) column(s event.Slot) *column {
	for len(w.cols) <= int(s) {
		w.cols = append(w.cols, column{})
	}
	c := &w.cols[s]
	if c.raws == nil {
		c.raws = append(c.raws, entry{kind: noKind})
		c.table = make([]uint16, tableMin)
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
	switch {
	case v.Kind == jsondoc.String:
		kind = quotedKind
	case v.IsArray():
		kind = listKind
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
	if c.rows == 0 {
		c.begin(col)
	}
	c.rows++
	if c.unique > 0 {
		return 0, false
	}
	c.seen++
	code, i := c.last, 0
	if !c.raws[code].is(raw, kind) {
		for i = c.slot(raw); ; i = (i + 1) & (len(c.table) - 1) {
			if code = c.table[i]; code == 0 {
				return i, false
			}
			if c.raws[code].is(raw, kind) {
				break
			}
		}
		c.last = code
	}
	col.SetCode(row, code)
	w.bad = w.bad || c.raws[code].bad
	return 0, true
}

// is reports whether the entry was made of these bytes in this way.
func (e *entry) is(raw []byte, kind uint8) bool {
	return len(e.raw) == len(raw) && e.kind == kind && string(e.raw) == string(raw)
}

// add gives a row an entry that known has not found. raw must stay as it is
// until the batch is pushed.
func (w *builder) add(s event.Slot, row uint16, at int, raw []byte, kind uint8, v event.Value) {
	c, col := &w.cols[s], w.b.Col(s)
	if c.unique > 0 || c.full {
		col.SetCode(row, col.Put(v))
		return
	}
	text := c.keep(raw)
	if of, bits, t := v.Parts(); of == event.String {
		if t == lend(raw) {
			t = lend(text)
		} else {
			t = lend(c.keep(unsafe.Slice(unsafe.StringData(t), len(t))))
		}
		v = event.FromParts(of, bits, t)
	}
	c.held += entryBytes + len(raw) + len(v.Str())
	code := col.Put(v)
	col.SetCode(row, code)
	for len(c.raws) < int(code) { // entries put by other means, whose text goes
		c.raws = append(c.raws, entry{kind: noKind})
		c.full = true
	}
	c.raws = append(c.raws, entry{text, kind, w.bad})
	c.table[at], c.last = code, code
	if 2*len(c.raws) > len(c.table) {
		c.grow()
	}
	switch n := len(c.raws) - 1; {
	case c.seen == probation && n > probation*3/4, n >= keptMax && c.seen < 4*n:
		c.giveUp()
	case n >= keptMax:
		c.full = true
	}
}

// value makes an event's value of a JSON one.
func (w *builder) value(v jsondoc.Value) event.Value {
	if v.IsArray() {
		return event.List(lend(v.Raw))
	}
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
	kind := v.Kind
	if v = w.Keep(mapping.Undouble(w.Scratch(), v.AppendText(nil))); kind == jsondoc.Container {
		v.Kind = kind
	}
	return v
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
		return event.Number(lend(v.Raw))
	}
	return w.value(v)
}
