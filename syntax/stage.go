package syntax

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
)

// bareAggregate is the one group function that needs no parentheses, and whose
// group fields need no by: count a, b.
const bareAggregate = "count"

// readOne reads the stage that starts here. More than one comes of an eval with
// several assignments.
func (p *parser) readOne(s *Stage, end closer) (more []*Stage) {
	t := p.peek()
	if p.stageEnds(end) {
		p.emptyStage(t)
		return nil
	}
	if t.kind != tokWord {
		p.assigning(s, t)
		return nil
	}
	next := p.after(t)
	if p.composing != nil && end == closeBracket && t.is("compose") && next.kind != tokPunct {
		p.compose(p.composing)
		return nil
	}
	if u, name := p.operator(t); u != nil && !p.readsAsExpr(u, name) {
		before, field := p.state(), p.goesOnAsExpr(next)
		p.operation(s, u, name)
		if field && (p.failed || !p.stageEnds(end)) {
			p.insteadAssigning(s, t, end, before)
		}
		return nil
	}
	switch {
	case t.is("eval") && !p.knows("eval") && (next.kind == tokWord || next.kind == tokField):
		return p.eval(s)
	case t.is("stats") && !p.knows("stats") && p.aggregate(next.text):
		d := p.warn("nonportable-stats", t.span(), "Sumo Logic has no stats", "leave the word out: | "+next.text+" ...")
		d.Fix = &diag.Fix{Title: "leave stats out", Safe: true, Edits: []diag.Edit{{Span: diag.Span{Start: t.start, End: next.start}}}}
		p.next()
		p.grouping(s)
	case p.aggregate(t.text) && p.groups(t, next):
		p.grouping(s)
	case p.unknown(t, next):
	default:
		p.assigning(s, t)
	}
	return nil
}

// goesOnAsExpr reports whether a stage whose first word stands before t may be an
// expression that starts with a field.
func (p *parser) goesOnAsExpr(t token) bool {
	_, ok := p.infixAt(t)
	return ok || t.is("?")
}

// insteadAssigning reads a stage again as "expr as field": sort - a as b begins
// with an operator's name, is not of that operator's form, and is whole as an
// assignment. Otherwise what was read and found of it stays.
func (p *parser) insteadAssigning(s *Stage, t token, end closer, before state) {
	after, read := p.state(), *s
	p.restore(before)
	*s = Stage{Pos: s.Pos}
	p.assigning(s, t)
	if !p.failed && s.As != nil && p.stageEnds(end) {
		return
	}
	p.restore(after)
	*s = read
}

// state is how far reading has come, to go back to.
type state struct {
	pos, last, children int
	failed              bool
	diags               diag.List
	expect              expectation
}

func (p *parser) state() state {
	return state{p.pos, p.last, len(p.children), p.failed, slices.Clone(p.diags), p.expect}
}

func (p *parser) restore(to state) {
	p.pos, p.last, p.failed, p.expect, p.tokAt = to.pos, to.last, to.failed, to.expect, -1
	p.children = p.children[:to.children]
	p.diags = to.diags
	clear(p.seen)
	for _, d := range p.diags {
		if p.seen == nil {
			p.seen = map[mistake]bool{}
		}
		p.seen[mistake{d.Code, d.Span.Start}] = true
	}
}

func (p *parser) emptyStage(t token) {
	p.probed(t, want{typ: StageStart})
	if p.composing != nil {
		p.probed(t, want{word: "compose"})
	}
	at := diag.Span{Start: max(0, p.last-1), End: p.last}
	d := p.fail("empty-stage", at, "nothing comes after this pipe", "write an operator, or take the pipe away")
	if p.last > 0 && p.src[p.last-1] == '|' {
		d.Fix = &diag.Fix{Title: "take the pipe away", Safe: true, Edits: []diag.Edit{{Span: at}}}
	}
}

