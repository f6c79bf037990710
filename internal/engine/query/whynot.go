package query

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
	"github.com/gyoji-dev/gyoji/syntax"
)

const (
	// valuesKept is how many different values of a field are counted at one condition.
	valuesKept = 4096
	// valuesShown is how many of them are printed, the most frequent first.
	valuesShown = 5
	// valueShown is how many characters of a value are printed.
	valueShown = 100
)

// WhyNot runs the query, slowly, and prints how many rows go into and come out
// of every stage as it is written. Where they drop to nothing it says which
// predicate failed, the values it saw, and the field or value that was probably
// meant. With one set, the input is one event: conditions then drop nothing, and
// each predicate is printed with the values it reads.
//
// It readies stages for this and nothing else, those of a copy of the query.
func (q *Query) WhyNot(ctx context.Context, r Run, w io.Writer, one bool) error {
	t, err := q.trace(ctx, r, one)
	switch {
	case err != nil:
		return err
	case one:
		t.printEvent(w)
	default:
		t.print(w)
	}
	return nil
}

// trace runs the query with a probe in front of every stage.
func (q *Query) trace(ctx context.Context, r Run, one bool) (*trace, error) {
	q = q.again()
	budget := r.budget()
	before, err := q.before(ctx, &r, budget)
	if err != nil {
		return nil, err
	}
	defer before.release()
	t := &trace{q: q, layout: r.Layout, present: map[event.Slot]int64{}, made: map[event.Slot][]event.Slot{}, one: one}
	rt := r.runtime(ctx, r.Layout, budget)
	before.give(rt)
	defer rt.Close()
	steps := q.written
	if r.Bounded {
		steps = append([]lang.Step{{Stage: timeRange{}, Flow: lang.Streams, Name: "time range"}}, steps...)
	}
	var all []lang.Step
	for _, s := range steps {
		var reads event.Fields
		s.Stage.Needs(&reads) // asked for alone; below, for the run
		p := &probe{trace: t, step: s, reads: reads.Slots()}
		t.probes = append(t.probes, p)
		all = append(all, lang.Step{Stage: p, Flow: lang.Streams})
		if s.Facts.Cond == nil || !one {
			all = append(all, s)
		}
	}
	end := &probe{trace: t}
	t.probes = append(t.probes, end)
	all = append(all, lang.Step{Stage: end, Flow: lang.Streams})

	want := event.Fields{All: true}
	for i := len(all) - 1; i >= 0; i-- {
		all[i].Stage.Needs(&want)
		if q.Messages || all[i].Flow == lang.Streams {
			want.All = true // what exists is told too, not only what is wanted
		}
	}
	want.All = true
	reads := q.Want(r)
	reads.Fields, reads.Need, reads.Conditions, reads.AutoConditions = want, nil, nil, nil
	p := exec.Pipeline{
		Front: func(next exec.Sink) exec.Task { return lang.OpenSteps(all, rt, next) },
		Back:  lang.OpenSteps(nil, rt, nothing{}),
	}
	if err := exec.Run(rt, p, 1, r.Input.Feed(ctx, reads)); err != nil {
		return nil, err
	}
	return t, nil
}

// nothing takes rows that no one wants.
type nothing struct{}

func (nothing) Push(*event.Batch) error { return nil }
func (nothing) Flush() error            { return nil }

// trace is what the probes of one run have seen.
type trace struct {
	q       *Query
	layout  *event.Layout
	probes  []*probe
	present map[event.Slot]int64        // rows of the input that have a field
	made    map[event.Slot][]event.Slot // a computed field and what it was last computed of
	one     bool
}

// probe counts the rows in front of a stage; in front of a condition, also what
// its predicates make of them.
type probe struct {
	trace *trace
	step  lang.Step
	rows  int64
	parts []*predicate

	reads   []event.Slot               // what the stage reads
	sample  map[event.Slot]event.Value // in front of a stage that is no condition: what it got first
	outcome event.Value                // of an assignment, with one event
}

