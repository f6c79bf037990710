package hunt

import (
	"crypto/sha256"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/sigma"
)

// SigmaRun is one run of Sigma rules and their correlations over events.
type SigmaRun struct {
	to    Taker
	part  func(index int) string // name of a part of the input
	scope *rule.Scope
	rules []*rule.Rule
	set   *rule.Set
	c     *rule.Correlator
	// details are what is read of the events that match alone: Detailed.
	details map[string]event.Slot

	told int // failures of the set that are known

	mu         sync.Mutex // findings come from all workers
	detections map[*rule.Rule]*Detection
}

// NewSigmaRun readies rules that have been lowered in a scope, and tells to which of
// them run.
func NewSigmaRun(sc *rule.Scope, rules []*rule.Rule, to Taker, part func(index int) string) *SigmaRun {
	return newSigmaRun(sc, rules, rule.Compile(sc, rules), to, part)
}

func newSigmaRun(sc *rule.Scope, rules []*rule.Rule, set *rule.Set, to Taker, part func(index int) string) *SigmaRun {
	g := &SigmaRun{to: to, part: part, scope: sc, rules: rules, set: set, details: map[string]event.Slot{}, detections: map[*rule.Rule]*Detection{}}
	for _, name := range Detailed() {
		g.details[name] = sc.Layout.Slot(name)
	}
	for _, r := range rules {
		if !r.Silent {
			to.Ran(g.detection(r))
		}
	}
	return g
}

// Set are the rules as they run.
func (g *SigmaRun) Set() *rule.Set { return g.set }

// failures are the bugs that have stopped rules since it was last called.
func (g *SigmaRun) failures() []error {
	all := g.set.Failures(g.told)
	g.told += len(all)
	return all
}

// ruleOut is what to do first about a finding of a rule: look whether it is one
// of the false positives that the rule's author knows.
func ruleOut(r *rule.Rule) string {
	var known []string
	for _, f := range r.FalsePositives {
		switch strings.ToLower(strings.Trim(f, " .")) {
		case "", "unknown", "unlikely", "none", "nothing":
		default:
			known = append(known, strings.TrimRight(strings.TrimSpace(f), "."))
		}
	}
	if known == nil {
		return ""
	}
	return "Rule out what its author knows to be harmless: " + strings.Join(known, "; ") + "."
}

// Consumer is the rules' part of a reading of the logs.
func (g *SigmaRun) Consumer() query.Consumer {
	layout := g.scope.Layout
	details := g.set.Fed()
	if len(details.Slots()) > 0 { // of events without a number the text tells copies
		details.Add(layout.Slot("_raw"))
	}
	for _, slot := range g.details {
		details.Add(slot)
	}
	return query.Consumer{Name: "the Sigma rules", Layout: layout, Fields: g.set.Fields(), Details: details, Twins: g.scope.Twins, Open: func(rt *exec.Runtime) exec.Pipeline {
		env := &expr.Env{Now: rt.Now.UnixMilli(), From: rt.From, To: rt.To, Zone: rt.Zone, Warn: func(kind, detail string) {
			rt.Warnings.Add(kind, false, exec.Sample{Detail: detail})
		}}
		g.c = rule.NewCorrelator(rt, g.rules)
		g.c.Record = g.record
		return exec.Pipeline{Front: func(exec.Sink) exec.Task {
			f := &sigmaFront{of: g, matched: map[uint64][]hit{}}
			f.Task = g.set.Task(env, nil, f.found)
			return f
		}, Back: exec.Chain(g)}
	}}
}

// sigmaFront is one worker's matching. Of an event that matches, all rules have first
// what they read themselves; what a finding says besides is read again of these events
// alone.
type sigmaFront struct {
	exec.Task
	of      *SigmaRun
	matched map[uint64][]hit // by position, those without their details
	asked   bool
}

// hit is an event that a rule matches.
type hit struct {
	rule   *rule.Rule
	at     int64
	fields Fields
}

