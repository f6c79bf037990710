package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

const (
	logDir    = "log"
	logSuffix = ".gyl"
	// logFileBytes is how long a log file is when the next one begins.
	logFileBytes = 64 << 20
	// runBytes is how many unpacked bytes of frames are one unit of reading.
	runBytes = 1 << 20
	// groupKept is how much memory of a written group is kept for another.
	groupKept = 4 << 20
	// runFrames is how many frames are.
	runFrames = 4096
)

// logName is the name of the log file whose first frame has a sequence number.
func logName(seq uint64) string { return path.Join(logDir, fmt.Sprintf("%020d%s", seq, logSuffix)) }

// run is a unit of reading: frames of a log file that stand in a row.
type run struct {
	file     *logFile
	off      int64
	size     int64
	unpacked int64
	frames   int
	messages int64
	seq      uint64 // of the first message
	// earliest and latest are the messages' times, of use when timed.
	earliest, latest int64
	timed            bool
	// received and until are when the first and the last frames were received.
	received, until int64
	category        string // of all of them, where they have one and the same
}

// logFile is a file of the log. Those of a snapshot stay open when they are dropped.
type logFile struct {
	name string
	seq  uint64 // of the first frame that may be in it
	f    file
	size int64  // bytes that are durable
	last uint64 // position of the last frame
	end  uint64 // position after it; of a file that was recovered it may be some further
	full bool   // nothing more is written to it
	born time.Time
	runs []run
	refs atomic.Int32 // the log's, and one for each snapshot
}

func (l *logFile) release() {
	if l.refs.Add(-1) == 0 {
		l.f.Close()
	}
}

// add puts a durable frame at the end of the file's runs.
func (l *logFile) add(off int64, h *header, category string) {
	l.last = h.seq
	received, until := h.received, h.received
	if h.kind == kindPiece { // what files say of their events' receipt is their time
		if received, until = h.earliest, h.latest; !h.timed {
			received, until = math.MinInt64, math.MaxInt64
		}
	}
	n := len(l.runs)
	if n > 0 {
		r := &l.runs[n-1]
		if r.off+r.size == off && r.frames < runFrames && r.unpacked+int64(h.unpacked) <= runBytes {
			r.size += int64(h.size())
			r.unpacked += int64(h.unpacked)
			r.frames++
			r.messages += int64(h.messages)
			r.earliest, r.latest = min(r.earliest, h.earliest), max(r.latest, h.latest)
			r.received, r.until = min(r.received, received), max(r.until, until)
			r.timed = r.timed && h.timed
			if r.category != category {
				r.category = ""
			}
			return
		}
	}
	l.runs = append(l.runs, run{
		file: l, off: off, size: int64(h.size()), unpacked: int64(h.unpacked), frames: 1, messages: int64(h.messages),
		seq: h.seq, earliest: h.earliest, latest: h.latest, timed: h.timed, received: received, until: until, category: category,
	})
}

// log is the durable log: files of frames, the last of which is written to.
type log struct {
	disk      disk
	fileBytes int64
	max       int64 // bytes that the files may have together

	mu      sync.Mutex
	wake    sync.Cond // there is something to write, or the log is closed
	files   []*logFile
	bytes   int64  // of all files
	next    uint64 // sequence number to give
	durable uint64 // what the first message gets that is not on disk yet
	pending *group
	free    *group // memory of one that was written
	busy    bool   // a group is being written
	closed  bool
	broken  error // why nothing can be written any more

	failure  error // of the last write, nil where it went well
	failedAt time.Time
	ended    chan struct{}

	appended, synced atomic.Int64 // messages, and groups
}

// group is what is written and synced together: the frames of the calls that came while
// the group before was being written.
type group struct {
	batch
	*outcome
}

// batch is frames that are written together.
type batch struct {
	buf    []byte
	frames []framed
}

// framed is a frame's header and what else is known of it.
type framed struct {
	header
	room     uint64 // positions that it takes
	category string
}

// outcome is what became of a group, once done is closed.
type outcome struct {
	done chan struct{}
	err  error
}

