package convert

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/siem"
	"github.com/gyoji-dev/gyoji/sigma"
)

// siemReader reads expressions of Cloud SIEM as conditions of Sigma, over the events of
// Windows that the records are made of.
type siemReader struct {
	places []place // the kinds of events that the rule is about
}

// siemCase is the condition of an expression for some kinds of events.
type siemCase struct {
	source sigma.LogSource
	cond   Cond
}

// readExpression reads an expression: which events it is about, and what it asks of them.
// An error is a refused.
func readExpression(x *siem.Expression) (c siemCase, r *siemReader, err error) {
	if len(x.Clauses) > 0 {
		return c, nil, refusedf("Sigma has nothing for json, which takes fields out of a text")
	}
	ids, ok := siem.Values(x.Cond, "metadata_deviceEventId")
	if !ok {
		return c, nil, refusedf("the expression does not say by metadata_deviceEventId which events it is about, and what an attribute is made of depends on them")
	}
	r = &siemReader{}
	for _, id := range ids {
		i := strings.LastIndexByte(id, '-')
		if i <= 0 || i == len(id)-1 || strings.Trim(id[i+1:], "0123456789") != "" {
			return c, nil, refusedf("%s is no event of Windows, and Sigma's fields of other products are not known", id)
		}
		if p := (place{id[:i], mapping.ProviderOf(id[:i]), id[i+1:]}); !slices.Contains(r.places, p) {
			r.places = append(r.places, p)
		}
	}
	cond, err := r.cond(x.Cond, r.places)
	if err != nil {
		return c, nil, err
	}
	if isFalse(cond) {
		return c, nil, refusedf("no record can meet the condition")
	}
	c.source, c.cond = r.sourced(cond)
	return c, r, nil
}

// sourced finds the log source of the places; what it is wider than them is a condition.
func (r *siemReader) sourced(cond Cond) (sigma.LogSource, Cond) {
	ids := []string{otherID}
	for _, p := range r.places {
		ids = append(ids, p.id)
	}
	all := placesWith(ids)
	best, covered := bestSource(all, r.places)
	same := len(covered) == len(r.places)
	for _, p := range r.places {
		same = same && slices.Contains(covered, p)
	}
	if !same {
		cond = allOf([]Cond{r.where(r.places, covered), cond})
	}
	if isTrue(cond) {
		cond = nil
	}
	return best, cond
}

// where is that an event is one of some places, among others.
func (r *siemReader) where(want, among []place) Cond {
	channels := map[string]bool{}
	for _, p := range append(slices.Clone(among), want...) {
		channels[p.channel] = true
	}
	by := map[string][]Cond{}
	var order []string
	for _, p := range want {
		if by[p.channel] == nil {
			order = append(order, p.channel)
		}
		by[p.channel] = append(by[p.channel], &Match{Field: "EventID", Value: sigma.Number{Text: p.id}})
	}
	var any []Cond
	for _, c := range order {
		one := anyOf(by[c])
		if len(channels) > 1 {
			one = allOf([]Cond{&Match{Field: "Channel", Value: literal(c)}, one})
		}
		any = append(any, one)
	}
	return anyOf(any)
}

// cond reads a condition on events of some places.
func (r *siemReader) cond(x siem.Node, at []place) (Cond, error) {
	switch x := x.(type) {
	case *siem.And:
		if ids, ok := siem.Values(x, "metadata_deviceEventId"); ok { // both sides are about these alone
			at = slices.DeleteFunc(slices.Clone(at), func(p place) bool { return !slices.Contains(ids, p.channel+"-"+p.id) })
		}
		a, err := r.cond(x.X, at)
		if err != nil {
			return nil, err
		}
		b, err := r.cond(x.Y, at)
		if err != nil {
			return nil, err
		}
		return allOf([]Cond{a, b}), nil
	case *siem.Or:
		// All of a row at once: put together two by two it took time by its square.
		var any []Cond
		for _, y := range alternatives(x) {
			c, err := r.cond(y, at)
			if err != nil {
				return nil, err
			}
			any = append(any, c)
		}
		return anyOf(any), nil
	case *siem.Not:
		c, err := r.cond(x.X, at)
		return negate(c), err
	}
	return r.atom(x, at)
}

