package tenant

import (
	"slices"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// deviceEventID is the attribute that most rules ask for first. Rules are found by it:
// a record meets those that ask for its id, and those that ask for none.
const deviceEventID = "metadata_deviceEventId"

// idSlot is its column: New makes it the first.
const idSlot event.Slot = 0

// required are the event ids one of which a record must have for a condition to be
// true; nil is any. It only ever weakens: what it does not know asks for nothing.
func required(x expr.Expr) []string {
	switch x := x.(type) {
	case *expr.And:
		a, b := required(x.X), required(x.Y)
		switch {
		case a == nil:
			return b
		case b == nil:
			return a
		}
		both := make([]string, 0, len(a)) // not nil: none fits
		for _, id := range a {
			if slices.Contains(b, id) {
				both = append(both, id)
			}
		}
		return both
	case *expr.Or:
		a, b := required(x.X), required(x.Y)
		if a == nil || b == nil {
			return nil
		}
		return append(slices.Clone(a), b...)
	case *expr.Compare:
		if x.Op == expr.Eq {
			return listed(x.X, x.Y)
		}
	case *expr.In:
		return listed(x.X, x.List...)
	}
	return nil
}

// listed are the ids that the event id is compared with; nil if it is something else
// that is compared, or with what is no plain text: texts of numbers are also equal where
// they are written otherwise.
func listed(x expr.Expr, with ...expr.Expr) []string {
	if f, ok := x.(*expr.Field); !ok || f.Slot != idSlot {
		return nil
	}
	ids := make([]string, 0, len(with))
	for _, y := range with {
		c, ok := y.(*expr.Const)
		if !ok || c.Value.Kind() != event.String {
			return nil
		}
		if _, number := event.ParseNumber(c.Value.Str()); number {
			return nil
		}
		ids = append(ids, c.Value.Str())
	}
	return ids
}

// ref is one condition of one rule.
type ref struct{ rule, step int }

// index finds conditions by event id.
type index struct {
	by  map[string][]ref
	any []ref
}

func newIndex(rules []*Rule, all bool) *index {
	x := &index{by: map[string][]ref{}}
	for i, r := range rules {
		for n, c := range r.when {
			if c.ids == nil || all {
				x.any = append(x.any, ref{i, n})
				continue
			}
			seen := map[string]bool{}
			for _, id := range c.ids {
				if !seen[id] {
					seen[id] = true
					x.by[id] = append(x.by[id], ref{i, n})
				}
			}
		}
	}
	return x
}
