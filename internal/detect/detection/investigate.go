package detection

import (
	"context"
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

// Evidence is a step of a guide that was run, and what came of it.
type Evidence struct {
	Step    *Step
	Query   string // with the finding's values
	Rows    *query.Rows
	Beyond  int    // rows past RowsMax
	Skipped string // why the step was not run
	Answer  Answer // what the result means; empty when skipped
	OnPath  bool   // the step lies on the path that the answers take from the first
}

// RowsMax is how many rows of a step are kept as evidence.
const RowsMax = 50

// Investigate runs every step of the guide for a finding, whose values value
// gives and whose time at is in milliseconds. runs makes a run over the logs
// for the step's stretch of time (ms, to excluded).
func (g *Guide) Investigate(ctx context.Context, value func(string) (string, bool), at int64, runs func(from, to int64) (query.Run, error)) ([]*Evidence, error) {
	var out []*Evidence
	byStep := map[string]*Evidence{}
	for _, s := range g.Steps {
		e, err := g.Run(ctx, s, value, at, runs)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
		byStep[s.ID] = e
	}
	// The path: from the first step that could be run, by the answers.
	for i := range out {
		if out[i].Skipped != "" {
			continue
		}
		for e := out[i]; e != nil && !e.OnPath && e.Skipped == ""; e = byStep[e.Answer.Next] {
			e.OnPath = true
		}
		break
	}
	return out, nil
}

// Run runs one step of the guide for a finding, as Investigate does.
func (g *Guide) Run(ctx context.Context, s *Step, value func(string) (string, bool), at int64, runs func(from, to int64) (query.Run, error)) (*Evidence, error) {
	e := &Evidence{Step: s}
	text, missing := s.Fill(value)
	e.Query = text
	if len(missing) > 0 {
		e.Skipped = "the finding has no " + strings.Join(missing, ", ")
		return e, nil
	}
	q, ds := query.Compile(diag.Text(fmt.Sprintf("%s:%d", g.File, s.Line), text), query.Standard())
	if err := ds.Err(); err != nil {
		return nil, err
	}
	run, err := runs(at+s.From.Milliseconds(), at+s.To.Milliseconds())
	if err != nil {
		return nil, err
	}
	if e.Rows, err = q.Collect(ctx, run); err != nil {
		return nil, fmt.Errorf("%s:%d: step %s: %w", g.File, s.Line, s.ID, err)
	}
	e.Answer = s.None
	if n := len(e.Rows.Values); n > 0 {
		e.Answer = s.Some
		if n > RowsMax {
			e.Beyond = n - RowsMax
			e.Rows.Values = e.Rows.Values[:RowsMax]
		}
	}
	return e, nil
}
