package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gyoji-dev/gyoji/internal/store/columns"
)

const (
	columnSuffix = ".parquet"
	filterSuffix = ".tok"
	newSuffix    = ".new" // of a file that the catalogue does not have yet

	kindColumns = 0 // a segment of columns
	kindFrames  = 1 // pieces of files as they were put in
)

// Segment is what is known of a file of sealed messages.
type Segment struct {
	Name       string   // of the file, below the store's folder
	Columns    bool     // it is a Parquet file; else frames of the log, kept as they were put in
	Categories []string // _sourceCategory of its messages; "" is among them where some have no one known
	// MinTime and MaxTime (ms) are of its events, but for Untimed that have no time.
	MinTime, MaxTime, Untimed int64
	MinReceipt, MaxReceipt    int64
	MinSeq, MaxSeq            uint64
	Messages, RawBytes        int64
	FileBytes, FilterBytes    int64 // on disk
	PutIn                     int64 // ms: when the last of it was sealed; retention counts from it
	Held                      bool  // by a Hold
}

// segment is a Segment that can be read.
type segment struct {
	Segment
	store *Store
	refs  atomic.Int32 // the catalogue's, and one for each snapshot
	gone  atomic.Bool  // its files are removed when nobody reads them any more

	mu      sync.Mutex
	opened  bool
	err     error
	file    *columns.File
	frames  *logFile
	closers []file
}

func (g *segment) base() string { return strings.TrimSuffix(g.Name, path.Ext(g.Name)) }

func (g *segment) release() {
	if g.refs.Add(-1) > 0 {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, f := range g.closers {
		f.Close()
	}
	if g.gone.Load() {
		for _, n := range g.names() {
			if g.store.disk.Remove(n) != nil {
				g.store.disk.Remove(n + newSuffix)
			}
		}
	}
}

// open opens the segment's files when it is first read.
func (g *segment) open() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.opened {
		g.opened = true
		g.err = g.openFiles()
	}
	return g.err
}

// openRenamed opens a file of a segment, which may have its new name yet.
func (s *Store) openRenamed(name string) (file, error) {
	f, err := s.disk.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		if g, e := s.disk.Open(name + newSuffix); e == nil {
			return g, nil
		}
	}
	return f, err
}

func (g *segment) openFiles() error {
	f, err := g.store.openRenamed(g.Name)
	if err != nil {
		return err
	}
	g.closers = append(g.closers, f)
	size, err := f.Size()
	if err != nil {
		return err
	}
	if !g.Columns {
		l := log{}
		lf := &logFile{name: g.Name, f: f}
		bad, _, err := l.recover(lf, false)
		for _, d := range bad {
			g.store.damage(f, d, "no sound frame")
		}
		lf.size, g.frames = size, lf
		if err == nil && len(lf.runs) > 0 && (lf.runs[0].seq < g.MinSeq || lf.last > g.MaxSeq) { // some of it may be damaged
			err = fmt.Errorf("it is another file than the catalogue counts: its messages begin at place %d, in place of %d", lf.runs[0].seq, g.MinSeq)
		}
		return err
	}
	o := columns.OpenOptions{Name: g.Name, Told: func(err error) { g.store.told(g.base()+filterSuffix, err) }, NoColumns: g.store.o.NoColumns, NoFilters: g.store.o.NoFilters}
	if g.FilterBytes > 0 {
		if t, err := g.store.openRenamed(g.base() + filterSuffix); err != nil {
			g.store.told(g.base()+filterSuffix, err) // what is read without it is the same
		} else if n, err := t.Size(); err == nil {
			g.closers = append(g.closers, t)
			o.Filters, o.FiltersSize = t, n
		}
	}
	if g.file, err = columns.Open(f, size, o); err != nil {
		return err
	}
	return g.isThe(g.file, size)
}

// isThe reports how a file differs from the one that the catalogue counts: another segment's
// under its name would give messages twice.
func (g *segment) isThe(f *columns.File, size int64) error {
	first, last := f.Seqs()
	if rows := f.Stats().Rows; size != g.FileBytes || rows != g.Messages || first != g.MinSeq || last != g.MaxSeq {
		return fmt.Errorf("it is another file than the catalogue counts: %d bytes and %d messages, from place %d to %d, in place of %d and %d, from %d to %d",
			size, rows, first, last, g.FileBytes, g.Messages, g.MinSeq, g.MaxSeq)
	}
	return nil
}

// told notes what is wrong with a file that is not log.
func (s *Store) told(name string, err error) {
	text := strings.TrimPrefix(err.Error(), name+": ") // it may name the file, or the one that it belongs to
	text = strings.TrimPrefix(text, strings.TrimSuffix(name, path.Ext(name))+columnSuffix+": ")
	s.damage(nil, damage{file: name, off: -1, end: -1}, text)
}

