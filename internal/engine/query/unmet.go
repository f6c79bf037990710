package query

import (
	"context"
	"slices"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
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
// an event has to meet, no event meets. Without a search expression there are none.
func (q *Query) Unmet(ctx context.Context, r Run) (out []Unmet, err error) {
	q = q.again()
	i := slices.IndexFunc(q.written, func(s lang.Step) bool { return s.Part == lang.Searching })
	if i < 0 {
		return nil, nil
	}
	budget := r.budget()
	rt := r.runtime(ctx, r.Layout, budget)
	before, err := q.before(ctx, &r, budget)
	if err != nil {
		return nil, err
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
	reads.Fields, reads.Need, reads.Conditions, reads.AutoConditions = want, needOfKeywords(q.written[i].Facts.Cond, r.Layout), nil, nil
	pipeline := exec.Pipeline{
		Front: func(next exec.Sink) exec.Task { return lang.OpenSteps(steps, rt, next) },
		Back:  lang.OpenSteps(nil, rt, nothing{}),
	}
	if err := exec.Run(rt, pipeline, 1, r.Input.Feed(ctx, reads)); err != nil {
		return nil, err
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
	return out, nil
}

// needOfKeywords is what an event must hold that meets one of the parts of a condition at
// least, where all of them are about the text of events; nil where every event has to be
// looked at: what is told of a field is also what events have in it.
func needOfKeywords(cond expr.Expr, l *event.Layout) []input.Need {
	if cond == nil {
		return nil
	}
	text := func(s event.Slot) bool { return l.Name(s) == "_raw" }
	from := func(s event.Slot) (event.Slot, bool) { return event.None, text(s) }
	any := []string{}
	for _, x := range conjuncts(cond) {
		if slices.ContainsFunc(expr.Slots(x), func(s event.Slot) bool { return !text(s) }) {
			return nil
		}
		var best []string
		for _, r := range expr.Requires(x, from) {
			if r.Slot == event.None && len(r.Witness.Any) > 0 && (best == nil || shortest(r.Witness.Any) > shortest(best)) {
				best = r.Witness.Any
			}
		}
		if best == nil || shortest(best) < needMin {
			return nil
		}
		any = append(any, best...)
	}
	return []input.Need{{Slot: event.None, Any: any}}
}

// shortest is the bytes of the shortest text.
func shortest(texts []string) int {
	n := len(texts[0])
	for _, t := range texts {
		n = min(n, len(t))
	}
	return n
}
