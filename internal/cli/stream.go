package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"syscall"
	"time"

	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

// stream is stdout or stderr. It remembers the first error of a write, since most of what
// prints does not look: a result that did not reach anyone is no success.
type stream struct {
	w   io.Writer
	ctx context.Context // nil before there is one to interrupt
	mu  sync.Mutex
	e   error
}

// unreadWait is how long a write may go on after an interrupt. A pipe that is full and
// that nobody reads would keep the program for ever.
const unreadWait = 2 * time.Second

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.e != nil {
		return 0, s.e
	}
	n, err := s.write(p)
	s.e = err
	return n, err
}

// write gives up some time after an interrupt: a system has no way to take a write back.
func (s *stream) write(p []byte) (int, error) {
	if s.ctx == nil {
		return s.w.Write(p)
	}
	type written struct {
		n   int
		err error
	}
	done := make(chan written, 1)
	go func() {
		n, err := s.w.Write(p)
		done <- written{n, err}
	}()
	select {
	case d := <-done:
		return d.n, d.err
	case <-s.ctx.Done():
	}
	select {
	case d := <-done:
		return d.n, d.err
	case <-time.After(unreadWait):
		return 0, s.ctx.Err()
	}
}

// lost is the error of a write, if there was one.
func (s *stream) lost() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.e == nil || errors.Is(s.e, syscall.EPIPE) || errors.Is(s.e, context.Canceled) {
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