// wants reports whether a segment may have what a view asks for.
func (v *View) wantsSegment(g *Segment) bool {
	from, to := g.MinTime, g.MaxTime
	if v.ByReceipt {
		from, to = g.MinReceipt, g.MaxReceipt
	}
	if v.From != 0 && to < v.From || v.To != 0 && from >= v.To {
		return false
	}
	return len(v.Categories) == 0 || slices.ContainsFunc(g.Categories, func(c string) bool { return c == "" || slices.Contains(v.Categories, c) })
}

// knowsSegments refuses a catalogue in which nothing was ever sealed, where there are segments:
// it is a new one in the place of theirs.
func (s *Store) knowsSegments(files []string) error {
	if len(s.segments) > 0 || !slices.ContainsFunc(files, func(n string) bool { return !strings.HasSuffix(n, newSuffix) }) {
		return nil
	}
	if to, err := s.sealedTo(); err != nil || to > 0 {
		return err
	}
	return s.noCatalogue("a catalogue that knows none")
}

// noCatalogue is why a store is not opened whose segments nothing counts.
func (s *Store) noCatalogue(what string) error {
	return fmt.Errorf("%s has segments and %s (%s): nothing is taken for empty that may not be. Put the catalogue of a backup there", s.dir, what, catalogueName)
}

