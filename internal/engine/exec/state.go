package exec

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Holder is a task that holds what it has taken until there is no more input: the
// task of a stage that collects. State of a run is nowhere else. Stages before it
// hold nothing between batches; stages after it are opened anew for every
// Snapshot, whose rows pass through them in their final order.
type Holder interface {
	Merger
	// Snapshot pushes what Flush would push if there were no more input, and
	// changes nothing: the task goes on.
	Snapshot() error
	// Save writes down what is held.
	Save(*Saver) error
	// Load adds what was saved to what is held, as Merge adds another worker's.
	// The stage is one of an equal query.
	Load(*Loader) error
	// Advance says that event time has come to t, in ms: rows of an earlier time
	// do not come any more. The task pushes the rows that can no longer change,
	// and forgets them. Most cannot tell, and do nothing.
	Advance(t int64) error
}

// HolderOf is the task of a front that holds its rows; nil if there is none.
func HolderOf(front Task) Holder {
	h, _ := last(front).(Holder)
	return h
}

// last is the last task of a chain.
func last(chain Task) Task {
	for {
		l, ok := chain.(*link)
		if !ok {
			return chain
		}
		if _, more := l.next.(*link); !more {
			return l.Task
		}
		chain = l.next
	}
}

// Saver writes the state of tasks. The first error stays; Err tells it.
type Saver struct {
	w   *bufio.Writer
	buf []byte
	err error
}

// NewSaver makes a Saver that writes to w until it is flushed.
func NewSaver(w io.Writer) *Saver { return &Saver{w: bufio.NewWriterSize(w, 64<<10)} }

// Uint writes a number.
func (s *Saver) Uint(n uint64) {
	s.buf = binary.AppendUvarint(s.buf[:0], n)
	s.write(s.buf)
}

// Int writes a number that may be negative.
func (s *Saver) Int(n int64) {
	s.buf = binary.AppendVarint(s.buf[:0], n)
	s.write(s.buf)
}

// Bytes writes a piece of text or data.
func (s *Saver) Bytes(p []byte) {
	s.Uint(uint64(len(p)))
	s.write(p)
}

// Record writes one of a list of records of any length; End ends the list.
func (s *Saver) Record(p []byte) {
	s.Uint(1)
	s.Bytes(p)
}

// End ends a list of records.
func (s *Saver) End() { s.Uint(0) }

func (s *Saver) write(p []byte) {
	if s.err == nil {
		_, s.err = s.w.Write(p)
	}
}

// Flush writes what is left, and returns the first error.
func (s *Saver) Flush() error {
	if s.err == nil {
		s.err = s.w.Flush()
	}
	return s.err
}

// Err is the first error.
func (s *Saver) Err() error { return s.err }

// Loader reads what a Saver wrote. The first error stays, and everything read
// after it is empty.
type Loader struct {
	r   *bufio.Reader
	buf []byte
	err error

	// Slot is the slot, in the run that loads, of the name that a saved slot had there;
	// event.None where there is no room for it. nil where they are the same.
	Slot func(saved event.Slot) event.Slot
}

// ErrState is an error of saved state that cannot be loaded.
var ErrState = errors.New("the saved state is damaged")

// NewLoader makes a Loader that reads r.
func NewLoader(r io.Reader) *Loader { return &Loader{r: bufio.NewReaderSize(r, 64<<10)} }

// Uint reads a number.
func (l *Loader) Uint() uint64 {
	if l.err != nil {
		return 0
	}
	n, err := binary.ReadUvarint(l.r)
	return n * l.ok(err)
}

// Int reads a number that may be negative.
func (l *Loader) Int() int64 {
	if l.err != nil {
		return 0
	}
	n, err := binary.ReadVarint(l.r)
	return n * int64(l.ok(err))
}

func (l *Loader) ok(err error) uint64 {
	if err != nil {
		l.Fail(err)
		return 0
	}
	return 1
}

// loadPiece is how much of a piece is made room for before it has been read.
const loadPiece = 1 << 20

// Bytes reads a piece of data. It is good until the next.
func (l *Loader) Bytes() []byte {
	n := l.Uint()
	l.buf = l.buf[:0]
	for l.err == nil && uint64(len(l.buf)) < n {
		at, more := len(l.buf), min(n-uint64(len(l.buf)), loadPiece)
		l.buf = append(l.buf, make([]byte, more)...)
		if _, err := io.ReadFull(l.r, l.buf[at:]); err != nil {
			l.Fail(err)
		}
	}
	if l.err != nil {
		return nil
	}
	return l.buf
}

// Records reads a list of records. A record is good until the next.
func (l *Loader) Records(do func(rec []byte) error) error {
	for l.err == nil {
		switch l.Uint() {
		case 0:
			return l.err
		case 1:
			rec := l.Bytes()
			if l.err != nil {
				return l.err
			}
			if err := do(rec); err != nil {
				return err
			}
		default:
			l.Fail(errors.New("no record stands where one should"))
		}
	}
	return l.err
}

// Fail notes an error, if it is the first.
func (l *Loader) Fail(err error) {
	if l.err == nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		l.err = fmt.Errorf("%w: %w", ErrState, err)
	}
}

// Err is the first error.
func (l *Loader) Err() error { return l.err }
