// Package job runs searches that clients ask for, poll and page through: the search
// jobs of Sumo Logic's API (../shared/spec/http-api.md, section 6), without the HTTP.
package job

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

// View is what a search reads of all there is.
type View struct {
	From, To  int64 // ms, To excluded; both 0: everything
	ByReceipt bool  // the range is one of _receiptTime
}

// Snapshot is what there is of a View at one moment. It gives the same events each time
// until it is closed.
type Snapshot interface {
	Feeder() input.Feeder
	Bytes() int64 // of raw text that a search reads, about
	Close()
}

// Options are what a Manager works with. Only Open is needed.
type Options struct {
	Open   func(View) (Snapshot, error)
	Tables func() *lookup.Library // what queries may look things up in
	// Signals gives the signals of Cloud SIEM of a time range, for _index=sec_signal; nil
	// where there are none.
	Signals func(context.Context, View) (open func() input.Feeder, err error)

	Dir     string        // where results go that are not held in memory; "" is the system's
	Memory  int64         // bytes that all jobs hold together
	Each    int64         // bytes that the stages of one job hold
	Held    int64         // bytes of results that one job holds in memory
	Most    int           // messages that one job gives
	Active  int           // jobs there are at a time
	Running int           // jobs that run at a time
	Idle    time.Duration // after which a job that nobody asks about is gone
	Life    time.Duration // after which any job is gone
	Workers int           // cores for all jobs together
	Busy    func() bool   // something more urgent works, and searches rest for moments; nil for never

	ForcePause bool             // a job that has Most messages is FORCE PAUSED, as in the product
	Now        func() time.Time // what relative times of queries count from
	Told       func(string)     // of bugs

	every time.Duration // see earlyEvery; less than 0 is after each slice
}

