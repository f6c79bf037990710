package query

import (
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/logic"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// CanRead reports whether the query's scope can hold of an event whose field has this text,
// whatever else is in the event. What it calls impossible is impossible.
func (q *Query) CanRead(name, text string) bool {
	slot, ok := q.Layout.Find(name)
	if !ok || len(q.written) == 0 || q.written[0].Facts.Cond == nil {
		return true
	}
	is := &expr.Compare{Op: expr.Eq, X: &expr.Field{Slot: slot, Name: name}, Y: &expr.Const{Value: event.Text(text)}}
	return logic.Possible(logic.Fact{Cond: is}, logic.Fact{Cond: q.written[0].Facts.Cond})
}
