package siem

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/diag"
)

// Parse reads an expression by the grammar of section 4.2 of the specification.
// The expression is nil when the list has an error; it stops at the first.
func Parse(f *diag.File) (*Expression, diag.List) {
	if len(f.Text) > bytesMax {
		return nil, diag.List{{Severity: diag.Error, Code: "too-long", File: f, Message: fmt.Sprintf("the expression is longer than %d bytes", bytesMax)}}
	}
	p := &parser{lex: lexer{file: f, src: f.Text}}
	p.shift()
	x := &Expression{File: f}
	p.bar()
	for p.tok.word("json") && p.peek().word("field") {
		x.Clauses = append(x.Clauses, p.clause())
		p.bar()
	}
	if p.tok.word("where") {
		p.shift()
	}
	x.Cond = p.or()
	switch {
	case p.tok.kind == tokEnd:
	case p.tok.word("where"):
		p.fail(p.tok, "where-twice", "where stands once at most", "join conditions with AND")
	case p.tok.sign("|"):
		p.fail(p.tok, "not-siem", "nothing is piped on from a Cloud SIEM condition", "this is the language of log search; here json clauses come first, then one condition")
	case p.tok.word("parse"), p.tok.word("count"):
		p.fail(p.tok, "not-siem", p.tok.text+" belongs to the language of log search", "a Cloud SIEM expression is one condition on a record")
	default:
		p.fail(p.tok, "unexpected", p.saw()+" stands where AND, OR or the end should", "put text in single quotes; join conditions with AND or OR")
	}
	if p.lex.problem != nil {
		return nil, diag.List{p.lex.problem}
	}
	return x, nil
}

type parser struct {
	lex    lexer
	tok    token
	ahead  []token
	depth  int
	before int // where the token before ended
}

func (p *parser) shift() {
	p.before = p.tok.span.End
	if len(p.ahead) > 0 {
		p.tok, p.ahead = p.ahead[0], p.ahead[1:]
		return
	}
	p.tok = p.lex.next()
}

func (p *parser) peek() token {
	if len(p.ahead) == 0 {
		p.ahead = append(p.ahead, p.lex.next())
	}
	return p.ahead[0]
}

func (p *parser) fail(t token, code, message, help string) {
	p.lex.fail(t.span.Start, max(t.span.End, t.span.Start), code, message, help)
	p.tok, p.ahead = token{kind: tokEnd, span: t.span}, nil
}

func (p *parser) saw() string {
	if p.tok.kind == tokEnd {
		return "the end"
	}
	return p.lex.src[p.tok.span.Start:p.tok.span.End]
}

func (p *parser) want(sign, why string) {
	if !p.tok.sign(sign) {
		p.fail(p.tok, "unexpected", fmt.Sprintf("%s stands where %s should", p.saw(), sign), why)
		return
	}
	p.shift()
}

func (p *parser) bar() {
	if p.tok.sign("|") {
		p.shift()
	}
}

// from is the span from a place to the end of the token before.
func (p *parser) from(start int) diag.Span { return diag.Span{Start: start, End: max(start, p.before)} }

// deeper guards the stack: it reports whether one more level may be entered.
func (p *parser) deeper() bool {
	if p.depth++; p.depth > depthMax {
		p.fail(p.tok, "too-deep", fmt.Sprintf("the expression is nested more than %d deep", depthMax), "")
		return false
	}
	return true
}

func (p *parser) clause() Clause {
	start := p.tok.span.Start
	p.shift()
	p.shift()
	p.want("=", "a json clause is json field=NAME \"path\" as name")
	c := Clause{From: p.name()}
	for {
		if p.tok.kind != tokText {
			p.fail(p.tok, "unexpected", p.saw()+" stands where a path in quotes should", `a json clause is json field=NAME "path" as name`)
			return c
		}
		c.Paths = append(c.Paths, p.tok.text)
		p.shift()
		if !p.tok.sign(",") {
			break
		}
		p.shift()
	}
	if !p.tok.word("as") {
		p.fail(p.tok, "unexpected", p.saw()+" stands where as should", `a json clause is json field=NAME "path" as name`)
		return c
	}
	for {
		p.shift()
		c.As = append(c.As, p.name())
		if !p.tok.sign(",") {
			break
		}
	}
	c.Span = p.from(start)
	return c
}

