// Package query compiles a query and runs it: parse, analyse, plan, optimise,
// explain.
package query

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/format"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// Query is a compiled query: a value that does not change. It may be run any number
// of times, also at once; what belongs to a run lives there.
type Query struct {
	Tree   *syntax.Query
	Layout *event.Layout // of the names the query mentions; each run clones it

	Columns  []lang.Column // what comes out; nil on messages means every field
	Messages bool          // what comes out are messages, not records

	written []lang.Step  // as the query has them
	steps   []lang.Step  // as they run
	cut     int          // steps before cut run in every worker
	want    event.Fields // of the input
	need    []input.Need
	// conditions are those that the event's own fields decide.
	conditions []expr.Expr
	// autoConditions are those behind json auto, of events that it leaves as they are.
	autoConditions []expr.Expr
	subs           []*subquery
	past           []*shifted

	external lang.External
	vocab    *lang.Vocabulary
	again    func() *Query // compiles it once more
	carried  []string      // fields of the input that go along with its rows
	once     bool          // what holds rows is given a record once
	counted  *once         // that stage; nil for none
}

// Carry has fields of the input go along to the query's rows, whatever fields it keeps:
// under lang.CarriedName, and lang.CarriedPlace for the message's position. A row of an
// aggregate has the position of its first message alone. RunTogether gives them; a query
// that wants every field has them under their own names.
func Carry(fields ...string) Option { return func(sc *lang.Scope) { sc.Carried = fields } }

// Once has a query that holds rows count a record of Windows once that the input has in
// several forms, or in a log and a longer copy of it. Its identity must be among the fields
// that are carried.
func Once(sc *lang.Scope) { sc.Once = true }

// Option changes how a query is compiled.
type Option func(*lang.Scope)

// Tables gives the query what it may look things up in. Files are read while
// the query is compiled, those that it names.
func Tables(l *lookup.Library) Option { return func(sc *lang.Scope) { sc.Tables = l } }

// Unfilled compiles a query whose template parameters have no values, to look at
// it: each is a note, and such a query does not run.
func Unfilled(sc *lang.Scope) { sc.Unfilled = true }

// Compile parses, analyses and plans a query. The query is nil when the list
// has errors; warnings and notes come beside one that runs.
func Compile(f *diag.File, v *lang.Vocabulary, with ...Option) (*Query, diag.List) {
	tree, diags := syntax.Parse(f, v)
	if unfilled(with) {
		noteUnfilled(diags)
	}
	if diags.HasErrors() {
		diags.Sort()
		return nil, diags // a tree with holes would only earn further complaints
	}
	q := compileTree(tree, f, v, &diags, with)
	diags.Sort()
	if diags.HasErrors() {
		return nil, diags
	}
	return q, diags
}

// unfilled reports whether Unfilled is among some options.
func unfilled(with []Option) bool {
	var sc lang.Scope
	for _, set := range with {
		set(&sc)
	}
	return sc.Unfilled
}

// noteUnfilled makes notes of the errors that parameters have no value.
func noteUnfilled(l diag.List) {
	for _, d := range l {
		if d.Code == syntax.Unfilled {
			d.Severity = diag.Note
		}
	}
}

func compileTree(tree *syntax.Query, f *diag.File, v *lang.Vocabulary, diags *diag.List, with []Option) *Query {
	q := &Query{Tree: tree, Layout: event.NewLayout(), vocab: v}
	q.again = func() *Query { return compileTree(tree, f, v, new(diag.List), with) }
	sc := lang.NewScope(v, q.Layout, f, diags)
	for _, set := range with {
		set(sc)
	}
	if st := v.Search(tree.Search); st != nil {
		st.Check(sc)
		facts := lang.Told(st, lang.Facts{Rows: lang.Drops, Alone: true})
		q.steps = append(q.steps, lang.Step{Stage: st, Flow: lang.Streams, Facts: facts, Part: lang.Searching, Name: "search"})
	}
	pipe := sc.Analyse(tree.Stages, false)
	q.steps = append(q.steps, pipe.Steps...)
	if pipe.Messages && !pipe.Ordered {
		q.steps = append(q.steps, v.InTime(0))
	}
	q.Columns, q.Messages = pipe.Columns, pipe.Messages
	for _, s := range sc.Subqueries() {
		q.subs = append(q.subs, compileSub(s, f, v, diags, with))
	}
	q.external = *sc.External()
	if diags.HasErrors() {
		return q
	}
	q.written = slices.Clone(q.steps)
	q.carried, q.once = sc.Carried, sc.Once
	q.past = compileShifts(sc.Shifts(), tree, f, v, with)
	q.optimise()
	q.plan()
	return q
}

