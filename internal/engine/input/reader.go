package input

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

const (
	// blockBytes is how much a worker reads at a time: small enough for the
	// second cache, large enough to hide the cost of taking turns.
	blockBytes = 1 << 20
	// MaxEventBytes is the longest event that is read; a longer one is skipped
	// and counted.
	MaxEventBytes = 256 << 20
	// MaxLineBytes is the longest line that is one event. Buffers of twice the
	// size are well within the memory that a query may have by default.
	MaxLineBytes = 128 << 20
)

// Reader hands the blocks of a source to workers.
type Reader struct {
	formats []*Format
	o       Options

	mu          sync.Mutex
	src         Source
	next        func() (*Part, error, bool) // nil before the first part
	stop        func()
	cur         *open
	first       *bufio.Reader // of the open part, and then of the next
	rest        []byte        // memory for open.rest
	failed      failures
	blank       []string // parts without a byte but blanks
	texts       []*Part  // parts that no format but plain text would have
	hollow      []*Part
	names       []string // of parts, by their index; "" for those that were not opened
	ended       bool
	blocks      int            // handed out
	formatsRead map[string]int // parts, by the name of their format
	copies      *copies        // nil where copies are read like any part

	bytes, total, events atomic.Int64
	parts, given         atomic.Int64
	untimed              atomic.Int64
}

// open is the part that is being read.
type open struct {
	part   *Part
	file   io.Closer
	r      *bufio.Reader
	direct *direct // nil when workers cannot read for themselves, or no longer
	format *Format
	rest   []byte // read, and not yet part of a whole event
	off    int64  // of rest in the part
	eof    bool
}

// NewReader makes a reader of a source. formats are tried on each part.
func NewReader(src Source, formats []*Format, o Options) *Reader {
	r := &Reader{formats: formats, o: o, src: src}
	if o.Copies {
		r.copies = newCopies()
	}
	if p, ok := src.(*paths); ok {
		r.total.Store(p.size())
	}
	return r
}

// size adds up the files named, for the progress bar.
func (p *paths) size() (n int64) {
	file := func(path string) bool {
		if st, err := os.Stat(path); err == nil {
			n += st.Size()
		}
		return true
	}
	for _, arg := range p.args {
		if arg != "-" {
			p.walk(arg, file, func(error) bool { return true })
		}
	}
	return n
}

// PartName is the name of a part that has been opened, by its index; "" for any other.
func (r *Reader) PartName(index int) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if index < 0 || index >= len(r.names) {
		return ""
	}
	return r.names[index]
}

// Copies are the parts that hold what others do, by the part that was read in their place.
// A copy may have copies of its own, of what it has beyond the other.
func (r *Reader) Copies() map[int][]Copy {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.copies == nil {
		return nil
	}
	return maps.Clone(r.copies.of)
}

// Stats is how far a reader has come.
type Stats struct {
	Bytes  int64 // read, as stored
	Total  int64 // of all parts, as far as known
	Events int64
	Parts  int
	// Untimed are the events of batches that say no time.
	Untimed int64
	Failed  []error // parts that could not be read

	Empty []string // parts without an event, by name; of event logs it is known at the end
	Texts []string // parts that are read as plain text, as no other format fits, and in which no event of another was met
	// Formats are how many parts are read as each format, by its name.
	Formats map[string]int
	Given   int64 // of Events, those that were given on rather than passed over
}

// Stats may be called at any time, from any goroutine.
func (r *Reader) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	st := Stats{
		Bytes: r.bytes.Load(), Total: r.total.Load(), Events: r.events.Load(), Parts: int(r.parts.Load()), Given: r.given.Load(),
		Untimed: r.untimed.Load(), Failed: r.failed.all(), Empty: slices.Clone(r.blank), Formats: maps.Clone(r.formatsRead),
	}
	for _, p := range r.texts {
		if !p.known.Load() {
			st.Texts = append(st.Texts, p.Name)
		}
	}
	for _, p := range r.hollow {
		if !p.met.Load() {
			st.Empty = append(st.Empty, p.Name)
		}
	}
	return st
}

// Feed returns what gives each worker its blocks.
func (r *Reader) Feed(ctx context.Context, want *Want) exec.Feed {
	return r.Blocks(ctx, want, func(int, int) error { return nil })
}

// Twice is a Feeder that can give the events of a unit again, otherwise read, before
// it goes on to the next.
type Twice interface {
	Feeder
	// FeedTwice is Feed. Once a worker has read a unit, it reads it again for each
	// of more that asks for it.
	FeedTwice(ctx context.Context, want *Want, more []Reading) exec.Feed
}

