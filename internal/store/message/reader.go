package message

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

const (
	// blockBytes is how much text of lines is read at a time.
	blockBytes = 1 << 20
	// originsMax is how many origins a Reader remembers.
	originsMax = 4096
)

// Reader reads messages as events. It is one goroutine's.
type Reader struct {
	want   *input.Want // of the caller
	needy  inner
	bare   inner // without what must stand in a message's text: a field of its origin need not
	asSaid bool  // times are what the texts say

	parts map[*Origin]*input.Part

	gathered gathered
	tryMost  int // messages that are tried together

	// The rows of the block being read, and where each begins in it.
	rows   []Row
	starts []int64
	at     int

	doubts exec.Warnings // of the message being read, where its format is not certain
	pushed int           // events of it
	one    bool          // messages are one event each
	many   bool          // the message being read is not
	passed atomic.Int64  // events of it that cannot matter

	next    exec.Sink
	receipt []int64
	fields  []Field               // of the block's origin
	given   map[string]event.Slot // of Field names
}

// inner are the readers of formats, and what is wanted of them.
type inner struct {
	want    input.Want
	readers map[readerOf]input.BlockReader
}

// readerOf tells readers apart: one that may be told that a message is not of the format
// has warnings of its own.
type readerOf struct {
	format *input.Format
	doubts bool
}

// NewReader makes a reader of what is wanted. want's positions, in Only and of the
// events, are Row.Seq's and what an event's place in its message adds.
func NewReader(want *input.Want) *Reader {
	r := &Reader{want: want, parts: map[*Origin]*input.Part{}, given: map[string]event.Slot{}, tryMost: tryFirst}
	r.needy = inner{*want, map[readerOf]input.BlockReader{}}
	w := &r.needy.want
	w.Bounded, w.Readers = false, nil // a row's time is its own, not what the text says
	if want.Only != nil {
		w.Only = func(pos uint64) bool { return want.Only(r.position(pos)) }
	}
	r.bare = inner{*w, map[readerOf]input.BlockReader{}}
	r.bare.want.Need = nil
	return r
}

// Read pushes the events of rows, which are lent until it returns. Those of one origin
// are in the order of rows.
func (r *Reader) Read(rows []Row, next exec.Sink) error {
	r.next = next
	for start := 0; start < len(rows); {
		o := rows[start].Origin
		end := start + 1
		for end < len(rows) && rows[end].Origin == o {
			end++
		}
		if end == len(rows) && start == 0 {
			return r.read(o, rows)
		}
		if end == len(rows) || end-start > scatter {
			if err := r.read(o, rows[start:end]); err != nil {
				return err
			}
			start = end
			continue
		}
		return r.scattered(rows[start:])
	}
	return nil
}

// scatter is how many rows of one origin in a row are read as they are.
const scatter = 256

// scattered reads rows of several origins, origin by origin.
func (r *Reader) scattered(rows []Row) error {
	byOrigin := map[*Origin][]Row{}
	var order []*Origin
	for _, row := range rows {
		if _, ok := byOrigin[row.Origin]; !ok {
			order = append(order, row.Origin)
		}
		byOrigin[row.Origin] = append(byOrigin[row.Origin], row)
	}
	for _, o := range order {
		if err := r.read(o, byOrigin[o]); err != nil {
			return err
		}
	}
	return nil
}

// read reads rows of one origin. Messages of one kind that stand in a row are read as a
// block of them.
func (r *Reader) read(o *Origin, rows []Row) error {
	if o == nil {
		o = &noOrigin
	}
	part := r.part(o)
	r.fields = o.Fields
	r.one = o.Format == One
	named := format.Named(o.Format)
	if named == format.Named("text") || named == format.Named("lines") {
		named = format.Whole // where a message ends has been found
	}
	g := &r.gathered
	g.part, g.head = part, int64(len(o.Head))
	for i := range rows {
		row := &rows[i]
		f, how := r.kind(row.Raw, named)
		if how != g.how || f != g.format || how == alone || !g.room(len(row.Raw), r.tryMost) {
			if err := r.flush(); err != nil {
				return err
			}
			g.format, g.how = f, how
		}
		g.add(row)
	}
	return r.flush()
}

// how says how a message is read.
type how int

const (
	alone how = iota // by itself
	// sure are objects of JSON on one line each, which are one event each.
	sure
	// texts are one event each, of plain text, whatever is in them.
	texts
	// tried are lines that are most likely one event each of their format. Where it turns
	// out that one is not, each is read alone.
	tried
)