// plan cuts the steps and finds what is wanted of the input.
func (q *Query) plan() {
	q.cut = len(q.steps)
	for i, s := range q.steps {
		if s.Flow != lang.Streams {
			q.cut = i + 1
			break
		}
	}
	q.want = event.Fields{All: q.Columns == nil || lang.HasLate(q.Columns)}
	for _, c := range q.Columns {
		q.want.Add(c.Slot)
	}
	if q.carried != nil {
		q.carry()
	}
	for i := len(q.steps) - 1; i >= 0; i-- {
		q.steps[i].Stage.Needs(&q.want)
	}
}

// carry has the places of messages, and fields of theirs, go along.
func (q *Query) carry() {
	slot := q.Layout.Slot(lang.CarriedPlace)
	q.want.Add(slot)
	if places, ok := q.Layout.Find(lang.CarriedPlaces); ok {
		q.want.Add(places)
	}
	for _, f := range q.carried {
		q.want.Add(q.Layout.Slot(lang.CarriedName(f)))
	}
	place := lang.Step{Stage: &placing{slot: slot}, Flow: lang.Streams, Name: "place"}
	// What brings rows into an order, or makes others of them, gives them positions
	// of its own: places are noted before the first such step, and never again, since
	// a position after it is not one of the input.
	at := slices.IndexFunc(q.steps, func(s lang.Step) bool { return s.Flow != lang.Streams })
	if at < 0 {
		q.steps = append(q.steps, place)
		q.cut++
		return
	}
	steps := append(slices.Clone(q.steps[:at]), place)
	if q.Streams() || !q.once {
		steps = append(steps, q.steps[at])
	} else {
		steps = q.counting(steps, q.steps[at])
	}
	steps = append(steps, q.steps[at+1:]...)
	q.cut = 1 + slices.IndexFunc(steps, func(s lang.Step) bool { return s.Flow != lang.Streams })
	q.steps = steps
}

// carrying says where the fields that are carried come from, in a run of the query
// alone. A query that wants every field has them under their own names.
func (q *Query) carrying(l *event.Layout) []move {
	if q.want.All {
		return nil
	}
	var out []move
	for _, f := range q.carried {
		out = append(out, move{l.Slot(f), l.Slot(lang.CarriedName(f))})
	}
	return out
}

// carryOn gives fields a second name, which no stage writes to.
type carryOn []move

func (carryOn) Check(*lang.Scope)   {}
func (carryOn) Needs(*event.Fields) {}

func (c carryOn) Open(_ *exec.Runtime, next exec.Sink) exec.Task { return &carryTask{c, next} }

type carryTask struct {
	carryOn
	next exec.Sink
}

func (t *carryTask) Push(b *event.Batch) error {
	for _, m := range t.carryOn {
		if int(m.from) < len(b.Cols) {
			b.Col(m.to) // may move the others
			b.Cols[m.to].Alias(&b.Cols[m.from])
			b.Cols[m.from].Alias(&b.Cols[m.to]) // who writes to either copies it
		}
	}
	return t.next.Push(b)
}

func (t *carryTask) Flush() error { return nil }

// placing notes the positions of rows in a field, where it has none yet and is wanted.
type placing struct {
	slot event.Slot
	on   bool
}

func (*placing) Check(*lang.Scope)       {}
func (p *placing) Needs(f *event.Fields) { p.on = f.Wants(p.slot) }

func (p *placing) Open(_ *exec.Runtime, next exec.Sink) exec.Task { return &placeTask{p, next} }

type placeTask struct {
	*placing
	next exec.Sink
}

func (t *placeTask) Push(b *event.Batch) error {
	if t.on && len(b.Pos) >= b.N {
		c := b.Col(t.slot)
		for _, row := range b.Live {
			if c.At(row).IsNull() {
				c.Set(row, event.Int(int64(b.Pos[row])))
			}
		}
	}
	return t.next.Push(b)
}

func (t *placeTask) Flush() error { return nil }

// Streams reports whether rows can be given as events come, but for the order
// of messages.
func (q *Query) Streams() bool {
	for i, s := range q.steps {
		if s.Flow != lang.Streams && !(i == len(q.steps)-1 && s.Part == lang.NewestInTime) {
			return false
		}
	}
	return len(q.subs)+len(q.past) == 0
}

