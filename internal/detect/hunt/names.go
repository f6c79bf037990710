package hunt

import (
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
)

// FieldNames are the names of the fields that findings of the list have, in order of the
// alphabet. Of several spellings there is one: that of who writes the events, where it is
// known, so that it does not depend on what else ran.
func (l *List) FieldNames() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []string
	for _, name := range l.names {
		if as, ok := mapping.Spelled(name); ok {
			name = as
		}
		out = append(out, name)
	}
	slices.SortFunc(out, func(x, y string) int { return strings.Compare(strings.ToLower(x), strings.ToLower(y)) })
	return out
}

// name notes the names of a finding's fields.
func (l *List) name(f *Finding) {
	for _, x := range f.Fields {
		if l.spelled[x.Name] {
			continue
		}
		l.spelled[x.Name] = true
		low := strings.ToLower(x.Name)
		if old, ok := l.names[low]; !ok || x.Name < old {
			l.names[low] = x.Name
		}
	}
}
