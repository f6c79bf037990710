package diag

import (
	"sort"
	"strings"
)

// Apply makes the fixes in a text. A fix of which any edit overlaps an edit
// made for an earlier fix is left out whole, so that none is made by half;
// running the check and Apply again makes those.
func Apply(text string, fixes []Fix) string {
	var edits []Edit
	for _, f := range fixes {
		if fits(edits, f.Edits, len(text)) {
			edits = append(edits, f.Edits...)
		}
	}
	sort.SliceStable(edits, func(i, j int) bool { return edits[i].Span.Start < edits[j].Span.Start })
	var b strings.Builder
	at := 0
	for _, e := range edits {
		b.WriteString(text[at:e.Span.Start])
		b.WriteString(e.New)
		at = e.Span.End
	}
	b.WriteString(text[at:])
	return b.String()
}

func fits(made, add []Edit, size int) bool {
	at := 0
	for _, e := range add {
		if e.Span.Start < at || e.Span.End < e.Span.Start || e.Span.End > size {
			return false
		}
		at = e.Span.End
		for _, m := range made {
			if e.Span == m.Span && e.Span.Start == e.Span.End {
				return false // two insertions at one place: their order is anyone's guess
			}
			if e.Span.Start < m.Span.End && m.Span.Start < e.Span.End {
				return false
			}
		}
	}
	return true
}
