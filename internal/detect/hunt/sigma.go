package hunt

import (
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
	event []event.Slot // of Carried
	names []string     // of the events' fields, by slot

	mu         sync.Mutex // findings come from all workers
	detections map[*rule.Rule]*Detection
}

// NewSigmaRun readies rules that have been lowered in a scope, and tells to which of
// them run.
func NewSigmaRun(sc *rule.Scope, rules []*rule.Rule, to Taker, part func(index int) string) *SigmaRun {
	return newSigmaRun(sc, rules, rule.Compile(sc, rules), to, part)
}

func newSigmaRun(sc *rule.Scope, rules []*rule.Rule, set *rule.Set, to Taker, part func(index int) string) *SigmaRun {
	g := &SigmaRun{to: to, part: part, scope: sc, rules: rules, set: set, detections: map[*rule.Rule]*Detection{}}
	for _, name := range Carried {
		g.event = append(g.event, sc.Layout.Slot(name))
	}
	g.names = sc.Layout.Names()
	for _, r := range rules {
		if !r.Silent {
			to.Ran(g.detection(r))
		}
	}
	return g
}

// Set are the rules as they run.
func (g *SigmaRun) Set() *rule.Set { return g.set }

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

// Beside is the rules' part of a reading of the logs.
func (g *SigmaRun) Beside() query.Beside {
	want := g.set.Fields()
	for _, slot := range g.event {
		want.Add(slot)
	}
	return query.Beside{Name: "the Sigma rules", Layout: g.scope.Layout, Fields: want, Twins: g.scope.Twins, Open: func(rt *exec.Runtime) exec.Pipeline {
		env := &expr.Env{Now: rt.Now.UnixMilli(), From: rt.From, To: rt.To, Zone: rt.Zone, Warn: func(kind, detail string) {
			rt.Warnings.Add(kind, false, exec.Sample{Detail: detail})
		}}
		g.c = rule.NewCorrelator(rt, g.rules)
		g.c.Record = func(b *event.Batch, row uint16) string {
			parts := []string{strconv.FormatUint(b.Pos[row], 36)}
			for _, slot := range g.event {
				parts = append(parts, b.Value(slot, row).String())
			}
			return strings.Join(parts, recordMark)
		}
		return exec.Pipeline{Front: func(exec.Sink) exec.Task { return g.set.Task(env, g.c, g.found) }, Back: exec.Chain(g)}
	}}
}

// recordMark stands between what names a record of a correlation.
const recordMark = "\x1d"

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

// finding makes the head of a rule's finding of an event, whose fields value gives by
// their index in Carried.
func (g *SigmaRun) finding(r *rule.Rule, at int64, pos uint64, value func(i int) string) *Finding {
	f := &Finding{Severity: OfLevel(r.Level), Host: value(carriedComputer), User: value(carriedUser)}
	f.SetTime(at)
	f.Evidence = []Evidence{g.evidence(pos, value)}
	f.Subject = Process(f.Evidence[0].EventID, value(carriedGUID), value(carriedPID), value(carriedNewPID), value(carriedImage))
	f.Entities = whom(f)
	return f
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

func (g *SigmaRun) evidence(pos uint64, value func(i int) string) Evidence {
	p := Place{File: g.part(part(pos)), Channel: value(carriedChannel), EventID: value(carriedEventID), Category: value(carriedCategory)}
	p.RecordID, _ = strconv.ParseInt(value(carriedRecord), 10, 64)
	return Record(p, pos)
}

// The places of fields in Carried.
const (
	carriedChannel = iota
	carriedEventID
	carriedRecord
	carriedCategory
	carriedComputer
	carriedUser
	carriedGUID
	carriedPID
	carriedImage
	carriedNewPID
)

// found takes the events that match a rule.
func (g *SigmaRun) found(r *rule.Rule, b *event.Batch) error {
	d := g.detection(r)
	for _, row := range b.Live {
		f := g.finding(r, b.Time[row], b.Pos[row], func(i int) string { return strings.Clone(b.Value(g.event[i], row).String()) })
		for _, s := range r.Fields {
			v := b.Value(s, row)
			if v.IsNull() || s == g.event[carriedEventID] || s == g.event[carriedChannel] {
				continue
			}
			f.Fields = append(f.Fields, Field{Name: g.names[s], Value: v.Clone()})
		}
		if err := g.to.Add(d, f); err != nil {
			return err
		}
	}
	return nil
}

// detection is what the list knows of a rule. It is made for the first finding: most
// rules find nothing.
func (g *SigmaRun) detection(r *rule.Rule) *Detection {
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.detections[r]
	if d == nil {
		d = &Detection{ID: r.ID, Name: r.Title, Kind: Sigma, Techniques: TechniquesOf(r.Techniques()), Next: ruleOut(r)}
		if d.ID == "" {
			d.ID = Slug(r.Title)
		}
		if r.Correlation != nil {
			d.Kind = Correlation
		}
		var tactics []string
		for _, t := range r.Tags {
			if t.Namespace == "attack" {
				tactics = append(tactics, t.Name)
			}
		}
		d.Tactics = TacticsOf(tactics, r.Techniques())
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
		if err != nil || len(parts) != len(g.event)+1 {
			continue
		}
		value := func(i int) string { return parts[i+1] }
		f.Evidence = append(f.Evidence, g.evidence(pos, value))
		same(&f.Host, value(carriedComputer), i == 0)
		same(&f.User, value(carriedUser), i == 0)
	}
	f.Entities = whom(f)
	for i, v := range c.Groups {
		f.Fields = append(f.Fields, Field{Name: c.Rule.Correlation.GroupBy[i].Name, Value: event.Text(v)})
	}
	f.Fields = append(f.Fields, Field{Name: c.Rule.Correlation.Type.String(), Value: number64(c.Value)},
		Field{Name: "events", Value: event.Int(int64(c.Events))},
		Field{Name: "first", Value: event.Millis(c.First)}, Field{Name: "last", Value: event.Millis(c.Last)})
	return g.to.Add(g.detection(c.Rule), f)
}

// number64 is a number as a value: whole where it is.
func number64(x float64) event.Value {
	if n := int64(x); float64(n) == x {
		return event.Int(n)
	}
	return event.Float(x)
}
