package syntax

import (
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/diag"
)

// Parse reads a query. It returns a tree even when there are findings: a stage
// that could not be read is in it, marked Bad, and reading goes on after the
// next pipe, so that one run finds many mistakes. The list is in source order. A
// text longer than textMax is refused unread.
func Parse(f *diag.File, g Grammar) (*Query, diag.List) {
	p := &parser{file: f, src: f.Text, grammar: g, tokAt: -1}
	if len(f.Text) > textMax {
		// The first bytes of a file that was never meant as a query say more than a caret under all of it.
		p.fail("too-long", diag.Span{End: min(len(f.Text), 1)}, fmt.Sprintf("this text has %d bytes, and a query has at most %d", len(f.Text), textMax),
			"move long lists of values to a lookup table, or split the query")
		return &Query{File: f}, p.diags
	}
	q := p.query(closeText)
	p.pos = p.skip(p.pos)
	p.templates()
	p.place(q)
	p.diags.Sort()
	return q, p.diags
}

// parser is the state of one Parse. It reads from pos; nothing is tokenised
// ahead, because what a character means depends on what is wanted there.
type parser struct {
	file    *diag.File
	src     string
	grammar Grammar

	pos    int   // where reading goes on
	last   int   // end of the last thing taken
	tok    token // the token at tokAt
	tokAt  int
	quotes int // whether the text has a string without an end: see quotesOdd

	depth  int // of nesting
	height int // of the expression read last

	skipped int // bytes read again after mistakes

	failed bool // the stage has a mistake: nothing more is read in it
	quiet  bool // skipping ahead: nothing is reported
	diags  diag.List
	seen   map[mistake]bool
	stage  *Stage // being read, for messages

	composing *Subquery // whose query is being read
	comments  []*Comment
	commented int // end of the last comment kept
	children  []region

	expect expectation

	probe *prober // nil but for a Probe
}

type mistake struct {
	code string
	at   int
}

// region is where a child query stands, to hand it its comments.
type region struct {
	start, end int
	query      *Query
}

// closer is what ends a query.
type closer uint8

const (
	closeText    closer = iota // the end of the text
	closeParen                 // )
	closeBracket               // ]
)

func (c closer) sign() string { return [...]string{"", ")", "]"}[c] }

// query reads a search expression and its stages up to the closing sign, which
// it leaves.
func (p *parser) query(end closer) *Query {
	q := &Query{File: p.file}
	defer p.within(q)()
	start := p.skip(p.pos)
	p.pos = start
	if !p.opens(end) {
		p.search(q, end)
	}
	p.stages(q, end)
	q.Pos = diag.Span{Start: start, End: max(start, p.last)}
	return q
}

// pipeline reads the stages of a child query that has no search expression, or
// one that starts with a pipe.
func (p *parser) pipeline(end closer) *Query {
	q := &Query{File: p.file}
	defer p.within(q)()
	start := p.skip(p.pos)
	p.pos = start
	if !p.pipe() {
		p.readStage(q, end)
	}
	p.stages(q, end)
	q.Pos = diag.Span{Start: start, End: max(start, p.last)}
	return q
}

// opens reports whether the query starts without a search expression: with a
// pipe, with its end, or with an operator that reads a table (cat path://...).
func (p *parser) opens(end closer) bool {
	i := p.pos
	if i >= len(p.src) || p.src[i] == '|' || p.closes(i, end) {
		return true
	}
	if !isNameStart(p.src[i]) {
		return false
	}
	word := p.src[i:nameEnd(p.src, i)]
	rest := p.src[p.bare(i+len(word)):]
	return len(rest) > 7 && strings.EqualFold(rest[:7], "path://") && p.knows(word)
}

func (p *parser) knows(op string) bool {
	_, ok := p.grammar.Usage(op)
	return ok
}

func (p *parser) closes(i int, end closer) bool {
	return i >= len(p.src) || end != closeText && p.src[i] == end.sign()[0]
}

// pipe takes a single |.
func (p *parser) pipe() bool {
	p.pos = p.skip(p.pos)
	if p.pos < len(p.src) && p.src[p.pos] == '|' {
		p.pos++
		p.last = p.pos
		return true
	}
	return false
}

// skip is trivia where a token of the pipe may stand.
func (p *parser) skip(i int) int { return p.trivia(i, false) }

// stages reads what follows the search expression.
func (p *parser) stages(q *Query, end closer) {
	first := len(q.Stages) == 0 && q.Search == nil
	for !p.closes(p.skip(p.pos), end) {
		if len(p.diags) >= findingsMax {
			p.stop()
			return
		}
		if !p.pipe() {
			if first && p.opens(end) { // cat path://...
				p.readStage(q, end)
				first = false
				continue
			}
			if p.strayCloses(end) {
				return
			}
			p.stray(end)
			continue
		}
		first = false
		p.readStage(q, end)
	}
	p.pos = p.skip(p.pos)
}

