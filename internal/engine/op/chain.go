package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// chain is a stage that is made of others, one after the other: top is an
// aggregate and a sort.
type chain struct {
	steps []lang.Step
}

// add checks a stage and puts it after the others.
func (c *chain) add(sc *lang.Scope, s lang.Stage, flow lang.Flow) {
	s.Check(sc)
	c.steps = append(c.steps, lang.Step{Stage: s, Flow: flow})
}

// Steps makes the stage a lang.Composite.
func (c *chain) Steps() []lang.Step { return c.steps }

func (c *chain) Needs(f *event.Fields) {
	for i := len(c.steps) - 1; i >= 0; i-- {
		c.steps[i].Stage.Needs(f)
	}
}

func (c *chain) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	return lang.OpenSteps(c.steps, rt, next)
}

// countBy makes the stage "count as out by fields".
func countBy(at *syntax.Stage, out string, fields []*syntax.Field) *group {
	s := &syntax.Stage{Pos: at.Pos, Kind: syntax.Grouping, Op: at.Op}
	s.Aggs = []*syntax.Agg{{Pos: at.Pos, Func: &syntax.Name{Pos: at.Op.Pos, Text: "count"}, As: &syntax.Field{Pos: at.Pos, Name: out}}}
	for _, f := range fields {
		s.By = append(s.By, &syntax.Named{Pos: f.Pos, X: f})
	}
	return &group{stage: s}
}
