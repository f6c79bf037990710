package rule

import (
	"slices"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/sigma"
)

// feed is what a rule's matches give to a correlation.
type feed struct {
	to     *Rule
	ref    int          // place among the correlation's rules
	groups []event.Slot // group-by fields of the rule's events
	values []event.Slot // counted or measured
}

// tie finds the rules that correlations name and orders correlations behind
// those they are made of. One that names an unknown rule, or itself, cannot run.
func tie(rules, correlations []*Rule, fail func(*sigma.Meta, *diag.Diagnostic), sc *Scope) []*Rule {
	state := map[*Rule]int{} // 1 under way, 2 done, 3 unusable
	var ordered []*Rule
	var visit func(r *Rule) bool
	visit = func(r *Rule) bool {
		switch state[r] {
		case 1:
			fail(r.Meta, problem(r.Meta, r.Correlation.Span, "correlation-loop", "the correlation is made of itself"))
			state[r] = 3
			return false
		case 2, 3:
			return state[r] == 2
		}
		state[r] = 1
		c := r.Correlation
		if c.Type == sigma.TemporalOrdered && c.Expr == nil && (!c.Holds(float64(len(c.Rules))) || c.Holds(float64(len(c.Rules)-1))) {
			fail(r.Meta, problem(r.Meta, c.Span, "unsupported", "an order of some of the rules has no meaning: leave the condition out, or ask for all %d", len(c.Rules)))
			state[r] = 3
			return false
		}
		if c.Type == sigma.TemporalOrdered && c.Expr != nil && !sigma.OnlyAnd(c.Expr) {
			fail(r.Meta, problem(r.Meta, c.Span, "unsupported", "an order of rules joined by or or not has no meaning: write a temporal correlation, or only and"))
			state[r] = 3
			return false
		}
		for _, ref := range c.Rules {
			var found *Rule
			for _, o := range rules {
				if o.Known(ref.Name) {
					found = o
				}
			}
			switch {
			case found == nil:
				fail(r.Meta, problem(r.Meta, ref.Span, "unknown-rule", "no rule that can run has the id or name %s", ref.Name))
				state[r] = 3
				return false
			case found.Correlation != nil && !visit(found):
				if state[r] != 3 {
					fail(r.Meta, problem(r.Meta, ref.Span, "unknown-rule", "the rule %s cannot run", ref.Name))
				}
				state[r] = 3
				return false
			}
			r.inputs = append(r.inputs, found)
		}
		state[r] = 2
		ordered = append(ordered, r)
		return true
	}
	for _, r := range correlations {
		visit(r)
	}
	for _, r := range ordered {
		for _, g := range r.Correlation.GroupBy {
			f := sc.field(g.Name)
			r.Fields, r.Names = append(r.Fields, f.Slot), append(r.Names, f.Name)
		}
		for i, in := range r.inputs {
			f := feed{to: r, ref: i}
			for _, g := range r.Correlation.GroupBy {
				f.groups = append(f.groups, sc.field(r.Correlation.FieldOf(g.Name, r.Correlation.Rules[i], in.Meta)).Slot)
			}
			for _, v := range r.Correlation.Fields {
				f.values = append(f.values, sc.field(r.Correlation.FieldOf(v.Name, r.Correlation.Rules[i], in.Meta)).Slot)
			}
			in.feeds = append(in.feeds, f)
			in.Silent = in.Silent || !r.Correlation.Generate
		}
	}
	out := slices.DeleteFunc(slices.Clone(rules), func(r *Rule) bool { return r.Correlation != nil })
	return append(out, ordered...)
}

// Keep returns the rules that are wanted, and silently those that correlations
// among them are made of.
func Keep(rules []*Rule, wanted func(*Rule) bool) []*Rule {
	kept := map[*Rule]bool{}
	var keep func(*Rule)
	keep = func(r *Rule) {
		if !kept[r] {
			kept[r] = true
			for _, in := range r.inputs {
				keep(in)
			}
		}
	}
	for _, r := range rules {
		if wanted(r) {
			keep(r)
		} else {
			r.Silent = true
		}
	}
	var out []*Rule
	for _, r := range rules {
		if kept[r] {
			r.feeds = slices.DeleteFunc(r.feeds, func(f feed) bool { return !kept[f.to] })
			out = append(out, r)
		}
	}
	return out
}
