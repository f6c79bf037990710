package query

import (
	"context"
	"errors"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// ReadsTwice reports whether a run of the query opens its input more than once:
// for a subquery, for an earlier time range, or to learn the data's own. bounded
// says that the run has a time range.
func (q *Query) ReadsTwice(bounded bool) bool {
	return len(q.subs)+len(q.past) > 0 || !bounded && q.needsRange()
}

// needsRange reports whether the query means something only in a time range.
func (q *Query) needsRange() bool {
	for _, s := range q.steps {
		if s.Facts.NeedsRange != "" {
			return true
		}
	}
	for _, s := range q.past {
		if s.of.When.From == "" || s.of.When.To == "" {
			return true
		}
	}
	for _, s := range q.subs {
		if s.query.needsRange() || s.of.When != (lang.Range{}) && (s.of.When.From == "" || s.of.When.To == "") {
			return true
		}
	}
	return false
}

// ownRange gives a run without a time range that of its data, and says so.
func (q *Query) ownRange(ctx context.Context, r *Run) error {
	if r.Reopen == nil {
		return errors.New("the query needs a time range: give one with --from and --to")
	}
	reader, err := r.Reopen()
	if err != nil {
		return err
	}
	layout := event.NewLayout()
	want := &input.Want{Layout: layout, Now: r.Now, NoMap: r.NoMap, Category: r.Category, Carve: r.Carve}
	var seen timeSpan
	err = exec.Run(&exec.Runtime{Ctx: ctx, Layout: layout}, exec.Pipeline{
		Front: func(next exec.Sink) exec.Task { return passOn{next} },
		Back:  passOn{&seen},
	}, r.Workers, reader.Feed(ctx, want))
	if err != nil {
		return err
	}
	if !seen.any {
		seen = timeSpan{from: r.Now.UnixMilli(), to: r.Now.UnixMilli()}
	}
	r.Bounded, r.From, r.To = true, seen.from, seen.to+1
	zone := r.Zone
	at := func(ms int64) string { return time.UnixMilli(ms).In(zone).Format("2006-01-02 15:04:05") }
	r.Warnings.Add("the query needs a time range and none is given, so that of the data is taken; --from and --to set another", false,
		exec.Sample{Detail: at(seen.from) + " to " + at(seen.to)})
	return nil
}

// passOn is a stage that changes nothing.
type passOn struct{ exec.Sink }

func (passOn) Flush() error { return nil }

// timeSpan are the first and the last time of messages, in ms.
type timeSpan struct {
	any      bool
	from, to int64
}

func (s *timeSpan) Push(b *event.Batch) error {
	for _, row := range b.Live {
		switch at := b.Time[row]; {
		case at == 0: // it has no time
		case !s.any:
			s.any, s.from, s.to = true, at, at
		default:
			s.from, s.to = min(s.from, at), max(s.to, at)
		}
	}
	return nil
}
