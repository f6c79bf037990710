package convert

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
	"github.com/gyoji-dev/gyoji/sigma"
)

// Correlated is a correlation ready to be written, with the rules that it is made of.
type Correlated struct {
	*sigma.Correlation
	Rules   []*Input
	Options Options
}

// Correlation writes a correlation in a language, with the rules that it names, in their
// order. An error is a *Refusal.
func Correlation(b *Backend, c *sigma.Correlation, rules []*sigma.Rule, o Options) (string, error) {
	x := &Correlated{Correlation: c, Options: o}
	if b.Correlation == nil {
		return "", x.refuse(c.Span, "a correlation: a query in this language says one rule")
	}
	for _, r := range rules {
		in, err := Read(r, o)
		if err != nil {
			return "", err
		}
		if err := in.ofOthers(b); err != nil {
			return "", err
		}
		in.narrow()
		x.Rules = append(x.Rules, in)
	}
	return b.Correlation(x)
}

func (x *Correlated) refuse(at diag.Span, format string, args ...any) *Refusal {
	return &Refusal{Rule: &sigma.Rule{Meta: x.Meta}, Span: at, What: fmt.Sprintf(format, args...)}
}

// near says that something is said nearly, or refuses it where that is not wanted.
func (x *Correlated) near(at diag.Span, format string, args ...any) error {
	r := x.refuse(at, format, args...)
	if x.Options.Near == nil {
		return r
	}
	x.Options.Near(r)
	return nil
}

// narrow takes what a rule's condition says of the event id into its places: a rule for
// the Security log and event 4625 is about Security-4625.
func (in *Input) narrow() {
	if in.Store != nil || len(in.Places) == 0 || slices.ContainsFunc(in.Places, func(p mapping.LogSource) bool { return len(p.EventIDs) > 0 }) {
		return
	}
	parts := []Cond{in.Cond}
	if a, ok := in.Cond.(*And); ok {
		parts = a.Of
	}
	for i, c := range parts {
		ids := eventIDs(c)
		if ids == nil {
			continue
		}
		in.Places = slices.Clone(in.Places)
		for j := range in.Places {
			in.Places[j].EventIDs = ids
		}
		in.Cond = and(append(slices.Clone(parts[:i]), parts[i+1:]...))
		return
	}
}

// eventIDs are those that a condition asks for, if it asks for nothing else.
func eventIDs(c Cond) []string {
	switch c := c.(type) {
	case *Or:
		var all []string
		for _, y := range c.Of {
			ids := eventIDs(y)
			if ids == nil {
				return nil
			}
			all = append(all, ids...)
		}
		return all
	case *Match:
		if !strings.EqualFold(c.Field, "EventID") {
			return nil
		}
		text := ""
		switch v := c.Value.(type) {
		case sigma.Number:
			text = v.Text
		case sigma.String:
			if k, s := shapeOf(v); k == exact {
				text = s
			}
		}
		if text != "" && strings.Trim(text, "0123456789") == "" {
			return []string{text}
		}
	}
	return nil
}

// attributeFirst are the attributes that are best known for a field that several are
// filled from.
var attributeFirst = []string{
	"user_username", "device_hostname", "srcDevice_ip", "dstDevice_ip", "srcDevice_hostname", "dstDevice_hostname", "targetUser_username",
	"baseImage", "parentBaseImage", "commandLine", "parentCommandLine", "file_path", "dns_query", "changeTarget", "resource", "application",
}

// attribute is the attribute of records that has a field of the rule's events. Where a
// place fills it from another field too, or changes it, says is not empty and says so.
func (in *Input) attribute(field string) (name, says string) {
	field = mapping.SigmaField(field)
	if n, ok := in.Options.Fields[field]; ok {
		return n, ""
	}
	best := ""
	count := map[string]int{} // places that fill the attribute from the field alone
	filled := map[string]int{}
	kinds := 0
	for _, at := range in.Places {
		own := mapping.Column{Names: []string{field}}
		if c, known := mapping.Native(at, field); known {
			own = c
		}
		for _, id := range at.EventIDs {
			kinds++
			n := mappers().Choose(record.WindowsKey(at.Channel, at.Provider, id))
			if n < 0 {
				continue
			}
			for a, s := range mappers().All[n].Fields {
				if len(s.From) == 0 || s.Lookup != nil || s.Split != nil || s.Kind != "" {
					continue
				}
				filled[a]++
				if own.Form == mapping.Same && !own.Missing() && strings.EqualFold(record.Field(s.From[0]), own.Names[0]) {
					count[a]++
				}
			}
		}
	}
	rank := func(a string) int {
		if i := slices.Index(attributeFirst, a); i >= 0 {
			return i
		}
		if s := record.Schema()[a]; s != nil && s.Entity != "" {
			return len(attributeFirst)
		}
		return len(attributeFirst) + 1
	}
	for a, n := range count {
		if filled[a] < kinds || n == 0 {
			continue
		}
		if best == "" || count[a] > count[best] || count[a] == count[best] && (rank(a) < rank(best) || rank(a) == rank(best) && a < best) {
			best = a
		}
	}
	if best != "" && count[best] < kinds {
		says = fmt.Sprintf("%s is not in all of the events what %s has: it is made of another field in some", field, best)
	}
	return best, says
}