// Reading is a further reading of units.
type Reading struct {
	Want func(worker int) *Want
	// Matters reports whether a worker is to read again what it has just read, and
	// is asked once for each unit.
	Matters func(worker int) bool
	To      func(worker int) exec.Sink
}

// FeedTwice makes a Reader a Twice: a unit is a block.
func (r *Reader) FeedTwice(ctx context.Context, want *Want, more []Reading) exec.Feed {
	return r.blocksTwice(ctx, want, func(int, int) error { return nil }, more)
}

// Blocks is Feed for output in the order of the input: done is called in a
// worker behind each block, with the block's number. Numbers have no gaps.
func (r *Reader) Blocks(ctx context.Context, want *Want, done func(worker, block int) error) exec.Feed {
	return r.blocksTwice(ctx, want, done, nil)
}

// Pieces gives the blocks of the input to one function, in order, with the format that each
// is read as: for who keeps the text rather than the events. take returns how many events
// there are.
func (r *Reader) Pieces(ctx context.Context, take func(Block, *Format) (events int, err error)) error {
	defer r.finish()
	var buf []byte
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		t, err := r.block(ctx, &buf)
		if err != nil || t.format == nil {
			return err
		}
		r.complete(&t)
		n, err := take(t.Block, t.format)
		if err != nil {
			return err
		}
		if r.events.Add(int64(n)); n > 0 {
			t.Part.Met()
		}
	}
}

func (r *Reader) blocksTwice(ctx context.Context, want *Want, done func(worker, block int) error, more []Reading) exec.Feed {
	want.skipped = &r.events
	return func(worker int, front exec.Sink) (err error) {
		at := "the input"
		defer func() {
			if p := recover(); p != nil {
				err = exec.Panicked(p, "reading "+at)
			}
			if err != nil {
				r.finish() // every worker stops, and what the source holds is given up
			}
		}()
		readers := want.Readers
		if readers == nil {
			readers = map[*Format]BlockReader{}
		}
		again := make([]map[*Format]BlockReader, len(more))
		lines, _ := front.(LineSink)
		var buf []byte
		for {
			if err := ctx.Err(); err != nil {
				return err
			}
			t, err := r.block(ctx, &buf)
			if err != nil {
				return err
			}
			if t.format == nil {
				return nil
			}
			at = t.Part.Name
			r.complete(&t)
			br := readers[t.format]
			if br == nil {
				br = t.format.New(want)
				readers[t.format] = br
			}
			if lr, ok := br.(LineReader); ok && lines != nil {
				to, n := lines.Lines(), 0
				*to, n, err = lr.Lines(t.Block, *to)
				if r.events.Add(int64(n)); n > 0 {
					t.Part.Met()
				}
			} else {
				err = br.Read(t.Block, counting{front, r, t.Part})
			}
			for i, m := range more {
				if err != nil || !m.Matters(worker) {
					continue
				}
				br := again[i][t.format]
				if br == nil {
					want := m.Want(worker)
					if again[i] == nil {
						if again[i] = want.Readers; again[i] == nil {
							again[i] = map[*Format]BlockReader{}
						}
						br = again[i][t.format]
					}
					if br == nil {
						br = t.format.New(want)
					}
					again[i][t.format] = br
				}
				err = br.Read(t.Block, m.To(worker))
			}
			if err == nil {
				err = done(worker, t.number)
			}
			if err != nil {
				return err
			}
		}
	}
}

// counting counts the events that a reader gives, and those of them without a time.
type counting struct {
	next exec.Sink
	r    *Reader
	part *Part
}

func (c counting) Push(b *event.Batch) error {
	c.r.events.Add(int64(b.N))
	c.r.given.Add(int64(b.N))
	c.part.Met()
	untimed := int64(0)
	for _, at := range b.Time {
		if at == event.NoTime {
			untimed++
		}
	}
	if untimed > 0 {
		c.r.untimed.Add(untimed)
	}
	return c.next.Push(b)
}

// finish makes every worker stop.
func (r *Reader) finish() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	r.close()
	if r.stop != nil {
		r.stop()
	}
}

// taken is a block that a worker has taken. A nil format is the end.
type taken struct {
	Block
	number int
	format *Format
	piece  piece // what the worker has yet to read of it
}

