package input

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

const (
	// followTick is how often followed files are looked at.
	followTick = 250 * time.Millisecond
	// followSoon is the same where something has just come.
	followSoon = 2 * time.Millisecond
	// cutsMax is how many cuts of a file are remembered.
	cutsMax = 32
	// piecesMax is how many pieces of one file are taken in a look.
	piecesMax = 4
	// followQuiet is after how long an event is taken for whole whose end only
	// the next one would show.
	followQuiet = 2 * time.Second
	// followBytes is how much of one file is taken at a time.
	followBytes = 16 << 20
	// followedBytes is how much of a file's start, and of what was given last, is
	// compared to notice that it has been written over.
	followedBytes = 1 << 10
)

// Follower gives what is added to inputs that grow, as it comes. It is one
// goroutine's.
type Follower interface {
	// Next waits until there is more and returns it: parts of whole events. It
	// returns io.EOF when nothing more will come, and what is left with it.
	Next(context.Context) ([]*Part, error)
	// Done says that the output of what Next gave last has been written.
	Done(context.Context) error
	Close() error
}

// List is a source of the given parts.
func List(parts []*Part) Source { return list(parts) }

type list []*Part

func (l list) Parts(context.Context) iter.Seq2[*Part, error] {
	return func(yield func(*Part, error) bool) {
		for _, p := range l {
			if !yield(p, nil) {
				return
			}
		}
	}
}

// Follow follows files, the files of folders and globs, new ones as well, or
// standard input. A file that is replaced is read to its end and then the new
// one from its start, and what it was rotated to meanwhile; one that is cut short or written
// over is read from its start again, and of the copy made of it what was not read yet. A
// file that was followed under another name is not read under its new one.
// What does not only grow at its end is read once, as it is. What
// Next gives of files may be opened again for as long as the follower is open.
func Follow(args []string, formats []*Format, o Options) (Follower, error) {
	for _, a := range args {
		if a == "-" {
			if len(args) > 1 {
				return nil, errors.New("standard input is followed alone; name files or -, not both")
			}
			return &followStream{r: NewReader(list(nil), formats, o), o: o}, nil
		}
	}
	if len(args) == 0 {
		return nil, errors.New("nothing to follow")
	}
	w := &followFiles{paths: &paths{args, o}, r: NewReader(list(nil), formats, o), o: o, byPath: map[string]*tail{}, failed: map[string]bool{}}
	if o.Places != nil {
		var err error
		if w.places, err = o.Places.Places(); err != nil {
			return nil, err
		}
		w.goesOn = len(w.places) > 0
	}
	return w, nil
}

// tail is a file that is followed: the file itself, whatever its name is by now.
type tail struct {
	path     string
	f        *os.File
	info     os.FileInfo
	off      int64 // up to where it has been given
	lines    int64 // that end before off
	grown    time.Time
	size     int64
	format   *Format
	head     []byte
	last     []byte           // what was given last, up to followedBytes before off
	done     bool             // nothing more is read of it
	late     bool             // it was not there at the start
	dates    datefmt.Evidence // what has been given says of its dates
	index    int
	look     int     // the last one that found it
	beside   bool    // it is here only because a named file was rotated to it
	cuts     []*tail // what it was before it was cut short, each time, until a copy is found
	met      time.Time
	cut      time.Time // of what a file was before it was cut short: when
	told     bool      // and that no copy of it was found has been said
	once     bool      // it is read as a whole, once
	isKept   bool      // a place of it is kept
	numbered bool      // index is that of a process before
	kept     int64     // off of that
}

type followFiles struct {
	paths   *paths
	r       *Reader // recognises formats
	o       Options
	tails   []*tail
	byPath  map[string]*tail
	ignored []os.FileInfo // older rotations of named files, which nobody asked for
	failed  map[string]bool
	next    int
	round   int
	looked  bool // the files that were there at the start are known

	goesOn bool    // there were places
	places []Place // of a process before, that no file was found of yet
	gone   []Place // of those, the ones whose name another file has
}

func (w *followFiles) Done(context.Context) error { return w.reached() }

