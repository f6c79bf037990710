package rule

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/event"
	"github.com/gyoji-dev/gyoji/exec"
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
		if c.Type == sigma.TemporalOrdered && c.Expr == nil && (c.Op != sigma.Ge || int(c.Count) != len(c.Rules)) {
			fail(r.Meta, problem(r.Meta, c.Span, "unsupported", "an order of some of the rules has no meaning: leave the condition out, or ask for all %d", len(c.Rules)))
			state[r] = 3
			return false
		}
		if c.Type == sigma.TemporalOrdered && c.Expr != nil && !onlyAnd(c.Expr) {
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
			r.Fields = append(r.Fields, sc.field(g.Name).Slot)
		}
		for i, in := range r.inputs {
			f := feed{to: r, ref: i}
			for _, g := range r.Correlation.GroupBy {
				f.groups = append(f.groups, sc.field(aliased(r.Correlation, g.Name, r.Correlation.Rules[i].Name)).Slot)
			}
			for _, v := range r.Correlation.Fields {
				f.values = append(f.values, sc.field(aliased(r.Correlation, v.Name, r.Correlation.Rules[i].Name)).Slot)
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

// aliased is what a name is called in the events of a rule.
func aliased(c *sigma.Correlation, name, rule string) string {
	for _, a := range c.Aliases {
		if a.Name == name {
			if f, ok := a.Fields[rule]; ok {
				return f
			}
		}
	}
	return name
}

func onlyAnd(x sigma.Expr) bool {
	ok := true
	sigma.WalkExpr(x, func(y sigma.Expr) {
		switch y.(type) {
		case *sigma.Or, *sigma.Not:
			ok = false
		}
	})
	return ok
}

// occurrence is one match of a rule, as a correlation of it sees it.
type occurrence struct {
	at     int64 // ms
	pos    uint64
	ref    int
	group  string
	values string
}

// Finding is one result of a correlation.
type Finding struct {
	Rule        *Rule
	First, Last int64 // ms: of the events it is made of
	Pos         uint64
	Groups      []string // values of the group-by fields
	Value       float64  // the count, sum or other measure; the number of rules for temporal ones
	Events      int
}

// Correlator gathers the matches that correlations are made of. Its methods but
// Findings may be called by several workers.
type Correlator struct {
	mu      sync.Mutex
	budget  *exec.Budget
	got     map[*Rule]*matches
	scratch []byte
}

// matches are those that one correlation is made of.
type matches struct {
	acct  *exec.Account
	all   []occurrence
	texts map[string]string // of groups and values, each once: an attack has many matches of few
}

// What a correlation is charged, with the room that a growing list keeps.
const (
	occurrenceBytes = 96
	textBytes       = 48 // beside the text
	findingBytes    = 192
)

// NewCorrelator makes a Correlator that charges what it holds to a budget.
func NewCorrelator(b *exec.Budget) *Correlator {
	return &Correlator{budget: b, got: map[*Rule]*matches{}}
}

// Wants reports whether some correlation is made of a rule.
func (r *Rule) Wants() bool { return len(r.feeds) > 0 }

// Add takes the matches of a rule.
func (c *Correlator) Add(r *Rule, b *event.Batch, rows []uint16) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range r.feeds {
		for _, row := range rows {
			err := c.add(f, b.Time[row], b.Pos[row], func(s event.Slot) event.Value { return b.Value(s, row) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// add takes one match. One without the fields that are asked for belongs to no
// group, and counts for nothing.
func (c *Correlator) add(f feed, at int64, pos uint64, value func(event.Slot) event.Value) error {
	m := c.got[f.to]
	if m == nil {
		m = &matches{acct: c.budget.Open("the correlation " + strconv.Quote(f.to.Title)), texts: map[string]string{}}
		c.got[f.to] = m
	}
	over := false
	text := func(slots []event.Slot) (string, bool) {
		joined, ok := appendJoined(c.scratch[:0], slots, value)
		if c.scratch = joined; !ok || len(joined) == 0 {
			return "", ok
		}
		t, known := m.texts[string(joined)]
		if !known {
			t = string(joined)
			m.texts[t] = t
			over = over || !m.acct.Add(int64(len(t)+textBytes))
		}
		return t, true
	}
	group, ok := text(f.groups)
	values, has := text(f.values)
	if !ok || !has {
		return nil
	}
	if over || !m.acct.Add(occurrenceBytes) {
		return m.over()
	}
	m.all = append(m.all, occurrence{at: at, pos: pos, ref: f.ref, group: group, values: values})
	return nil
}

func (m *matches) over() error {
	return m.acct.Over(fmt.Sprintf("%d matches of the rules that it is made of", len(m.all)), "Filter the rules it is made of, or narrow the time range")
}

// separator stands between the values of several fields.
const separator = "\x1f"

// appendJoined appends the texts of some fields; ok is false when one is missing.
func appendJoined(dst []byte, slots []event.Slot, value func(event.Slot) event.Value) (out []byte, ok bool) {
	for i, s := range slots {
		v := value(s)
		if v.IsNull() {
			return dst, false
		}
		if i > 0 {
			dst = append(dst, separator...)
		}
		dst = v.AppendText(dst)
	}
	return dst, true
}

// Findings computes the correlations, in the order of rules, once all matches
// are there. found gets the findings of a correlation by time.
func (c *Correlator) Findings(rules []*Rule, found func(Finding) error) error {
	for _, r := range rules {
		m := c.got[r]
		if r.Correlation == nil || m == nil {
			continue
		}
		delete(c.got, r)
		if err := c.findings(r, m, found); err != nil {
			return err
		}
		m.acct.Release()
	}
	return nil
}

// findings computes one correlation.
func (c *Correlator) findings(r *Rule, m *matches, found func(Finding) error) error {
	slices.SortFunc(m.all, func(a, b occurrence) int { // groups one behind the other, each by time
		return cmp.Or(strings.Compare(a.group, b.group), cmp.Compare(a.at, b.at), cmp.Compare(a.pos, b.pos), cmp.Compare(a.ref, b.ref))
	})
	var out []Finding
	for all := m.all; len(all) > 0; {
		group := all[0].group
		n := sort.Search(len(all), func(i int) bool { return all[i].group > group })
		for _, f := range r.matching(all[:n]) {
			if !m.acct.Add(findingBytes) {
				return m.over()
			}
			f.Rule = r
			if len(r.Correlation.GroupBy) > 0 {
				f.Groups = strings.Split(group, separator)
			}
			out = append(out, f)
		}
		all = all[n:]
	}
	slices.SortFunc(out, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.Last, b.Last), cmp.Compare(a.Pos, b.Pos), slices.Compare(a.Groups, b.Groups))
	})
	for _, f := range out {
		if err := c.forward(r, f); err != nil {
			return err
		}
		if r.Silent {
			continue
		}
		if err := found(f); err != nil {
			return err
		}
	}
	return nil
}

// forward gives a finding to the correlations made of its rule: its fields are
// the group-by fields.
func (c *Correlator) forward(r *Rule, f Finding) error {
	for _, feed := range r.feeds {
		err := c.add(feed, f.Last, f.Pos, func(s event.Slot) event.Value {
			for i, g := range r.Fields {
				if g == s && i < len(f.Groups) {
					return event.Text(f.Groups[i])
				}
			}
			return event.Value{}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// matching finds in the matches of one group, which are in order of time, the
// windows that meet the condition.
//
// A condition that more events can only help (at least, more than) is looked at
// with every event over the time span that ends with it; once it is met, the
// next window begins behind. Any other is looked at once a window is complete: a
// window begins with the first event that is in none.
func (r *Rule) matching(os []occurrence) []Finding {
	c := r.Correlation
	span := c.Timespan.Milliseconds()
	if c.Type == sigma.TemporalOrdered {
		return ordered(os, len(c.Rules), span)
	}
	var out []Finding
	if r.grows() {
		start := 0
		for end := range os {
			for os[end].at-os[start].at > span {
				start++
			}
			if f, ok := r.met(os[start : end+1]); ok {
				out = append(out, f)
				start = end + 1
			}
		}
		return out
	}
	for start := 0; start < len(os); {
		end := start + 1
		for end < len(os) && os[end].at-os[start].at <= span {
			end++
		}
		if f, ok := r.met(os[start:end]); ok {
			out = append(out, f)
		}
		start = end
	}
	return out
}

// grows reports whether a window that meets the condition still does so with
// more events in it.
func (r *Rule) grows() bool {
	c := r.Correlation
	switch {
	case c.Expr != nil:
		grows := true
		sigma.WalkExpr(c.Expr, func(x sigma.Expr) {
			if _, not := x.(*sigma.Not); not {
				grows = false
			}
		})
		return grows
	case c.Op != sigma.Gt && c.Op != sigma.Ge:
		return false
	}
	switch c.Type {
	case sigma.EventCount, sigma.ValueCount, sigma.Temporal:
		return true
	}
	return false
}

// met reports whether a window meets the condition.
func (r *Rule) met(w []occurrence) (Finding, bool) {
	c := r.Correlation
	last := w[len(w)-1]
	f := Finding{First: w[0].at, Last: last.at, Pos: last.pos, Events: len(w)}
	switch c.Type {
	case sigma.EventCount:
		f.Value = float64(len(w))
	case sigma.ValueCount:
		seen := map[string]bool{}
		for _, o := range w {
			seen[o.values] = true
		}
		f.Value = float64(len(seen))
	case sigma.Temporal:
		seen := make([]bool, len(c.Rules))
		for _, o := range w {
			if !seen[o.ref] {
				seen[o.ref] = true
				f.Value++
			}
		}
		if c.Expr != nil {
			return f, r.expression(c.Expr, seen)
		}
	default:
		v, ok := measure(c, w)
		if !ok {
			return f, false
		}
		f.Value = v
	}
	return f, c.Op.Holds(f.Value, c.Count)
}

// measure is the sum, average or percentile of the numbers of a window.
func measure(c *sigma.Correlation, w []occurrence) (float64, bool) {
	var ns []float64
	sum := 0.0
	for _, o := range w {
		if n, ok := event.ParseNumber(o.values); ok && !math.IsNaN(n) {
			ns = append(ns, n)
			sum += n
		}
	}
	if len(ns) == 0 {
		return 0, false
	}
	p := 50.0
	switch c.Type {
	case sigma.ValueSum:
		return sum, true
	case sigma.ValueAvg:
		return sum / float64(len(ns)), true
	case sigma.ValuePercentile:
		p = c.Percentile
	}
	// Between the two nearest ranks the value is taken in proportion.
	slices.Sort(ns)
	at := p / 100 * float64(len(ns)-1)
	i := int(at)
	if i+1 == len(ns) {
		return ns[i], true
	}
	return ns[i] + (at-float64(i))*(ns[i+1]-ns[i]), true
}

// expression computes the condition of a temporal correlation.
func (r *Rule) expression(x sigma.Expr, seen []bool) bool {
	switch x := x.(type) {
	case *sigma.And:
		for _, y := range x.Of {
			if !r.expression(y, seen) {
				return false
			}
		}
		return true
	case *sigma.Or:
		for _, y := range x.Of {
			if r.expression(y, seen) {
				return true
			}
		}
		return false
	case *sigma.Not:
		return !r.expression(x.X, seen)
	case *sigma.Use:
		for i, ref := range r.Correlation.Rules {
			if ref.Name == x.Name {
				return seen[i]
			}
		}
	}
	return false
}

// ordered finds where n rules matched one after the other within a time span.
// For each number of rules that have matched so far it keeps the latest start.
func ordered(os []occurrence, n int, span int64) (out []Finding) {
	type chain struct {
		start  int64
		events int
	}
	chains := make([]chain, n)
	for i := 0; i < len(os); {
		// One event that several rules match is one step, not several: later
		// rules first.
		end := i + 1
		for end < len(os) && os[end].pos == os[i].pos && os[end].at == os[i].at {
			end++
		}
		step := os[i:end]
		for k := len(step) - 1; k >= 0; k-- {
			o := step[k]
			switch {
			case o.ref == 0:
				chains[0] = chain{o.at, 1}
			case chains[o.ref-1].events > 0 && o.at-chains[o.ref-1].start <= span:
				chains[o.ref] = chain{chains[o.ref-1].start, chains[o.ref-1].events + 1}
			}
			if c := chains[n-1]; o.ref == n-1 && c.events > 0 && o.at-c.start <= span {
				out = append(out, Finding{First: c.start, Last: o.at, Pos: o.pos, Value: float64(n), Events: c.events})
				clear(chains)
				break
			}
		}
		i = end
	}
	return out
}
