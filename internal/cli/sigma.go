package cli

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/detect/tenant"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/sigma"
)

// sigmaRules are the Sigma rules of a hunt, and the flags that choose them.
type sigmaRules struct {
	level        string
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
	f.StringVar(&s.level, "level", "", "only findings of packages of this severity or higher, and Sigma rules of this level or higher: informational, low, medium, high, critical")
	f.StringArrayVar(&s.tags, "tag", nil, "only Sigma rules with this tag, or one below it: attack.t1059, attack.execution; may be repeated")
	f.BoolVar(&s.sysmonOnly, "sysmon-only", false, "Sigma rules about network connections and the registry look at Sysmon's events alone, not at Security 5156 and 4657")
	f.StringVar(&s.placeholders, "placeholders", "", "YAML file with the values of placeholders in Sigma rules: NAME: [VALUE, ...]")
}

// least is the severity that --level asks for.
func (s *sigmaRules) least() (detection.Severity, error) {
	if s.level == "" {
		return detection.Informational, nil
	}
	l, ok := sigma.ParseLevel(s.level)
	if !ok {
		return 0, usageError("--level: %q is no level; write one of informational, low, medium, high, critical", s.level)
	}
	return severity(l), nil
}

// load reads the rules of paths. Those that cannot run are named on stderr; with
// strict they end the hunt.
func (s *sigmaRules) load(a *app, paths []string, strict bool) error {
	var least sigma.Level
	if s.level != "" {
		least, _ = sigma.ParseLevel(s.level) // least has read it
	}
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
	s.rules = rule.Keep(rules, func(r *rule.Rule) bool { return r.Level >= least && s.tagged(r) })
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

// The columns of a Sigma finding, behind those that every finding has.
var sigmaColumns = []string{"_messageTime", "Computer", "User", "Channel", "EventID", "EventRecordID", "rule", "matched"}

const (
	colTime = iota
	colComputer
	colUser
	colChannel
	colEventID
	colRecord
	colRule
	colMatched
)

// columns are the columns that the rules' findings have.
func (s *sigmaRules) columns() (cols []lang.Column) {
	for i, name := range sigmaColumns {
		cols = append(cols, lang.Column{Slot: event.Slot(i), Name: name})
	}
	return cols
}

// sigmaWhom are the entities of a Sigma finding.
var sigmaWhom = []detection.Entity{{Type: "_hostname", Field: "Computer"}, {Type: "_username", Field: "User"}}

// sigmaHunt is one pass of the rules over the logs.
type sigmaHunt struct {
	mu     sync.Mutex // findings come from all workers
	hunt   *hunt
	rules  *sigmaRules
	set    *rule.Set
	c      *rule.Correlator
	layout *event.Layout // of the findings
	event  [colRule]event.Slot
	names  []string // of the events' fields, by slot
	sinks  map[*rule.Rule]sigmaSink
	first  int // of the hunt's detections that is a rule
	out    event.Batch
}

// sigma readies the rules for a pass.
func (h *hunt) sigma(s *sigmaRules) *sigmaHunt {
	g := &sigmaHunt{hunt: h, rules: s, set: rule.Compile(s.scope, s.rules), layout: event.NewLayout(sigmaColumns...), sinks: map[*rule.Rule]sigmaSink{}}
	for i := colComputer; i < colRule; i++ {
		g.event[i] = s.scope.Layout.Slot(sigmaColumns[i])
	}
	g.names = s.scope.Layout.Names()
	h.set = g.set
	h.open()
	g.first = len(h.detections)
	return g
}

// sink takes the findings of a rule. It is made for the first of them: most rules
// find nothing.
func (g *sigmaHunt) sink(r *rule.Rule) exec.Sink {
	s, ok := g.sinks[r]
	if !ok {
		d := &detected{
			Name: r.Title, Technique: strings.Join(r.Techniques(), ", "), Severity: severity(r.Level),
			ID: r.ID, Package: "sigma", Next: ruleOut(r), Entities: sigmaWhom, Placed: true,
		}
		s = sigmaSink{countRows{g.hunt.from(d, g.layout), &g.hunt.session.rows}, d}
		g.sinks[r] = s
	}
	return s
}

// sigmaSink takes the findings of a rule.
type sigmaSink struct {
	countRows
	detected *detected
}

// list puts the rules that found something, and with -v the others, in the order
// in which they are told of: the worst first.
func (g *sigmaHunt) list() {
	var rules []*rule.Rule
	for _, r := range g.rules.rules {
		if g.hunt.app.verbose && !r.Silent {
			g.sink(r)
		}
		if _, ok := g.sinks[r]; ok {
			rules = append(rules, r)
		}
	}
	slices.SortStableFunc(rules, func(a, b *rule.Rule) int {
		return cmp.Or(cmp.Compare(b.Level, a.Level), strings.Compare(a.Title, b.Title), strings.Compare(a.ID, b.ID))
	})
	list := g.hunt.detections[:g.first]
	for _, r := range rules {
		list = append(list, g.sinks[r].detected)
	}
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
	want.Add(g.event[colComputer:]...)
	return query.Beside{Name: "the Sigma rules", Layout: g.rules.scope.Layout, Fields: want, Twins: g.rules.scope.Twins, Open: func(rt *exec.Runtime) exec.Pipeline {
		env := &expr.Env{Now: rt.Now.UnixMilli(), From: rt.From, To: rt.To, Zone: rt.Zone, Warn: func(kind, detail string) {
			rt.Warnings.Add(kind, false, exec.Sample{Detail: detail})
		}}
		g.c = rule.NewCorrelator(rt)
		return exec.Pipeline{Front: func(exec.Sink) exec.Task { return g.set.Task(env, g.c, g.found) }, Back: exec.Chain(g)}
	}}
}

// correlations gives the findings of the correlations, once all events are read.
func (g *sigmaHunt) correlations() error { return g.c.Findings(g.rules.rules, g.correlated) }

// Push ends the pipeline: findings go their own way.
func (g *sigmaHunt) Push(*event.Batch) error { return nil }

// severity is the severity of a level; a rule without one is informational.
func severity(l sigma.Level) detection.Severity {
	if l == sigma.NoLevel {
		return detection.Informational
	}
	return detection.Severity(l - sigma.Informational)
}

// found takes the events that match a rule.
func (g *sigmaHunt) found(r *rule.Rule, b *event.Batch) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	o := &g.out
	o.Reset()
	for _, row := range b.Live {
		to := o.AddRow(b.Time[row], b.Pos[row])
		if b.Time[row] != event.NoTime {
			o.Col(colTime).Set(to, event.Int(b.Time[row]))
		}
		for i := colComputer; i < colRule; i++ {
			o.Col(event.Slot(i)).Set(to, b.Value(g.event[i], row))
		}
		o.Col(colMatched).Set(to, event.Text(g.matched(r, b, row)))
	}
	o.Col(colRule).Fill(o.N, event.Text(r.ID))
	return g.sink(r).Push(o)
}