func (w *followFiles) Close() error {
	for _, t := range w.tails {
		t.f.Close()
	}
	return nil
}

func (w *followFiles) Next(ctx context.Context) ([]*Part, error) {
	// What is rotated is seen the sooner the sooner one looks again.
	for wait := followSoon; ; wait = min(2*wait, followTick) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		parts, err := w.look()
		if err == nil && len(parts) > 0 {
			err = w.begin()
		}
		if len(parts) > 0 || err != nil {
			return parts, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(wait):
		}
	}
}

// look gives what there is now.
func (w *followFiles) look() (out []*Part, err error) {
	w.round++
	var found, replaced []*tail
	var kept error
	see := func(path string, beside bool) {
		st, err := os.Stat(path)
		if err != nil {
			return // gone again
		}
		if t := w.of(path, st); t != nil {
			t.path, t.look = path, w.round
			w.byPath[path] = t
			return
		}
		same := func(old os.FileInfo) bool { return os.SameFile(old, st) }
		if beside && slices.ContainsFunc(w.ignored, same) {
			return
		}
		// Of a process that goes on, one that is not known was rotated meanwhile.
		if beside && !w.looked && !w.known(st) && (!w.goesOn || fileID(st) == "") {
			kept = errors.Join(kept, w.passOver(path, st))
			return
		}
		f, err := os.Open(path)
		if err == nil {
			st, err = f.Stat()
		}
		switch {
		case err != nil:
			if !w.failed[path] && !errors.Is(err, os.ErrNotExist) {
				w.failed[path] = true
				w.o.Warnings.Add("file that cannot be followed", true, exec.Sample{Part: path, Detail: reason(err)})
			}
			return
		case w.of(path, st) != nil: // renamed meanwhile
			f.Close()
			return
		}
		if old := w.byPath[path]; old != nil {
			replaced = append(replaced, old)
		}
		t := &tail{path: path, f: f, info: st, late: w.looked, look: w.round, beside: beside, met: time.Now()}
		if !w.looked && !w.resume(t) && beside && (!w.goesOn || w.known(st)) {
			kept = errors.Join(kept, w.passOver(path, st))
			f.Close()
			return
		}
		found = append(found, t)
		w.tails = append(w.tails, t)
		w.byPath[path] = t
	}
	for _, arg := range w.paths.args {
		w.paths.walk(arg, func(path string) bool { see(path, false); return true }, func(e error) bool {
			if len(w.tails) == 0 && !errors.Is(e, errNoFile) {
				err = e
			}
			return true
		})
		for _, path := range rotations(arg) {
			see(path, true)
		}
	}
	if err = errors.Join(err, kept); err != nil {
		return nil, err
	}
	for _, t := range replaced {
		if t.look != w.round { // under no name: files that came and went since are not known
			w.o.Warnings.Add("file deleted while it was followed, and another made in its place; one that came and went between two looks was not read", false, exec.Sample{Part: t.path})
		}
	}
	if w.looked { // rotated and made anew more than once since: the oldest first
		w.tails = w.tails[:len(w.tails)-len(found)]
		slices.SortStableFunc(found, func(a, b *tail) int { return a.info.ModTime().Compare(b.info.ModTime()) })
		w.tails = append(w.tails, found...)
	}
	for _, t := range found {
		if !t.numbered {
			t.index = w.next
			w.next++
		}
	}
	if !w.looked {
		w.tellGone()
	}
	w.looked = true
	for _, t := range w.tails {
		out = append(out, w.lookAt(t)...)
		w.uncopied(t)
	}
	return out, nil
}

// copyWait is how long after a file was cut short its copy is waited for.
const copyWait = 2 * followQuiet

// uncopied says, for each time that a file was cut short, that no copy of what it was
// has come: what was added between the last look and the cut is nowhere.
func (w *followFiles) uncopied(t *tail) {
	for _, was := range t.cuts {
		if !was.told && time.Since(was.cut) > copyWait {
			was.told = true
			w.o.Warnings.Add("cut of a followed file of which no copy is beside it: what was added after the last look is lost", true, exec.Sample{
				Part: t.path, Pos: event.Position(t.index, was.off), Detail: fmt.Sprintf("read up to byte %d", was.off),
			})
		}
	}
}

