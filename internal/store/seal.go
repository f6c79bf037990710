package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/store/columns"
	"github.com/gyoji-dev/gyoji/internal/store/message"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// partsMax is how many categories of a log file get segments of their own. What is of
// others goes into one together.
const partsMax = 32

// Seal makes segments of the log's files that are full, or with all of all of it. It
// returns how many files it made segments of.
func (s *Store) Seal(ctx context.Context, all bool) (n int, err error) {
	if s.db == nil {
		return 0, errRead
	}
	s.work.Lock()
	defer s.work.Unlock()
	if all {
		if err := s.log.rotate(ctx); err != nil {
			return 0, err
		}
	}
	for {
		l := s.log
		l.mu.Lock()
		var f *logFile
		if len(l.files) > 0 && l.files[0].full {
			f = l.files[0]
			f.refs.Add(1)
		}
		l.mu.Unlock()
		if f == nil {
			return n, nil
		}
		err := s.seal(ctx, f)
		f.release()
		if err != nil {
			return n, err
		}
		n++
	}
}

// seal makes segments of one file.
func (s *Store) seal(ctx context.Context, f *logFile) (err error) {
	x := &sealing{s: s, f: f, parts: map[string]*sealPart{}}
	var made []*segment
	defer func() {
		if err != nil { // nothing of them counts; the next start would remove them, too
			for _, g := range made {
				for _, n := range g.names() {
					s.disk.Remove(n + newSuffix)
				}
			}
		}
	}()
	if err := x.plan(ctx); err != nil {
		return err
	}
	for _, p := range x.order() {
		g, err := s.writeColumns(x.rows(ctx, p), p.categories)
		if err != nil {
			return err
		}
		if g != nil {
			made = append(made, g)
		}
	}
	if len(x.stay) > 0 {
		g, err := x.frames()
		if err != nil {
			return err
		}
		made = append(made, g)
	}
	for _, g := range made {
		g.PutIn = time.Now().UnixMilli()
	}
	all := made
	made = nil // whether the catalogue has them is known at the next start at the latest
	return s.replace(ctx, all, nil, f.end, nil)
}

// sealing is the work on one log file.
type sealing struct {
	s     *Store
	f     *logFile
	parts map[string]*sealPart // by category
	stay  []frameAt            // pieces that are kept as they are

	stayCategories map[string]bool

	buf, unpacked []byte
	known         map[string]*known
}

// sealPart is what goes into one segment.
type sealPart struct {
	name       string
	bytes      int64
	categories []string
	frames     []frameAt
}

// frameAt is where a frame stands.
type frameAt struct {
	off int64
	header
}

