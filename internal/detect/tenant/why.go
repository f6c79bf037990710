package tenant

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/siem"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// Why is what became of the records on their way through a rule.
type Why struct {
	ID      string    `json:"rule_id"`
	Name    string    `json:"name"`
	Records int64     `json:"records"` // that the logs became
	Steps   []WhyStep `json:"steps"`
	// Of the records that fit: those without an entity, and without a time.
	NoEntity int64  `json:"no_entity,omitempty"`
	Untimed  int64  `json:"no_time,omitempty"`
	Short    string `json:"short,omitempty"` // what the group lacked that came nearest to firing
	Signals  int    `json:"signals"`
	Counted  int    `json:"counted"` // signals that are not suppressed
	// Text says in words why there is no signal, or none that counts; "" where there is one.
	Text string `json:"text,omitempty"`
}

// WhyStep is the condition of a rule, or of a step of a chain.
type WhyStep struct {
	Step       int            `json:"step"` // from 1
	In         int64          `json:"in"`   // records
	Out        int64          `json:"out"`
	Conditions []WhyCondition `json:"conditions"`
}

// WhyCondition is a part of a condition, all of which must hold, tunings included.
type WhyCondition struct {
	Text       string         `json:"condition"`
	Tuning     string         `json:"tuning,omitempty"` // whose it is
	Holds      int64          `json:"holds"`            // for so many records on its own
	Left       int64          `json:"left"`             // after it and those before it
	Attributes []WhyAttribute `json:"attributes"`
}

// WhyAttribute is an attribute that a condition reads, in the records that the conditions
// before it have left.
type WhyAttribute struct {
	Name   string     `json:"attribute"`
	Null   int64      `json:"null"`   // in so many records
	Values []WhyValue `json:"values"` // the most frequent
	Help   string     `json:"help,omitempty"`
}

// WhyValue is a value with how many records have it.
type WhyValue struct {
	Value string `json:"value"`
	Count int64  `json:"count"`
}

const (
	whyShown   = 5    // values of an attribute that are shown
	whyMappers = 8    // mappers that are named
	whyValues  = 1000 // values that are counted
)

// Asked is a reading of logs that finds out why a rule is silent.
type Asked struct {
	*Pass
	rule  *Rule
	probe *probe
}

// Why readies the question why a rule makes no signal.
func (t *Tenant) Why(r *Rule) *Asked {
	return &Asked{Pass: &Pass{Tenant: t, Rules: []*Rule{r}}, rule: r, probe: t.newProbe(r)}
}

// Consumer is the question's part of a reading.
func (a *Asked) Consumer() query.Consumer {
	b := a.Pass.Consumer()
	open := b.Open
	b.Open = func(rt *exec.Runtime) exec.Pipeline {
		p := open(rt)
		a.Run.probe = a.probe
		return p
	}
	return b
}

// probe counts for each part of a rule's conditions.
type probe struct {
	mu    sync.Mutex
	steps []*probeStep
}

type probeStep struct {
	in, out int64
	parts   []*probePart
}

type probePart struct {
	WhyCondition
	prog  *expr.Program
	attrs []*probeAttr
}

type probeAttr struct {
	name   string
	slot   event.Slot
	null   int64
	values map[string]int64
	by     map[*record.Mapper]int64 // of the records where it is null
}

// newProbe takes a rule's conditions apart.
func (t *Tenant) newProbe(r *Rule) *probe {
	p := &probe{}
	sources := []ruledoc.Source{r.Expression}
	if r.What == ruledoc.ChainRule {
		sources = nil
		for _, s := range r.Steps {
			sources = append(sources, s.Expression)
		}
	}
	for i, src := range sources {
		step := &probeStep{}
		step.parts = t.parts(r.Doc, src, r.steps[i])
		for _, u := range r.Tunings {
			if u.Exclude {
				step.parts = append(step.parts, t.part("NOT ("+strings.TrimSpace(u.Expression.Text)+")", u.Name, &expr.Not{X: u.cond}))
				continue
			}
			for _, x := range t.parts(u.Doc, u.Expression, u.cond) {
				x.Tuning = u.Name
				step.parts = append(step.parts, x)
			}
		}
		p.steps = append(p.steps, step)
	}
	return p
}

