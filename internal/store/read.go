package store

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Feed gives each worker runs of the log, newest first.
func (f *feeder) Feed(ctx context.Context, want *input.Want) exec.Feed {
	return f.FeedTwice(ctx, want, nil)
}

// FeedTwice makes a feeder an input.Twice: a unit is what one reading of a format takes.
func (f *feeder) FeedTwice(ctx context.Context, want *input.Want, more []input.Again) exec.Feed {
	runs := f.fewer(want)
	want.Count(&f.snap.events)
	return func(worker int, front exec.Sink) error {
		r := f.snap.reader(want, front)
		var again []*reader
		for _, m := range more {
			again = append(again, f.snap.reader(m.Want(worker), m.To(worker)))
		}
		r.then = func(u *unit) error {
			for i, m := range more {
				if m.Matters(worker) {
					if err := again[i].read(u); err != nil {
						return err
					}
				}
			}
			return nil
		}
		r.counts = true
		for {
			if err := ctx.Err(); err != nil {
				return err
			}
			i := f.at.Add(1) - 1
			if i >= int64(len(runs)) {
				return nil
			}
			if err := r.run(&runs[i]); err != nil {
				return err
			}
		}
	}
}

// reader is one worker's reading of frames.
type reader struct {
	snap   *Snapshot
	want   *input.Want
	next   exec.Sink
	counts bool
	then   func(*unit) error

	stored, unpacked []byte
	table            []message
	ends             []int
	unit             unit
	formats          map[string]*formatReader // by format, category given and kind
	shares           map[string]*shared       // by kind and bytes
	parts            map[*shared]*input.Part
}

// formatReader is an input.BlockReader and what its Want needs to know of the unit.
type formatReader struct {
	input.BlockReader
	sink sink
	own  *exec.Warnings // of a format whose messages may prove to be something else
}

// unit is a text that one format's reader takes at a time.
type unit struct {
	block  input.Block
	format string
	shared *shared
	header *header
	// messages are those of a frame of messages that the block has, which begins
	// at byte start of the frame's texts; nil for a piece of a file.
	messages []message
	start    int
}

func (v *Snapshot) reader(want *input.Want, next exec.Sink) *reader {
	return &reader{
		snap: v, want: want, next: next,
		formats: map[string]*formatReader{}, shares: map[string]*shared{}, parts: map[*shared]*input.Part{},
	}
}

// run reads the frames of a run. Those that are damaged are told of and passed over.
func (r *reader) run(run *run) error {
	r.stored = slices.Grow(r.stored[:0], int(run.size))[:run.size]
	n, err := run.file.f.ReadAt(r.stored, run.off)
	if n < len(r.stored) {
		r.lost(run, 0, len(r.stored), fmt.Sprint("cannot be read: ", err))
		return nil
	}
	for at := 0; at < len(r.stored); {
		h, ok := parseHeader(r.stored[at:])
		if !ok || h.size() > len(r.stored)-at {
			r.lost(run, at, len(r.stored), "no sound frame")
			return nil
		}
		rest := r.stored[at+headerBytes : at+h.size()]
		if !h.sound(rest) {
			r.lost(run, at, at+h.size(), "its checksum does not fit")
		} else if err := r.frame(&h, rest); err == errDamaged {
			r.lost(run, at, at+h.size(), "does not unpack")
		} else if err != nil {
			return err
		}
		at += h.size()
	}
	return nil
}

// lost says that a stretch of a run cannot be read.
func (r *reader) lost(run *run, from, to int, why string) {
	r.want.Warnings.Add("damaged part of the store", true, exec.Sample{
		Part: run.file.name, Detail: fmt.Sprintf("%d bytes at byte %d: %s", to-from, run.off+int64(from), why),
	})
	r.snap.store.damage(run.file.f, damage{run.file.name, run.off + int64(from), run.off + int64(to)}, why)
}

