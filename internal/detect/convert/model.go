package convert

import (
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/sigma"
)

// modelled finds the target's data model for the rule, where one is asked for. A model
// holds the events of all places under the same names.
func (in *Input) modelled(b *Backend) {
	if !in.Options.Model || in.Store != nil || in.Options.Index != "" {
		return
	}
	ls := in.Rule.LogSource
	m := mapping.ModelOf(b.Target, ls.Product, ls.Category, ls.Service)
	if m == nil {
		return
	}
	if m.Columns == nil && !in.inECS(in.Cond) {
		return // ECS documents have the fields of Windows as well: those are asked by channel
	}
	in.Model, in.Places = m, nil
}

// inECS reports whether every field of a condition is one of the Elastic Common Schema.
func (in *Input) inECS(c Cond) bool {
	return !slices.ContainsFunc(fieldsOf(c), func(f string) bool {
		if _, ok := in.Options.Fields[f]; ok {
			return false
		}
		if slices.ContainsFunc(mapping.DigestLists, func(l string) bool { return strings.EqualFold(l, f) }) {
			return false // taken apart
		}
		_, ok, why := mapping.ECS(in.Rule.LogSource.Category, mapping.SigmaField(f))
		return !ok || why != ""
	})
}

// fieldsOf are the fields that a condition asks, each once, in their order.
func fieldsOf(c Cond) (fields []string) {
	add := func(f string) {
		if f != "" && !slices.Contains(fields, f) {
			fields = append(fields, f)
		}
	}
	var walk func(Cond)
	walk = func(c Cond) {
		switch c := c.(type) {
		case *And:
			for _, x := range c.Of {
				walk(x)
			}
		case *Or:
			for _, x := range c.Of {
				walk(x)
			}
		case *Not:
			walk(c.X)
		case *Match:
			add(c.Field)
			if ref, ok := c.Value.(sigma.FieldRef); ok {
				add(ref.Field)
			}
		}
	}
	walk(c)
	return fields
}

// ofModel are the columns of the data model.
func (in *Input) ofModel(_ *mapping.LogSource, m *Match, field string) (mapping.Column, error) {
	if n, ok := in.Options.Fields[field]; ok {
		return mapping.Column{Names: []string{n}}, nil
	}
	f := strings.ToLower(mapping.SigmaField(field))
	if why, ok := in.Model.Not[f]; ok {
		return mapping.Column{}, refuse(m, "%s (%s)", why, in.Model.Name)
	}
	if c, ok := in.Model.Columns[f]; ok {
		return c, nil
	}
	return mapping.Column{}, refuse(m, "no column of the data model holds this field (%s)", in.Model.Name)
}

// base finds the column of file names that belongs to a column of paths.
func (in *Input) base(list func(field string, names []string) (string, error)) func(string) func([]string) (string, error) {
	if in.Model == nil || in.Model.Names == nil {
		return nil
	}
	return func(field string) func([]string) (string, error) {
		name, ok := in.Model.Names[field]
		if !ok {
			return nil
		}
		return func(names []string) (string, error) { return list(name, names) }
	}
}

// shows are the columns that an analyst needs of the rule's events, without those that
// the target does not have: of the data model, or of the log source's fields and the
// rule's own, each by the names of every place. None is shown of a log source of which it
// is not known what an analyst needs first: all of it stays.
func (in *Input) shows(of schema) (columns []string) {
	if !in.Options.Model || in.Store != nil && (in.Store.Texts || mapping.Shown(in.Rule.LogSource.Category) == nil) {
		return nil
	}
	add := func(names ...string) {
		for _, n := range names {
			if !slices.Contains(columns, n) {
				columns = append(columns, n)
			}
		}
	}
	if in.Model != nil {
		add(in.Model.Shown...)
		return columns
	}
	fields := slices.Clone(mapping.Shown(in.Rule.LogSource.Category))
	for _, f := range fieldsOf(in.Cond) {
		if !slices.ContainsFunc(fields, func(g string) bool { return strings.EqualFold(f, g) }) {
			fields = append(fields, f)
		}
	}
	for _, f := range fields {
		probe := &Match{Field: f, Value: sigma.Exists(true)}
		if len(in.Places) == 0 {
			if c, err := of(nil, probe, f); err == nil {
				add(c.Names...)
			}
		}
		for i := range in.Places {
			if c, err := of(&in.Places[i], probe, f); err == nil {
				add(c.Names...)
			}
		}
	}
	return columns
}