// predicate is one part of a condition, all of which must hold.
type predicate struct {
	text   string
	tree   expr.Expr
	node   syntax.Node // nil where the condition is not written in parts
	env    *expr.Env
	run    *expr.Run
	holds  int64
	fields []*seen
	rows   []uint16
	change *WhyChange // what was probably meant; set by explain
}

// seen is what a predicate saw of one field.
type seen struct {
	slot   event.Slot
	null   int64
	values map[string]int64
	more   bool // there were more values than are kept

	near, help string // the value that was probably meant, and what to do; set by field
}

func (p *probe) Check(*lang.Scope)   {}
func (p *probe) Needs(*event.Fields) {}

func (p *probe) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	if cond := p.step.Facts.Cond; cond != nil {
		nodes := p.trace.q.conjuncts(p.step)
		trees := conjuncts(cond)
		if len(nodes) != len(trees) {
			nodes = nil
			trees = []expr.Expr{cond}
		}
		env := lang.Env(rt)
		for i, x := range trees {
			part := &predicate{text: p.trace.q.stepText(p.step), tree: x, env: env, run: expr.Compile(x).Open(env)}
			if nodes != nil {
				part.node = nodes[i]
				part.text = clip(strings.Join(strings.Fields(p.trace.q.Tree.File.Slice(nodes[i].Span())), " "))
			}
			for _, s := range expr.Slots(x) {
				part.fields = append(part.fields, &seen{slot: s, values: map[string]int64{}})
			}
			p.parts = append(p.parts, part)
		}
	}
	if set := p.step.Facts.Sets; set != nil {
		p.trace.made[set.To] = expr.Slots(set.Value)
	}
	return &probeTask{p, next}
}

type probeTask struct {
	*probe
	next exec.Sink
}

func (t *probeTask) Flush() error { return nil }

func (t *probeTask) Push(b *event.Batch) error {
	p := t.probe
	p.rows += int64(len(b.Live))
	if p == p.trace.probes[0] {
		for i := range b.Cols {
			for _, row := range b.Live {
				if !b.Cols[i].At(row).IsNull() {
					p.trace.present[event.Slot(i)]++
				}
			}
		}
	}
	for _, part := range p.parts {
		part.look(b)
	}
	if p.sample == nil && p.parts == nil && len(b.Live) > 0 {
		p.sample = map[event.Slot]event.Value{}
		for _, s := range p.reads {
			p.sample[s] = b.Value(s, b.Live[0]).Clone()
		}
	}
	if p.trace.one {
		p.trace.assigned(p, b)
	}
	return t.next.Push(b)
}

// assigned notes what the stage before a probe has computed.
func (t *trace) assigned(p *probe, b *event.Batch) {
	i := slices.Index(t.probes, p)
	if i == 0 || len(b.Live) == 0 {
		return
	}
	if set := t.probes[i-1].step.Facts.Sets; set != nil {
		t.probes[i-1].outcome = b.Value(set.To, b.Live[0]).Clone()
	}
}

func (p *predicate) look(b *event.Batch) {
	p.rows = p.run.Keep(b, append(p.rows[:0], b.Live...))
	p.holds += int64(len(p.rows))
	for _, f := range p.fields {
		for _, row := range b.Live {
			v := b.Value(f.slot, row)
			switch {
			case v.IsNull():
				f.null++
			case len(f.values) < valuesKept:
				f.values[strings.Clone(v.Str())]++
			default:
				if _, ok := f.values[v.Str()]; ok {
					f.values[v.Str()]++
				} else {
					f.more = true
				}
			}
		}
	}
}

// conjuncts are the parts of a condition that must all hold.
func conjuncts(x expr.Expr) []expr.Expr {
	if a, ok := x.(*expr.And); ok {
		return append(conjuncts(a.X), conjuncts(a.Y)...)
	}
	return []expr.Expr{x}
}

