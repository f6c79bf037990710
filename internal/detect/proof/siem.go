package proof

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/siem"
)

// SIEM is a Cloud SIEM expression. It is run over the records that gyoji makes of events.
func SIEM(f *diag.File) (*Side, diag.List) {
	x, ds := siem.Parse(f)
	if ds.HasErrors() {
		return nil, ds
	}
	records := event.NewLayout()
	cond, ds := rule.LowerSIEM(x, rule.RecordAttributes(records))
	if ds.HasErrors() {
		return nil, ds
	}
	s := &Side{Name: f.Name, Kind: "Cloud SIEM expression", layout: records, cond: cond, of: x, native: true}
	for _, d := range ds {
		s.Notes = append(s.Notes, fmt.Sprintf("%s: %s", f.Name, d.Message))
	}
	program := expr.Compile(cond)
	events := event.NewLayout()
	plan := record.NewPlan(builtin().Mappers, builtin().Parsers, events, records)
	s.run = func(ctx context.Context, in *input.Reader, noMap bool) (map[uint64]bool, error) {
		c := &collector{hits: map[uint64]bool{}}
		rt := runtime(ctx, events)
		p := exec.Pipeline{
			Front: func(next exec.Sink) exec.Task { return &recordFilter{plan.Open(), program.Open(env), next} },
			Back:  exec.Chain(c),
		}
		err := exec.Run(rt, p, 1, in.Feed(ctx, &input.Want{Layout: rt.Layout, Fields: plan.Fields.Clone(), NoMap: noMap, Warnings: rt.Warnings}))
		return c.hits, err
	}
	return s, nil
}

// recordFilter keeps the events whose records fit a condition.
type recordFilter struct {
	records *record.Run
	cond    *expr.Run
	next    exec.Sink
}

func (f *recordFilter) Push(in *event.Batch) error {
	b := f.records.Map(in)
	b.Live = slices.DeleteFunc(b.Live, func(row uint16) bool {
		_, m := f.records.Kind(row)
		return m == nil
	})
	b.Live = f.cond.Keep(b, b.Live)
	return f.next.Push(b)
}

func (f *recordFilter) Flush() error { return nil }

// lowered is a Cloud SIEM expression as a condition on the fields of the frame's events.
func (w *world) lowered(x *siem.Expression) expr.Expr {
	cond, ds := rule.LowerSIEM(x, &frameAttributes{w: w, made: map[string]expr.Expr{}})
	if ds.HasErrors() {
		panic("bug: proof: an expression that was lowered before is not: " + ds[0].Message)
	}
	return expr.Fold(cond)
}

// frameAttributes are the attributes of the records that are made of a frame's events.
type frameAttributes struct {
	w    *world
	made map[string]expr.Expr
}

func (a *frameAttributes) Attribute(name string) (expr.Expr, *diag.Diagnostic) {
	return a.column(name), rule.AttributeProblem(name)
}

func (a *frameAttributes) Raw(key string) expr.Expr { return a.column(record.RawPrefix + key) }

// column is a column of the records: the mapper itself, run over the fields that it
// reads for that column.
func (a *frameAttributes) column(name string) expr.Expr {
	x := a.made[name]
	if x == nil {
		x = a.computed(name)
		a.made[name] = x
	}
	return x
}

func (a *frameAttributes) computed(name string) expr.Expr {
	events, records := event.NewLayout(), event.NewLayout()
	slot := records.Exact(name)
	mappers, hints := a.w.mapper(name)
	plan := record.NewPlan(mappers, a.w.parsers(), events, records)
	fixed := map[event.Slot]event.Value{}
	for n, v := range a.w.base() {
		fixed[events.Slot(n)] = event.Text(v)
	}
	var slots []event.Slot
	call := &expr.Call{Name: name, Nulls: true}
	for i := range events.Len() {
		s := event.Slot(i)
		field := events.Name(s)
		if _, is := fixed[s]; is || !plan.Fields.Wants(s) || ofKind[field] && a.w.parser == nil {
			continue
		}
		spelt, ok := a.w.has(field)
		if !ok {
			continue // no event of the frame has it
		}
		slots = append(slots, s)
		call.Args = append(call.Args, &expr.Field{Slot: a.w.layout.Slot(spelt), Name: spelt})
		if strings.EqualFold(spelt, "Hashes") {
			call.Name = "digest" // of a list, which hints are made for
		}
	}
	for _, h := range hints {
		call.Args = append(call.Args, &expr.Const{Value: event.Text(h)})
	}
	run, in := plan.Open(), &event.Batch{}
	call.Fn = func(_ *expr.Env, args []event.Value) (event.Value, error) {
		in.Reset()
		row := in.AddRow(0, 0)
		for s, v := range fixed {
			in.Col(s).Set(row, v)
		}
		for i, s := range slots {
			if !args[i].IsNull() {
				in.Col(s).Set(row, args[i])
			}
		}
		out := run.Map(in)
		if _, m := run.Kind(row); m == nil {
			return event.Value{}, nil
		}
		return out.Value(slot, row).Clone(), nil
	}
	if len(slots) == 0 {
		v, _ := call.Fn(env, nil)
		return &expr.Const{Value: v}
	}
	return call
}

