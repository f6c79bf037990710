package query

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/engine/op"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Part is one of several queries that run over one reading of the input.
type Part struct {
	Query  *Query
	Layout *event.Layout // a clone of the query's, as in Run
	Out    exec.Sink
	Seen   *Seen // as in Run
}

// Consumer is what reads along with queries and is none itself: Sigma rules. It
// sees every event of the run's time range.
type Consumer struct {
	Name   string        // for the message of a bug: "Sigma rules"
	Layout *event.Layout // of the batches that it is given
	Fields event.Fields  // wanted, in Layout; not all
	Twins  bool          // as in input.Want
	Open   func(*exec.Runtime) exec.Pipeline

	// Details are further fields, in Layout, of the few events that the front's tasks
	// ask for; each is a Detailed then. Blocks that hold such an event are read for them
	// once more. Where the input cannot do that, they are read with the Fields.
	Details event.Fields
}

// Detailed is a front that asks for Details.
type Detailed interface {
	exec.Task
	// Asks reports whether there are events, of those pushed since it was asked last,
	// whose details it wants.
	Asks() bool
	// Wanted reports whether the event at a position is one of them.
	Wanted(pos uint64) bool
	// Detail gives these events, perhaps among others, with the details alone.
	Detail(*event.Batch) error
}

// RunTogether runs several queries, and what reads beside them, over one reading
// of the input. Each part gives the rows that Query.Run would, in the same order.
// All share r.Memory. r.Layout is not used.
//
// A part that panics ends alone: the others run to their end, and then its
// *exec.Bug is the error.
//
// A part that wants every field is asked what it wants of the fields that its
// conditions read; blocks that hold an event it wants are then read for it once
// more, whole. Where the input cannot do that, such a part reads on its own, through
// r.Reopen if it is not the only one.
func RunTogether(ctx context.Context, r Run, parts []Part, beside ...Consumer) error {
	budget := r.budget()
	twice, _ := r.Input.(input.Twice)
	var shared, own []Part
	for _, p := range parts {
		if p.Query.want.All && (twice == nil || len(parts)+len(beside) == 1) {
			own = append(own, p)
		} else {
			shared = append(shared, p)
		}
	}
	first := len(shared)+len(beside) == 0
	var bugs []error
	if !first {
		if err := runShared(ctx, r, budget, twice, shared, beside); exec.IsBug(err) {
			bugs = append(bugs, err)
		} else if err != nil {
			return err
		}
	}
	for _, p := range own {
		r := r
		if !first {
			if r.Reopen == nil {
				return errors.New("this reads the input a second time, which it does not allow; save it to a file first")
			}
			reader, err := r.Reopen()
			if err != nil {
				return err
			}
			r.Input = reader
		}
		first = false
		r.Layout, r.Seen = p.Layout, p.Seen
		if err := p.Query.run(ctx, r, budget, p.Out); exec.IsBug(err) {
			bugs = append(bugs, err)
		} else if err != nil {
			return err
		}
	}
	return errors.Join(bugs...)
}

func runShared(ctx context.Context, r Run, budget *exec.Budget, twice input.Twice, parts []Part, beside []Consumer) (err error) {
	defer exec.Caught(&err, "")
	common := event.NewLayout()
	alone := len(parts) == 0 && len(beside) == 1
	if alone {
		common = beside[0].Layout // nothing to translate
	}
	want := &input.Want{
		Layout: common, From: r.From, To: r.To, Bounded: r.Bounded, Now: r.Now, Zone: r.Zone,
		NoMap: r.NoMap, Category: r.Category, Carve: r.Carve, Warnings: r.Warnings,
	}
	asked := make([]*probing, len(parts)) // of the parts that want every field
	for i, part := range parts {
		if part.Query.want.All {
			asked[i] = newProbing(part.Query)
			wantAs(&want.Fields, common, asked[i].want, asked[i].layout)
			continue
		}
		wantAs(&want.Fields, common, part.Query.want, part.Query.Layout)
	}
	for i := range beside {
		want.Twins = want.Twins || beside[i].Twins
		if twice == nil {
			beside[i] = beside[i].AtOnce()
		}
		beside[i].Fields = beside[i].Fields.Clone()
		op.FieldsOfMessages(beside[i].Layout, event.Fields{}).Needs(&beside[i].Fields)
		wantAs(&want.Fields, common, beside[i].Fields, beside[i].Layout)
	}
	if len(beside) == 0 {
		want.Need = needOfAny(r, parts)
	}
	var ps []exec.Pipeline
	var more []input.Reading
	for i, part := range parts {
		r := r
		r.Layout, r.Seen = part.Layout, part.Seen
		var first []lang.Step
		if asked[i] == nil {
			first = append(first, lang.Step{
				Stage: &share{from: common, to: part.Query.Layout, fields: part.Query.want.Slots()}, Flow: lang.Streams, Name: "share",
			})
		}
		p, release, err := part.Query.ready(ctx, r, budget, part.Out, first...)
		if err != nil {
			return err
		}
		defer release()
		if asked[i] != nil {
			more = append(more, asked[i].into(&p, part.Query, r, common))
		}
		ps = append(ps, p)
	}
	for _, b := range beside {
		rt := r.runtime(ctx, b.Layout, budget)
		rt.Twins = b.Twins
		defer func() {
			if err != nil { // else what it holds may yet be asked for
				rt.Close()
			}
		}()
		open := b.before(r, rt, common)
		p := b.Open(rt)
		p.Name = b.Name
		front := p.Front
		if len(b.Details.Slots()) > 0 {
			d := &detailing{}
			front = d.front(front)
			more = append(more, d.again(b, want, rt))
		}
		open = append(open, exec.Opener{Name: "conditions", Open: front})
		p.Front = func(next exec.Sink) exec.Task { return exec.Chain(next, open...) }
		ps = append(ps, p)
	}
	rt := &exec.Runtime{Ctx: ctx, Layout: common, Budget: budget, Warnings: r.Warnings}
	feed := r.Input.Feed
	if len(more) > 0 {
		feed = func(ctx context.Context, want *input.Want) exec.Feed { return twice.FeedTwice(ctx, want, more) }
	}
	return exec.Run(rt, exec.Together(ps), r.Workers, feed(ctx, want))
}

