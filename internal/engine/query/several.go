package query

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/op"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Several is several queries, and what reads beside them, over events that go on coming:
// what Running is for one query and RunTogether for files that end. Each event is read
// once for all. It is one goroutine's.
type Several struct {
	r      Run
	common *event.Layout
	want   *input.Want
	more   []input.Reading // of the parts that want every field
	parts  []*Running
	tee    exec.Pipeline
	front  exec.Task
	beside []exec.Task
	rts    []*exec.Runtime
	named  int  // names in common that are not the data's
	given  bool // what is pushed now are whole events of a program, not a reader's

	pos    uint64 // after those of all events so far
	batch  event.Batch
	at     map[string]event.Slot
	newest int64
	limit  int64 // of newest
}

// StartTogether readies queries, and what reads beside them, for events that go on
// coming. Part.Out takes the rows of a query that Streams, as their events come; what
// another holds is asked for by Rows and Advance. All share r.Memory. r.Input, r.Reopen
// and r.Layout are not used.
func StartTogether(ctx context.Context, r Run, parts []Part, beside ...Consumer) (x *Several, err error) {
	defer exec.Caught(&err, "")
	r.Input, r.Reopen, r.Workers = nil, nil, 1
	r.Budget, r.Memory = r.budget(), 0
	x = &Several{r: r, common: event.NewLayout(), at: map[string]event.Slot{}, newest: event.NoTime, limit: time.Now().Add(24 * time.Hour).UnixMilli()}
	defer func() {
		if err != nil {
			x.Close()
		}
	}()
	x.want = &input.Want{
		Layout: x.common, From: r.From, To: r.To, Bounded: r.Bounded, Now: r.Now, Zone: r.Zone, NoMap: r.NoMap,
		Category: r.Category, Carve: r.Carve, Warnings: r.Warnings, Readers: map[*input.Format]input.BlockReader{},
	}
	var asked []*probing // by part
	held := false        // by a part that is run over the events once more
	for _, p := range parts {
		run := r
		run.Layout, run.Seen = p.Layout, p.Seen
		q, err := p.Query.Start(ctx, run, Live{Out: p.Out})
		if err != nil {
			return nil, err
		}
		x.parts = append(x.parts, q)
		held = held || q.whole
		if !q.want.Fields.All {
			wantAs(&x.want.Fields, x.common, q.want.Fields, p.Layout)
			asked = append(asked, nil)
			continue
		}
		ask := &probing{layout: p.Layout}
		if !q.whole {
			ask = newProbing(p.Query)
		}
		asked = append(asked, ask)
		wantAs(&x.want.Fields, x.common, ask.want, ask.layout)
	}
	for i := range beside {
		x.want.Twins = x.want.Twins || beside[i].Twins
		beside[i] = beside[i].AtOnce() // few events come at a time: two readings of them cost more than one
		beside[i].Fields = beside[i].Fields.Clone()
		op.FieldsOfMessages(beside[i].Layout, event.Fields{}).Needs(&beside[i].Fields)
		wantAs(&x.want.Fields, x.common, beside[i].Fields, beside[i].Layout)
	}
	if len(beside) == 0 && !held {
		x.want.Need = needOfAny(r, parts)
	}
	var ps []exec.Pipeline
	for i, q := range x.parts {
		front := exec.Task(nil)
		if asked[i] == nil {
			take := &share{from: x.common, to: q.run.Layout, fields: q.want.Fields.Slots()}
			front = exec.Chain(&q.front, exec.Opener{Open: func(next exec.Sink) exec.Task { return take.Open(nil, next) }})
		} else {
			front = x.wholePart(q, asked[i])
		}
		ps = append(ps, exec.Pipeline{Name: q.q.name(), Front: func(exec.Sink) exec.Task { return front }, Back: nothing{}})
	}
	for _, b := range beside {
		rt := r.runtime(ctx, b.Layout, r.Budget)
		rt.Twins = b.Twins
		x.rts = append(x.rts, rt)
		open := b.before(r, rt, x.common)
		p := b.Open(rt)
		front := exec.Chain(nothing{}, append(open, exec.Opener{Name: "conditions", Open: p.Front})...)
		x.beside = append(x.beside, front)
		ps = append(ps, exec.Pipeline{Name: b.Name, Front: func(exec.Sink) exec.Task { return front }, Back: nothing{}})
	}
	x.named = x.common.Len()
	x.tee = exec.Together(ps)
	x.front = &clocked{x.tee.Front(nil), x}
	return x, nil
}

// clocked notes the time of the newest event, and which position comes next.
type clocked struct {
	exec.Task
	of *Several
}

