package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/store/columns"
	"github.com/gyoji-dev/gyoji/internal/store/message"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Feed gives each worker units of the store, newest first: those of the log, then groups
// of rows of segments.
func (f *feeder) Feed(ctx context.Context, want *input.Want) exec.Feed {
	return f.FeedTwice(ctx, want, nil)
}

// FeedTwice makes a feeder an input.Twice.
func (f *feeder) FeedTwice(ctx context.Context, want *input.Want, more []input.Reading) exec.Feed {
	u := &units{snap: f.snap, want: want}
	u.runs = f.snap.runs
	f.snap.store.asked.note(want)
	want.Count(&f.events)
	return func(worker int, front exec.Sink) error {
		r := newReader(f.snap, want, counting{front, f})
		again := make([]*reader, len(more))
		for {
			if err := ctx.Err(); err != nil {
				return err
			}
			one, ok := u.take()
			if !ok {
				return nil
			}
			if err := r.unit(one); err != nil {
				return err
			}
			for k, m := range more {
				if !m.Matters(worker) {
					continue
				}
				if again[k] == nil {
					again[k] = newReader(f.snap, m.Want(worker), m.To(worker))
				}
				if err := again[k].unit(one); err != nil {
					return err
				}
			}
			f.read.Add(one.bytes)
		}
	}
}

// unit is what a worker reads at a time: a run of frames, or a group of rows.
type unit struct {
	run     *run
	segment *segment
	group   int
	bytes   int64
}

// units hands out the units of a snapshot to the workers of one run.
type units struct {
	snap *Snapshot
	want *input.Want

	mu    sync.Mutex
	runs  []run
	seg   int // the next to be opened
	open  *segment
	group int
}

// take is the next unit that may have what is wanted.
func (u *units) take() (unit, bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	v := &u.snap.view
	for {
		for len(u.runs) > 0 {
			r := &u.runs[0]
			u.runs = u.runs[1:]
			if from, to := r.times(); u.within(from, to) && v.wants(r) {
				return unit{run: r, bytes: r.unpacked}, true
			}
		}
		if g := u.open; g != nil {
			for u.group < g.file.Groups() {
				i := u.group
				u.group++
				st := g.file.Group(i).Stats()
				if !u.within(st.MinTime, st.MaxTime) || v.ByReceipt && (v.From != 0 && st.MaxReceipt < v.From || v.To != 0 && st.MinReceipt >= v.To) {
					continue
				}
				return unit{segment: g, group: i, bytes: st.RawBytes}, true
			}
			u.open = nil
		}
		if u.seg == len(u.snap.segs) {
			return unit{}, false
		}
		g := u.snap.segs[u.seg]
		u.seg++
		if !u.within(g.MinTime, g.MaxTime) {
			continue
		}
		if err := g.open(); err != nil {
			lost(u.snap, u.want, g.Name, -1, err)
			continue
		}
		if g.frames != nil {
			u.runs = g.frames.runs
		} else {
			u.open, u.group = g, 0
		}
	}
}

// within reports whether a time range meets that of the run.
func (u *units) within(from, to int64) bool {
	return !u.want.Bounded || to >= u.want.From && from < u.want.To
}

// unit reads a unit.
func (r *reader) unit(u unit) error {
	if u.run != nil {
		return r.run(u.run)
	}
	if r.scan == nil {
		r.scan = columns.NewScan(r.want)
	}
	next := r.next
	if after := r.snap.view.After; after > u.segment.MinSeq {
		next = since{next, after}
	}
	err := r.scan.Read(u.segment.file.Group(u.group), next)
	var damaged *columns.Damaged
	if errors.As(err, &damaged) {
		lost(r.snap, r.want, u.segment.Name, u.group, damaged.Err)
		return nil
	}
	return err
}

// lost says that a segment, or a group of its rows, cannot be read.
func lost(v *Snapshot, want *input.Want, name string, group int, err error) {
	problem := strings.TrimPrefix(err.Error(), name+": ") // which names the file, too
	if group >= 0 {
		problem = fmt.Sprintf("row group %d: %v", group, err)
	}
	want.Warnings.Add("damaged part of the store", true, exec.Sample{Part: name, Detail: problem})
	v.store.told(name, errors.New(problem))
}

