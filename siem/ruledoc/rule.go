package ruledoc

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
)

// Source is a text of a document that is read further, with the place where it
// stands.
type Source struct {
	Text string
	At   diag.Span // in the document, quotes included
}

// Rule is a rule of any kind as what runs it reads it. Fields that its kind does not
// have are zero.
type Rule struct {
	What       string // MatchRule, ...
	ID         string // of its document, or made from its name
	Name       string
	Enabled    bool
	Prototype  bool
	Expression Source // which records take part: expression, match_expression or filter_expression
	Tags       []string

	NameTemplate        Source // of a threshold and chain the plain name
	SummaryTemplate     Source
	DescriptionTemplate Source

	Selectors []Selector
	Score     int       // severity of threshold, chain, first seen and outlier
	Severity  *Severity // of match and aggregation

	Window        int64 // ms
	GroupBy       []string
	Limit         int    // of a threshold
	Distinct      bool   // the distinct values of CountField are counted
	CountField    string // of a threshold
	Steps         []Step // of a chain
	Ordered       bool
	Functions     []Function // of an aggregation and an outlier
	Trigger       Source     // of an aggregation
	GroupByEntity bool       // of an aggregation

	PerEntity   bool     // first seen: a baseline for each value of GroupBy
	ValueFields []string // first seen
	Learning    int64    // ms
	Retention   int64    // ms
	Deviations  float64
	Floor       float64
	SkipEmpty   bool // outlier: gyoji's option empty_buckets: skip

	// Suppression is the rule's window in ms, 0 if it has none.
	Suppression int64
	// ContentType is RULE, ANOMALY or THREAT_INTEL.
	ContentType string

	Doc *Document
}

// OneSeverity is the severity of all signals of the rule; it is not ok where each record
// may give another one.
func (r *Rule) OneSeverity() (severity int, ok bool) {
	switch s := r.Severity; {
	case s == nil:
		return r.Score, true
	case s.Type == "constant" && s.Default != nil:
		return int(*s.Default), true
	}
	return 0, false
}

// Selector says on which entity a rule's signals are (5.2).
type Selector struct {
	Type string // _hostname
	Attr Source // the attribute
}

// Step is one of a chain's.
type Step struct {
	Expression Source
	Limit      int
}

// Function is an aggregation function with its name and arguments.
type Function struct {
	Name, Function string
	Arguments      []Source
	At             diag.Span
}

// Severity says how severe a signal is (5.3).
type Severity struct {
	Type    string // constant, fieldValue or fieldValueMapping
	Field   string
	Default *float64 // nil is none
	Cases   []Case
	At      diag.Span
}

// Case is an entry of a fieldValueMapping. Kind is equal, lt, gt, range or absent.
type Case struct {
	Kind     string
	From, To string // the value or range
	Severity float64
}

// windows are the sizes of windows by name (6), in ms; the second spellings are the
// catalogue's.
var windows = map[string]int64{
	"T05M": 5 * minute, "T10M": 10 * minute, "T30M": 30 * minute, "T60M": 60 * minute, "T12H": 12 * 60 * minute, "T24H": 24 * 60 * minute, "T05D": 5 * 24 * 60 * minute,
}

const (
	minute      = int64(60_000)
	day         = 24 * 60 * minute
	customLeast = minute
	windowMost  = 5 * day
	// suppressionMost is the longest suppression window (5.7).
	suppressionMost = 7 * day
	retentionMost   = 90 * day
)

// aggregates are the aggregation functions (4.10).
var aggregates = []string{"avg", "count", "count_distinct", "first", "last", "max", "min", "sum"}

// reader reads a document's keys and collects what is wrong with them.
type reader struct {
	d     *Document
	found diag.List
}

func (r *reader) fail(at diag.Span, code, format string, args ...any) {
	r.found.Add(problem(r.d.File, at, code, format, args...))
}

// get is the first of some keys that is there and not null.
func (r *reader) get(keys ...string) *Value {
	for _, k := range keys {
		if v := r.d.Body.Get(k); v != nil && v.Kind != Null {
			return v
		}
	}
	return nil
}

func (r *reader) source(keys ...string) Source {
	v := r.get(keys...)
	if v == nil {
		return Source{At: r.d.Body.At}
	}
	if v.Kind != Text {
		r.fail(v.At, "bad-value", "%s is %s, and must be text", keys[0], v.Kind)
		return Source{At: v.At}
	}
	return Source{v.Text, v.At}
}

func (r *reader) text(keys ...string) string { return r.source(keys...).Text }

