package cli

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/sigma"
)

// sigmaRules are the Sigma rules of a hunt, and the flags that choose them.
type sigmaRules struct {
	least        detection.Severity
	tags         []string
	placeholders string
	sysmonOnly   bool

	tenant *tenant.Tenant // of the Cloud SIEM rules; nil for none

	scope *rule.Scope
	rules []*rule.Rule
	found int // rules in the files, those that cannot run included
}

func (s *sigmaRules) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&s.tags, "tag", nil, "only Sigma rules with this tag, or one below it: attack.t1059, attack.execution; may be repeated")
	f.BoolVar(&s.sysmonOnly, "sysmon-only", false, "Sigma rules about network connections and the registry look at Sysmon's events alone, not at Security 5156 and 4657")
	f.StringVar(&s.placeholders, "placeholders", "", "YAML file with the values of placeholders in Sigma rules: NAME: [VALUE, ...]")
}

// load reads the rules of paths. Those that cannot run are named on stderr; with
// strict they end the hunt.
func (s *sigmaRules) load(a *app, paths []string, strict bool) error {
	var values sigma.Placeholders
	if s.placeholders != "" {
		text, err := os.ReadFile(s.placeholders)
		if err != nil {
			return &exit{exitInput, err}
		}
		if err := yaml.Unmarshal(text, &values); err != nil {
			return &exit{exitDiagnostics, fmt.Errorf("%s: a file of placeholders is a map of names to lists of values: %w", s.placeholders, err)}
		}
	}
	collectLate(collectRulesFrom)
	docs, diags, err := sigma.Load(paths, detection.ManifestName)
	if err != nil {
		return &exit{exitInput, err}
	}
	s.scope = rule.NewScope()
	s.scope.Twins = !s.sysmonOnly
	s.scope.Layout.Slot("OperationType") // before rules are lowered at once
	rules, unusable := s.scope.Lower(docs, values)
	broken := map[*diag.File]bool{} // files with mistakes, of which there may be several each
	cannot := len(unusable)
	for _, d := range diags {
		if d.Severity == diag.Error {
			unusable = append(unusable, rule.Unusable{Diagnostic: d})
			broken[d.File] = true
		}
	}
	cannot += len(broken)
	s.found = len(docs) + len(broken)
	s.rules = rule.Keep(rules, func(r *rule.Rule) bool { return severity(r.Level) >= s.least && s.tagged(r) })
	if cannot == 0 {
		return nil
	}
	fmt.Fprintf(a.stderr, "%d of %d Sigma documents cannot run:\n", cannot, s.found)
	listUnusable(a, unusable)
	if strict {
		return &exit{exitDiagnostics, fmt.Errorf("--strict: %d Sigma %s cannot run", cannot, plural(int64(cannot), "document", "documents"))}
	}
	return nil
}

// tagged reports whether a rule has one of the tags asked for, or one below it.
func (s *sigmaRules) tagged(r *rule.Rule) bool {
	return len(s.tags) == 0 || slices.ContainsFunc(r.Tags, func(t sigma.Tag) bool {
		return slices.ContainsFunc(s.tags, func(want string) bool {
			have := t.String()
			return strings.EqualFold(have, want) || len(have) > len(want) && have[len(want)] == '.' && strings.EqualFold(have[:len(want)], want)
		})
	})
}

// unusableShown is how many rules that cannot run are named without -v.
const unusableShown = 3

// listUnusable names the rules that cannot run, each with its place and reason.
func listUnusable(a *app, unusable []rule.Unusable) {
	for i, u := range unusable {
		if i == unusableShown && !a.verbose {
			fmt.Fprintf(a.stderr, "  ... and %d more (-v names them all)\n", len(unusable)-i)
			break
		}
		title := ""
		if u.Title != "" {
			title = u.Title + ": "
		}
		fmt.Fprintf(a.stderr, "  %s:%d: %s%s\n", u.File.Name, u.File.Place(u.Span.Start).Line, title, u.Message)
	}
}

// sigmaHunt is one pass of the rules over the logs.
type sigmaHunt struct {
	mu         sync.Mutex // findings come from all workers
	hunt       *huntRun
	rules      *sigmaRules
	set        *rule.Set
	c          *rule.Correlator
	event      []event.Slot // of hunt.Carried
	names      []string     // of the events' fields, by slot
	detections map[*rule.Rule]*hunt.Detection
}

