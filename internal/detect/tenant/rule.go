package tenant

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/machine"
	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/siem"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// Rule is a rule made ready to run over records.
type Rule struct {
	*ruledoc.Rule
	Tunings []*Tuning // that change what it fires on, in the order of their documents

	steps     []expr.Expr // its conditions: one, or those of a chain's steps; without tunings
	when      []expr.Expr // the same with tunings
	selectors []selector
	group     []*expr.Program
	values    []*expr.Program // what is counted or seen: of a threshold, of first seen
	args      []*expr.Program // of the aggregation functions
	threats   []*expr.Program // ids of the indicators that hasThreatMatch meets
	severity  *severity
	trigger   *trigger

	name, summary, description template
	texts                      []*expr.Program // values that the templates want
	shape                      uint32          // a digest of what texts are; 0 of none
	asks                       string          // a digest of what the rule asks
}

type selector struct {
	typ  string
	attr *expr.Program
}

// Tuning narrows or excludes what a rule fires on (5.8).
type Tuning struct {
	*ruledoc.TuningExpression
	cond expr.Expr
}

type tuning = Tuning

// addTuning reads a tuning expression. A broken one is not used, and its rules go on
// without it (5.8).
func (t *Tenant) addTuning(d *ruledoc.Document) {
	x, ds := d.Tuning()
	if !t.took(d, ds) || !x.Enabled {
		return
	}
	cond, ds := t.lower(d, x.Expression)
	if t.took(d, ds) {
		t.tunings = append(t.tunings, &Tuning{x, cond})
	}
}

// parse reads an expression of a document. A heredoc of Terraform ends with a line end
// that is not the expression's.
func (t *Tenant) parse(d *ruledoc.Document, s ruledoc.Source) (*siem.Expression, diag.List) {
	x, ds := siem.Parse(diag.Text(d.File.Name, strings.TrimSuffix(s.Text, "\n")))
	return x, ds
}

// lower makes a condition on records of an expression.
func (t *Tenant) lower(d *ruledoc.Document, s ruledoc.Source) (expr.Expr, diag.List) {
	x, ds := t.parse(d, s)
	if ds.HasErrors() {
		return nil, t.within(d, s, ds)
	}
	cond, more := rule.LowerSIEM(x, t.attrs)
	return cond, t.within(d, s, append(ds, more...))
}

// value makes a program of an expression that is a value: an attribute mostly.
func (t *Tenant) value(d *ruledoc.Document, s ruledoc.Source, found *diag.List) *expr.Program {
	x, ds := t.lower(d, s)
	*found = append(*found, ds...)
	if x == nil {
		x = &expr.Const{}
	}
	return expr.Compile(x)
}

// addRule readies a rule; one that cannot run is named.
func (t *Tenant) addRule(d *ruledoc.Document) {
	x, ds := d.Rule()
	if !t.took(d, ds) {
		return
	}
	if !x.Enabled {
		t.Disabled++
		return
	}
	if old := t.byID[x.ID]; old != nil {
		if id := d.Body.Get("id"); id != nil && id.Text != "" {
			t.took(d, diag.List{problem(d, id.At, "id-twice", "a rule before it has the id %s: %s, line %d", x.ID, old.Doc.File.Name, old.Doc.File.Place(old.Doc.Body.At.Start).Line)})
			return
		}
		for n := 2; t.byID[x.ID] != nil; n++ { // ids made of names may be the same
			x.ID = fmt.Sprintf("%s-%d", old.ID, n)
		}
	}
	r := &Rule{Rule: x}
	if t.took(d, t.ready(r)) {
		r.asks = r.asked()
		t.byID[x.ID] = r
	}
}

func problem(d *ruledoc.Document, at diag.Span, code, format string, args ...any) *diag.Diagnostic {
	return &diag.Diagnostic{Severity: diag.Error, Code: code, File: d.File, Span: at, Message: fmt.Sprintf(format, args...)}
}

