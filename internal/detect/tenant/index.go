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
	case *expr.Call:
		if x.Name != "=" && x.Name != "==" && x.Name != "in" || len(x.Args) < 2 {
			return nil
		}
		if f, ok := x.Args[0].(*expr.Field); !ok || f.Slot != idSlot {
			return nil
		}
		var ids []string
		for _, a := range x.Args[1:] {
			c, ok := a.(*expr.Const)
			if !ok || c.Value.Kind() != event.String {
				return nil
			}
			ids = append(ids, c.Value.Str())
		}
		return ids
	}
	return nil
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