// alternatives are the parts of x or y or z, from the left.
func alternatives(or *siem.Or) (parts []siem.Node) {
	var x siem.Node = or
	for {
		o, ok := x.(*siem.Or)
		if !ok {
			break
		}
		parts, x = append(parts, o.Y), o.X
	}
	parts = append(parts, x)
	slices.Reverse(parts)
	return parts
}

// asked is what is compared: an attribute or a raw key, in small letters or as it is.
type asked struct {
	name  string // of the attribute, or record.RawPrefix and the key
	lower bool
}

func (r *siemReader) asked(x siem.Node) (a asked, ok bool) {
	switch x := x.(type) {
	case *siem.Name:
		return asked{name: x.Name}, true
	case *siem.Index:
		n, ok := x.X.(*siem.Name)
		k, ok2 := x.Key.(*siem.Literal)
		if ok && ok2 && n.Name == "fields" && k.Kind == siem.Text {
			return asked{name: record.RawPrefix + k.Text}, true
		}
	case *siem.Call:
		if len(x.Args) == 1 && (strings.EqualFold(x.Name, "lower") || strings.EqualFold(x.Name, "toLowerCase")) {
			a, ok := r.asked(x.Args[0])
			a.lower = true
			return a, ok
		}
	}
	return a, false
}

// text is a literal text; ok is false of anything else.
func text(x siem.Node) (string, bool) {
	l, ok := x.(*siem.Literal)
	return literalOf(l), ok && l.Kind == siem.Text
}

func literalOf(l *siem.Literal) string {
	if l == nil {
		return ""
	}
	return l.Text
}

// atom reads a predicate.
func (r *siemReader) atom(x siem.Node, at []place) (Cond, error) {
	var sum siem.Node
	not := false
	var ask func(a asked) (question, error)
	switch x := x.(type) {
	case *siem.Literal:
		if x.Kind == siem.Bool {
			if x.Number == 1 {
				return &And{}, nil
			}
			return &Or{}, nil
		}
	case *siem.Name:
		sum, ask = x, func(asked) (question, error) { return equals("true", false), nil }
	case *siem.IsNull:
		sum, not, ask = x.X, x.Not, func(asked) (question, error) { return absent, nil }
	case *siem.Compare:
		return r.compare(x, at)
	case *siem.In:
		sum, not, ask = x.X, x.Not, func(a asked) (question, error) {
			var all []question
			for _, y := range x.List {
				l, ok := y.(*siem.Literal)
				if !ok {
					return nil, refusedf("Sigma compares fields with values, and not with what is computed")
				}
				if l.Kind == siem.Null {
					continue // equal to nothing (4.3)
				}
				q, err := is(l, a.lower)
				if err != nil {
					return nil, err
				}
				all = append(all, q)
			}
			return anyQuestion(all), nil
		}
	case *siem.Like:
		p, ok := text(x.Pattern)
		if !ok {
			return nil, refusedf("Sigma has no pattern that stands in a field")
		}
		sum, not, ask = x.X, x.Not, func(a asked) (question, error) { return like(p, x.Escape, a.lower) }
	case *siem.Matches:
		l, ok := x.Y.(*siem.Literal)
		if !ok || l.Kind != siem.Regex && l.Kind != siem.Text {
			return nil, refusedf("Sigma has no pattern that stands in a field")
		}
		sum, not, ask = x.X, x.Not, func(a asked) (question, error) {
			if l.Kind == siem.Text && !x.Rlike {
				return glob(l.Text, a.lower), nil
			}
			return regex(l.Text, a.lower)
		}
	case *siem.Between:
		low, err := r.compare(&siem.Compare{Op: ">=", X: x.X, Y: x.Low, Span: x.Span}, at)
		if err != nil {
			return nil, err
		}
		high, err := r.compare(&siem.Compare{Op: "<=", X: x.X, Y: x.High, Span: x.Span}, at)
		if err != nil {
			return nil, err
		}
		if c := allOf([]Cond{low, high}); !x.Not {
			return c, nil
		} else {
			return negate(c), nil
		}
	case *siem.Call:
		name := strings.ToLower(x.Name)
		arg := func(n int) (string, bool) {
			if n >= len(x.Args) {
				return "", false
			}
			return text(x.Args[n])
		}
		switch {
		case (name == "isnull" || name == "isblank" || name == "isempty") && len(x.Args) == 1:
			sum, ask = x.Args[0], func(asked) (question, error) {
				if name == "isblank" {
					return nil, refusedf("Sigma has nothing for a text of blanks alone, as isBlank has")
				}
				return absent, nil
			}
		case name == "contains" && len(x.Args) == 2:
			if p, ok := arg(1); ok {
				sum, ask = x.Args[0], func(a asked) (question, error) {
					return valued(folded(sigma.String{Parts: []sigma.Part{{Kind: sigma.AnyRun}, {Kind: sigma.Literal, Text: p}, {Kind: sigma.AnyRun}}}, a.lower)), nil
				}
			}
		case name == "comparecidrprefix" && len(x.Args) == 3:
			ip, ok := arg(0)
			n, ok2 := x.Args[2].(*siem.Literal)
			addr, err := netip.ParseAddr(ip)
			if ok && ok2 && n.Kind == siem.Number && err == nil {
				if p, err := addr.Prefix(int(n.Number)); err == nil {
					sum, ask = x.Args[1], func(asked) (question, error) { return valued(sigma.CIDR{Prefix: p}), nil }
				}
			}
		case name == "isvalidipv4" && len(x.Args) == 1:
			sum, ask = x.Args[0], func(asked) (question, error) {
				return valued(sigma.CIDR{Prefix: netip.MustParsePrefix("0.0.0.0/0")}), nil
			}
		}
		if ask == nil {
			return nil, refusedf("Sigma has nothing for %s", x.Name)
		}
	}
	if sum == nil {
		return nil, refusedf("Sigma has nothing for a condition like this")
	}
	a, ok := r.asked(sum)
	if !ok {
		return nil, refusedf("Sigma compares fields, and not what is computed of them")
	}
	q, err := ask(a)
	if err != nil {
		return nil, err
	}
	c, err := r.over(a, q, at)
	if not {
		c = negate(c)
	}
	return c, err
}