// of is the tail of a file.
func (w *followFiles) of(path string, st os.FileInfo) *tail {
	if t := w.byPath[path]; t != nil && os.SameFile(t.info, st) {
		return t
	}
	for _, t := range w.tails {
		if os.SameFile(t.info, st) {
			return t
		}
	}
	return nil
}

// rotated are the ends of names that logs are rotated to: .1, -20261130, .old (logrotate,
// log4j, Go's lumberjack).
var rotated = match.Lazy(`^[._-](\d[\dTZ:._-]*|old|prev)$`)

// rotations lists the files beside a file that it may have been rotated to.
func rotations(path string) (out []string) {
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return nil
	}
	dir, base := filepath.Split(path)
	if strings.ContainsAny(base, "*?[") {
		return nil
	}
	entries, err := os.ReadDir(cmp.Or(dir, "."))
	if err != nil {
		return nil
	}
	ext := filepath.Ext(base)
	stem := strings.TrimSuffix(base, ext)
	for _, e := range entries {
		n := e.Name()
		end, ok := strings.CutPrefix(n, base)
		middle, okMiddle := strings.CutPrefix(strings.TrimSuffix(n, ext), stem)
		if e.Type().IsRegular() && n != base && (ok && rotated().MatchString(end) || okMiddle && strings.HasSuffix(n, ext) && rotated().MatchString(middle)) {
			out = append(out, dir+n)
		}
	}
	return out
}

// lookAt gives what is new of a file. One that has another name, or none, by now is read
// like any other: whoever writes to it may not have noticed yet.
func (w *followFiles) lookAt(t *tail) (out []*Part) {
	if t.done {
		return nil
	}
	st, err := t.f.Stat()
	if err != nil {
		w.fail(t, err)
		return nil
	}
	if st.Size() < t.off {
		w.o.Warnings.Add("file cut short while it was followed; read from its start; what was written between a look, or a copy, and the cut cannot be known", false, exec.Sample{Part: t.path})
		t.again()
	} else if w.overwritten(t) {
		w.o.Warnings.Add("file written over while it was followed; read from its start", false, exec.Sample{Part: t.path})
		t.again()
	}
	if t.late && t.off == 0 && t.format == nil && st.Size() > 0 && !w.original(t) {
		return nil
	}
	gone := t.look != w.round && time.Since(t.grown) > followQuiet
	for {
		p := w.piece(t, gone)
		if p == nil {
			return out
		}
		if w.overwritten(t) { // between the look and the reading
			t.off, t.lines = p.Start, p.Lines
			return out
		}
		out = append(out, p)
		if len(out) == piecesMax || t.done {
			return out
		}
	}
}

// original reports whether a file that has come is to be read. One that begins as another
// does may be its copy, made before that is cut short (logrotate's copytruncate): then only
// what was not given yet is read, once the other has been cut.
func (w *followFiles) original(t *tail) bool {
	is := func(o *tail, whole bool) bool {
		n := min(int64(len(o.head)), o.off, followedBytes)
		got := make([]byte, n)
		k, _ := t.f.ReadAt(got, 0)
		if k == 0 || n == 0 || !bytes.Equal(got[:k], o.head[:k]) || whole && int64(k) < n {
			return false
		}
		if !whole {
			return true
		}
		end := make([]byte, len(o.last))
		k, _ = t.f.ReadAt(end, o.off-int64(len(end)))
		return bytes.Equal(end[:k], o.last)
	}
	maybe := false
	for _, o := range w.tails {
		if o == t || filepath.Dir(o.path) != filepath.Dir(t.path) {
			continue
		}
		for i, was := range o.cuts {
			if is(was, true) {
				t.off, t.lines, t.format, t.head, t.last, t.dates = was.off, was.lines, was.format, was.head, was.last, was.dates
				o.cuts = slices.Delete(o.cuts, i, i+1)
				return true
			}
		}
		maybe = maybe || is(o, false)
	}
	if !maybe {
		return true
	}
	if time.Since(t.met) > followQuiet {
		t.done = t.beside // a copy that nobody asked for
		return !t.beside
	}
	return false
}