// append makes frames durable, all or none, and returns the sequence number of the first
// message.
func (l *log) append(ctx context.Context, b *batch) (uint64, error) {
	l.mu.Lock()
	switch {
	case l.closed:
		l.mu.Unlock()
		return 0, errClosed
	case l.broken != nil:
		err := l.broken
		l.mu.Unlock()
		return 0, err
	case l.max > 0 && l.bytes+int64(len(b.buf)) > l.max:
		l.mu.Unlock()
		return 0, &FullError{Reason: "the log has grown to its limit", After: fullWait, log: true}
	}
	at := 0
	for i := range b.frames {
		f := &b.frames[i]
		f.seq = l.next
		l.next += f.room
		f.put(b.buf[at:])
		at += f.size()
	}
	first := b.frames[0].seq
	g := l.pending
	if g == nil {
		if g = l.free; g == nil {
			g = &group{}
		}
		l.free = nil
		g.outcome = &outcome{done: make(chan struct{})}
		l.pending = g
		l.wake.Broadcast()
	}
	g.buf = append(g.buf, b.buf...)
	g.frames = append(g.frames, b.frames...)
	l.bytes += int64(len(b.buf))
	out := g.outcome
	l.mu.Unlock()
	select {
	case <-out.done:
		return first, out.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// write is the goroutine that writes and syncs what has come meanwhile.
func (l *log) write() {
	defer close(l.ended)
	for {
		l.mu.Lock()
		for l.pending == nil && !l.closed {
			l.wake.Wait()
		}
		g := l.pending
		if g == nil {
			l.mu.Unlock()
			return
		}
		l.pending, l.busy = nil, true
		l.mu.Unlock()
		f, off, err := l.commit(g)
		l.mu.Lock()
		if err == nil {
			for i := range g.frames {
				fr := &g.frames[i]
				f.add(off, &fr.header, fr.category)
				off += int64(fr.size())
				l.durable = fr.seq + fr.room
				l.appended.Add(int64(fr.messages))
			}
			last := &g.frames[len(g.frames)-1]
			f.size, f.end = off, last.seq+last.room
			l.synced.Add(1)
			l.failure, l.failedAt = nil, time.Time{}
		} else {
			l.bytes -= int64(len(g.buf))
			g.err = err
			l.failure, l.failedAt = err, time.Now()
		}
		l.busy = false
		l.wake.Broadcast()
		close(g.done)
		if cap(g.buf) <= groupKept {
			clear(g.frames)
			g.buf, g.frames, g.outcome = g.buf[:0], g.frames[:0], nil
			l.free = g
		}
		l.mu.Unlock()
	}
}

// commit writes a group at the end of the log. Where it cannot, nothing of it stays.
func (l *log) commit(g *group) (*logFile, int64, error) {
	f := l.last()
	if f == nil {
		var err error
		if f, err = l.begin(g.frames[0].seq); err != nil {
			return nil, 0, l.failed(err)
		}
	}
	_, err := f.f.WriteAt(g.buf, f.size)
	if err == nil {
		err = f.f.Sync()
	}
	if err == nil {
		return f, f.size, nil
	}
	// What of it may have reached the disk must not come back at the next start:
	// it was not acknowledged, and its sender sends it again.
	undo := f.f.Truncate(f.size)
	if undo == nil {
		undo = f.f.Sync()
	}
	if undo != nil {
		l.mu.Lock()
		l.broken = fmt.Errorf("store: the log can neither be written (%w) nor cut back (%w); nothing more is taken until the next start", err, undo)
		err = l.broken
		l.mu.Unlock()
		return nil, 0, err
	}
	return nil, 0, l.failed(err)
}

// failed is the error of a write as callers get it.
func (l *log) failed(err error) error {
	if full(err) {
		return &FullError{Reason: "the disk is full", After: fullWait}
	}
	return fmt.Errorf("store: write the log: %w", err)
}

// last is the file that is written to; nil where there is none yet.
func (l *log) last() *logFile {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.files) == 0 {
		return nil
	}
	f := l.files[len(l.files)-1]
	if f.full = f.full || f.size >= l.fileBytes; f.full {
		return nil
	}
	return f
}

// rotate has what comes from now on written to another file, where the last has something.
func (l *log) rotate(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { l.mu.Lock(); l.wake.Broadcast(); l.mu.Unlock() })()
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.busy {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		l.wake.Wait()
	}
	if n := len(l.files); n > 0 && l.files[n-1].size > 0 {
		l.files[n-1].full = true
	}
	return nil
}

// begin makes the next log file.
func (l *log) begin(seq uint64) (*logFile, error) {
	name := logName(seq)
	f, err := l.disk.Create(name)
	if errors.Is(err, os.ErrExist) { // of an attempt that failed
		if f, err = l.disk.Open(name); err == nil {
			if err = f.Truncate(0); err != nil {
				f.Close()
			}
		}
	}
	if err != nil {
		return nil, err
	}
	if err := l.disk.SyncDir(logDir); err != nil {
		f.Close()
		return nil, err
	}
	lf := &logFile{name: name, seq: seq, f: f, born: time.Now()}
	lf.refs.Store(1)
	l.mu.Lock()
	l.files = append(l.files, lf)
	l.mu.Unlock()
	return lf, nil
}

// close waits for what is being written.
func (l *log) close() {
	l.mu.Lock()
	l.closed = true
	l.wake.Broadcast()
	l.mu.Unlock()
	if l.ended != nil {
		<-l.ended
	}
	for _, f := range l.files {
		f.release()
	}
}

