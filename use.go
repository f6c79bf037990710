package gyoji

import (
	"errors"
	"sync"
	"sync/atomic"
)

// use sees to it that what is one goroutine's is used by one at a time, and not once it is
// closed.
type use struct {
	state   atomic.Int32
	release func()
}

const (
	idle int32 = iota
	busy
	closing // busy, and closed then
	closed
)

var (
	errBusy   = errors.New("the live run is in use: calls of several goroutines need a lock of theirs, and a loop over Rows may not make any")
	errClosed = errors.New("the live run is closed")
)

// during does something while nobody else may.
func (u *use) during(do func() error) error {
	if !u.state.CompareAndSwap(idle, busy) {
		if u.state.Load() == closed {
			return errClosed
		}
		return errBusy
	}
	defer func() {
		if !u.state.CompareAndSwap(busy, idle) {
			u.state.Store(closed)
			u.release()
		}
	}()
	return do()
}

func (u *use) close() {
	if u.state.CompareAndSwap(idle, closed) {
		u.release()
		return
	}
	u.state.CompareAndSwap(busy, closing)
}

// handed gives rows or findings to who takes them, once the engine is through with what
// made them: to may call whatever made them, and a panic of it is the caller's.
type handed[T any] struct {
	to   func(T) error
	mu   sync.Mutex // two that push at once are refused, but reach this
	came []T
}

func (h *handed[T]) take(some []T) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.came = append(h.came, some...)
	return nil
}

func (h *handed[T]) next() (v T, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.came) == 0 {
		return v, false
	}
	v = h.came[0]
	if h.came = h.came[1:]; len(h.came) == 0 {
		h.came = nil
	}
	return v, true
}

func (h *handed[T]) give() error {
	for v, ok := h.next(); ok; v, ok = h.next() {
		if err := h.to(v); err != nil {
			return err
		}
	}
	return nil
}
