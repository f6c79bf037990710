// Package columns is the form of a store's segments: Parquet files that DuckDB, Spark and
// ClickHouse read. Each row is a message: its text, when it was and came, where from, and
// as columns the fields that queries ask for most. Token filters beside a file say which
// of its pages may have a word.
//
// What a column holds is what reading the message gives, or it is not used: each row says
// whether its columns are complete, and a file says which reading they are of.
package columns

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/store/message"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Damaged is the error of a file that is not what it was written as.
type Damaged struct {
	File   string
	Group  int    // of rows, from 0; -1 for what the file says of itself
	Column string // "" for all
	Err    error
}

func (d *Damaged) Error() string {
	at := "the footer"
	if d.Group >= 0 {
		at = fmt.Sprintf("row group %d", d.Group)
		if d.Column != "" {
			at += ", column " + d.Column
		}
	}
	return fmt.Sprintf("%s: damaged segment: %s: %v", d.File, at, d.Err)
}

func (d *Damaged) Unwrap() error { return d.Err }

// OpenOptions says how a file is read.
type OpenOptions struct {
	Name string // for messages
	// Filters is the file of token filters; nil where there is none.
	Filters     io.ReaderAt
	FiltersSize int64
	// Told is called with what is wrong with the filters, which are then not used.
	Told func(error)
	// NoColumns reads all from the messages, NoFilters has no use for token filters: the
	// plain twins, which give the same events.
	NoColumns, NoFilters bool
}

// File is an open segment. It is safe for several goroutines.
type File struct {
	r       io.ReaderAt
	name    string
	o       OpenOptions
	meta    format.FileMetaData
	leaves  map[string]int
	origins []*message.Origin
	given   map[string]bool // names of fields that origins give, in small letters
	infos   []groupInfo
	current bool // the columns are of today's reading
	filters *filters
}

// Stats is what is known of a group, or of a file, without reading it.
type Stats struct {
	Rows, RawBytes         int64
	MinTime, MaxTime       int64 // of events that have a time
	MinReceipt, MaxReceipt int64
	Untimed                int64 // events without a time
	Complete               int64 // rows that columns can answer for
}

// Open reads what a file says of itself. Errors are of r, or *Damaged.
func Open(r io.ReaderAt, size int64, o OpenOptions) (*File, error) {
	f := &File{r: r, name: o.Name, o: o}
	err := f.open(size)
	if err == nil {
		return f, nil
	}
	if fault := (*readError)(nil); errors.As(err, &fault) {
		return nil, fmt.Errorf("%s: %w", o.Name, fault.error)
	}
	return nil, &Damaged{o.Name, -1, "", err}
}

// readError is an error of the file system, not of what the file holds.
type readError struct{ error }

func (f *File) read(b []byte, at int64) error {
	if n, err := f.r.ReadAt(b, at); n < len(b) {
		if err == io.EOF {
			return io.ErrUnexpectedEOF
		}
		return &readError{err}
	}
	return nil
}

const (
	tailBytes = 8             // length of the footer, magic
	footBytes = 8             // footMagic, checksum
	metaMax   = 1 << 30       // the longest footer
	leastFile = 4 + 8 + 1 + 8 // magic, foot, a footer, tail
)

func (f *File) open(size int64) (err error) {
	if size < leastFile {
		return fmt.Errorf("%d bytes are too few", size)
	}
	var tail [tailBytes]byte
	if err := f.read(tail[:], size-tailBytes); err != nil {
		return err
	}
	n := int64(binary.LittleEndian.Uint32(tail[:]))
	if string(tail[4:]) != magic {
		return errors.New("no end of a Parquet file: it was cut short, or is none")
	}
	if n > metaMax || n+tailBytes+footBytes+4 > size {
		return fmt.Errorf("a footer of %d bytes in a file of %d", n, size)
	}
	foot := make([]byte, footBytes+n)
	if err := f.read(foot, size-tailBytes-footBytes-n); err != nil {
		return err
	}
	if string(foot[:4]) != footMagic {
		return errors.New("a Parquet file that is no segment of gyoji's")
	}
	check := crc32.Checksum(foot[footBytes:], castagnoli)
	if check != binary.LittleEndian.Uint32(foot[4:]) {
		return errors.New("its checksum does not fit")
	}
	if err := safely(func() error { return thrift.Unmarshal(&compact, foot[footBytes:], &f.meta) }); err != nil {
		return err
	}
	if err := f.understand(size); err != nil {
		return err
	}
	f.filters = &filters{r: f.o.Filters, size: f.o.FiltersSize, check: check, groups: len(f.infos)}
	return nil
}

