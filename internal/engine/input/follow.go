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
	"slices"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

const (
	// followTick is how often followed files are looked at.
	followTick = 250 * time.Millisecond
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
// one from its start; one that is cut short or written over is read from its start
// again. A file that was followed under another name is not read under its new one.
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
	return &followFiles{paths: &paths{args, o}, r: NewReader(list(nil), formats, o), o: o, byPath: map[string]*tail{}}, nil
}

// tail is a file that is followed.
type tail struct {
	path   string
	f      *os.File
	off    int64 // up to where it has been given
	grown  time.Time
	size   int64
	format *Format
	head   []byte
	last   []byte           // what was given last, up to followedBytes before off
	done   bool             // nothing more is read of it
	late   bool             // it was not there at the start
	dates  datefmt.Evidence // what has been given says of its dates
	index  int
}

type followFiles struct {
	paths  *paths
	r      *Reader // recognises formats
	o      Options
	tails  []*tail
	byPath map[string]*tail
	old    []*os.File
	next   int
	looked bool // the files that were there at the start are known
}

func (w *followFiles) Done(context.Context) error { return nil }

func (w *followFiles) Close() error {
	for _, t := range w.tails {
		if t.f != nil {
			t.f.Close()
		}
	}
	for _, f := range w.old {
		f.Close()
	}
	return nil
}

func (w *followFiles) Next(ctx context.Context) ([]*Part, error) {
	for {
		parts, err := w.look()
		if len(parts) > 0 || err != nil {
			return parts, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(followTick):
		}
	}
}

// look gives what there is now.
func (w *followFiles) look() (out []*Part, err error) {
	for _, arg := range w.paths.args {
		w.paths.walk(arg, func(path string) bool {
			if w.byPath[path] == nil && !w.renamed(path) {
				t := &tail{path: path, index: w.next, late: w.looked}
				w.next++
				w.byPath[path] = t
				w.tails = append(w.tails, t)
			}
			return true
		}, func(e error) bool {
			if len(w.tails) == 0 && !errors.Is(e, errNoFile) {
				err = e
			}
			return true
		})
	}
	if err != nil {
		return nil, err
	}
	w.looked = true
	for _, t := range w.tails {
		out = append(out, w.lookAt(t)...)
	}
	return out, nil
}

// renamed reports whether a path is a file that is, or was, followed under another:
// a rotated log.
func (w *followFiles) renamed(path string) bool {
	if !w.looked {
		return false
	}
	st, err := os.Stat(path)
	if err != nil {
		return false
	}
	same := func(f *os.File) bool {
		if f == nil {
			return false
		}
		own, err := f.Stat()
		return err == nil && os.SameFile(st, own)
	}
	return slices.ContainsFunc(w.old, same) || slices.ContainsFunc(w.tails, func(t *tail) bool { return same(t.f) })
}

func (w *followFiles) lookAt(t *tail) (out []*Part) {
	if t.done {
		return nil
	}
	st, err := os.Stat(t.path)
	if t.f != nil {
		own, ownErr := t.f.Stat()
		if err != nil || ownErr != nil || !os.SameFile(st, own) { // moved away
			for {
				p := w.piece(t, true)
				if p == nil {
					break
				}
				out = append(out, p)
			}
			w.old = append(w.old, t.f)
			t.f = nil
			t.again()
		} else if st.Size() < t.off {
			w.o.Warnings.Add("file cut short while it was followed; read from its start", false, exec.Sample{Part: t.path})
			t.again()
		} else if t.overwritten() {
			w.o.Warnings.Add("file written over while it was followed; read from its start", false, exec.Sample{Part: t.path})
			t.again()
		}
	}
	if err != nil {
		return out
	}
	if !st.Mode().IsRegular() {
		w.fail(t, errors.New("no plain file; write it to gyoji's standard input and follow -"))
		return out
	}
	if t.f == nil {
		if t.f, err = os.Open(t.path); err != nil {
			w.fail(t, err)
			return out
		}
	}
	if p := w.piece(t, false); p != nil {
		out = append(out, p)
	}
	return out
}

// again has a file read from its start.
func (t *tail) again() {
	t.off, t.size, t.format, t.head, t.dates = 0, 0, nil, nil, datefmt.Evidence{}
}

// overwritten reports whether what was given of a file is no longer there.
func (t *tail) overwritten() bool {
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
		}
		return nil
	}
	f, off := t.f, t.off
	t.off += int64(whole)
	t.last = append(t.last[:0], data[max(0, whole-followedBytes):whole]...)
	if !t.format.InPlace {
		t.dates.Add(data[:whole])
	}
	return &Part{
		Index: t.index, Name: t.path, Size: int64(whole), Format: t.format, Head: t.head, Start: off,
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
	t.done = true
	w.o.Warnings.Add("file read once and not followed", false, exec.Sample{Part: t.path, Detail: why.why})
	path := t.path
	return &Part{Index: t.index, Name: path, Size: t.size, Open: func(context.Context) (io.ReadCloser, error) { return os.Open(path) }}
}

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
		p.Format, p.Head, p.Start, p.DateOrder = w.format, w.head, w.off, cmp.Or(w.o.DateOrder, w.dates.Order())
		w.off += int64(whole)
		w.data = append(w.data[:0], w.data[whole:]...)
		if w.ended {
			return []*Part{p}, io.EOF
		}
		return []*Part{p}, nil
	}
	return nil, io.EOF
}
