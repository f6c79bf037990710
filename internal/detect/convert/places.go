package convert

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/sigma"
)

// branch is the condition on the events of some places, in the names that these
// have there.
type branch struct {
	places []mapping.LogSource
	cond   Cond
}

// schema finds where the events of a place keep a field of the rule. at is nil
// when the rule is about no place in particular. An error refuses the rule.
type schema func(at *mapping.LogSource, m *Match, field string) (mapping.Column, error)

// branches are what a rule asks of its places, each in its own names: those that
// come out alike together, without those where nothing can match. A rule without
// places has one branch.
func (in *Input) branches(of schema) ([]branch, error) {
	if len(in.Places) == 0 {
		c, err := in.resolve(in.Cond, func(m *Match, field string) (mapping.Column, error) { return of(nil, m, field) })
		return []branch{{cond: c}}, err
	}
	var out []branch
	for i := range in.Places {
		at := &in.Places[i]
		c, err := in.resolve(in.Cond, func(m *Match, field string) (mapping.Column, error) { return of(at, m, field) })
		if err != nil {
			return nil, err
		}
		if isFalse(c) {
			continue
		}
		key := keyOf(c)
		if n := slices.IndexFunc(out, func(b branch) bool { return keyOf(b.cond) == key }); n >= 0 {
			out[n].places = append(out[n].places, *at)
		} else {
			out = append(out, branch{[]mapping.LogSource{*at}, c})
		}
	}
	if len(out) == 0 {
		return nil, &Refusal{Span: in.Rule.LogSource.Span, What: "no event of the log source " + in.Rule.LogSource.String() + " has the fields that the rule asks for"}
	}
	return out, nil
}

// condition is what a rule asks of its places: where their names differ, that an
// event is of one before what is asked of it there. Places where nothing can match
// are left out of the rule's. tell writes that an event is of a place, and of its
// event ids if the channel is not enough.
func (in *Input) condition(of schema, tell func(p mapping.LogSource, ids bool) Cond) (Cond, error) {
	all, err := in.branches(of)
	if err != nil {
		return nil, err
	}
	in.keep(all)
	if in.Store != nil {
		return and(append(in.whose(), all[0].cond)), nil
	}
	if len(all) == 1 {
		return all[0].cond, nil
	}
	var out []Cond
	for i, b := range all {
		ids := false
		for j, other := range all {
			ids = ids || i != j && slices.ContainsFunc(other.places, func(p mapping.LogSource) bool {
				return slices.ContainsFunc(b.places, func(q mapping.LogSource) bool { return p.Channel == q.Channel })
			})
		}
		var where []Cond
		for _, p := range b.places {
			where = append(where, tell(p, ids))
		}
		out = append(out, and([]Cond{or(where), b.cond}))
	}
	return or(out), nil
}

// byChannel tells places apart by the target's fields for channel and event id,
// letter case aside unless cased.
func byChannel(channel, id string, t mapping.Type, cased bool) func(mapping.LogSource, bool) Cond {
	return func(p mapping.LogSource, ids bool) Cond {
		text := literal(p.Channel)
		text.Cased = cased
		is := []Cond{&Match{Field: channel, Value: text}}
		if ids && len(p.EventIDs) > 0 {
			var any []Cond
			for _, n := range p.EventIDs {
				any = append(any, &Match{Field: id, Value: sigma.Number{Text: n}, Type: t})
			}
			is = append(is, or(any))
		}
		return and(is)
	}
}

// renamed is a schema whose columns are called otherwise.
func renamed(of schema, name func(string) string) schema {
	return func(at *mapping.LogSource, m *Match, field string) (mapping.Column, error) {
		c, err := of(at, m, field)
		names := make([]string, len(c.Names))
		for i, n := range c.Names {
			names[i] = name(n)
		}
		c.Names = names
		return c, err
	}
}

// keep leaves the places of some branches, and remembers the others.
func (in *Input) keep(all []branch) {
	var left []mapping.LogSource
	for _, p := range in.Places {
		if slices.ContainsFunc(all, func(b branch) bool {
			return slices.ContainsFunc(b.places, func(q mapping.LogSource) bool { return p.Channel == q.Channel && slices.Equal(p.EventIDs, q.EventIDs) })
		}) {
			left = append(left, p)
		} else {
			in.Without = append(in.Without, p)
		}
	}
	in.Places = left
}

