package exec

import (
	"bufio"
	"bytes"
	"container/heap"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// sortRunBytes is how much a Sorter holds before it writes a sorted run to
// disk. Larger runs gained nothing: a merge reads runs one after the other. With
// 12 MiB the garbage of arenas that grew took a process past 64 MiB.
const sortRunBytes = 6 << 20

// mergeReadBytes is the read buffer of each run in a merge, or less where there are
// many: all together have mergeBytes.
const (
	mergeReadBytes = 128 << 10
	mergeReadMin   = 16 << 10
	mergeBytes     = 8 << 20
)

// sortRunsMax is how many runs are merged at once; more are first merged into one.
const sortRunsMax = 128

// trimMin is how many rows are gathered before those beyond a limit are let go.
const trimMin = 1024

// Order says how rows follow each other.
type Order struct {
	Keys []Key
	// Newest is the order of messages where the keys are equal: later time
	// first, later receipt first, later position first (spec B.8). Otherwise
	// rows with equal keys keep the order of their positions.
	Newest bool
	// Ties orders rows that are equal in all of that: several made of one message.
	Ties []event.Slot
}

// Key is one field to sort by. Null comes last in both directions (OP-16).
type Key struct {
	Slot event.Slot
	Desc bool
}

// Sorter puts rows in order, spilling to disk when they are many. One
// goroutine's; Merge joins those of several.
type Sorter struct {
	rt    *Runtime
	order Order
	codec *Codec
	acct  *Account
	limit int // rows wanted; 0 is all

	// bar is the last of the rows wanted so far, once there are that many: what
	// does not come before it is not wanted.
	bar       []byte
	barPrefix uint64

	run   run
	runs  []*spill
	lazy  event.Batch // buffer of output
	bytes int64       // charged so far for the current run
}

// run is rows in memory: one arena and where each row is in it.
type run struct {
	arena []byte
	rows  []sortRow
}

// sortRow is a row of a run. prefix orders most pairs without a look at the row.
type sortRow struct {
	prefix uint64
	off    int64
	size   int64
}

// rowBytes is the memory of a sortRow.
const rowBytes = 24

// NewSorter makes a sorter; the codec's fields must hold the order's keys.
// limit > 0 keeps only the first rows.
func NewSorter(rt *Runtime, who string, o Order, c *Codec, limit int) *Sorter {
	return &Sorter{rt: rt, order: o, codec: c, acct: rt.Budget.Open(who), limit: limit}
}

// Add takes the live rows of a batch.
func (s *Sorter) Add(b *event.Batch) error {
	s.codec.Start(b)
	if many := sortRunBytes / 8; len(s.run.arena) > many && cap(s.run.arena) < sortRunBytes {
		// At once: what it would leave behind as it grew is four times a run.
		s.run.arena = slices.Grow(s.run.arena, sortRunBytes+many-len(s.run.arena))
	}
	for _, r := range b.Live {
		prefix := s.prefix(b, r)
		if s.bar != nil && prefix > s.barPrefix {
			continue
		}
		off := len(s.run.arena)
		s.run.arena = s.codec.Append(s.run.arena, b, r)
		if s.bar != nil && prefix == s.barPrefix && s.compare(s.run.arena[off:], s.bar) >= 0 {
			s.run.arena = s.run.arena[:off]
			continue
		}
		s.run.rows = append(s.run.rows, sortRow{prefix, int64(off), int64(len(s.run.arena) - off)})
	}
	held := int64(len(s.run.arena) + rowBytes*len(s.run.rows))
	grown := held - s.bytes
	s.bytes = held
	fits := s.acct.Add(grown) && held < sortRunBytes
	if many := s.limit > 0 && len(s.run.rows) > max(4*s.limit, trimMin); many && held/int64(len(s.run.rows))*int64(s.limit) < sortRunBytes/2 {
		s.trim()
		return nil
	}
	if fits || held < s.acct.Floor() {
		return nil
	}
	return s.spill()
}

// trim keeps the first rows of the run, as many as are wanted, and sets the bar.
func (s *Sorter) trim() {
	s.sort()
	var arena []byte
	rows := s.run.rows[:min(s.limit, len(s.run.rows))]
	for i, r := range rows {
		rows[i].off = int64(len(arena))
		arena = append(arena, s.run.arena[r.off:r.off+r.size]...)
	}
	s.run = run{arena, rows}
	if len(rows) == s.limit {
		last := rows[len(rows)-1]
		s.bar, s.barPrefix = bytes.Clone(arena[last.off:]), last.prefix
	}
	s.bytes = int64(len(arena) + rowBytes*len(rows))
	s.acct.Release()
	s.acct.Add(s.bytes)
}

// prefix makes the first key of a row comparable as a number: equal prefixes
// decide nothing, unequal ones decide everything.
func (s *Sorter) prefix(b *event.Batch, r uint16) uint64 {
	if len(s.order.Keys) == 0 {
		if s.order.Newest && int(r) < len(b.Time) {
			return ^(uint64(b.Time[r]) ^ 1<<63)
		}
		return 0
	}
	k := s.order.Keys[0]
	return keyPrefix(b.Value(k.Slot, r), k.Desc)
}

// keyPrefix follows event.Compare: numbers, NaN, booleans, text by its first
// bytes; null is last in both directions.
func keyPrefix(v event.Value, desc bool) uint64 {
	var p uint64
	switch {
	case v.IsNull():
		return math.MaxUint64
	case v.IsNumber():
		f, _ := v.Float()
		u := math.Float64bits(f)
		if f < 0 {
			u = ^u
		} else {
			u |= 1 << 63
		}
		p = u >> 2
		if math.IsNaN(f) {
			p = 1<<62 - 2
		}
	case v.Kind() == event.Boolean:
		p = 1<<62 - 1
	default:
		var buf [8]byte
		copy(buf[:], v.Str())
		p = binary.BigEndian.Uint64(buf[:])>>2 | 1<<62
	}
	if desc {
		return 1<<63 - 1 - p
	}
	return p
}

// compare orders two encoded rows.
func (s *Sorter) compare(a, b []byte) int {
	for _, k := range s.order.Keys {
		x, y := s.codec.key(a, k.Slot), s.codec.key(b, k.Slot)
		if x.IsNull() || y.IsNull() {
			if c := event.Compare(x, y); c != 0 {
				return c
			}
			continue
		}
		if c := event.Compare(x, y); c != 0 {
			if k.Desc {
				return -c
			}
			return c
		}
	}
	ta, tb := int64(binary.LittleEndian.Uint64(a)), int64(binary.LittleEndian.Uint64(b))
	pa, pb := binary.LittleEndian.Uint64(a[8:]), binary.LittleEndian.Uint64(b[8:])
	if s.order.Newest {
		if ta != tb {
			return cmp(tb, ta)
		}
		ra, _ := binary.Varint(a[16:])
		rb, _ := binary.Varint(b[16:])
		if ra != rb {
			return cmp(rb, ra)
		}
		pa, pb = pb, pa
	}
	if pa != pb {
		return cmp(pa, pb)
	}
	for _, slot := range s.order.Ties {
		if c := event.Compare(s.codec.key(a, slot), s.codec.key(b, slot)); c != 0 {
			return c
		}
	}
	return 0
}

func cmp[T int64 | uint64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (s *Sorter) sort() {
	slices.SortFunc(s.run.rows, func(x, y sortRow) int {
		if x.prefix != y.prefix {
			return cmp(x.prefix, y.prefix)
		}
		if c := s.compare(s.run.arena[x.off:], s.run.arena[y.off:]); c != 0 {
			return c
		}
		return cmp(x.off, y.off) // rows made of one message keep their order
	})
	if s.limit > 0 && len(s.run.rows) > s.limit {
		s.run.rows = s.run.rows[:s.limit]
	}
}

// Merge takes over what another worker's sorter holds.
func (s *Sorter) Merge(o *Sorter) error {
	if len(o.runs) == 0 && s.bytes+o.bytes < sortRunBytes {
		base := int64(len(s.run.arena))
		s.run.arena = append(s.run.arena, o.run.arena...)
		for _, r := range o.run.rows {
			s.run.rows = append(s.run.rows, sortRow{r.prefix, r.off + base, r.size})
		}
		s.bytes += o.bytes
		s.acct.Take(o.acct)
		return nil
	}
	if err := o.spill(); err != nil {
		return err
	}
	s.runs = append(s.runs, o.runs...)
	return nil
}

// PutAside writes what is held in memory to disk and gives the memory back, for
// a stage that needs it for something that cannot be put aside.
func (s *Sorter) PutAside() error { return s.spill() }

// Spilled reports whether rows are on disk.
func (s *Sorter) Spilled() bool { return len(s.runs) > 0 }

// spill writes the run in memory to disk, in order.
func (s *Sorter) spill() error {
	if len(s.run.rows) == 0 {
		return nil
	}
	s.sort()
	var last *spill // the runs share a file: a hunt has many sorters
	if len(s.runs) > 0 {
		last = s.runs[len(s.runs)-1]
	}
	w, err := newSpill(s.rt, last)
	if err != nil {
		return err
	}
	for _, r := range s.run.rows {
		if err := w.write(r.prefix, s.run.arena[r.off:r.off+r.size]); err != nil {
			return err
		}
	}
	if err := w.finish(); err != nil {
		return err
	}
	s.runs = append(s.runs, w)
	s.run.arena, s.run.rows, s.bytes = s.run.arena[:0], s.run.rows[:0], 0
	s.acct.Release()
	if len(s.runs) >= sortRunsMax {
		return s.compact()
	}
	return nil
}

// compact merges all runs on disk into one.
func (s *Sorter) compact() error {
	w, err := newSpill(s.rt, nil)
	if err != nil {
		return err
	}
	n := 0
	err = s.mergeRuns(func(prefix uint64, rec []byte) error {
		if n++; s.limit > 0 && n > s.limit {
			return errEnough
		}
		return w.write(prefix, rec)
	}, func() error { return nil })
	if err != nil && err != errEnough {
		return err
	}
	if err := w.finish(); err != nil {
		return err
	}
	for _, r := range s.runs {
		r.close()
	}
	s.runs = []*spill{w}
	return nil
}

// Flush pushes the rows in order and gives back the memory.
func (s *Sorter) Flush(next Sink) error {
	defer s.Close()
	return s.Snapshot(next)
}

// Snapshot pushes the rows in order, and keeps them.
func (s *Sorter) Snapshot(next Sink) error {
	b := &s.lazy
	b.Reset()
	push := func() error {
		if b.N == 0 {
			return nil
		}
		if err := s.rt.Ctx.Err(); err != nil {
			return err
		}
		err := next.Push(b)
		b.Reset()
		return err
	}
	err := s.each(func(_ uint64, rec []byte) error {
		s.codec.Decode(rec, b)
		if b.N < event.MaxRows {
			return nil
		}
		return push()
	}, push)
	if err != nil {
		return err
	}
	return push()
}

// each gives the rows wanted, in order. Text of a row stays where it is until the
// next call of settle, which is called before that.
func (s *Sorter) each(emit func(prefix uint64, rec []byte) error, settle func() error) error {
	n := 0
	limited := func(prefix uint64, rec []byte) error {
		if n++; s.limit > 0 && n > s.limit {
			return errEnough
		}
		return emit(prefix, rec)
	}
	err := error(nil)
	if len(s.runs) == 0 {
		s.sort()
		for _, r := range s.run.rows {
			if err = limited(r.prefix, s.run.arena[r.off:r.off+r.size]); err != nil {
				break
			}
		}
	} else if err = s.spill(); err == nil {
		// Rows of a batch point into the runs' buffers: it is pushed before one of
		// them is filled anew.
		err = s.mergeRuns(limited, settle)
	}
	if err == errEnough {
		return nil
	}
	return err
}

// errEnough ends a reading of rows that has all it wants.
var errEnough = errors.New("exec: enough rows")

// Save writes the rows down, in order. A sorter of printed rows cannot be saved:
// what they have in common is their printer's.
func (s *Sorter) Save(to *Saver) error {
	if s.codec.printer != nil {
		return errors.New("bug: exec: rows that are printed already cannot be saved")
	}
	err := s.each(func(_ uint64, rec []byte) error {
		to.Record(rec)
		return to.Err()
	}, func() error { return nil })
	to.End()
	return err
}

// Load adds rows that an equal sorter has saved.
func (s *Sorter) Load(from *Loader) error {
	n, b := 0, &event.Batch{}
	var arena []byte // of the text in b
	add := func() error {
		err := s.Add(b)
		b.Reset()
		arena, n = arena[:0], 0
		return err
	}
	err := from.Records(func(rec []byte) error {
		if len(arena)+len(rec) > cap(arena) {
			if n > 0 {
				if err := add(); err != nil {
					return err
				}
			}
			arena = make([]byte, 0, max(1<<20, len(rec)))
		}
		at := len(arena)
		arena = append(arena, rec...)
		s.codec.decode(arena[at:], b, from.Slot)
		if n++; n < event.MaxRows {
			return nil
		}
		return add()
	})
	if err != nil {
		return err
	}
	return add()
}

// Close removes what is held.
func (s *Sorter) Close() {
	for _, r := range s.runs {
		r.close()
	}
	s.runs, s.run = nil, run{}
	s.bytes = 0
	s.acct.Release()
}

// mergeRuns reads all runs on disk as one, in order. A row that emit is given
// stays until the next call of settle.
func (s *Sorter) mergeRuns(emit func(prefix uint64, rec []byte) error, settle func() error) error {
	h := &mergeHeap{s: s}
	defer func() {
		for _, r := range s.runs {
			r.space, r.buf = nil, nil
		}
	}()
	for i, r := range s.runs {
		r.at = i
		r.rewind(max(mergeReadMin, min(mergeReadBytes, mergeBytes/len(s.runs))))
		ok, err := r.next()
		if err != nil {
			return err
		}
		if ok {
			h.runs = append(h.runs, r)
		}
	}
	heap.Init(h)
	for len(h.runs) > 0 {
		r := h.runs[0]
		if err := emit(r.prefix, r.rec); err != nil {
			return err
		}
		if !r.buffered() {
			if err := settle(); err != nil {
				return err
			}
		}
		ok, err := r.next()
		if err != nil {
			return err
		}
		if ok {
			heap.Fix(h, 0)
		} else {
			heap.Pop(h)
		}
	}
	return nil
}

type mergeHeap struct {
	s    *Sorter
	runs []*spill
}

func (h *mergeHeap) Len() int { return len(h.runs) }
func (h *mergeHeap) Less(i, j int) bool {
	a, b := h.runs[i], h.runs[j]
	if a.prefix != b.prefix {
		return a.prefix < b.prefix
	}
	if c := h.s.compare(a.rec, b.rec); c != 0 {
		return c < 0
	}
	return a.at < b.at
}
func (h *mergeHeap) Swap(i, j int) { h.runs[i], h.runs[j] = h.runs[j], h.runs[i] }
func (h *mergeHeap) Push(x any)    { h.runs = append(h.runs, x.(*spill)) }
func (h *mergeHeap) Pop() any {
	r := h.runs[len(h.runs)-1]
	h.runs = h.runs[:len(h.runs)-1]
	return r
}

// spill is records on disk, a part of a temporary file that is gone when the last of
// its spills is closed.
type spill struct {
	in     *spillFile
	from   int64 // where it is in the file
	size   int64
	w      *bufio.Writer
	r      *io.SectionReader
	buf    []byte // what has been read and not been given yet
	space  []byte // where buf is
	prefix uint64
	rec    []byte
	at     int // its place among the runs of a merge
	of     *spills
}

// spillFile is a temporary file that one spill after the other is written to.
type spillFile struct {
	*os.File
	size int64 // of the spills that are finished
	open int   // spills that are not closed
}

// headBytes are before each record: its prefix and its length.
const headBytes = 16

// SpillError is a failure of the disk that rows are put aside on.
type SpillError struct {
	Path string
	Err  error
}

func (e *SpillError) Error() string {
	var reason string
	if strings.Contains(e.Err.Error(), "no space left") {
		reason = "; free some disk, choose another place with --temp-dir, or raise --memory so that less goes to disk"
	}
	err := e.Err
	if p := (*fs.PathError)(nil); errors.As(err, &p) {
		err = p.Err // the path is said already
	}
	return fmt.Sprintf("cannot write rows to %s: %v%s", e.Path, err, reason)
}
func (e *SpillError) Unwrap() error { return e.Err }

// newSpill starts a spill, in the file of a finished one of the same owner, if any.
func newSpill(rt *Runtime, beside *spill) (*spill, error) {
	var in *spillFile
	if beside != nil {
		in = beside.in
	}
	if in == nil {
		f, err := os.CreateTemp(rt.TempDir, "gyoji-spill-*")
		if err != nil {
			return nil, &SpillError{cmpOr(rt.TempDir, os.TempDir()), err}
		}
		// On Unix the name can go at once, so that nothing stays after a crash.
		_ = os.Remove(f.Name())
		in = &spillFile{File: f}
	}
	in.open++
	s := &spill{in: in, from: in.size, of: &rt.spills}
	s.w = bufio.NewWriterSize(io.NewOffsetWriter(in, in.size), mergeReadBytes)
	rt.spills.add(s)
	return s, nil
}

// spills are the open files of a run. Those that a failed run did not read to
// their end are closed with it.
type spills struct {
	mu   sync.Mutex
	open map[*spill]bool
}

func (s *spills) add(f *spill) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[*spill]bool{}
	}
	s.open[f] = true
}