// again has a file read from its start.
func (t *tail) again() {
	if t.off > 0 {
		was := *t
		was.last, was.cuts, was.cut, was.told = bytes.Clone(t.last), nil, time.Now(), false
		t.cuts = append(t.cuts[max(0, len(t.cuts)-cutsMax):], &was)
	}
	t.off, t.lines, t.size, t.format, t.head, t.dates = 0, 0, 0, nil, nil, datefmt.Evidence{}
}

// overwritten reports whether what was given of a file is no longer there.
func (w *followFiles) overwritten(t *tail) bool {
	if t.off == 0 || t.format == nil {
		return false
	}
	is := func(text []byte, at int64) bool {
		now := make([]byte, len(text))
		n, _ := t.f.ReadAt(now, at)
		return bytes.Equal(now[:n], text)
	}
	return !is(t.last, t.off-int64(len(t.last))) || !is(t.head[:min(int64(len(t.head)), t.off, followedBytes)], 0)
}

func (w *followFiles) fail(t *tail, err error) {
	t.done = true
	w.o.Warnings.Add("file that cannot be followed", true, exec.Sample{Part: t.path, Detail: reason(err)})
}

// piece gives the next whole events of a file, nil for none.
func (w *followFiles) piece(t *tail, last bool) *Part {
	st, err := t.f.Stat()
	if err != nil || st.Size() <= t.off {
		return nil
	}
	if st.Size() != t.size {
		t.size, t.grown = st.Size(), time.Now()
	}
	data := make([]byte, min(st.Size()-t.off, followBytes))
	n, err := t.f.ReadAt(data, t.off)
	if err != nil && !errors.Is(err, io.EOF) {
		w.fail(t, err)
		return nil
	}
	if data = data[:n]; n == 0 {
		return nil
	}
	if t.format == nil {
		head := data[:min(n, headBytes)]
		format, err := w.r.followable(head, t.path)
		var cannot *notFollowed
		switch {
		case errors.As(err, &cannot):
			return w.once(t, head, cannot)
		case bytes.IndexByte(head, '\n') < 0 && !last && n < headBytes:
			return nil // too little to tell by
		case err != nil:
			w.fail(t, err)
			return nil
		}
		t.format = format
		t.head = bytes.Clone(data[:min(n, headBytes)])
	}
	whole := t.format.Cut(data, t.off, last)
	if whole == 0 && (last || data[n-1] == '\n' && time.Since(t.grown) > followQuiet) {
		whole = n
	}
	if whole == 0 {
		if n == followBytes {
			w.o.Warnings.Add("event too long", true, exec.Sample{
				Part: t.path, Pos: event.Position(t.index, t.off), Detail: fmt.Sprintf("byte %d: %d bytes without an end", t.off, n),
			})
			t.off += int64(n)
			t.lines += int64(bytes.Count(data, newline))
		}
		return nil
	}
	f, off, lines := t.f, t.off, t.lines
	t.off += int64(whole)
	t.lines += int64(bytes.Count(data[:whole], newline))
	t.last = append(t.last[:0], data[max(0, whole-followedBytes):whole]...)
	if !t.format.InPlace {
		t.dates.Add(data[:whole])
	}
	return &Part{
		Index: t.index, Name: t.path, Size: int64(whole), Format: t.format, Head: t.head, Start: off, Lines: lines,
		DateOrder: cmp.Or(w.o.DateOrder, t.dates.Order()),
		Open: func(context.Context) (io.ReadCloser, error) {
			return io.NopCloser(io.NewSectionReader(f, off, int64(whole))), nil
		},
	}
}

