package input

import (
	"context"
	"io"
	"os"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
)

// stdinBytes is how much is read of standard input at once.
const stdinBytes = 256 << 10

// interruptible reads a stream whose Read cannot be interrupted (a terminal, a
// pipe nobody writes to) so that it ends when the context does. The goroutine
// that waits in Read then stays until the process ends: there is no other way
// to leave it.
type interruptible struct {
	ctx  context.Context
	got  chan chunk
	free chan []byte
	cur  chunk
	rest []byte
}

type chunk struct {
	data []byte
	err  error
}

// openPipe opens a file that can be read only once: a named pipe, what a shell
// puts in place of <(command), a device. Opening one waits for who writes to it.
func openPipe(ctx context.Context, path string) (io.ReadCloser, error) {
	type opened struct {
		f   *os.File
		err error
	}
	come := make(chan opened, 1)
	go func() {
		f, err := os.Open(path)
		come <- opened{f, err}
	}()
	select {
	case o := <-come:
		if o.err != nil {
			return nil, o.err
		}
		return pipe{newInterruptible(ctx, o.f), o.f}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

type pipe struct {
	*interruptible
	f *os.File
}

func (p pipe) Close() error { return p.f.Close() }

func newInterruptible(ctx context.Context, r io.Reader) *interruptible {
	s := &interruptible{ctx: ctx, got: make(chan chunk), free: make(chan []byte, 2)}
	s.free <- make([]byte, stdinBytes)
	s.free <- make([]byte, stdinBytes)
	go func() {
		for {
			var buf []byte
			select {
			case buf = <-s.free:
			case <-ctx.Done():
				return
			}
			n, err := 0, error(nil)
			if bug := exec.Guard("reading", func() error { n, err = r.Read(buf); return nil }); bug != nil {
				n, err = 0, bug
			}
			select {
			case s.got <- chunk{buf[:n], err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return s
}

func (s *interruptible) Read(p []byte) (int, error) {
	for len(s.rest) == 0 {
		if s.cur.err != nil {
			return 0, s.cur.err
		}
		if s.cur.data != nil {
			s.free <- s.cur.data[:cap(s.cur.data)]
			s.cur = chunk{} // it is given back once, whatever comes
		}
		select {
		case s.cur = <-s.got:
			s.rest = s.cur.data
		case <-s.ctx.Done():
			return 0, s.ctx.Err()
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// within reports whether there is more to read, or the end, in some time.
func (s *interruptible) within(d time.Duration) bool {
	if len(s.rest) > 0 || s.cur.err != nil {
		return true
	}
	if s.cur.data != nil {
		s.free <- s.cur.data[:cap(s.cur.data)]
		s.cur = chunk{}
	}
	select {
	case s.cur = <-s.got:
		s.rest = s.cur.data
	case <-s.ctx.Done():
	case <-time.After(d):
		return false
	}
	return true
}

func (s *interruptible) Close() error { return nil }