// loadSegments reads the catalogue, and puts right what a crash left in the folder.
func (s *Store) loadSegments() error {
	if s.reading == nil {
		return nil
	}
	rows, err := s.reading.Query(`SELECT name, kind, categories, min_time, max_time, untimed, min_receipt, max_receipt, min_seq, max_seq, messages, raw_bytes, file_bytes, filter_bytes, put_in FROM segment`)
	if err != nil {
		return fmt.Errorf("store: catalogue: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		g := &segment{store: s}
		var kind int
		var categories string
		if err := rows.Scan(&g.Name, &kind, &categories, &g.MinTime, &g.MaxTime, &g.Untimed, &g.MinReceipt, &g.MaxReceipt, &g.MinSeq, &g.MaxSeq, &g.Messages, &g.RawBytes, &g.FileBytes, &g.FilterBytes, &g.PutIn); err != nil {
			return fmt.Errorf("store: catalogue: %w", err)
		}
		if err := json.Unmarshal([]byte(categories), &g.Categories); err != nil {
			return fmt.Errorf("store: catalogue: categories of %s: %w", g.Name, err)
		}
		g.Columns = kind == kindColumns
		g.refs.Store(1)
		s.segments = append(s.segments, g)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("store: catalogue: %w", err)
	}
	rows.Close()
	if err := s.loadHolds(); err != nil {
		return err
	}
	if err := s.loadDamaged(); err != nil {
		return err
	}
	names, err := s.disk.List(segmentDir)
	if err != nil {
		return err
	}
	if err := s.knowsSegments(names); err != nil || s.o.ReadOnly {
		return err
	}
	known, there := map[string]bool{}, map[string]bool{}
	for _, n := range names {
		there[path.Join(segmentDir, n)] = true
	}
	for _, g := range s.segments {
		for _, n := range g.names() {
			known[n] = true
			if !there[n] && there[n+newSuffix] { // the catalogue has it, and then the process ended
				if err := s.disk.Rename(n+newSuffix, n); err != nil {
					return err
				}
				delete(there, n+newSuffix)
			} else if !there[n] {
				s.told(n, errors.New("it is missing"))
			}
		}
	}
	for n := range there {
		switch {
		case known[n]:
		case strings.HasSuffix(n, newSuffix):
			err = s.disk.Remove(n)
		default:
			s.o.Told(n + ": the catalogue does not know this file; it is put into " + quarantineDir)
			err = s.disk.Rename(n, path.Join(quarantineDir, path.Base(n)))
		}
		if err != nil {
			return err
		}
	}
	return s.disk.SyncDir(segmentDir)
}

// loadDamaged reads what was found damaged before.
func (s *Store) loadDamaged() error {
	rows, err := s.reading.Query(`SELECT file, at, bytes, kept, problem FROM damaged ORDER BY file, at`)
	if err != nil {
		return fmt.Errorf("store: catalogue: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var d Damage
		if err := rows.Scan(&d.File, &d.From, &d.Bytes, &d.Kept, &d.Problem); err != nil {
			return fmt.Errorf("store: catalogue: %w", err)
		}
		s.damaged = append(s.damaged, d)
	}
	return rows.Err()
}

// names are the files of a segment.
func (g *Segment) names() []string {
	if g.FilterBytes > 0 {
		return []string{g.Name, strings.TrimSuffix(g.Name, path.Ext(g.Name)) + filterSuffix}
	}
	return []string{g.Name}
}

// insert puts a segment into the catalogue.
func (g *Segment) insert(tx *sql.Tx) error {
	categories, err := json.Marshal(g.Categories)
	if err != nil {
		return err
	}
	kind := kindFrames
	if g.Columns {
		kind = kindColumns
	}
	_, err = tx.Exec(`INSERT INTO segment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, g.Name, kind, string(categories), g.MinTime, g.MaxTime, g.Untimed,
		g.MinReceipt, g.MaxReceipt, int64(g.MinSeq), int64(g.MaxSeq), g.Messages, g.RawBytes, g.FileBytes, g.FilterBytes, g.PutIn)
	return err
}

// replace makes new segments, whose files are written under their new names, count in
// place of old ones and of the log's files before sealed, if that is not 0. A crash at any
// moment leaves the one or the other.
func (s *Store) replace(ctx context.Context, made []*segment, old []*segment, sealed uint64, also func(*sql.Tx) error) error {
	if err := s.disk.SyncDir(segmentDir); err != nil {
		return err
	}
	err := s.inTx(ctx, func(tx *sql.Tx) error {
		for _, g := range made {
			if err := g.insert(tx); err != nil {
				return err
			}
		}
		for _, g := range old {
			if _, err := tx.Exec(`DELETE FROM segment WHERE name = ?`, g.Name); err != nil {
				return err
			}
		}
		if sealed > 0 {
			if _, err := tx.Exec(`INSERT INTO sealed VALUES (1, ?) ON CONFLICT (only) DO UPDATE SET seq = excluded.seq`, int64(sealed)); err != nil {
				return err
			}
		}
		if also != nil {
			return also(tx)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store: catalogue: %w", err)
	}
	// They count from here on. Where one keeps its new name for now, the next start
	// renames it.
	for _, g := range made {
		for _, n := range g.names() {
			if err := s.disk.Rename(n+newSuffix, n); err != nil {
				s.o.Told(fmt.Sprintf("%s: %v; it is renamed at the next start", n, err))
			}
		}
	}
	if err := s.disk.SyncDir(segmentDir); err != nil {
		s.o.Told(fmt.Sprintf("%s: %v", segmentDir, err))
	}
	// From here on snapshots have the new ones: all at once.
	l := s.log
	var drop []*logFile
	l.mu.Lock()
	s.segments = slices.DeleteFunc(s.segments, func(g *segment) bool { return slices.Contains(old, g) })
	s.segments = append(s.segments, made...)
	if sealed > 0 {
		keep := l.files[:0:0]
		for _, f := range l.files {
			if f.end <= sealed && f.full {
				drop = append(drop, f)
				l.bytes -= f.size
			} else {
				keep = append(keep, f)
			}
		}
		l.files = keep
	}
	s.noteHolds()
	l.mu.Unlock()
	for _, f := range drop {
		err = errors.Join(err, s.disk.Remove(f.name))
		f.release()
	}
	for _, g := range old {
		g.gone.Store(true)
		g.release()
	}
	return err
}

// Segments lists the sealed files, oldest events first.
func (s *Store) Segments() []Segment {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	var out []Segment
	for _, g := range s.segments {
		out = append(out, g.Segment)
	}
	slices.SortFunc(out, func(a, b Segment) int {
		return cmp.Or(cmp.Compare(a.MinTime, b.MinTime), cmp.Compare(a.MinSeq, b.MinSeq))
	})
	return out
}

// segmentName is a name for a new segment.
func (s *Store) segmentName(suffix string) string {
	return path.Join(segmentDir, fmt.Sprintf("%016x-%d%s", time.Now().UnixNano(), s.made.Add(1), suffix))
}

// appender writes to a new file from its start, and adds up.
type appender struct {
	f   file
	at  int64
	buf []byte
}

const appenderBytes = 1 << 20

func (a *appender) Write(b []byte) (int, error) {
	if len(a.buf)+len(b) > appenderBytes {
		if err := a.flush(); err != nil {
			return 0, err
		}
	}
	if len(b) >= appenderBytes {
		if _, err := a.f.WriteAt(b, a.at); err != nil {
			return 0, err
		}
		a.at += int64(len(b))
		return len(b), nil
	}
	a.buf = append(a.buf, b...)
	return len(b), nil
}

func (a *appender) flush() error {
	if len(a.buf) == 0 {
		return nil
	}
	_, err := a.f.WriteAt(a.buf, a.at)
	a.at += int64(len(a.buf))
	a.buf = a.buf[:0]
	return err
}

// finish makes what was written durable.
func (a *appender) finish() error { return errors.Join(a.flush(), a.f.Sync(), a.f.Close()) }

// span is the least and the greatest of some numbers.
type span struct{ min, max int64 }

func newSpan() span { return span{math.MaxInt64, math.MinInt64} }

func (s *span) add(from, to int64) { s.min, s.max = min(s.min, from), max(s.max, to) }

// orZero is the span, or zeroes where nothing was added.
func (s span) orZero() (int64, int64) {
	if s.min > s.max {
		return 0, 0
	}
	return s.min, s.max
}