// parts are the operands of an expression's AND; cond is the whole of it.
func (t *Tenant) parts(d *ruledoc.Document, s ruledoc.Source, cond expr.Expr) (out []*probePart) {
	x, ds := t.parse(d, s)
	if ds.HasErrors() {
		return []*probePart{t.part(s.Text, "", cond)}
	}
	var split func(n siem.Node)
	split = func(n siem.Node) {
		if and, ok := n.(*siem.And); ok {
			split(and.X)
			split(and.Y)
			return
		}
		one := &siem.Expression{File: x.File, Clauses: x.Clauses, Cond: n}
		y, ds := rule.LowerSIEM(one, t.attrs)
		if ds.HasErrors() {
			return // of a rule that runs there is none
		}
		out = append(out, t.part(siem.Print(&siem.Expression{Cond: n}), "", y))
	}
	split(x.Cond)
	return out
}

func (t *Tenant) part(text, tuning string, x expr.Expr) *probePart {
	p := &probePart{WhyCondition: WhyCondition{Text: text, Tuning: tuning}, prog: expr.Compile(x)}
	for _, s := range p.prog.Reads() {
		p.attrs = append(p.attrs, &probeAttr{name: t.records.Name(s), slot: s, values: map[string]int64{}, by: map[*record.Mapper]int64{}})
	}
	return p
}

// look sends a batch of records through the conditions.
func (p *probe) look(w *worker, b *event.Batch, live []uint16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.steps {
		s.in += int64(len(live))
		left := slices.Clone(live)
		for _, x := range s.parts {
			run := x.prog.Open(&expr.Env{})
			x.Holds += int64(len(run.Keep(b, slices.Clone(live))))
			for _, a := range x.attrs {
				a.look(w, b, left)
			}
			left = run.Keep(b, left)
			x.Left += int64(len(left))
		}
		s.out += int64(len(left))
	}
}

func (a *probeAttr) look(w *worker, b *event.Batch, rows []uint16) {
	for _, row := range rows {
		v := b.Value(a.slot, row)
		if v.IsNull() {
			a.null++
			_, m := w.records.Kind(row)
			a.by[m]++
			continue
		}
		if s := v.String(); a.values[s] > 0 || len(a.values) < whyValues {
			a.values[strings.Clone(s)]++
		}
	}
}