// compare reads a comparison.
func (r *siemReader) compare(x *siem.Compare, at []place) (Cond, error) {
	left, right, op := x.X, x.Y, x.Op
	if _, ok := r.asked(left); !ok {
		if _, ok := r.asked(right); ok {
			left, right = right, left
			if o, ok := map[siem.Op]siem.Op{"<": ">", "<=": ">=", ">": "<", ">=": "<="}[op]; ok {
				op = o
			}
		}
	}
	a, ok := r.asked(left)
	if !ok {
		return nil, refusedf("Sigma compares fields, and not what is computed of them")
	}
	if b, ok := r.asked(right); ok && (op == "=" || op == "==") {
		f, err := r.one(a, at)
		if err != nil {
			return nil, err
		}
		g, err := r.one(b, at)
		if err != nil {
			return nil, err
		}
		if !a.lower || !b.lower {
			return nil, refusedf("Sigma compares two fields without letter case; write lower() about both")
		}
		return &Match{Field: f, Value: sigma.FieldRef{Field: g}}, nil
	}
	l, ok := right.(*siem.Literal)
	if !ok {
		return nil, refusedf("Sigma compares fields with values, and not with what is computed")
	}
	switch {
	case l.Kind == siem.Null:
		if op == "<=>" {
			return r.over(a, absent, at)
		}
		return &Or{}, nil // null is equal to nothing (4.3)
	case l.Kind == siem.Number:
		n := number(l)
		if o, ok := map[siem.Op]sigma.Op{"<": sigma.Lt, "<=": sigma.Le, ">": sigma.Gt, ">=": sigma.Ge}[op]; ok {
			return r.over(a, valued(sigma.Compare{Op: o, Number: n}), at)
		}
	case l.Kind == siem.Text && op != "=" && op != "==" && op != "!=":
		return nil, refusedf("Sigma has no order of texts")
	}
	q, err := is(l, a.lower)
	if err != nil {
		return nil, err
	}
	switch op {
	case "=", "==", "<=>":
		return r.over(a, q, at)
	case "!=": // false where there is no value (4.3)
		there, err := r.over(a, absent, at)
		if err != nil {
			return nil, err
		}
		c, err := r.over(a, q, at)
		return allOf([]Cond{negate(there), negate(c)}), err
	}
	return nil, refusedf("Sigma has nothing for %s", op)
}

// question is what is asked of a field of the event; value is what of a constant.
type question func(f *filling) Cond

