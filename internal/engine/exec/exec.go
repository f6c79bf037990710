// Package exec runs tasks: workers, input order, memory budget, spill and
// cancellation. Parallelism lives here and nowhere else.
package exec

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// ErrStop is returned by Push when nothing downstream wants more rows.
var ErrStop = errors.New("exec: no more rows wanted")

// Sink takes batches. The batch is lent: the callee may change it while Push
// runs and keeps nothing of it, values' text included.
type Sink interface{ Push(*event.Batch) error }

// Task is one worker's copy of one stage. Its methods are called from one goroutine.
type Task interface {
	Sink
	// Flush says that there is no more input: push on what is held. It does not
	// flush what comes after; the chain does.
	Flush() error
}

// Merger is a task whose state can be added to another worker's of the same
// stage. The task merged from is not used afterwards.
type Merger interface {
	Task
	Merge(Task) error
}

// Pipeline is a plan cut at its first stage that needs all rows. Every worker
// has a Front of its own. The last stage of the fronts is merged into one when
// it is a Merger; what it pushes goes to the single Back.
type Pipeline struct {
	Name  string               // of the query, for the message of a Bug
	Front func(next Sink) Task // opens one worker's chain
	Back  Task
	// Watch, where it is set, is shown the fronts before they get any input. It may look
	// at what they hold while no worker reads.
	Watch func(fronts []Task)
}

// Feed gives a worker's front its input until there is no more, or Push fails.
type Feed func(worker int, front Sink) error

// Run runs p with n workers. Each worker's number is known to its front by the
// order in which Front is called. A panic in any of them is the run's error, a *Bug.
func Run(rt *Runtime, p Pipeline, n int, feed Feed) (err error) {
	defer func() { err = Named(err, p.Name) }()
	defer Caught(&err, "")
	n = max(n, 1)
	g := &gate{next: p.Back}
	fronts := make([]Task, n)
	for i := range fronts {
		fronts[i] = p.Front(g)
	}
	if p.Watch != nil {
		p.Watch(fronts)
	}
	errs := make([]error, n)
	if n == 1 { // no goroutine: one core is then one thread
		errs[0] = feed.give(0, fronts[0])
	} else {
		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() { errs[i] = feed.give(i, fronts[i]) })
		}
		wg.Wait()
	}
	if err := firstError(errs); err != nil {
		return err
	}
	for _, t := range fronts[1:] {
		if m, ok := fronts[0].(Merger); ok {
			if err := m.Merge(t); err != nil {
				return stopped(err)
			}
		} else if err := t.Flush(); stopped(err) != nil {
			return err
		}
	}
	if err := fronts[0].Flush(); stopped(err) != nil {
		return err
	}
	if err := p.Back.Flush(); stopped(err) != nil {
		return err
	}
	return rt.Ctx.Err()
}

// give calls the feed. What panics here and is no stage's is reading.
func (f Feed) give(worker int, front Task) (err error) {
	defer Caught(&err, "reading")
	return f(worker, front)
}

// stopped turns ErrStop, which is no failure, into nil.
func stopped(err error) error {
	if errors.Is(err, ErrStop) {
		return nil
	}
	return err
}

// firstError returns the first failure that is not the echo of another worker's.
func firstError(errs []error) error {
	var echo error
	for _, err := range errs {
		switch err = stopped(err); {
		case err == nil:
		case errors.Is(err, context.Canceled):
			echo = err
		default:
			return err
		}
	}
	return echo
}

// gate lets one worker at a time into the back.
type gate struct {
	mu   sync.Mutex
	next Sink
}

func (g *gate) Push(b *event.Batch) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.next.Push(b)
}

// Opener makes one worker's task of a stage, which pushes into a sink.
type Opener struct {
	Name string // of the stage, for the message of a Bug; "" for a part of another
	Open func(Sink) Task
}

// Chain joins tasks so that flushing the first flushes all, in order. Stages are
// opened back to front, each with the sink it pushes into. A panic of a stage is
// an error of what was asked of it: a *Bug with its name.
func Chain(end Sink, stages ...Opener) Task {
	t, ok := end.(Task)
	if !ok || len(stages) > 0 {
		t = terminal{end}
	}
	for i := len(stages) - 1; i >= 0; i-- {
		t = &link{stages[i].open(t), t, stages[i].Name}
	}
	return t
}

// open is Open, of which a panic tells the stage.
func (o Opener) open(next Sink) Task {
	if o.Name != "" {
		defer func() {
			if p := recover(); p != nil {
				panic(Panicked(p, o.Name))
			}
		}()
	}
	return o.Open(next)
}

// terminal ends a chain. It does not flush what it pushes into: that is another
// chain's (the back), flushed once all workers are done.
type terminal struct{ Sink }

func (terminal) Flush() error { return nil }

func (t terminal) Push(b *event.Batch) (err error) {
	defer Caught(&err, "output")
	return t.Sink.Push(b)
}

// link is a stage's task and what comes after it.
type link struct {
	Task
	next Task
	name string
}

func (l *link) Push(b *event.Batch) (err error) {
	if l.name != "" {
		defer Caught(&err, l.name)
	}
	return l.Task.Push(b)
}

// Flush flushes the task and then what comes after it.
func (l *link) Flush() error {
	if err := l.flush(); stopped(err) != nil {
		return err
	}
	return l.next.Flush()
}

// flush flushes the task alone.
func (l *link) flush() (err error) {
	if l.name != "" {
		defer Caught(&err, l.name)
	}
	return l.Task.Flush()
}

// merge adds another worker's task of the same stage, or flushes it when the
// stage has nothing to merge.
func (l *link) merge(o *link) (err error) {
	m, ok := l.Task.(Merger)
	if !ok {
		return stopped(o.flush())
	}
	if l.name != "" {
		defer Caught(&err, l.name)
	}
	return m.Merge(o.Task)
}

// Merge merges the stages of two workers' chains that can be, and flushes the
// other's stages that cannot. At most the last stage of a front holds rows
// across batches, so the order of the two does not matter.
func (l *link) Merge(o Task) error {
	ol := o.(*link)
	if err := l.merge(ol); err != nil {
		return err
	}
	if next, ok := l.next.(*link); ok {
		return next.Merge(ol.next)
	}
	return nil
}

// Runtime is what a running query shares with its tasks.
type Runtime struct {
	Ctx    context.Context
	Layout *event.Layout // this run's; it may grow

	Now      time.Time
	From, To int64 // the query's time range in ms, To excluded; see Bounded
	Bounded  bool  // From and To were given (or computed from a relative range)
	Zone     *time.Location

	Budget  *Budget
	TempDir string // where spills go; "" is the system's

	// NoMap says that the fields of a message's text have their own names alone.
	NoMap bool
	// Twins says that they have Sysmon's names where they are the Security log's, as
	// input.Want has it.
	Twins bool
	// Inside reads texts that are events written another way than as JSON: it
	// gives to the wanted fields of the event that a text is, and reports whether
	// it is one. nil knows no such texts.
	Inside func(event.Fields) func(text []byte, to Sink) (bool, error)

	Warnings *Warnings

	// Given are the rows of what ran before the query, by what asks for them: a
	// *lang.Subquery. Past are those of a *lang.Shift.
	Given map[any][][]event.Value
	Past  map[any]*Kept

	spills spills // open files

	// Printer opens what prints the rows that leave the query; nil when they
	// leave as values.
	Printer func() Printer
}

// Forget gives back what the run's tasks hold, memory and files. They are not used after;
// others may be opened in their place.
func (rt *Runtime) Forget() {
	rt.Close()
	rt.Budget.Forget()
}