func (r *reader) yes(key string, otherwise bool) bool {
	v := r.get(key)
	if v == nil {
		return otherwise
	}
	b, ok := v.bool()
	if !ok {
		r.fail(v.At, "bad-value", "%s is %s, and must be true or false", key, v.Kind)
	}
	return b
}

func (r *reader) number(otherwise float64, keys ...string) float64 {
	v := r.get(keys...)
	if v == nil {
		return otherwise
	}
	f, ok := v.float()
	if !ok {
		r.fail(v.At, "bad-value", "%s must be a number", keys[0])
		return otherwise
	}
	return f
}

func (r *reader) whole(otherwise int64, keys ...string) int64 {
	v := r.get(keys...)
	f := r.number(float64(otherwise), keys...)
	if f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		r.fail(v.At, "bad-value", "%s must be a whole number", keys[0])
		return otherwise
	}
	return int64(f)
}

func (r *reader) texts(v *Value, key string) (out []Source) {
	if v == nil {
		return nil
	}
	items := v.Items
	if v.Kind == Text {
		items = []Value{*v}
	} else if v.Kind != List {
		r.fail(v.At, "bad-value", "%s is %s, and must be a list of texts", key, v.Kind)
		return nil
	}
	for i := range items {
		if x := &items[i]; x.Kind == Text {
			out = append(out, Source{x.Text, x.At})
		} else if x.Kind == Bool || x.Kind == Number {
			out = append(out, Source{x.Text, x.At})
		} else {
			r.fail(x.At, "bad-value", "%s has %s in it, and wants texts", key, x.Kind)
		}
	}
	return out
}

func plain(list []Source) (out []string) {
	for _, s := range list {
		out = append(out, s.Text)
	}
	return out
}