// conjuncts are those parts as they are written.
func (q *Query) conjuncts(s lang.Step) (parts []syntax.Node) {
	var node syntax.Node
	switch {
	case s.Part == lang.Searching:
		node = q.Tree.Search
	case s.Syntax != nil:
		for _, a := range s.Syntax.Args {
			if x, ok := a.Value.(syntax.Expr); ok {
				node = x
				break
			}
		}
	}
	var split func(n syntax.Node)
	split = func(n syntax.Node) {
		switch n := n.(type) {
		case *syntax.Paren:
			split(n.X)
			return
		case *syntax.Group:
			split(n.X)
			return
		case *syntax.And:
			for _, x := range n.List {
				split(x)
			}
			return
		case *syntax.Binary:
			if n.Op == "and" {
				split(n.X)
				split(n.Y)
				return
			}
		}
		parts = append(parts, n)
	}
	if node != nil {
		split(node)
	}
	return parts
}

// clip shortens a text that is shown.
func clip(s string) string {
	if r := []rune(s); len(r) > valueShown {
		return string(r[:valueShown-1]) + "…"
	}
	return s
}

// whyWidth is how wide the table of rows is.
const whyWidth = 80

func (t *trace) print(w io.Writer) {
	const leftNothing = "  <- nothing is left"
	digits := len("out")
	for _, p := range t.probes {
		digits = max(digits, len(thousands(p.rows)))
	}
	room := whyWidth - 2*(1+digits) - len(leftNothing)
	fmt.Fprintf(w, "%-*s %*s %*s\n", room, "Rows", digits, "in", digits, "out")
	dry := t.dry()
	for i, p := range t.probes[:len(t.probes)-1] {
		out := t.probes[i+1].rows
		mark := ""
		if i == dry {
			mark = leftNothing
		}
		for j, line := range printable.WrapAll(t.q.stepText(p.step), room-4) {
			if j == 0 {
				fmt.Fprintf(w, "  %-*s %*s %*s%s\n", room-2, line, digits, thousands(p.rows), digits, thousands(out), mark)
			} else {
				fmt.Fprintf(w, "    %s\n", line)
			}
		}
	}
	end := t.probes[len(t.probes)-1].rows
	switch {
	case t.probes[0].rows == 0 && len(t.probes) > 1:
		fmt.Fprintln(w, "\nNo events were read: see below for what could not be used.")
	case dry >= 0:
		fmt.Fprintln(w, "\nWhy nothing is left")
		t.explain(w, t.probes[dry])
	default:
		fmt.Fprintf(w, "\nRows come out: %s.\n", thousands(end))
	}
}

// explain says why a stage let no row through.
func (t *trace) explain(w io.Writer, p *probe) {
	if len(p.parts) == 0 {
		fmt.Fprintf(w, "  %s\n    lets none of %s rows through.", t.q.stepText(p.step), thousands(p.rows))
		if p.step.Syntax != nil && p.step.Syntax.Op != nil {
			fmt.Fprintf(w, " gyoji doc %s says when it drops a row;", p.step.Syntax.Op.Text)
			fmt.Fprint(w, "\n    where it takes nodrop, that keeps the rows without a match.")
		}
		fmt.Fprintln(w)
		for _, s := range p.reads {
			fmt.Fprintf(w, "    it reads `%s`, which is at first %s\n", t.layout.Name(s), shown(p.sample[s]))
			if p.sample[s].IsNull() && t.present[s] == 0 {
				t.absent(w, s, map[event.Slot]bool{})
			}
		}
		return
	}
	failing := 0
	for _, part := range p.parts {
		if part.holds == 0 {
			failing++
		}
	}
	if failing == 0 {
		fmt.Fprintf(w, "  each part of the condition holds for some of %s rows, all of them for none\n", thousands(p.rows))
	}
	for _, part := range p.parts {
		if failing > 0 && part.holds > 0 {
			continue
		}
		fmt.Fprintf(w, "  %s\n    holds for %s of %s rows\n", part.text, thousands(part.holds), thousands(p.rows))
		for _, f := range part.fields {
			t.field(w, part, f, p)
		}
		if part.change = t.change(part); part.change != nil {
			fmt.Fprintf(w, "    try `%s`%s: %s\n", part.change.Text, part.change.holds(p.rows), part.change.Why)
		}
	}
}