// shared is the attribute that all rules have a field of the correlation in.
func (x *Correlated) shared(n sigma.Named) (string, error) {
	name := ""
	for i, in := range x.Rules {
		field := x.FieldOf(n.Name, x.Correlation.Rules[i], &in.Rule.Meta)
		a, says := in.attribute(field)
		switch {
		case a == "" && (in.Store != nil || len(in.Places) == 0):
			return "", x.refuse(n.Span, "%s: which attribute has the field is not known for the log source %s", n.Name, in.Rule.LogSource)
		case a == "" && !slices.ContainsFunc(in.Places, func(p mapping.LogSource) bool { return len(p.EventIDs) > 0 }):
			return "", x.refuse(n.Span, "%s: the rule %s names no event ids, and which attribute has the field depends on them", n.Name, in.Rule.Title)
		case a == "":
			return "", x.refuse(n.Span, "%s: no attribute of records has the field %s of the rule %s", n.Name, field, in.Rule.Title)
		case name != "" && a != name:
			return "", x.refuse(n.Span, "%s: the rules have it in two attributes, %s and %s, and a rule of Cloud SIEM groups by one", n.Name, name, a)
		case says != "":
			if err := x.near(n.Span, "%s", says); err != nil {
				return "", err
			}
		}
		name = a
	}
	return name, nil
}

// cseCorrelation is a correlation as a threshold or chain rule (6.2, 6.3).
func cseCorrelation(x *Correlated) (*ruledoc.Document, error) {
	d := &ruledoc.Document{What: ruledoc.ThresholdRule}
	set := func(key string, v any) { d.Body.Set(key, ruledoc.Of(v)) }
	d.Body.Kind = ruledoc.Object
	about := cseAbout(&x.Meta)
	set("name", x.Title)
	set("enabled", about.enabled)
	set("stream", "record")
	set("description", about.description)

	var selectors []ruledoc.Value
	var by, there []string
	var shown []string
	for _, g := range x.GroupBy {
		a, err := x.shared(g)
		if err != nil {
			return nil, err
		}
		shown = append(shown, "{{"+a+"}}")
		if entity := record.Schema()[a]; entity != nil && entity.Entity != "" && selectors == nil {
			v := ruledoc.Value{Kind: ruledoc.Object}
			v.Set("entity_type", ruledoc.Of(entity.Entity))
			v.Set("expression", ruledoc.Of(a))
			selectors = append(selectors, v)
			continue
		}
		by, there = append(by, a), append(there, a+" IS NOT NULL")
	}
	if selectors == nil {
		at := x.Span
		if len(x.GroupBy) > 0 {
			at = x.GroupBy[0].Span
		}
		return nil, x.refuse(at, "it is not grouped by a user, a host, an address or another entity, and a rule of Cloud SIEM counts for one entity at a time")
	}
	var steps []string
	for _, in := range x.Rules {
		e, err := CSEExpression(in)
		if err != nil {
			if ref, ok := err.(*Refusal); ok && ref.Rule == nil {
				ref.Rule = in.Rule
			}
			return nil, err
		}
		steps = append(steps, e)
	}
	grouped := func(e string) string { // Sigma has no group of events without a value
		if len(there) == 0 {
			return e
		}
		return parenthesised(e) + " AND " + strings.Join(there, " AND ")
	}
	window := x.Timespan.Milliseconds()
	if window < 60_000 || window > 432_000_000 {
		return nil, x.refuse(x.Span, "a time span of %s: a window of Cloud SIEM is from a minute to five days", timespan(x.Timespan))
	}
	switch x.Type {
	case sigma.EventCount, sigma.ValueCount:
		limit, err := x.limit()
		if err != nil {
			return nil, err
		}
		if len(steps) > 1 {
			if err := x.near(x.Span, "an event that meets two of the rules counts twice in Sigma, and once here"); err != nil {
				return nil, err
			}
			for i := range steps {
				steps[i] = parenthesised(steps[i])
			}
		}
		set("expression", grouped(strings.Join(steps, " OR ")))
		set("count_distinct", x.Type == sigma.ValueCount)
		if x.Type == sigma.ValueCount {
			if len(x.Fields) != 1 {
				return nil, x.refuse(x.ConditionSpan, "the values of %d fields: Cloud SIEM counts those of one", len(x.Fields))
			}
			a, err := x.shared(x.Fields[0])
			if err != nil {
				return nil, err
			}
			set("count_field", a)
		}
		set("limit", limit)
	case sigma.Temporal, sigma.TemporalOrdered:
		if !x.wantsAll() {
			return nil, x.refuse(cmpSpan(x.ConditionSpan, x.Span), "a condition on some of the rules: all steps of a chain have to be there")
		}
		d.What = ruledoc.ChainRule
		set("ordered", x.Type == sigma.TemporalOrdered)
		var all []ruledoc.Value
		for _, e := range steps {
			v := ruledoc.Value{Kind: ruledoc.Object}
			v.Set("expression", ruledoc.Of(grouped(e)))
			v.Set("limit", ruledoc.Of(1))
			all = append(all, v)
		}
		d.Body.Set("expressions_and_limits", ruledoc.Of(all))
	default:
		return nil, x.refuse(x.Span, "%s: Cloud SIEM counts records and distinct values, it does not measure them", x.Type)
	}
	name := windowName(window)
	set("window_size", name)
	if name == "CUSTOM" {
		set("window_size_milliseconds", fmt.Sprint(window))
	}
	set("group_by_fields", by)
	d.Body.Set("entity_selectors", ruledoc.Of(selectors))
	set("summary_expression", strings.Join(shown, " "))
	set("score", about.score)
	set("is_prototype", about.prototype)
	set("tags", about.tags)
	return d, nil
}