// Run is everything a run of a query needs besides the query.
type Run struct {
	Input   input.Feeder  // files, or events from elsewhere
	Layout  *event.Layout // a clone of the query's, shared with what prints the rows
	Workers int
	Memory  int64        // bytes that stages may hold between batches; 0 is no limit but Budget's
	Budget  *exec.Budget // of the process or tenant that this run is one of; nil for none
	TempDir string

	Now      time.Time
	From, To int64 // ms, To excluded; used when Bounded
	Bounded  bool
	Zone     *time.Location

	NoMap    bool
	Category string
	Carve    bool // read what a file's records do not lead to, too
	Warnings *exec.Warnings

	// Arrival leaves messages in the order in which they are read, rather than
	// newest first.
	Arrival bool

	// Newest, where it is not 0, is how many messages are wanted of a query that gives
	// them newest first: the first so many of its rows.
	Newest int

	// Seen is told what the run meets; nil for nobody. Whole has the reader give it
	// what lacks the query's literals, too.
	Seen  *Seen
	Whole bool

	// Tap, when set, is shown the rows that come to the first stage that needs all of
	// them, or to the output: the messages that match, in any order. It is called from
	// all workers, and changes nothing.
	Tap func(*event.Batch)

	// Peek, when set, is given what pushes the rows so far into a sink, before the run
	// begins. That may be called while no worker reads: by a Feed that has them wait.
	Peek func(Peek)

	// Reopen opens the input once more, for subqueries and compare. It may be
	// nil when the input can be read only once (standard input).
	Reopen func() (input.Feeder, error)
}

// budget is what the stages of the run may hold.
func (r *Run) budget() *exec.Budget { return &exec.Budget{Limit: r.Memory, Parent: r.Budget} }

// Run runs the query and pushes its rows, in their final order, from one goroutine.
func (q *Query) Run(ctx context.Context, r Run, out exec.Sink) error {
	budget := r.budget()
	defer budget.Forget() // a process that goes on has others under the same parent
	return q.run(ctx, r, budget, out)
}

// run is Run with a share of a budget.
func (q *Query) run(ctx context.Context, r Run, budget *exec.Budget, out exec.Sink) (err error) {
	defer func() { err = exec.Named(err, q.name()) }()
	defer exec.Caught(&err, "")
	var first []lang.Step
	moves := q.carrying(r.Layout)
	if moves != nil {
		first = append(first, lang.Step{Stage: carryOn(moves), Flow: lang.Streams, Name: "carry"})
	}
	p, release, err := q.ready(ctx, r, budget, out, first...)
	if err != nil {
		return err
	}
	defer release()
	rt := &exec.Runtime{Ctx: ctx, Layout: r.Layout}
	want := q.Want(r)
	for _, m := range moves {
		want.Fields.Remove(m.to)
		want.Fields.Add(m.from)
	}
	return exec.Run(rt, p, r.Workers, r.Input.Feed(ctx, want))
}

// ready runs what has to run before the query, and opens its pipeline, with
// first in front. release gives back what it holds.
func (q *Query) ready(ctx context.Context, r Run, budget *exec.Budget, out exec.Sink, first ...lang.Step) (p exec.Pipeline, release func(), err error) {
	rt, release, err := q.open(ctx, &r, budget)
	if err != nil {
		return p, nil, err
	}
	if p, ok := out.(exec.Printing); ok && p.Printer() != nil {
		rt.Printer = p.Printer
	}
	front, back := q.split(r)
	if r.Seen != nil {
		front = r.Seen.watch(q, front)
	}
	if r.Tap != nil {
		front = tapped(front, r.Tap)
	}
	front = append(first, front...)
	p = exec.Pipeline{
		Name:  q.name(),
		Front: func(next exec.Sink) exec.Task { return lang.OpenSteps(front, rt, next) },
		Back:  lang.OpenSteps(back, rt, out),
	}
	if r.Peek != nil {
		p.Watch = func(fronts []exec.Task) { r.Peek(q.peek(rt, front, back, fronts)) }
	}
	return p, release, nil
}

// Peek pushes the rows of a run so far into a sink; the run goes on as if it had not been
// called. It is told how many bytes that may hold meanwhile. Errors are ErrNoRowsYet, that
// of a budget, and of the sink.
type Peek func(out exec.Sink, memory int64) error

