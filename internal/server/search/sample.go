package search

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/editor"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/store"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

const (
	sampleEvents = 20_000           // that are looked at, the newest that the store has
	sampleValues = 12               // that are kept of a field, the most frequent
	sampleAge    = 30 * time.Second // after which a sample is made anew, if somebody asks
	sampleTime   = 5 * time.Second  // that making one takes at most
	// samplePatience is how long somebody who writes a query waits for the first.
	samplePatience = 400 * time.Millisecond
)

// sampler knows what the newest messages of the store hold, for completion. It is made
// beside: who asks first waits a little for it, and nobody for a newer one.
type sampler struct {
	o Options

	mu     sync.Mutex
	have   *editor.Sample
	next   uint64 // of the store, when it was made
	made   time.Time
	making chan struct{} // closed when the one that is being made is there; nil for none
}

func newSampler(o Options) *sampler { return &sampler{o: o} }

// get is the sample; nil for a store that holds nothing, or one that is not looked at yet.
func (s *sampler) get() *editor.Sample {
	if s.o.Store == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.making == nil && (s.made.IsZero() || s.o.Now().Sub(s.made) > sampleAge) {
		if !s.made.IsZero() && s.o.Store.Stats().Next == s.next {
			s.made = s.o.Now() // nothing has come
			return s.have
		}
		ready := make(chan struct{})
		s.making = ready
		go func() {
			fresh, next := s.make()
			s.mu.Lock()
			defer s.mu.Unlock()
			s.have, s.next, s.made, s.making = fresh, next, s.o.Now(), nil
			close(ready)
		}()
	}
	if ready := s.making; ready != nil && s.have == nil {
		s.mu.Unlock()
		late, done := context.WithTimeout(context.Background(), samplePatience)
		select {
		case <-ready:
		case <-late.Done():
		}
		done()
		s.mu.Lock()
	}
	return s.have
}

// errEnough ends the look at some events.
var errEnough = errors.New("enough")

func (s *sampler) make() (*editor.Sample, uint64) {
	ctx, cancel := context.WithTimeout(context.Background(), sampleTime)
	defer cancel()
	snap := s.o.Store.Snapshot(store.View{})
	defer snap.Close()
	c := &counter{layout: event.NewLayout(), most: sampleEvents}
	run := query.Run{Input: snap.Feeder(), Layout: c.layout, Workers: 1, Memory: 64 << 20, Now: s.o.Now(), Zone: time.UTC, Warnings: &exec.Warnings{}}
	err := query.Events(ctx, run, event.Fields{}, func() exec.Task { return c })
	if err != nil && !errors.Is(err, errEnough) && ctx.Err() == nil {
		s.o.Logf("the fields of the newest messages, for completion: %v", err)
	}
	if c.events == 0 {
		return nil, snap.Next()
	}
	return editor.NewSample("the newest messages", c.events, c.fields()), snap.Next()
}

// counter counts the fields of events.
type counter struct {
	layout *event.Layout
	most   int64
	events int64
	tally  tally
	codes  []int64
}

func (c *counter) Push(b *event.Batch) error {
	if c.events >= c.most {
		return errEnough
	}
	c.events += int64(len(b.Live))
	for i := range b.Cols {
		col := &b.Cols[i]
		name := c.layout.Name(event.Slot(i))
		if len(col.Dict) < 2 || strings.EqualFold(name, "_raw") {
			continue
		}
		c.codes = append(c.codes[:0], make([]int64, len(col.Dict))...)
		for _, row := range b.Live {
			if int(row) < len(col.Code) {
				c.codes[col.Code[row]]++
			}
		}
		for code, n := range c.codes {
			if v := col.Dict[code]; n > 0 && !v.IsNull() {
				c.tally.add(name, v.Str(), n)
			}
		}
	}
	return nil
}

func (c *counter) Flush() error            { return nil }
func (c *counter) Merge(t exec.Task) error { return nil } // there is one worker

func (c *counter) fields() (list []editor.SampleField) {
	for _, f := range c.tally.fields {
		x := editor.SampleField{Name: f.name, Events: f.count}
		for _, v := range f.top(sampleValues) {
			x.Values = append(x.Values, v.Value)
		}
		list = append(list, x)
	}
	slices.SortStableFunc(list, func(a, b editor.SampleField) int {
		if a.Events != b.Events {
			return int(b.Events - a.Events)
		}
		return strings.Compare(a.Name, b.Name)
	})
	return list
}
