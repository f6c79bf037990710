package query

import (
	"context"
	"errors"
	"fmt"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
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

// run runs it and keeps its rows.
func (s *shifted) run(ctx context.Context, r Run, budget *exec.Budget, b *before) error {
	if r.Reopen == nil {
		return errors.New("compare reads the input a second time, which standard input does not allow; save it to a file first")
	}
	if err := r.move(s.of.When); err != nil {
		return fmt.Errorf("%s: %w", s.of.Node.Op.Text, err)
	}
	reader, err := r.Reopen()
	if err != nil {
		return err
	}
	r.Input, r.Layout = reader, s.query.Layout.Clone()
	keep := exec.Keep(b.rt, s.of.Node.Op.Text, s.slots)
	b.past[s.of] = keep
	if err = s.query.run(ctx, r, budget, keep); err != nil {
		return fmt.Errorf("%s: %w", s.of.Node.Op.Text, err)
	}
	return nil
}

// move sets the time range that a query before the query looks at.
func (r *Run) move(to lang.Range) error {
	if to == (lang.Range{}) {
		return nil
	}
	if to.From == "" {
		if !r.Bounded {
			return errors.New("there is no time range to shift: give one with --from and --to")
		}
		r.From, r.To = r.From-to.Back, r.To-to.Back
		return nil
	}
	from, err := datefmt.ParseTime(to.From, r.Now, r.Zone)
	if err != nil {
		return err
	}
	long := r.To - r.From
	r.From = from.UnixMilli()
	switch {
	case to.To != "":
		end, err := datefmt.ParseTime(to.To, r.Now, r.Zone)
		if err != nil {
			return err
		}
		if r.To = end.UnixMilli(); r.To <= r.From {
			return fmt.Errorf("the range ends at %s, before it starts at %s", to.To, to.From)
		}
	case !r.Bounded:
		return errors.New("end_time is missing, and there is no time range to take the length of: give one with --from and --to")
	default:
		r.To = r.From + long
	}
	r.Bounded = true
	return nil
}

// keeper keeps the rows of a subquery, which are few.
type keeper struct {
	slots []event.Slot
	max   int // 0 for no limit
	held  *exec.Account
	rows  [][]event.Value
}

func (k *keeper) Push(b *event.Batch) error {
	for _, row := range b.Live {
		if k.max > 0 && len(k.rows) == k.max {
			return exec.ErrStop
		}
		vals := make([]event.Value, len(k.slots))
		bytes := valueBytes * len(vals)
		for i, slot := range k.slots {
			vals[i] = b.Value(slot, row).Clone()
			bytes += len(vals[i].Str())
		}
		if !k.held.Add(int64(bytes)) && len(k.rows) > 0 {
			return k.held.Over(fmt.Sprintf("%d rows of a subquery", len(k.rows)), "filter earlier, or group by fewer fields")
		}
		k.rows = append(k.rows, vals)
	}
	return nil
}
