package query

import (
	"context"
	"errors"
	"fmt"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/event"
	"github.com/gyoji-dev/gyoji/exec"
	"github.com/gyoji-dev/gyoji/lang"
	"github.com/gyoji-dev/gyoji/syntax"
)

// shifted runs the stages before compare over an earlier time range.
type shifted struct {
	of    *lang.Shift
	query *Query
	slots []event.Slot // of the columns wanted, in the run's layout
}

// valueBytes is what a value held takes besides its text.
const valueBytes = 40

// compileShifts compiles the stages before compare once more. What there is to
// say of them has been said.
func compileShifts(shifts []*lang.Shift, tree *syntax.Query, f *diag.File, v *lang.Vocabulary, with []Option) []*shifted {
	var out []*shifted
	for _, s := range shifts {
		before := *tree
		before.Stages = s.Before
		q := compileTree(&before, f, v, new(diag.List), with)
		sh := &shifted{of: s, query: q}
		for _, n := range s.Names {
			sh.slots = append(sh.slots, q.Layout.Slot(n))
		}
		out = append(out, sh)
	}
	return out
}

func (s *shifted) run(ctx context.Context, r Run) error {
	if !r.Bounded {
		return errors.New("compare needs a time range to shift: give one with --from and --to")
	}
	if r.Again == nil {
		return errors.New("compare reads the input a second time, which standard input does not allow; save it to a file first")
	}
	reader, err := r.Again()
	if err != nil {
		return err
	}
	r.Reader, r.Layout = reader, s.query.Layout.Clone()
	r.From, r.To = r.From-s.of.Back, r.To-s.of.Back
	s.of.Rows = nil
	held := (&exec.Budget{Limit: r.Memory}).Open("compare")
	err = s.query.Run(ctx, r, sinkFunc(func(b *event.Batch) error {
		for _, row := range b.Live {
			vals := make([]event.Value, len(s.slots))
			bytes := valueBytes * len(vals)
			for i, slot := range s.slots {
				vals[i] = b.Value(slot, row).Clone()
				bytes += len(vals[i].Str())
			}
			if !held.Add(int64(bytes)) && len(s.of.Rows) > 0 {
				return held.Over(fmt.Sprintf("%d groups of an earlier range", len(s.of.Rows)), "filter earlier, or group by fewer fields")
			}
			s.of.Rows = append(s.of.Rows, vals)
		}
		return nil
	}))
	if err != nil {
		return fmt.Errorf("compare: %w", err)
	}
	return nil
}