// block gives a worker the next block, in its buffer.
func (r *Reader) block(ctx context.Context, buf *[]byte) (taken, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for !r.ended {
		if r.cur == nil {
			if r.next == nil { // the source waits where the run's end reaches it
				r.next, r.stop = iter.Pull2(r.src.Parts(ctx))
			}
			part, err, ok := r.next()
			if !ok {
				r.ended = true
				break
			}
			if err == nil {
				err = r.open(ctx, part)
			}
			if ctx.Err() != nil {
				return taken{}, ctx.Err() // not the part's fault
			}
			if err != nil {
				r.failed.add(err)
				r.close()
			}
			continue
		}
		t := taken{number: r.blocks, format: r.cur.format}
		ok := r.cutDirect(&t, buf)
		if !ok {
			t.Block, ok = r.cut(ctx, buf)
		}
		if ok {
			r.blocks++
			return t, nil
		}
		r.close()
	}
	return taken{}, nil
}

// blockBytes is how much of the open part a worker reads at a time. No more room
// is made than a small part needs: one line that is added to a log is a part.
func (r *Reader) blockBytes() int {
	n := cmp.Or(r.o.BlockBytes, r.cur.format.BlockBytes, blockBytes)
	if size := r.cur.part.Size; size > 0 && size < int64(n) {
		n = min(n, max(int(size)+1, blockMin))
	}
	return n
}

// blockMin is the least that is read at a time of a part whose size is known.
const blockMin = 4 << 10

// cutDirect gives the worker a block to read. ok is false when it has to be read
// here; all that come behind it then are, too.
func (r *Reader) cutDirect(t *taken, buf *[]byte) (ok bool) {
	o := r.cur
	if o.direct == nil {
		return false
	}
	block := r.blockBytes()
	*buf = slices.Grow((*buf)[:0], block)[:block]
	size, p := o.direct.cut(*buf, o.format, o.off)
	if size == 0 {
		if _, err := o.direct.f.Seek(o.direct.next, io.SeekStart); err != nil {
			r.failed.add(&PathError{o.part.Name, err})
			o.eof = true
		}
		o.r.Reset(&counted{o.direct.f, &r.bytes})
		o.direct = nil
		return false
	}
	t.Block, t.piece = Block{Data: (*buf)[:size], Offset: o.off, Part: o.part}, p
	o.off += int64(size)
	return true
}

// complete reads what is missing of a block, outside of the lock.
func (r *Reader) complete(t *taken) {
	if t.piece.d == nil {
		return
	}
	var err error
	if t.Data, err = t.piece.read(t.Data); err != nil {
		r.mu.Lock()
		r.failed.add(&PathError{t.Part.Name, err})
		r.mu.Unlock()
	}
	r.bytes.Add(int64(len(t.Data)))
}

func (r *Reader) close() {
	if r.cur != nil {
		if r.cur.file != nil {
			r.cur.file.Close()
		}
		r.rest = r.cur.rest
	}
	r.cur = nil
}

// open starts a part and recognises its format.
func (r *Reader) open(ctx context.Context, part *Part) error {
	r.parts.Add(1)
	for len(r.names) <= part.Index {
		r.names = append(r.names, "")
	}
	r.names[part.Index] = part.Name
	f, err := part.Open(ctx)
	if err != nil {
		return &PathError{part.Name, err}
	}
	r.cur = &open{part: part, file: f, rest: r.rest[:0], off: part.Start}
	if r.first == nil {
		r.first = bufio.NewReaderSize(nil, headBytes)
	}
	first := r.first
	first.Reset(&counted{f, &r.bytes})
	b, err := decompress(first)
	if err != nil {
		return &PathError{part.Name, err}
	}
	r.cur.r = b
	head, err := b.Peek(headBytes)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) && len(head) == 0 {
		return &PathError{part.Name, err}
	}
	if r.cur.format = part.Format; r.cur.format == nil {
		r.cur.format = r.o.Force
	}
	if r.cur.format == nil {
		if len(bytes.TrimSpace(head)) == 0 {
			r.blank = append(r.blank, part.Name)
			r.close() // an empty file has no events, whatever it is
			return nil
		}
		if kind, instead := knownFile(head); kind != "" {
			return &PathError{part.Name, fmt.Errorf("%s, which is not read: %s", kind, instead)}
		}
		if r.cur.format = r.recognise(head, part.Name); r.cur.format == nil {
			return &PathError{part.Name, r.unknown(head, part.Name)}
		}
	}
	var same sameness
	if r.copies != nil && part.Start == 0 && len(head) > 0 {
		same = r.copies.again(ctx, part, r.cur.format.Lines || r.cur.format.Headed, head, b, r.o.TempDir)
		if same.instead != nil {
			r.cur.file = both{same.instead, f}
			b = bufio.NewReaderSize(same.instead, headBytes)
		} else if same.part != nil && part.passing && !same.part.known {
			b = bufio.NewReaderSize(r.copies.watch(same.part, b), headBytes)
		}
		if same.whole {
			r.close()
			return nil
		}
		if b != r.cur.r {
			r.cur.r = b
			if head, err = b.Peek(headBytes); err != nil && len(head) == 0 {
				return &PathError{part.Name, err}
			}
		}
	}
	if part.Format == nil && r.o.Force == nil && r.cur.format.Sniff(head) == Unsure {
		r.texts = append(r.texts, part)
	}
	if r.formatsRead == nil {
		r.formatsRead = map[string]int{}
	}
	r.formatsRead[r.cur.format.Name]++
	if r.cur.format.Hollow {
		r.hollow = append(r.hollow, part)
	}
	if part.DateOrder = cmp.Or(part.DateOrder, r.o.DateOrder); part.DateOrder == datefmt.OrderUnknown && !r.cur.format.InPlace {
		var ahead []byte
		if part.DateOrder, ahead, err = dateOrder(ctx, part, head, b); err != nil {
			return &PathError{part.Name, err}
		}
		if ahead != nil {
			head = ahead[:min(len(ahead), headBytes)]
			b = bufio.NewReaderSize(io.MultiReader(bytes.NewReader(ahead), b), headBytes)
			r.cur.r = b
		}
	}
	if r.cur.format.Headed && part.Head == nil {
		part.Head = bytes.Clone(head)
	}
	if same.bytes > 0 {
		n, err := io.CopyN(io.Discard, b, same.bytes)
		if r.cur.off += n; err != nil {
			return &PathError{part.Name, err}
		}
	}
	if f, ok := f.(*os.File); ok && b == first && r.cur.format.Lines && same.bytes == 0 {
		if d := newDirect(f, b.Buffered(), r.blockBytes()); d != nil {
			r.cur.file, r.cur.direct = d, d
			r.bytes.Add(-int64(b.Buffered())) // it will be read again
		}
	}
	return nil
}

