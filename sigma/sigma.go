// Package sigma reads Sigma rules, correlations and filters into trees that keep
// the place of everything in its file. It follows the Sigma specification 2.1
// (github.com/SigmaHQ/sigma-specification) and, where that leaves a question
// open, pySigma. Nothing runs here: package rule lowers a tree to what does.
package sigma

import (
	"net/netip"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
)

// Document is a *Rule, a *Correlation or a *Filter.
type Document interface{ About() *Meta }

// Meta is what documents of every kind say of themselves.
type Meta struct {
	File *diag.File
	Span diag.Span // start of the document

	Title, ID, Name                   string
	Status, Description, Author       string
	Date, Modified, License, Taxonomy string
	Level                             Level
	Tags                              []Tag
	References, Fields                []string
	FalsePositives, Scope             []string
	Related                           []Related
}

// About returns m.
func (m *Meta) About() *Meta { return m }

// Place is where the document starts, as file:line.
func (m *Meta) Place() string { return place(m.File, m.Span) }

// Known reports whether ref is the document's id or name, as correlations and
// filters refer to it.
func (m *Meta) Known(ref string) bool {
	return ref != "" && (strings.EqualFold(m.ID, ref) || m.Name == ref)
}

// Techniques are the ATT&CK techniques among the tags, such as T1059.001.
func (m *Meta) Techniques() []string {
	var out []string
	for _, t := range m.Tags {
		if t.Namespace == "attack" && len(t.Name) > 1 && t.Name[0] == 't' && t.Name[1]-'0' < 10 {
			out = append(out, strings.ToUpper(t.Name))
		}
	}
	return out
}

// Tag is a tag, attack.t1059.001 split at its first dot.
type Tag struct {
	Namespace, Name string
	Span            diag.Span
}

func (t Tag) String() string {
	if t.Namespace == "" {
		return t.Name
	}
	return t.Namespace + "." + t.Name
}

// Related is a link to another rule.
type Related struct{ ID, Type string }

// Level is how bad a match is. The zero Level is none given.
type Level uint8

const (
	NoLevel Level = iota
	Informational
	Low
	Medium
	High
	Critical
)

var levels = []string{"", "informational", "low", "medium", "high", "critical"}

func (l Level) String() string { return levels[min(int(l), len(levels)-1)] }

// ParseLevel reads the name of a level, in any letter case.
func ParseLevel(s string) (Level, bool) {
	for i, n := range levels[1:] {
		if strings.EqualFold(s, n) {
			return Level(i + 1), true
		}
	}
	return NoLevel, false
}

// Rule is a detection rule.
type Rule struct {
	Meta
	LogSource  LogSource
	Searches   []*Search // in the order of the file
	Conditions []*Condition
}

// LogSource says which logs a rule is about. Fields not given are "".
type LogSource struct {
	Category, Product, Service string
	Definition                 string
	Span                       diag.Span
}

func (l LogSource) String() string {
	var parts []string
	for _, p := range [3][2]string{{"product", l.Product}, {"category", l.Category}, {"service", l.Service}} {
		if p[1] != "" {
			parts = append(parts, p[0]+" "+p[1])
		}
	}
	return strings.Join(parts, ", ")
}

// Covers reports whether every part that l gives is the same in o: what a filter
// for l applies to.
func (l LogSource) Covers(o LogSource) bool {
	same := func(a, b string) bool { return a == "" || strings.EqualFold(a, b) }
	return same(l.Category, o.Category) && same(l.Product, o.Product) && same(l.Service, o.Service)
}

// Search is a search identifier of a rule with what it stands for.
type Search struct {
	Name string
	Span diag.Span
	Item Item
}

// Item is a *Group or a *Test.
type Item interface{ item() }

// Group is a map, whose items must all hold, or a list of maps, of which one must.
type Group struct {
	All   bool // a map
	Items []Item
	Span  diag.Span
}

// Test is a line of a map, field|modifiers: values, or a list of keywords.
type Test struct {
	Field     string // "" for keywords, which are looked for in the whole event
	FieldSpan diag.Span
	Modifiers []Modifier
	Given     []Given // the values as written
	Values    []Value // what the modifiers made of them; one of them must hold
	All       bool    // all of them must
	Not       bool    // the test is turned round (neq)
	Span      diag.Span
}

