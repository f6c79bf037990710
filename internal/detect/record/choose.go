package record

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// Key is what a mapper is chosen by (3.1).
type Key struct{ LogFormat, Vendor, Product, EventID string }

// triple is a Key without its event id.
type triple struct{ format, vendor, product string }

// Mappers are those that a run chooses from.
type Mappers struct {
	All []*Mapper // in the order in which they are tried
	// Geo says where addresses are; nil where no database is given.
	Geo *lookup.Geo

	by map[triple][]int // of All
	re []*match.Regexp  // of All; nil of one for plain text or the default
}

// fallback is the pattern of the mapper for ids that no other is for.
const fallback = "_default_"

// NewMappers puts mappers in order: those of the user first, then the longer
// pattern, then the name (3.1). A pattern that is no regular expression is an error.
func NewMappers(all []*Mapper) (*Mappers, error) {
	m := &Mappers{All: slices.Clone(all), by: map[triple][]int{}}
	slices.SortStableFunc(m.All, func(a, b *Mapper) int {
		if a.User != b.User {
			if a.User {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(len(b.EventID), len(a.EventID)), cmp.Compare(a.Name, b.Name))
	})
	m.re = make([]*match.Regexp, len(m.All))
	for i, x := range m.All {
		if x.EventID != fallback && strings.ContainsAny(x.EventID, `\.+*?()|[]{}^$`) {
			re, err := match.CompileRegexp(`\A(?:` + x.EventID + `)\z`)
			if err != nil {
				return nil, fmt.Errorf("mapper %s: event_id_pattern: %w", x.Name, err)
			}
			m.re[i] = re
		}
		t := triple{x.LogFormat, x.Vendor, x.Product}
		m.by[t] = append(m.by[t], i)
	}
	return m, nil
}

// Choose is the number of the mapper for events of a key, -1 if there is none.
func (m *Mappers) Choose(k Key) int {
	best := -1
	for _, i := range m.by[triple{k.LogFormat, k.Vendor, k.Product}] {
		switch {
		case m.All[i].EventID == fallback:
			if best < 0 {
				best = i
			}
		case m.re[i] == nil && m.All[i].EventID == k.EventID, m.re[i] != nil && whole(m.re[i], k.EventID):
			return i
		}
	}
	return best
}

// whole says whether a pattern that is anchored at both ends holds; one that takes
// too long on an id does not.
func whole(re *match.Regexp, id string) bool {
	ok, err := re.Match(id)
	return ok && err == nil
}