func (f *sigmaFront) Push(b *event.Batch) error {
	if err := f.rest(); err != nil {
		return err
	}
	return f.Task.Push(b)
}

func (f *sigmaFront) Flush() error {
	f.asked = true
	return errors.Join(f.rest(), f.Task.Flush())
}

// rest adds the findings of events whose details did not come.
func (f *sigmaFront) rest() error {
	if !f.asked {
		return nil
	}
	f.asked = false
	for _, pos := range slices.Sorted(maps.Keys(f.matched)) {
		for _, m := range f.matched[pos] {
			if err := f.of.finding(m, pos, func(string) string { return "" }); err != nil {
				return err
			}
		}
	}
	clear(f.matched)
	return nil
}

// found takes the events that match a rule.
func (f *sigmaFront) found(r *rule.Rule, b *event.Batch) error {
	for _, row := range b.Live {
		m := hit{rule: r, at: b.Time[row]}
		if !r.Silent {
			for i, s := range r.Fields {
				v := b.Value(s, row)
				if !v.IsNull() && !strings.EqualFold(r.Names[i], "EventID") && !strings.EqualFold(r.Names[i], "Channel") {
					m.fields = append(m.fields, Field{Name: r.Names[i], Value: v.Clone()})
				}
			}
		}
		f.matched[b.Pos[row]] = append(f.matched[b.Pos[row]], m)
	}
	return nil
}

// Asks reports whether events have matched since it was asked last.
func (f *sigmaFront) Asks() bool {
	f.asked = len(f.matched) > 0
	return f.asked
}

// Wanted reports whether the event at a position has matched.
func (f *sigmaFront) Wanted(pos uint64) bool { return f.matched[pos] != nil }