func (p *parser) name() string {
	if p.tok.kind != tokWord && p.tok.kind != tokQuoted {
		p.fail(p.tok, "unexpected", p.saw()+" stands where a name should", "")
		return ""
	}
	n := p.tok.text
	p.shift()
	return n
}

func (p *parser) or() Node {
	start := p.tok.span.Start
	if !p.deeper() {
		return &Literal{Span: p.tok.span}
	}
	defer func() { p.depth-- }()
	x := p.and()
	for p.tok.word("or") || p.tok.sign("||") {
		p.shift()
		y := p.and()
		x = &Or{x, y, p.from(start)}
	}
	return x
}

func (p *parser) and() Node {
	start := p.tok.span.Start
	x := p.not()
	for p.tok.word("and") || p.tok.sign("&&") {
		p.shift()
		y := p.not()
		x = &And{x, y, p.from(start)}
	}
	return x
}

func (p *parser) not() Node {
	start := p.tok.span.Start
	if p.tok.word("not") || p.tok.sign("!") {
		if !p.deeper() {
			return &Literal{Span: p.tok.span}
		}
		defer func() { p.depth-- }()
		p.shift()
		x := p.not()
		return &Not{x, p.from(start)}
	}
	return p.pred()
}

var comparisons = map[string]Op{"=": "=", "==": "==", "!=": "!=", "<>": "!=", "<=>": "<=>", "<": "<", "<=": "<=", "=<": "<=", ">": ">", ">=": ">=", "=>": ">="}

func (p *parser) pred() Node {
	start := p.tok.span.Start
	x := p.sum()
	if op, ok := comparisons[p.tok.text]; ok && p.tok.kind == tokSign {
		p.shift()
		y := p.sum()
		return &Compare{op, x, y, p.from(start)}
	}
	if p.tok.word("is") {
		p.shift()
		not := p.tok.word("not")
		if not {
			p.shift()
		}
		if !p.tok.word("null") {
			p.fail(p.tok, "unexpected", p.saw()+" stands where NULL should", "write IS NULL or IS NOT NULL")
			return x
		}
		p.shift()
		return &IsNull{x, not, p.from(start)}
	}
	not := false
	if p.tok.word("not") || p.tok.sign("!") {
		next := p.peek()
		if !slices.ContainsFunc([]string{"in", "like", "rlike", "matches", "between"}, next.word) {
			return x
		}
		not = true
		p.shift()
	}
	switch {
	case p.tok.word("in"):
		p.shift()
		in := &In{X: x, Not: not}
		p.want("(", "IN wants a list: x IN ('a', 'b')")
		for !p.tok.sign(")") && p.tok.kind != tokEnd {
			in.List = append(in.List, p.sum())
			if !p.tok.sign(",") {
				break
			}
			p.shift()
		}
		p.want(")", "the list of IN ends with )")
		in.Span = p.from(start)
		return in
	case p.tok.word("like"):
		p.shift()
		l := &Like{X: x, Not: not, Pattern: p.sum()}
		if p.tok.word("escape") {
			p.shift()
			if p.tok.kind != tokText || utf8.RuneCountInString(p.tok.text) != 1 {
				p.fail(p.tok, "bad-escape", "ESCAPE wants one character in quotes", `x LIKE '50!%' ESCAPE '!'`)
				return l
			}
			l.Escape = p.tok.text
			p.shift()
		}
		l.Span = p.from(start)
		return l
	case p.tok.word("rlike"), p.tok.word("matches"):
		m := &Matches{X: x, Rlike: p.tok.word("rlike"), Not: not}
		p.shift()
		if p.tok.kind == tokRegex {
			m.Y = &Literal{Kind: Regex, Text: p.tok.text, Span: p.tok.span}
			p.shift()
		} else {
			m.Y = p.sum()
		}
		m.Span = p.from(start)
		return m
	case p.tok.word("between"):
		p.shift()
		b := &Between{X: x, Not: not, Low: p.sum()}
		if !p.tok.word("and") {
			p.fail(p.tok, "unexpected", p.saw()+" stands where AND should", "write x BETWEEN 1 AND 10")
			return b
		}
		p.shift()
		b.High = p.sum()
		b.Span = p.from(start)
		return b
	}
	return x
}

