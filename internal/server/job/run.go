package job

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// plan says what is run for a query.
func (j *Job) plan(q *query.Query, tables query.Option) {
	carry := query.Carry(Metadata...)
	j.shown = Shown{Messages: q.Messages, Fixed: q.Columns != nil}
	j.asRecords = !q.Messages && !tableRows(q, tables)
	j.query = q
	if q.Messages {
		j.query, _ = compile(j.Query, tables, carry)
	}
	if !j.asRecords {
		return
	}
	for _, s := range q.Tree.Stages {
		if s.Kind != syntax.Grouping {
			continue
		}
		j.keys = nil
		for _, by := range s.By {
			if by.As != nil {
				j.keys = append(j.keys, by.As.Name)
			} else if f, ok := by.X.(*syntax.Field); ok {
				j.keys = append(j.keys, f.Name)
			}
		}
	}
	if j.Request.Messages {
		j.raw = messagesOf(q, tables, carry)
	}
}

// tableRows reports whether a query gives rows of a lookup table (cat), which the product
// takes for messages.
func tableRows(q *query.Query, tables query.Option) bool {
	stages := q.Tree.Stages
	if len(stages) == 0 || stages[0].Op == nil || !strings.EqualFold(stages[0].Op.Text, "cat") {
		return false
	}
	rest, _ := compile("*"+q.Tree.File.Text[stages[0].Pos.End:], tables)
	return rest != nil && rest.Messages
}

// messagesOf is the query for the messages that an aggregate is of: the stages before
// the first that makes records of them.
func messagesOf(q *query.Query, with ...query.Option) *query.Query {
	text := q.Tree.File.Text
	for i, s := range q.Tree.Stages {
		upTo, _ := compile(text[:s.Pos.End], with...)
		if upTo != nil && upTo.Messages {
			continue
		}
		end := s.Pos.Start
		if i > 0 {
			end = q.Tree.Stages[i-1].Pos.End
		} else if bar := strings.LastIndexByte(text[:end], '|'); bar >= 0 {
			end = bar
		}
		before, _ := compile(text[:end], with...)
		return before
	}
	return nil
}

// stopped is the warning of a job that was stopped.
const stopped = "The search was stopped: what is given is a part."

// run runs the job to its end.
func (j *Job) run() {
	defer j.cancel()
	select {
	case j.m.slots <- struct{}{}:
		defer func() { <-j.m.slots }()
	case <-j.ctx.Done():
		return
	case <-j.working.Done():
		j.Warn(stopped)
		j.state.CompareAndSwap(int32(NotStarted), int32(Done))
		return
	}
	j.state.CompareAndSwap(int32(NotStarted), int32(Gathering))
	paused, err := j.gather()
	defer j.dropEarly() // once the state says that what there is is all
	dir := filepath.Dir(j.messages.path)
	switch {
	case j.ctx.Err() != nil: // deleted, or the server is going down
		os.RemoveAll(dir)
		return
	case err != nil && j.halted.Load() && errors.Is(err, context.Canceled):
		j.Warn(stopped)
		j.state.CompareAndSwap(int32(Gathering), int32(Done))
	case err != nil:
		var bug *exec.Bug
		if errors.As(err, &bug) {
			j.m.o.Told(fmt.Sprintf("search job %s: %v\n%s", j.ID, err, bug.Stack))
		}
		j.mu.Lock()
		j.failure = err
		j.mu.Unlock()
		j.state.CompareAndSwap(int32(Gathering), int32(Cancelled))
	case paused:
		j.state.CompareAndSwap(int32(Gathering), int32(ForcePaused))
	default:
		j.state.CompareAndSwap(int32(Gathering), int32(Done))
	}
}