// both closes two files.
type both [2]io.Closer

func (b both) Close() error { return errors.Join(b[0].Close(), b[1].Close()) }

// recognise picks the format that is surest of a part's head. One that is not
// sure at all, plain text, does not get a part whose name says it is something
// else: text in a file called .evtx or .json is damage.
func (r *Reader) recognise(head []byte, name string) *Format {
	var best *Format
	sure := 0
	for _, f := range r.formats {
		if n := f.Sniff(head); n > sure {
			best, sure = f, n
		}
		if sure == Certain {
			break
		}
	}
	if sure == Certain {
		return best
	}
	most, share := r.most(head, sure <= Unsure)
	switch {
	case most == nil:
	case best == nil || best.Record != nil, share > 0.5:
		return most
	case sure == Unsure && r.named(name, best) && slices.Contains(most.Extensions, strings.ToLower(filepath.Ext(name))):
		return most
	}
	if sure == Unsure && r.named(name, best) {
		return nil
	}
	return best
}

// longLine is how long a line is that documents without line ends have.
const longLine = 4 << 10

// triedMax is how many places of a line are looked at for a record.
const triedMax = 1024

// most is the format that most of a part's head is records of, and how much of
// it; nil when there are none. inLines says to look for records in long lines,
// too: a document may have no line ends.
func (r *Reader) most(head []byte, inLines bool) (most *Format, share float64) {
	votes := map[*Format]int{}
	at, tried := 0, 0
	if inLines { // a line that begins with a time is one, however long
		stamps := datefmt.Recogniser{Now: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}
		_, timed := stamps.Begins(bytes.TrimLeft(head[:min(len(head), longLine)], " \t\r\n"))
		inLines = !timed
	}
	for at < len(head) && tried < triedMax {
		f, n := RecordAt(r.formats, head[at:])
		if f != nil {
			if votes[f] += n; 2*votes[f] > len(head) {
				break // no other can be more
			}
			at += n
			continue
		}
		end := bytes.IndexByte(head[at:], '\n')
		if inLines && (end < 0 || end > longLine) {
			tried++
			end = bytes.IndexAny(head[at+1:], "<{")
		}
		if end < 0 {
			break
		}
		at += end + 1
	}
	for _, f := range r.formats { // in their order, where two are as much
		if n := votes[f]; n > 0 && (most == nil || n > votes[most]) {
			most = f
		}
	}
	if most != nil {
		share = float64(votes[most]) / float64(len(bytes.TrimSpace(head)))
	}
	return most, share
}

// RecordAt is the format that the record is of which a text begins with, blank
// lines aside, and how many bytes it takes with them; nil when it begins with none.
func RecordAt(formats []*Format, text []byte) (*Format, int) {
	body := bytes.TrimLeft(text, " \t\r\n")
	if len(body) == 0 {
		return nil, 0
	}
	for _, f := range formats {
		if f.Record != nil {
			if n := f.Record(body); n > 0 {
				return f, n + len(text) - len(body)
			}
		}
	}
	return nil, 0
}

