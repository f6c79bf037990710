package rule

import (
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Task makes one worker's task: it matches batches, gives what correlations need
// to c, and calls found for each rule that is not Silent with its rows alone live.
// Where c is nil, found gets the matches of Silent rules too, and gives c what it is to
// have. found may change the batch's live rows and nothing else, and is called by all
// workers at once.
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
		if r.Wants() && t.c != nil {
			if err := t.c.Add(r, b, rows); err != nil {
				return err
			}
		}
		if r.Silent && t.c != nil {
			return nil
		}
		b.Live = append(b.Live[:0], rows...)
		return t.found(r, b)
	})
	b.Live = append(b.Live[:0], t.live...)
	return err
}

func (t *task) Flush() error { return nil }