// operator finds the usage of the operator whose name starts with the word t,
// the longest name first: parse regex before parse.
func (p *parser) operator(t token) (*Usage, []token) {
	words := []token{t}
	for len(words) < operatorWordsMax {
		n := p.after(words[len(words)-1])
		if n.kind != tokWord {
			break
		}
		words = append(words, n)
	}
	for n := len(words); n > 0; n-- {
		name := joinWords(words[:n])
		if u, ok := p.grammar.Usage(name); ok {
			return u, words[:n]
		}
	}
	return nil, nil
}

// operatorWordsMax is the most words an operator's name has.
const operatorWordsMax = 2

func joinWords(words []token) string {
	if len(words) == 1 {
		return words[0].text
	}
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(w.text)
	}
	return b.String()
}

// readsAsExpr reports whether a stage that starts with an operator's name is an
// expression over a field of that name: total / 60 as minutes.
func (p *parser) readsAsExpr(u *Usage, name []token) bool {
	last := name[len(name)-1]
	n := p.after(last)
	if u.Parse != nil {
		return n.is("=") || n.is("==")
	}
	if n.is("(") && p.grammar.Function(joinWords(name)) && !u.startsWith(p, name, n) {
		return true
	}
	if o, ok := p.infixAt(n); (!ok || o.foreign != "") && !n.is("as") && !n.is("?") {
		return false
	}
	return !u.startsWith(p, name, n)
}

func (p *parser) aggregate(name string) bool {
	return p.grammar.Aggregate(name) || strings.EqualFold(name, "dcount")
}

// groups tells whether a stage that starts with the name of an aggregate is an
// aggregate; otherwise it is an expression over a field or function of the name.
func (p *parser) groups(t, next token) bool {
	if next.is("(") {
		if !p.grammar.Function(t.text) {
			return true
		}
		// min and max are functions of two values as well.
		commas, behind := p.count(next)
		if _, ok := p.infixAt(behind); ok || behind.is("?") {
			return false
		}
		return commas == 0
	}
	if strings.EqualFold(t.text, bareAggregate) {
		_, ok := p.infixAt(next)
		return !ok && !next.is("?")
	}
	if next.is("by") || next.is("group") || next.is(",") || next.kind == tokField {
		return true // and misses its parentheses
	}
	if next.kind != tokWord || next.is("as") {
		return false
	}
	_, ok := p.infixAt(next)
	return !ok
}

// count counts the commas between the parenthesis at open and its partner, and
// returns the token after.
func (p *parser) count(open token) (commas int, behind token) {
	depth := 0
	for t := open; t.kind != tokEnd && !t.is("|"); t = p.after(t) {
		switch {
		case t.is("("):
			depth++
		case t.is(")"):
			if depth--; depth == 0 {
				return commas, p.after(t)
			}
		case t.is(",") && depth == 1:
			commas++
		}
	}
	return commas, token{}
}

// operation reads the arguments of an operator by its usage line.
func (p *parser) operation(s *Stage, u *Usage, name []token) {
	for range name {
		p.next()
	}
	s.Kind, s.usage = Operation, u
	s.Op = &Name{Pos: diag.Span{Start: name[0].start, End: p.last}, Text: joinWords(name)}
	if u.Parse != nil {
		c := &Cursor{p: p, out: &s.Args, usage: u, name: s.Op.Text}
		u.Parse(c, s)
		s.Tail = c.lead
		return
	}
	m := &matcher{p: p, usage: u, out: &s.Args}
	ok := m.sequence(u.body(name))
	s.Tail = m.lead
	if !ok {
		p.report(s.Op.Text, u.Line)
	}
}