// Detail makes findings of the events that have matched.
func (f *sigmaFront) Detail(b *event.Batch) error {
	for _, row := range b.Live {
		ms, ok := f.matched[b.Pos[row]]
		if !ok {
			continue
		}
		delete(f.matched, b.Pos[row])
		for _, m := range ms {
			if m.rule.Wants() {
				if err := f.of.c.Add(m.rule, b, []uint16{row}); err != nil {
					return err
				}
			}
			if m.rule.Silent {
				continue
			}
			if err := f.of.finding(m, b.Pos[row], func(name string) string { return f.of.said(b, row, name) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// said is a field of an event, of those that its details are.
func (g *SigmaRun) said(b *event.Batch, row uint16, name string) string {
	slot, ok := g.details[name]
	if !ok {
		return ""
	}
	return strings.Clone(b.Value(slot, row).String())
}

// recordMark stands between what names a record of a correlation.
const recordMark = "\x1d"

// record is what an event is for a correlation: its place and details; and what makes it
// the same event as another, its number in its channel, or else its text.
func (g *SigmaRun) record(b *event.Batch, row uint16) rule.Record {
	parts := []string{strconv.FormatUint(b.Pos[row], 36)}
	for _, name := range Carried {
		parts = append(parts, g.said(b, row, name))
	}
	r := rule.Record{Name: strings.Join(parts, recordMark)}
	if number := g.said(b, row, "EventRecordID"); number != "" && number != "0" {
		r.Same, r.Numbered = strings.Join([]string{number, g.said(b, row, "Channel"), g.said(b, row, "EventID"), strings.ToLower(g.said(b, row, "Computer"))}, recordMark), true
	} else if raw, ok := g.scope.Layout.Find("_raw"); ok && !b.Value(raw, row).IsNull() {
		sum := sha256.Sum256([]byte(b.Value(raw, row).String()))
		r.Same = string(sum[:16])
	}
	return r
}

// Correlations gives the findings of the correlations, once all events are read.
func (g *SigmaRun) Correlations() error { return g.c.Findings(g.correlated) }

// Push ends the pipeline: findings go their own way.
func (g *SigmaRun) Push(*event.Batch) error { return nil }

// OfLevel is the severity of a level; a rule without one is informational.
func OfLevel(l sigma.Level) detection.Severity {
	if l == sigma.NoLevel {
		return detection.Informational
	}
	return detection.Severity(l - sigma.Informational)
}

// finding adds the finding of a rule's match, of whose event said gives the details.
func (g *SigmaRun) finding(m hit, pos uint64, said Said) error {
	f := &Finding{Severity: OfLevel(m.rule.Level), Fields: m.fields}
	f.SetTime(m.at)
	f.About(g.part(part(pos)), pos, said)
	f.Entities = whom(f)
	f.Next = joinText(Advice(f, said), ruleOut(m.rule))
	return g.to.Add(g.detection(m.rule), f)
}

func whom(f *Finding) (list []Entity) {
	if f.Host != "" {
		list = append(list, Entity{Type: "_hostname", Value: f.Host})
	}
	if f.User != "" {
		list = append(list, Entity{Type: "_username", Value: f.User})
	}
	return list
}

// OfRule is what the findings of a Sigma rule have in common.
func OfRule(r *rule.Rule) *Detection {
	d := &Detection{ID: r.ID, Name: r.Title, Kind: Sigma, Techniques: TechniquesOf(r.Techniques()), Base: OfLevel(r.Level)}
	if d.ID == "" {
		d.ID = Slug(r.Title)
	}
	if r.Correlation != nil {
		d.Kind = Correlation
	}
	var tactics []string
	for _, t := range r.Tags {
		d.Tags = append(d.Tags, t.String())
		if t.Namespace == "attack" {
			tactics = append(tactics, t.Name)
		}
	}
	d.Tactics = TacticsOf(tactics, r.Techniques())
	return d
}

// detection is what the list knows of a rule. It is made for the first finding: most
// rules find nothing.
func (g *SigmaRun) detection(r *rule.Rule) *Detection {
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.detections[r]
	if d == nil {
		d = OfRule(r)
		g.detections[r] = d
	}
	return d
}

// correlated takes the finding of a correlation.
func (g *SigmaRun) correlated(c rule.Finding) error {
	f := &Finding{Severity: OfLevel(c.Rule.Level), Records: c.Events}
	f.SetTime(c.Last)
	same := func(to *string, v string, first bool) {
		if first {
			*to = v
		} else if *to != v {
			*to = ""
		}
	}
	for i, text := range c.Records {
		parts := strings.Split(text, recordMark)
		pos, err := strconv.ParseUint(parts[0], 36, 64)
		if err != nil || len(parts) != len(Carried)+1 {
			continue
		}
		said := func(name string) string { return parts[1+slices.Index(Carried, name)] }
		f.Evidence = append(f.Evidence, EvidenceOf(g.part(part(pos)), pos, said))
		same(&f.Host, said("Computer"), i == 0)
		same(&f.User, UserOf(said), i == 0)
	}
	f.Entities = whom(f)
	for i, v := range c.Groups {
		f.Fields = append(f.Fields, Field{Name: c.Rule.Correlation.GroupBy[i].Name, Value: event.Text(v)})
	}
	f.Fields = append(f.Fields, Field{Name: c.Rule.Correlation.Type.String(), Value: number64(c.Value)},
		Field{Name: "events", Value: event.Int(int64(c.Events))},
		Field{Name: "first", Value: event.Millis(c.First)}, Field{Name: "last", Value: event.Millis(c.Last)})
	f.Next = joinText(Advice(f, nil), ruleOut(c.Rule))
	return g.to.Add(g.detection(c.Rule), f)
}

// joinText joins sentences.
func joinText(sentences ...string) string {
	return strings.Join(slices.DeleteFunc(sentences, func(s string) bool { return s == "" }), " ")
}

// number64 is a number as a value: whole where it is.
func number64(x float64) event.Value {
	if n := int64(x); float64(n) == x {
		return event.Int(n)
	}
	return event.Float(x)
}
