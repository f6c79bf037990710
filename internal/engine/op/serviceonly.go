package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// serviceOnly is an operator that needs what only Sumo Logic's service has:
// trained models, stored signatures, figures of its customers.
type serviceOnly struct{ name, instead string }

func (s *serviceOnly) Check(sc *lang.Scope) {
	sc.Error(sc.Stage().Op, "service-only", s.name+" needs Sumo Logic's service and does not run outside of it", s.instead)
}

func (s *serviceOnly) Needs(*event.Fields) {}

func (s *serviceOnly) Open(*exec.Runtime, exec.Sink) exec.Task {
	panic("bug: op: " + s.name + " was opened")
}