// field says what a predicate saw of a field, and what may have been meant.
func (t *trace) field(w io.Writer, part *predicate, f *seen, p *probe) {
	name := t.layout.Name(f.slot)
	if f.null > 0 {
		fmt.Fprintf(w, "    `%s` is absent in %s of %s %s\n", name, thousands(f.null), thousands(p.rows), t.unit(p))
	}
	if len(f.values) == 0 {
		t.absent(w, f.slot, map[event.Slot]bool{})
		return
	}
	values := f.most(len(f.values))
	different := thousands(int64(len(values)))
	if f.more {
		different = "more than " + different
	}
	if name == "_raw" {
		fmt.Fprintf(w, "    `_raw` is, for example\n")
		values = values[:1]
	} else {
		fmt.Fprintf(w, "    `%s` has %s different %s\n", name, different, plural(len(values), "value", "values"))
	}
	for _, v := range values[:min(len(values), valuesShown)] {
		fmt.Fprintf(w, "      %10s × %s\n", thousands(v.Count), clip(strconv.Quote(v.Value)))
	}
	if len(values) > valuesShown {
		fmt.Fprintf(w, "      ...\n")
	}
	if name == "_raw" {
		return
	}
	// What would hold if letter case or blanks aside?
	for _, v := range values {
		for _, try := range []struct{ text, why string }{
			{strings.TrimSpace(v.Value), "except for blanks around it; trim it first"},
			{strings.ToLower(v.Value), "except for letter case: compare toLowerCase(" + name + ")"},
			{strings.ToUpper(v.Value), "except for letter case: compare toUpperCase(" + name + ")"},
		} {
			if try.text != v.Value && t.would(part, f.slot, event.Text(try.text)) {
				f.hint(w, v.Value, "%s would do, %s", clip(strconv.Quote(v.Value)), try.why)
				return
			}
		}
		if n, ok := event.ParseNumber(v.Value); ok && t.would(part, f.slot, event.Float(n)) {
			f.hint(w, v.Value, "%s is text here, and the number would do: write it in quotes, or num(%s)", clip(strconv.Quote(v.Value)), name)
			return
		}
	}
	for _, c := range constants(part.tree) {
		for _, v := range values {
			if strings.EqualFold(c, v.Value) {
				f.hint(w, v.Value, "%q is there, but not in these letters: %q", v.Value, c)
				return
			}
		}
		// A pattern's letters may be there in other case, or misspelt: compare
		// them with whole values and with the last part of paths.
		var texts []string
		for _, v := range values {
			if strings.Contains(strings.ToLower(v.Value), strings.ToLower(c)) && !strings.Contains(v.Value, c) {
				f.hint(w, v.Value, "%s has %q in other letter case: compare toLowerCase(%s) with lower case", clip(strconv.Quote(v.Value)), c, name)
				return
			}
			texts = append(texts, v.Value, v.Value[strings.LastIndexAny(v.Value, `\/`)+1:])
		}
		if near := diag.Nearest(c, texts); near != "" && near != c {
			f.hint(w, near, "the value nearest to %q is %q", c, near)
			return
		}
	}
}

// hint prints what was probably meant, and keeps it.
func (f *seen) hint(w io.Writer, near, format string, args ...any) {
	f.near, f.help = near, fmt.Sprintf(format, args...)
	fmt.Fprintf(w, "    %s\n", f.help)
}

// unit is what stands in front of a stage: events, until a stage makes rows of them.
func (t *trace) unit(p *probe) string {
	for _, before := range t.probes {
		if before == p {
			break
		}
		if before.step.Flow != lang.Streams {
			return "rows"
		}
	}
	return "events"
}

// would reports whether a predicate holds when a field has another value.
func (t *trace) would(part *predicate, slot event.Slot, v event.Value) bool {
	if len(part.fields) != 1 {
		return false
	}
	var b event.Batch
	row := b.AddRow(0, 0)
	b.Col(slot).Set(row, v)
	return len(part.run.Keep(&b, []uint16{row})) == 1
}