// counting counts the events that a run is given.
type counting struct {
	next exec.Sink
	f    *feeder
}

func (c counting) Push(b *event.Batch) error {
	n := int64(0)
	for _, at := range b.Time {
		if at == event.NoTime {
			n++
		}
	}
	c.f.events.Add(int64(b.N))
	c.f.given.Add(int64(b.N))
	if n > 0 {
		c.f.untimed.Add(n)
	}
	return c.next.Push(b)
}

// since keeps the events from a position on.
type since struct {
	next  exec.Sink
	after uint64
}

func (x since) Push(b *event.Batch) error {
	live := b.Live[:0]
	for _, r := range b.Live {
		if b.Pos[r] >= x.after {
			live = append(live, r)
		}
	}
	if b.Live = live; len(live) == 0 {
		return nil
	}
	return x.next.Push(b)
}

// received keeps the events that were received in a time range.
type received struct {
	next     exec.Sink
	from, to int64 // to 0 is open
}

func (x received) Push(b *event.Batch) error {
	at := b.Receipt
	if at == nil {
		at = b.Time
	}
	live := b.Live[:0]
	for _, r := range b.Live {
		if at[r] >= x.from && (x.to == 0 || at[r] < x.to) {
			live = append(live, r)
		}
	}
	if b.Live = live; len(live) == 0 {
		return nil
	}
	return x.next.Push(b)
}

// reader is one worker's reading of units.
type reader struct {
	snap     *Snapshot
	want     *input.Want
	next     exec.Sink
	messages *message.Reader
	scan     *columns.Scan // of segments; nil until one is met

	stored, unpacked []byte
	rows             []message.Row
	pieces           map[pieceKey]*pieceReader
	known            map[string]*known // by the bytes of the shared part
}

// pieceKey is what pieces have to have in common to be read by one reader.
type pieceKey struct {
	format, category, zone, fields string
	now                            int64
}

// piecesMax is how many such readers a worker keeps.
const piecesMax = 64

// known is the shared part of frames.
type known struct {
	shared
	origin *message.Origin
	part   *input.Part     // of a piece
	rows   *message.Origin // of messages made of a piece's events
}

// knownMax is how many shared parts a worker remembers.
const knownMax = 4096

func newReader(v *Snapshot, want *input.Want, next exec.Sink) *reader {
	if v.view.ByReceipt {
		next = received{next, v.view.From, v.view.To}
	}
	return &reader{
		snap: v, want: want, next: next, messages: message.NewReader(want),
		pieces: map[pieceKey]*pieceReader{}, known: map[string]*known{},
	}
}