// understand checks the footer, so that what is read by it is where it says.
func (f *File) understand(size int64) error {
	said := map[string]string{}
	for _, kv := range f.meta.KeyValueMetadata {
		said[kv.Key] = kv.Value
	}
	if v := said[versionKey]; v != version {
		return fmt.Errorf("written in version %q of the form, read is %s: a newer gyoji has written it", v, version)
	}
	var infos []originInfo
	if err := json.Unmarshal([]byte(said[originsKey]), &infos); err != nil {
		return fmt.Errorf("origins: %w", err)
	}
	f.given = map[string]bool{}
	for _, i := range infos {
		f.origins = append(f.origins, i.origin())
		for _, field := range i.Fields {
			f.given[strings.ToLower(field.Name)] = true
		}
	}
	if err := json.Unmarshal([]byte(said[groupsKey]), &f.infos); err != nil {
		return fmt.Errorf("groups: %w", err)
	}
	number, err := strconv.Atoi(said[extractorKey])
	f.current = err == nil && number == message.Extractor
	if len(f.infos) != len(f.meta.RowGroups) {
		return fmt.Errorf("%d groups, told of %d", len(f.meta.RowGroups), len(f.infos))
	}
	if len(f.meta.Schema) < 1+len(firstLeaves)+len(metadata)+1 {
		return errors.New("columns are missing")
	}
	f.leaves = map[string]int{}
	for i, e := range f.meta.Schema[1:] {
		if want := f.leaf(e.Name, i); want == nil || e.Type.V != want.kind || (e.RepetitionType.V == format.Required) != want.required {
			return fmt.Errorf("column %d, %s, is not as it should be", i, e.Name)
		}
		f.leaves[e.Name] = i
	}
	for i := range f.meta.RowGroups {
		g := &f.meta.RowGroups[i]
		if g.NumRows < 1 || g.NumRows > groupRows || len(g.Columns) != len(f.meta.Schema)-1 {
			return fmt.Errorf("group %d has %d rows and %d columns", i, g.NumRows, len(g.Columns))
		}
		for k := range g.Columns {
			m := &g.Columns[k].MetaData
			start, n := chunkStart(m), m.TotalCompressedSize
			if len(m.PathInSchema) != 1 || m.PathInSchema[0] != f.meta.Schema[k+1].Name || m.NumValues != g.NumRows || m.Codec != format.Zstd {
				return fmt.Errorf("group %d: column %d is not as the schema says", i, k)
			}
			if start < 4 || n < 0 || start > size-n {
				return fmt.Errorf("group %d: column %s is not within the file", i, m.PathInSchema[0])
			}
			if at, n := g.Columns[k].OffsetIndexOffset, int64(g.Columns[k].OffsetIndexLength); at < 0 || n < 0 || at > size-n {
				return fmt.Errorf("group %d: the pages of column %s are not within the file", i, m.PathInSchema[0])
			}
		}
	}
	return nil
}