// filling is how a mapper fills an attribute of one kind of events: from fields, the
// first that has a value, or with a constant.
type filling struct {
	fields  []string // as Sigma calls them
	skipped []string // values that count as none
	source  *record.Source
	fixed   *string // the attribute's value whatever the event says
	whole   bool    // the attribute is a whole number
	raw     bool    // it is a key of the event, whose empty text is a value
	digest  string  // of the only field, a list of digests: the name in it
}

func number(l *siem.Literal) sigma.Number {
	return sigma.Number{Text: strconv.FormatFloat(l.Number, 'f', -1, 64), Float: l.Number}
}

// is asks whether the value is a literal; lower is that it is compared in small letters.
func is(l *siem.Literal, lower bool) (question, error) {
	switch l.Kind {
	case siem.Bool:
		return equals(strconv.FormatBool(l.Number == 1), true), nil
	case siem.Number:
		return valued(number(l)), nil
	case siem.Text:
		if lower && l.Text != strings.ToLower(l.Text) {
			return impossible, nil
		}
		return equals(l.Text, lower), nil
	}
	return nil, refusedf("Sigma compares with texts, numbers, true and false")
}

// anyQuestion asks whether one of some questions holds.
func anyQuestion(all []question) question {
	return func(f *filling) Cond {
		var any []Cond
		for _, q := range all {
			c := q(f)
			if c == nil {
				return nil
			}
			any = append(any, c)
		}
		return anyOf(any)
	}
}

// none is that a field has no value that counts.
func (f *filling) none(field string) Cond {
	any := []Cond{&Match{Field: field, Value: sigma.Null{}}}
	if f.raw {
		return any[0]
	}
	any = append(any, &Match{Field: field, Value: sigma.String{}})
	for _, s := range f.skipped {
		any = append(any, &Match{Field: field, Value: literal(s)})
	}
	return anyOf(any)
}

// first is a question about the first of the fields that has a value.
func (f *filling) first(ask func(field string) Cond) Cond {
	var any, before []Cond
	for _, field := range f.fields {
		any = append(any, allOf(append(slices.Clone(before), ask(field))))
		before = append(before, f.none(field))
	}
	return anyOf(any)
}

func impossible(*filling) Cond { return &Or{} }

// absent asks whether there is no value.
func absent(f *filling) Cond {
	if f.fixed != nil {
		return &Or{}
	}
	if f.digest != "" {
		return nil
	}
	var all []Cond
	for _, field := range f.fields {
		all = append(all, f.none(field))
	}
	if f.source != nil && f.source.Lookup != nil && f.source.Default == nil {
		all = []Cond{negate(f.first(func(field string) Cond { return oneOf(field, f.keys(nil)) }))}
	} else if f.source != nil && f.source.Default != nil {
		return &Or{}
	}
	return allOf(all)
}

// valued asks whether the value is one that Sigma has a form for.
func valued(v sigma.Value) question {
	return func(f *filling) Cond {
		if f.fixed != nil || f.digest != "" {
			return nil
		}
		if s, ok := v.(sigma.Number); ok && !f.whole {
			v = literal(s.Text)
		}
		if f.source != nil && f.source.Lookup != nil {
			return nil
		}
		return f.first(func(field string) Cond { return &Match{Field: field, Value: v} })
	}
}

// equals asks whether the value is a text; without is letter case.
func equals(s string, without bool) question {
	return func(f *filling) Cond {
		same := func(v string) bool { return v == s || without && strings.EqualFold(v, s) }
		switch {
		case f.fixed != nil && same(*f.fixed):
			return &And{}
		case f.fixed != nil:
			return &Or{}
		case f.digest != "" && len(s) != digestLength[f.digest]:
			return &Or{} // longer or shorter than any
		case f.digest != "":
			in := sigma.String{Parts: []sigma.Part{{Kind: sigma.AnyRun}, {Kind: sigma.Literal, Text: f.digest + "=" + s}, {Kind: sigma.AnyRun}}}
			return &Match{Field: f.fields[0], Value: folded(in, without)}
		case f.source != nil && f.source.Lookup != nil:
			hit := f.first(func(field string) Cond { return oneOf(field, f.keys(same)) })
			if f.source.Default != nil && same(*f.source.Default) {
				return anyOf([]Cond{hit, negate(f.first(func(field string) Cond { return oneOf(field, f.keys(nil)) }))})
			}
			return hit
		case slices.Contains(f.skipped, s) || s == "" && !f.raw:
			return &Or{} // a mapper leaves it unfilled
		}
		if f.whole && strings.Trim(s, "0123456789") == "" {
			n, _ := strconv.ParseFloat(s, 64)
			return f.first(func(field string) Cond { return &Match{Field: field, Value: sigma.Number{Text: s, Float: n}} })
		}
		return f.first(func(field string) Cond { return &Match{Field: field, Value: folded(literal(s), without)} })
	}
}