// logNames are the names of the log's files among those of its folder, oldest first.
func logNames(names []string) (out []string) {
	for _, n := range names {
		digits, ok := strings.CutSuffix(n, logSuffix)
		if _, err := strconv.ParseUint(digits, 10, 64); ok && err == nil && len(digits) == 20 {
			out = append(out, path.Join(logDir, n))
		}
	}
	slices.Sort(out)
	return out
}

// damage is a stretch of a log file that holds no sound frame.
type damage struct {
	file     string
	off, end int64
}

// recover reads a log file's frames. The last file may end in a write that was never
// finished: tail is where. Other stretches without a frame are damage.
func (l *log) recover(f *logFile, last bool) (bad []damage, tail int64, err error) {
	size, err := f.f.Size()
	if err != nil {
		return nil, 0, err
	}
	w := window{f: f.f, size: size}
	off, least := int64(0), f.seq
	for off < size {
		h, body, ok, err := w.frame(off)
		if err != nil {
			return nil, 0, err
		}
		if ok && h.seq >= least {
			category := ""
			if s, err := parseShared(body[:h.shared], h.kind); err == nil {
				category = s.source.Category
			}
			f.add(off, &h, category)
			least, l.next = h.seq+1, h.seq+h.room()
			f.end = l.next
			off += int64(h.size())
			continue
		}
		end, err := w.nextFrame(off+1, least)
		if err != nil {
			return nil, 0, err
		}
		if end == size && last && w.unfinished(off) {
			return bad, off, nil
		}
		bad = append(bad, damage{f.name, off, end})
		off = end
	}
	return bad, size, nil
}

// window is what is in memory of a file that is read from its start to its end.
type window struct {
	f    file
	size int64
	off  int64
	buf  []byte
}

const windowBytes = 1 << 20

// at gives n bytes from off on, fewer where the file ends before.
func (w *window) at(off int64, n int) ([]byte, error) {
	n = int(min(int64(n), w.size-off))
	if off < w.off || off+int64(n) > w.off+int64(len(w.buf)) {
		want := int(min(int64(max(n, windowBytes)), w.size-off))
		if cap(w.buf) < want {
			w.buf = make([]byte, want)
		}
		w.buf, w.off = w.buf[:want], off
		if m, err := w.f.ReadAt(w.buf, off); m < want {
			w.buf = w.buf[:0]
			return nil, fmt.Errorf("store: read the log: %w", err)
		}
	}
	return w.buf[off-w.off:][:n], nil
}

// frame reads the frame at off. ok is false where there is no whole and sound one.
func (w *window) frame(off int64) (h header, body []byte, ok bool, err error) {
	b, err := w.at(off, headerBytes)
	if err != nil {
		return h, nil, false, err
	}
	if h, ok = parseHeader(b); !ok || int64(h.size()) > w.size-off {
		return h, nil, false, nil
	}
	if b, err = w.at(off, h.size()); err != nil {
		return h, nil, false, err
	}
	b = b[headerBytes:]
	return h, b, h.sound(b), nil
}

// nextFrame is where the next sound frame begins, from off on, whose sequence number is
// not before seq; the file's size where there is none.
func (w *window) nextFrame(off int64, seq uint64) (int64, error) {
	magic := binary.LittleEndian.AppendUint32(nil, frameMagic)
	for off < w.size {
		b, err := w.at(off, windowBytes)
		if err != nil {
			return 0, err
		}
		i := bytes.Index(b, magic)
		if i < 0 {
			if off += int64(len(b)); off < w.size {
				off -= int64(len(magic) - 1)
			}
			continue
		}
		off += int64(i)
		h, _, ok, err := w.frame(off)
		if err != nil {
			return 0, err
		}
		if ok && h.seq >= seq {
			return off, nil
		}
		off++
	}
	return w.size, nil
}

// unfinished reports whether what stands from off to the end of the file looks as a
// write does that was not finished: a header that is cut short, one of a frame that goes
// on beyond the end, or has nothing but zeroes somewhere up to the end.
func (w *window) unfinished(off int64) bool {
	b, err := w.at(off, headerBytes)
	if err != nil {
		return false
	}
	if h, ok := parseHeader(b); ok && int64(h.size()) > w.size-off {
		return true
	}
	if len(b) < headerBytes {
		return true
	}
	b, err = w.at(w.size-1, 1)
	return err == nil && b[0] == 0
}

// times is the earliest and latest time of a run's messages, or all there is.
func (r *run) times() (from, to int64) {
	if !r.timed {
		return math.MinInt64, math.MaxInt64
	}
	return r.earliest, r.latest
}