// named reports whether a part's extension is another format's and not f's.
func (r *Reader) named(name string, f *Format) bool {
	ext := strings.ToLower(filepath.Ext(name))
	if ext == "" || slices.Contains(f.Extensions, ext) {
		return false
	}
	return slices.ContainsFunc(r.formats, func(o *Format) bool { return slices.Contains(o.Extensions, ext) })
}

// unknown says why no format fits.
func (r *Reader) unknown(head []byte, name string) error {
	var why strings.Builder
	for _, f := range r.formats {
		misfit := f.Misfit
		if f.Sniff(head) > 0 {
			misfit = "would do, were it not that " + filepath.Ext(name) + " says otherwise"
		}
		if misfit != "" {
			fmt.Fprintf(&why, "\n  %s: %s", f.Name, misfit)
		}
	}
	kind := "text"
	for _, c := range head[:min(len(head), 512)] {
		if c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			kind = "binary data"
			break
		}
	}
	return fmt.Errorf("%s that is none of the known formats; if it is one all the same, say so with --input-format%s", kind, why.String())
}

type counted struct {
	r io.Reader
	n *atomic.Int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// cut reads on until there are whole events and gives them to the worker. ok is
// false when the part is at its end.
func (r *Reader) cut(ctx context.Context, buf *[]byte) (b Block, ok bool) {
	o := r.cur
	block, most := r.blockBytes(), MaxEventBytes
	if o.format.Lines {
		most = MaxLineBytes
	}
	data := append((*buf)[:0], o.rest...)
	o.rest = o.rest[:0]
	for {
		if !o.eof {
			if free := cap(data) - len(data); free < max(1, block/2) {
				grown := make([]byte, len(data), min(2*len(data), most)+2*block)
				copy(grown, data)
				data = grown
			}
			// Blocks are filled up, so where pieces are of one size, as chunks of
			// event logs are, nothing is left over to be moved. An event longer
			// than a block is looked through anew at each turn: the turns get
			// longer with it.
			full := block
			if len(data) >= full {
				full = 2 * len(data)
			}
			n, err := io.ReadFull(o.r, data[len(data):min(cap(data), full)])
			data = data[:len(data)+n]
			if err != nil {
				o.eof = true
				if ctx.Err() != nil {
					return Block{}, false
				}
				if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrUnexpectedEOF) && truncated(o.r) {
					r.broke(o.off+int64(len(data)), err)
				}
			}
		}
		*buf = data
		if len(data) == 0 {
			return Block{}, false
		}
		n := o.format.Cut(data, o.off, o.eof)
		if n == 0 && o.eof {
			n = len(data) // what is left over is the format's to report
		}
		if n > 0 {
			o.rest = append(o.rest, data[n:]...)
			b = Block{Data: data[:n], Offset: o.off, Part: o.part}
			o.off += int64(n)
			return b, true
		}
		if len(data) > most {
			r.skipLong(data, most)
			data = data[:0]
		}
	}
}

// broke reports that the open part could not be read to its end.
func (r *Reader) broke(at int64, err error) {
	what := "cannot be read beyond byte %d: %w"
	if errors.Is(err, io.ErrUnexpectedEOF) {
		what = "cut short after %d bytes: %w"
	}
	r.failed.add(&PathError{r.cur.part.Name, fmt.Errorf(what, at, err)})
}

// truncated reports whether a stream ended before its own end mark: reading on
// says so again, where a plain file says io.EOF.
func truncated(r io.Reader) bool {
	var one [1]byte
	_, err := r.Read(one[:])
	return err != nil && !errors.Is(err, io.EOF)
}

// skipLong passes the rest of an event that is too long: up to the next line end.
func (r *Reader) skipLong(data []byte, most int) {
	o := r.cur
	skipped := int64(len(data))
	for {
		line, err := o.r.ReadSlice('\n')
		skipped += int64(len(line))
		if err == nil || !errors.Is(err, bufio.ErrBufferFull) {
			if o.eof = err != nil; o.eof && !errors.Is(err, io.EOF) {
				r.broke(o.off+skipped, err)
			}
			break
		}
	}
	r.o.Warnings.Add("event too long", true, exec.Sample{
		Part: o.part.Name, Pos: event.Position(o.part.Index, o.off),
		Detail: fmt.Sprintf("byte %d: %d bytes without an end, more than %s", o.off, skipped, exec.Size(int64(most))),
	})
	o.off += skipped
}
