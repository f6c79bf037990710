package query

import (
	"context"
	"io"
	"sort"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
)

// Why is what became of the rows of a query, stage by stage, as data: what WhyNot prints.
type Why struct {
	Rows   int64      `json:"rows"` // that came out
	Stages []WhyStage `json:"stages"`
	// Text says why nothing is left, as WhyNot prints it; "" where something is.
	Text string `json:"text,omitempty"`
}

// WhyStage is one stage, as it is written.
type WhyStage struct {
	Stage string `json:"stage"`
	In    int64  `json:"in"` // rows
	Out   int64  `json:"out"`
	// Given says that the query does not write it: the time range, the order of messages.
	Given bool `json:"given,omitempty"`
	// NothingLeft is set for the first stage that rows came to and none left.
	NothingLeft bool `json:"nothing_left,omitempty"`
	// Predicates are the parts of a condition, all of which must hold.
	Predicates []WhyPredicate `json:"predicates,omitempty"`
}

// WhyPredicate is a part of a condition.
type WhyPredicate struct {
	Text   string     `json:"predicate"`
	Holds  int64      `json:"holds"` // for so many of the stage's rows
	Fields []WhyField `json:"fields"`
	// Change is what could stand in its place; nil where it holds, or nothing is known.
	Change *WhyChange `json:"change,omitempty"`
}

// WhyField is a field that a predicate reads.
type WhyField struct {
	Field  string     `json:"field"`
	Absent int64      `json:"absent"` // in so many rows
	Values []WhyValue `json:"values"` // the most frequent, at most valuesShown
	// Different is how many values there are; with More at least so many.
	Different int  `json:"different"`
	More      bool `json:"more,omitempty"`
	// Nearest is the value there is that was probably meant, and Help what to do;
	// "" where nothing is near.
	Nearest string `json:"nearest,omitempty"`
	Help    string `json:"help,omitempty"`
}

// WhyValue is a value with how many rows have it.
type WhyValue struct {
	Value string `json:"value"`
	Count int64  `json:"count"`
}

// Why runs the query as WhyNot does and returns what it saw.
func (q *Query) Why(ctx context.Context, r Run) (*Why, error) {
	t, err := q.trace(ctx, r, false)
	if err != nil {
		return nil, err
	}
	return t.why(), nil
}

func (t *trace) why() *Why {
	w := &Why{Rows: t.probes[len(t.probes)-1].rows, Stages: []WhyStage{}}
	dry := t.dry()
	if dry >= 0 {
		var text textOf
		t.explain(&text, t.probes[dry]) // finds what is near, too
		w.Text = string(text)
	}
	for i, p := range t.probes[:len(t.probes)-1] {
		s := WhyStage{Stage: t.q.stepText(p.step), In: p.rows, Out: t.probes[i+1].rows, NothingLeft: i == dry, Given: p.step.Syntax == nil && p.step.Part != lang.Searching}
		for _, part := range p.parts {
			x := WhyPredicate{Text: part.text, Holds: part.holds, Fields: []WhyField{}, Change: part.change}
			for _, f := range part.fields {
				x.Fields = append(x.Fields, WhyField{
					Field: t.layout.Name(f.slot), Absent: f.null, Values: f.most(valuesShown), Different: len(f.values), More: f.more,
					Nearest: f.near, Help: f.help,
				})
			}
			s.Predicates = append(s.Predicates, x)
		}
		w.Stages = append(w.Stages, s)
	}
	return w
}

// dry is the first stage that rows came to and none left; -1 for none.
func (t *trace) dry() int {
	for i, p := range t.probes[:len(t.probes)-1] {
		if p.rows > 0 && t.probes[i+1].rows == 0 {
			return i
		}
	}
	return -1
}

// most are the n most frequent values.
func (f *seen) most(n int) []WhyValue {
	values := make([]WhyValue, 0, len(f.values))
	for v, n := range f.values {
		values = append(values, WhyValue{v, n})
	}
	sort.Slice(values, func(i, j int) bool {
		if values[i].Count != values[j].Count {
			return values[i].Count > values[j].Count
		}
		return values[i].Value < values[j].Value
	})
	return values[:min(n, len(values))]
}

// textOf is a writer that keeps what is written.
type textOf []byte

func (t *textOf) Write(b []byte) (int, error) { *t = append(*t, b...); return len(b), nil }

var _ io.Writer = (*textOf)(nil)
