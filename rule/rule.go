// Package rule runs rules of every kind over one pass of events. A rule is
// lowered to an expression; a Set is many of them behind a candidate index, so
// that an event meets the few rules that it may match.
package rule

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/event"
	"github.com/gyoji-dev/gyoji/expr"
	"github.com/gyoji-dev/gyoji/mapping"
	"github.com/gyoji-dev/gyoji/sigma"
)

// Rule is a detection lowered to what runs.
type Rule struct {
	*sigma.Meta

	// When is the whole condition: the log source's and the rule's own.
	When expr.Expr

	// Fields are those that the rule tests, in the order of its text; of a
	// correlation, those it groups by.
	Fields []event.Slot

	// Correlation is set for rules over the matches of others; When is nil.
	Correlation *sigma.Correlation
	// Silent says that the rule's own matches are not reported: it is there for
	// the correlations made of it.
	Silent bool

	places   []mapping.LogSource
	anywhere bool      // any event of the product
	windows  bool      // the log source has channels
	cond     expr.Expr // the rule's own condition

	inputs []*Rule // of a correlation, as its Rules are
	feeds  []feed
}

// Unusable is a rule, or a file, that cannot run.
type Unusable struct {
	Title string // "" when it could not be read so far
	*diag.Diagnostic
}

// Scope is what rules are lowered in: the fields they share.
type Scope struct {
	Layout *event.Layout

	channel, provider, id event.Slot
	raw, text             event.Slot
	tests                 map[string]expr.Expr // equal tests are made once
}

// The names of slots that are not of the event: keywords are looked for in the
// texts of all its fields together.
const textName = "\x00text"

// NewScope makes a scope with a layout of its own.
func NewScope() *Scope {
	l := event.NewLayout("Channel", "Provider", "EventID", "_raw", textName)
	return &Scope{Layout: l, channel: 0, provider: 1, id: 2, raw: 3, text: 4, tests: map[string]expr.Expr{}}
}

// field reads a field by its Sigma name.
func (sc *Scope) field(name string) *expr.Field {
	flat := mapping.SigmaField(name)
	return &expr.Field{Slot: sc.Layout.Slot(flat), Name: flat}
}

// Lower makes rules of Sigma documents. Filters are applied to the rules they
// are for, placeholders replaced, and correlations tied to the rules they name.
// What cannot run comes back with its reason and place.
func (sc *Scope) Lower(docs []sigma.Document, values sigma.Placeholders) (rules []*Rule, unusable []Unusable) {
	fail := func(m *sigma.Meta, d *diag.Diagnostic) { unusable = append(unusable, Unusable{m.Title, d}) }
	var filters []*sigma.Filter
	for _, d := range docs {
		if f, ok := d.(*sigma.Filter); ok {
			if ds := sigma.Expand(f.File, f.Searches, values); ds.HasErrors() {
				fail(&f.Meta, ds[0])
				continue
			}
			filters = append(filters, f)
		}
	}
	var correlations []*Rule
	for _, d := range docs {
		switch d := d.(type) {
		case *sigma.Rule:
			r, problem := sc.rule(d, filters, values)
			if problem != nil {
				fail(&d.Meta, problem)
				continue
			}
			rules = append(rules, r)
		case *sigma.Correlation:
			r := &Rule{Meta: &d.Meta, Correlation: d}
			rules = append(rules, r)
			correlations = append(correlations, r)
		}
	}
	return tie(rules, correlations, fail, sc), unusable
}

// problem is a diagnostic about a place of a document.
func problem(m *sigma.Meta, at diag.Span, code, format string, args ...any) *diag.Diagnostic {
	return &diag.Diagnostic{Severity: diag.Error, Code: code, File: m.File, Span: at, Message: fmt.Sprintf(format, args...)}
}

// rule lowers a detection rule.
func (sc *Scope) rule(d *sigma.Rule, filters []*sigma.Filter, values sigma.Placeholders) (*Rule, *diag.Diagnostic) {
	if ds := sigma.Expand(d.File, d.Searches, values); ds.HasErrors() {
		return nil, ds[0]
	}
	r := &Rule{Meta: &d.Meta}
	l := d.LogSource
	var known bool
	if r.places, r.anywhere, known = mapping.LogSources(l.Product, l.Category, l.Service); !known {
		return nil, problem(&d.Meta, l.Span, "unknown-logsource", "it is not known where events of %s are written", l)
	}
	r.windows = r.anywhere || len(r.places) > 0
	low := &lowering{sc: sc, rule: r, meta: &d.Meta}
	var any []expr.Expr
	for _, c := range d.Conditions {
		any = append(any, low.condition(c.Expr))
	}
	r.cond = or(any)
	for _, f := range filters {
		if f.Applies(d) {
			low.meta = &f.Meta
			r.cond = &expr.And{X: r.cond, Y: low.condition(f.Condition.Expr)}
		}
	}
	if low.problem != nil {
		return nil, low.problem
	}
	r.When = &expr.And{X: sc.source(r), Y: r.cond}
	return r, nil
}

// source is the condition that an event is of a rule's log source.
func (sc *Scope) source(r *Rule) expr.Expr {
	channel := &expr.Field{Slot: sc.channel, Name: "Channel"}
	if !r.windows { // of other products, whose events have no channel
		return &expr.IsNull{X: channel}
	}
	if r.anywhere {
		return &expr.Not{X: &expr.And{X: &expr.IsNull{X: channel}, Y: &expr.IsNull{X: &expr.Field{Slot: sc.provider, Name: "Provider"}}}}
	}
	var any []expr.Expr
	for _, p := range r.places {
		place := expr.Expr(sc.same(sc.channel, p.Channel))
		if p.Provider != "" {
			place = &expr.Or{X: place, Y: &expr.And{X: &expr.IsNull{X: channel}, Y: sc.same(sc.provider, p.Provider)}}
		}
		if p.EventIDs != nil {
			var ids []expr.Expr
			for _, id := range p.EventIDs {
				ids = append(ids, sc.same(sc.id, id))
			}
			place = &expr.And{X: place, Y: or(ids)}
		}
		any = append(any, place)
	}
	return or(any)
}

// in is source computed for known values.
func (r *Rule) in(channel, provider, id event.Value) bool {
	if !r.windows {
		return channel.IsNull()
	}
	if r.anywhere {
		return !channel.IsNull() || !provider.IsNull()
	}
	for _, p := range r.places {
		switch {
		case !channel.IsNull() && strings.EqualFold(channel.Str(), p.Channel):
		case channel.IsNull() && p.Provider != "" && strings.EqualFold(provider.Str(), p.Provider):
		default:
			continue
		}
		if p.EventIDs == nil {
			return true
		}
		for _, e := range p.EventIDs {
			if id.Str() == e {
				return true
			}
		}
	}
	return false
}