func keyOf(c Cond) string {
	switch c := c.(type) {
	case *And:
		return "(and" + keysOf(c.Of) + ")"
	case *Or:
		return "(or" + keysOf(c.Of) + ")"
	case *Not:
		return "(not " + keyOf(c.X) + ")"
	case *Match:
		return fmt.Sprintf("%q %#v %d", c.Field, c.Value, c.Type)
	}
	panic("bug: convert: unknown condition")
}

func keysOf(of []Cond) string {
	var b strings.Builder
	for _, c := range of {
		b.WriteString(" " + keyOf(c))
	}
	return b.String()
}

// native names fields as the events of a place have them. A field that no place
// of the rule is known to have keeps its name: the rule's author knows of it.
func (in *Input) native(at *mapping.LogSource, m *Match, field string) (mapping.Column, error) {
	if in.Store != nil {
		return in.stored(m, field)
	}
	if n, ok := in.Options.Fields[field]; ok {
		return mapping.Column{Names: []string{n}}, nil
	}
	field = mapping.SigmaField(field)
	own := mapping.Column{Names: []string{field}}
	if at == nil {
		return own, nil
	}
	c, known := mapping.Native(*at, field)
	if !known {
		return own, nil
	}
	if c.Missing() && !slices.ContainsFunc(in.Places, func(p mapping.LogSource) bool {
		c, known := mapping.Native(p, field)
		return known && !c.Missing()
	}) {
		return own, nil
	}
	return c, nil
}

// resolve puts the columns of fields into a condition. What is asked of a field
// that the events do not have is decided as Sigma decides it: no value of it is
// met, and it is null.
func (in *Input) resolve(c Cond, of func(*Match, string) (mapping.Column, error)) (Cond, error) {
	switch c := c.(type) {
	case *And:
		flat, err := in.resolveAll(c.Of, of)
		if err != nil || slices.ContainsFunc(flat, isFalse) {
			return &Or{}, err
		}
		return and(slices.DeleteFunc(flat, isTrue)), nil
	case *Or:
		flat, err := in.resolveAll(c.Of, of)
		if err != nil || slices.ContainsFunc(flat, isTrue) {
			return &And{}, err
		}
		return or(slices.DeleteFunc(flat, isFalse)), nil
	case *Not:
		x, err := in.resolve(c.X, of)
		switch {
		case err != nil:
			return nil, err
		case isTrue(x):
			return &Or{}, nil
		case isFalse(x):
			return &And{}, nil
		}
		return &Not{x}, nil
	case *Match:
		if c.Field == "" {
			return c, nil
		}
		col, err := of(c, c.Field)
		if err != nil {
			return nil, err
		}
		m := *c
		if ref, ok := c.Value.(sigma.FieldRef); ok {
			other, err := of(c, ref.Field)
			if err != nil {
				return nil, err
			}
			if col.Missing() || other.Missing() {
				return &Or{}, nil
			}
			if col.Form != mapping.Same || other.Form != mapping.Same {
				return nil, refuse(c, "a comparison with %s, where the events keep one of the two in parts (%s)", ref.Field, strings.Join(append(slices.Clip(col.Names), other.Names...), ", "))
			}
			ref.Field = other.Names[0]
			m.Value = ref
		}
		return put(&m, col)
	}
	panic("bug: convert: unknown condition")
}

