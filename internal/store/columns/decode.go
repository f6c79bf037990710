package columns

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"slices"

	"github.com/gyoji-dev/gyoji/internal/store/message"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// loaded is the column of a group, of text, as it is read.
type loaded struct {
	dict  []event.Value // values by code; dict[0] is null
	codes []uint16      // by row
	gen   uint64

	// Where there is no dictionary, by row: one more than its place among the values, 0
	// for null.
	plain bool
	at    []uint32
	text  []byte
	ends  []uint32
	value func(string) event.Value
}

// chunkOf reads the pages of a column.
func (g Group) chunkOf(leaf int, buf []byte) ([]byte, *format.ColumnMetaData, error) {
	m := &g.meta().Columns[leaf].MetaData
	n := int(m.TotalCompressedSize)
	if cap(buf) < n {
		buf = make([]byte, n)
	}
	buf = buf[:n]
	return buf, m, g.file.read(buf, chunkStart(m))
}

// buffers is memory that is used from one column to the next.
type buffers struct {
	chunk, body []byte
	levels      []byte
	ints        []int64
	codes       []uint16
}

// onePage reads a column of which all rows are in one page: its dictionary, where it has
// one, and the page. The dictionary has memory of its own.
func (g Group) onePage(leaf int, b *buffers) (dict, data page, err error) {
	chunk, m, err := g.chunkOf(leaf, b.chunk)
	if err != nil {
		return dict, data, err
	}
	b.chunk = chunk
	if m.DictionaryPageOffset != 0 {
		var n int
		if dict, n, err = readPage(chunk, nil); err != nil {
			return dict, data, err
		}
		if dict.Type != format.DictionaryPage || !dict.DictionaryPageHeader.Valid {
			return dict, data, errors.New("no dictionary where it should be")
		}
		chunk = chunk[n:]
	}
	if data, _, err = readPage(chunk, b.body); err != nil {
		return dict, data, err
	}
	b.body = data.body
	if data.Type != format.DataPage || !data.DataPageHeader.Valid || int(data.DataPageHeader.V.NumValues) != g.rows() {
		return dict, data, errors.New("no page of all rows where it should be")
	}
	return dict, data, nil
}

// text reads a column of text.
func (g Group) text(leaf int, b *buffers) (l *loaded, err error) {
	err = safely(func() error { l, err = g.readText(leaf, b); return err })
	return l, g.damaged(g.file.meta.Schema[leaf+1].Name, err)
}

func (g Group) readText(leaf int, b *buffers) (*loaded, error) {
	dict, data, err := g.onePage(leaf, b)
	if err != nil {
		return nil, err
	}
	rows := g.rows()
	present, given, rest, err := readLevels(data.body, rows, b.levels)
	if err != nil {
		return nil, err
	}
	b.levels = present
	value := valueOf(kindsOf(&g.meta().Columns[leaf].MetaData))
	if data.DataPageHeader.V.Encoding == format.DeltaLengthByteArray {
		return undictionaried(rest, present, rows, given, value)
	}
	if dict.body == nil || data.DataPageHeader.V.Encoding != format.RLEDictionary {
		return nil, fmt.Errorf("values in encoding %v", data.DataPageHeader.V.Encoding)
	}
	l := &loaded{gen: event.NewGen()}
	n := int(dict.DictionaryPageHeader.V.NumValues)
	if n < 0 || n > dictMax || 4*n > len(dict.body) {
		return nil, fmt.Errorf("a dictionary of %d values", n)
	}
	l.dict = make([]event.Value, 1, n+1)
	for d := dict.body; len(l.dict) <= n; {
		if len(d) < 4 || uint64(binary.LittleEndian.Uint32(d)) > uint64(len(d)-4) {
			return nil, errors.New("a dictionary that ends too soon")
		}
		size := 4 + int(binary.LittleEndian.Uint32(d))
		l.dict = append(l.dict, value(lend(d[4:size:size])))
		d = d[size:]
	}
	l.codes = make([]uint16, rows+8)
	if given > 0 {
		if len(rest) == 0 {
			return nil, errors.New("a page without its codes")
		}
		if b.codes, err = unpack(b.codes, rest[1:], uint(rest[0]), given); err != nil {
			return nil, err
		}
		if top := slices.Max(b.codes); int(top) >= n {
			return nil, fmt.Errorf("code %d of %d", top, n)
		}
	}
	spread(l.codes, b.codes, present)
	l.codes = l.codes[:rows]
	return l, nil
}

// spread puts codes, each one more than it is, where the rows that have a value are.
func spread(dst, codes []uint16, present []byte) {
	k := 0
	for i, p := range present {
		if p == 0 {
			continue
		}
		to := dst[8*i : 8*i+8 : 8*i+8]
		if p == 0xff && k+8 <= len(codes) {
			from := codes[k : k+8 : k+8]
			for j := range to {
				to[j] = from[j] + 1
			}
			k += 8
			continue
		}
		for ; p != 0; p &= p - 1 {
			to[bits.TrailingZeros8(p)] = codes[k] + 1
			k++
		}
	}
}

