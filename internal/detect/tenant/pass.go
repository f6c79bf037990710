package tenant

import (
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Pass is some of a tenant's rules over logs that a query.Run reads. Several readings
// can follow each other; Run judges what all of them came to.
type Pass struct {
	Tenant *Tenant
	Rules  []*Rule
	Says   bool             // hits carry the fields that Tenant.Say has named
	Run    *Run             // made by the first reading
	Begin  func(*Run) error // called once it is made; nil for nothing
	err    error            // of Begin
}

// Consumer is the rules' part of a reading.
func (p *Pass) Consumer() query.Consumer { return p.beside(false) }

// Baseline is their part of a reading of older logs: first seen and outlier rules learn
// from them, and nothing in them makes a signal.
func (p *Pass) Baseline() query.Consumer { return p.beside(true) }

func (p *Pass) beside(past bool) query.Consumer {
	events, fields := p.Tenant.Ready()
	if p.Says {
		fields = fields.Clone()
		fields.Add(p.Tenant.said...)
	}
	return query.Consumer{Name: "the Cloud SIEM rules", Layout: events, Fields: fields, Open: func(rt *exec.Runtime) exec.Pipeline {
		if p.Run == nil {
			p.Run = p.Tenant.Open(rt, p.Rules)
			p.Run.says = p.Says
			if p.Begin != nil {
				p.err = p.Begin(p.Run)
			}
		}
		p.Run.Learn(past)
		env := &expr.Env{Now: rt.Now.UnixMilli(), From: rt.From, To: rt.To, Zone: rt.Zone, Warn: func(kind, detail string) {
			rt.Warnings.Add(kind, false, exec.Sample{Detail: detail})
		}}
		return exec.Pipeline{Front: func(exec.Sink) exec.Task {
			if p.err != nil {
				return failed{p.err}
			}
			return p.Run.Task(env)
		}, Back: exec.Chain(nowhere{})}
	}}
}

// failed is the task of a run that could not begin.
type failed struct{ err error }

func (f failed) Push(*event.Batch) error { return f.err }
func (f failed) Flush() error            { return f.err }

// nowhere ends a pipeline whose hits go their own way.
type nowhere struct{}

func (nowhere) Push(*event.Batch) error { return nil }