// builtin is what records are made by.
var builtin = sync.OnceValue(func() *record.Catalogue {
	c, _ := record.NewCatalogue(record.Sumo, nil)
	return c
})

// mapper is the one for the frame's events, and values that its table for an attribute
// knows.
func (w *world) mapper(attribute string) (one *record.Mappers, hints []string) {
	all := builtin().Mappers
	var of []*record.Mapper
	key := record.WindowsKey(w.channel, w.provider, w.id)
	if w.parser != nil {
		key = record.Key{LogFormat: w.parser.LogFormat, Vendor: w.parser.Vendor, Product: w.parser.Product, EventID: w.id}
	}
	if n := all.Choose(key); n >= 0 {
		m := all.All[n]
		of = append(of, m)
		if s := m.Fields[attribute]; s != nil {
			for v := range s.Lookup {
				hints = append(hints, v)
			}
			slices.Sort(hints)
		}
	}
	one, err := record.NewMappers(of)
	if err != nil {
		panic("bug: proof: " + err.Error())
	}
	return one, hints
}

func (w *world) parsers() []*record.Parser {
	if w.parser == nil {
		return nil
	}
	return []*record.Parser{w.parser}
}

// ofKind are the fields that say what an event of Windows is.
var ofKind = map[string]bool{"Channel": true, "Provider": true, "EventID": true}

// ofProducts are the kinds of events of other products than Windows that ids of events,
// vendors and products name.
func ofProducts(ids []string, named func(string) bool) (out []frame) {
	for _, p := range builtin().Parsers {
		if p.Extract != nil {
			continue // their fields stand in a text
		}
		add := func(id string) {
			f := frame{parser: p, id: id}
			if f.recognised() != nil && !slices.Contains(out, f) {
				out = append(out, f)
			}
		}
		for _, id := range ids {
			n := builtin().Choose(record.Key{LogFormat: p.LogFormat, Vendor: p.Vendor, Product: p.Product, EventID: id})
			if n >= 0 && builtin().All[n].EventID != "_default_" {
				add(id)
			}
		}
		if len(out) == 0 && named(p.Vendor) {
			for _, m := range builtin().All {
				if m.LogFormat == p.LogFormat && m.Vendor == p.Vendor && m.Product == p.Product && !strings.ContainsAny(m.EventID, `\.+*?()|[]{}^$`) {
					add(m.EventID)
				}
			}
		}
	}
	return out
}

// recognised are the fields by which the parser of the frame knows its events, nil where
// no fields make the event id.
func (f frame) recognised() map[string]string {
	out := map[string]string{}
	for _, w := range f.parser.When {
		name, value, has := strings.Cut(w, "=")
		if !has {
			value = "a"
		}
		out[name] = value
	}
	if len(f.parser.EventID) == 0 {
		return out
	}
	for _, t := range f.parser.EventID {
		var names []string
		pattern := ""
		for rest := t; ; {
			before, after, ok := strings.Cut(rest, "{")
			pattern += regexp.QuoteMeta(before)
			if !ok {
				break
			}
			name, tail, _ := strings.Cut(after, "}")
			names, pattern, rest = append(names, name), pattern+"(.+)", tail
		}
		m := regexp.MustCompile(`^` + pattern + `$`).FindStringSubmatch(f.id)
		if m == nil {
			continue
		}
		for i, n := range names {
			out[n] = m[i+1]
		}
		return out
	}
	return nil
}
