// Package live runs Cloud SIEM content over what arrives in a store, and keeps what
// comes of it: signals, insights and entities. State, results and the place in the store
// up to which they were made are written in one transaction, so that a process that is
// killed at any moment goes on as if nothing had been. Source: ../shared/spec/cloud-siem.md;
// numbers in comments are sections of it.
package live

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/store"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// Options are what an engine works with.
type Options struct {
	Store *store.Store
	// Content gives the documents to run; what of them cannot be used is in the list.
	Content func(context.Context) ([]*ruledoc.Document, diag.List, error)
	// Late is how long what comes is put in order before rules over time judge it. Their
	// signals come so much later, while events come. What comes later still counts, too, in
	// the windows that it belongs to, but its signal may be of another record.
	Late time.Duration
	// Idle is how long nothing has to come until event time is taken to have reached the
	// newest event.
	Idle time.Duration
	// Rest is how long nothing has to come until a hunter gives back the memory that it
	// remembers values of events in.
	Rest   time.Duration
	Memory int64 // bytes for windows and histories; 0 for a usual number
	Logf   func(string, ...any)
	Now    func() time.Time // nil for the clock
	// Busy says that something more urgent has yet to see what has come; a hunter waits for
	// it, for a while. nil for never.
	Busy func() bool
}

const (
	lateDefault = time.Second
	idleDefault = 500 * time.Millisecond
	restDefault = 20 * time.Second
	// tick is how often the engine looks for what has come.
	tick = 100 * time.Millisecond
	// checkpointMost is how long work may go on without being written down.
	checkpointMost = 2 * time.Second
	memoryDefault  = 256 << 20
)