// Rule is the document as a rule. It is nil, with an error in the list, where the
// rule cannot run.
func (d *Document) Rule() (*Rule, diag.List) {
	r := &reader{d: d}
	if !d.IsRule() {
		return nil, diag.List{problem(d.File, d.Body.At, "no-rule", "this is no rule but a %s", strings.ReplaceAll(d.What, "_", " "))}
	}
	x := &Rule{
		What: d.What, Doc: d, ID: r.id(), Name: r.text("name"), Enabled: r.yes("enabled", r.yes("enabled_by_default", true)), Prototype: r.yes("is_prototype", false),
		Expression:          r.source("expression", "match_expression", "filter_expression"),
		Tags:                plain(r.texts(r.get("tags"), "tags")),
		NameTemplate:        r.source("name_expression", "name"),
		SummaryTemplate:     r.source("summary_expression", "summary"),
		DescriptionTemplate: r.source("description_expression", "description"),
		GroupBy:             plain(r.texts(r.get("group_by_fields"), "group_by_fields")),
		Suppression:         r.whole(0, "suppression_window_size"),
		ContentType:         strings.ToUpper(r.text("content_type")),
	}
	if x.Name == "" {
		x.Name = x.NameTemplate.Text
	}
	if x.Name == "" {
		x.Name = d.Label
	}
	if x.Name == "" {
		r.fail(d.Body.At, "rule-without-name", "the rule has no name")
	}
	if d.What == ThresholdRule || d.What == ChainRule {
		x.NameTemplate = r.source("name")
	}
	if x.NameTemplate.Text == "" {
		x.NameTemplate.Text = x.Name
	}
	if x.ID == "" {
		x.ID = madeID(d.What, x.Name)
	}
	if x.ContentType == "" {
		x.ContentType = "RULE"
		if d.What == FirstSeenRule || d.What == OutlierRule {
			x.ContentType = "ANOMALY"
		}
	}
	if x.Suppression < 0 || x.Suppression > suppressionMost {
		r.fail(r.get("suppression_window_size").At, "bad-window", "a suppression window is from 0 to %d ms (7 days), and this is %d", suppressionMost, x.Suppression)
	}
	r.selectors(x)
	if s := r.get("stream"); s != nil && s.Text != "record" {
		r.fail(s.At, "bad-value", "the stream of a rule is record, and this is %s", s.Text)
	}
	switch d.What {
	case MatchRule, AggregationRule:
		r.severity(x)
	default:
		x.Score = int(r.whole(-1, "score", "severity"))
		if v := r.get("score", "severity"); v == nil {
			r.fail(d.Body.At, "no-severity", "the rule has no severity")
		} else if x.Score < 0 || x.Score > 10 {
			r.fail(v.At, "bad-severity", "a severity is from 0 to 10, and this is %s", v.Text)
		}
	}
	switch d.What {
	case ThresholdRule:
		x.Limit = int(r.whole(0, "limit"))
		if x.Limit < 1 {
			r.fail(r.at("limit"), "bad-limit", "a threshold rule wants a limit of at least 1")
		}
		x.Distinct, x.CountField = r.yes("count_distinct", false), r.text("count_field")
		if x.Distinct && x.CountField == "" {
			r.fail(r.at("count_distinct"), "no-count-field", "count_distinct wants a count_field whose values are counted")
		}
	case ChainRule:
		r.steps(x)
	case AggregationRule, OutlierRule:
		r.functions(x)
		x.Trigger, x.GroupByEntity = r.source("trigger_expression"), r.yes("group_by_asset", r.yes("group_by_entity", true))
		if d.What == AggregationRule && x.Trigger.Text == "" {
			r.fail(d.Body.At, "no-trigger", "an aggregation rule wants a trigger_expression")
		}
	}
	if d.What == FirstSeenRule || d.What == OutlierRule {
		x.Learning, x.Retention = r.whole(30*day, "baseline_window_size"), r.whole(90*day, "retention_window_size")
		if x.Retention <= 0 || x.Retention > retentionMost {
			r.fail(r.at("retention_window_size"), "bad-window", "retention_window_size is above 0 and at most %d ms (90 days), and this is %d", retentionMost, x.Retention)
		}
		if x.Learning < 0 || x.Learning >= x.Retention {
			r.fail(r.at("baseline_window_size"), "bad-window", "baseline_window_size (%d ms) has to be less than retention_window_size (%d ms)", x.Learning, x.Retention)
		}
	}
	switch d.What {
	case FirstSeenRule:
		x.ValueFields = plain(r.texts(r.get("value_fields", "value_expression"), "value_fields"))
		if len(x.ValueFields) == 0 {
			r.fail(d.Body.At, "no-value-fields", "a first seen rule wants value_fields: what is seen for the first time")
		}
		switch t := strings.ToUpper(r.text("baseline_type")); t {
		case "PER_ENTITY":
			x.PerEntity = true
			if len(x.GroupBy) == 0 {
				r.fail(r.at("baseline_type"), "no-group-by", "a baseline PER_ENTITY wants group_by_fields")
			}
		case "GLOBAL", "":
		default:
			r.fail(r.at("baseline_type"), "bad-value", "baseline_type is GLOBAL or PER_ENTITY, and this is %s", t)
		}
	case OutlierRule:
		x.Deviations, x.Floor = r.number(3, "deviation_threshold"), r.number(1, "floor_value")
		if !(x.Deviations > 0) {
			r.fail(r.at("deviation_threshold"), "bad-value", "deviation_threshold is above 0: 1 to 5 standard deviations")
		}
		x.SkipEmpty = r.text("empty_buckets") == "skip"
		if len(x.Functions) != 1 && len(x.Functions) > 0 {
			r.fail(x.Functions[1].At, "bad-value", "an outlier rule has one aggregation function")
		}
	}
	if d.What != MatchRule && d.What != FirstSeenRule {
		r.window(x)
	}
	if x.Expression.Text == "" && d.What != ChainRule {
		r.fail(d.Body.At, "no-expression", "the rule has no expression: it says nothing of which records it is about")
	}
	if r.found.HasErrors() {
		return nil, r.found
	}
	return x, r.found
}

func (r *reader) at(keys ...string) diag.Span {
	if v := r.get(keys...); v != nil {
		return v.At
	}
	return r.d.Body.At
}

// id is the rule's id: MATCH-S00001. The catalogue has a number of its own as id, and
// the rule's in id_compiled.
func (r *reader) id() string {
	for _, k := range []string{"id_compiled", "id", "rule_id"} {
		if v := r.get(k); v != nil && v.Kind == Text && v.Text != "" {
			return v.Text
		}
	}
	return ""
}

// madeID is the id of a rule whose document has none: of users' rules, made from the
// name (R07).
func madeID(what, name string) string {
	for _, p := range patterns {
		if p.kind == what {
			h := sha256.Sum256([]byte(name))
			return p.id + "-U" + hex.EncodeToString(h[:4])
		}
	}
	return name
}