// kind is the format of a message, and how it is read.
func (r *Reader) kind(raw []byte, named *input.Format) (*input.Format, how) {
	f, line := named, oneLine(raw)
	switch {
	case named == jsonLines() && line, named == nil && plainObject(raw):
		return jsonLines(), sure
	case f == nil, f.Lines && !line:
		f = formatOf(raw)
	}
	switch {
	case r.asSaid: // what is said of times names where they stand
	case f == format.Whole && len(raw) > 0 && utf8.Valid(raw): // no two begin at one place
		return f, texts
	case f.Lines && line && r.want.Only == nil && (f == jsonLines() || !opens(raw)):
		return f, tried
	}
	return f, alone
}

// opens reports whether a message is blank, or may begin a record of JSON or XML, which may
// go on over those that follow.
func opens(raw []byte) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) == 0 || raw[0] == '{' || raw[0] == '[' || raw[0] == '<'
}

// gathered are messages that are read as one block.
type gathered struct {
	format *input.Format
	how    how
	part   *input.Part
	head   int64 // bytes before the first, as its part has them

	rows   []Row
	data   []byte
	starts []int64 // of each row in data, and head more
	ends   []int
}

// room reports whether there is room for a message more.
func (g *gathered) room(n, tryMost int) bool {
	return len(g.rows) == 0 || len(g.data)+n <= blockBytes && (g.how != tried || len(g.rows) < tryMost)
}

func (g *gathered) add(row *Row) {
	at := len(g.data)
	if g.how == sure { // which is of no part's text
		g.starts = append(g.starts, int64(at))
	} else {
		g.starts = append(g.starts, int64(at)+g.head)
	}
	g.rows = append(g.rows, *row)
	g.data = append(g.data, row.Raw...)
	if g.how != texts {
		g.data = append(g.data, '\n')
	}
	g.ends = append(g.ends, len(g.data))
}

// flush reads what is gathered.
func (r *Reader) flush() error {
	g := &r.gathered
	rows := g.rows
	defer func() { g.rows, g.data, g.starts, g.ends = g.rows[:0], g.data[:0], g.starts[:0], g.ends[:0] }()
	switch {
	case len(rows) == 0:
		return nil
	case g.how == sure:
		return r.block(g.format, input.Block{Data: g.data, Part: g.part, Events: true}, rows, g.starts)
	case g.how == texts:
		return r.block(g.format, input.Block{Data: g.data, Offset: g.head, Part: g.part, Ends: g.ends}, rows, g.starts)
	case g.how == tried && len(rows) > 1:
		if ok, err := r.try(); ok || err != nil {
			return err
		}
	}
	for i := range rows {
		start := g.starts[:1]
		start[0] = g.head
		if err := r.block(g.format, input.Block{Data: rows[i].Raw, Offset: g.head, Part: g.part}, rows[i:i+1], start); err != nil {
			return err
		}
	}
	return nil
}

// tryFirst and tryLeast bound how many messages are tried together, when it is not known
// yet whether that goes well, and where it does not.
const tryFirst, tryLeast = 256, 8

// try reads the block as lines of its format. It reports whether each was found to be one
// event, and nothing else was to be said of any: else nothing of it has been pushed.
func (r *Reader) try() (ok bool, err error) {
	g := &r.gathered
	n := len(g.rows)
	r.rows, r.starts, r.at = g.rows, g.starts, 0
	br := r.reader(readerOf{g.format, true})
	r.doubts, r.pushed, r.many = exec.Warnings{}, 0, false
	r.passed.Store(0)
	if err := br.Read(input.Block{Data: g.data, Offset: g.head, Part: g.part}, (*attempt)(r)); err != nil {
		return false, err
	}
	passed := int(r.passed.Load())
	switch {
	case r.many && r.pushed > 0:
		return false, fmt.Errorf("message: format %s has pushed more than it had read", g.format.Name)
	case r.many: // nothing was pushed
	case r.pushed > 0:
		ok = true
	case passed == n && len(r.doubts.List()) == 0 && !(r.one && g.format == jsonLines()): // one may be a list
		ok = true
	}
	if !ok {
		r.tryMost = max(r.tryMost/4, tryLeast)
		return false, nil
	}
	r.tryMost = min(r.tryMost*2, event.MaxRows)
	if passed > 0 {
		r.want.Skip(passed)
	}
	return true, nil
}

// attempt is a Reader as the sink of what is tried. It passes on the events of all of the
// block, or none.
type attempt Reader

