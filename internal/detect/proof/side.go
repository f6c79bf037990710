package proof

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/content"
	"github.com/gyoji-dev/gyoji/internal/detect/convert"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
	"github.com/gyoji-dev/gyoji/siem"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
	"github.com/gyoji-dev/gyoji/sigma"
)

// Side is one of the two conditions that are compared.
type Side struct {
	Name  string // as the user gave it
	Kind  string // "Sumo query", "Sigma rule", "Cloud SIEM expression"
	Notes []string
	// Opaque are stages of a query that make fields in a way that is not known, for a
	// message; "" for none.
	Opaque string

	layout *event.Layout
	cond   expr.Expr        // what events are made from; run is what judges them
	of     *siem.Expression // of Cloud SIEM, whose cond is about records; nil of others
	places []mapping.LogSource
	other  bool // a rule for another product, whose events have no channel
	// native says that the side asks for the names that events have where it runs:
	// those of its source. A Sigma rule does not, gyoji finds the fields for it.
	native bool
	// run runs the side over a reader and returns the places of what it matches.
	// With noMap fields have their own names alone.
	run func(ctx context.Context, in *input.Reader, noMap bool) (map[uint64]bool, error)
}

// Read makes a side of a file that holds a condition: a query, a Sigma rule, a
// Cloud SIEM expression, or a Cloud SIEM rule in JSON or Terraform. Package
// content says which it is. The side is nil when the list has errors.
func Read(f *diag.File, with ...query.Option) (*Side, diag.List) {
	switch k := content.Of(f.Name, f.Text); k {
	case content.Query:
		return Query(f, with...)
	case content.Sigma:
		docs, ds := sigma.Parse(f)
		if ds.HasErrors() {
			return nil, ds
		}
		var rules []*sigma.Rule
		for _, d := range docs {
			if r, ok := d.(*sigma.Rule); ok {
				rules = append(rules, r)
			}
		}
		if len(rules) != 1 || len(docs) != 1 {
			return nil, diag.List{{Severity: diag.Error, Code: "one-rule", File: f, Message: fmt.Sprintf("%d Sigma documents stand here, and one detection rule is compared", len(docs)), Help: "put the rule into a file of its own; correlations and filters are not compared"}}
		}
		return Sigma(rules[0])
	case content.SIEMExpression:
		return SIEM(f)
	case content.SIEMRule:
		return siemRule(f, "Cloud SIEM rule")
	case content.Terraform:
		return siemRule(f, "Terraform Cloud SIEM rule")
	default:
		return nil, diag.List{{Severity: diag.Error, Code: "no-condition", File: f, Message: "this is " + k.String() + ", and holds no condition to compare", Help: k.Use()}}
	}
}

// siemRule is the one expression of a rule in JSON or Terraform.
func siemRule(f *diag.File, kind string) (*Side, diag.List) {
	list, ds := ruledoc.Expressions(f)
	if ds.HasErrors() {
		return nil, ds
	}
	if len(list) != 1 {
		return nil, diag.List{{Severity: diag.Error, Code: "one-rule", File: f, Message: fmt.Sprintf("%d expressions of Cloud SIEM rules stand here, and one is compared", len(list)), Help: "put the rule into a file of its own; of chain rules one expression is compared, in a .cse file"}}
	}
	s, ds := SIEM(diag.Text(f.Name, list[0].Text))
	if s != nil {
		s.Kind = kind
	}
	return s, ds
}

// Query is the predicate of a Sumo query: what stands before its first grouping.
func Query(f *diag.File, with ...query.Option) (*Side, diag.List) {
	q, rest, ds := query.Predicate(f, query.Standard(), with...)
	if ds.HasErrors() {
		return nil, ds
	}
	s := &Side{Name: f.Name, Kind: "Sumo query", layout: q.Layout, native: true}
	r := q.Read()
	for _, c := range r.Conditions {
		s.add(c.Cond)
	}
	if s.cond == nil { // it asks nothing of an event
		s.cond = &expr.Const{Value: event.Bool(true)}
	}
	if len(r.Opaque) > 0 {
		s.Opaque = query.Names(r.Opaque)
		s.Notes = append(s.Notes, fmt.Sprintf("%s: the events made know nothing of what %s does", f.Name, query.Names(r.Opaque)))
	}
	if len(rest) > 0 {
		s.Notes = append(s.Notes, fmt.Sprintf("%s: %s and what follows is not compared: it no longer says which events", f.Name, f.Slice(rest[0].Span())))
	}
	s.run = func(ctx context.Context, in *input.Reader, noMap bool) (map[uint64]bool, error) {
		c := &collector{hits: map[uint64]bool{}}
		err := q.Run(ctx, query.Run{Input: in, Layout: q.Layout.Clone(), Workers: 1, Now: now, NoMap: noMap, Warnings: &exec.Warnings{}}, c)
		return c.hits, err
	}
	return s, ds
}