// help says what to do about an attribute that is null in all records.
func (a *probeAttr) help(ms *record.Mappers) string {
	if a.null == 0 || len(a.values) > 0 {
		return ""
	}
	var seen *record.Mapper // the mapper of most of the records
	for m, n := range a.by {
		if seen == nil || n > a.by[seen] || n == a.by[seen] && m.Name < seen.Name {
			seen = m
		}
	}
	if key, raw := strings.CutPrefix(a.name, record.RawPrefix); raw {
		return fmt.Sprintf("the events of %s have no field %s", seen.EventID, key)
	}
	if s := seen.Fields[a.name]; s != nil && len(s.From) > 0 {
		return fmt.Sprintf("the mapper of %s fills %s from %s, which these events do not have", seen.EventID, a.name, strings.Join(s.From, " or "))
	}
	var ids, others []string
	for _, m := range ms.All {
		if m.Fields[a.name] == nil {
			continue
		}
		id, _, _ := strings.Cut(strings.TrimPrefix(m.EventID, "(?i)"), "|")
		if m.Vendor == seen.Vendor && m.Product == seen.Product {
			ids = append(ids, id)
		} else {
			others = append(others, strings.TrimSpace(m.Product+" "+id))
		}
	}
	if ids == nil {
		ids = others
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	switch n := len(ids); {
	case n == 0:
		return fmt.Sprintf("no mapper that gyoji has fills %s", a.name)
	case n > whyMappers:
		return fmt.Sprintf("the mapper of %s does not fill %s; those of %s and %d more do", seen.EventID, a.name, strings.Join(ids[:whyMappers], ", "), n-whyMappers)
	}
	return fmt.Sprintf("the mapper of %s does not fill %s; those of %s do", seen.EventID, a.name, strings.Join(ids, ", "))
}

// Why is the answer, once the logs are read. It is asked once.
func (a *Asked) Why() (*Why, error) {
	w := &Why{ID: a.rule.ID, Name: a.rule.Name, Steps: []WhyStep{}}
	if a.Run == nil {
		w.Text = "nothing was read"
		return w, nil
	}
	signals, _, _, err := a.Run.Signals()
	if err != nil {
		return nil, err
	}
	count := a.Run.ByRule[0]
	w.Records, w.NoEntity, w.Untimed, w.Short = a.Run.Records, count.NoEntity, a.Run.Untimed, count.Short
	w.Signals = len(signals)
	for _, s := range signals {
		if s.Counts() {
			w.Counted++
		}
	}
	ms := a.Tenant.made.Mappers
	for i, s := range a.probe.steps {
		step := WhyStep{Step: i + 1, In: s.in, Out: s.out, Conditions: []WhyCondition{}}
		for _, p := range s.parts {
			c := p.WhyCondition
			c.Attributes = []WhyAttribute{}
			for _, at := range p.attrs {
				c.Attributes = append(c.Attributes, WhyAttribute{Name: at.name, Null: at.null, Values: most(at.values), Help: at.help(ms)})
			}
			step.Conditions = append(step.Conditions, c)
		}
		w.Steps = append(w.Steps, step)
	}
	w.Text = a.text(w, signals)
	if w.Signals > 0 {
		w.Short = ""
	}
	return w, nil
}

func most(values map[string]int64) []WhyValue {
	out := []WhyValue{}
	for _, v := range slices.SortedFunc(maps.Keys(values), func(x, y string) int { return cmp.Or(cmp.Compare(values[y], values[x]), strings.Compare(x, y)) }) {
		if len(out) == whyShown {
			break
		}
		out = append(out, WhyValue{v, values[v]})
	}
	return out
}

// text says why there is no signal that counts.
func (a *Asked) text(w *Why, signals []*insight.Signal) string {
	if w.Counted > 0 {
		return ""
	}
	if w.Signals > 0 {
		why := "it is a prototype"
		for _, s := range signals {
			if len(s.Suppressed) > 0 {
				why = strings.Join(s.Suppressed, ", ")
				break
			}
		}
		return fmt.Sprintf("all %d signals do not count: %s", w.Signals, why)
	}
	if w.Records == 0 {
		if a.Run.Unmapped == 0 {
			return "no event was read"
		}
		var names []WhyValue
		if names = most(a.Run.Keys); len(names) == 0 {
			return "no event becomes a record"
		}
		return fmt.Sprintf("no event becomes a record: the most frequent is %s (%d)", names[0].Value, names[0].Count)
	}
	var all []string
	for _, s := range w.Steps {
		if s.Out > 0 {
			continue
		}
		before := s.In
		for _, c := range s.Conditions {
			if c.Left > 0 {
				before = c.Left
				continue
			}
			text := fmt.Sprintf("%s holds for none of %d records", c.Text, before)
			if before < s.In {
				text += " that fit what stands before it"
			}
			if c.Tuning != "" {
				text = "the tuning " + c.Tuning + ": " + text
			}
			if len(w.Steps) > 1 {
				text = fmt.Sprintf("step %d: %s", s.Step, text)
			}
			for _, at := range c.Attributes {
				if at.Help != "" {
					text += "; " + at.Help
				} else if len(at.Values) > 0 {
					text += fmt.Sprintf("; %s is mostly %q", at.Name, at.Values[0].Value)
				}
			}
			all = append(all, text)
			break
		}
	}
	if all != nil {
		return strings.Join(all, "; ")
	}
	var hits int64
	for _, s := range w.Steps {
		hits += s.Out
	}
	var names []string
	for _, s := range a.rule.Selectors {
		names = append(names, s.Attr.Text)
	}
	switch {
	case w.NoEntity > 0 && w.NoEntity >= a.Run.ByRule[0].Hits:
		return fmt.Sprintf("%d records fit, and in none of them is an entity: %s null", w.NoEntity, strings.Join(names, " and ")+isAre(len(names)))
	case w.Untimed > 0:
		return fmt.Sprintf("%d records fit and have no time, which a rule over time wants", w.Untimed)
	case a.rule.What == ruledoc.MatchRule, a.rule.What == ruledoc.AggregationRule && w.Short == "":
		field := ""
		if a.rule.Severity != nil {
			field = a.rule.Severity.Field
		}
		return fmt.Sprintf("%d records fit, and the severity that %s gives them is none", hits, field)
	case w.Short == "":
		return fmt.Sprintf("%d records fit, and none of them has the values that the rule looks at", hits)
	}
	return fmt.Sprintf("%d records fit, but %s", hits, w.Short)
}

func isAre(n int) string {
	if n == 1 {
		return " is"
	}
	return " are"
}