func (r *reader) selectors(x *Rule) {
	if v := r.get("entity_selectors"); v != nil {
		if v.Kind == Object {
			v = &Value{Kind: List, Items: []Value{*v}, At: v.At}
		}
		if v.Kind != List {
			r.fail(v.At, "bad-value", "entity_selectors is %s, and must be a list", v.Kind)
			return
		}
		for i := range v.Items {
			e := &v.Items[i]
			t, a := e.Get("entity_type"), e.Get("expression")
			if t == nil || a == nil || t.Kind != Text || a.Kind != Text {
				r.fail(e.At, "bad-selector", "an entity selector wants entity_type and expression")
				continue
			}
			if !strings.HasPrefix(t.Text, "_") {
				t = &Value{Kind: Text, Text: "_" + t.Text, At: t.At}
			}
			x.Selectors = append(x.Selectors, Selector{t.Text, Source{strings.TrimSpace(a.Text), a.At}})
		}
	}
	if v := r.get("asset_field"); v != nil && v.Kind == Text && v.Text != "" && len(x.Selectors) == 0 {
		x.Selectors = []Selector{{"", Source{v.Text, v.At}}} // the type follows from the attribute (5.2)
	}
	if len(x.Selectors) == 0 {
		r.fail(r.d.Body.At, "no-entity", "the rule has no entity_selectors: a signal is on an entity")
	}
}

func (r *reader) severity(x *Rule) {
	v := r.get("score_mapping", "severity_mapping")
	if v != nil && v.Kind == List && len(v.Items) == 1 {
		v = &v.Items[0]
	}
	if v == nil || v.Kind != Object {
		s := r.get("score", "severity")
		if s == nil {
			r.fail(r.d.Body.At, "no-severity", "the rule has no severity: neither score_mapping nor score")
			return
		}
		f, ok := s.float()
		if !ok || f < 0 || f > 10 {
			r.fail(s.At, "bad-severity", "a severity is from 0 to 10, and this is %s", s.Text)
		}
		x.Severity = &Severity{Type: "constant", Default: &f, At: s.At}
		return
	}
	s := &Severity{Type: "constant", At: v.At}
	if t := v.Get("type"); t != nil {
		s.Type = t.Text
	}
	if f := v.Get("field"); f != nil {
		s.Field = f.Text
	}
	if d := v.Get("default"); d != nil && d.Kind != Null {
		f, ok := d.float()
		if !ok || f < 0 || f > 10 {
			r.fail(d.At, "bad-severity", "a severity is from 0 to 10, and the default is %s", d.Text)
		}
		s.Default = &f
	}
	switch s.Type {
	case "constant":
		if s.Default == nil {
			r.fail(v.At, "bad-severity", "a constant severity wants a default")
		}
	case "fieldValue", "fieldValueMapping":
		if s.Field == "" {
			r.fail(v.At, "bad-severity", "a severity of type %s wants a field", s.Type)
		}
	default:
		r.fail(v.At, "bad-severity", "a severity is constant, fieldValue or fieldValueMapping, and this is %q", s.Type)
	}
	if m := v.Get("mapping"); m != nil {
		for i := range m.Items {
			if c, ok := r.scored(&m.Items[i]); ok {
				s.Cases = append(s.Cases, c)
			}
		}
	}
	x.Severity = s
}

// synonyms are the spellings of a case's kind (5.3; 16, 13).
var synonyms = map[string]string{
	"equal": "equal", "eq": "equal", "equals": "equal", "lt": "lt", "less_than": "lt", "lessthan": "lt", "gt": "gt", "greater_than": "gt", "greaterthan": "gt",
	"range": "range", "between": "range", "absent": "absent", "not_in_record": "absent", "notinrecord": "absent", "missing": "absent",
}

func (r *reader) scored(v *Value) (c Case, ok bool) {
	word := func(key string) string {
		if x := v.Get(key); x != nil && x.Kind != Null {
			return x.Text
		}
		return ""
	}
	c.Kind = synonyms[strings.ToLower(strings.ReplaceAll(word("type"), " ", "_"))]
	if c.Kind == "" {
		r.fail(v.At, "bad-severity", "an entry of a mapping is equal, lt, gt, range or absent, and this is %q", word("type"))
		return c, false
	}
	c.From, c.To = word("from"), word("from_end")
	to := v.Get("to")
	if to == nil {
		r.fail(v.At, "bad-severity", "an entry of a mapping wants the severity that it gives: to")
		return c, false
	}
	f, ok := to.float()
	if !ok || f < 0 || f > 10 {
		r.fail(to.At, "bad-severity", "a severity is from 0 to 10, and this is %s", to.Text)
		return c, false
	}
	c.Severity = f
	return c, true
}