func (*Group) item() {}
func (*Test) item()  {}

// Keyword reports whether the test is for the whole event.
func (t *Test) Keyword() bool { return t.Field == "" }

// Has reports whether a modifier was given.
func (t *Test) Has(modifier string) bool {
	for _, m := range t.Modifiers {
		if m.Name == modifier {
			return true
		}
	}
	return false
}

// Modifier is a modifier as it was written.
type Modifier struct {
	Name string
	Span diag.Span
}

// Given is a value as it was written, and the value it is before any modifier.
type Given struct {
	Text  string
	Value Value
	Span  diag.Span
}

// Value is what a field is compared with: String, Number, Bool, Null, Regexp,
// CIDR, Exists, FieldRef, Compare, TimePart or AnyOf.
type Value interface{ value() }

// Null is met by a field that the event does not have.
type Null struct{}

// Bool is met by its name in any letter case.
type Bool bool

// Number is met by the same number.
type Number struct {
	Text  string // canonical: no leading zeros, no point when whole
	Float float64
}

// Regexp is met where the pattern is found, letter case as written unless
// IgnoreCase.
type Regexp struct {
	Pattern    string
	IgnoreCase bool // i
	Multiline  bool // m: ^ and $ at every line
	DotAll     bool // s: . is a line end too
	Start, End bool // startswith and endswith: the match must begin or end the value
}

// Syntax is the pattern with its flags and anchors before and after.
func (r Regexp) Syntax() string {
	p := r.Pattern
	switch {
	case r.Start && r.End: // contains
	case r.Start:
		p = `\A(?:` + p + ")"
	case r.End:
		p = "(?:" + p + `)\z`
	}
	flags := ""
	for _, f := range []struct {
		on   bool
		name string
	}{{r.IgnoreCase, "i"}, {r.Multiline, "m"}, {r.DotAll, "s"}} {
		if f.on {
			flags += f.name
		}
	}
	if flags != "" {
		p = "(?" + flags + ")" + p
	}
	return p
}

// CIDR is met by an address inside a network.
type CIDR struct{ Prefix netip.Prefix }

// Exists is met by a field that the event has, or has not.
type Exists bool

// FieldRef is met by the value of another field: equal to it, or starting,
// ending or (both) holding it, ignoring letter case.
type FieldRef struct {
	Field      string
	Start, End bool
}

// Compare is met by numbers on one side of another.
type Compare struct {
	Op     Op
	Number Number
}

// Op is a comparison.
type Op uint8

const (
	Eq Op = iota
	Ne
	Lt
	Le
	Gt
	Ge
)

// opNames are the words of conditions and modifiers.
var opNames = [...]string{"eq", "neq", "lt", "lte", "gt", "gte"}

func (o Op) String() string { return [...]string{"=", "!=", "<", "<=", ">", ">="}[min(o, Ge)] }

// Word is the operator as conditions and modifiers write it.
func (o Op) Word() string { return opNames[min(o, Ge)] }

// Holds reports whether a o b.
func (o Op) Holds(a, b float64) bool {
	switch o {
	case Eq:
		return a == b
	case Ne:
		return a != b
	case Lt:
		return a < b
	case Le:
		return a <= b
	case Gt:
		return a > b
	}
	return a >= b
}

// TimePart is met by times (UTC) whose minute, hour, day, ISO week, month or
// year is Number.
type TimePart struct {
	Unit   TimeUnit
	Number int
}

// TimeUnit is a part of a time.
type TimeUnit uint8

const (
	Minute TimeUnit = iota
	Hour
	Day
	Week
	Month
	Year
)

var unitNames = [...]string{"minute", "hour", "day", "week", "month", "year"}

func (u TimeUnit) String() string { return unitNames[min(u, Year)] }

// Of is the unit's number in a time.
func (u TimeUnit) Of(t time.Time) int {
	switch u {
	case Minute:
		return t.Minute()
	case Hour:
		return t.Hour()
	case Day:
		return t.Day()
	case Week:
		_, w := t.ISOWeek()
		return w
	case Month:
		return int(t.Month())
	}
	return t.Year()
}

// AnyOf is met by any of some values, also within a list that must hold whole:
// what windash, base64offset and placeholders make of one value.
type AnyOf []Value