// plan decides for each frame where it goes.
func (x *sealing) plan(ctx context.Context) error {
	x.stayCategories = map[string]bool{}
	x.known = map[string]*known{}
	for i := range x.f.runs {
		err := x.each(ctx, &x.f.runs[i], func(at frameAt, rest []byte) error {
			k, err := x.share(&at.header, rest)
			if err != nil {
				return err
			}
			if at.kind == kindMessages { // which are unpacked once, when they are written
				x.part(k.source.Category, at)
				return nil
			}
			k, body, err := x.unpack(&at.header, rest)
			if err != nil {
				return err
			}
			_, categories, same, err := x.rowsOf(&at.header, k, body, true)
			slices.Sort(categories)
			categories = slices.Compact(categories)
			if err != nil {
				return err
			}
			if !same {
				x.stay = append(x.stay, at)
				for _, c := range categories {
					x.stayCategories[c] = true
				}
				return nil
			}
			for _, c := range categories {
				x.part(c, at)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (x *sealing) part(category string, at frameAt) {
	p := x.parts[category]
	if p == nil {
		p = &sealPart{name: category, categories: []string{category}}
		x.parts[category] = p
	}
	p.frames = append(p.frames, at)
	p.bytes += int64(at.unpacked)
}

// order gives the parts, largest first, the many small ones as one.
func (x *sealing) order() []*sealPart {
	var all []*sealPart
	for _, p := range x.parts {
		all = append(all, p)
	}
	sort.Slice(all, func(i, j int) bool {
		if all[i].bytes != all[j].bytes {
			return all[i].bytes > all[j].bytes
		}
		return all[i].name < all[j].name
	})
	if len(all) > partsMax {
		rest := all[partsMax-1]
		for _, p := range all[partsMax:] {
			rest.categories = append(rest.categories, p.name)
			rest.frames = append(rest.frames, p.frames...)
		}
		slices.SortFunc(rest.frames, func(a, b frameAt) int { return int(a.off - b.off) })
		rest.frames = slices.CompactFunc(rest.frames, func(a, b frameAt) bool { return a.off == b.off })
		all = all[:partsMax]
	}
	return all
}

// each hands out the frames of a run, with what stands after their headers. Those of which
// do says errDamaged are passed over, and told of.
func (x *sealing) each(ctx context.Context, r *run, do func(frameAt, []byte) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	x.buf = slices.Grow(x.buf[:0], int(r.size))[:r.size]
	if n, err := r.file.f.ReadAt(x.buf, r.off); n < len(x.buf) {
		return fmt.Errorf("store: %s: %w", r.file.name, err)
	}
	for at := 0; at < len(x.buf); {
		h, ok := parseHeader(x.buf[at:])
		if !ok || h.size() > len(x.buf)-at {
			x.s.damage(r.file.f, damage{r.file.name, r.off + int64(at), r.off + r.size}, "no sound frame")
			return nil
		}
		err := do(frameAt{r.off + int64(at), h}, x.buf[at+headerBytes:at+h.size()])
		if err == errDamaged {
			x.s.damage(r.file.f, damage{r.file.name, r.off + int64(at), r.off + int64(at+h.size())}, "its checksum does not fit")
		} else if err != nil {
			return err
		}
		at += h.size()
	}
	return nil
}

// share checks a frame and gives what its messages have in common.
func (x *sealing) share(h *header, rest []byte) (*known, error) {
	if !h.sound(rest) {
		return nil, errDamaged
	}
	k := x.known[string(rest[:h.shared])]
	if k == nil || (k.piece != nil) != (h.kind == kindPiece) {
		var err error
		if k, err = newKnown(rest[:h.shared], h.kind); err != nil {
			return nil, err
		}
		if len(x.known) >= knownMax {
			clear(x.known)
		}
		x.known[string(rest[:h.shared])] = k
	}
	return k, nil
}

// unpack is share, and gives the frame's body, too.
func (x *sealing) unpack(h *header, rest []byte) (k *known, body []byte, err error) {
	if k, err = x.share(h, rest); err == nil {
		x.unpacked, err = h.unpack(rest[h.shared:], x.unpacked[:0])
	}
	return k, x.unpacked, err
}

// rows gives the messages of a part.
func (x *sealing) rows(ctx context.Context, p *sealPart) iter.Seq2[message.Row, error] {
	return func(yield func(message.Row, error) bool) {
		var rows []message.Row
		for _, at := range p.frames {
			if err := ctx.Err(); err != nil {
				yield(message.Row{}, err)
				return
			}
			x.buf = slices.Grow(x.buf[:0], at.size())[:at.size()]
			n, err := x.f.f.ReadAt(x.buf, at.off)
			if n < len(x.buf) {
				yield(message.Row{}, fmt.Errorf("store: %s: %w", x.f.name, err))
				return
			}
			k, body, err := x.unpack(&at.header, x.buf[headerBytes:])
			if err == errDamaged {
				x.s.damage(x.f.f, damage{x.f.name, at.off, at.off + int64(at.size())}, "does not unpack")
				continue
			}
			if err == nil && at.kind == kindMessages {
				rows, err = at.rows(body, k.origin, rows[:0])
			} else if err == nil {
				var all []message.Row
				var of []string
				all, of, _, err = x.rowsOf(&at.header, k, body, false)
				rows = rows[:0]
				for i := range all { // the others are in their own parts
					if slices.Contains(p.categories, of[i]) {
						rows = append(rows, all[i])
					}
				}
			}
			if err != nil {
				yield(message.Row{}, err)
				return
			}
			for i := range rows {
				if !yield(rows[i], nil) {
					return
				}
			}
		}
	}
}

// writeColumns writes a segment of messages under its new name; nil where there are none.
func (s *Store) writeColumns(rows iter.Seq2[message.Row, error], categories []string) (g *segment, err error) {
	name := s.segmentName(columnSuffix)
	g = &segment{store: s}
	g.Name, g.Columns, g.Categories = name, true, categories
	g.refs.Store(1)
	create := func(name string) (*appender, error) {
		f, err := s.disk.Create(name + newSuffix)
		return &appender{f: f}, err
	}
	body, err := create(name)
	if err != nil {
		return nil, s.writing(err)
	}
	tokens, err := create(g.base() + filterSuffix)
	if err != nil {
		body.f.Close()
		return nil, s.writing(err)
	}
	defer func() {
		if err != nil || g == nil {
			s.disk.Remove(name + newSuffix)
			s.disk.Remove(strings.TrimSuffix(name, columnSuffix) + filterSuffix + newSuffix)
		}
	}()
	names, err := s.askedFor()
	if err != nil {
		return nil, errors.Join(err, body.f.Close(), tokens.f.Close())
	}
	sum, err := columns.Write(body, rows, columns.Options{Filters: tokens, Asked: names})
	err = errors.Join(err, body.finish(), tokens.finish())
	if err != nil {
		return nil, s.writing(err)
	}
	if sum.Rows == 0 {
		return nil, nil
	}
	g.MinTime, g.MaxTime, g.MinReceipt, g.MaxReceipt = sum.MinTime, sum.MaxTime, sum.MinReceipt, sum.MaxReceipt
	g.MinSeq, g.MaxSeq, g.Messages, g.RawBytes = sum.MinSeq, sum.MaxSeq, sum.Rows, sum.RawBytes
	g.FileBytes, g.FilterBytes = body.at, tokens.at
	if err := g.look(); err != nil { // what was written is read back before the log is given up
		return nil, err
	}
	return g, nil
}

// look opens a segment that has its new names yet, and takes over what it says of itself.
func (g *segment) look() error {
	f, err := g.store.disk.Open(g.Name + newSuffix)
	if err != nil {
		return err
	}
	defer f.Close()
	file, err := columns.Open(f, g.FileBytes, columns.OpenOptions{Name: g.Name})
	if err != nil {
		return err
	}
	if err := g.isThe(file, g.FileBytes); err != nil {
		return fmt.Errorf("store: %s: %w", g.Name, err)
	}
	st := file.Stats()
	g.Untimed = st.Untimed
	return nil
}

// writing is an error of writing segments as callers get it.
func (s *Store) writing(err error) error {
	if full(err) {
		return &FullError{Reason: "the disk is full", After: fullWait}
	}
	return fmt.Errorf("store: write a segment: %w", err)
}

// frames writes the pieces that stay as they are.
func (x *sealing) frames() (g *segment, err error) {
	s := x.s
	g = &segment{store: s}
	g.Name = s.segmentName(logSuffix)
	g.refs.Store(1)
	f, err := s.disk.Create(g.Name + newSuffix)
	if err != nil {
		return nil, s.writing(err)
	}
	out := &appender{f: f}
	defer func() {
		if err != nil {
			s.disk.Remove(g.Name + newSuffix)
		}
	}()
	times := newSpan()
	for _, at := range x.stay {
		x.buf = slices.Grow(x.buf[:0], at.size())[:at.size()]
		if n, err := x.f.f.ReadAt(x.buf, at.off); n < len(x.buf) {
			f.Close()
			return nil, fmt.Errorf("store: %s: %w", x.f.name, err)
		}
		frame := x.buf
		if _, body, err := x.unpack(&at.header, x.buf[headerBytes:]); err == nil { // else it is kept as it is, and named when it is read
			frame = at.repack(nil, x.buf[headerBytes:headerBytes+at.shared], body)
		}
		if _, err := out.Write(frame); err != nil {
			f.Close()
			return nil, s.writing(err)
		}
		if at.timed {
			times.add(at.earliest, at.latest)
		} else {
			g.Untimed++
		}
		if g.MinSeq == 0 {
			g.MinSeq = at.seq
		}
		g.MaxSeq = at.seq
		g.Messages += int64(at.messages)
		g.RawBytes += int64(at.unpacked)
	}
	if err := out.finish(); err != nil {
		return nil, s.writing(err)
	}
	g.FileBytes = out.at
	g.MinTime, g.MaxTime = times.orZero()
	g.MinReceipt, g.MaxReceipt = g.MinTime, g.MaxTime
	for c := range x.stayCategories {
		g.Categories = append(g.Categories, c)
	}
	slices.Sort(g.Categories)
	return g, nil
}

// rowsOf makes messages of a piece's events, and says of which category each is. same says
// that reading them gives what reading the piece gives: events, times, fields, places, and
// no warning. Where it does not, the rows are of no use. Without compare it is not looked
// at.
func (x *sealing) rowsOf(h *header, k *known, body []byte, compare bool) (rows []message.Row, categories []string, same bool, err error) {
	direct := newEvents(compare)
	p, err := newPieceReader(&k.shared, direct.want, direct)
	if err != nil {
		return nil, nil, false, err
	}
	p.shift = h.seq - uint64(k.piece.Offset)
	if err := p.Read(input.Block{Data: body, Offset: k.piece.Offset, Part: k.part}, p); err != nil {
		return nil, nil, false, err
	}
	direct.sort()
	if k.rows == nil {
		k.rows = &message.Origin{Origin: k.source.origin(), Format: k.format, Head: k.piece.Head, Fields: k.origin.Fields}
		if k.format == "evtx" {
			k.rows.Format = "jsonl" // _raw is an object of JSON
		}
		k.rows.Name = cmp.Or(k.rows.Name, k.piece.Name)
	}
	for i := range direct.list {
		e := &direct.list[i]
		row := message.Row{Seq: e.pos, Time: e.time, Receipt: e.receipt, Origin: k.rows, Raw: e.raw}
		if k.format == "jsonl" { // all of the line: a message's text is a part of it
			start := bytes.LastIndexByte(body[:min(int(e.pos-h.seq), len(body))], '\n') + 1
			row.Seq = h.seq + uint64(start)
			if n := len(rows); n > 0 && rows[n-1].Seq == row.Seq {
				continue // another event of the same line
			}
			row.Raw, _, _ = bytes.Cut(body[start:], []byte{'\n'})
		}
		rows, categories = append(rows, row), append(categories, e.category)
	}
	if len(rows) == 0 {
		return nil, []string{k.source.Category}, false, nil
	}
	if !compare {
		return rows, categories, false, nil
	}
	if len(direct.want.Warnings.List()) > 0 {
		return nil, categories, false, nil
	}
	again := newEvents(true)
	if err := message.NewReader(again.want).Read(rows, again); err != nil {
		return nil, categories, false, err
	}
	again.sort()
	return rows, categories, len(again.want.Warnings.List()) == 0 && sameEvents(direct.list, again.list), nil
}

// events collects events, with a sum of all their fields.
type events struct {
	want  *input.Want
	all   bool
	list  []oneEvent
	sums  []uint64 // of a column's dictionary
	names []uint64 // of slots, of their names
}

// oneEvent is an event, to be compared.
type oneEvent struct {
	pos           uint64
	time, receipt int64
	raw           []byte
	category      string
	fields        uint64 // sum over its fields of a hash of name, kind and value
}

func newEvents(all bool) *events {
	l := event.NewLayout("_raw", "_sourceCategory")
	w := &input.Want{Layout: l, Warnings: &exec.Warnings{}, Now: time.Now()}
	if all {
		l.Slot("_receiptTime")
		l.Slot("_size")
	}
	for s := range l.Len() {
		w.Fields.Add(event.Slot(s))
	}
	w.Fields.All = all
	return &events{want: w, all: all}
}

func (e *events) sort() {
	slices.SortStableFunc(e.list, func(a, b oneEvent) int { return cmp.Compare(a.pos, b.pos) })
}

var fieldSeed = maphash.MakeSeed()

func (e *events) Push(b *event.Batch) error {
	start := len(e.list)
	for i := range uint16(b.N) {
		o := oneEvent{pos: b.Pos[i], time: b.Time[i]}
		if b.Receipt != nil && b.Receipt[i] != b.Time[i] {
			o.receipt = b.Receipt[i]
		}
		if v := b.Value(0, i); !v.IsNull() {
			o.raw = []byte(v.Str())
		}
		if v := b.Value(1, i); !v.IsNull() {
			o.category = strings.Clone(v.Str())
		}
		e.list = append(e.list, o)
	}
	if !e.all {
		return nil
	}
	for len(e.names) < len(b.Cols) {
		e.names = append(e.names, maphash.String(fieldSeed, e.want.Layout.Name(event.Slot(len(e.names)))))
	}
	for s := range b.Cols {
		c := &b.Cols[s]
		e.sums = e.sums[:0]
		for _, v := range c.Dict {
			sum := uint64(0)
			if !v.IsNull() {
				kind, bits, text := v.Parts()
				sum = (maphash.String(fieldSeed, text) ^ bits*0x9E3779B97F4A7C15 ^ uint64(kind)<<56) * (e.names[s] | 1)
				sum ^= sum >> 29
			}
			e.sums = append(e.sums, sum)
		}
		for i, code := range c.Code[:min(len(c.Code), b.N)] {
			if int(code) < len(e.sums) {
				e.list[start+i].fields += e.sums[code]
			}
		}
	}
	return nil
}

func sameEvents(a, b []oneEvent) bool {
	return slices.EqualFunc(a, b, func(x, y oneEvent) bool {
		return x.pos == y.pos && x.time == y.time && x.receipt == y.receipt && x.fields == y.fields
	})
}
