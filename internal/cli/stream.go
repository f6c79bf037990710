package cli

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"

	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

// stream is stdout or stderr. It remembers the first error of a write, since most of what
// prints does not look: a result that did not reach anyone is no success.
type stream struct {
	w  io.Writer
	mu sync.Mutex
	e  error
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.e != nil {
		return 0, s.e
	}
	n, err := s.w.Write(p)
	s.e = err
	return n, err
}

// lost is the error of a write, if there was one.
func (s *stream) lost() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.e == nil || errors.Is(s.e, syscall.EPIPE) {
		return s.e
	}
	return &exit{exitInput, fmt.Errorf("the output could not be written: %w", s.e)}
}

// styled is a stream for text that is coloured, and whose values its writer has made safe.
func (a *app) styled(s *stream, tty bool) io.Writer {
	return printable.NewWriter(s, printable.People, a.colors(tty))
}

// data is stdout for text that other programs read: as it is, but on a terminal, which
// would obey some of it.
func (a *app) data() io.Writer {
	if a.outTTY {
		return a.stdout
	}
	return a.out
}

// json is stdout for JSON, which says what a terminal would obey by its escapes.
func (a *app) json() io.Writer { return printable.NewWriter(a.out, printable.JSON, false) }

// streamOf is the stream that text for people goes to.
func (a *app) streamOf(w io.Writer) *stream {
	if w == a.stderr {
		return a.err
	}
	return a.out
}