// keys are the values of the event that a table knows, of those whose own value is asked
// for; nil asks for all.
func (f *filling) keys(same func(string) bool) (keys []string) {
	for k, v := range f.source.Lookup {
		if same == nil || same(v) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys
}

func oneOf(field string, values []string) Cond {
	var any []Cond
	for _, v := range values {
		any = append(any, &Match{Field: field, Value: literal(v)})
	}
	return anyOf(any)
}

// folded is a text that letter case counts in, unless lower is set.
func folded(s sigma.String, lower bool) sigma.String {
	if lower {
		return s
	}
	return cased(s)
}

func like(p, escape string, lower bool) (question, error) {
	if lower && p != strings.ToLower(p) {
		return impossible, nil
	}
	readings := [][]sigma.Part{nil}
	add := func(to []sigma.Part, more []siem.LikePiece) []sigma.Part {
		to = slices.Clone(to)
		for _, x := range more {
			switch {
			case x.Any:
				to = append(to, sigma.Part{Kind: sigma.AnyRun})
			case x.One:
				to = append(to, sigma.Part{Kind: sigma.AnyOne})
			case len(to) > 0 && to[len(to)-1].Kind == sigma.Literal:
				to[len(to)-1].Text += x.Text
			default:
				to = append(to, sigma.Part{Kind: sigma.Literal, Text: x.Text})
			}
		}
		return to
	}
	for _, x := range siem.LikePieces(p, escape) {
		either := [][]siem.LikePiece{{x}}
		if x.Or != nil {
			either = x.Or[:]
		}
		var next [][]sigma.Part
		for _, parts := range readings {
			for _, more := range either {
				next = append(next, add(parts, more))
			}
		}
		if readings = next; len(readings) > likeReadingsMax {
			return nil, refusedf("the pattern %s has backslashes with too many readings; write an ESCAPE clause", p)
		}
	}
	var all []question
	for _, parts := range readings {
		all = append(all, valued(folded(sigma.String{Parts: parts}, lower)))
	}
	return anyQuestion(all), nil
}

// likeReadingsMax bounds the patterns that one LIKE becomes.
const likeReadingsMax = 16

func glob(p string, lower bool) question {
	if lower && p != strings.ToLower(p) {
		return impossible
	}
	s := sigma.String{}
	for _, c := range p {
		switch n := len(s.Parts); {
		case c == '*':
			s.Parts = append(s.Parts, sigma.Part{Kind: sigma.AnyRun})
		case c == '?':
			s.Parts = append(s.Parts, sigma.Part{Kind: sigma.AnyOne})
		case n > 0 && s.Parts[n-1].Kind == sigma.Literal:
			s.Parts[n-1].Text += string(c)
		default:
			s.Parts = append(s.Parts, sigma.Part{Kind: sigma.Literal, Text: string(c)})
		}
	}
	return valued(folded(s, lower))
}

func regex(p string, lower bool) (question, error) {
	v := sigma.Regexp{Pattern: p}
	if rest, ok := strings.CutPrefix(p, "(?i)"); ok {
		v.Pattern, v.IgnoreCase = rest, true
	}
	if lower && !v.IgnoreCase {
		if p != strings.ToLower(p) {
			return nil, refusedf("Sigma has nothing for a regular expression with capital letters on lower()")
		}
		v.IgnoreCase = true
	}
	return valued(v), nil
}

// over asks a question of an attribute of the events of some places: at once where all
// have it in one field, else place by place.
func (r *siemReader) over(a asked, q question, at []place) (Cond, error) {
	var conds []Cond
	var of [][]place
	for _, p := range at {
		f, err := r.filled(a.name, p)
		if err != nil {
			return nil, err
		}
		var c Cond = &Or{}
		if f != nil {
			if c = q(f); c == nil {
				return nil, refusedf("%s of %s-%s is made by a table or is a constant, of which this cannot be asked", strings.TrimPrefix(a.name, record.RawPrefix), p.channel, p.id)
			}
		} else if isTrue(q(&filling{})) { // null
			c = &And{}
		}
		key := keyOf(c)
		if n := slices.IndexFunc(conds, func(d Cond) bool { return keyOf(d) == key }); n >= 0 {
			of[n] = append(of[n], p)
			continue
		}
		conds, of = append(conds, c), append(of, []place{p})
	}
	if len(conds) == 1 {
		return conds[0], nil
	}
	var any []Cond
	for i, c := range conds {
		any = append(any, allOf([]Cond{r.where(of[i], at), c}))
	}
	return anyOf(any), nil
}

// one is the field that all events of some places have an attribute in.
func (r *siemReader) one(a asked, at []place) (string, error) {
	name := ""
	for _, p := range at {
		f, err := r.filled(a.name, p)
		if err != nil {
			return "", err
		}
		if f == nil || len(f.fields) != 1 || f.source != nil && f.source.Lookup != nil || name != "" && f.fields[0] != name {
			return "", refusedf("%s is not one field of the events, and Sigma names one", a.name)
		}
		name = f.fields[0]
	}
	return name, nil
}

// filled is how an attribute is filled in the events of a place; nil of one that is null
// there.
func (r *siemReader) filled(name string, p place) (*filling, error) {
	if key, ok := strings.CutPrefix(name, record.RawPrefix); ok {
		if field := record.Field(key); field != "" {
			return &filling{fields: []string{r.sigmaField(field, p)}, raw: true}, nil
		}
		return nil, nil
	}
	schema := record.Schema()[name]
	if schema == nil {
		return nil, refusedf("records have no attribute %s", name)
	}
	key := record.WindowsKey(p.channel, p.provider, p.id)
	fixed := func(s string) (*filling, error) { return &filling{fixed: &s}, nil }
	n := mappers().Choose(key)
	if n < 0 {
		return nil, refusedf("gyoji has no mapper for %s-%s", p.channel, p.id)
	}
	m := mappers().All[n]
	switch name {
	case "metadata_deviceEventId":
		return fixed(key.EventID)
	case "metadata_vendor":
		return fixed(key.Vendor)
	case "metadata_product":
		return fixed(key.Product)
	case "objectType":
		return fixed(m.RecordType)
	case "listMatches", "matchedItems", "fieldTags", "timestamp":
		return nil, refusedf("Sigma has nothing for %s, which is found out of settings", name)
	}
	s := m.Fields[name]
	switch {
	case s == nil && schema.Enriched:
		return nil, refusedf("Sigma has nothing for %s, which is computed of another attribute", name)
	case s == nil:
		return nil, nil
	case s.Const != nil:
		return fixed(*s.Const)
	case s.Split != nil || s.Join != nil || s.Params != nil || s.Kind != "":
		return nil, refusedf("%s of %s-%s is computed of the event's fields, and Sigma compares these", name, p.channel, p.id)
	}
	f := &filling{source: s, skipped: append(slices.Clone(m.Skipped), s.Skipped...), whole: schema.Type == "int" || schema.Type == "long"}
	at := mapping.LogSource{Channel: p.channel, Provider: p.provider, EventIDs: []string{p.id}}
	for _, from := range s.From {
		field := record.Field(from)
		if digestLength[from] > 0 {
			return &filling{fields: []string{"Hashes"}, digest: from}, nil
		}
		if field == "" {
			continue
		}
		if c, known := mapping.Native(at, field); known && c.Missing() {
			continue // no such event has it
		}
		f.fields = append(f.fields, r.sigmaField(field, p))
	}
	if len(f.fields) == 0 {
		return nil, nil
	}
	return f, nil
}

// sigmaNames are fields that Sigma calls by Sysmon's names in all events that say that a
// process was started.
var sigmaNames = []string{"Image", "ParentImage", "CommandLine"}

// sigmaField is what Sigma calls a field of the events of a place.
func (r *siemReader) sigmaField(field string, p place) string {
	if strings.EqualFold(p.channel, "Security") && p.id != "4688" {
		return field // rules for its other events ask for ProcessName
	}
	at := mapping.LogSource{Channel: p.channel, Provider: p.provider, EventIDs: []string{p.id}}
	for _, n := range sigmaNames {
		if c, known := mapping.Native(at, n); known && c.Form == mapping.Same && !c.Missing() && strings.EqualFold(c.Names[0], field) {
			return n
		}
	}
	return field
}