func (o *Options) complete() {
	set(&o.Memory, 1<<30)
	set(&o.Each, 512<<20)
	set(&o.Held, 32<<20)
	set(&o.Most, 100_000)
	set(&o.Active, 200)
	set(&o.Running, 64)
	set(&o.Idle, 5*time.Minute)
	set(&o.Life, 8*time.Hour)
	set(&o.Workers, runtime.GOMAXPROCS(0))
	set(&o.every, earlyEvery)
	if o.Tables == nil {
		o.Tables = func() *lookup.Library { return &lookup.Library{} }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Told == nil {
		o.Told = func(string) {}
	}
	if o.Dir == "" {
		o.Dir = filepath.Join(os.TempDir(), fmt.Sprintf("gyoji-jobs-%d", os.Getpid()))
	}
}

func set[T int | int64 | time.Duration](at *T, value T) {
	if *at == 0 {
		*at = value
	}
}

// Manager has the jobs. Safe for several goroutines.
type Manager struct {
	o      Options
	budget *exec.Budget
	turns  *turns
	slots  chan struct{} // of jobs that run

	mu     sync.Mutex
	jobs   map[string]*Job
	closed bool
	stop   chan struct{}
	done   sync.WaitGroup
}

// Errors of what is asked of jobs.
var (
	// ErrGone is that there is no such job, or not any more.
	ErrGone = errors.New("there is no search job of this id: it was deleted, or nobody asked about it for a while")
	// ErrTooMany is that there are as many jobs as there may be.
	ErrTooMany = errors.New("there are too many search jobs")
	// ErrNoRecords is that records were asked for of a query that gives messages.
	ErrNoRecords = errors.New("the query does not aggregate, so it has no records; ask for messages")
	// ErrApart is that a query asks for records and for signals of Cloud SIEM.
	ErrApart = errors.New("the query asks for records and for signals of Cloud SIEM, which are read apart: write _index=sec_record* or _index=sec_signal")
	// ErrClosed is that the server is going down.
	ErrClosed = errors.New("the server is stopping")
)

// New makes a Manager. What a former process left of results is removed.
func New(o Options) (*Manager, error) {
	o.complete()
	if err := os.RemoveAll(o.Dir); err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	m := &Manager{
		o: o, budget: &exec.Budget{Limit: o.Memory}, turns: newTurns(o.Workers), slots: make(chan struct{}, o.Running),
		jobs: map[string]*Job{}, stop: make(chan struct{}),
	}
	m.done.Go(m.sweep)
	m.turns.busy = o.Busy
	return m, nil
}

// Close cancels all jobs and waits for their end, or that of ctx.
func (m *Manager) Close(ctx context.Context) error {
	m.mu.Lock()
	if !m.closed {
		m.closed = true
		close(m.stop)
	}
	jobs := m.jobs
	m.jobs = map[string]*Job{}
	m.mu.Unlock()
	for _, j := range jobs {
		j.end()
	}
	ended := make(chan struct{})
	go func() { m.done.Wait(); close(ended) }()
	select {
	case <-ended:
		return os.RemoveAll(m.o.Dir)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Used is how many bytes the jobs hold.
func (m *Manager) Used() int64 { return m.budget.Used() }

// Count is how many jobs there are, and how many of them have not ended.
func (m *Manager) Count() (all, active int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, j := range m.jobs {
		if !j.state.ended() {
			active++
		}
	}
	return len(m.jobs), active
}

// sweep ends jobs that nobody has asked about.
func (m *Manager) sweep() {
	tick := time.NewTicker(max(m.o.Idle/20, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-m.stop:
			return
		case <-tick.C:
		}
		m.mu.Lock()
		var gone []*Job
		for id, j := range m.jobs {
			if j.idle() > m.o.Idle || time.Since(j.created) > m.o.Life {
				gone = append(gone, j)
				delete(m.jobs, id)
			}
		}
		m.mu.Unlock()
		for _, j := range gone {
			j.end()
		}
	}
}

// makeRoom reports whether there may be another job. At the limit those that have ended
// and that nobody has asked about for a while make room; the lock is held.
func (m *Manager) makeRoom() (gone *Job, ok bool) {
	if len(m.jobs) < m.o.Active {
		return nil, true
	}
	for _, j := range m.jobs {
		if j.state.ended() && j.idle() > idleEnded && (gone == nil || j.idle() > gone.idle()) {
			gone = j
		}
	}
	if gone == nil {
		return nil, false
	}
	delete(m.jobs, gone.ID)
	return gone, true
}

// idleEnded is how long nobody has asked about a job that has ended when it makes room
// for another.
const idleEnded = 30 * time.Second

// Request is a search.
type Request struct {
	Query     string
	From, To  int64 // ms, To excluded
	All       bool  // there is no time range
	ByReceipt bool
	Zone      *time.Location
	Messages  bool   // the messages that an aggregate is of are wanted, too
	Owner     string // who asks
}

// Compile compiles a query as a job would.
func (m *Manager) Compile(text string, with ...query.Option) (*query.Query, diag.List) {
	return compile(text, append(with, query.Tables(m.o.Tables()))...)
}

func compile(text string, with ...query.Option) (*query.Query, diag.List) {
	return query.Compile(diag.Text("query", text), query.Standard(), with...)
}

// Estimate is how many bytes of raw text a search of a range reads, about.
func (m *Manager) Estimate(v View) (int64, error) {
	s, err := m.o.Open(v)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	return s.Bytes(), nil
}

// Start compiles a query and has it run. What is wrong with it is a *diag.Failure.
func (m *Manager) Start(r Request) (*Job, error) {
	if r.Zone == nil {
		r.Zone = time.UTC
	}
	tables := query.Tables(m.o.Tables())
	q, diags := compile(r.Query, tables)
	if err := diags.Err(); err != nil {
		return nil, err
	}
	j := &Job{ID: newID(), Request: r, m: m, created: time.Now(), tellers: map[string]*told{}, over: make(chan struct{})}
	j.plan(q, tables)
	for _, d := range diags {
		if d.Severity == diag.Warning {
			j.Warn(warningOf(d))
		}
	}
	j.touch()
	j.ctx, j.cancel = context.WithCancel(context.Background())
	j.working, j.halt = context.WithCancel(j.ctx)
	dir := filepath.Join(m.o.Dir, j.ID)
	j.messages = m.rows(dir, "messages")
	j.records = m.rows(dir, "records")
	j.histogram = &histogram{}
	if !r.All {
		j.histogram = newHistogram(r.From, r.To)
		j.histogram.received = r.ByReceipt
	}
	m.mu.Lock()
	gone, ok := m.makeRoom()
	switch {
	case m.closed:
		m.mu.Unlock()
		return nil, ErrClosed
	case !ok:
		m.mu.Unlock()
		return nil, fmt.Errorf("%w: %d, and none that has ended is idle; delete those that you no longer need", ErrTooMany, m.o.Active)
	}
	m.jobs[j.ID] = j
	m.done.Add(1)
	m.mu.Unlock()
	if gone != nil {
		gone.end()
	}
	go func() {
		defer m.done.Done()
		defer close(j.over)
		j.run()
	}()
	return j, nil
}

func (m *Manager) rows(dir, name string) *rows {
	return &rows{path: filepath.Join(dir, name), most: m.o.Held, account: m.budget.Open("results of a search job")}
}

// Get finds a job that is not deleted, and keeps it alive.
func (m *Manager) Get(id string) (*Job, error) {
	m.mu.Lock()
	j := m.jobs[strings.ToUpper(id)]
	m.mu.Unlock()
	if j == nil {
		return nil, ErrGone
	}
	j.touch()
	return j, nil
}

// Delete cancels a job and gives back all it holds.
func (m *Manager) Delete(id string) error {
	m.mu.Lock()
	j := m.jobs[strings.ToUpper(id)]
	if j != nil {
		delete(m.jobs, j.ID)
	}
	m.mu.Unlock()
	if j == nil {
		return ErrGone
	}
	j.end()
	return nil
}

// newID is the id of a job: 16 hexadecimal digits.
func newID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // it never fails
	return fmt.Sprintf("%016X", binary.BigEndian.Uint64(b[:]))
}

// Stop has a job gather no more. What is there stays, and is that of a job that is done,
// with a warning that it is a part. One that has ended is not changed.
func (j *Job) Stop() {
	if j.state.ended() {
		return
	}
	j.halted.Store(true)
	j.halt()
}

// State is where a job is in its life.
type State int32

// The states of a job, as http-api.md 6.2 has them.
const (
	NotStarted State = iota
	Gathering
	Done
	Cancelled
	ForcePaused
)

func (s State) String() string {
	return [...]string{"NOT STARTED", "GATHERING RESULTS", "DONE GATHERING RESULTS", "CANCELLED", "FORCE PAUSED"}[s]
}

// Job is one search. Safe for several goroutines.
type Job struct {
	ID string
	Request

	m         *Manager
	created   time.Time
	touched   atomic.Int64
	state     life
	ctx       context.Context
	cancel    context.CancelFunc
	working   context.Context // of what gathers; ends with ctx, or when the job is stopped
	halt      context.CancelFunc
	halted    atomic.Bool
	used      atomic.Int64 // time of its workers, ns
	histogram *histogram
	messages  *rows
	records   *rows
	scanned   atomic.Int64

	query     *query.Query // what is run
	raw       *query.Query // for the messages of an aggregate; nil for none
	asRecords bool         // query gives records
	keys      []string     // fields that the records are grouped by
	shown     Shown

	mu       sync.Mutex
	buckets  []Bucket // that are final, in the order in which they became so
	warnings []string
	failure  error
	soFar    *rows // records while they are gathered; nil for none
	tellers  map[string]*told
	over     chan struct{} // closed when its run has ended
}

// life is a State that changes.
type life struct{ atomic.Int32 }

func (l *life) get() State  { return State(l.Load()) }
func (l *life) set(s State) { l.Store(int32(s)) }
func (l *life) ended() bool { return l.get() >= Done }

// told is how much one asker knows.
type told struct {
	buckets, warnings int
	failure           bool
}

func (j *Job) touch() { j.touched.Store(time.Now().UnixNano()) }

func (j *Job) idle() time.Duration { return time.Duration(time.Now().UnixNano() - j.touched.Load()) }

// Warn adds a warning, once.
func (j *Job) Warn(text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !slices.Contains(j.warnings, text) {
		j.warnings = append(j.warnings, text)
	}
}

// warningOf is a diagnostic as one line.
func warningOf(d *diag.Diagnostic) string {
	text := d.Message
	if d.Help != "" && !strings.Contains(d.Help, "--") { // flags are of the command line
		text += "; " + d.Help
	}
	return text
}

// end cancels the job and gives back what it holds.
func (j *Job) end() {
	j.cancel()
	if !j.state.ended() {
		j.state.set(Cancelled)
	}
	j.messages.close()
	j.records.close()
	j.dropEarly()
	os.Remove(filepath.Dir(j.messages.path)) // empty, once its run has ended
}

// Status is how a job stands.
type Status struct {
	State    State
	Messages int64
	Records  int64
	// Buckets, Errors and Warnings are what the asker has not been told yet.
	Buckets  []Bucket
	Errors   []string
	Warnings []string
	Warning  string // what holds for the result as a whole
	Scanned  int64  // bytes
}

// Status tells one of several askers how the job stands.
func (j *Job) Status(asker string) Status {
	s := Status{State: j.state.get()} // before what it is about: what has ended is complete
	s.Messages, s.Records, s.Scanned = int64(j.messages.Len()), int64(j.recordsNow().Len()), j.scanned.Load()
	if j.asRecords && j.raw == nil {
		s.Messages = j.histogram.total.Load()
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	t := j.tellers[asker]
	if t == nil {
		t = &told{}
		if len(j.tellers) < askersMost {
			j.tellers[asker] = t
		}
	}
	s.Buckets = slices.Clone(j.buckets[t.buckets:])
	s.Warnings = slices.Clone(j.warnings[t.warnings:])
	t.buckets, t.warnings = len(j.buckets), len(j.warnings)
	if j.failure != nil && !t.failure {
		s.Errors, t.failure = []string{said(j.failure)}, true
	}
	return s
}

// said is an error without what the command line could do about it.
func said(err error) string { return strings.ReplaceAll(err.Error(), ", or raise --memory", "") }

// askersMost is how many askers of a job are told apart.
const askersMost = 100

// Wait waits until the job has ended, and keeps it alive.
func (j *Job) Wait(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-j.over:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
			j.touch()
		}
	}
}

// Err is why the job failed; nil if it did not.
func (j *Job) Err() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failure
}

