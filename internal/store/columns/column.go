package columns

import (
	"encoding/binary"
	"hash/maphash"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

const (
	// dictMax is the most values of a group's dictionary: codes of a batch have 16 bits.
	dictMax = 32768
	// probation is after how many values a column is judged: one of which more than half
	// are distinct has no dictionary.
	probation = 8192
)

// What the text values of a column's group are to the query engine.
const (
	plainText  = "text"  // all are text
	someLists  = "lists" // those that begin with [ are lists, the others text
	otherKinds = "other" // some are neither, or text of both kinds begins alike: read from _raw
)

var seed = maphash.MakeSeed()

// column collects the values of one field for the rows of a group. The dictionaries of
// batches are translated to its own entry by entry, not row by row.
type column struct {
	name  string
	codes []uint32 // by row: one more than the entry; 0 is null

	text   []byte
	ends   []uint32 // of the entries in text
	hashes []uint32 // of the entries, while there is a dictionary
	table  []uint32 // hash to one more than the entry
	given  int      // values
	plain  bool     // equal values are no longer looked for

	gen   uint64 // of the batch dictionary that trans is of
	trans []uint32

	texts, lists, other bool // met: text that begins with [, lists, other kinds
}

func newColumn(name string, rows int) *column {
	return &column{name: name, codes: make([]uint32, 0, rows)}
}

// reset readies the column for the next group.
func (c *column) reset() {
	c.codes, c.text, c.ends, c.hashes = c.codes[:0], c.text[:0], c.ends[:0], c.hashes[:0]
	clear(c.table)
	c.given, c.plain, c.gen = 0, false, 0
	c.texts, c.lists, c.other = false, false, false
}

// begin readies the translation of a batch's dictionary.
func (c *column) begin(col *event.Column) {
	if col.Gen == 0 || col.Gen != c.gen {
		clear(c.trans)
		c.gen = col.Gen
	}
	if n := len(col.Dict); n > len(c.trans) {
		c.trans = append(c.trans, make([]uint32, n-len(c.trans))...)
	}
}

// set gives a row, which may be any, an entry of the batch's dictionary.
func (c *column) set(row int, col *event.Column, code uint16) {
	for len(c.codes) <= row {
		c.codes = append(c.codes, 0)
	}
	if code == 0 {
		return
	}
	at := c.trans[code]
	if at == 0 {
		at = c.entry(col.Dict[code])
		c.trans[code] = at
	}
	if at != nullEntry {
		c.given++
		c.codes[row] = at
	}
}

// nullEntry is what null that is no entry 0 is translated to.
const nullEntry = ^uint32(0)

// entry is one more than the entry of a value.
func (c *column) entry(v event.Value) uint32 {
	if v.IsNull() {
		return nullEntry
	}
	s := v.Str()
	switch {
	case v.IsList():
		c.lists = true
		c.other = c.other || !strings.HasPrefix(s, "[")
	case v.Kind() != event.String:
		c.other = true
	case strings.HasPrefix(s, "["):
		c.texts = true
	}
	if !utf8.ValidString(s) {
		c.other = true
		s = strings.ToValidUTF8(s, "\ufffd")
	}
	if !c.plain && c.given >= probation && 2*len(c.ends) > c.given || len(c.ends) >= dictMax {
		c.plain = true
	}
	if c.plain {
		return c.add(s)
	}
	if 2*len(c.ends) >= len(c.table) {
		c.grow()
	}
	h := uint32(maphash.String(seed, s))
	mask := uint32(len(c.table) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		e := c.table[i]
		if e == 0 {
			c.hashes = append(c.hashes, h)
			e = c.add(s)
			c.table[i] = e
			return e
		}
		if c.hashes[e-1] == h && string(c.at(e)) == s {
			return e
		}
	}
}

// at is the text of an entry.
func (c *column) at(e uint32) []byte {
	start := uint32(0)
	if e > 1 {
		start = c.ends[e-2]
	}
	return c.text[start:c.ends[e-1]]
}

func (c *column) add(s string) uint32 {
	c.text = append(c.text, s...)
	c.ends = append(c.ends, uint32(len(c.text)))
	return uint32(len(c.ends))
}

// grow makes the table twice as large.
func (c *column) grow() {
	n := max(1024, 2*len(c.table))
	c.table = make([]uint32, n)
	for e, h := range c.hashes {
		i := h & uint32(n-1)
		for c.table[i] != 0 {
			i = (i + 1) & uint32(n-1)
		}
		c.table[i] = uint32(e + 1)
	}
}

// kinds says what the column's values are.
func (c *column) kinds() string {
	switch {
	case c.other || c.texts && c.lists:
		return otherKinds
	case c.lists:
		return someLists
	}
	return plainText
}

// write appends the column's pages, its rows in the given order; nil is as they are.
func (c *column) write(w *chunk, rows int, order []int32) error {
	for len(c.codes) < rows {
		c.codes = append(c.codes, 0)
	}
	ordered := w.ordered[:0]
	present := w.present[:0]
	nulls := 0
	for i := range rows {
		k := i
		if order != nil {
			k = int(order[i])
		}
		e := c.codes[k]
		if e == 0 {
			nulls++
			present = append(present, 0)
			continue
		}
		present = append(present, 1)
		ordered = append(ordered, int32(e-1))
	}
	w.ordered, w.present = ordered, present
	w.nulls = int64(nulls)
	w.kinds = c.kinds()
	body, err := appendLevels(w.body[:0], present)
	if err != nil {
		return err
	}
	if c.plain {
		text, ends := w.text[:0], append(w.ends[:0], 0)
		for _, e := range ordered {
			text = append(text, c.at(uint32(e)+1)...)
			ends = append(ends, uint32(len(text)))
		}
		w.text, w.ends = text, ends
		values, err := lengths.EncodeByteArray(nil, text, ends)
		if err != nil {
			return err
		}
		w.body = append(body, values...)
		return w.data(rows, format.DeltaLengthByteArray)
	}
	w.dict = w.dict[:0]
	for e := range c.ends {
		s := c.at(uint32(e) + 1)
		w.dict = append(binary.LittleEndian.AppendUint32(w.dict, uint32(len(s))), s...)
	}
	if err := w.dictionary(len(c.ends)); err != nil {
		return err
	}
	packed, err := codes.EncodeInt32(nil, ordered)
	if err != nil {
		return err
	}
	w.body = append(body, packed...)
	return w.data(rows, format.RLEDictionary)
}

// chunk collects the pages of a column's group, and what the footer says of it.
type chunk struct {
	out      []byte
	start    int64 // of out in the file
	written  int64 // bytes of the chunk before out
	meta     format.ColumnMetaData
	nulls    int64
	kinds    string
	min, max []byte // of numbers
	pages    []format.PageLocation

	// Memory that is used again.
	body, packed, dict, text []byte
	ends                     []uint32
	ordered                  []int32
	present                  []uint8
}

// begin starts the chunk of a column, which begins at a place in the file.
func (w *chunk) begin(l *leaf, at int64) {
	w.out, w.start, w.written, w.nulls, w.kinds, w.min, w.max, w.pages = w.out[:0], at, 0, 0, "", nil, nil, nil
	w.meta = format.ColumnMetaData{Type: l.kind, PathInSchema: []string{l.name}, Codec: format.Zstd}
}

// dictionary writes the dictionary page, of n entries.
func (w *chunk) dictionary(n int) error {
	w.meta.DictionaryPageOffset = w.start + int64(len(w.out))
	w.encoded(format.Plain)
	return w.page(format.PageHeader{
		Type:                 format.DictionaryPage,
		DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{NumValues: int32(n), Encoding: format.Plain}),
	}, w.dict)
}

