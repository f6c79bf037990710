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
	if mapped {
		roots = append(slices.Clip(Roots), roots...)
	}
	return jsondoc.NewScanner(jsondoc.Want{Names: l.Names, Whole: l.Whole, Roots: roots})
}