// ready compiles what a rule says.
func (t *Tenant) ready(r *Rule) (found diag.List) {
	d := r.Doc
	conditions := []ruledoc.Source{r.Expression}
	if r.What == ruledoc.ChainRule {
		conditions = nil
		for _, s := range r.Steps {
			conditions = append(conditions, s.Expression)
		}
	}
	for _, s := range conditions {
		x, ds := t.lower(d, s)
		found = append(found, ds...)
		r.steps = append(r.steps, x)
		if x != nil {
			for _, ids := range rule.Indicators(t.attrs, x) {
				r.threats = append(r.threats, expr.Compile(ids))
			}
		}
	}
	attribute := func(name string) *expr.Program {
		return t.value(d, ruledoc.Source{Text: name, At: d.Body.At}, &found)
	}
	for _, s := range r.Selectors {
		if s.Type == "" { // an old rule's: the type follows from the attribute (5.2)
			if a := record.Schema()[s.Attr.Text]; a != nil {
				s.Type = a.Entity
			}
			if s.Type == "" {
				found.Add(problem(d, s.Attr.At, "no-entity", "%s names no type of entity; write entity_selectors", s.Attr.Text))
			}
		} else if !t.types[s.Type] {
			found.Add(problem(d, s.Attr.At, "unknown-entity-type", "there is no type of entities %s", s.Type))
		}
		r.selectors = append(r.selectors, selector{s.Type, t.value(d, s.Attr, &found)})
	}
	for _, name := range r.GroupBy {
		r.group = append(r.group, attribute(name))
	}
	switch r.What {
	case ruledoc.ThresholdRule:
		if r.Distinct {
			r.values = append(r.values, attribute(r.CountField))
		}
	case ruledoc.FirstSeenRule:
		for _, name := range r.ValueFields {
			r.values = append(r.values, attribute(name))
		}
	case ruledoc.AggregationRule, ruledoc.OutlierRule:
		for _, f := range r.Functions {
			r.args = append(r.args, t.value(d, f.Arguments[0], &found))
		}
		if r.What == ruledoc.AggregationRule {
			var ds diag.List
			r.trigger, ds = t.newTrigger(r)
			found = append(found, ds...)
		}
	}
	if r.Severity != nil {
		r.severity = &severity{Severity: r.Severity}
		if r.Severity.Field != "" && r.Severity.Type != "constant" {
			r.severity.field = t.value(d, ruledoc.Source{Text: r.Severity.Field, At: r.Severity.At}, &found)
		}
	}
	plain := r.What == ruledoc.ThresholdRule || r.What == ruledoc.ChainRule // their names are no templates (5.4)
	if plain {
		r.name, r.description = template{{text: r.NameTemplate.Text}}, template{{text: r.DescriptionTemplate.Text}}
	} else {
		r.name = t.template(r, r.NameTemplate, &found)
		r.description = t.template(r, r.DescriptionTemplate, &found)
	}
	r.summary = t.template(r, r.SummaryTemplate, &found)
	return found
}

// attach gives the rules their tunings.
func (t *Tenant) attach() {
	used := map[*tuning]bool{}
	for _, r := range t.Rules {
		for _, x := range t.tunings {
			if x.Global || slices.ContainsFunc(x.RuleIDs, func(id string) bool { return id == r.ID || strings.EqualFold(id, r.Name) }) {
				r.Tunings = append(r.Tunings, x)
				used[x] = true
			}
		}
		r.tune(r.Tunings)
	}
	for _, x := range t.tunings {
		if !used[x] && len(t.Rules) > 0 && len(x.RuleIDs) > 0 {
			t.Warnings.Add(&diag.Diagnostic{
				Severity: diag.Warning, Code: "tuning-of-unknown-rule", File: x.Doc.File, Span: x.Doc.Body.At,
				Message: fmt.Sprintf("the tuning %s is for %s, and no such rule runs", x.Name, strings.Join(x.RuleIDs, ", ")),
			})
		}
	}
}

// tune makes the rule's conditions with tunings: (base) AND (t) AND NOT (u).
func (r *Rule) tune(with []*Tuning) {
	r.when = nil
	for _, x := range r.steps {
		for _, u := range with {
			y := u.cond
			if u.Exclude {
				y = &expr.Not{X: y}
			}
			x = &expr.And{X: x, Y: y}
		}
		r.when = append(r.when, x)
	}
}

// Variant is the rule with other tunings, under another id, for comparison.
func (r *Rule) Variant(id string, with []*Tuning) *Rule {
	doc, x := *r.Rule, *r
	doc.ID = id
	x.Rule, x.Tunings = &doc, with
	x.tune(with)
	return &x
}