func (p *parser) sum() Node {
	start := p.tok.span.Start
	x := p.product()
	for p.tok.sign("+") || p.tok.sign("-") {
		op := Op(p.tok.text)
		p.shift()
		y := p.product()
		x = &Arith{op, x, y, p.from(start)}
	}
	return x
}

func (p *parser) product() Node {
	start := p.tok.span.Start
	x := p.unary()
	for p.tok.sign("*") || p.tok.sign("/") || p.tok.sign("%") {
		op := Op(p.tok.text)
		p.shift()
		y := p.unary()
		x = &Arith{op, x, y, p.from(start)}
	}
	return x
}

func (p *parser) unary() Node {
	start := p.tok.span.Start
	if p.tok.sign("-") {
		if !p.deeper() {
			return &Literal{Span: p.tok.span}
		}
		defer func() { p.depth-- }()
		p.shift()
		x := p.unary()
		return &Neg{x, p.from(start)}
	}
	x := p.primary()
	for {
		switch {
		case p.tok.sign("["):
			p.shift()
			key := p.sum()
			p.want("]", "an index ends with ]: fields['EventData.Image']")
			x = &Index{x, key, p.from(start)}
		case p.tok.sign("."):
			p.shift()
			at := p.tok.span
			x = &Index{x, &Literal{Kind: Text, Text: p.name(), Span: at}, p.from(start)}
		default:
			return x
		}
	}
}

// reserved are keywords that cannot be names of attributes.
var reserved = []string{"and", "or", "not", "in", "like", "rlike", "matches", "between", "is", "where", "escape"}

func (p *parser) primary() Node {
	t := p.tok
	switch t.kind {
	case tokText:
		p.shift()
		return &Literal{Kind: Text, Text: t.text, Span: t.span}
	case tokNumber:
		p.shift()
		return &Literal{Kind: Number, Number: t.number, Text: t.text, Span: t.span}
	case tokQuoted:
		p.shift()
		return &Name{t.text, t.span}
	case tokWord:
		switch lower := strings.ToLower(t.text); {
		case lower == "null":
			p.shift()
			return &Literal{Kind: Null, Span: t.span}
		case lower == "true":
			p.shift()
			return &Literal{Kind: Bool, Number: 1, Span: t.span}
		case lower == "false":
			p.shift()
			return &Literal{Kind: Bool, Span: t.span}
		case slices.Contains(reserved, lower):
			p.fail(t, "unexpected", t.text+" stands where a value should", "an attribute of that name goes in backquotes")
			return &Literal{Span: t.span}
		}
		p.shift()
		if !p.tok.sign("(") {
			return &Name{t.text, t.span}
		}
		p.shift()
		c := &Call{Name: t.text}
		for !p.tok.sign(")") && p.tok.kind != tokEnd {
			c.Args = append(c.Args, p.or())
			if !p.tok.sign(",") {
				break
			}
			p.shift()
		}
		p.want(")", "the arguments of "+t.text+" end with )")
		c.Span = p.from(t.span.Start)
		return c
	case tokSign:
		switch t.text {
		case "(":
			p.shift()
			x := p.or()
			p.want(")", "this parenthesis is not closed")
			return x
		case "[":
			p.shift()
			l := &List{}
			for !p.tok.sign("]") && p.tok.kind != tokEnd {
				at := p.tok.span
				l.Items = append(l.Items, &Name{p.name(), at})
				if !p.tok.sign(",") {
					break
				}
				p.shift()
			}
			p.want("]", "a list of attributes ends with ]")
			l.Span = p.from(t.span.Start)
			return l
		}
	}
	p.fail(t, "unexpected", p.saw()+" stands where a value should", "a value is an attribute, a number, or text in single quotes")
	return &Literal{Span: t.span}
}