// constants are the texts that an expression compares with.
func constants(x expr.Expr) (out []string) {
	expr.Walk(x, func(e expr.Expr) bool {
		switch e := e.(type) {
		case *expr.Const:
			out = append(out, e.Value.String())
		case *expr.Glob:
			out = append(out, e.Glob.Literals()...)
		}
		return true
	})
	return out
}

// absent says where the text of a field that no row has might be.
func (t *trace) absent(w io.Writer, slot event.Slot, told map[event.Slot]bool) {
	if told[slot] {
		return
	}
	told[slot] = true
	name := t.layout.Name(slot)
	if from, ok := t.made[slot]; ok {
		for _, s := range from {
			if t.present[s] > 0 || told[s] {
				continue
			}
			if _, computed := t.made[s]; !computed {
				fmt.Fprintf(w, "    `%s` is computed from `%s`, which is absent in all %s events\n", name, t.layout.Name(s), thousands(t.probes[0].rows))
			}
			t.absent(w, s, told)
		}
		return
	}
	best := t.named(slot)
	if best == "" {
		return
	}
	s, _ := t.layout.Find(best)
	switch n := t.present[s]; {
	case n == t.probes[0].rows:
		fmt.Fprintf(w, "    `%s` is present in all\n", best)
	default:
		fmt.Fprintf(w, "    `%s` is present in %s of %s events\n", best, thousands(n), thousands(t.probes[0].rows))
	}
}

// named is the field of the input that a name which no event has probably means; "" for none.
func (t *trace) named(slot event.Slot) (best string) {
	name := t.layout.Name(slot)
	var names []string
	for s := range t.present {
		n := t.layout.Name(s)
		names = append(names, n)
		if s == slot {
			continue
		}
		if tail := n[strings.LastIndexByte(n, '.')+1:]; strings.EqualFold(tail, name) && (best == "" || n < best) {
			best = n
		}
	}
	if best != "" {
		return best
	}
	sort.Strings(names)
	if best = diag.Nearest(name, names); best != "" {
		return best
	}
	for _, n := range names { // the last part of a nested name
		if near := diag.Nearest(name, []string{n[strings.LastIndexByte(n, '.')+1:]}); near != "" {
			return n
		}
	}
	return ""
}

func (t *trace) printEvent(w io.Writer) {
	if t.probes[0].rows == 0 {
		fmt.Fprintln(w, "No event was read: see below for what could not be used.")
		return
	}
	for _, p := range t.probes[:len(t.probes)-1] {
		if p.step.Syntax == nil && p.step.Part != lang.Searching {
			continue
		}
		if p.rows == 0 {
			fmt.Fprintf(w, "  %s\n      the event does not come this far\n", t.q.stepText(p.step))
			continue
		}
		fmt.Fprintf(w, "  %s\n", t.q.stepText(p.step))
		if set := p.step.Facts.Sets; set != nil {
			fmt.Fprintf(w, "      %s = %s\n", t.layout.Name(set.To), shown(p.outcome))
		}
		for _, part := range p.parts {
			mark := "no "
			if part.holds > 0 {
				mark = "yes"
			}
			fmt.Fprintf(w, "  %s %s\n", mark, part.text)
			for _, f := range part.fields {
				v := "null"
				for s := range f.values {
					v = clip(strconv.Quote(s))
				}
				fmt.Fprintf(w, "      %s = %s\n", t.layout.Name(f.slot), v)
				if len(f.values) == 0 {
					t.absent(w, f.slot, map[event.Slot]bool{})
				}
			}
		}
	}
	fmt.Fprintln(w)
	for _, p := range t.probes {
		for _, part := range p.parts {
			if part.holds == 0 {
				fmt.Fprintf(w, "The event is dropped: %s\n", part.text)
				return
			}
		}
	}
	if t.probes[len(t.probes)-1].rows == 0 {
		fmt.Fprintln(w, "The event is dropped by a stage that has no condition.")
		return
	}
	fmt.Fprintln(w, "The event comes out.")
}

// shown is a value as it is written in a query.
func shown(v event.Value) string {
	switch v.Kind() {
	case event.Null:
		return "null"
	case event.String:
		return clip(strconv.Quote(v.Str()))
	}
	return v.String()
}

func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