func (a *attempt) Push(b *event.Batch) error {
	r := (*Reader)(a)
	if b.N == 0 {
		return nil
	}
	g := &r.gathered
	passed := int(r.passed.Load())
	r.many = r.many || r.pushed > 0 || b.N+passed != len(g.rows) || len(r.doubts.List()) > 0 || passed > 0 && r.one && g.format == jsonLines()
	at := 0
	for i := 0; i < b.N && !r.many; i++ { // each begins where a message does, one after the other
		off := event.Offset(b.Pos[i])
		for at < len(g.starts) && g.starts[at] < off {
			at++
		}
		r.many = at == len(g.starts) || g.starts[at] != off
		at++
	}
	if r.many {
		return nil
	}
	return (*placed)(r).Push(b)
}

var noOrigin Origin

var jsonLines = sync.OnceValue(func() *input.Format { return format.Named("jsonl") })

// oneLine reports whether a message is one line.
func oneLine(raw []byte) bool { return bytes.IndexByte(raw, '\n') < 0 }

// plainObject reports whether a message is an object on one line that wraps no list of
// events, as far as can be seen without reading it.
func plainObject(raw []byte) bool {
	n := len(raw)
	return n > 1 && raw[0] == '{' && raw[n-1] == '}' && oneLine(raw) && bytes.IndexByte(raw, '[') < 0
}

// formatOf is the format that is surest of a message, which is plain text where none is.
func formatOf(raw []byte) *input.Format {
	best, sure := format.Whole, input.Unsure
	for _, f := range format.All() {
		if f.Headed {
			continue
		}
		if n := f.Sniff(raw); n > sure {
			best, sure = f, n
		}
	}
	return best
}

// part is the part that the messages of an origin are read as.
func (r *Reader) part(o *Origin) *input.Part {
	p := r.parts[o]
	if p == nil {
		if len(r.parts) >= originsMax {
			clear(r.parts)
		}
		p = &input.Part{Name: o.Name, Origin: o.Origin, Head: o.Head}
		r.parts[o] = p
	}
	return p
}

// block reads a block of whole messages.
func (r *Reader) block(f *input.Format, b input.Block, rows []Row, starts []int64) error {
	r.rows, r.starts, r.at = rows, starts, 0
	which := readerOf{f, !b.Events && f != format.Whole}
	br := r.reader(which)
	if !which.doubts {
		return br.Read(b, (*placed)(r))
	}
	// A message is an event, also where it is not as sound as its beginning made believe.
	r.doubts, r.pushed, r.many = exec.Warnings{}, 0, false
	r.passed.Store(0)
	sink := exec.Sink((*placed)(r))
	if r.one {
		sink = (*single)(r)
	}
	if err := br.Read(b, sink); err != nil {
		return err
	}
	n := r.passed.Load()
	if r.many || r.one && n > 0 && r.pushed == 0 && (b.Data[0] == '{' || b.Data[0] == '[') { // a list, perhaps
		return r.block(format.Whole, b, rows, starts)
	}
	if n > 0 {
		r.want.Skip(int(n))
	} else if only := r.want.Only; r.pushed == 0 && (only == nil || only(rows[0].Seq)) {
		return r.block(format.Whole, b, rows, starts)
	}
	for _, w := range r.doubts.List() {
		for _, at := range w.Sample {
			r.want.Warnings.Add(w.Kind, w.Lost, at)
		}
	}
	return nil
}

// reader is the reader of a format, for the block that is being read.
func (r *Reader) reader(which readerOf) input.BlockReader {
	in := &r.needy
	if r.unneeded() {
		in = &r.bare
	}
	br := in.readers[which]
	if br == nil {
		want := in.want
		want.Timed = which.format == format.Whole && !r.asSaid // its one event has the message's
		if which.doubts {
			want.Warnings = &r.doubts
			want.Count(&r.passed)
		}
		br = which.format.New(&want)
		in.readers[which] = br
	}
	return br
}

// unneeded reports whether a field that must hold some literal is one that the origin of
// the block gives.
func (r *Reader) unneeded() bool {
	return slices.ContainsFunc(r.fields, func(f Field) bool {
		return slices.ContainsFunc(r.want.Need, func(n input.Need) bool {
			return n.Slot != event.None && strings.EqualFold(r.want.Layout.Name(n.Slot), f.Name)
		})
	})
}

// row is the index of the row that an event of the block is of.
func (r *Reader) row(off int64) int {
	s := r.starts
	if i := r.at; s[i] <= off && (i+1 == len(s) || off < s[i+1]) {
		return i
	} else if i+1 < len(s) && s[i+1] <= off && (i+2 == len(s) || off < s[i+2]) {
		r.at++
		return r.at
	}
	i, found := slices.BinarySearch(s, off)
	if !found {
		i--
	}
	r.at = max(i, 0)
	return r.at
}

