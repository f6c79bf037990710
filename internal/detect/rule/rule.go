// Package rule runs rules of every kind over one pass of events. A rule is
// lowered to an expression; a Set is many of them with one index, by which an
// event is compared only with the few rules that it may match.
package rule

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/sigma"
)

// Rule is a detection lowered to what runs.
type Rule struct {
	*sigma.Meta

	// Fields are those that the rule tests, in the order of its text; of a
	// correlation, those it groups by.
	Fields []event.Slot
	// Names are what the rule itself calls them.
	Names []string

	// Source is the log source as the rule writes it.
	Source sigma.LogSource

	// Correlation is set for rules over the matches of others; they have no When.
	Correlation *sigma.Correlation
	// Silent says that the rule's own matches are not reported: it is there for
	// the correlations made of it.
	Silent bool

	scope    *Scope
	places   []mapping.LogSource
	anywhere bool      // any event of the product
	windows  bool      // the log source has channels
	cond     expr.Expr // the rule's own condition, which reads Fields
	keywords bool      // and what stands anywhere in an event

	inputs []*Rule // of a correlation, as its Rules are
	feeds  []feed
}

// reads notes a field that the rule looks at.
func (r *Rule) reads(s event.Slot, name string) {
	if !slices.Contains(r.Fields, s) {
		r.Fields, r.Names = append(r.Fields, s), append(r.Names, name)
	}
}

// Unusable is a rule, or a file, that cannot run.
type Unusable struct {
	Title string // "" when it could not be read so far
	*diag.Diagnostic
}

// Scope is what rules are lowered in: the fields they share.
type Scope struct {
	Layout *event.Layout
	// Untrimmed has every value compared as it is alone, also of the fields that
	// Windows pads with blanks (mapping.Padded), as a query of another language does.
	Untrimmed bool
	// Twins has rules about categories of Sysmon's events look at the Security log's
	// events too that say the same (mapping.TwinOf). Readers have to be asked for them.
	Twins bool

	channel, provider, id event.Slot
	raw, text             event.Slot
	names                 map[string]*name // of fields, as rules write them

	mu    sync.Mutex
	tests map[string]expr.Expr // equal tests are made once
}

// The names of slots that are not of the event: keywords are looked for in the
// texts of all its fields together.
const textName = "\x00text"

// NewScope makes a scope with a layout of its own.
func NewScope() *Scope {
	l := event.NewLayout("Channel", "Provider", "EventID", "_raw", textName)
	return &Scope{Layout: l, channel: 0, provider: 1, id: 2, raw: 3, text: 4, names: map[string]*name{}, tests: map[string]expr.Expr{}}
}

// name is a field by its Sigma name: what reads it, and the fields looked at.
type name struct {
	x     expr.Expr
	slots []event.Slot
	key   string // the same for names of the same field
}

// name finds or makes what a Sigma name stands for. A digest that the event has
// no field of is cut out of its list of them.
func (sc *Scope) name(of string) *name {
	if n := sc.names[of]; n != nil {
		return n
	}
	f := sc.field(of)
	n := &name{x: f, slots: []event.Slot{f.Slot}, key: strings.ToLower(f.Name)}
	sc.names[of] = n
	digest, ok := mapping.Digest(of)
	if !ok {
		return n
	}
	args := []expr.Expr{f}
	for _, list := range mapping.DigestLists {
		l := sc.field(list)
		args, n.slots = append(args, l), append(n.slots, l.Slot)
	}
	n.x = &expr.Call{Name: digestCall, Args: args, Nulls: true, Fn: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		if !args[0].IsNull() {
			return args[0], nil
		}
		var v event.Value
		for _, list := range args[1:] {
			if expr.Some(list, expr.Values, func(part event.Value) bool {
				cut, ok := mapping.CutDigest(part.Str(), digest)
				if v = event.Text(cut); list.IsList() { // whose parts are lent
					v = v.Clone()
				}
				return ok
			}) {
				return v, nil
			}
		}
		return event.Value{}, nil
	}}
	return n
}

// digestCall is the name of what reads a digest. It stands word for word in one
// of the arguments.
const digestCall = "digest"