// sigma readies the rules for a pass.
func (h *huntRun) sigma(s *sigmaRules) *sigmaHunt {
	g := &sigmaHunt{hunt: h, rules: s, set: rule.Compile(s.scope, s.rules), detections: map[*rule.Rule]*hunt.Detection{}}
	for _, name := range hunt.Carried {
		g.event = append(g.event, s.scope.Layout.Slot(name))
	}
	g.names = s.scope.Layout.Names()
	h.set = g.set
	return g
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

// beside is the rules' part of a reading of the logs.
func (g *sigmaHunt) beside() query.Beside {
	want := g.set.Fields()
	for _, slot := range g.event {
		want.Add(slot)
	}
	return query.Beside{Name: "the Sigma rules", Layout: g.rules.scope.Layout, Fields: want, Twins: g.rules.scope.Twins, Open: func(rt *exec.Runtime) exec.Pipeline {
		env := &expr.Env{Now: rt.Now.UnixMilli(), From: rt.From, To: rt.To, Zone: rt.Zone, Warn: func(kind, detail string) {
			rt.Warnings.Add(kind, false, exec.Sample{Detail: detail})
		}}
		g.c = rule.NewCorrelator(rt, g.rules.rules)
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

// correlations gives the findings of the correlations, once all events are read.
func (g *sigmaHunt) correlations() error { return g.c.Findings(g.correlated) }

// Push ends the pipeline: findings go their own way.
func (g *sigmaHunt) Push(*event.Batch) error { return nil }

// severity is the severity of a level; a rule without one is informational.
func severity(l sigma.Level) detection.Severity {
	if l == sigma.NoLevel {
		return detection.Informational
	}
	return detection.Severity(l - sigma.Informational)
}

// finding makes the head of a rule's finding of an event, whose fields value gives by
// their index in hunt.Carried.
func (g *sigmaHunt) finding(r *rule.Rule, at int64, pos uint64, value func(i int) string) *hunt.Finding {
	f := &hunt.Finding{Severity: severity(r.Level), Host: value(carriedComputer), User: value(carriedUser)}
	f.SetTime(at)
	f.Evidence = []hunt.Evidence{g.evidence(pos, value)}
	f.Subject = hunt.Process(f.Evidence[0].EventID, value(carriedGUID), value(carriedPID), value(carriedNewPID), value(carriedImage))
	f.Entities = whom(f)
	return f
}

func whom(f *hunt.Finding) (list []hunt.Entity) {
	if f.Host != "" {
		list = append(list, hunt.Entity{Type: "_hostname", Value: f.Host})
	}
	if f.User != "" {
		list = append(list, hunt.Entity{Type: "_username", Value: f.User})
	}
	return list
}

func (g *sigmaHunt) evidence(pos uint64, value func(i int) string) hunt.Evidence {
	p := hunt.Place{File: g.hunt.session.partName(hunt.PartOf(pos)), Channel: value(carriedChannel), EventID: value(carriedEventID), Category: value(carriedCategory)}
	p.RecordID, _ = strconv.ParseInt(value(carriedRecord), 10, 64)
	return hunt.Record(p, pos)
}

// The places of fields in hunt.Carried.
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
func (g *sigmaHunt) found(r *rule.Rule, b *event.Batch) error {
	d := g.detection(r)
	for _, row := range b.Live {
		f := g.finding(r, b.Time[row], b.Pos[row], func(i int) string { return strings.Clone(b.Value(g.event[i], row).String()) })
		for _, s := range r.Fields {
			v := b.Value(s, row)
			if v.IsNull() || s == g.event[carriedEventID] || s == g.event[carriedChannel] {
				continue
			}
			f.Fields = append(f.Fields, hunt.Field{Name: g.names[s], Value: v.Clone()})
		}
		if err := g.hunt.Add(d, f); err != nil {
			return err
		}
	}
	return nil
}

// detection is what the list knows of a rule. It is made for the first finding: most
// rules find nothing.
func (g *sigmaHunt) detection(r *rule.Rule) *hunt.Detection {
	g.mu.Lock()
	defer g.mu.Unlock()
	d := g.detections[r]
	if d == nil {
		d = &hunt.Detection{ID: r.ID, Name: r.Title, Kind: hunt.Sigma, Techniques: hunt.TechniquesOf(r.Techniques()), Next: ruleOut(r)}
		if d.ID == "" {
			d.ID = hunt.Slug(r.Title)
		}
		if r.Correlation != nil {
			d.Kind = hunt.Correlation
		}
		var tactics []string
		for _, t := range r.Tags {
			if t.Namespace == "attack" {
				tactics = append(tactics, t.Name)
			}
		}
		d.Tactics = hunt.TacticsOf(tactics, r.Techniques())
		g.detections[r] = d
	}
	return d
}

// ran tells the list of all rules that ran.
func (g *sigmaHunt) ran() {
	for _, r := range g.rules.rules {
		if !r.Silent {
			g.hunt.Ran(g.detection(r))
		}
	}
}

// correlated takes the finding of a correlation.
func (g *sigmaHunt) correlated(c rule.Finding) error {
	f := &hunt.Finding{Severity: severity(c.Rule.Level), Records: c.Events}
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
		f.Fields = append(f.Fields, hunt.Field{Name: c.Rule.Correlation.GroupBy[i].Name, Value: event.Text(v)})
	}
	f.Fields = append(f.Fields, hunt.Field{Name: c.Rule.Correlation.Type.String(), Value: number64(c.Value)},
		hunt.Field{Name: "events", Value: event.Int(int64(c.Events))},
		hunt.Field{Name: "first", Value: event.Millis(c.First)}, hunt.Field{Name: "last", Value: event.Millis(c.Last)})
	return g.hunt.Add(g.detection(c.Rule), f)
}

// number64 is a number as a value: whole where it is.
func number64(x float64) event.Value {
	if n := int64(x); float64(n) == x {
		return event.Int(n)
	}
	return event.Float(x)
}