// gather runs the queries of the job. paused says that there are more messages than it
// may give, and that it is to be told as the product does.
func (j *Job) gather() (paused bool, err error) {
	defer exec.Caught(&err, "")
	v := View{From: j.From, To: j.To, ByReceipt: j.ByReceipt}
	if j.All || j.query.ReadsTwice(true) && !j.ByReceipt {
		v.From, v.To = 0, 0 // other ranges are read as well
	}
	snap, err := j.m.o.Open(v)
	if err != nil {
		return false, err
	}
	defer snap.Close()
	warnings := &exec.Warnings{}
	defer j.remark(warnings)
	j.scanned.Store(snap.Bytes())
	slices, err := j.slices()
	if err != nil {
		return false, err
	}
	full := false
	switch {
	case j.raw != nil: // the histogram is that of the aggregate
		if full, err = j.gatherMessages(j.raw, snap, warnings, &histogram{}, slices); err != nil {
			return false, err
		}
		err = j.gatherRecords(snap, warnings, slices)
	case j.asRecords:
		err = j.gatherRecords(snap, warnings, slices)
	default:
		full, err = j.gatherMessages(j.query, snap, warnings, j.histogram, slices)
	}
	j.final(j.histogram.finalFrom(math.MinInt64)) // of what was not read there is none
	if err == nil && full {
		if paused = j.m.o.ForcePause; !paused {
			j.Warn(fmt.Sprintf("The search has more than %d messages; the newest %d are given. Narrow the time range or the query for the others.", j.m.o.Most, j.m.o.Most))
		}
	}
	return paused, err
}

// slices are the parts in which the job's range is read.
func (j *Job) slices() ([]span, error) {
	whole := []span{{all: true}}
	if j.All || j.ByReceipt {
		return whole, nil
	}
	out, err := slicesOf(j.From, j.To, func(from, to int64) (int64, error) {
		return j.m.Estimate(View{From: from, To: to})
	})
	if out == nil {
		out = whole
	}
	return out, err
}

// keeper makes a sink for the rows of a query.
func (j *Job) keeper(q *query.Query, to *rows, messages bool) *keeper {
	most := 0
	if messages {
		most = j.m.o.Most
	}
	return newKeeper(to, q.Layout.Clone(), q.Columns, messages, most)
}

// gatherMessages runs a query that gives messages. One whose messages have no order of
// their own is run slice by slice, and the messages of a slice stay where they are: they
// may be paged through while older ones are gathered. full says that there are more.
func (j *Job) gatherMessages(q *query.Query, snap Snapshot, w *exec.Warnings, h *histogram, slices []span) (full bool, err error) {
	k := j.keeper(q, j.messages, true)
	if !q.Streams() {
		err = j.runOver(q, snap, w, h, slices, 0, k, nil)
		return k.full, err
	}
	for _, s := range slices {
		if err := j.runOver(q, snap, w, h, []span{s}, k.most-k.n+1, k, nil); err != nil {
			return false, err
		}
		if k.full {
			return true, nil
		}
	}
	return false, nil
}

// gatherRecords runs a query that gives records. Those so far may be seen meanwhile.
func (j *Job) gatherRecords(snap Snapshot, w *exec.Warnings, slices []span) error {
	k := j.keeper(j.query, j.records, false)
	early := &early{job: j, layout: k.layout, next: time.Now().Add(j.m.o.every)}
	defer early.end()
	return j.runOver(j.query, snap, w, j.histogram, slices, 0, k, early)
}

// early keeps the records that an aggregate has while it is gathered.
type early struct {
	job    *Job
	layout *event.Layout
	peek   query.Peek
	next   time.Time // when they are looked at again
	made   int
}

const (
	// earlyEvery is how often the records so far are put down at most; a tenth of the time
	// goes into it.
	earlyEvery = 500 * time.Millisecond
	// earlyBytes is how much what puts them down holds.
	earlyBytes = 64 << 20
)

