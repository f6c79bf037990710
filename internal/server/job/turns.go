package job

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Turns share the cores among the workers of all jobs: so many work at a time as there
// are cores, whatever the number of jobs, so that what takes logs in never waits behind
// hundreds of searches. A worker gives its turn up after a short while, and the job that
// has had the least time gets it: a small job is not held up by a large one.
type turns struct {
	mu      sync.Mutex
	free    int
	extra   int // turns given although none was free
	most    int // of those
	waiting []*turn
	busy    func() bool // something more urgent works; nil for never
}

const (
	// turnTime is how long a worker works before others get a turn.
	turnTime = 10 * time.Millisecond
	// turnWait is how long a worker waits at most before it works as well: one that has
	// a turn may read for long without an event that matters.
	turnWait = 50 * time.Millisecond
	// turnRest is how long a worker rests at most, after each turnTime, while something more
	// urgent works: searches go on under a load that never ends, three times as slow.
	turnRest = 20 * time.Millisecond
	// turnsExtra is how many such workers there are at most, for each core.
	turnsExtra = 3
)

func newTurns(cores int) *turns { return &turns{free: cores, most: cores * turnsExtra} }

// turn is one worker's.
type turn struct {
	of    *turns
	used  *atomic.Int64 // by the job, ns
	since time.Time
	has   bool
	ready chan struct{}
}

func (t *turns) worker(used *atomic.Int64) *turn {
	return &turn{of: t, used: used, ready: make(chan struct{}, 1)}
}

// take waits for a turn.
func (w *turn) take(ctx context.Context) error {
	t := w.of
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		w.has, w.since = true, time.Now()
		return nil
	}
	t.waiting = append(t.waiting, w)
	t.mu.Unlock()
	tick := time.NewTicker(turnWait)
	defer tick.Stop()
	for {
		select {
		case <-w.ready:
			w.has, w.since = true, time.Now()
			return nil
		case <-ctx.Done():
			if t.leave(w, false) {
				return ctx.Err()
			}
		case <-tick.C:
			t.leave(w, true)
		}
	}
}

// leave takes a worker out of the queue; with extra only if it may work although no
// turn is free. It reports false if the worker has been given a turn meanwhile.
func (t *turns) leave(w *turn, extra bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, x := range t.waiting {
		if x != w {
			continue
		}
		if extra && t.extra >= t.most {
			return false
		}
		t.waiting = append(t.waiting[:i], t.waiting[i+1:]...)
		if extra {
			t.extra++
			w.ready <- struct{}{}
		}
		return true
	}
	return false
}

// give gives the turn up.
func (w *turn) give() {
	if !w.has {
		return
	}
	w.has = false
	w.used.Add(int64(time.Since(w.since)))
	t := w.of
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.extra > 0 {
		t.extra--
		return
	}
	next := -1
	for i, x := range t.waiting {
		if next < 0 || x.used.Load() < t.waiting[next].used.Load() {
			next = i
		}
	}
	if next < 0 {
		t.free++
		return
	}
	x := t.waiting[next]
	t.waiting = append(t.waiting[:next], t.waiting[next+1:]...)
	x.ready <- struct{}{}
}

// rest waits while something more urgent works. The turn is kept meanwhile: else the next
// search would have it.
func (w *turn) rest(ctx context.Context, began time.Time) {
	for busy := w.of.busy; busy != nil && busy() && ctx.Err() == nil && time.Since(began) < turnRest; {
		time.Sleep(time.Millisecond)
	}
}

// yield gives others a turn if this one has lasted long enough.
func (w *turn) yield(ctx context.Context) error {
	now := time.Now()
	if now.Sub(w.since) < turnTime {
		return ctx.Err()
	}
	w.used.Add(int64(now.Sub(w.since)))
	w.rest(ctx, now)
	w.since = time.Now()
	w.of.mu.Lock()
	alone := len(w.of.waiting) == 0
	w.of.mu.Unlock()
	if alone {
		return ctx.Err()
	}
	w.give()
	return w.take(ctx)
}
