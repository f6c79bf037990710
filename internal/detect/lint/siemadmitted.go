package lint

import (
	"slices"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/siem"
)

// admitted says which records an expression can hold for, as far as its conditions
// on vendor, product and event id tell; nil is any.
type admitted struct {
	known                bool
	vendor, product, ids []string
}

func admits(x *siem.Expression) admitted {
	var a admitted
	a.known = true
	a.vendor, _ = siem.Values(x.Cond, "metadata_vendor")
	a.product, _ = siem.Values(x.Cond, "metadata_product")
	a.ids, _ = siem.Values(x.Cond, "metadata_deviceEventId")
	return a
}

// or admits what one of two does.
func (a admitted) or(b admitted) admitted {
	if !a.known {
		return b
	}
	either := func(x, y []string) []string {
		if x == nil || y == nil {
			return nil
		}
		return append(slices.Clone(x), y...)
	}
	return admitted{true, either(a.vendor, b.vendor), either(a.product, b.product), either(a.ids, b.ids)}
}

// builtin are the built-in mappers, which do not change; nil when one is wrong, as a test says.
var builtin = sync.OnceValue(func() *record.Mappers {
	ms, err := record.NewMappers(record.Builtin())
	if err != nil {
		return nil
	}
	return ms
})

// mappers are the built-in mappers for the admitted records; nil if gyoji has none
// for one of them, or nothing says which these are.
func (a admitted) mappers() (all []*record.Mapper) {
	if a.vendor == nil && a.product == nil && a.ids == nil {
		return nil
	}
	for _, v := range a.vendor {
		if !slices.ContainsFunc(record.Builtin(), func(m *record.Mapper) bool { return m.Vendor == v }) {
			return nil
		}
	}
	ms := builtin()
	if ms == nil {
		return nil
	}
	fits := func(m *record.Mapper) bool {
		return (a.vendor == nil || slices.Contains(a.vendor, m.Vendor)) && (a.product == nil || slices.Contains(a.product, m.Product))
	}
	for _, m := range ms.All {
		if fits(m) && a.ids == nil {
			all = append(all, m)
		}
	}
	for _, id := range a.ids {
		found := false
		for _, m := range ms.All {
			if !fits(m) {
				continue
			}
			n := ms.Choose(record.Key{LogFormat: m.LogFormat, Vendor: m.Vendor, Product: m.Product, EventID: id})
			if n < 0 || a.vendor == nil && ms.All[n].EventID == "_default_" {
				continue
			}
			if found = true; !slices.Contains(all, ms.All[n]) {
				all = append(all, ms.All[n])
			}
		}
		if !found {
			return nil
		}
	}
	return all
}

// unfilled reports whether no admitted record has an attribute, as far as gyoji's
// mappers tell.
func (a admitted) unfilled(attribute string) bool {
	s := record.Schema()[attribute]
	if s == nil || !s.Mappable || s.Enriched || strings.HasPrefix(attribute, "metadata_") || strings.HasPrefix(attribute, "_") {
		return false
	}
	switch attribute {
	case "fields", "fieldTags", "listMatches", "matchedItems", "objectType", "objectClassification", "timestamp", "uid":
		return false
	}
	ms := a.mappers()
	return ms != nil && !slices.ContainsFunc(ms, func(m *record.Mapper) bool { return m.Fields[attribute] != nil })
}

// what says which records these are, for a message.
func (a admitted) what() string {
	for _, list := range [][]string{a.ids, a.product, a.vendor} {
		if len(list) == 1 {
			return list[0]
		}
		if len(list) > 1 {
			return list[0] + " and the like"
		}
	}
	return "its records"
}