// strayCloses reports whether a sign that closes something outside ends this
// query too: what it should have closed here is told by whoever opened it.
func (p *parser) strayCloses(end closer) bool {
	return end != closeText && (p.src[p.pos] == ')' || p.src[p.pos] == ']')
}

// stop ends reading a text that has too many mistakes.
func (p *parser) stop() {
	if p.pos < len(p.src) {
		p.quiet = true
		p.pos = len(p.src)
	}
}

// stray reports what stands where a pipe or the end should, and goes to the next
// pipe.
func (p *parser) stray(end closer) {
	_, n := utf8.DecodeRuneInString(p.src[p.pos:])
	at := diag.Span{Start: p.pos, End: p.pos + n}
	text := p.src[at.Start:at.End]
	if text == ")" || text == "]" {
		d := p.add("unmatched-paren", at, fmt.Sprintf("this %s closes nothing", text))
		d.Help = "take it away, or write what it should close"
		d.Fix = &diag.Fix{Title: "take it away", Edits: []diag.Edit{{Span: at}}}
	} else {
		d := p.add("expected-end", at, fmt.Sprintf("%s stands where a pipe or the end should", text))
		d.Help = "write | before the next operator"
	}
	p.take(n)
	p.recover(p.pos, end)
}

// readStage reads one stage and goes to its end, over what could not be read.
func (p *parser) readStage(q *Query, end closer) {
	outer, outerExpect := p.stage, p.expect
	s := &Stage{}
	p.stage = s
	p.expect = expectation{}
	start := p.skip(p.pos)
	p.pos = start
	s.Pos.Start = start
	before := p.state()
	more := p.readOne(s, end)
	if !p.failed && !p.stageEnds(end) {
		p.leftover(end)
	}
	if p.failed {
		s.Bad = true
		if !p.quiet && !p.diags.HasErrors() {
			p.add("unreadable-stage", diag.Span{Start: start, End: start}, "this stage cannot be read")
		}
		p.recover(start, end)
		if p.wordsToCome(start, p.pos) {
			// What the stage says is known when its parameters have values.
			at, last := p.pos, p.last
			p.restore(before)
			p.pos, p.last, p.failed = at, last, false
			*s, more = Stage{Bad: true, Pos: s.Pos, Op: &Name{Pos: diag.Span{Start: start, End: start}}}, nil
		}
	}
	s.Pos.End = max(start, p.last)
	if s.Op != nil || s.X != nil || s.Bad || len(s.Aggs) > 0 {
		q.Stages = append(q.Stages, s)
	}
	q.Stages = append(q.Stages, more...)
	p.stage, p.expect = outer, outerExpect
}

// wordsToCome reports whether a template parameter stands for more of the query
// from start to end than for a part of a text in quotes.
func (p *parser) wordsToCome(start, end int) bool {
	if !templated(p.src[start:end]) {
		return false
	}
	quiet, failed := p.quiet, p.failed
	p.quiet, p.failed = true, false
	defer func() { p.quiet, p.failed, p.tokAt = quiet, failed, -1 }()
	for i := start; i < end; {
		t := p.lex(i)
		if t.templated() {
			return true
		}
		p.failed = false
		i = max(t.end, i+1)
	}
	return false
}

// stageEnds reports whether a stage may end where reading stands.
func (p *parser) stageEnds(end closer) bool {
	t := p.peek()
	return t.kind == tokEnd && !p.failed || t.is("|") || end != closeText && t.is(end.sign())
}

// recover goes from a stage with a mistake to the pipe or sign after it. It
// reads the stage again from its start, because where the mistake was found
// says nothing of how many parentheses are open.
func (p *parser) recover(start int, end closer) {
	stuck := p.pos
	p.failed, p.quiet = false, true
	to, closed := p.ahead(start, end, 0)
	if !closed || to < stuck {
		// Something is never closed: the next pipe will do.
		to, _ = p.ahead(stuck, end, -1)
	}
	p.quiet, p.failed = false, false
	p.pos = to
	// What was read beyond the stage to find its end may stand in a path, or in
	// what else is no comment there.
	p.commented = min(p.commented, to)
	for n := len(p.comments); n > 0 && p.comments[n-1].Pos.Start >= to; n-- {
		p.comments = p.comments[:n-1]
	}
	p.last = max(p.last, min(to, len(strings.TrimRightFunc(p.src[:to], isSpace))))
	p.tokAt = -1
}

// ahead finds the pipe or closing sign that ends what starts at i. With a depth
// below zero brackets are not counted. closed is false when something was open
// at the end of the text.
func (p *parser) ahead(i int, end closer, depth int) (to int, closed bool) {
	count := depth >= 0
	pattern := true // a slash here starts a regular expression
	for {
		p.failed = false
		t := p.lex(i)
		switch {
		case t.kind == tokEnd && t.start >= len(p.src):
			return len(p.src), depth <= 0
		case t.is("|") && depth <= 0, end != closeText && t.is(end.sign()) && depth <= 0:
			return t.start, true
		case t.is("("), t.is("["):
			if count {
				depth++
			}
		case t.is(")"), t.is("]"):
			if count && depth > 0 {
				depth--
			}
		case t.is("/") && pattern:
			if n := regexEnd(p.src, t.start); n > 0 {
				t.end = n
			}
		}
		pattern = t.is("matches") || t.is("(") || t.is(",") || t.is("=~")
		p.skipped += t.end - i
		i = max(t.end, i+1)
		if p.skipped > skippedMax*len(p.src)+lineMax {
			return len(p.src), true
		}
	}
}