// kindsOf is what a column says its values are.
func kindsOf(m *format.ColumnMetaData) string {
	for _, kv := range m.KeyValueMetadata {
		if kv.Key == kindsKey {
			return kv.Value
		}
	}
	return otherKinds
}

// valueOf makes values of text as the column's kinds say.
func valueOf(kinds string) func(string) event.Value {
	if kinds != someLists {
		return event.Text
	}
	return func(s string) event.Value {
		if len(s) > 0 && s[0] == '[' {
			return event.List(s)
		}
		return event.Text(s)
	}
}

// undictionaried reads values that are not in a dictionary.
func undictionaried(body, present []byte, rows, given int, value func(string) event.Value) (*loaded, error) {
	text, ends, err := texts(body, given, nil, nil)
	if err != nil {
		return nil, err
	}
	l := &loaded{plain: true, at: make([]uint32, rows), text: text, ends: ends, value: value}
	k := uint32(0)
	for i, p := range present {
		for ; p != 0; p &= p - 1 {
			k++
			l.at[8*i+bits.TrailingZeros8(p)] = k
		}
	}
	return l, nil
}

// entry is a value that is in no dictionary, by one more than its place.
func (l *loaded) entry(at uint32) event.Value {
	return l.value(lend(l.text[l.ends[at-1]:l.ends[at]]))
}

// texts reads n texts that stand one after the other, and where each begins and ends.
func texts(body []byte, n int, text []byte, ends []uint32) ([]byte, []uint32, error) {
	if err := counted(body, n); err != nil {
		return nil, nil, err
	}
	text, ends, err := lengths.DecodeByteArray(text[:0], body, ends[:0])
	if err != nil {
		return nil, nil, err
	}
	if len(ends) != n+1 {
		return nil, nil, fmt.Errorf("%d texts of %d", len(ends)-1, n)
	}
	for i := range n {
		if ends[i] > ends[i+1] || int(ends[i+1]) > len(text) {
			return nil, nil, errors.New("texts that go on beyond their page")
		}
	}
	return text, ends, nil
}

// numbers reads a column of numbers, 0 for null.
func (g Group) numbers(name string, b *buffers, dst []int64) ([]int64, error) {
	err := safely(func() (err error) { dst, err = g.readNumbers(name, b, dst); return err })
	return dst, g.damaged(name, err)
}

func (g Group) readNumbers(name string, b *buffers, dst []int64) ([]int64, error) {
	leaf := g.file.leaves[name]
	_, data, err := g.onePage(leaf, b)
	if err != nil {
		return nil, err
	}
	rows := g.rows()
	given, body := rows, data.body
	optional := g.file.meta.Schema[leaf+1].RepetitionType.V == format.Optional
	if optional {
		if b.levels, given, body, err = readLevels(body, rows, b.levels); err != nil {
			return nil, err
		}
	}
	if err := counted(body, given); err != nil {
		return nil, err
	}
	if cap(b.ints) < given+64 {
		b.ints = make([]int64, 0, given+64)
	}
	if b.ints, err = deltas.DecodeInt64(b.ints[:0], body); err != nil {
		return nil, err
	}
	if len(b.ints) != given {
		return nil, fmt.Errorf("%d numbers of %d", len(b.ints), given)
	}
	if given == rows {
		return append(dst[:0], b.ints...), nil
	}
	dst = append(dst[:0], make([]int64, rows)...)
	k := 0
	for i, p := range b.levels {
		for ; p != 0; p &= p - 1 {
			dst[8*i+bits.TrailingZeros8(p)] = b.ints[k]
			k++
		}
	}
	return dst, nil
}

// number is a number of the footer's statistics.
func number(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) }

// complete reads which rows are; nil where all are.
func (g Group) complete(b *buffers) (out []bool, err error) {
	if g.file.infos[g.i].Complete == g.rows() {
		return nil, nil
	}
	err = safely(func() error {
		_, data, err := g.onePage(g.file.leaves["_complete"], b)
		if err != nil {
			return err
		}
		if len(data.body) < (g.rows()+7)/8 {
			return errors.New("a page that ends too soon")
		}
		out = make([]bool, g.rows())
		for i := range out {
			out[i] = data.body[i/8]>>(i%8)&1 != 0
		}
		return nil
	})
	return out, g.damaged("_complete", err)
}

// origins reads where each row is from.
func (g Group) origins(b *buffers) (out []*message.Origin, err error) {
	const name = "_origin"
	err = safely(func() error {
		dict, data, err := g.onePage(g.file.leaves[name], b)
		if err != nil {
			return err
		}
		if len(data.body) == 0 {
			return errors.New("a page without its codes")
		}
		if b.codes, err = unpack(b.codes, data.body[1:], uint(data.body[0]), g.rows()); err != nil {
			return err
		}
		out = make([]*message.Origin, g.rows())
		for i, c := range b.codes {
			if 4*int(c)+4 > len(dict.body) {
				return fmt.Errorf("code %d of %d", c, len(dict.body)/4)
			}
			k := binary.LittleEndian.Uint32(dict.body[4*int(c):])
			if int(k) >= len(g.file.origins) {
				return fmt.Errorf("origin %d of %d", k, len(g.file.origins))
			}
			out[i] = g.file.origins[k]
		}
		return nil
	})
	return out, g.damaged(name, err)
}