// Messages gives messages, the newest first. Those of an aggregate are there only if
// they were asked for.
func (j *Job) Messages(offset, limit int) (Page, error) { return j.messages.page(offset, limit) }

// Records gives records in the order of the query. While they are gathered those so far
// are given, which change.
func (j *Job) Records(offset, limit int) (Page, error) {
	if !j.asRecords {
		return Page{}, ErrNoRecords
	}
	now := j.recordsNow()
	p, err := now.page(offset, limit)
	if err != nil && now != j.records { // others have taken its place
		p, err = j.recordsNow().page(offset, limit)
	}
	return p, err
}

// recordsNow are the records as far as they are known.
func (j *Job) recordsNow() *rows {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.soFar != nil && !j.state.ended() {
		return j.soFar
	}
	return j.records
}

// Keys are the fields that the records are grouped by.
func (j *Job) Keys() []string { return j.keys }

// Shown is what the query shows of its rows.
type Shown struct {
	Messages bool // rows are messages
	Fixed    bool // columns are those of the query, in its order
}

// Shown says what Rows are.
func (j *Job) Shown() Shown { return j.shown }

// Rows gives the rows of the query itself, messages or records; of records none before
// they are all there.
func (j *Job) Rows(offset, limit int) (Page, error) {
	if j.asRecords {
		return j.records.page(offset, limit)
	}
	return j.messages.page(offset, limit)
}