// position is that of an event by its position in the block.
func (r *Reader) position(pos uint64) uint64 {
	off := event.Offset(pos)
	i := r.row(off)
	return r.rows[i].Seq + uint64(off-r.starts[i])
}

// single is a Reader as the sink of a message that is one event: it takes no others.
type single Reader

func (a *single) Push(b *event.Batch) error {
	r := (*Reader)(a)
	if r.pushed += b.N; r.many || r.pushed > 1 || b.N == 1 && event.Offset(b.Pos[0]) != r.starts[0] {
		r.many = true
		return nil
	}
	r.pushed -= b.N
	return (*placed)(r).Push(b)
}

// placed is a Reader as the sink of a format's reader: it gives events the time and the
// position of their messages.
type placed Reader

func (p *placed) Push(b *event.Batch) error {
	r := (*Reader)(p)
	r.pushed += b.N
	changed := false
	receipts := b.Receipt != nil
	r.receipt = r.receipt[:0]
	for i := range b.N {
		off := event.Offset(b.Pos[i])
		k := r.row(off)
		row := &r.rows[k]
		said, own := b.Time[i], b.Receipt != nil && b.Receipt[i] != b.Time[i]
		b.Pos[i] = row.Seq + uint64(off-r.starts[k])
		if !r.asSaid && (off == r.starts[k] || said == event.NoTime) {
			b.Time[i] = row.Time
			changed = changed || said != row.Time
		}
		at := b.Time[i]
		if own {
			at = b.Receipt[i]
		} else if row.Receipt != 0 {
			at = row.Receipt
		}
		receipts = receipts || at != b.Time[i]
		r.receipt = append(r.receipt, at)
	}
	if receipts {
		b.Receipt = r.receipt
		changed = true
	}
	if changed {
		r.times(b)
	}
	Give(b, r.fields, r.want, r.given)
	return r.next.Push(b)
}

// times fills the columns of an event's times anew.
func (r *Reader) times(b *event.Batch) {
	fill := func(name string, of []int64) {
		s, ok := r.want.Layout.Find(name)
		if !ok || !r.want.Fields.Has(s) && (!r.want.Fields.All || r.want.JSON || name == "_receiptTime") {
			return
		}
		col := b.Col(s)
		col.Reset()
		for i, ms := range of {
			if ms != event.NoTime {
				col.Set(uint16(i), event.Int(ms))
			}
		}
	}
	fill("_messageTime", b.Time)
	receipt := b.Receipt
	if receipt == nil {
		receipt = b.Time
	}
	fill("_receiptTime", receipt)
}

// Give gives the events of a batch that do not have them the fields of their origin, as
// far as they are wanted. slots remembers where the fields of one run go.
func Give(b *event.Batch, fields []Field, want *input.Want, slots map[string]event.Slot) {
	for _, f := range fields {
		s, ok := slots[f.Name]
		if !ok {
			if s, ok = want.Layout.Find(f.Name); !ok || !want.Fields.Has(s) {
				s, ok = event.None, want.Fields.All
				if ok {
					s = want.Layout.Met(f.Name)
				}
			}
			slots[strings.Clone(f.Name)] = s
		}
		if s == event.None {
			continue
		}
		col := b.Col(s)
		code := uint16(0)
		for i := range uint16(b.N) {
			if !col.At(i).IsNull() {
				continue
			}
			if code == 0 {
				code = col.Put(event.Text(f.Value))
			}
			col.SetCode(i, code)
		}
	}
}

// Times gives rows the time that the text of each says, as it is read of a file: that of
// its first event, event.NoTime where it says none. want says how times are read.
func Times(rows []Row, want *input.Want) error {
	w := *want
	w.Fields, w.Need, w.Conditions, w.Only = event.Fields{}, nil, nil, nil
	r := NewReader(&w)
	r.asSaid = true
	numbered := slices.Clone(rows)
	for i := range rows {
		numbered[i].Seq, rows[i].Time = uint64(i)*timesApart, event.NoTime
	}
	met := make([]bool, len(rows))
	first := make([]int64, len(rows))
	return r.Read(numbered, firstTimes(func(b *event.Batch) {
		for i := range b.N {
			k, at := b.Pos[i]/timesApart, int64(b.Pos[i]%timesApart)
			if !met[k] || at < first[k] {
				met[k], first[k], rows[k].Time = true, at, b.Time[i]
			}
		}
	}))
}

// timesApart is more than the longest message has bytes.
const timesApart = 1 << 40

type firstTimes func(*event.Batch)

func (f firstTimes) Push(b *event.Batch) error { f(b); return nil }