// rawPage is a page of messages.
type rawPage struct {
	first, rows int // of the group
	off, size   int64
}

// rawPages lists the pages of messages.
func (g Group) rawPages() (out []rawPage, err error) {
	cc := &g.meta().Columns[g.file.leaves["_raw"]]
	err = safely(func() error {
		b := make([]byte, cc.OffsetIndexLength)
		if err := g.file.read(b, cc.OffsetIndexOffset); err != nil {
			return err
		}
		var index format.OffsetIndex
		if err := thrift.Unmarshal(&compact, b, &index); err != nil {
			return err
		}
		rows := g.rows()
		start, end := chunkStart(&cc.MetaData), chunkStart(&cc.MetaData)+cc.MetaData.TotalCompressedSize
		for i, p := range index.PageLocations {
			next := int64(rows)
			if i+1 < len(index.PageLocations) {
				next = index.PageLocations[i+1].FirstRowIndex
			}
			if p.FirstRowIndex < 0 || next <= p.FirstRowIndex || next > int64(rows) || i == 0 && p.FirstRowIndex != 0 ||
				p.Offset < start || p.CompressedPageSize < 0 || p.Offset > end-int64(p.CompressedPageSize) {
				return fmt.Errorf("page %d is not where it should be", i)
			}
			out = append(out, rawPage{int(p.FirstRowIndex), int(next - p.FirstRowIndex), p.Offset, int64(p.CompressedPageSize)})
		}
		if len(out) == 0 {
			return errors.New("no pages")
		}
		return nil
	})
	return out, g.damaged("_raw", err)
}

// messages reads a page of messages.
func (g Group) messages(p rawPage, b *buffers, text []byte, ends []uint32) ([]byte, []uint32, error) {
	err := safely(func() error {
		if cap(b.chunk) < int(p.size) {
			b.chunk = make([]byte, p.size)
		}
		b.chunk = b.chunk[:p.size]
		if err := g.file.read(b.chunk, p.off); err != nil {
			return err
		}
		data, _, err := readPage(b.chunk, b.body)
		if err != nil {
			return err
		}
		b.body = data.body
		if data.Type != format.DataPage || !data.DataPageHeader.Valid || int(data.DataPageHeader.V.NumValues) != p.rows ||
			data.DataPageHeader.V.Encoding != format.DeltaLengthByteArray {
			return errors.New("no page of messages where it should be")
		}
		text, ends, err = texts(data.body, p.rows, text, ends)
		return err
	})
	return text, ends, g.damaged("_raw", err)
}

// rowsOf is what is known of the rows of a group beside their messages.
type rowsOf struct {
	seq, time, receipt []int64
	origins            []*message.Origin
}

func (g Group) rowsOf(b *buffers, r *rowsOf) (err error) {
	if r.seq, err = g.numbers("_seq", b, r.seq); err != nil {
		return err
	}
	if r.time, err = g.numbers("_messagetime", b, r.time); err != nil {
		return err
	}
	if r.receipt, err = g.numbers("_receipttime", b, r.receipt); err != nil {
		return err
	}
	r.origins, err = g.origins(b)
	return err
}

func (r *rowsOf) row(i int, raw []byte) message.Row {
	return message.Row{Seq: uint64(r.seq[i]), Time: r.time[i], Receipt: r.receipt[i], Origin: r.origins[i], Raw: raw}
}

// Rows gives all messages of the group in the order of the file. The bytes of one are
// lent until the next is asked for.
func (g Group) Rows() iter.Seq2[message.Row, error] {
	return func(yield func(message.Row, error) bool) {
		var b buffers
		var r rowsOf
		err := g.rowsOf(&b, &r)
		var pages []rawPage
		if err == nil {
			pages, err = g.rawPages()
		}
		var text []byte
		var ends []uint32
		for _, p := range pages {
			if text, ends, err = g.messages(p, &b, text, ends); err != nil {
				break
			}
			for i := range p.rows {
				if !yield(r.row(p.first+i, text[ends[i]:ends[i+1]:ends[i+1]]), nil) {
					return
				}
			}
		}
		if err != nil {
			yield(message.Row{}, err)
		}
	}
}

// Rows gives all messages of the file, group by group.
func (f *File) Rows() iter.Seq2[message.Row, error] {
	return func(yield func(message.Row, error) bool) {
		for i := range f.Groups() {
			for row, err := range f.Group(i).Rows() {
				if !yield(row, err) || err != nil {
					return
				}
			}
		}
	}
}