func (c *clocked) Push(b *event.Batch) error {
	for _, at := range b.Time {
		if at > c.of.newest && at <= c.of.limit {
			c.of.newest = at
		}
	}
	c.of.pos = after(c.of.pos, b)
	return c.Task.Push(b)
}

// Next is Running.Next.
func (x *Several) Next() uint64 { return x.pos }

// Newest is the time of the newest event so far, in ms; event.NoTime for none. From now
// on, one of a time after limit is not believed.
func (x *Several) Newest(limit int64) int64 {
	x.limit = limit
	return x.newest
}

// wholePart readies a part that wants every field. Of what is read, it is asked of each
// block whether it wants it whole, as in RunTogether; whole events of a program it takes
// as they are.
func (x *Several) wholePart(q *Running, ask *probing) exec.Task {
	front := ask.opener(x.r, x.common)(&q.front)
	f := front.wholeFront
	q.want.Warnings = &exec.Warnings{} // the common reading says them
	x.more = append(x.more, input.Reading{
		Want:    func(int) *input.Want { return q.want },
		Matters: func(int) bool { return f.matters() },
		To:      func(int) exec.Sink { return wholeRows{f} },
	})
	return &wholeEvents{asking: *front, all: shareAll{next: &q.front, from: x.common, to: q.run.Layout}, of: x}
}

type wholeEvents struct {
	asking
	all shareAll
	of  *Several
}

func (w *wholeEvents) Push(b *event.Batch) error {
	if w.of.given {
		return w.all.Push(b)
	}
	return w.asking.Push(b)
}

// shareAll takes batches over into a layout of its own, with all their fields.
type shareAll struct {
	next     exec.Sink
	from, to *event.Layout
	names    int // in from, as it was
	epoch    int // of both
	task     shareTask
}

func (s *shareAll) Push(b *event.Batch) error {
	if epoch := s.from.Epoch() + s.to.Epoch(); epoch != s.epoch {
		s.names, s.task.moves, s.epoch = 0, nil, epoch
	}
	if n := s.from.Len(); n > s.names {
		for i, name := range s.from.Names()[s.names:n] {
			if slot := s.to.Met(name); slot != event.None {
				s.task.moves = append(s.task.moves, move{event.Slot(s.names + i), slot})
			}
		}
		s.names = n
	}
	s.task.next = s.next
	return s.task.Push(b)
}

// Add reads what has come. An exec.ErrStop says that nobody wants more rows.
func (x *Several) Add(ctx context.Context, in input.Feeder) (err error) {
	defer exec.Caught(&err, "reading")
	if err := x.forget(); err != nil {
		return err
	}
	feed := in.Feed
	if len(x.more) > 0 {
		twice, ok := in.(input.Twice)
		if !ok {
			return errors.New("bug: query: input that can be read once only, for queries that want whole events")
		}
		feed = func(ctx context.Context, want *input.Want) exec.Feed { return twice.FeedTwice(ctx, want, x.more) }
	}
	if err := feed(ctx, x.want)(0, x.front); err != nil {
		return err
	}
	for _, m := range x.more {
		if w, ok := m.To(0).(wholeRows); ok && w.f.err != nil && !errors.Is(w.f.err, exec.ErrStop) && !exec.IsBug(w.f.err) {
			return w.f.err
		}
	}
	return nil
}

// PushBatch takes events as a batch in the layout that Layout gives, which is lent. Their
// positions are given in the order in which they come.
func (x *Several) PushBatch(b *event.Batch) (err error) {
	defer exec.Caught(&err, "events")
	for len(b.Pos) < b.N {
		b.Pos = append(b.Pos, 0)
	}
	for i := range b.Pos {
		b.Pos[i] = x.pos
		x.pos++
	}
	x.given = true
	err = x.front.Push(b)
	x.given = false
	if err != nil {
		return err
	}
	return x.forget()
}

// Layout is that of batches for PushBatch. With All, names that the data has are met in it.
func (x *Several) Layout() (l *event.Layout, all bool) { return x.common, len(x.more) > 0 }

// Push takes one event: its time in ms and its fields, whose text is lent.
func (x *Several) Push(at int64, fields iter.Seq2[string, event.Value]) error {
	b := &x.batch
	b.Reset()
	row := b.AddRow(at, 0)
	for name, v := range fields {
		slot, ok := x.at[name]
		if !ok {
			slot = x.slot(name)
		}
		if slot != event.None {
			b.Col(slot).Set(row, v)
		}
	}
	return x.PushBatch(b)
}

func (x *Several) slot(name string) event.Slot {
	slot, ok := x.common.Find(name)
	switch {
	case ok: // all that common has is wanted
	case len(x.more) > 0:
		slot = x.common.Met(name)
	default:
		slot = event.None
	}
	if len(x.at) < namesMax {
		x.at[strings.Clone(name)] = slot
	}
	return slot
}