// nameFields makes what the names in a condition stand for. That is done rule by
// rule before any is lowered: of two spellings of a name the first one counts.
func (sc *Scope) nameFields(x sigma.Expr) {
	tests := func(s *sigma.Search) {
		sigma.WalkTests(s.Item, func(t *sigma.Test) {
			if !t.Keyword() {
				sc.name(t.Field)
			}
			for _, v := range t.Values {
				if ref, ok := v.(sigma.FieldRef); ok {
					sc.name(ref.Field)
				}
			}
		})
	}
	sigma.WalkExpr(x, func(y sigma.Expr) {
		switch y := y.(type) {
		case *sigma.Use:
			tests(y.Search)
		case *sigma.Of:
			for _, s := range y.Searches {
				tests(s)
			}
		}
	})
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
	for _, d := range docs {
		if d, ok := d.(*sigma.Rule); ok {
			for _, c := range d.Conditions {
				sc.nameFields(c.Expr)
			}
		}
	}
	for _, f := range filters {
		sc.nameFields(f.Condition.Expr)
	}
	lowered := make([]*Rule, len(docs))
	problems := make([]*diag.Diagnostic, len(docs))
	atOnce(len(docs), 16, func(i int) {
		d, ok := docs[i].(*sigma.Rule)
		if !ok {
			return
		}
		if err := exec.Guard("reading", func() error {
			lowered[i], problems[i] = sc.rule(d, filters, values)
			return nil
		}); err != nil { // this rule's alone
			problems[i] = problem(&d.Meta, diag.Span{}, "bug", "%v", err)
		}
	})
	var correlations []*Rule
	for i, d := range docs {
		switch d := d.(type) {
		case *sigma.Rule:
			if problems[i] != nil {
				fail(&d.Meta, problems[i])
				continue
			}
			rules = append(rules, lowered[i])
		case *sigma.Correlation:
			r := &Rule{Meta: &d.Meta, Correlation: d}
			rules = append(rules, r)
			correlations = append(correlations, r)
		}
	}
	return tie(rules, correlations, fail, sc), unusable
}

// atOnce calls do for 0 to n-1, with all cores, each of which takes a few at a time.
func atOnce(n, few int, do func(i int)) {
	if n <= few {
		for i := range n {
			do(i)
		}
		return
	}
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for {
				end := int(next.Add(int64(few)))
				for i := end - few; i < min(end, n); i++ {
					do(i)
				}
				if end >= n {
					return
				}
			}
		})
	}
	wg.Wait()
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
	r := &Rule{Meta: &d.Meta, Source: d.LogSource, scope: sc}
	l := d.LogSource
	var known bool
	if r.places, r.anywhere, known = mapping.LogSources(l.Product, l.Category, l.Service); !known {
		return nil, problem(&d.Meta, l.Span, "unknown-logsource", "it is not known where events of %s are written", l)
	}
	r.windows = r.anywhere || len(r.places) > 0
	if !r.windows {
		r.places = mapping.AlsoAt(l.Product, l.Category, l.Service)
	}
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
	if t, ok := mapping.TwinOf(l.Product, l.Category, l.Service); ok && sc.Twins {
		r.places = append(slices.Clip(r.places), t.LogSource)
		if t.Operations != nil {
			r.reads(sc.operation(), sc.Layout.Name(sc.operation()))
			r.cond = &expr.And{X: sc.operates(t), Y: r.cond}
		}
	}
	return r, nil
}

// operation is the field that says what a 4657 did to a registry value.
func (sc *Scope) operation() event.Slot { return sc.Layout.Slot("OperationType") }

// operates is that an event is Sysmon's, or one of the twin's operations.
func (sc *Scope) operates(t mapping.Twin) expr.Expr {
	var any []expr.Expr
	for _, id := range t.EventIDs {
		any = append(any, &expr.Not{X: sc.same(sc.id, id)})
	}
	for _, o := range t.Operations {
		any = append(any, sc.same(sc.operation(), o))
	}
	return or(any)
}

// When is the whole condition: the log source's and the rule's own.
func (r *Rule) When() expr.Expr { return &expr.And{X: r.scope.source(r), Y: r.cond} }

// Windows reports whether the rule is about events of Windows alone.
func (r *Rule) Windows() bool { return r.windows }

// source is the condition that an event is of a rule's log source.
func (sc *Scope) source(r *Rule) expr.Expr {
	channel := &expr.Field{Slot: sc.channel, Name: "Channel"}
	if r.anywhere {
		none := &expr.And{X: &expr.IsNull{X: channel}, Y: &expr.IsNull{X: &expr.Field{Slot: sc.provider, Name: "Provider"}}}
		return &expr.Not{X: &expr.Or{X: none, Y: sc.same(sc.channel, mapping.LinuxSysmon)}}
	}
	var any []expr.Expr
	if !r.windows { // of other products, most of whose events have no channel
		any = append(any, &expr.IsNull{X: channel})
	}
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
	if !r.windows && channel.IsNull() {
		return true
	}
	if r.anywhere {
		if channel.IsNull() {
			return !provider.IsNull()
		}
		return !strings.EqualFold(channel.Str(), mapping.LinuxSysmon)
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
