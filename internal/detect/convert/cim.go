package convert

import (
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/sigma"
)

// cim writes a rule over a data model of Splunk's Common Information Model. tstats finds
// what its where clause can say, and where says the rest: regular expressions, letter
// case. What a column is missing in is counted as unknown, as the model's own columns do,
// and not left out, as tstats does with what it groups by.
func (in *Input) cim() (string, error) {
	c, err := in.condition(in.ofModel, nil)
	if err != nil {
		return "", err
	}
	c, err = each(c, func(m *Match) (Cond, error) {
		_, null := m.Value.(sigma.Null)
		_, exists := m.Value.(sigma.Exists)
		s, text := m.Value.(sigma.String)
		k, _ := shapeOf(s)
		if null || exists || text && k == present {
			return nil, refuse(m, "whether the field is there, where the data model writes unknown (%s)", in.Model.Name)
		}
		if m.Field == "" {
			return nil, refuse(m, "a keyword: a data model has columns, no whole event (%s)", in.Model.Name)
		}
		return m, nil
	})
	if err != nil {
		return "", err
	}
	kind, _, _ := strings.Cut(in.Model.Shown[0], ".")
	var of []Cond
	for _, w := range in.Model.Where {
		of = append(of, &Match{Field: w[0], Value: literal(w[1])})
	}
	search := splunkSearch()
	search.base, search.top = in.base(search.list), "\n        "
	shown := in.Model.Shown
	for _, f := range fieldsOf(c) { // where asks them once more, and they say why it was found
		if !slices.Contains(shown, f) {
			shown = append(slices.Clip(shown), f)
		}
		if name, ok := in.Model.Names[f]; ok && !slices.Contains(shown, name) {
			shown = append(slices.Clip(shown), name)
		}
	}
	parts := []Cond{c}
	if all, ok := c.(*And); ok {
		parts = all.Of
	}
	var rest []Cond
	for _, x := range parts {
		if _, err := search.at(x, inAnd); err == nil {
			of = append(of, x)
			continue
		}
		rest = append(rest, x)
		if some := coarse(search, x); !isTrue(some) {
			of = append(of, some) // it holds wherever x does, and spares events
		}
	}
	told, terms, tell := []Cond(nil), []term(nil), in.wrote
	if tell != nil {
		in.wrote = func(_ *language, c Cond, of []term) { told, terms = append(told, c), append(terms, of...) }
		defer func() { in.wrote = tell }()
	}
	said, after := "", ""
	if len(of) > 0 {
		if said, err = in.say(search, and(of), inAnd); err != nil {
			return "", err
		}
	}
	if len(rest) > 0 {
		bare, err := each(and(rest), func(m *Match) (Cond, error) {
			v := m.Value
			if ref, ok := v.(sigma.FieldRef); ok {
				ref.Field = strings.TrimPrefix(ref.Field, kind+".")
				v = ref
			}
			return m.at(strings.TrimPrefix(m.Field, kind+"."), m.Type, v), nil
		})
		if err != nil {
			return "", err
		}
		where := splunkWhere()
		where.top = "\n    AND "
		where.base = func(field string) func([]string) (string, error) {
			name, ok := in.Model.Names[kind+"."+field]
			if !ok {
				return nil
			}
			return func(names []string) (string, error) {
				for i, n := range names {
					names[i] = splunkText(strings.ToLower(n))
				}
				return "in(lower(" + strings.TrimPrefix(name, kind+".") + "), " + strings.Join(names, ", ") + ")", nil
			}
		}
		where.patterns = splunkPatterns
		if after, err = in.say(where, bare, alone); err != nil {
			return "", err
		}
		after = "\n| where " + after
	}
	if tell != nil {
		tell(search, and(told), terms)
	}
	var b strings.Builder
	b.WriteString("| tstats summariesonly=false fillnull_value=\"unknown\" count min(_time) as firstTime max(_time) as lastTime\n")
	b.WriteString("    from datamodel=" + in.Model.Table + "\n")
	if said != "" {
		b.WriteString("    where " + said + "\n")
	}
	b.WriteString("    by " + strings.Join(shown, " ") + "\n")
	b.WriteString("| rename " + kind + ".* as *")
	b.WriteString(after + "\n| convert ctime(firstTime) ctime(lastTime)\n")
	return b.String(), nil
}

// coarse is what a language can say of a condition: it holds wherever the condition does.
func coarse(l *language, c Cond) Cond {
	if _, err := l.at(c, inAnd); err == nil {
		return c
	}
	all := func(of []Cond) (out []Cond) {
		for _, x := range of {
			out = append(out, coarse(l, x))
		}
		return out
	}
	switch c := c.(type) {
	case *And:
		return allOf(all(c.Of))
	case *Or:
		return anyOf(all(c.Of))
	}
	return &And{} // a comparison or a negation that cannot be said whole
}
