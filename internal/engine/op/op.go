// Package op holds the pipe operators, one file each, and the stages that have
// no operator name: the search expression, assignments and aggregates.
package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var words lang.Words

// register adds an operator to Words. It is called from variable declarations
// beside each operator.
func register(o lang.Operator) struct{} {
	words.Operators = append(words.Operators, &o)
	return struct{}{}
}

// Words returns the package's contribution to a vocabulary.
func Words() lang.Words {
	w := words
	w.Grouping = func(s *syntax.Stage) lang.Stage { return &group{stage: s} }
	w.Assigning = func(s *syntax.Stage) lang.Stage { return &assign{stage: s} }
	w.Searching = func(s syntax.Search) lang.Stage { return &search{expr: s} }
	w.Newest = func(limit int) lang.Stage { return &sorting{newest: true, limit: limit} }
	return w
}

// stateless is embedded by tasks that hold no rows between batches.
type stateless struct{}

func (stateless) Flush() error { return nil }

// untimed is embedded by tasks for which no row is certain before the end.
type untimed struct{}

func (untimed) Advance(int64) error { return nil }

// each runs fn on every batch that has live rows left and passes it on.
type each struct {
	stateless
	next exec.Sink
	fn   func(*event.Batch) error
}

func (t *each) Push(b *event.Batch) error {
	if err := t.fn(b); err != nil || len(b.Live) == 0 {
		return err
	}
	return t.next.Push(b)
}
