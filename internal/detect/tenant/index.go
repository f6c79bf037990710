package tenant

import (
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// routes are the attributes that most rules ask for first, in the order of the columns
// that New gives them. Rules are found by them, and by the texts that they ask for.
var routes = []string{"metadata_deviceEventId", "metadata_product", "metadata_vendor", "objectType"}

// idSlot is the column of the first of them.
const idSlot event.Slot = 0

// ref is one condition of one rule.
type ref struct{ rule, step int }

// index finds the conditions that a record may fit.
type index struct {
	refs []ref
	set  *rule.Set
	full bool // every condition is computed for every record, for tests
}

func newIndex(records *event.Layout, rules []*Rule, full bool) *index {
	x := &index{full: full}
	var conds []expr.Expr
	for i, r := range rules {
		for n, c := range r.when {
			x.refs, conds = append(x.refs, ref{i, n}), append(conds, c)
		}
	}
	if full {
		return x
	}
	var slots []event.Slot
	for _, name := range routes {
		slots = append(slots, records.Exact(name))
	}
	x.set = rule.CompileConditions(records, slots, conds)
	return x
}