// forget makes room for field names that have not been met yet.
func (x *Several) forget() error {
	for i, p := range x.parts {
		if p.run.Layout.Len() < p.full || exec.Failed(x.tee)[i] != nil {
			continue
		}
		if err := p.forget(); err != nil {
			return err
		}
	}
	if x.common.Len() >= namesFull {
		x.common.Forget(x.named)
		clear(x.at)
		x.batch = event.Batch{}
	}
	return nil
}

// Settle gives on what the readers beside the queries hold between batches.
func (x *Several) Settle() error {
	failed := exec.Failed(x.tee)
	for i, b := range x.beside {
		if failed[len(x.parts)+i] != nil {
			continue
		}
		if err := exec.Guard("", b.Flush); err != nil {
			return err
		}
	}
	return nil
}

// Rows pushes the rows so far of a part; none where they left as they came.
func (x *Several) Rows(part int, out exec.Sink) error {
	if exec.Failed(x.tee)[part] != nil {
		return nil
	}
	return x.parts[part].Rows(out)
}

// Advance is Running.Advance of a part.
func (x *Several) Advance(part int, t int64, out exec.Sink) error {
	if exec.Failed(x.tee)[part] != nil {
		return nil
	}
	return x.parts[part].Advance(t, out)
}

// Failed are the parts, and after them those beside, that have panicked and take no more
// events, by their number. The others go on.
func (x *Several) Failed() map[int]error { return exec.Failed(x.tee) }

// Save writes down what the queries hold. What reads beside them is not part of it.
func (x *Several) Save(to *exec.Saver) error {
	to.Uint(x.pos)
	to.Uint(uint64(len(x.parts)))
	failed := exec.Failed(x.tee)
	for i, p := range x.parts {
		if failed[i] == nil {
			if err := p.Save(records{to}); err != nil {
				return err
			}
		}
		to.End()
	}
	return to.Err()
}

// records writes pieces as records.
type records struct{ to *exec.Saver }

func (r records) Write(p []byte) (int, error) {
	r.to.Record(p)
	return len(p), r.to.Err()
}

// Load adds what equal queries have saved, as Running.Load does.
func (x *Several) Load(from *exec.Loader) error {
	pos, n := from.Uint(), from.Uint()
	if from.Err() == nil && n != uint64(len(x.parts)) {
		return fmt.Errorf("%w: it has %d queries, and there are %d", ErrOtherQuery, n, len(x.parts))
	}
	for _, p := range x.parts {
		r := &pieces{from: from}
		if _, err := r.next(); err == io.EOF && from.Err() == nil {
			continue // it had failed
		}
		if err := p.Load(r); err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, r); err != nil {
			return err
		}
	}
	x.pos = max(x.pos, pos)
	return from.Err()
}

// pieces reads what records has written.
type pieces struct {
	from  *exec.Loader
	rest  []byte
	ended bool
}

// next makes sure that there is something in rest.
func (p *pieces) next() (int, error) {
	for len(p.rest) == 0 {
		if p.ended {
			return 0, io.EOF
		}
		if p.from.Uint() == 0 {
			p.ended = true
		} else {
			p.rest = slices.Clone(p.from.Bytes())
		}
		if err := p.from.Err(); err != nil {
			return 0, err
		}
	}
	return len(p.rest), nil
}

func (p *pieces) Read(to []byte) (int, error) {
	if _, err := p.next(); err != nil {
		return 0, err
	}
	n := copy(to, p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// Close gives back what the queries hold.
func (x *Several) Close() {
	for _, p := range x.parts {
		p.Close()
	}
	for _, rt := range x.rts {
		rt.Close()
	}
}

// before are the stages that what reads beside queries has before its own: those of
// its share of the common reading.
func (b *Consumer) before(r Run, rt *exec.Runtime, common *event.Layout) (open []exec.Opener) {
	if common != b.Layout {
		take := &share{from: common, to: b.Layout, fields: b.Fields.Slots()}
		open = append(open, exec.Opener{Name: "share", Open: func(next exec.Sink) exec.Task { return take.Open(rt, next) }})
	}
	if r.Bounded {
		open = append(open, exec.Opener{Name: "time range", Open: func(next exec.Sink) exec.Task { return timeRange{}.Open(rt, next) }})
	}
	auto := op.FieldsOfMessages(b.Layout, b.Fields)
	return append(open, exec.Opener{Name: "fields of messages", Open: func(next exec.Sink) exec.Task { return auto.Open(rt, next) }})
}
