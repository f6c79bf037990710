package query

import (
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Marks are the columns that say yes or no: those that if (condition, 1, 0) has made, or
// what else is 0, 1, true or false alone.
func (q *Query) Marks() (names []string) {
	marks := map[event.Slot]bool{}
	for _, s := range q.written {
		if set := s.Facts.Sets; set != nil {
			slot, x := set.To, set.Value
			if f, ok := x.(*expr.Field); ok && marks[slot] {
				if _, made := marks[f.Slot]; !made {
					continue // the mark itself, as a transaction hands it on
				}
			}
			marks[slot] = isMark(x, marks)
		}
	}
	named := map[string]bool{} // max(by_client) as by_client is one, too
	for slot, is := range marks {
		named[q.Layout.Name(slot)] = is
	}
	for _, c := range q.Columns {
		if named[c.Name] {
			names = append(names, c.Name)
		}
	}
	return names
}

func isMark(x expr.Expr, marks map[event.Slot]bool) bool {
	switch x := x.(type) {
	case *expr.If:
		return isMark(x.Then, marks) && isMark(x.Else, marks)
	case *expr.Field:
		return marks[x.Slot]
	case *expr.Const:
		if x.Value.Kind() == event.String { // the text "1"
			return false
		}
		s := x.Value.String()
		return s == "0" || s == "1" || s == "true" || s == "false"
	}
	return false
}