func (in *Input) resolveAll(of []Cond, col func(*Match, string) (mapping.Column, error)) (out []Cond, err error) {
	for _, c := range of {
		c, err := in.resolve(c, col)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

// put asks a column what is asked of a field.
func put(m *Match, c mapping.Column) (Cond, error) {
	if c.Missing() {
		switch v := m.Value.(type) {
		case sigma.Null:
			return &And{}, nil
		case sigma.Exists:
			if !v {
				return &And{}, nil
			}
		}
		return &Or{}, nil
	}
	switch c.Form {
	case mapping.Account:
		return account(m, c)
	case mapping.Translated:
		return translated(m, c)
	case mapping.Hashes:
		return digest(m, c)
	}
	return m.at(c.Names[0], c.Type, m.Value), nil
}

// at is the comparison of another field with a value.
func (m *Match) at(field string, t mapping.Type, v sigma.Value) Cond {
	return &Match{Field: field, Value: v, Span: m.Span, Type: t}
}

// account asks two columns what is asked of DOMAIN\name. A name of an account
// has no backslash; where there is no domain (none, empty or -) the name stands
// alone.
func account(m *Match, c mapping.Column) (Cond, error) {
	domain := func(v sigma.Value) Cond { return m.at(c.Names[0], c.Type, v) }
	name := func(v sigma.Value) Cond { return m.at(c.Names[1], c.Type, v) }
	switch v := m.Value.(type) {
	case sigma.Null:
		return name(v), nil
	case sigma.Exists:
		return name(v), nil
	case sigma.Number:
		return accountText(literal(v.Text), domain, name), nil
	case sigma.String:
		return accountText(v, domain, name), nil
	}
	return nil, refuse(m, "%s on an account, of which the events keep domain and name apart (%s)", unsaid(m.Value), strings.Join(c.Names, ", "))
}

func accountText(s sigma.String, domain, name func(sigma.Value) Cond) Cond {
	parts := func(p ...sigma.Part) sigma.String { return sigma.String{Parts: p, Cased: s.Cased} }
	none := or([]Cond{domain(sigma.Null{}), domain(literal("")), domain(literal("-"))})
	some := func(s sigma.String) Cond { // the domain is one, and meets s
		if re := regexp.MustCompile("(?s)" + pattern(s)); !re.MatchString("") && !re.MatchString("-") {
			return domain(s)
		}
		return and([]Cond{domain(s), &Not{or([]Cond{domain(literal("")), domain(literal("-"))})}})
	}
	any := sigma.Part{Kind: sigma.AnyRun}
	for i, p := range s.Parts {
		before, behind, ok := strings.Cut(p.Text, `\`)
		if p.Kind != sigma.Literal || !ok {
			continue
		}
		d := append(slices.Clone(s.Parts[:i]), piece(before)...)
		n := append(piece(behind), s.Parts[i+1:]...)
		if hasSlash(n) {
			return &Or{} // of two backslashes: no account
		}
		return and([]Cond{some(parts(d...)), name(parts(n...))})
	}
	var out []Cond
	if len(s.Parts) > 0 && s.Parts[0].Kind == sigma.AnyRun {
		out = append(out, name(s)) // whatever the domain
	} else {
		out = append(out, and([]Cond{none, name(s)}))
	}
	for i, p := range s.Parts {
		switch {
		case i == 0 && p.Kind == sigma.AnyRun || p.Kind == sigma.Literal:
		case p.Kind == sigma.AnyRun:
			out = append(out, and([]Cond{some(parts(append(slices.Clone(s.Parts[:i]), any)...)), name(parts(append([]sigma.Part{any}, s.Parts[i+1:]...)...))}))
		case p.Kind == sigma.AnyOne:
			out = append(out, and([]Cond{some(parts(s.Parts[:i]...)), name(parts(s.Parts[i+1:]...))}))
		}
	}
	return or(out)
}

// piece is the parts of a plain text.
func piece(s string) []sigma.Part {
	if s == "" {
		return nil
	}
	return []sigma.Part{{Kind: sigma.Literal, Text: s}}
}

func hasSlash(parts []sigma.Part) bool {
	return slices.ContainsFunc(parts, func(p sigma.Part) bool { return p.Kind == sigma.Literal && strings.Contains(p.Text, `\`) })
}

// translated asks for the texts that mean what is asked for.
func translated(m *Match, c mapping.Column) (out Cond, err error) {
	if c.Open {
		switch m.Value.(type) {
		case sigma.Null, sigma.Exists:
			return m.at(c.Names[0], c.Type, m.Value), nil
		}
	}
	texts := func(meets func(string) bool) Cond {
		var of []Cond
		for text, meaning := range c.Is {
			if meets(meaning) {
				v := literal(text)
				v.Cased = true
				of = append(of, m.at(c.Names[0], c.Type, v))
			}
		}
		if len(of) == 0 && c.Open {
			err = refuse(m, "a value that the target writes as another text (%s), and it is not known which", c.Names[0])
		}
		slices.SortFunc(of, func(a, b Cond) int { return strings.Compare(keyOf(a), keyOf(b)) })
		return or(of)
	}
	all := func(string) bool { return true }
	switch v := m.Value.(type) {
	case sigma.Null:
		return &Not{texts(all)}, err
	case sigma.Exists:
		if v {
			out = texts(all)
			return out, err
		}
		return &Not{texts(all)}, err
	case sigma.Number:
		out = texts(func(s string) bool { return s == v.Text })
		return out, err
	case sigma.Bool:
		out = texts(func(s string) bool { return strings.EqualFold(s, fmt.Sprint(bool(v))) })
		return out, err
	case sigma.String:
		re := regexp.MustCompile(flagsOf(v) + pattern(v))
		out = texts(re.MatchString)
		return out, err
	case sigma.Regexp:
		if re, err := regexp.Compile(v.Syntax()); err == nil {
			out = texts(re.MatchString)
			return out, err
		}
	}
	return nil, refuse(m, "%s, where the events have other texts (%s)", unsaid(m.Value), c.Names[0])
}

// digestLength is how many hexadecimal digits a digest of a name has.
var digestLength = map[string]int{"MD5": 32, "SHA1": 40, "SHA256": 64, "IMPHASH": 32}

var hexText = match.Lazy(`^[0-9a-fA-F]+$`)

// digest looks for a digest in the lists of them.
func digest(m *Match, c mapping.Column) (Cond, error) {
	any := sigma.Part{Kind: sigma.AnyRun}
	in := func(text []sigma.Part, cased bool) Cond {
		var of []Cond
		for _, list := range c.Names {
			of = append(of, m.at(list, c.Type, sigma.String{Parts: text, Cased: cased}))
		}
		return or(of)
	}
	name := sigma.Part{Kind: sigma.Literal, Text: c.Part + "="}
	there := in([]sigma.Part{any, name, any}, false)
	switch v := m.Value.(type) {
	case sigma.Null:
		return &Not{there}, nil
	case sigma.Exists:
		if v {
			return there, nil
		}
		return &Not{there}, nil
	case sigma.Number:
		return digestText(c.Part, literal(v.Text), in), nil
	case sigma.String:
		return digestText(c.Part, v, in), nil
	}
	return nil, refuse(m, "%s on a digest, which the events have in a list of digests (%s)", unsaid(m.Value), strings.Join(c.Names, ", "))
}

func digestText(name string, v sigma.String, in func([]sigma.Part, bool) Cond) Cond {
	any := sigma.Part{Kind: sigma.AnyRun}
	join := func(parts ...sigma.Part) []sigma.Part { // literals side by side are one
		var out []sigma.Part
		for _, p := range parts {
			n := len(out)
			switch {
			case n > 0 && p.Kind == sigma.Literal && out[n-1].Kind == sigma.Literal:
				out[n-1].Text += p.Text
			case n > 0 && p.Kind == sigma.AnyRun && out[n-1].Kind == sigma.AnyRun:
			default:
				out = append(out, p)
			}
		}
		return out
	}
	lit := func(s string) sigma.Part { return sigma.Part{Kind: sigma.Literal, Text: s} }
	if k, text := shapeOf(v); k == exact && len(text) == digestLength[name] && hexText().MatchString(text) {
		return in([]sigma.Part{any, lit(name + "=" + text), any}, v.Cased) // no digest is longer
	}
	middle := append([]sigma.Part{lit(name + "=")}, v.Parts...)
	next := append([]sigma.Part{lit("," + name + "=")}, v.Parts...)
	comma := []sigma.Part{lit(","), any}
	return or([]Cond{
		in(join(middle...), v.Cased),
		in(join(append(slices.Clip(middle), comma...)...), v.Cased),
		in(join(append([]sigma.Part{any}, next...)...), v.Cased),
		in(join(append(append([]sigma.Part{any}, next...), comma...)...), v.Cased),
	})
}

// apart writes what a list of digests is asked for as what each digest is asked
// for, for targets that keep digests in columns of their own: NAME=hex within the
// list is the whole of a digest.
func apart(c Cond) (Cond, error) {
	return each(c, func(m *Match) (Cond, error) {
		if !slices.ContainsFunc(mapping.DigestLists, func(list string) bool { return strings.EqualFold(list, m.Field) }) {
			return m, nil
		}
		s, ok := m.Value.(sigma.String)
		if k, text := shapeOf(s); ok && k != wild && k != present {
			name, value, ok := strings.Cut(strings.Trim(text, ","), "=")
			if name = strings.ToUpper(name); ok && digestLength[name] == len(value) && hexText().MatchString(value) {
				return m.at(strings.ToLower(name), m.Type, literal(value)), nil
			}
		}
		return m, nil
	})
}

// each puts something in the place of every comparison.
func each(c Cond, with func(*Match) (Cond, error)) (Cond, error) {
	all := func(of []Cond) (out []Cond, err error) {
		for _, x := range of {
			if x, err = each(x, with); err != nil {
				return nil, err
			}
			out = append(out, x)
		}
		return out, nil
	}
	switch c := c.(type) {
	case *And:
		of, err := all(c.Of)
		return and(of), err
	case *Or:
		of, err := all(c.Of)
		return or(of), err
	case *Not:
		x, err := each(c.X, with)
		return &Not{x}, err
	case *Match:
		return with(c)
	}
	panic("bug: convert: unknown condition")
}