func (s *spills) remove(f *spill) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, f)
}

// Close removes the files that the run's stages have spilled to and not read to
// their end, because it failed or nobody wanted more. Its stages are not used after.
func (rt *Runtime) Close() {
	rt.spills.mu.Lock()
	left := slices.Collect(maps.Keys(rt.spills.open))
	rt.spills.mu.Unlock()
	for _, f := range left {
		f.close()
	}
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (s *spill) write(prefix uint64, rec []byte) error {
	var head [headBytes]byte
	binary.LittleEndian.PutUint64(head[:], prefix)
	binary.LittleEndian.PutUint64(head[8:], uint64(len(rec)))
	if _, err := s.w.Write(head[:]); err != nil {
		return &SpillError{s.in.Name(), err}
	}
	if _, err := s.w.Write(rec); err != nil {
		return &SpillError{s.in.Name(), err}
	}
	s.size += int64(len(head) + len(rec))
	return nil
}

func (s *spill) finish() error {
	if err := s.w.Flush(); err != nil {
		return &SpillError{s.in.Name(), err}
	}
	s.w = nil
	s.in.size = s.from + s.size
	return nil
}

// rewind starts to read, with a buffer of some bytes.
func (s *spill) rewind(bytes int) {
	s.r = io.NewSectionReader(s.in, s.from, s.size)
	s.space = make([]byte, bytes)
	s.buf = s.space[:0]
}

// buffered reports whether the next record can be given without a read.
func (s *spill) buffered() bool { return len(s.buf) >= headBytes && len(s.buf) >= s.length() }

// length is that of the next record with its head.
func (s *spill) length() int { return headBytes + int(binary.LittleEndian.Uint64(s.buf[8:])) }

// next finds the next record's prefix and rec. Unless it is buffered, rec of the
// one before is overwritten.
func (s *spill) next() (bool, error) {
	if !s.buffered() {
		if err := s.fill(headBytes); err != nil || len(s.buf) == 0 {
			return false, err
		}
		if err := s.fill(s.length()); err != nil {
			return false, err
		}
	}
	n := s.length()
	s.prefix, s.rec, s.buf = binary.LittleEndian.Uint64(s.buf), s.buf[headBytes:n:n], s.buf[n:]
	return true, nil
}

// fill reads until there are need bytes. At the end of the file there may be none.
func (s *spill) fill(need int) error {
	if len(s.buf) >= need {
		return nil
	}
	if len(s.space) < need {
		s.space = make([]byte, need)
	}
	have := copy(s.space, s.buf)
	n, err := io.ReadAtLeast(s.r, s.space[have:], need-have)
	s.buf = s.space[:have+n]
	if err == nil || err == io.EOF && have == 0 {
		return nil
	}
	return &SpillError{s.in.Name(), err}
}

func (s *spill) close() {
	if s.in == nil {
		return
	}
	if s.in.open--; s.in.open == 0 {
		s.in.Close()
		_ = os.Remove(s.in.Name())
	}
	s.in, s.r = nil, nil
	s.of.remove(s)
}