// leftover reports what stands after a complete stage.
func (p *parser) leftover(end closer) {
	t := p.peek()
	if t.is(")") || t.is("]") {
		d := p.fail("unmatched-paren", t.span(), fmt.Sprintf("this %s closes nothing", t.text), "take it away, or write what it should close")
		d.Fix = &diag.Fix{Title: "take it away", Edits: []diag.Edit{{Span: t.span()}}}
		return
	}
	name, form := "this", ""
	if s := p.stage; s.Op != nil {
		name = s.Op.Text
		if s.usage != nil {
			form = s.usage.Line
		}
	}
	if p.expect.at <= t.start && t.kind == tokWord {
		u, words := p.operator(t)
		n := p.after(t)
		if u != nil && !p.readsAsExpr(u, words) || n.is("(") && (p.aggregate(t.text) || p.grammar.Function(t.text)) || t.is(bareAggregate) && p.aggregate(t.text) {
			d := p.fail("missing-pipe", t.span(), fmt.Sprintf("%s stands in the stage of %s", t.text, name), fmt.Sprintf("an operator comes after a pipe: | %s", t.text))
			d.Fix = &diag.Fix{Title: "write | " + t.text, Edits: []diag.Edit{{Span: diag.Span{Start: t.start, End: t.start}, New: "| "}}}
			return
		}
	}
	p.want(t, want{what: "a pipe", code: "end"})
	p.report(name, form)
}

// ---- aggregates

func (p *parser) grouping(s *Stage) {
	s.Kind = Grouping
	for {
		a := p.agg()
		if a == nil {
			return
		}
		if s.Op == nil {
			s.Op = a.Func
		}
		s.Aggs = append(s.Aggs, a)
		t := p.peek()
		if !t.is(",") {
			if p.startsField(t) && !t.is("group") {
				p.withoutBy(s, a, t)
				return
			}
			break
		}
		p.next()
	}
	t := p.peek()
	switch {
	case t.is("by"):
		p.next()
	case t.is("group"):
		p.next()
		if p.peek().is("by") {
			p.next()
		}
	default:
		p.wanted("by")
		if s.Aggs[len(s.Aggs)-1].As == nil {
			p.wanted("as")
		}
		return
	}
	p.groupFields(s)
}

// withoutBy reads the group fields of "count a, b". After other group functions
// some published queries leave by out as well.
func (p *parser) withoutBy(s *Stage, a *Agg, t token) {
	if u, words := p.operator(t); u != nil && !p.readsAsExpr(u, words) && !p.listGoesOn(t) {
		return // a pipe is missing, rather
	}
	if !strings.EqualFold(a.Func.Text, bareAggregate) {
		if !p.listGoesOn(t) {
			return
		}
		d := p.warn("by-missing", t.span(), fmt.Sprintf("by is missing between %s and its group fields", a.Func.Text), "write by "+t.text)
		d.Fix = &diag.Fix{Title: "write by " + t.text, Safe: true, Edits: []diag.Edit{{Span: diag.Span{Start: t.start, End: t.start}, New: "by "}}}
	}
	p.groupFields(s)
}

// listGoesOn reports whether t is an item of a list or the last thing of its stage.
func (p *parser) listGoesOn(t token) bool {
	n := p.after(t)
	return n.is(",") || n.is("|") || n.is(")") || n.kind == tokEnd
}

// groupFields reads the fields of by, and the alias of the aggregate that may
// stand after them.
func (p *parser) groupFields(s *Stage) {
	for {
		t := p.peek()
		if t.kind == tokEnd || t.is("|") || t.is(")") || t.is("]") || t.is(",") || t.is("by") {
			p.want(t, wantOf("field"))
			p.report(s.Op.Text, s.Op.Text+" by <field>, ...")
			return
		}
		x := p.groupField()
		if p.failed {
			return
		}
		n := &Named{X: x, Pos: p.from(x)}
		s.By = append(s.By, n)
		if p.peek().is("as") {
			p.next()
			f := p.field()
			if f == nil {
				p.report(s.Op.Text, "")
				return
			}
			if a := s.unnamed(); a != nil && !p.peek().is(",") {
				a.As = f
				return
			}
			n.As = f
			n.Pos.End = p.last
		}
		if !p.peek().is(",") {
			p.wanted(",")
			if s.unnamed() != nil {
				p.wanted("as")
			}
			return
		}
		p.next()
	}
}