// machines makes groups of the rule for one run, which is one goroutine's at a time.
func (r *Rule) machines() func() machine.Machine {
	var functions []string
	for _, f := range r.Functions {
		functions = append(functions, f.Function)
	}
	var holds machine.Trigger
	if r.trigger != nil {
		holds = r.trigger.open()
	}
	return func() machine.Machine { return r.machine(functions, holds) }
}

func (r *Rule) machine(functions []string, holds machine.Trigger) machine.Machine {
	switch r.What {
	case ruledoc.ThresholdRule:
		return machine.NewThreshold(r.Limit, r.Window, r.Distinct)
	case ruledoc.ChainRule:
		var limits []int
		for _, s := range r.Steps {
			limits = append(limits, s.Limit)
		}
		return machine.NewChain(limits, r.Ordered, r.Window)
	case ruledoc.AggregationRule:
		return machine.NewAggregation(functions, holds, r.Window)
	case ruledoc.FirstSeenRule:
		return machine.NewFirstSeen(r.Learning, r.Retention)
	case ruledoc.OutlierRule:
		return machine.NewOutlier(&machine.OutlierRule{
			Function: functions[0], Bucket: r.Window, Learning: r.Learning, Retention: r.Retention,
			Deviations: r.Deviations, Floor: r.Floor, SkipEmpty: r.SkipEmpty,
		})
	}
	return machine.NewMatch()
}

// byEntity says whether the rule's groups are those of entities (6; 18, R04, R09).
func (r *Rule) byEntity() bool {
	switch r.What {
	case ruledoc.ThresholdRule, ruledoc.ChainRule:
		return true
	case ruledoc.AggregationRule:
		return r.GroupByEntity
	}
	return false
}

// trigger is the trigger expression of an aggregation rule: on the functions' values
// by name, and on attributes of the record that completes it (4.10).
type trigger struct {
	layout *event.Layout
	attrs  []*expr.Program // values that a hit has to bring, after the functions'
	cond   *expr.Program
}

// triggerNames are the names in a trigger expression: of functions first.
type triggerNames struct {
	t     *Tenant
	tr    *trigger
	attrs rule.Attributes
}

func (n triggerNames) Attribute(name string) (expr.Expr, *diag.Diagnostic) {
	if s, ok := n.tr.layout.Find(name); ok && n.tr.layout.Name(s) == name {
		return &expr.Field{Slot: s, Name: name}, nil
	}
	x, problem := n.attrs.Attribute(name)
	if x == nil {
		return nil, problem
	}
	return n.column(name, x), problem
}

func (n triggerNames) Raw(key string) expr.Expr {
	return n.column(record.RawPrefix+key, n.attrs.Raw(key))
}

// column makes an attribute of the record a column of the trigger's.
func (n triggerNames) column(name string, x expr.Expr) expr.Expr {
	n.tr.attrs = append(n.tr.attrs, expr.Compile(x))
	return &expr.Field{Slot: n.tr.layout.Exact(name), Name: name}
}

func (t *Tenant) newTrigger(r *Rule) (*trigger, diag.List) {
	tr := &trigger{layout: event.NewLayout()}
	for _, f := range r.Functions {
		tr.layout.Exact(f.Name)
	}
	x, ds := t.parse(r.Doc, r.Trigger)
	if ds.HasErrors() {
		return nil, t.within(r.Doc, r.Trigger, ds)
	}
	cond, more := rule.LowerSIEM(x, triggerNames{t, tr, t.attrs})
	ds = t.within(r.Doc, r.Trigger, append(ds, more...))
	if cond == nil {
		return nil, ds
	}
	tr.cond = expr.Compile(cond)
	return tr, ds
}

// open readies the trigger for one run: what it computes in is not shared.
func (tr *trigger) open() machine.Trigger {
	run, b := tr.cond.Open(&expr.Env{}), &event.Batch{}
	return func(values []event.Value, h *machine.Hit) bool {
		b.Reset()
		b.AddRow(h.Time, h.Pos)
		for i, v := range append(slices.Clip(values), dataOf(h).of...) {
			b.Col(event.Slot(i)).Set(0, v)
		}
		return run.Value(b, 0).True()
	}
}
