package exec

import (
	"io"
	"sync"
)

// Ordered writes what workers make of numbered blocks in the order of their
// numbers. A worker whose turn it is not waits, so no more is held than each
// worker's own.
type Ordered struct {
	w    io.Writer
	mu   sync.Mutex
	turn *sync.Cond
	next int
	err  error
}

// NewOrdered makes an Ordered whose first block is 0.
func NewOrdered(w io.Writer) *Ordered {
	o := &Ordered{w: w}
	o.turn = sync.NewCond(&o.mu)
	return o
}

// Write writes a block's output when all before it is written. Every block has
// to be written, an empty one too.
func (o *Ordered) Write(block int, p []byte) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.next != block && o.err == nil {
		o.turn.Wait()
	}
	if o.err == nil && len(p) > 0 {
		_, o.err = o.w.Write(p)
	}
	o.next++
	o.turn.Broadcast()
	return o.err
}

// Stop ends the waiting of all: a block will not come.
func (o *Ordered) Stop(err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err == nil {
		o.err = err
	}
	o.turn.Broadcast()
}