// groupField is a field; an expression is read too, for analysis to refuse it
// with its rewrite.
func (p *parser) groupField() Expr {
	t := p.peek()
	if t.kind == tokWord || t.kind == tokField || startsWithDigit(t) {
		n := p.after(t)
		if _, ok := p.infixAt(n); !ok && !n.is("(") && !n.is("?") || n.is("-") && n.start == t.end {
			if f := p.field(); f != nil {
				p.height = 1
				return f
			}
		}
	}
	return p.expr()
}

// unnamed is the last aggregate without an alias.
func (s *Stage) unnamed() *Agg {
	for i := len(s.Aggs) - 1; i >= 0; i-- {
		if s.Aggs[i].As == nil {
			return s.Aggs[i]
		}
	}
	return nil
}

// agg reads one aggregate: count, sum(x), pct(x, 95) as p.
func (p *parser) agg() *Agg {
	t := p.peek()
	// An operator is read as if it were one, for analysis to say that it stands alone.
	_, alone := p.grammar.Usage(strings.ToLower(t.text))
	if t.kind != tokWord || !p.aggregate(t.text) && !(alone && p.after(t).is("(")) {
		p.noAggregate(t)
		return nil
	}
	p.next()
	a := &Agg{Func: &Name{Pos: t.span(), Text: t.text}}
	if t.is("dcount") && !p.grammar.Aggregate(t.text) {
		d := p.warn("nonportable-dcount", t.span(), "Sumo Logic has no dcount", "write count_distinct")
		d.Fix = &diag.Fix{Title: "write count_distinct", Safe: true, Edits: []diag.Edit{{Span: t.span(), New: "count_distinct"}}}
		a.Func.Text = "count_distinct"
	}
	switch n := p.peek(); {
	case n.is("("):
		p.next()
		a.Args = p.args(n, t.text)
	case !strings.EqualFold(t.text, bareAggregate):
		d := p.failAt(n, "expected-paren", fmt.Sprintf("%s wants its field in parentheses", t.text), fmt.Sprintf("write %s(field)", t.text))
		if p.startsFieldToken(n) {
			d.Fix = &diag.Fix{Title: fmt.Sprintf("write %s(%s)", t.text, n.text), Edits: []diag.Edit{{Span: diag.Span{Start: t.end, End: n.end}, New: "(" + n.text + ")"}}}
		}
		return nil
	}
	if p.peek().is("as") {
		p.next()
		if a.As = p.field(); a.As == nil {
			p.report(t.text, t.text+"(<field>) as <field>")
			return nil
		}
	}
	a.Pos = diag.Span{Start: t.start, End: p.last}
	if p.failed {
		return nil
	}
	return a
}

func (p *parser) noAggregate(t token) {
	p.probed(t, want{typ: "agg"})
	help := "write a group function such as count or sum(field)"
	if t.kind != tokWord {
		p.failAt(t, "expected-aggregate", "a group function is missing here", help).Mark = "expected a group function"
		return
	}
	d := p.failAt(t, "expected-aggregate", fmt.Sprintf("%s is no group function", t.text), help)
	p.didYouMean(d, t, p.aggregates())
}

func (p *parser) aggregates() []string {
	var list []string
	for _, n := range p.grammar.Names() {
		if p.grammar.Aggregate(n) {
			list = append(list, n)
		}
	}
	return list
}

func (p *parser) didYouMean(d *diag.Diagnostic, t token, names []string) bool {
	near := diag.Nearest(t.text, names)
	if near == "" {
		return false
	}
	d.Help = fmt.Sprintf("did you mean %s?", near)
	d.Fix = &diag.Fix{Title: "write " + near, Edits: []diag.Edit{{Span: t.span(), New: near}}}
	return true
}

// ---- assignments and unknown words