// valueShown is how much of a value stands in matched.
const valueShown = 300

// matched are the fields that a rule looks at, as the event has them.
func (g *sigmaHunt) matched(r *rule.Rule, b *event.Batch, row uint16) string {
	var text strings.Builder
	for _, s := range r.Fields {
		v := b.Value(s, row)
		if v.IsNull() || s == g.event[colEventID] || s == g.event[colChannel] {
			continue
		}
		pair(&text, g.names[s], v.Str())
	}
	return text.String()
}

// pair appends name=value.
func pair(text *strings.Builder, name, value string) {
	if text.Len() > 0 {
		text.WriteString(", ")
	}
	if len(value) > valueShown {
		value = strings.ToValidUTF8(value[:valueShown], "") + "..."
	}
	text.WriteString(name + "=" + value)
}

// correlated takes the finding of a correlation.
func (g *sigmaHunt) correlated(f rule.Finding) error {
	o := &g.out
	o.Reset()
	o.AddRow(f.Last, f.Pos)
	var text strings.Builder
	for i, v := range f.Groups {
		pair(&text, f.Rule.Correlation.GroupBy[i].Name, v)
	}
	pair(&text, f.Rule.Correlation.Type.String(), event.Float(f.Value).String())
	fmt.Fprintf(&text, ", %d %s in %s", f.Events, plural(int64(f.Events), "event", "events"), time.Duration(f.Last-f.First)*time.Millisecond)
	o.Col(colTime).Set(0, event.Int(f.Last))
	o.Col(colRule).Set(0, event.Text(f.Rule.ID))
	o.Col(colMatched).Set(0, event.Text(text.String()))
	return g.sink(f.Rule).Push(o)
}
