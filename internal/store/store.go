// Package store keeps messages on disk and gives them to queries: a durable log, which
// is what was acknowledged, and what is made of it. A query over a store gives what it
// gives over the files that were put in.
package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/store/message"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// FormatVersion is the number of what is on disk. A folder of a later one is refused; one of an
// earlier one is read, and becomes one of this when it is opened to be written to.
//
//	1  frames packed by zstd
//	2  or by S2
const FormatVersion = 2

// LogMaxDefault is how many bytes the log may have on disk.
const LogMaxDefault = 10 << 30

const (
	versionFile   = "VERSION"
	lockName      = "LOCK"
	quarantineDir = "quarantine"
	segmentDir    = "seg"
	// fullWait is when a sender may try again that was told that there is no room.
	fullWait = 30 * time.Second
)

var (
	errClosed  = errors.New("store: it is closed")
	errDamaged = errors.New("store: damaged frame")
	errRead    = errors.New("store: it is open to be read only")
)

// FullError says that there is no room for more. Nothing of the call was kept.
type FullError struct {
	Reason string
	After  time.Duration // when to try again

	log bool // it is the log's limit: sealing makes room
}

func (e *FullError) Error() string { return "store: " + e.Reason }

// Is makes every FullError an ErrFull.
func (e *FullError) Is(err error) bool { return err == ErrFull }

// ErrFull is what errors.Is finds in a FullError.
var ErrFull = errors.New("store: full")

// LockedError says that another process has the folder.
type LockedError struct {
	Dir string
	PID int // 0 when it is not known
}

func (e *LockedError) Error() string {
	by := "another process"
	if e.PID > 0 {
		by = "process " + strconv.Itoa(e.PID)
	}
	return fmt.Sprintf("%s is in use by %s: one process at a time may have a store", e.Dir, by)
}

// VersionError says that a folder was written by a later gyoji.
type VersionError struct {
	Dir  string
	Have string
}

func (e *VersionError) Error() string {
	return fmt.Sprintf("%s has format %s, and this gyoji knows formats up to %d: use the gyoji that wrote it, or a later one", e.Dir, e.Have, FormatVersion)
}

// Source is where messages come from: the metadata that they share. What is empty is
// found in each message, as it is in files.
type Source struct{ Collector, Source, Category, Host, Name string }

// Field is a field that every message of a receipt has.
type Field struct{ Name, Value string }

// Receipt is what came together of one source: messages, or a piece of a file.
type Receipt struct {
	Source Source
	Fields []Field
	// Format is how the messages are read for fields, by the name of the input format;
	// "" finds it in each of them. Of a piece it is what the file is.
	Format   string
	Received int64 // ms since 1970
	Messages []Message
	Piece    *Piece // instead of Messages
}

// Message is one message.
type Message struct {
	Raw  []byte
	Time int64 // ms since 1970, when Timed
	// Timed says that Time is the message's. Else it is what a reader finds in it, and
	// where there is none, when it was received.
	Timed bool
}

// Piece is a run of whole events of a file, as its format's reader takes them.
type Piece struct {
	Name   string // of the file, as _sourceName has it where the source has none
	Data   []byte
	Offset int64         // in the file, unpacked
	Head   []byte        // the file's start, where its format is Headed
	Dates  datefmt.Order // of day and month in it
	Zone   string        // of times that name none, as datefmt.Zone takes it; "" is UTC
	Now    int64         // ms: the latest that an event without a year may be of
	// Events, Earliest and Latest (ms) are of use when Counted: who knows how many
	// events the piece has, and between which times, makes searches by time quicker.
	Events           int
	Earliest, Latest int64
	Counted          bool
}

// Options say how a store is opened.
type Options struct {
	// ReadOnly opens what is there for searches, beside other readers. Nothing is
	// changed, not even what a crash left half written.
	ReadOnly bool
	Exists   bool  // a folder that is no store yet is refused
	LogMax   int64 // bytes that the log may have on disk; 0 is LogMaxDefault, less than 0 no limit
	// Told is told what was found and done besides, a sentence each; nil for nobody.
	Told func(string)

	// SealAfter, where it is set, has the store seal, compact and remove by itself: what is
	// in the log is sealed once it fills a file, or is this old.
	SealAfter time.Duration
	Retention Retention

	// NoColumns and NoFilters read all of segments from their messages: the plain twins,
	// which give the same.
	NoColumns, NoFilters bool

	fileBytes int64
	disk      disk
}