// unknown reports a first word that is no operator, where the stage cannot be an
// expression either.
func (p *parser) unknown(t, next token) bool {
	if p.grammar.Function(t.text) && p.startsFieldToken(next) {
		if _, ok := p.infixAt(next); !ok {
			d := p.fail("expected-paren", next.span(), fmt.Sprintf("%s wants its arguments in parentheses", t.text), fmt.Sprintf("write %s(%s)", t.text, next.text))
			d.Fix = &diag.Fix{Title: d.Help, Edits: []diag.Edit{{Span: diag.Span{Start: t.end, End: next.end}, New: "(" + next.text + ")"}}}
			return true
		}
	}
	if p.grammar.Function(t.text) || next.is("as") || next.is("?") || next.is("(") {
		return false
	}
	if _, ok := p.infixAt(next); ok {
		return false // total - failed as ok; what is no assignment in the end is told by unnamed
	}
	p.unknownOperator(t)
	return true
}

func (p *parser) nearOperator(t token) string {
	if p.failed {
		return ""
	}
	return diag.Nearest(t.text, p.operators())
}

func (p *parser) operators() []string {
	var list []string
	for _, n := range p.grammar.Names() {
		if _, ok := p.grammar.Usage(n); ok || p.grammar.Aggregate(n) {
			list = append(list, n)
		}
	}
	return list
}

func (p *parser) unknownOperator(t token) {
	word := strings.ToLower(t.text)
	d := p.fail("unknown-operator", t.span(), fmt.Sprintf("there is no operator %s", t.text), "")
	switch {
	case word == "eval":
		d.Help = "an assignment is written: expression as field"
	case elsewhere[word] != "":
		d.Help = "on Sumo Logic this is written: | " + elsewhere[word]
	case p.grammar.Function(t.text):
		d.Help = fmt.Sprintf("%s is a function: write %s(...) as field", t.text, t.text)
	case p.didYouMean(d, t, p.operators()):
	default:
		d.Help = fmt.Sprintf("to keep rows write: where ...; to name a value write: %s as name", t.text)
	}
}

// assigning reads "expr as field" and a function in place.
func (p *parser) assigning(s *Stage, t token) {
	s.Kind = Assigning
	s.X = p.expr()
	n := p.peek()
	if n.is("as") {
		p.next()
		if s.As = p.field(); s.As == nil {
			p.report("as", "<expression> as <field>")
		}
		return
	}
	if p.failed {
		return
	}
	call, isCall := s.X.(*Call)
	switch {
	case isCall && (n.is("by") || n.is(",") || n.is("group")) && !p.grammar.Function(call.Func.Text):
		d := p.fail("unknown-operator", call.Func.Pos, fmt.Sprintf("there is no group function %s", call.Func.Text), "")
		p.didYouMean(d, t, p.aggregates())
	case !isCall:
		p.unnamed(s, t)
	default:
		p.wanted("as")
	}
}

// leftmost is the operand that an expression starts with.
func leftmost(x Expr) Expr {
	for {
		b, ok := x.(*Binary)
		if !ok {
			return x
		}
		x = b.X
	}
}

// unnamed deals with an expression that is given no name.
func (p *parser) unnamed(s *Stage, t token) {
	b, ok := s.X.(*Binary)
	if !ok {
		p.wanted("as")
		return
	}
	f, isField := b.X.(*Field)
	if b.Op == "=" && isField && b.Written == "=" {
		form := p.text(b.Y) + " as " + p.text(f)
		d := p.fail("alias-missing", s.X.Span(), "this compares, and nothing is done with the result", "to give "+f.Name+" a value write: "+form)
		d.Fix = &diag.Fix{Title: "write " + form, Edits: []diag.Edit{{Span: s.X.Span(), New: form}}}
		return
	}
	if _, isField := leftmost(b).(*Field); isField && t.kind == tokWord && !p.grammar.Function(t.text) {
		if near := p.nearOperator(t); near != "" {
			p.unknownOperator(t)
			return
		}
	}
	p.wanted("as")
}