// once gives a file that cannot be followed as a whole, if it is no archive, and
// not a log that may have been compressed when it was rotated.
func (w *followFiles) once(t *tail, head []byte, why *notFollowed) *Part {
	switch {
	case archiveKind(head) != notArchive:
		w.fail(t, errors.New("an archive; search it without --follow"))
		return nil
	case t.late && why.packed:
		w.fail(t, errors.New("compressed, and not there at the start: perhaps a log that was rotated; search it without --follow"))
		return nil
	case t.late && time.Since(t.grown) <= followQuiet: // it is still being written
		return nil
	}
	t.done, t.once = true, true
	w.o.Warnings.Add("file read once and not followed", false, exec.Sample{Part: t.path, Detail: why.why})
	path := t.path
	return &Part{Index: t.index, Name: path, Size: t.size, Open: func(context.Context) (io.ReadCloser, error) { return os.Open(path) }}
}

var newline = []byte{'\n'}

// notFollowed is why something that can be read cannot be followed.
type notFollowed struct {
	why    string
	packed bool
}

func (e *notFollowed) Error() string { return e.why }

// followable recognises the format of something that grows. The error is a
// *notFollowed where it may be read all the same.
func (r *Reader) followable(head []byte, name string) (*Format, error) {
	b, err := decompress(bytes.NewReader(head))
	if err != nil {
		return nil, err
	}
	text := bytes.TrimPrefix(head, []byte("\xef\xbb\xbf"))
	if plain, _ := b.Peek(min(len(text), 64)); archiveKind(head) != notArchive || !bytes.HasPrefix(text, plain) {
		return nil, &notFollowed{"compressed data, archives and UTF-16 are not followed; search again for what is new", !utf16Text(head)}
	}
	f := r.o.Force
	if f == nil {
		f = r.recognise(text, name)
	}
	switch {
	case f == nil:
		return nil, r.unknown(head, name)
	case f.InPlace:
		return nil, &notFollowed{why: f.Name + " files do not only grow at their end, and are not followed; search again for new events"}
	}
	return f, nil
}

// followStream follows standard input.
type followStream struct {
	r      *Reader
	o      Options
	in     *interruptible
	data   []byte
	off    int64
	lines  int64 // that end before off
	format *Format
	head   []byte
	dates  datefmt.Evidence
	ended  bool
}

func (w *followStream) Done(context.Context) error { return nil }
func (w *followStream) Close() error               { return nil }

func (w *followStream) Next(ctx context.Context) ([]*Part, error) {
	if w.in == nil {
		w.in = newInterruptible(ctx, w.o.Stdin)
	}
	buf := make([]byte, stdinBytes)
	for !w.ended {
		// Where only the next event would show the end of one, a while without it
		// does, too.
		quiet := w.format != nil && len(w.data) > 0 && w.data[len(w.data)-1] == '\n' && !w.in.within(followQuiet)
		n, err := 0, error(nil)
		if !quiet {
			n, err = w.in.Read(buf)
		}
		w.data = append(w.data, buf[:n]...)
		if errors.Is(err, io.EOF) {
			w.ended = true
		} else if err != nil {
			return nil, err
		}
		if w.format == nil && (bytes.IndexByte(w.data, '\n') >= 0 || w.ended && len(w.data) > 0) {
			head := w.data[:min(len(w.data), headBytes)]
			if w.format, err = w.r.followable(head, "-"); err != nil {
				return nil, &PathError{"-", err}
			}
			w.head = bytes.Clone(head)
		}
		if w.format == nil {
			continue
		}
		whole := w.format.Cut(w.data, w.off, w.ended)
		if whole == 0 && (w.ended || quiet) {
			whole = len(w.data)
		}
		if whole == 0 {
			if len(w.data) > MaxEventBytes {
				return nil, &PathError{"-", fmt.Errorf("an event of more than %s", exec.Size(MaxEventBytes))}
			}
			continue
		}
		p := MemoryPart("-", bytes.Clone(w.data[:whole]))
		w.dates.Add(w.data[:whole])
		p.Format, p.Head, p.Start, p.Lines, p.DateOrder = w.format, w.head, w.off, w.lines, cmp.Or(w.o.DateOrder, w.dates.Order())
		w.off += int64(whole)
		w.lines += int64(bytes.Count(w.data[:whole], newline))
		w.data = append(w.data[:0], w.data[whole:]...)
		if w.ended {
			return []*Part{p}, io.EOF
		}
		return []*Part{p}, nil
	}
	return nil, io.EOF
}