// Store is a folder of messages. Its methods may be called from any goroutine.
type Store struct {
	dir  string
	o    Options
	disk disk
	lock *os.File
	log  *log
	db   *sql.DB // nil where the store is read only
	// reading is db, or one that may only be read; nil where there is none.
	reading *sql.DB
	copied  string // folder of a copy of the database that reading reads; "" for none

	work     sync.Mutex // one at a time changes segments
	segments []*segment // under the log's lock, as what a snapshot has of both is of one moment
	holds    []Hold
	made     atomic.Int64 // segments, for their names
	asked    asked
	expired  atomic.Int64 // messages that retention has removed since the start
	stop     context.CancelFunc
	ended    chan struct{} // nil where nothing is done in the background

	mu      sync.Mutex
	damaged []Damage
	closed  bool
}

// Damage is a stretch of a file that could not be read, and is passed over.
type Damage struct {
	File    string // below the store's folder
	From    int64  // -1 is all of it
	Bytes   int64
	Kept    string // copy of it, below the store's folder; "" when there is none
	Problem string
}

// Open opens the store in a folder, which is made where it does not exist, and recovers
// what a crash left. Errors are *LockedError, *VersionError, or the system's.
func Open(dir string, o Options) (*Store, error) {
	if o.Told == nil {
		o.Told = func(string) {}
	}
	o.LogMax = cmp.Or(o.LogMax, LogMaxDefault)
	o.fileBytes = cmp.Or(o.fileBytes, logFileBytes)
	s := &Store{dir: dir, o: o, disk: o.disk}
	if s.disk == nil {
		s.disk = folder{root: dir, readOnly: o.ReadOnly}
	}
	if err := s.enter(); err != nil {
		if s.lock != nil {
			s.lock.Close()
		}
		return nil, err
	}
	if !o.ReadOnly {
		os.RemoveAll(filepath.Join(dir, copyingDir))
	}
	err := s.openCatalogue()
	if err == nil {
		err = s.loadSegments()
	}
	if err == nil {
		err = s.openLog()
	}
	if err != nil {
		s.closeCatalogue()
		s.lock.Close()
		return nil, err
	}
	if o.SealAfter > 0 && !o.ReadOnly {
		var ctx context.Context
		ctx, s.stop = context.WithCancel(context.Background())
		s.ended = make(chan struct{})
		go s.background(ctx)
	}
	return s, nil
}

// enter takes the folder for this process and looks whether it knows its format.
func (s *Store) enter() error {
	if s.o.ReadOnly || s.o.Exists {
		if _, err := os.Stat(filepath.Join(s.dir, versionFile)); errors.Is(err, os.ErrNotExist) {
			if st, err := os.Stat(s.dir); err != nil || !st.IsDir() {
				return fmt.Errorf("%s: there is no such folder", s.dir)
			}
			return fmt.Errorf("%s: this folder is no store (it has no file %s)", s.dir, versionFile)
		}
	}
	if !s.o.ReadOnly {
		if err := os.MkdirAll(s.dir, 0o700); err != nil {
			return err
		}
	}
	name := filepath.Join(s.dir, lockName)
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil && s.o.ReadOnly {
		f, err = os.Open(name)
	}
	if err != nil {
		return err
	}
	s.lock = f
	held, err := lockFile(f, !s.o.ReadOnly)
	if held {
		pid := 0
		if text, err := os.ReadFile(name); err == nil {
			pid, _ = strconv.Atoi(strings.TrimSpace(string(text)))
		}
		return &LockedError{s.dir, pid}
	}
	if err != nil {
		return fmt.Errorf("store: lock %s: %w", s.dir, err)
	}
	if !s.o.ReadOnly {
		if err := f.Truncate(0); err == nil {
			f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0) // for people; the lock does not depend on it
		}
	}
	return s.version()
}

func (s *Store) version() error {
	name := filepath.Join(s.dir, versionFile)
	text, err := os.ReadFile(name)
	if err == nil && len(text) > 0 {
		have := strings.TrimSpace(string(text))
		n, err := strconv.Atoi(have)
		if err != nil || n < 1 || n > FormatVersion {
			return &VersionError{s.dir, have}
		}
		if n == FormatVersion || s.o.ReadOnly {
			return nil
		}
		s.o.Told(fmt.Sprintf("the folder was of format %d and is of format %d from now on: a gyoji that knows format %d alone will refuse it", n, FormatVersion, n))
		return s.writeVersion()
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if names, err := os.ReadDir(s.dir); err != nil {
		return err
	} else if len(names) > 0 && err == nil {
		for _, n := range names {
			if n.Name() == logDir {
				return fmt.Errorf("%s has a log and no file %s: it is no whole store", s.dir, versionFile)
			}
		}
	}
	for _, d := range []string{logDir, quarantineDir, segmentDir} {
		if err := os.MkdirAll(filepath.Join(s.dir, d), 0o700); err != nil {
			return err
		}
	}
	return s.writeVersion()
}

func (s *Store) writeVersion() error {
	return writeFile(folder{root: s.dir}, versionFile, []byte(strconv.Itoa(FormatVersion)+"\n"))
}

// writeFile writes a small file so that after a crash it is there whole, or not.
func writeFile(d disk, name string, data []byte) error {
	temp := name + ".new"
	f, err := d.Create(temp)
	if errors.Is(err, os.ErrExist) {
		if err = d.Remove(temp); err == nil {
			f, err = d.Create(temp)
		}
	}
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, 0)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = d.Rename(temp, name)
	}
	if err == nil {
		err = d.SyncDir(path.Dir(name))
	}
	return err
}