// run reads the frames of a run. Those that are damaged are told of and passed over.
func (r *reader) run(run *run) error {
	r.stored = slices.Grow(r.stored[:0], int(run.size))[:run.size]
	if n, err := run.file.f.ReadAt(r.stored, run.off); n < len(r.stored) {
		r.lost(run, 0, len(r.stored), fmt.Sprint("cannot be read: ", err))
		return nil
	}
	r.unpacked, r.rows = r.unpacked[:0], r.rows[:0]
	for at := 0; at < len(r.stored); {
		h, ok := parseHeader(r.stored[at:])
		if !ok || h.size() > len(r.stored)-at {
			r.lost(run, at, len(r.stored), "no sound frame")
			break
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
	return r.messages.Read(r.rows, r.next)
}

// lost says that a stretch of a run cannot be read.
func (r *reader) lost(run *run, from, to int, why string) {
	r.want.Warnings.Add("damaged part of the store", true, exec.Sample{
		Part: run.file.name, Detail: fmt.Sprintf("%d bytes at byte %d: %s", to-from, run.off+int64(from), why),
	})
	r.snap.store.damage(run.file.f, damage{run.file.name, run.off + int64(from), run.off + int64(to)}, why)
}

// frame reads a piece, or adds messages to those that the run is read for.
func (r *reader) frame(h *header, rest []byte) (err error) {
	if h.seq < r.snap.view.After {
		return nil
	}
	k, err := r.share(h, rest[:h.shared])
	if err != nil {
		return err
	}
	at := len(r.unpacked)
	if r.unpacked, err = h.unpack(rest[h.shared:], r.unpacked); err != nil {
		return err
	}
	body := r.unpacked[at:]
	if h.kind == kindMessages {
		r.rows, err = h.rows(body, k.origin, r.rows)
		return err
	}
	p, err := r.piece(&k.shared)
	if err != nil {
		return err
	}
	p.shift = h.seq - uint64(k.piece.Offset)
	err = p.Read(input.Block{Data: body, Offset: k.piece.Offset, Part: k.part}, p)
	r.unpacked = r.unpacked[:at]
	return err
}

// share is what a frame's messages have in common, made once for equal bytes.
func (r *reader) share(h *header, b []byte) (*known, error) {
	if k := r.known[string(b)]; k != nil && (k.piece != nil) == (h.kind == kindPiece) {
		return k, nil
	}
	k, err := newKnown(b, h.kind)
	if err != nil {
		return nil, err
	}
	if len(r.known) >= knownMax {
		clear(r.known)
	}
	r.known[string(b)] = k
	return k, nil
}

func newKnown(b []byte, kind uint8) (*known, error) {
	s, err := parseShared(b, kind)
	if err != nil {
		return nil, err
	}
	k := &known{shared: *s, origin: s.origin()}
	if s.piece != nil {
		k.part = &input.Part{Name: s.piece.Name, Size: -1, Head: s.piece.Head, DateOrder: s.piece.Dates, Origin: s.source.origin()}
		k.part.Origin.Category = "" // see newPieceReader
	}
	return k, nil
}

// pieceReader reads pieces of one format, and is the sink of their events: it gives them
// their positions in the store.
type pieceReader struct {
	input.BlockReader
	next   exec.Sink
	want   *input.Want
	fields []message.Field
	slots  map[string]event.Slot
	shift  uint64 // from a position in the file to that in the store
}

func (p *pieceReader) Push(b *event.Batch) error {
	for i := range b.Pos {
		b.Pos[i] += p.shift
	}
	message.Give(b, p.fields, p.want, p.slots)
	return p.next.Push(b)
}

// piece is what reads pieces as one.
func (r *reader) piece(s *shared) (*pieceReader, error) {
	key := pieceKey{s.format, s.source.Category, s.piece.Zone, fmt.Sprint(s.fields), s.piece.Now}
	if p := r.pieces[key]; p != nil {
		return p, nil
	}
	p, err := newPieceReader(s, r.want, r.next)
	if err != nil {
		return nil, err
	}
	if len(r.pieces) >= piecesMax {
		clear(r.pieces)
	}
	r.pieces[key] = p
	return p, nil
}

func newPieceReader(s *shared, from *input.Want, next exec.Sink) (*pieceReader, error) {
	f := format.Named(s.format)
	if f == nil {
		return nil, fmt.Errorf("store: %s was read as %q, a format that this gyoji does not know", s.piece.Name, s.format)
	}
	p := &pieceReader{next: next, want: from, fields: s.origin().Fields, slots: map[string]event.Slot{}}
	want := *from
	want.Readers = nil
	if len(p.fields) > 0 {
		want.Need = nil // it need not stand in the text
	}
	// An event's time is found when it is put in: it does not change with who asks.
	want.Now, want.Zone = time.UnixMilli(s.piece.Now).UTC(), time.UTC
	if s.piece.Zone != "" {
		zone, err := datefmt.Zone(s.piece.Zone)
		if err != nil {
			return nil, fmt.Errorf("store: %s was read in zone %s: %w", s.piece.Name, s.piece.Zone, err)
		}
		want.Zone = zone
	}
	// The category that a file was given is every event's, as --category makes it.
	if want.Category == "" {
		want.Category = s.source.Category
	}
	if only := want.Only; only != nil {
		want.Only = func(pos uint64) bool { return only(pos + p.shift) }
	}
	p.BlockReader = f.New(&want)
	return p, nil
}