func (String) value()   {}
func (Number) value()   {}
func (Bool) value()     {}
func (Null) value()     {}
func (Regexp) value()   {}
func (CIDR) value()     {}
func (Exists) value()   {}
func (FieldRef) value() {}
func (Compare) value()  {}
func (TimePart) value() {}
func (AnyOf) value()    {}

// Filter narrows the rules it names, or all of its log source.
type Filter struct {
	Meta
	LogSource LogSource
	Any       bool // every rule of the log source
	Rules     []Ref
	Searches  []*Search
	Condition *Condition
}

// Applies reports whether the filter narrows a rule.
func (f *Filter) Applies(r *Rule) bool {
	if !f.LogSource.Covers(r.LogSource) {
		return false
	}
	if f.Any {
		return true
	}
	for _, ref := range f.Rules {
		if r.Known(ref.Name) {
			return true
		}
	}
	return false
}

// Ref names a rule by id or name.
type Ref struct {
	Name string
	Span diag.Span
}

// Correlation is a rule over the matches of other rules.
type Correlation struct {
	Meta
	Type     CorrelationType
	Rules    []Ref
	Generate bool // the rules it is made of report their own matches too
	GroupBy  []Named
	Span     diag.Span // of the correlation section
	Timespan time.Duration
	Aliases  []Alias

	// Bounds, Fields and Percentile are the condition: all bounds must hold.
	// Fields are those whose values are counted or measured.
	Bounds     []Bound
	Fields     []Named
	Percentile float64
	// ConditionSpan is where the condition stands, if it is written.
	ConditionSpan diag.Span
	// Expr is the condition of a temporal correlation written as an expression
	// over the rules; nil for a count of them.
	Expr Expr
}

// Holds reports whether a count, or a measure, meets all bounds.
func (c *Correlation) Holds(n float64) bool {
	for _, b := range c.Bounds {
		if !b.Op.Holds(n, b.Count) {
			return false
		}
	}
	return true
}

// Meets reports whether the condition over rules holds when seen says of each,
// by its place among Rules, whether it matched.
func (c *Correlation) Meets(seen func(rule int) bool) bool { return c.meets(c.Expr, seen) }

func (c *Correlation) meets(x Expr, seen func(int) bool) bool {
	switch x := x.(type) {
	case *And:
		for _, y := range x.Of {
			if !c.meets(y, seen) {
				return false
			}
		}
		return true
	case *Or:
		for _, y := range x.Of {
			if c.meets(y, seen) {
				return true
			}
		}
		return false
	case *Not:
		return !c.meets(x.X, seen)
	case *Use:
		for i, r := range c.Rules {
			if r.Name == x.Name {
				return seen(i)
			}
		}
	}
	return false
}

// FieldOf is what the field that the correlation calls name is called in the
// events of one of its rules. An alias names the rule as Rules does, or by its
// other name.
func (c *Correlation) FieldOf(name string, ref Ref, rule *Meta) string {
	for _, a := range c.Aliases {
		if a.Name != name {
			continue
		}
		if f, ok := a.Fields[ref.Name]; ok {
			return f
		}
		for by, f := range a.Fields {
			if rule.Known(by) {
				return f
			}
		}
	}
	return name
}

// Bound is a bound of a correlation's condition, such as gte: 10. Span is the
// zero Span where the condition is not written.
type Bound struct {
	Op    Op
	Count float64
	Span  diag.Span
}

// Named is a name with its place.
type Named struct {
	Name string
	Span diag.Span
}

// Alias is a name for fields that are called otherwise in the rules' events.
type Alias struct {
	Name   string
	Fields map[string]string // id or name of a rule -> field
	Span   diag.Span
}

// CorrelationType is how a correlation looks at the matches of a window.
type CorrelationType uint8

const (
	EventCount CorrelationType = iota
	ValueCount
	Temporal
	TemporalOrdered
	ValueSum
	ValueAvg
	ValuePercentile
	ValueMedian
)

var correlationNames = [...]string{
	"event_count", "value_count", "temporal", "temporal_ordered",
	"value_sum", "value_avg", "value_percentile", "value_median",
}

func (t CorrelationType) String() string { return correlationNames[min(t, ValueMedian)] }