// ErrNoRowsYet is that a query's rows are only there at its end.
var ErrNoRowsYet = errors.New("the query has no rows before its end")

// peek makes the Peek of a run: what the workers hold is put together by tasks of its own.
func (q *Query) peek(rt *exec.Runtime, front, back []lang.Step, fronts []exec.Task) Peek {
	return func(out exec.Sink, memory int64) (err error) {
		defer func() { err = exec.Named(err, q.name()) }()
		defer exec.Caught(&err, "output")
		own := &exec.Runtime{
			Ctx: rt.Ctx, Layout: rt.Layout, Now: rt.Now, From: rt.From, To: rt.To, Bounded: rt.Bounded, Zone: rt.Zone,
			Budget: &exec.Budget{Limit: memory, Parent: rt.Budget}, TempDir: rt.TempDir, Warnings: &exec.Warnings{},
			NoMap: rt.NoMap, Twins: rt.Twins, Inside: rt.Inside, Given: rt.Given,
		}
		defer own.Forget()
		end := lang.OpenSteps(back, own, out)
		all := exec.HolderOf(lang.OpenSteps(front, own, end))
		if all == nil {
			return ErrNoRowsYet
		}
		var state bytes.Buffer
		for _, f := range fronts {
			h := exec.HolderOf(f)
			if h == nil {
				return ErrNoRowsYet
			}
			state.Reset()
			to := exec.NewSaver(&state)
			if err := errors.Join(h.Save(to), to.Flush()); err != nil {
				return err
			}
			from := exec.NewLoader(&state)
			if err := errors.Join(all.Load(from), from.Err()); err != nil {
				return err
			}
		}
		for _, push := range []func() error{all.Snapshot, end.Flush} {
			if err := push(); err != nil && !errors.Is(err, exec.ErrStop) {
				return err
			}
		}
		return nil
	}
}

// tapped puts a tap before the last of some steps, where that needs all rows, or
// after them.
func tapped(front []lang.Step, tap func(*event.Batch)) []lang.Step {
	n := len(front)
	if n > 0 && front[n-1].Flow != lang.Streams {
		n--
	}
	return slices.Insert(slices.Clone(front), n, lang.Step{Stage: tapping(tap), Flow: lang.Streams, Name: "tap"})
}

// tapping shows the rows that pass.
type tapping func(*event.Batch)

func (tapping) Check(*lang.Scope)   {}
func (tapping) Needs(*event.Fields) {}

func (t tapping) Open(_ *exec.Runtime, next exec.Sink) exec.Task { return &tapTask{t, next} }

type tapTask struct {
	tap  tapping
	next exec.Sink
}

func (t *tapTask) Push(b *event.Batch) error {
	t.tap(b)
	return t.next.Push(b)
}

func (t *tapTask) Flush() error { return nil }

// name is what messages call the query.
func (q *Query) name() string { return q.Tree.File.Name }

// open runs what has to run before the query, and makes what its stages share.
func (q *Query) open(ctx context.Context, r *Run, budget *exec.Budget) (rt *exec.Runtime, release func(), err error) {
	before, err := q.before(ctx, r, budget)
	if err != nil {
		return nil, nil, err
	}
	rt = r.runtime(ctx, r.Layout, budget)
	before.give(rt)
	tables := rt.Budget.Open("lookup")
	release = func() { tables.Release(); before.release(); rt.Close() }
	if !tables.Add(q.external.Bytes) {
		release()
		return nil, nil, tables.Over("tables of "+exec.Size(q.external.Bytes), "use smaller tables")
	}
	for _, what := range q.external.Missing {
		r.Warnings.Add("looked up in nothing: its fields are null", true, exec.Sample{Detail: what + " is not given"})
	}
	return rt, release, nil
}

// split are the steps that run in every worker, and those after them.
func (q *Query) split(r Run) (front, back []lang.Step) {
	steps := q.steps
	if n := len(steps); r.Arrival && n > 0 && steps[n-1].Part == lang.NewestInTime {
		steps = steps[:n-1]
	} else if n > 0 && r.Newest > 0 && steps[n-1].Part == lang.NewestInTime {
		newest := q.vocab.InTime(r.Newest)
		out := q.shown()
		newest.Stage.Needs(&out)
		steps = append(steps[:n-1:n-1], newest)
	}
	return cutSteps(r, steps)
}