// wantAs adds fields of a layout to those wanted in another.
func wantAs(to *event.Fields, common *event.Layout, fields event.Fields, l *event.Layout) {
	for _, s := range fields.Slots() {
		name := l.Name(s)
		if name == lang.CarriedPlace {
			continue
		}
		if in := common.Slot(strings.TrimPrefix(name, lang.CarriedPrefix)); fields.OnlyForAuto(s) {
			to.AddForAuto(in)
		} else {
			to.Add(in)
		}
	}
}

// needOfAny is what an event must hold to matter to one of the parts at least:
// the literals of one need of each. nil when some part looks at every event.
func needOfAny(r Run, parts []Part) []input.Need {
	var any []string
	for _, part := range parts {
		best, bestLen := input.Need{}, 0
		for _, n := range part.Query.need {
			// A field that is also made by translation, and short texts such as
			// an event's number, are no use without their field.
			if n.Written || n.Slot != event.None && !r.NoMap && !mapping.Verbatim(part.Query.Layout.Name(n.Slot)) {
				continue
			}
			if size := shortest(n.Any); size > bestLen {
				best, bestLen = n, size
			}
		}
		if bestLen < needMin {
			return nil
		}
		for _, l := range best.Any {
			if !slices.Contains(any, l) {
				any = append(any, l)
			}
		}
	}
	return []input.Need{{Slot: event.None, Any: any}}
}

// needMin is how long the literals of a need are at least that is searched for
// anywhere in an event: shorter ones stand in almost every event.
const needMin = 4

// share is the first stage of what reads in company: it takes the batch over
// into a layout of its own.
type share struct {
	from, to *event.Layout
	fields   []event.Slot // of to
}

func (*share) Check(*lang.Scope)   {}
func (*share) Needs(*event.Fields) {}

func (s *share) Open(_ *exec.Runtime, next exec.Sink) exec.Task {
	t := &shareTask{next: next}
	for _, slot := range s.fields {
		if s.to.Name(slot) == lang.CarriedPlace {
			continue
		}
		if from, ok := s.from.Find(strings.TrimPrefix(s.to.Name(slot), lang.CarriedPrefix)); ok {
			t.moves = append(t.moves, move{from, slot})
		}
	}
	return t
}

type shareTask struct {
	next  exec.Sink
	moves []move
	own   event.Batch
}

// move is a field that goes from one slot to another.
type move struct{ from, to event.Slot }

func (t *shareTask) Push(b *event.Batch) error {
	o := &t.own
	o.Reset()
	o.N, o.Auto = b.N, b.Auto
	o.Live = append(o.Live, b.Live...)
	o.Time = append(o.Time, b.Time...)
	o.Pos = append(o.Pos, b.Pos...)
	if b.Receipt != nil {
		o.Receipt = slices.Clone(b.Receipt)
	}
	for _, m := range t.moves {
		if int(m.from) < len(b.Cols) {
			o.Col(m.to).Alias(&b.Cols[m.from])
		}
	}
	return t.next.Push(o)
}

func (t *shareTask) Flush() error { return nil }