func (r *reader) steps(x *Rule) {
	v := r.get("expressions_and_limits")
	if v == nil || v.Kind != List || len(v.Items) == 0 {
		r.fail(r.at("expressions_and_limits"), "no-steps", "a chain rule wants expressions_and_limits: its steps")
		return
	}
	x.Ordered = r.yes("ordered", false)
	for i := range v.Items {
		e := &v.Items[i]
		s := Step{Limit: 1}
		if t := e.Get("expression"); t != nil && t.Kind == Text && t.Text != "" {
			s.Expression = Source{t.Text, t.At}
		} else {
			r.fail(e.At, "no-expression", "step %d of the chain has no expression", i+1)
		}
		if l := e.Get("limit"); l != nil && l.Kind != Null {
			f, ok := l.float()
			if !ok || f < 1 || f != math.Trunc(f) || f > 1e6 {
				r.fail(l.At, "bad-limit", "the limit of a step is a whole number from 1 to 1000000, and this is %s", l.Text)
			}
			s.Limit = int(f)
		}
		x.Steps = append(x.Steps, s)
	}
	if len(x.Steps) > 64 {
		r.fail(v.At, "too-many-steps", "a chain has at most 64 steps, and this has %d", len(x.Steps))
	}
}

func (r *reader) functions(x *Rule) {
	v := r.get("aggregation_functions")
	if v == nil || v.Kind != List || len(v.Items) == 0 {
		r.fail(r.at("aggregation_functions"), "no-functions", "the rule wants aggregation_functions")
		return
	}
	seen := map[string]bool{}
	for i := range v.Items {
		e := &v.Items[i]
		f := Function{At: e.At}
		if n := e.Get("name"); n != nil {
			f.Name = n.Text
		}
		if n := e.Get("function"); n != nil {
			f.Function = strings.ToLower(n.Text)
		}
		f.Arguments = r.texts(e.Get("arguments"), "arguments")
		switch {
		case f.Name == "" || seen[f.Name]:
			r.fail(e.At, "bad-function", "an aggregation function needs a name of its own")
		case !slices.Contains(aggregates, f.Function):
			r.fail(e.At, "bad-function", "there is no aggregation function %q; there are %s", f.Function, strings.Join(aggregates, ", "))
		case len(f.Arguments) != 1 && !(f.Function == "count" && len(f.Arguments) == 0):
			r.fail(e.At, "bad-function", "%s wants one argument, and has %d", f.Function, len(f.Arguments))
		}
		if len(f.Arguments) == 0 {
			f.Arguments = []Source{{"true", e.At}}
		}
		seen[f.Name] = true
		x.Functions = append(x.Functions, f)
	}
}

// window reads the window in all its spellings: a name, ms, or 5m (6; 14.1).
func (r *reader) window(x *Rule) {
	v := r.get("window_size_name", "window_size", "window")
	at := r.at("window_size", "window")
	if v == nil {
		r.fail(r.d.Body.At, "bad-window", "the rule has no window_size")
		return
	}
	name := strings.ToUpper(strings.TrimSpace(v.Text))
	switch ms, known := windows[name]; {
	case known:
		x.Window = ms
	case name == "CUSTOM":
		x.Window = r.whole(0, "window_size_milliseconds", "window_size_millis", "window_size")
	case v.Kind == Number || allDigits(name):
		x.Window = r.whole(0, "window_size", "window", "window_size_name")
	default:
		ms, err := duration(name)
		if err != nil {
			r.fail(v.At, "bad-window", "%q is no window: it is T05M, T10M, T30M, T60M, T12H, T24H, T05D, or CUSTOM with window_size_milliseconds", v.Text)
			return
		}
		x.Window = ms
	}
	switch {
	case r.d.What == OutlierRule && x.Window != 60*minute && x.Window != day:
		r.fail(at, "bad-window", "an outlier rule's window is T60M or T24H, and this is %d ms", x.Window)
	case x.Window < customLeast || x.Window > windowMost:
		r.fail(at, "bad-window", "a window is from %d to %d ms (a minute to 5 days), and this is %d", customLeast, windowMost, x.Window)
	}
}

func allDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// duration is 5M or 24H, as catalogue exports write windows.
func duration(s string) (int64, error) {
	units := map[byte]int64{'S': 1000, 'M': minute, 'H': 60 * minute, 'D': day}
	if s == "" || units[s[len(s)-1]] == 0 {
		return 0, strconv.ErrSyntax
	}
	n, err := strconv.ParseInt(s[:len(s)-1], 10, 32)
	return n * units[s[len(s)-1]], err
}