// cutSteps cuts steps after the first that needs all rows. Stages that are made of
// several count as those, so that the last of the workers' is one that holds rows.
func cutSteps(r Run, steps []lang.Step) (front, back []lang.Step) {
	if r.Bounded {
		front = append(front, lang.Step{Stage: timeRange{}, Flow: lang.Streams, Name: "time range"})
	}
	for _, s := range steps {
		front = append(front, lang.Parts(s)...)
	}
	for i, s := range front {
		if s.Flow != lang.Streams {
			return front[:i+1], front[i+1:]
		}
	}
	return front, nil
}

// runtime is what the run's stages share.
func (r *Run) runtime(ctx context.Context, l *event.Layout, budget *exec.Budget) *exec.Runtime {
	rt := &exec.Runtime{
		Ctx: ctx, Layout: l, Now: r.Now, From: r.From, To: r.To, Bounded: r.Bounded, Zone: r.Zone,
		Budget: budget, TempDir: r.TempDir, Warnings: r.Warnings, NoMap: r.NoMap,
	}
	rt.Inside = func(fields event.Fields) func([]byte, exec.Sink) (bool, error) {
		return format.Inside(&input.Want{Layout: l, Fields: fields, Now: r.Now, Zone: r.Zone, Twins: rt.Twins, Warnings: r.Warnings})
	}
	return rt
}

// before are the rows of what has run before the query.
type before struct {
	given map[any][][]event.Value // of subqueries
	held  *exec.Account           // for those
	past  map[any]*exec.Kept      // of earlier ranges
	rt    *exec.Runtime           // of past
}

// give gives the rows to a run.
func (b *before) give(rt *exec.Runtime) { rt.Given, rt.Past = b.given, b.past }

// release gives back what the rows take.
func (b *before) release() {
	b.held.Release()
	for _, k := range b.past {
		k.Close()
	}
	b.rt.Close()
}

// before runs what has to run before the query.
func (q *Query) before(ctx context.Context, r *Run, budget *exec.Budget) (_ *before, err error) {
	if r.Zone == nil {
		r.Zone = time.UTC
	}
	if !r.Bounded && q.needsRange() {
		if err := q.ownRange(ctx, r); err != nil {
			return nil, err
		}
	}
	b := &before{given: map[any][][]event.Value{}, past: map[any]*exec.Kept{}, held: budget.Open("what runs before the query")}
	b.rt = r.runtime(ctx, r.Layout, budget)
	defer func() {
		if err != nil {
			b.release()
		}
	}()
	first := *r
	first.Seen, first.Tap, first.Newest = nil, nil, 0 // these are of the query itself
	for _, s := range q.subs {
		if err := s.run(ctx, first, budget, b); err != nil {
			return nil, err
		}
	}
	for _, s := range q.past {
		if err := s.run(ctx, first, budget, b); err != nil {
			return nil, err
		}
	}
	return b, nil
}

// Want is what the query asks of a reader in a run.
func (q *Query) Want(r Run) *input.Want {
	w := &input.Want{
		Layout: r.Layout, Fields: q.want.Clone(), Need: q.need, Conditions: q.conditions, AutoConditions: q.autoConditions,
		From: r.From, To: r.To, Bounded: r.Bounded, Now: r.Now, Zone: r.Zone,
		NoMap: r.NoMap, Category: r.Category, Carve: r.Carve, Warnings: r.Warnings,
	}
	if r.Whole {
		w.Need, w.Conditions, w.AutoConditions = nil, nil, nil
	}
	return w
}

// timeRange is the stage that keeps the messages of the run's time range. Those
// without a time are of none.
type timeRange struct{}

func (timeRange) Check(*lang.Scope)   {}
func (timeRange) Needs(*event.Fields) {}

func (timeRange) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	return &timeRangeTask{next: next, from: rt.From, to: rt.To}
}

type timeRangeTask struct {
	next     exec.Sink
	from, to int64
}

func (t *timeRangeTask) Push(b *event.Batch) error {
	live := b.Live[:0]
	for _, r := range b.Live {
		if at := b.Time[r]; at >= t.from && at < t.to && at != event.NoTime {
			live = append(live, r)
		}
	}
	if b.Live = live; len(live) == 0 {
		return nil
	}
	return t.next.Push(b)
}

func (t *timeRangeTask) Flush() error { return nil }

// internal reports whether a name is metadata rather than part of an event's text.
func internal(name string) bool { return strings.HasPrefix(name, "_") }