// openLog reads the log's files and makes the last ready to be written to.
func (s *Store) openLog() error {
	all, err := s.disk.List(logDir)
	if err != nil {
		return err
	}
	names := logNames(all)
	l := &log{disk: s.disk, fileBytes: s.o.fileBytes, max: max(s.o.LogMax, 0), next: message.Apart}
	l.wake.L = &l.mu
	sealed, err := s.sealedTo()
	if err != nil {
		return fmt.Errorf("store: catalogue: %w", err)
	}
	l.next = max(l.next, sealed)
	first := make([]uint64, len(names)+1)
	for i, name := range names {
		first[i], _ = strconv.ParseUint(strings.TrimSuffix(path.Base(name), logSuffix), 10, 64)
	}
	first[len(names)] = math.MaxUint64
	for i, name := range names {
		if first[i+1] <= sealed { // it is in segments, and the process ended before it was removed
			if !s.o.ReadOnly {
				if err := s.disk.Remove(name); err != nil {
					return err
				}
			}
			continue
		}
		f, err := s.disk.Open(name)
		if err != nil {
			return err
		}
		lf := &logFile{name: name, seq: first[i], f: f, born: time.Now()}
		lf.refs.Store(1)
		l.next = max(l.next, lf.seq)
		last := i == len(names)-1
		bad, end, err := l.recover(lf, last)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for _, d := range bad {
			s.damage(f, d, "no sound frame")
		}
		size, err := f.Size()
		if err != nil {
			return err
		}
		if lf.size = end; last && !s.o.ReadOnly {
			if end < size {
				s.o.Told(fmt.Sprintf("%s: %d bytes of a write that was not finished are removed; nothing of it had been acknowledged", name, size-end))
				if err := f.Truncate(end); err != nil {
					return err
				}
			}
			// What a process wrote and did not live to sync is read from now on.
			if err := f.Sync(); err != nil {
				return err
			}
		}
		if lf.full = !last; len(lf.runs) > 0 && lf.last < sealed {
			lf.release()
			if !s.o.ReadOnly {
				if err := s.disk.Remove(name); err != nil {
					return err
				}
			}
			continue
		}
		l.files = append(l.files, lf)
		l.bytes += lf.size
	}
	l.next = max(l.next, sealed)
	s.log, l.durable = l, l.next
	if !s.o.ReadOnly {
		l.ended = make(chan struct{})
		go l.write()
	}
	return nil
}

// damage notes a stretch that cannot be read, and keeps a copy of it.
func (s *Store) damage(f file, d damage, problem string) {
	out := Damage{File: d.file, From: d.off, Bytes: d.end - d.off, Problem: problem}
	if !s.o.ReadOnly && f != nil {
		name := path.Join(quarantineDir, fmt.Sprintf("%s-%d", strings.TrimSuffix(path.Base(d.file), logSuffix), d.off))
		if _, err := os.Stat(filepath.Join(s.dir, name)); err == nil {
			out.Kept = name
		} else {
			data := make([]byte, d.end-d.off)
			n, _ := f.ReadAt(data, d.off)
			if err := writeFile(s.disk, name, data[:n]); err == nil {
				out.Kept = name
			}
		}
	}
	s.mu.Lock()
	for _, known := range s.damaged {
		if known.File == out.File && known.From == out.From {
			s.mu.Unlock()
			return
		}
	}
	s.damaged = append(s.damaged, out)
	s.mu.Unlock()
	if s.db != nil { // it is known at the next start, too, before it is met
		_, err := s.db.Exec(`INSERT OR IGNORE INTO damaged VALUES (?, ?, ?, ?, ?)`, out.File, out.From, out.Bytes, out.Kept, out.Problem)
		if err != nil {
			s.o.Told("catalogue: " + err.Error())
		}
	}
	s.o.Told(out.String())
}

func (d Damage) String() string {
	kept := ""
	if d.Kept != "" {
		kept = "; a copy is in " + d.Kept
	}
	if d.From < 0 {
		return fmt.Sprintf("%s: %s", d.File, d.Problem)
	}
	return fmt.Sprintf("%s: %d bytes at byte %d are damaged (%s) and passed over%s", d.File, d.Bytes, d.From, d.Problem, kept)
}

