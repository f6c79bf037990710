package job

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// span is a part of a job's time range, in ms, To excluded. all has no bounds.
type span struct {
	from, to int64
	all      bool
}

// sliced gives a run its events slice of time by slice of time, the newest first, and
// each worker its turns. What has been counted in a slice is final once all workers are
// done with it.
type sliced struct {
	open    func() input.Feeder // what is read, from the start
	slices  []span
	done    func(i int) // slice i is final
	workers int
	turns   *turns
	used    *atomic.Int64
}

// Feed implements input.Feeder.
func (s *sliced) Feed(ctx context.Context, want *input.Want) exec.Feed {
	feeds := make([]exec.Feed, len(s.slices))
	var mu sync.Mutex
	feed := func(i int) exec.Feed {
		mu.Lock()
		defer mu.Unlock()
		if feeds[i] == nil {
			w := *want
			if sl := s.slices[i]; !sl.all {
				w.From, w.To, w.Bounded = sl.from, sl.to, true
			}
			feeds[i] = s.open().Feed(ctx, &w)
		}
		return feeds[i]
	}
	meet := newMeeting(s.workers)
	return func(worker int, front exec.Sink) (err error) {
		t := s.turns.worker(s.used)
		defer t.give()
		defer func() {
			meet.leave(err != nil && !errors.Is(err, exec.ErrStop))
		}()
		within := &within{ctx: ctx, turn: t, next: front}
		for i := range s.slices {
			if err := t.take(ctx); err != nil {
				return err
			}
			within.span = s.slices[i]
			if err := feed(i)(worker, within); err != nil {
				return err
			}
			t.give()
			if !meet.wait(func() { s.done(i) }) {
				return exec.ErrStop
			}
		}
		return ctx.Err()
	}
}

// within passes on the events of a slice, since a reader may give others too.
type within struct {
	span
	ctx  context.Context
	turn *turn
	next exec.Sink
}

func (w *within) Push(b *event.Batch) error {
	if err := w.turn.yield(w.ctx); err != nil {
		return err
	}
	if !w.all {
		live := b.Live[:0]
		for _, r := range b.Live {
			if at := b.Time[r]; at >= w.from && at < w.to {
				live = append(live, r)
			}
		}
		if b.Live = live; len(live) == 0 {
			return nil
		}
	}
	return w.next.Push(b)
}

// meeting has workers wait for each other.
type meeting struct {
	mu    sync.Mutex
	turn  *sync.Cond
	n, in int
	last  func() // of those who wait
	round int
	ended bool
}

func newMeeting(n int) *meeting {
	m := &meeting{n: n}
	m.turn = sync.NewCond(&m.mu)
	return m
}

// wait waits until all who have not left are here; then last is called, once. It
// reports false if a worker has failed.
func (m *meeting) wait(last func()) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.in, m.last = m.in+1, last
	round := m.round
	m.all()
	for m.round == round && !m.ended {
		m.turn.Wait()
	}
	return !m.ended
}

// all ends the round if all are here.
func (m *meeting) all() {
	if m.in > 0 && m.in == m.n && !m.ended {
		m.last()
		m.in = 0
		m.round++
		m.turn.Broadcast()
	}
}

// leave says that a worker will not come any more: it wants no more events, or has
// failed, and then nobody goes on.
func (m *meeting) leave(failed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.n--
	m.ended = m.ended || failed
	m.all()
	m.turn.Broadcast()
}