// look puts the records so far in the place of those before. Where that cannot be done
// there are none before the end.
func (e *early) look() {
	j, began := e.job, time.Now()
	if e.peek == nil || began.Before(e.next) || j.ctx.Err() != nil {
		return
	}
	e.made++
	to := j.m.rows(filepath.Dir(j.records.path), fmt.Sprintf("early-%d", e.made))
	err := e.peek(newKeeper(to, e.layout, j.query.Columns, false, 0), earlyBytes)
	if err != nil {
		to.close()
		e.peek = nil
		return
	}
	j.early(to)
	if j.m.o.every > 0 {
		e.next = time.Now().Add(max(j.m.o.every, 9*time.Since(began)))
	}
}

// end says that there are no more early records: the last ones are given until the
// query's own are all there.
func (e *early) end() { e.peek = nil }

// early changes the early records.
func (j *Job) early(to *rows) {
	j.mu.Lock()
	old := j.soFar
	j.soFar = to
	ended := j.state.ended()
	j.mu.Unlock()
	if old != nil {
		old.close()
	}
	if ended { // deleted meanwhile
		j.dropEarly()
	}
}

// dropEarly gives back the early records.
func (j *Job) dropEarly() {
	j.mu.Lock()
	old := j.soFar
	j.soFar = nil
	j.mu.Unlock()
	if old != nil {
		old.close()
	}
}

// source opens what a query reads: messages, or records or signals of Cloud SIEM.
func (j *Job) source(q *query.Query, snap Snapshot) (open func() input.Feeder, err error) {
	records, signals := record.Asked(q.Tree), record.AskedSignals(q.Tree) && j.m.o.Signals != nil
	switch {
	case records && signals:
		return nil, ErrApart
	case records:
		made, _ := record.NewCatalogue(record.Sumo, nil)
		return func() input.Feeder { return record.Feeder{Of: snap.Feeder(), By: made} }, nil
	case signals:
		v := View{From: j.From, To: j.To}
		if j.All || q.ReadsTwice(true) {
			v = View{}
		}
		return j.m.o.Signals(j.ctx, v)
	}
	return snap.Feeder, nil
}

// runOver runs a query over slices of a snapshot. early is of records, and may be nil.
func (j *Job) runOver(q *query.Query, snap Snapshot, w *exec.Warnings, h *histogram, slices []span, newest int, out *keeper, early *early) error {
	workers := j.m.o.Workers
	open, err := j.source(q, snap)
	if err != nil {
		return err
	}
	r := query.Run{
		Input: &sliced{open: open, slices: slices, workers: workers, turns: j.m.turns, used: &j.used, done: func(i int) {
			if !slices[i].all {
				j.final(h.finalFrom(slices[i].from))
			}
			if early != nil && i < len(slices)-1 {
				early.look()
			}
		}},
		Reopen: func() (input.Feeder, error) { return open(), nil },
		Layout: out.layout, Workers: workers, Memory: j.m.o.Each, Budget: j.m.budget, TempDir: j.tempDir(),
		Now: j.m.o.Now(), Zone: j.Zone, Warnings: w, Newest: newest, Tap: h.tap,
	}
	if early != nil {
		r.Peek = func(p query.Peek) { early.peek = p }
	}
	if !j.All && !j.ByReceipt {
		r.From, r.To, r.Bounded = j.From, j.To, true
	}
	return q.Run(j.working, r, out)
}

// tempDir is where the job's stages put rows that they cannot hold.
func (j *Job) tempDir() string {
	dir := filepath.Dir(j.messages.path)
	if os.MkdirAll(dir, 0o700) != nil {
		return ""
	}
	return dir
}

// final adds buckets that are final.
func (j *Job) final(b []Bucket) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.buckets = append(j.buckets, b...)
}

// remark makes warnings of what was met in the data.
func (j *Job) remark(w *exec.Warnings) {
	for _, k := range w.List() {
		text := fmt.Sprintf("%d × %s", k.Count, k.Kind)
		if len(k.Sample) > 0 {
			text += ": " + k.Sample[0].String()
		}
		j.Warn(text)
	}
}