// leaf is what the column of a name, which is the i-th, is like; nil where there is none.
func (f *File) leaf(name string, i int) *leaf {
	switch n := len(f.meta.Schema) - 1; {
	case i < len(firstLeaves):
		if firstLeaves[i].name == name {
			return &firstLeaves[i]
		}
	case i < len(firstLeaves)+len(metadata):
		if metadata[i-len(firstLeaves)].column == name {
			return &text
		}
	case i == n-1:
		if name == "_raw" {
			return &leaf{kind: format.ByteArray, required: true}
		}
	case strings.HasPrefix(name, fieldPrefix):
		if _, twice := f.leaves[name]; !twice {
			return &text
		}
	}
	return nil
}

// chunkStart is where the pages of a column begin.
func chunkStart(m *format.ColumnMetaData) int64 {
	if m.DictionaryPageOffset != 0 {
		return min(m.DictionaryPageOffset, m.DataPageOffset)
	}
	return m.DataPageOffset
}

// safely calls what decodes bytes that may be anything.
func safely(decode func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("cannot be read: %v", p)
		}
	}()
	return decode()
}

// Promoted are the fields that have columns.
func (f *File) Promoted() []string {
	var out []string
	for _, e := range f.meta.Schema[1:] {
		if name, ok := strings.CutPrefix(e.Name, fieldPrefix); ok {
			out = append(out, name)
		}
	}
	return out
}

// Current reports whether the columns are what the messages are read as today. Those of
// a file that is not current are not used; who writes it anew makes them so.
func (f *File) Current() bool { return f.current }

// Groups is the number of groups of rows. Each is read on its own.
func (f *File) Groups() int { return len(f.infos) }

// Stats adds up the groups.
func (f *File) Stats() (s Stats) {
	for i := range f.infos {
		g := f.Group(i).Stats()
		if i == 0 {
			s = g
			continue
		}
		if g.MinTime != 0 && (s.MinTime == 0 || g.MinTime < s.MinTime) {
			s.MinTime = g.MinTime
		}
		if g.MinReceipt != 0 && (s.MinReceipt == 0 || g.MinReceipt < s.MinReceipt) {
			s.MinReceipt = g.MinReceipt
		}
		s.MaxTime, s.MaxReceipt = max(s.MaxTime, g.MaxTime), max(s.MaxReceipt, g.MaxReceipt)
		s.Rows, s.RawBytes = s.Rows+g.Rows, s.RawBytes+g.RawBytes
		s.Untimed, s.Complete = s.Untimed+g.Untimed, s.Complete+g.Complete
	}
	return s
}

// Seqs are the first and the last sequence number of the file's rows, 0 where it does not say.
func (f *File) Seqs() (first, last uint64) {
	leaf := f.leaves["_seq"]
	for i := range f.meta.RowGroups {
		m := &f.meta.RowGroups[i].Columns[leaf].MetaData.Statistics
		if len(m.MinValue) != 8 || len(m.MaxValue) != 8 {
			return 0, 0
		}
		if n := uint64(number(m.MinValue)); i == 0 || n < first {
			first = n
		}
		last = max(last, uint64(number(m.MaxValue)))
	}
	return first, last
}

// Group is a group of rows.
type Group struct {
	file *File
	i    int
}

// Group is the i-th group of rows, from 0.
func (f *File) Group(i int) Group { return Group{f, i} }

// Stats is what is known of a group without reading it.
func (g Group) Stats() Stats {
	in := &g.file.infos[g.i]
	return Stats{
		Rows: g.meta().NumRows, RawBytes: in.Raw, MinTime: in.MinTime, MaxTime: in.MaxTime,
		MinReceipt: in.MinReceipt, MaxReceipt: in.MaxReceipt, Untimed: int64(in.Untimed), Complete: int64(in.Complete),
	}
}

func (g Group) meta() *format.RowGroup { return &g.file.meta.RowGroups[g.i] }

func (g Group) rows() int { return int(g.meta().NumRows) }

// damaged is an error of the group, of a column or of all.
func (g Group) damaged(column string, err error) error {
	var read *readError
	if err == nil || errors.As(err, &read) {
		return err
	}
	return &Damaged{g.file.name, g.i, column, err}
}
