package query

import (
	"context"
	"slices"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Unmet is a part of a search expression that holds for no event.
type Unmet struct {
	Text  string // as it is written
	Field string // the one field that it reads; "" for a keyword
	// Values are some values that events have in the field, the most frequent
	// first; none where no event has it.
	Values []string
	More   bool // there are more
}

// unmetValues is how many values of a field Unmet names.
const unmetValues = 3

// Unmet reads the input and says which parts of the search expression, all of which
// an event has to meet, no event meets, and how many events there are. Without a
// search expression there are none.
func (q *Query) Unmet(ctx context.Context, r Run) (out []Unmet, events int64, err error) {
	q = q.again()
	i := slices.IndexFunc(q.written, func(s lang.Step) bool { return s.Part == lang.Searching })
	if i < 0 {
		return nil, 0, nil
	}
	budget := r.budget()
	rt := r.runtime(ctx, r.Layout, budget)
	before, err := q.before(ctx, &r, budget)
	if err != nil {
		return nil, 0, err
	}
	defer before.release()
	before.give(rt)
	defer rt.Close()
	t := &trace{q: q, layout: r.Layout, present: map[event.Slot]int64{}, made: map[event.Slot][]event.Slot{}}
	p, end := &probe{trace: t, step: q.written[i]}, &probe{trace: t}
	t.probes = []*probe{end, p}
	var steps []lang.Step
	if r.Bounded {
		steps = append(steps, lang.Step{Stage: timeRange{}, Flow: lang.Streams, Name: "time range"})
	}
	steps = append(steps, lang.Step{Stage: p, Flow: lang.Streams}, q.written[i])
	var want event.Fields
	for k := len(steps) - 1; k >= 0; k-- {
		steps[k].Stage.Needs(&want)
	}
	reads := q.Want(r)
	reads.Fields, reads.Need, reads.Conditions, reads.AutoConditions = want, nil, nil, nil
	pipeline := exec.Pipeline{
		Front: func(next exec.Sink) exec.Task { return lang.OpenSteps(steps, rt, next) },
		Back:  lang.OpenSteps(nil, rt, nothing{}),
	}
	if err := exec.Run(rt, pipeline, 1, r.Input.Feed(ctx, reads)); err != nil {
		return nil, 0, err
	}
	for _, part := range p.parts {
		if part.holds > 0 {
			continue
		}
		u := Unmet{Text: part.text}
		if len(part.fields) == 1 && r.Layout.Name(part.fields[0].slot) != "_raw" {
			u.Field = r.Layout.Name(part.fields[0].slot)
			f := part.fields[0]
			for _, v := range f.most(unmetValues) {
				u.Values = append(u.Values, v.Value)
			}
			u.More = f.more || len(f.values) > len(u.Values)
		}
		out = append(out, u)
	}
	return out, p.rows, nil
}