// ---- findings

// add reports a finding without ending the stage.
func (p *parser) add(code string, at diag.Span, message string) *diag.Diagnostic {
	d := &diag.Diagnostic{Code: code, File: p.file, Span: at, Message: message}
	if p.quiet || p.seen[mistake{code, at.Start}] {
		return d
	}
	if p.seen == nil {
		p.seen = map[mistake]bool{}
	}
	p.seen[mistake{code, at.Start}] = true
	p.diags.Add(d)
	return d
}

// warn reports what is read all the same.
func (p *parser) warn(code string, at diag.Span, message, help string) *diag.Diagnostic {
	d := p.add(code, at, message)
	d.Severity, d.Help = diag.Warning, help
	return d
}

// fail reports a mistake and ends the stage: what follows from it is not told.
func (p *parser) fail(code string, at diag.Span, message, help string) *diag.Diagnostic {
	if p.failed {
		return &diag.Diagnostic{}
	}
	p.failed = true
	d := p.add(code, at, message)
	d.Help = help
	return d
}

// unclosed reports a string or comment without an end; it is found while
// reading ahead too, and told once.
func (p *parser) unclosed(code string, start, end int, message, help string) {
	p.insideText(code, start)
	p.fail(code, diag.Span{Start: start, End: end}, message, help)
}

func (p *parser) typographic(start, end int) {
	d := p.warn("typographic-quotes", diag.Span{Start: start, End: end}, "typographic quotes are read as \"", `write "`)
	inner := strings.TrimRight(strings.TrimLeft(p.src[start:end], `“”"`), `“”"`)
	if !strings.ContainsAny(inner, `"`) {
		d.Fix = &diag.Fix{Title: `write "`, Safe: true, Edits: []diag.Edit{{Span: d.Span, New: `"` + inner + `"`}}}
	}
}

func (p *parser) macro(start, end int) {
	name := strings.Trim(p.src[start:end], "`")
	p.fail("unresolved-macro", diag.Span{Start: start, End: end},
		fmt.Sprintf("the macro `%s` is kept by the service, so what it stands for is not known here", name),
		"write its text in its place")
}

// templates reports every {{name}} of the text: values are put in before a
// query is read, so it is a mistake in a string as well.
func (p *parser) templates() {
	comment := 0
	for i := 0; i < len(p.src); {
		n := strings.Index(p.src[i:], "{{")
		if n < 0 || len(p.diags) >= findingsMax {
			return
		}
		i += n
		end := templateEnd(p.src, i)
		for comment < len(p.comments) && p.comments[comment].Pos.End <= i {
			comment++
		}
		if comment < len(p.comments) && p.comments[comment].Pos.Start <= i {
			i = p.comments[comment].Pos.End
			continue
		}
		if name := templateName(p.src[i:end]); name != "" {
			d := p.add(Unfilled, diag.Span{Start: i, End: end}, fmt.Sprintf("the template parameter %s has no value", name))
			d.Help = fmt.Sprintf("give it one with --param '%s=VALUE', or all that have none one with --param-default VALUE", name)
		}
		i = end
	}
}

// place hands each comment to the query it stands in, the innermost.
func (p *parser) place(q *Query) {
	if len(p.children) == 0 {
		q.Comments = p.comments
		return
	}
	// Children are noted as they end, so inner ones come before outer ones;
	// by start, inner ones come after.
	sort.SliceStable(p.children, func(i, j int) bool { return p.children[i].start < p.children[j].start })
	var open []region
	next := 0
	for _, c := range p.comments {
		for next < len(p.children) && p.children[next].start <= c.Pos.Start {
			open = append(open, p.children[next])
			next++
		}
		for len(open) > 0 && open[len(open)-1].end <= c.Pos.Start {
			open = open[:len(open)-1]
		}
		if len(open) > 0 {
			in := open[len(open)-1].query
			in.Comments = append(in.Comments, c)
		} else {
			q.Comments = append(q.Comments, c)
		}
	}
}

// nest counts a level of nesting; it is false, and reported, when there are too
// many. Pair it with unnest.
func (p *parser) nest(at token) bool {
	if p.depth++; p.depth > nestingMax {
		p.tooDeep(at.span())
		return false
	}
	return true
}

func (p *parser) unnest() { p.depth-- }

func (p *parser) tooDeep(at diag.Span) {
	p.fail("too-deep", at, fmt.Sprintf("this stands inside more than %d levels of parentheses", nestingMax), "split the expression over several stages")
}
