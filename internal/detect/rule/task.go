package rule

import (
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Task makes one worker's task: it matches batches, gives what correlations need
// to c, which is nil when there are none, and calls found for each rule with its
// rows alone live. found may change the batch's live rows and nothing else, and is
// called by all workers at once.
func (s *Set) Task(env *expr.Env, c *Correlator, found func(*Rule, *event.Batch) error) exec.Task {
	return &task{run: s.Open(env), c: c, found: found}
}

type task struct {
	run   *Run
	c     *Correlator
	found func(*Rule, *event.Batch) error
	live  []uint16
}

func (t *task) Push(b *event.Batch) error {
	t.live = append(t.live[:0], b.Live...)
	err := t.run.Match(b, func(i int, rows []uint16) error {
		r := t.run.set.rules[i]
		if r.Wants() {
			if err := t.c.Add(r, b, rows); err != nil {
				return err
			}
		}
		if r.Silent {
			return nil
		}
		b.Live = append(b.Live[:0], rows...)
		return t.found(r, b)
	})
	b.Live = append(b.Live[:0], t.live...)
	return err
}

func (t *task) Flush() error { return nil }
