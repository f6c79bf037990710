package op

import (
	"fmt"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "parse", Usage: "parse {field=<from:field>|nodrop} <rules:(<pattern:string> as <names:field,...>),...> {nodrop}",
		Summary: "Takes fields out of text by what stands around them.",
		Text: "The pattern is literal text with `*` where a value stands; each value is the shortest text up to the next literal. " +
			"A leading `*` starts at the start of the text, a trailing one runs to its end. Letter case counts. " +
			"A message without the pattern is dropped, or kept with `nodrop`: its fields then keep the value they had, or are null. " +
			"In an unbroken run of parse stages, a message that one with `nodrop` has matched is not dropped by a later one.",
		Differs: "OP-15 (reach of nodrop), OP-20 (letter case), OP-21 (a trailing `*`), OP-48 (a value may be empty), OP-51 (several patterns: all must match).",
		Examples: []lang.Example{
			{Query: `* | parse "a=*, b=*" as a, b`, In: []string{"a=1, b=2"}, Out: []string{`{"a":"1","b":"2"}`}},
			{Query: `* | parse "a=*," as f nodrop`, In: []string{"a=1,", "z=9,"}, Out: []string{`{"_raw":"z=9,","f":null}`, `{"_raw":"a=1,","f":"1"}`}},
			{Query: `* | parse "*@*" as user, host`, In: []string{"me@example.com"}, Out: []string{`{"user":"me","host":"example.com"}`}},
		},
	},
	Flow:  lang.Streams,
	Facts: lang.Facts{Rows: lang.Drops, Alone: true, Family: true, Text: true, Parts: true},
	New:   func() lang.Stage { return new(parse) },
})

type parse struct {
	From   *syntax.Field `usage:"from"`
	NoDrop bool          `usage:"nodrop"`
	Rules  []parseRule   `usage:"rules"`

	parsing
}

// parseRule is one pattern with the names of its values.
type parseRule struct {
	Pattern *syntax.String  `usage:"pattern"`
	Names   []*syntax.Field `usage:"names"`

	anchor *anchor
	outs   []event.Slot
}

func (p *parse) Check(sc *lang.Scope) {
	p.check(sc, p.From, p.NoDrop)
	for i := range p.Rules {
		r := &p.Rules[i]
		a, err := compileAnchor(r.Pattern.Value)
		switch {
		case err != nil:
			sc.Error(r.Pattern, "bad-anchor", err.Error(), "put the text that stands between the two values there")
			a = &anchor{lits: []string{""}}
		case a.names != len(r.Names):
			sc.Error(r.Pattern, "anchor-names", fmt.Sprintf("the pattern has %s and %s", count(a.names, "*", "*"), count(len(r.Names), "name", "names")), "give each * one name")
		case a.names == 0:
			sc.Error(r.Pattern, "anchor-names", "the pattern takes nothing out: it has no *", "put a * where the value stands")
		}
		r.anchor = a
		for _, f := range r.Names {
			r.outs = append(r.outs, sc.Make(f))
		}
	}
}

// count prints a number with its noun.
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func (p *parse) Needs(f *event.Fields) {
	f.Add(p.from)
	if p.nodrop || !p.first {
		for _, r := range p.Rules { // a failing parse leaves an earlier value alone
			f.Add(r.outs...)
		}
		return
	}
	for _, r := range p.Rules {
		f.Remove(r.outs...)
	}
	f.Add(p.from)
}

// Facts give the planner the literals between the values.
func (p *parse) Facts(f lang.Facts) lang.Facts {
	f.Takes = p.takes(p.fits)
	for _, r := range p.Rules {
		f.Takes.Outs = append(f.Takes.Outs, r.outs...)
		for _, l := range r.anchor.lits {
			if l != "" && p.drops() {
				f.Takes.Holds = append(f.Takes.Holds, &match.Witness{Any: []string{l}})
			}
		}
	}
	return f
}

// fits says for each rule that its literals stand one after the other.
func (p *parse) fits() (all []expr.Expr) {
	for _, r := range p.Rules {
		pieces := []string{""}
		for _, l := range r.anchor.lits {
			if l != "" {
				pieces = append(pieces, l)
			}
		}
		all = append(all, &expr.Glob{X: p.text, Glob: match.NewGlob(append(pieces, ""), false)})
	}
	return all
}

func (p *parse) Open(_ *exec.Runtime, next exec.Sink) exec.Task {
	t := &parseTask{parse: p}
	return &each{next: next, fn: t.run}
}

type parseTask struct {
	*parse
	found []string
}

func (t *parseTask) run(b *event.Batch) error {
	t.begin(b)
	live := b.Live[:0]
	from := *b.Col(t.from) // a copy: rules may write the column they read
	for _, row := range b.Live {
		v := from.At(row)
		ok := !v.IsNull()
		t.found = t.found[:0]
		for i := range t.Rules {
			if !ok {
				break
			}
			t.found, ok = t.Rules[i].anchor.match(v.Str(), t.found)
		}
		if ok {
			i := 0
			for _, r := range t.Rules {
				for _, s := range r.outs {
					b.Col(s).Set(row, event.Text(t.found[i]))
					i++
				}
			}
		}
		if t.settle(b, row, ok) {
			live = append(live, row)
		}
	}
	b.Live = live
	return nil
}