// now is the clock of comparisons: they come out the same on any day.
var now = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// add joins a condition to those of the side.
func (s *Side) add(x expr.Expr) {
	if s.cond == nil {
		s.cond = x
	} else {
		s.cond = &expr.And{X: s.cond, Y: x}
	}
}

// Sigma is a detection rule.
func Sigma(r *sigma.Rule) (*Side, diag.List) {
	sc := rule.NewScope()
	sc.Untrimmed = true
	rules, unusable := sc.Lower([]sigma.Document{r}, nil)
	if len(unusable) > 0 {
		return nil, diag.List{unusable[0].Diagnostic}
	}
	s := &Side{Name: r.File.Name, Kind: "Sigma rule", layout: sc.Layout, cond: rules[0].When()}
	places, windows, _ := mapping.LogSources(r.LogSource.Product, r.LogSource.Category, r.LogSource.Service)
	s.places, s.other = places, len(places) == 0 && !windows
	set := rule.Compile(sc, rules)
	s.run = func(ctx context.Context, in *input.Reader, noMap bool) (map[uint64]bool, error) {
		c := &collector{hits: map[uint64]bool{}}
		rt := runtime(ctx, sc.Layout)
		p := exec.Pipeline{
			Front: func(exec.Sink) exec.Task {
				return set.Task(env, nil, func(_ *rule.Rule, b *event.Batch) error { return c.Push(b) })
			},
			Back: exec.Chain(c),
		}
		err := exec.Run(rt, p, 1, in.Feed(ctx, &input.Want{Layout: rt.Layout, Fields: set.Fields(), NoMap: noMap, Warnings: rt.Warnings}))
		return c.hits, err
	}
	return s, nil
}

// Runs reports whether gyoji runs the language of a backend.
func Runs(b *convert.Backend) bool {
	return b.Name == "sumo" || b.Name == "cse" || b.Name == "terraform"
}

// Converted is a rule written in a language that gyoji runs, as a side.
func Converted(b *convert.Backend, r *sigma.Rule, o convert.Options, text string) (*Side, diag.List) {
	name := r.File.Name + " in " + b.Name
	if b.Name == "sumo" {
		return Query(diag.Text(name, text))
	}
	in, err := convert.Read(r, o)
	if err == nil {
		text, err = convert.CSEExpression(in)
	}
	if err != nil {
		return nil, diag.List{{Severity: diag.Error, Code: "not-convertible", File: r.File, Message: err.Error()}}
	}
	return SIEM(diag.Text(name, text))
}

var env = &expr.Env{Now: now.UnixMilli(), Zone: time.UTC}

func runtime(ctx context.Context, l *event.Layout) *exec.Runtime {
	return &exec.Runtime{Ctx: ctx, Layout: l.Clone(), Now: now, Zone: time.UTC, Budget: &exec.Budget{}, Warnings: &exec.Warnings{}}
}

// collector remembers the places of the rows it is given.
type collector struct {
	mu   sync.Mutex
	hits map[uint64]bool
}

func (c *collector) Push(b *event.Batch) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, row := range b.Live {
		c.hits[b.Pos[row]] = true
	}
	return nil
}

// eventAt reads the event at a place of the input: its fields, and its text.
func eventAt(ctx context.Context, in *input.Reader, at uint64) (Event, string, error) {
	l := event.NewLayout("_raw")
	rt := runtime(ctx, l)
	e, raw := Event{}, ""
	var want event.Fields
	want.Add(0)
	p := exec.Pipeline{
		Front: func(next exec.Sink) exec.Task { return exec.Chain(next) },
		Back: exec.Chain(sinkFunc(func(b *event.Batch) error {
			for _, row := range b.Live {
				if b.Pos[row] == at {
					raw = strings.Clone(b.Value(0, row).Str())
				}
			}
			return nil
		})),
	}
	if err := exec.Run(rt, p, 1, in.Feed(ctx, &input.Want{Layout: rt.Layout, Fields: want, Warnings: rt.Warnings})); err != nil {
		return nil, "", err
	}
	err := jsondoc.Flatten([]byte(raw), jsondoc.FlattenOptions{}, func(path []byte, v jsondoc.Value) {
		if v.Kind != jsondoc.Null {
			e[string(path)] = string(v.AppendText(nil))
		}
	})
	if err != nil {
		return nil, raw, nil // an event of another form is shown as it is
	}
	return e, raw, nil
}

type sinkFunc func(*event.Batch) error

func (f sinkFunc) Push(b *event.Batch) error { return f(b) }
