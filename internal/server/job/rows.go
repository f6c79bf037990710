package job

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Column is a column of a page of rows.
type Column struct {
	Name string
	// Kinds are those of the values so far that are not null, a bit for each.
	Kinds uint8
	// Carried says that the query does not show it: metadata that messages have always.
	Carried bool

	slot event.Slot
	kind event.Kind // that the query says its values have
}

// Cell is a value of a row, which has none where it is null.
type Cell struct {
	Column int // of the page's
	Kind   event.Kind
	Text   []byte
}

// rows are the results of a job in their order: in memory up to a limit, then in a
// file. They are written by one goroutine and read by many.
type rows struct {
	path    string // of the file, made when it is needed
	most    int64  // bytes held in memory
	account *exec.Account

	mu      sync.Mutex
	columns []Column
	n       int
	marks   []int64 // offset of each markEvery-th row
	buf     []byte  // what is not in the file; only appended to
	charged int64   // of buf
	file    *os.File
	flushed int64 // bytes of the file
	closed  bool
}

const (
	// markEvery rows have an offset of theirs remembered.
	markEvery = 64
	// spillBytes is how much is gathered for the file at a time.
	spillBytes = 256 << 10
)

// Len is how many rows there are.
func (s *rows) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

// add appends a row that append writes: its cells, one after the other.
func (s *rows) add(row []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return exec.ErrStop
	}
	if s.n%markEvery == 0 {
		s.marks = append(s.marks, s.flushed+int64(len(s.buf)))
	}
	s.buf = binary.AppendUvarint(s.buf, uint64(len(row)))
	s.buf = append(s.buf, row...)
	s.n++
	limit := s.most
	if s.file != nil {
		limit = spillBytes
	}
	if more := int64(len(s.buf)) - s.charged; int64(len(s.buf)) <= limit {
		if s.file != nil || s.account.Add(more) {
			s.charged = int64(len(s.buf))
			return nil
		}
	}
	return s.spill()
}

// spill writes what is in memory to the file.
func (s *rows) spill() error {
	if s.file == nil {
		if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
			return err
		}
		f, err := os.OpenFile(s.path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
		if err != nil {
			return err
		}
		s.file = f
		s.account.Release()
	}
	if _, err := s.file.Write(s.buf); err != nil {
		return err
	}
	s.flushed += int64(len(s.buf))
	s.buf, s.charged = nil, 0 // not cut to nothing: a page may be reading it
	return nil
}

// close gives everything back.
func (s *rows) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.closed, s.buf, s.marks = true, nil, nil
	s.account.Release()
	if s.file != nil {
		s.file.Close() // a page that is being read fails, as it should
		os.Remove(s.path)
	}
}

// Page is some rows of a job.
type Page struct {
	Columns []Column
	Rows    [][]Cell
	// Total is how many rows there are so far.
	Total int

	names []string // of the columns, in lower case
	same  []bool   // whether another column has it
}

// pageBytes is how much text a page holds: it ends with the row that goes beyond.
const pageBytes = 100 << 20

// page reads rows.
func (s *rows) page(offset, limit int) (Page, error) {
	s.mu.Lock()
	p := Page{Columns: slices.Clone(s.columns), Total: s.n}
	if s.closed {
		s.mu.Unlock()
		return p, ErrGone
	}
	limit = min(limit, s.n-offset)
	if limit <= 0 {
		s.mu.Unlock()
		return p, nil
	}
	at, buf, file, flushed := s.marks[offset/markEvery], s.buf, s.file, s.flushed
	s.mu.Unlock()

	var from io.Reader = bytes.NewReader(buf[max(0, at-flushed):])
	if at < flushed {
		from = io.MultiReader(io.NewSectionReader(file, at, flushed-at), from)
	}
	r := bufio.NewReaderSize(from, 64<<10)
	size := 0
	for skip := offset % markEvery; limit > 0 && size < pageBytes; skip-- {
		n, err := binary.ReadUvarint(r)
		if err != nil {
			return p, fmt.Errorf("read results: %w", err)
		}
		if skip > 0 {
			if _, err := r.Discard(int(n)); err != nil {
				return p, fmt.Errorf("read results: %w", err)
			}
			continue
		}
		row := make([]byte, n)
		if _, err := io.ReadFull(r, row); err != nil {
			return p, fmt.Errorf("read results: %w", err)
		}
		p.Rows = append(p.Rows, cells(row))
		size += int(n)
		limit--
	}
	return p, nil
}

// cells takes a row apart.
func cells(row []byte) (out []Cell) {
	for len(row) > 0 {
		column, n := binary.Uvarint(row)
		kind := event.Kind(row[n])
		row = row[n+1:]
		size, n := binary.Uvarint(row)
		out = append(out, Cell{Column: int(column), Kind: kind, Text: row[n : n+int(size)]})
		row = row[n+int(size):]
	}
	return out
}

// keeper is a sink that keeps rows.
type keeper struct {
	to       *rows
	layout   *event.Layout
	fixed    []lang.Column // nil for messages with every field
	late     bool          // columns are known with the first row
	messages bool
	most     int // rows; 0 for no limit

	columns []Column
	bySlot  map[event.Slot]int
	fillers map[int]int // columns for what messages lack of Metadata, where theirs are the query's own
	buf     []byte
	text    []byte
	n       int
	full    bool // there was a row more
}

