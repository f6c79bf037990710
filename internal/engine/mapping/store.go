package mapping

import (
	"slices"
	"strings"
)

// Store is where a target keeps the events of another product than Windows: its
// table, what tells them from others there, and its columns.
type Store struct {
	Table string      // table, index or scope, as the target names it
	Where [][2]string // a column and its value; values with | between them are alternatives
	// Columns are the columns by the fields of Sigma's rules, in small letters.
	Columns map[string]Column
	// Rest is what every other field is called, its own name in the place of *;
	// "" when it is not known.
	Rest string
	// Texts says that events are lines of text: keywords are all that can be asked.
	Texts bool
}

// Column is where the store keeps a field; ok is false when that is not known.
func (s *Store) Column(field string) (c Column, ok bool) {
	if c, ok = s.Columns[strings.ToLower(field)]; ok {
		return c, true
	}
	for prefix, c := range s.Columns { // "requestparameters.*"
		if p, star := strings.CutSuffix(prefix, "*"); star && len(field) > len(p) && strings.EqualFold(field[:len(p)], p) {
			return Column{Names: []string{strings.ReplaceAll(c.Names[0], "*", field[len(p):])}, Type: c.Type}, true
		}
	}
	if s.Rest == "" || s.Texts {
		return Column{}, false
	}
	return Column{Names: []string{strings.ReplaceAll(s.Rest, "*", field)}}, true
}

// StoreOf is where a target keeps the events of a log source; nil when that is
// not known.
func StoreOf(target, product, category, service string) *Store {
	product, category, service = strings.ToLower(product), strings.ToLower(category), strings.ToLower(service)
	for _, p := range products() {
		s, ok := p.in[target]
		if !ok || p.product != product && p.product != "*" || p.category != category && p.category != "*" {
			continue
		}
		if !p.about(service) {
			continue
		}
		out := *s
		out.Table = strings.ReplaceAll(s.Table, "{service}", service)
		out.Rest = strings.ReplaceAll(s.Rest, "{service}", service)
		out.Where = slices.Clone(s.Where)
		for i := range out.Where {
			out.Where[i][1] = strings.ReplaceAll(out.Where[i][1], "{service}", service)
		}
		return &out
	}
	return nil
}

// about reports whether a product's row is about a service.
func (p product) about(service string) bool {
	if p.service == "" {
		return service == ""
	}
	return slices.ContainsFunc(strings.Fields(p.service), func(s string) bool { return s == "*" || s == service || s == "-" && service == "" })
}

// columnsOf reads "field column; field column": a column ends in # and a letter
// where it is no keyword: n number, i address, b boolean, t text, s small letters.
func columnsOf(lists ...string) map[string]Column {
	types := map[string]Type{"n": Number, "i": Address, "b": Boolean, "t": Words, "s": Small}
	out := map[string]Column{}
	for _, list := range lists {
		for pair := range strings.SplitSeq(list, "; ") {
			field, name, _ := strings.Cut(strings.TrimSpace(pair), " ")
			name, kind, _ := strings.Cut(name, "#")
			out[strings.ToLower(field)] = Column{Names: []string{name}, Type: types[kind]}
		}
	}
	return out
}