// frame reads one frame.
func (r *reader) frame(h *header, rest []byte) (err error) {
	s, err := r.share(h, rest[:h.shared])
	if err != nil {
		return err
	}
	body, err := h.unpack(rest[h.shared:], r.unpacked)
	if err != nil {
		return err
	}
	if h.codec != codecNone {
		r.unpacked = body
	}
	r.snap.read.Add(int64(len(body)))
	u := &r.unit
	*u = unit{shared: s, header: h}
	if h.kind == kindPiece {
		u.block = input.Block{Data: body, Offset: s.piece.Offset, Part: r.part(s)}
		u.format = s.format
		return r.give(u)
	}
	if v := &r.snap.view; v.ByReceipt && (h.received < v.From || v.To != 0 && h.received >= v.To) {
		return nil
	}
	table, texts, err := h.parseMessages(body, r.table)
	if err != nil {
		return err
	}
	r.table = table
	for i, start := 0, 0; i < len(table); {
		how := howToRead(s.format, texts[start:table[i].end])
		j, end := i+1, table[i].end
		for how.many && j < len(table) && howToRead(s.format, texts[end+1:table[j].end]) == how {
			end = table[j].end
			j++
		}
		r.ends = r.ends[:0]
		for k := range table[i:j] {
			r.ends = append(r.ends, table[i+k].end-start)
		}
		u.block = input.Block{Data: texts[start : end+1], Part: r.part(s), Ends: r.ends}
		u.format, u.messages, u.start = how.format, table[i:j], start
		if err := r.give(u); err != nil {
			return err
		}
		i, start = j, end+1
	}
	return nil
}

// give reads a unit, and again where that is asked for.
func (r *reader) give(u *unit) error {
	if err := r.read(u); err != nil || r.then == nil {
		return err
	}
	return r.then(u)
}

func (r *reader) read(u *unit) error {
	f, err := r.format(u)
	if err != nil {
		return err
	}
	f.sink.unit = u
	f.sink.shift = u.header.seq + uint64(u.start) - uint64(u.block.Offset)
	f.sink.rows = 0
	if f.own == nil {
		return f.Read(u.block, &f.sink)
	}
	// A message is an event, also where it is not as sound as it looked.
	*f.own = exec.Warnings{}
	if err := f.Read(u.block, &f.sink); err != nil {
		return err
	}
	lost := false
	for _, w := range f.own.List() {
		lost = lost || w.Lost
	}
	if lost && f.sink.rows == 0 {
		u.format = plainText
		return r.read(u)
	}
	for _, w := range f.own.List() {
		for _, at := range w.Sample {
			r.want.Warnings.Add(w.Kind, w.Lost, at)
		}
	}
	return nil
}

// share is what a frame's messages have in common, made once for equal bytes.
func (r *reader) share(h *header, b []byte) (*shared, error) {
	key := string(append([]byte{h.kind}, b...))
	if s := r.shares[key]; s != nil {
		return s, nil
	}
	s, err := parseShared(b, h.kind)
	if err != nil {
		return nil, err
	}
	if len(r.shares) >= sharesMax {
		clear(r.shares)
		clear(r.parts)
	}
	r.shares[key] = s
	return s, nil
}

// sharesMax is how many sources a worker keeps at a time.
const sharesMax = 1024

func (r *reader) part(s *shared) *input.Part {
	p := r.parts[s]
	if p == nil {
		p = &input.Part{Size: -1, Origin: s.source.origin(), Format: format.Named(s.format)}
		if s.piece != nil {
			p.Name, p.Head, p.DateOrder = s.piece.Name, s.piece.Head, s.piece.Dates
			p.Origin.Category = "" // see format
		}
		r.parts[s] = p
	}
	return p
}

// format is what reads a unit.
func (r *reader) format(u *unit) (*formatReader, error) {
	category := ""
	if u.messages == nil {
		category = u.shared.source.Category
	}
	key := u.format + "\x00" + category
	if u.messages != nil {
		key += "\x00m"
	}
	if f := r.formats[key]; f != nil {
		return f, nil
	}
	kind := format.Named(u.format)
	if kind == nil {
		return nil, fmt.Errorf("store: %s was read as %q, a format that this gyoji does not know", u.shared.source.Name, u.format)
	}
	f := &formatReader{}
	want := *r.want
	want.Readers = nil
	// A file's category is every event's, as --category makes it.
	if category != "" && want.Category == "" {
		want.Category = category
	}
	if u.messages != nil && want.Bounded {
		want.Bounded = false // their times are not the reader's to find
	}
	if only := r.want.Only; only != nil {
		want.Only = func(pos uint64) bool { return only(pos + f.sink.shift) }
	}
	if u.messages != nil && !kind.Lines {
		f.own = &exec.Warnings{}
		want.Warnings = f.own
	}
	f.BlockReader = kind.New(&want)
	f.sink.init(r, u.messages != nil)
	if len(r.formats) >= sharesMax {
		clear(r.formats)
	}
	r.formats[key] = f
	return f, nil
}