// Metadata are the fields that every message has, as the API orders them.
var Metadata = []string{
	"_blockId", "_messageId", "_sourceId", "_sourceName", "_sourceHost", "_sourceCategory", "_source", "_collectorId", "_collector",
	"_format", "_size", "_messageTime", "_receiptTime", "_messageCount", "_raw",
}

func newKeeper(to *rows, l *event.Layout, fixed []lang.Column, messages bool, most int) *keeper {
	k := &keeper{to: to, layout: l, fixed: fixed, messages: messages, most: most, bySlot: map[event.Slot]int{}, fillers: map[int]int{}}
	k.late = lang.HasLate(fixed)
	if messages {
		for _, name := range Metadata {
			slot := l.Slot(name)
			if fixed != nil {
				slot = l.Slot(lang.CarriedName(name))
			}
			k.column(Column{Name: name, slot: slot, Carried: fixed != nil})
		}
	}
	if !k.late {
		k.show(fixed)
	}
	return k
}

// column adds a column.
func (k *keeper) column(c Column) int {
	i := len(k.columns)
	k.columns = append(k.columns, c)
	if c.slot != event.None {
		k.bySlot[c.slot] = i
	}
	k.to.mu.Lock()
	k.to.columns = slices.Clone(k.columns)
	k.to.mu.Unlock()
	return i
}

// show adds the columns that the query shows.
func (k *keeper) show(cols []lang.Column) {
	for _, c := range cols {
		k.column(Column{Name: c.Name, slot: c.Slot, kind: c.Kind})
	}
}

func (k *keeper) Push(b *event.Batch) error {
	if k.late {
		k.late = false
		k.fixed = lang.Expand(k.fixed, k.layout)
		k.show(k.fixed)
	}
	if k.fixed == nil {
		k.meet(b)
	}
	for _, row := range b.Live {
		if k.most > 0 && k.n == k.most {
			k.full = true
			return exec.ErrStop
		}
		k.n++
		k.buf = k.buf[:0]
		for i := range k.columns {
			c := &k.columns[i]
			if v := b.Value(c.slot, row); !v.IsNull() {
				k.cell(i, v)
			}
		}
		if k.messages {
			k.complete(b, row)
		}
		if err := k.to.add(k.buf); err != nil {
			return err
		}
	}
	return nil
}

// meet adds columns for the fields of a batch that have none yet.
func (k *keeper) meet(b *event.Batch) {
	var found []event.Slot
	for i := range b.Cols {
		if slot := event.Slot(i); len(b.Cols[i].Dict) > 1 {
			if _, ok := k.bySlot[slot]; !ok && !strings.HasPrefix(k.layout.Name(slot), lang.CarriedPrefix) {
				found = append(found, slot)
			}
		}
	}
	slices.SortFunc(found, func(a, b event.Slot) int { return strings.Compare(k.layout.Name(a), k.layout.Name(b)) })
	for _, slot := range found {
		k.column(Column{Name: k.layout.Name(slot), slot: slot})
	}
}

// cell appends a value to the row.
func (k *keeper) cell(column int, v event.Value) {
	c := &k.columns[column]
	if bit := uint8(1) << v.Kind(); c.Kinds&bit == 0 {
		c.Kinds |= bit
		k.to.mu.Lock()
		k.to.columns[column].Kinds = c.Kinds
		k.to.mu.Unlock()
	}
	k.text = v.AppendText(k.text[:0])
	k.buf = binary.AppendUvarint(k.buf, uint64(column))
	k.buf = append(k.buf, byte(v.Kind()))
	k.buf = binary.AppendUvarint(k.buf, uint64(len(k.text)))
	k.buf = append(k.buf, k.text...)
}

// complete gives a message what it lacks of metadata.
func (k *keeper) complete(b *event.Batch, row uint16) {
	place := b.Value(k.place(), row)
	for i, name := range Metadata {
		if !b.Value(k.columns[i].slot, row).IsNull() {
			continue
		}
		var v event.Value
		switch name {
		case "_messageTime":
			if int(row) < len(b.Time) && b.Time[row] != event.NoTime {
				v = event.Int(b.Time[row])
			}
		case "_receiptTime":
			if int(row) < len(b.Receipt) {
				v = event.Int(b.Receipt[row])
			} else if int(row) < len(b.Time) && b.Time[row] != event.NoTime {
				v = event.Int(b.Time[row])
			}
		case "_messageId":
			v = place
		case "_blockId", "_sourceId", "_collectorId", "_messageCount":
			v = event.Int(0)
		case "_size":
			v = event.Int(int64(len(b.Value(k.columns[len(Metadata)-1].slot, row).Str())))
		default:
			v = event.Text("")
		}
		if !v.IsNull() {
			k.cell(k.filler(i), v)
		}
	}
}

// filler is the column that completes a column of Metadata.
func (k *keeper) filler(i int) int {
	if k.fixed != nil {
		return i
	}
	f, ok := k.fillers[i]
	if !ok {
		f = k.column(Column{Name: Metadata[i], Carried: true, slot: event.None})
		k.fillers[i] = f
	}
	return f
}

func (k *keeper) place() event.Slot { return k.layout.Slot(lang.CarriedPlace) }