// defaults are what is not given.
func (o *Options) defaults() {
	if o.Late == 0 {
		o.Late = lateDefault
	}
	if o.Idle == 0 {
		o.Idle = idleDefault
	}
	if o.Rest == 0 {
		o.Rest = restDefault
	}
	if o.Memory == 0 {
		o.Memory = memoryDefault
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
}

// Engine runs until it is closed.
type Engine struct {
	o      Options
	alerts *Alerts

	ctx     context.Context
	stop    context.CancelFunc
	begun   sync.Once
	done    chan struct{}
	changed chan struct{} // content is another

	mu     sync.Mutex
	status Status
	works  atomic.Bool   // it looks at what has come, or writes down what came of it
	pushed atomic.Uint64 // the place in the store up to which rules have seen it
	seen   atomic.Uint64 // the place in the store up to which results are written
	now    atomic.Pointer[tenant.Tenant]
	builds builds

	abandoned atomic.Bool // by a test, as if the process were killed
}

// Status says how the engine stands.
type Status struct {
	Rules     int
	Disabled  int
	Unusable  []string // documents that cannot be used, with the reason
	Pending   []string // rules that wait for their baseline
	Records   int64    // that rules saw since the content was loaded
	Unmapped  int64    // events that no mapper makes a record of, since then
	Entities  int
	Degraded  []string  // rules that have had to forget
	Lost      []string  // what else was left out, by kind: how often, what, and of what
	Stopped   []string  // rules that a mistake in gyoji has stopped since the content was loaded
	Place     uint64    // in the store, up to which results are written
	EventTime time.Time // up to which rules over time are judged, since the content was loaded; zero for none
	Loaded    time.Time // when the content was
	Problem   string    // why nothing runs; "" where all is well
}

// Start makes an engine that works at once.
func Start(o Options) (*Engine, error) {
	e, err := New(o)
	if err == nil {
		e.Begin()
	}
	return e, err
}

// New makes an engine that works once it is told to Begin: whoever is to hear of what it finds
// is told of all only if he says so before.
func New(o Options) (*Engine, error) {
	o.defaults()
	db, err := o.Store.DB(Migration)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	return &Engine{o: o, alerts: Of(db), ctx: ctx, stop: stop, done: make(chan struct{}), changed: make(chan struct{}, 1)}, nil
}

// Begin has the engine work; further calls change nothing.
func (e *Engine) Begin() {
	e.begun.Do(func() {
		go func() {
			defer close(e.done)
			e.work(e.ctx)
		}()
	})
}

// Alerts are what has come of it.
func (e *Engine) Alerts() *Alerts { return e.alerts }

// Tenant is the content that runs; nil before the first.
func (e *Engine) Tenant() *tenant.Tenant { return e.now.Load() }

// Behind says that something has come that the rules have not seen yet.
func (e *Engine) Behind() bool {
	return e.pushed.Load() < e.o.Store.Stats().Next && e.Status().Problem == ""
}

// Works says that rules are looking at what has come, or that what came of it is being written.
func (e *Engine) Works() bool { return e.works.Load() }

// Changed says that the content is another: it is loaded anew, once what has come is
// written down.
func (e *Engine) Changed() {
	select {
	case e.changed <- struct{}{}:
	default:
	}
}

// Status is how the engine stands.
func (e *Engine) Status() Status {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.status
}

func (e *Engine) say(change func(*Status)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(&e.status)
}

// Close writes down what has come, and ends the work.
func (e *Engine) Close(ctx context.Context) error {
	e.stop()
	e.begun.Do(func() { close(e.done) })
	select {
	case <-e.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// retry is how long the engine waits after an error before it tries again.
const retry = 5 * time.Second

// work loads the content and runs it, again and again as it changes.
func (e *Engine) work(ctx context.Context) {
	for ctx.Err() == nil {
		err := func() (err error) {
			defer exec.Caught(&err, "live detection")
			return e.follow(ctx)
		}()
		if err == nil || errors.Is(err, context.Canceled) {
			continue
		}
		e.o.Logf("live detection stands still, and is tried again in %s: %v%s", retry, err, stackOf(err))
		e.say(func(s *Status) { s.Problem = err.Error() })
		select {
		case <-ctx.Done():
		case <-e.changed:
		case <-time.After(retry):
		}
	}
}

// stackOf is where in gyoji a mistake of its own happened, on lines of its own; "" for other errors.
func stackOf(err error) string {
	var bug *exec.Bug
	if !errors.As(err, &bug) {
		return ""
	}
	return "\n" + string(bug.Stack)
}

// running is one content at work.
type running struct {
	*Engine
	tenant *tenant.Tenant
	pass   *tenant.Pass
	x      *query.Several
	stale  []string // keys of state that nobody needs any more

	place   uint64 // of the store: what is before it has been pushed
	written uint64 // the same as it is in the database
	newest  int64  // time of the newest event, in ms; event.NoTime for none
	mark    int64  // up to which event time was judged
	came    time.Time
	builder *builder       // of baselines that some rules wait for; nil for none
	built   [][2]string    // rules whose baselines the next checkpoint puts in place, with what they ask
	given   []tenant.Entry // those baselines
	stopped int            // rules that a mistake in gyoji has stopped, as far as that was said
	handed  bool           // the rules know what people have said of entities
	next    time.Time      // when that changes by itself; zero for never
	fresh   bool           // something has been pushed since the last checkpoint
	waiting bool           // something has been pushed since the last Advance
	warned  *exec.Warnings
	last    time.Time
}

// noMark is before all times.
const noMark = -1 << 62

// follow runs the content of now over what comes until it changes, or ctx ends.
func (e *Engine) follow(ctx context.Context) error {
	docs, found, err := e.o.Content(ctx)
	if err != nil {
		return err
	}
	x := &running{Engine: e, tenant: tenant.New(docs, found), mark: noMark, came: e.o.Now()}
	e.now.Store(x.tenant)
	if x.place, x.newest, err = e.alerts.place(ctx); err != nil {
		return err
	}
	pending, err := x.without(ctx)
	if err != nil {
		return err
	}
	status := Status{Rules: len(x.tenant.Rules), Disabled: x.tenant.Disabled, Loaded: e.o.Now()}
	for _, u := range x.tenant.Unusable {
		status.Unusable = append(status.Unusable, u.Error())
	}
	for _, r := range pending {
		status.Pending = append(status.Pending, r.ID)
	}
	e.say(func(s *Status) { *s = status })
	x.written = x.place
	e.say(func(s *Status) { s.Place = x.place })
	rules := slices.DeleteFunc(slices.Clone(x.tenant.Rules), func(r *tenant.Rule) bool { return slices.Contains(pending, r) })
	e.builds.mu.Lock()
	e.builds.by = map[string]*Build{}
	e.builds.mu.Unlock()
	x.pass = &tenant.Pass{Tenant: x.tenant, Rules: rules, Begin: func(run *tenant.Run) error {
		run.Late(tenant.Lateness)
		loaded, err := run.Restore(e.alerts.state(ctx))
		if err != nil {
			return err
		}
		x.stale = loaded.Stale
		return nil
	}}
	x.warned = &exec.Warnings{}
	budget := query.Run{Memory: e.o.Memory, Warnings: x.warned, Now: e.o.Now()}
	// What was begun is finished after ctx has ended.
	work := context.WithoutCancel(ctx)
	if x.x, err = query.StartTogether(work, budget, nil, x.pass.Consumer()); err != nil {
		return err
	}
	defer x.x.Close()
	if len(pending) > 0 {
		x.build(work, docs, found, pending)
		defer func() {
			if b := x.builder; b != nil {
				b.cancel()
				<-b.done
			}
		}()
	}
	for {
		if err := x.step(work); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return x.checkpoint(work, nil, nil)
		case <-e.changed:
			return x.replaced(work)
		case <-time.After(tick):
		}
	}
}

// step takes what has come, and judges as far as event time has come.
func (x *running) step(ctx context.Context) error {
	x.works.Store(true)
	defer x.works.Store(false)
	now := x.o.Now()
	snap := x.o.Store.Snapshot(store.View{After: x.place})
	next := snap.Next()
	err := x.hand(ctx, now)
	if err != nil {
		snap.Close()
		return err
	}
	// What was sent after a change of content was answered is for the new content.
	if len(x.changed) > 0 {
		next = x.place
	}
	if next > x.place {
		if err = x.x.Add(ctx, snap.Feeder()); err == nil {
			err = x.x.Settle()
		}
		x.place, x.came, x.fresh, x.waiting = next, now, true, true
	}
	snap.Close()
	if err != nil {
		return err
	}
	if failed := x.x.Failed()[0]; failed != nil {
		return failed
	}
	mark := int64(noMark)
	if newest := x.x.Newest(now.Add(24 * time.Hour).UnixMilli()); newest != event.NoTime && (x.newest == event.NoTime || newest > x.newest) {
		x.newest = newest
	}
	if x.newest != event.NoTime {
		if mark = x.newest + 1 - x.o.Late.Milliseconds(); now.Sub(x.came) >= x.o.Idle {
			mark = x.newest + 1
		}
	}
	var signals []*insight.Signal
	var insights []*insight.Insight
	// Hits of match rules come out whatever their time is.
	if x.pass.Run != nil && mark != noMark && (mark > x.mark || x.waiting) {
		x.mark, x.waiting = max(mark, x.mark), false
		if signals, err = x.pass.Run.Advance(x.mark); err != nil {
			return err
		}
		insights = x.pass.Run.Insights()
		x.say(func(s *Status) { s.EventTime = time.UnixMilli(x.mark).UTC() })
	}
	if x.pass.Run != nil && mark != noMark {
		if more, done := x.swap(ctx, mark); done {
			err := x.checkpoint(ctx, append(signals, more...), append(insights, x.pass.Run.Insights()...))
			x.Changed() // the rules that waited run from here on
			return err
		}
	}
	x.pushed.Store(x.place)
	if len(signals)+len(insights) > 0 || x.fresh && now.Sub(x.last) >= checkpointMost {
		return x.checkpoint(ctx, signals, insights)
	}
	return nil
}

// replaced ends the work of a content in whose place another comes: what match rules have
// found is judged by the content that found it.
func (x *running) replaced(ctx context.Context) error {
	run := x.pass.Run
	if run == nil || x.mark == noMark {
		return x.checkpoint(ctx, nil, nil)
	}
	if err := run.Hasten(); err != nil {
		return err
	}
	signals, err := run.Advance(x.mark)
	if err != nil {
		return err
	}
	return x.checkpoint(ctx, signals, run.Insights())
}

// checkpoint writes down what has come of the events so far.
func (x *running) checkpoint(ctx context.Context, signals []*insight.Signal, insights []*insight.Insight) error {
	x.last = x.o.Now()
	if x.abandoned.Load() {
		return context.Canceled
	}
	if x.pass.Run == nil || !x.fresh && len(signals)+len(insights) == 0 {
		return nil
	}
	err := x.pass.Run.Checkpoint(func(entries []tenant.Entry) error {
		return x.alerts.commit(ctx, batch{append(entries, x.given...), x.stale, x.built, signals, insights, x.place, x.newest, x.o.Now()})
	})
	if err != nil {
		return fmt.Errorf("what live detection has found cannot be written: %w", err)
	}
	x.stale, x.built, x.given, x.written, x.fresh = nil, nil, nil, x.place, false
	x.seen.Store(x.place)
	run := x.pass.Run
	entities, _ := run.Entities()
	failures := run.Failures()
	for _, err := range failures[min(x.stopped, len(failures)):] {
		x.o.Logf("%v; the other rules go on%s", err, stackOf(err))
	}
	x.stopped = len(failures)
	x.say(func(s *Status) {
		s.Records, s.Unmapped, s.Entities, s.Place, s.Problem = run.Records, run.Unmapped, entities, x.place, ""
		s.Degraded, s.Stopped, s.Lost = nil, nil, lostOf(x.warned)
		for _, err := range failures {
			s.Stopped = append(s.Stopped, err.Error())
		}
		for i, c := range run.ByRule {
			if c.Evicted > 0 || c.Forgotten > 0 {
				s.Degraded = append(s.Degraded, fmt.Sprintf("%s: %d groups and %d records had to be forgotten", x.pass.Rules[i].ID, c.Evicted, c.Forgotten))
			}
		}
	})
	return nil
}

// lostOf says what was left out, by kind: how often, what, and of what.
func lostOf(w *exec.Warnings) (lost []string) {
	for _, k := range w.List() {
		if k.Lost {
			text := fmt.Sprintf("%d times: %s", k.Count, k.Kind)
			if len(k.Sample) > 0 && k.Sample[0].Detail != "" {
				text += " (" + k.Sample[0].Detail + ")"
			}
			lost = append(lost, text)
		}
	}
	return lost
}

// state gives the entries that checkpoints have left.
func (a *Alerts) state(ctx context.Context) iter.Seq2[tenant.Entry, error] {
	return func(yield func(tenant.Entry, error) bool) {
		rows, err := a.db.QueryContext(ctx, `SELECT key, value FROM live_state`)
		if err != nil {
			yield(tenant.Entry{}, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			var key []byte
			var e tenant.Entry
			err := rows.Scan(&key, &e.Value)
			e.Key = string(key)
			if !yield(e, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(tenant.Entry{}, err)
		}
	}
}