// how is the way to read a message.
type how struct {
	format string
	many   bool // a block may have many such messages, a line each
}

// howToRead says how a message is read for fields: as the given format where it may be,
// else as that which it is a record of, else as text.
func howToRead(given string, text []byte) how {
	lines := bytes.IndexByte(text, '\n') >= 0
	if f := format.Named(given); f != nil && f.Lines && (!lines || f.Name == plainText) {
		return how{f.Name, true}
	}
	text = bytes.TrimRight(text, " \t\r\n")
	if len(text) == 0 {
		return how{plainText, true}
	}
	if text[0] == '{' && text[len(text)-1] == '}' && !lines {
		return how{"jsonl", true}
	}
	for _, f := range format.All() {
		if f.Record != nil && f.Record(text) >= len(text) {
			return how{f.Name, f.Lines && !lines}
		}
	}
	return how{plainText, true}
}

// plainText is the format of which each message that is known beforehand is an event.
const plainText = "lines"

// sink gives the rows of a unit their places in the store, and those of messages their times,
// the time of receipt and fields.
type sink struct {
	r     *reader
	unit  *unit
	rows  int
	shift uint64 // from a row's position in the block to its sequence number

	time, receipt []event.Slot // wanted
	fields        map[string]event.Slot
}

func (s *sink) init(r *reader, messages bool) {
	s.r = r
	if !messages {
		return
	}
	w := r.want
	for _, slot := range w.Fields.Slots() {
		switch strings.ToLower(w.Layout.Name(slot)) {
		case "_messagetime":
			s.time = append(s.time, slot)
		case "_receipttime":
			s.receipt = append(s.receipt, slot)
		}
	}
	if w.Fields.All && !w.JSON && len(s.time) == 0 {
		s.time = append(s.time, w.Layout.Slot("_messageTime"))
	}
	s.fields = map[string]event.Slot{}
}

func (s *sink) Push(b *event.Batch) error {
	s.rows += b.N
	if s.unit.messages != nil {
		s.stamp(b)
	}
	for i := range b.Pos {
		b.Pos[i] += s.shift
	}
	if s.r.counts {
		n := int64(0)
		for _, at := range b.Time {
			if at == event.NoTime {
				n++
			}
		}
		s.r.snap.events.Add(int64(b.N))
		if n > 0 {
			s.r.snap.untimed.Add(n)
		}
	}
	return s.r.next.Push(b)
}

// stamp gives rows what is known of their messages.
func (s *sink) stamp(b *event.Batch) {
	u := s.unit
	received := u.header.received
	b.Receipt = b.Receipt[:0]
	at := 0
	for row := range b.N {
		off := u.start + int(event.Offset(b.Pos[row]))
		if at >= len(u.messages) || u.messages[at].end < off || at > 0 && u.messages[at-1].end >= off {
			at = sort.Search(len(u.messages), func(i int) bool { return u.messages[i].end >= off })
		}
		if at < len(u.messages) && u.messages[at].timed {
			b.Time[row] = u.messages[at].time
		} else if b.Time[row] == event.NoTime {
			b.Time[row] = received
		}
		b.Receipt = append(b.Receipt, received)
	}
	for _, slot := range s.time {
		c := b.Col(slot)
		c.Reset()
		for row := range b.N {
			c.Set(uint16(row), event.Int(b.Time[row]))
		}
	}
	for _, slot := range s.receipt {
		b.Col(slot).Fill(b.N, event.Int(received))
	}
	for _, f := range u.shared.fields {
		slot, ok := s.fields[f.Name]
		if !ok {
			slot = event.None
			if found, ok := s.r.want.Layout.Find(f.Name); ok && s.r.want.Fields.Has(found) {
				slot = found
			} else if s.r.want.Fields.All && !s.r.want.JSON {
				slot = s.r.want.Layout.Met(f.Name)
			}
			s.fields[f.Name] = slot
		}
		if slot != event.None {
			b.Col(slot).Fill(b.N, event.Text(f.Value))
		}
	}
}