// data writes a page of rows.
func (w *chunk) data(rows int, e format.Encoding) error {
	if w.meta.DataPageOffset == 0 {
		w.meta.DataPageOffset = w.start + int64(len(w.out))
	}
	w.encoded(e)
	w.encoded(format.RLE)
	at := w.start + int64(len(w.out))
	err := w.page(format.PageHeader{
		Type: format.DataPage,
		DataPageHeader: thrift.New(format.DataPageHeader{
			NumValues: int32(rows), Encoding: e, DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE,
		}),
	}, w.body)
	w.pages = append(w.pages, format.PageLocation{Offset: at, CompressedPageSize: int32(w.start + int64(len(w.out)) - at), FirstRowIndex: w.meta.NumValues})
	w.meta.NumValues += int64(rows)
	return err
}

func (w *chunk) encoded(e format.Encoding) {
	for _, have := range w.meta.Encoding {
		if have == e {
			return
		}
	}
	w.meta.Encoding = append(w.meta.Encoding, e)
}

func (w *chunk) page(h format.PageHeader, body []byte) (err error) {
	w.packed = compressed(w.packed[:0], body)
	n := len(w.out)
	if w.out, err = appendPage(w.out, h, len(body), w.packed); err != nil {
		return err
	}
	w.meta.TotalUncompressedSize += int64(len(w.out) - n - len(w.packed) + len(body))
	return nil
}

// flush writes what there is of the chunk.
func (w *chunk) flush(f *writer) error {
	n := int64(len(w.out))
	err := f.write(w.out)
	w.out, w.start, w.written = w.out[:0], w.start+n, w.written+n
	return err
}

// end is what the footer says of the chunk.
func (w *chunk) end() format.ColumnChunk {
	m := &w.meta
	m.TotalCompressedSize = w.written + int64(len(w.out))
	m.Statistics = format.Statistics{NullCount: w.nulls, MinValue: w.min, MaxValue: w.max}
	if w.kinds != "" {
		m.KeyValueMetadata = []format.KeyValue{{Key: kindsKey, Value: w.kinds}}
	}
	c := format.ColumnChunk{FileOffset: m.DataPageOffset, MetaData: *m}
	if m.DictionaryPageOffset != 0 {
		c.FileOffset = m.DictionaryPageOffset
	}
	return c
}

// lend is text that points into memory which outlives its use.
func lend(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