func cmpSpan(a, b diag.Span) diag.Span {
	if a != (diag.Span{}) {
		return a
	}
	return b
}

func parenthesised(e string) string { return "(" + e + ")" }

// limit is the least count that meets the condition, if that and any more do.
func (x *Correlated) limit() (int, error) {
	if len(x.Bounds) != 1 || x.Bounds[0].Op != sigma.Ge && x.Bounds[0].Op != sigma.Gt {
		return 0, x.refuse(cmpSpan(x.ConditionSpan, x.Span), "a count that is not a least one: a threshold fires once it is reached, and knows nothing of fewer")
	}
	n := int(x.Bounds[0].Count)
	if float64(n) < x.Bounds[0].Count || x.Bounds[0].Op == sigma.Gt {
		n++
	}
	if n < 1 {
		return 0, x.refuse(cmpSpan(x.ConditionSpan, x.Span), "a count of %d: a threshold is 1 or more", n)
	}
	return n, nil
}

// wantsAll reports whether a correlation over time asks for all of its rules.
func (x *Correlated) wantsAll() bool {
	n := len(x.Correlation.Rules)
	if x.Expr != nil {
		for i := range n { // all but one are not enough
			if x.Meets(func(r int) bool { return r != i }) {
				return false
			}
		}
		return x.Meets(func(int) bool { return true }) && sigma.OnlyAnd(x.Expr)
	}
	return x.Holds(float64(n)) && !x.Holds(float64(n-1))
}

// windowName is the size of a window as the product names it (6).
func windowName(ms int64) string {
	const minute = 60_000
	switch ms {
	case 5 * minute:
		return "T05M"
	case 10 * minute:
		return "T10M"
	case 30 * minute:
		return "T30M"
	case 60 * minute:
		return "T60M"
	case 12 * 60 * minute:
		return "T12H"
	case 24 * 60 * minute:
		return "T24H"
	case 5 * 24 * 60 * minute:
		return "T05D"
	}
	return "CUSTOM"
}

// documentText is a document in a format of Cloud SIEM.
func documentText(d *ruledoc.Document, to ruledoc.Format) (string, error) {
	text, err := ruledoc.Write([]*ruledoc.Document{d}, to)
	return string(text), err
}