// Append makes messages durable and returns once they are, with the sequence number of
// the first: all of the call's, or none. Errors are *FullError, which is an ErrFull, ctx's,
// or the system's. Where ctx ends the wait, or the process ends before the answer, the
// messages may be kept, those of some of the receipts alone, too.
func (s *Store) Append(ctx context.Context, receipts ...Receipt) (first uint64, err error) {
	if s.o.ReadOnly {
		return 0, errRead
	}
	if len(receipts) == 0 {
		return 0, nil
	}
	m := memory.Get().(*frameMemory)
	defer memory.Put(m)
	m.buf, m.frames = m.buf[:0], m.frames[:0]
	for i := range receipts {
		r := &receipts[i]
		if r.Received == 0 {
			r.Received = time.Now().UnixMilli()
		}
		if err := r.findTimes(); err != nil {
			return 0, err
		}
		var h header
		if m.buf, h, err = appendFrame(m.buf, r, &m.scratch); err != nil {
			return 0, err
		}
		m.frames = append(m.frames, framed{h, r.room(), r.Source.Category})
	}
	return s.log.append(ctx, &m.batch)
}

// findTimes gives messages without a time the one that a reader finds in them, or that of
// their receipt.
func (r *Receipt) findTimes() error {
	var rows []message.Row
	for i := range r.Messages {
		if !r.Messages[i].Timed {
			rows = append(rows, message.Row{Raw: r.Messages[i].Raw})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	s := shared{source: r.Source, format: r.Format}
	o := s.origin()
	for i := range rows {
		rows[i].Origin = o
	}
	if err := message.Times(rows, &input.Want{Layout: event.NewLayout(), Now: time.UnixMilli(r.Received).UTC()}); err != nil {
		return err
	}
	r.Messages = slices.Clone(r.Messages)
	for i := range r.Messages {
		m := &r.Messages[i]
		if m.Timed {
			continue
		}
		if m.Time = rows[0].Time; m.Time == event.NoTime {
			m.Time = r.Received
		}
		m.Timed, rows = true, rows[1:]
	}
	return nil
}

// frameMemory is memory for frames in the making.
type frameMemory struct {
	batch
	scratch []byte
}

var memory = sync.Pool{New: func() any { return new(frameMemory) }}

// Stats is what is in a store.
type Stats struct {
	Messages int64  // in the log, as far as their number is known
	LogBytes int64  // on disk
	RawBytes int64  // of the log, unpacked
	LogFiles int    //
	LogMax   int64  // 0 is no limit
	Next     uint64 // sequence number that the next message gets
	Appended int64  // messages since the store was opened
	Syncs    int64  // groups of them that were written
	Failure  error  // of the last write of the log, nil where it went well
	FailedAt time.Time
	Damaged  []Damage

	Segments      int
	Sealed        int64 // messages in segments
	SealedRaw     int64 // bytes of them
	SegmentBytes  int64 // on disk, filters with them
	Expired       int64 // messages that retention has removed since the store was opened
	OldestSegment int64 // ms: the first event's time in segments; 0 where there is none
}

// Stats says what is in the store now.
func (s *Store) Stats() Stats {
	l := s.log
	st := Stats{LogMax: l.max, Appended: l.appended.Load(), Syncs: l.synced.Load(), Expired: s.expired.Load()}
	l.mu.Lock()
	st.LogBytes, st.LogFiles, st.Next = l.bytes, len(l.files), l.next
	st.Failure, st.FailedAt = l.failure, l.failedAt
	for _, f := range l.files {
		for i := range f.runs {
			st.Messages += f.runs[i].messages
			st.RawBytes += f.runs[i].unpacked
		}
	}
	for _, g := range s.segments {
		st.Segments++
		st.Sealed += g.Messages
		st.SealedRaw += g.RawBytes
		st.SegmentBytes += g.FileBytes + g.FilterBytes
		if g.MinTime != 0 && (st.OldestSegment == 0 || g.MinTime < st.OldestSegment) {
			st.OldestSegment = g.MinTime
		}
	}
	l.mu.Unlock()
	s.mu.Lock()
	st.Damaged = append(st.Damaged, s.damaged...)
	s.mu.Unlock()
	return st
}

// Dir is the store's folder.
func (s *Store) Dir() string { return s.dir }

// Close waits for what is being written and gives the folder back. Snapshots stay readable
// until they are closed.
func (s *Store) Close(context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	if s.ended != nil {
		s.stop()
		<-s.ended
	}
	s.log.close()
	return errors.Join(s.closeCatalogue(), s.lock.Close())
}

func (s *Store) closeCatalogue() error {
	if s.copied != "" {
		defer os.RemoveAll(s.copied)
	}
	if s.reading == nil {
		return nil
	}
	return s.reading.Close()
}
