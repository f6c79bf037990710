package lang

import (
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// Step is a stage with how it takes part in the plan.
type Step struct {
	Stage  Stage
	Flow   Flow
	Facts  Facts
	Part   Part
	Syntax *syntax.Stage // nil for a step the planner put in
	Name   string        // for explain and errors: "where", "count by src_ip"
}

// Composite is a Stage that is made of others, one after the other.
type Composite interface{ Steps() []Step }

// Parts are the steps that a step is made of: itself, if it is no Composite.
func Parts(s Step) []Step {
	c, ok := s.Stage.(Composite)
	if !ok {
		return []Step{s}
	}
	var parts []Step
	for _, p := range c.Steps() {
		if p.Name, p.Syntax = s.Name, s.Syntax; p.Facts.Rows == 0 {
			p.Facts = s.Facts
		}
		parts = append(parts, Parts(p)...)
	}
	return parts
}

// Pipe is a run of analysed stages: a query's, or that of a child query in
// join, filter or transactionize.
type Pipe struct {
	Steps   []Step
	Columns []Column // as in Scope, after the last step
	// Messages says that what comes out are messages.
	Messages bool
	// Ordered says that rows come out in the order of the stream: a sort, an
	// aggregate or an order-sensitive stage has put them so.
	Ordered bool
}

// Analyse binds and checks the stages of a query in scope, which afterwards
// describes the rows behind the last one. ordered says that rows already come
// in the order of the stream.
func (sc *Scope) Analyse(stages []*syntax.Stage, ordered bool) *Pipe {
	p := &Pipe{}
	sc.Ordered = ordered
	for i, s := range stages {
		sc.stage, sc.before = s, stages[:i]
		found := len(*sc.Diags)
		if sc.Unfilled && s.Bad {
			p.Steps = append(p.Steps, sc.unknown(s))
			continue
		}
		st, flow, name := sc.bind(s)
		if st == nil && !sc.Unfilled {
			continue
		}
		messages, ordered := sc.Messages, sc.Ordered
		if st != nil {
			st.Check(sc)
		}
		if sc.Unfilled && (*sc.Diags)[found:].HasErrors() && (sc.guessing || strings.Contains(sc.File.Slice(s.Pos), "{{")) {
			*sc.Diags = (*sc.Diags)[:found] // they may be of a parameter
			p.Steps = append(p.Steps, sc.unknown(s))
			continue
		}
		if st == nil {
			continue
		}
		facts := sc.factsOf(s, st, !(*sc.Diags)[found:].HasErrors())
		if !facts.Family {
			sc.Mark("parse", nil) // an unbroken run of parse stages ends here (OP-15)
		}
		if facts.Apart {
			flow = Streams
		}
		if flow == InOrder && !ordered && messages {
			p.Steps = append(p.Steps, sc.Vocab.InTime(0))
		}
		if flow != Streams {
			sc.Ordered = true
		}
		p.Steps = append(p.Steps, Step{Stage: st, Flow: flow, Facts: facts, Syntax: s, Name: name})
		if facts.Ends && i+1 < len(stages) {
			sc.Warn(stages[i+1], "stage-never-runs", "stages after "+name+" do not run", "put "+name+" at the end")
			break
		}
	}
	p.Columns, p.Messages, p.Ordered = sc.Columns, sc.Messages, sc.Ordered
	return p
}

// unknown is the step of a stage whose meaning a template parameter without a
// value decides. What rows are like behind it is not known.
func (sc *Scope) unknown(s *syntax.Stage) Step {
	sc.guessing, sc.Messages, sc.Columns = true, true, nil
	return Step{Stage: unfilled{}, Flow: Collects, Syntax: s, Name: "| " + strings.Join(strings.Fields(sc.File.Slice(s.Pos)), " ")}
}

// unfilled is such a stage. It wants every field, and does not run.
type unfilled struct{}

func (unfilled) Check(*Scope)          {}
func (unfilled) Needs(f *event.Fields) { f.All = true }
func (unfilled) Open(*exec.Runtime, exec.Sink) exec.Task {
	panic("bug: lang: a query without its parameters' values runs")
}

// bind makes the Stage of a parsed stage, or nil after reporting why not.
func (sc *Scope) bind(s *syntax.Stage) (Stage, Flow, string) {
	switch s.Kind {
	case syntax.Grouping:
		return sc.Vocab.grouping(s), Collects, "group"
	case syntax.Assigning:
		return sc.Vocab.assigning(s), Streams, "assign"
	}
	o := sc.Vocab.Operator(s.Op.Text)
	if o == nil {
		return nil, 0, "" // reported by the parser
	}
	if o.New == nil {
		sc.Error(s.Op, "planned", o.Name+" is planned, not built yet", "gyoji doc "+o.Name+" says what it will do")
		return nil, 0, ""
	}
	if o.Dialect != "" {
		sc.Warn(s.Op, "nonportable-operator", o.Name+" is not a Sumo Logic operator", "write "+o.Dialect)
	}
	st := o.New()
	if err := syntax.Bind(s, st); err != nil {
		sc.Diags.Add(&diag.Diagnostic{Code: "bad-arguments", File: sc.File, Span: s.Pos, Message: err.Error(), Help: "the form is " + o.Usage})
		return nil, 0, ""
	}
	return st, o.Flow, o.Name
}

// Needs turns the fields wanted after the pipe into those wanted before it.
func (p *Pipe) Needs(f *event.Fields) {
	for i := len(p.Steps) - 1; i >= 0; i-- {
		p.Steps[i].Stage.Needs(f)
	}
}

// Open makes one task of the whole pipe.
func (p *Pipe) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	return OpenSteps(p.Steps, rt, next)
}

// OpenSteps makes one task of some steps.
func OpenSteps(steps []Step, rt *exec.Runtime, next exec.Sink) exec.Task {
	open := make([]exec.Opener, len(steps))
	for i, s := range steps {
		open[i] = exec.Opener{Name: s.Name, Open: func(next exec.Sink) exec.Task { return s.Stage.Open(rt, next) }}
	}
	return exec.Chain(next, open...)
}

// Child analyses a query inside another, whose scope expression is ignored
// (spec: join, filter, transactionize), on the rows that reach this stage. The
// child's scope is returned with its pipe.
func (sc *Scope) Child(q *syntax.Query) (*Pipe, *Scope) {
	c := *sc
	c.made, c.aliases, c.flags = map[event.Slot]bool{}, map[string]event.Slot{}, map[string]syntax.Node{}
	for k, v := range sc.made {
		c.made[k] = v
	}
	for k, v := range sc.flags {
		c.flags[k] = v
	}
	for k, v := range sc.aliases {
		c.aliases[k] = v
	}
	c.Columns, c.child = append([]Column(nil), sc.Columns...), true
	return c.Analyse(q.Stages, true), &c
}
