package mapping

import (
	"slices"

	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// Document makes a scanner of what is asked for so far: of events that are JSON
// objects it finds the values wherever a shape has put them. Unless mapped,
// fields are found by their own names alone. roots are objects besides the
// shapes' whose fields are found by their plain names.
func (l *Lookup) Document(mapped bool, roots ...string) *jsondoc.Scanner {
	return l.document(len(l.Names), mapped, roots)
}

// Early is Document without what was asked for after Openings had named the fields
// to be opened: only events that hold more (HoldsMore) have use for it, and most
// events have the names of their provider and number, which cost time to be found.
func (l *Lookup) Early(mapped bool, roots ...string) *jsondoc.Scanner {
	if len(l.openings) == 0 {
		return l.Document(mapped, roots...)
	}
	return l.document(l.early, mapped, roots)
}

func (l *Lookup) document(names int, mapped bool, roots []string) *jsondoc.Scanner {
	if mapped {
		roots = append(slices.Clip(Roots), roots...)
	}
	return jsondoc.NewScanner(jsondoc.Want{Names: l.Names[:names:names], Whole: l.Whole[:names:names], Exact: l.Exact[:names:names], Roots: roots})
}
