package syntax

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
)

// How tightly operators hold their operands; see spec A.7.
const (
	holdsOr = iota + 1
	holdsAnd
	holdsNot
	holdsCompare
	holdsAdd
	holdsMultiply
)

// expr reads a value expression. It returns nil only after a mistake.
func (p *parser) expr() Expr {
	c := p.binary(holdsOr)
	mark := p.peek()
	if !mark.is("?") {
		return c
	}
	height := p.height
	if !p.nest(mark) {
		return c
	}
	defer p.unnest()
	p.next()
	t := p.expr()
	height = max(height, p.height)
	if colon := p.peek(); !colon.is(":") {
		p.failAt(colon, "expected-colon", "a condition with ? needs : and what it is otherwise", "write: condition ? value : other value")
		return c
	}
	p.next()
	f := p.expr()
	x := &Cond{C: c, T: t, F: f}
	x.Pos = p.from(c)
	p.grow(max(height, p.height), x.Pos)
	return x
}

// from is the span from a node to the last thing taken.
func (p *parser) from(n Node) diag.Span {
	if n == nil {
		return diag.Span{Start: p.last, End: p.last}
	}
	s := n.Span()
	return diag.Span{Start: s.Start, End: max(s.Start, p.last)}
}

// grow notes the height of a tree made of parts of at most the given height.
func (p *parser) grow(parts int, at diag.Span) {
	if p.height = parts + 1; p.height > heightMax {
		at.Start = max(at.Start, at.End-20)
		p.fail("too-deep", at, fmt.Sprintf("this expression has more than %d operators in a row", heightMax), "use in (...) or a lookup table, or split the expression over several stages")
	}
}

// infix is an operator between two operands.
type infix struct {
	op      string // canonical
	written string
	holds   int
	pos     diag.Span
	not     bool
	tokens  int
	foreign string // the sign of another language that this was, "" if none
}

var signOperators = map[string]infix{
	"||": {op: "or", holds: holdsOr}, "&&": {op: "and", holds: holdsAnd},
	"=": {op: "=", holds: holdsCompare}, "==": {op: "=", holds: holdsCompare},
	"!=": {op: "!=", holds: holdsCompare}, "<>": {op: "!=", holds: holdsCompare},
	"<": {op: "<", holds: holdsCompare}, "<=": {op: "<=", holds: holdsCompare},
	">": {op: ">", holds: holdsCompare}, ">=": {op: ">=", holds: holdsCompare},
	"=~": {op: "matches", holds: holdsCompare, foreign: "=~"},
	"!~": {op: "matches", holds: holdsCompare, not: true, foreign: "!~"},
	"+":  {op: "+", holds: holdsAdd}, "-": {op: "-", holds: holdsAdd},
	"*": {op: "*", holds: holdsMultiply}, "/": {op: "/", holds: holdsMultiply}, "%": {op: "%", holds: holdsMultiply},
}

var wordOperators = map[string]infix{
	"or": {op: "or", holds: holdsOr}, "and": {op: "and", holds: holdsAnd},
	"matches": {op: "matches", holds: holdsCompare}, "contains": {op: "contains", holds: holdsCompare},
	"in": {op: "in", holds: holdsCompare}, "is": {op: "is", holds: holdsCompare, foreign: "is null"},
	"like": {op: "matches", holds: holdsCompare, foreign: "like"},
}

// infixAt recognises the operator that starts with a token.
func (p *parser) infixAt(t token) (infix, bool) {
	var o infix
	var ok bool
	switch t.kind {
	case tokPunct:
		if o, ok = signOperators[t.text]; ok {
			break
		}
		if t.is("!") {
			if n := p.after(t); n.is("in") || n.is("matches") || n.is("contains") {
				o, ok = wordOperators[strings.ToLower(n.text)], true
				o.not, o.tokens, o.foreign = true, 1, "!"+o.op
				t.end = n.end
			}
		}
	case tokWord:
		word := strings.ToLower(t.text)
		if word == "not" {
			n := p.after(t)
			if o, ok = wordOperators[strings.ToLower(n.text)]; !ok || o.holds != holdsCompare || o.foreign == "is null" {
				return o, false
			}
			o.not, o.tokens = true, 1
			t.end = n.end
			break
		}
		o, ok = wordOperators[word]
		if word == "is" {
			n := p.after(t)
			if o.not = n.is("not"); o.not {
				n = p.after(n)
			}
			ok = n.is("null")
		}
	}
	o.tokens++
	o.pos = diag.Span{Start: t.start, End: t.end}
	o.written = t.text
	return o, ok
}

// binary reads operands joined by operators that hold at least so tightly.
func (p *parser) binary(least int) Expr {
	var x Expr
	if t := p.peek(); t.is("not") {
		if least > holdsNot {
			p.fail("not-out-of-place", t.span(), "not stands before a whole comparison, and this is part of one", "write !(...), which holds tighter")
			return nil
		}
		if !p.nest(t) {
			return nil
		}
		p.next()
		inner := p.binary(holdsNot)
		p.unnest()
		u := &Unary{Op: "not", X: inner, Pos: diag.Span{Start: t.start, End: p.last}}
		p.grow(p.height, u.Pos)
		x = u
	} else {
		x = p.unary()
	}
	compared := false
	for !p.failed {
		o, ok := p.infixAt(p.peek())
		if !ok || o.holds < least {
			p.probed(p.tok, want{typ: Infix})
			return x
		}
		if compared && o.holds > holdsCompare { // only after in (...) and is null: others take it in
			p.fail("chained-comparison", o.pos, "this calculates with the result of a comparison", "join the two with and, or put the comparison in parentheses")
			return x
		}
		if o.holds == holdsCompare {
			if compared {
				p.fail("chained-comparison", o.pos, "this compares the result of a comparison", "join two comparisons with and, or put one in parentheses")
				return x
			}
			compared = true
		}
		height := p.height
		for range o.tokens {
			p.next()
		}
		x = p.operand(x, o)
		p.grow(max(height, p.height), p.from(x))
	}
	return x
}

// operand reads what stands after an operator and puts it together with x.
func (p *parser) operand(x Expr, o infix) Expr {
	if o.foreign != "" {
		return p.foreignOperand(x, o)
	}
	switch o.op {
	case "matches":
		return p.matches(x, o.not)
	case "in":
		return p.in(x, o.not)
	}
	y := p.binary(o.holds + 1)
	b := &Binary{Op: o.op, Written: o.written, OpPos: o.pos, X: x, Y: y}
	b.Pos = p.from(x)
	if o.not {
		return &Unary{Pos: b.Pos, Op: "not", X: b}
	}
	return b
}

func (p *parser) matches(x Expr, not bool) Expr {
	m := &Matches{X: x, Not: not, Pattern: p.binary(holdsAdd)}
	m.Pos = p.from(x)
	return m
}

func (p *parser) in(x Expr, not bool) Expr {
	n := &In{X: x, Not: not}
	open := p.peek()
	if !open.is("(") {
		p.failAt(open, "expected-paren", "in wants a list in parentheses", `write: field in ("a", "b")`)
		return n
	}
	p.next()
	n.List = p.args(open, "in")
	n.Pos = p.from(x)
	if len(n.List) == 0 && !p.failed {
		p.warn("empty-list", n.Pos, "the list is empty, so no value is in it", `write what may stand there: field in ("a", "b")`)
	}
	return n
}

// args reads expressions up to the closing parenthesis; the opening one is taken.
func (p *parser) args(open token, of string) []Expr {
	var list []Expr
	if !p.nest(open) {
		return nil
	}
	defer p.unnest()
	defer p.calling(of, open.start)()
	height := 0
	if p.peek().is(")") {
		p.next()
		p.height = 0
		return nil
	}
	for !p.failed {
		list = append(list, p.arg())
		height = max(height, p.height)
		t := p.peek()
		if t.is(",") {
			p.next()
			p.nextArgument()
			if e := p.peek(); e.is(")") {
				p.fail("expected-value", t.span(), fmt.Sprintf("the list of %s ends in a comma", of), "take the comma away")
			}
			continue
		}
		if t.is(")") {
			p.next()
			break
		}
		p.unclosedParen(open, t, of)
	}
	p.height = height
	return list
}

// unclosedParen tells that the list or group opened at open goes on with
// something that cannot stand in it.
func (p *parser) unclosedParen(open, t token, of string) {
	if p.failed {
		return
	}
	if t.kind == tokEnd || t.is("|") || t.is("]") {
		what := "this ( is never closed"
		if of != "" {
			what = fmt.Sprintf("the ( of %s is never closed", of)
		}
		p.fail("unclosed-paren", open.span(), what, "write ) where it ends")
		return
	}
	where := "in these parentheses"
	if of != "" {
		where = "in the list of " + of
	}
	d := p.failAt(t, "expected-comma", fmt.Sprintf("%s stands %s where a comma or ) should", t.text, where), "write a comma or ) before it")
	if of == "" {
		d.Code = "expected-operator"
		d.Message = fmt.Sprintf("%s stands %s where an operator or ) should", t.text, where)
		d.Help = "write what joins the two, such as and, or, +"
	}
	d.Labels = []diag.Label{{Span: open.span(), Text: "opened here"}}
}

func (p *parser) arg() Expr {
	if t := p.peek(); t.is("*") {
		if n := p.after(t); n.is(")") || n.is(",") {
			p.next()
			p.height = 1
			return &Star{Pos: t.span()}
		}
	}
	return p.expr()
}

func (p *parser) unary() Expr {
	t := p.peek()
	if !t.is("-") && !t.is("!") {
		return p.primary()
	}
	if !p.nest(t) {
		return nil
	}
	defer p.unnest()
	p.next()
	x := &Unary{Op: t.text, X: p.unary(), Pos: diag.Span{Start: t.start}}
	x.Pos.End = p.last
	p.grow(p.height, x.Pos)
	return x
}

// reserved words are not names in an expression, so that a missing operand is
// found where it is missing.
var reserved = map[string]bool{
	"and": true, "or": true, "not": true, "in": true, "as": true, "by": true, "matches": true, "contains": true,
}

func (p *parser) primary() Expr {
	t := p.peek()
	p.height = 1
	switch t.kind {
	case tokNumber:
		n, ok := parseNumber(t.text)
		if !ok {
			p.badNumber(t)
			return nil
		}
		p.next()
		n.Pos = t.span()
		return n
	case tokString, tokSingle:
		return p.stringHere(t)
	case tokField:
		return p.fieldHere(t)
	case tokWord:
		return p.word(t)
	case tokPunct:
		switch t.text {
		case "(":
			return p.paren(t)
		case "[":
			p.pos = t.start
			if p.atSubquery() {
				return p.subquery()
			}
		case "/":
			return p.regex(t)
		case "%":
			if f := p.legacyField(t); f != nil {
				return f
			}
		}
	}
	p.noValue(t)
	return nil
}

func (p *parser) noValue(t token) {
	p.probed(t, want{typ: "expr"})
	switch {
	case t.kind == tokEnd, t.is("|"):
		p.failAt(t, "expected-value", "a value is missing at the end", "write a field, a number or a text in double quotes").Mark = "expected a value"
	default:
		p.failAt(t, "expected-value", fmt.Sprintf("%s stands where a value should", t.text), "write a field, a number, a text in double quotes or a function").Mark = "expected a value"
	}
}

// failAt is fail at a token; at the end of a stage the place is after what was
// taken last.
func (p *parser) failAt(t token, code, message, help string) *diag.Diagnostic {
	at := t.span()
	if t.kind == tokEnd || t.is("|") {
		at = diag.Span{Start: p.last, End: p.last}
	}
	return p.fail(code, at, message, help)
}

func (p *parser) paren(open token) Expr {
	if !p.nest(open) {
		return nil
	}
	defer p.unnest()
	p.next()
	x := &Paren{X: p.expr()}
	if t := p.peek(); !t.is(")") {
		p.unclosedParen(open, t, "")
		return x
	}
	p.next()
	x.Pos = diag.Span{Start: open.start, End: p.last}
	p.grow(p.height, x.Pos)
	return x
}

func (p *parser) word(t token) Expr {
	switch strings.ToLower(t.text) {
	case "true", "false":
		p.next()
		return &Bool{Pos: t.span(), Value: strings.EqualFold(t.text, "true")}
	case "null":
		p.next()
		return &Null{Pos: t.span()}
	}
	if path := p.quotedPath(t); path != nil {
		return path
	} else if p.failed {
		return nil
	}
	n := p.after(t)
	if n.is("(") && (!reserved[strings.ToLower(t.text)] || t.is("contains") || t.is("matches")) {
		p.next()
		p.next()
		c := &Call{Func: &Name{Pos: t.span(), Text: t.text}}
		c.Args = p.args(n, t.text)
		c.Pos = diag.Span{Start: t.start, End: p.last}
		p.grow(p.height, c.Pos)
		return p.foreignCall(c)
	}
	if reserved[strings.ToLower(t.text)] {
		p.noValue(t)
		return nil
	}
	p.next()
	f := &Field{Pos: t.span(), Name: t.text}
	if b := p.peek(); b.is("[") && b.start == t.end {
		p.bracketField(t)
	}
	p.dotted(f)
	return f
}

// bracketField refuses a[0].b, which has a name only as %"a[0].b".
func (p *parser) bracketField(t token) {
	end := legacyEnd(p.src, t.start)
	if end == t.end {
		return
	}
	at := diag.Span{Start: t.start, End: end}
	text := p.src[t.start:end]
	p.badFieldName(at, text)
}

func (p *parser) badFieldName(at diag.Span, text string) {
	form := `%"` + quote(text, '"') + `"`
	d := p.fail("bad-field-name", at, fmt.Sprintf("%s is no field name as it stands", text), "a name with other signs than letters, digits and _ is written "+form)
	d.Fix = &diag.Fix{Title: "write " + form, Edits: []diag.Edit{{Span: at, New: form}}}
}

// legacyField reads the old form %a[0].b.
func (p *parser) legacyField(t token) *Field {
	if t.end >= len(p.src) || !isNameStart(p.src[t.end]) {
		return nil
	}
	end := legacyEnd(p.src, t.end)
	f := &Field{Pos: diag.Span{Start: t.start, End: end}, Name: p.src[t.end:end], Quoted: true}
	p.pos = end
	p.last = end
	return f
}

// legacyEnd is the end of a name with brackets in it: a[0].b, a[*].
func legacyEnd(s string, i int) int {
	i = nameEnd(s, i)
	for i < len(s) && s[i] == '[' {
		n := strings.IndexByte(s[i:], ']')
		if n < 0 || strings.Trim(s[i+1:i+n], "0123456789*") != "" || n == 1 {
			return i
		}
		i += n + 1
		if i+1 < len(s) && s[i] == '.' && isNameByte(s[i+1]) {
			i = nameEnd(s, i+1)
		}
	}
	return i
}

// stringHere takes a string token.
func (p *parser) stringHere(t token) *String {
	p.next()
	s := &String{Pos: t.span()}
	switch {
	case t.kind == tokSingle:
		inner := strings.TrimPrefix(strings.TrimSuffix(t.text, "'"), "'")
		s.Raw, s.Value, s.Single = inner, unescape(inner), true
		if !p.failed {
			form := `"` + quote(unquote(inner, '\''), '"') + `"`
			d := p.warn("single-quotes", s.Pos, "Sumo Logic has strings in double quotes only", "write "+form)
			d.Fix = &diag.Fix{Title: "write " + form, Safe: true, Edits: []diag.Edit{{Span: s.Pos, New: form}}}
		}
	default:
		text := strings.TrimPrefix(strings.TrimPrefix(strings.TrimPrefix(t.text, `"`), "“"), "”")
		text = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(text, `"`), "”"), "“")
		s.Raw, s.Value = unquote(text, '"'), unescape(text)
	}
	return s
}

// fieldHere takes a %"..." token.
func (p *parser) fieldHere(t token) *Field {
	p.next()
	return &Field{Pos: t.span(), Name: unquote(t.text[2:len(t.text)-1], '"'), Quoted: true}
}

func (p *parser) regex(t token) Expr {
	end := regexEnd(p.src, t.start)
	if end == 0 {
		message := "this regular expression is never closed"
		if lineEnd(p.src, t.start)-t.start > regexMax {
			message = fmt.Sprintf("this regular expression is not closed within %d bytes", regexMax)
		}
		p.fail("unclosed-regex", t.span(), message, `write / where it ends; a / in it is written \/`)
		return nil
	}
	p.pos, p.last = end, end
	x := &Regex{Pos: diag.Span{Start: t.start, End: end}, Pattern: unquote(p.src[t.start+1:end-1], '/')}
	if flags := p.src[end:nameEnd(p.src, end)]; flags != "" && strings.Trim(flags, "imsu") == "" {
		p.take(len(flags))
		x.Pos.End = p.pos
		x.Pattern = "(?" + flags + ")" + x.Pattern
		form := "/" + quote(x.Pattern, '/') + "/"
		d := p.warn("regex-flags", diag.Span{Start: end, End: p.pos}, "the flags of a regular expression stand in it", "write "+form)
		d.Fix = &diag.Fix{Title: "write " + form, Safe: true, Edits: []diag.Edit{{Span: x.Pos, New: form}}}
	}
	return x
}

// ---- numbers

// suffixes are the factors a number may carry (spec A.6).
var suffixes = map[string]float64{
	"": 1, "K": 1e3, "k": 1e3, "M": 1e6, "G": 1e9, "B": 1e9, "T": 1e12, "P": 1e15,
	"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "Pi": 1 << 50,
	"f": 1, "F": 1, // a number with a fraction: 1024.f
	"ns": 1e-6, "us": 1e-3, "ms": 1, "s": 1e3, "m": 6e4, "h": 36e5, "d": 864e5, "w": 6048e5,
}

// splitNumber cuts a number token in digits and suffix.
func splitNumber(text string) (digits, suffix string) {
	i := 0
	run := func() {
		for i < len(text) && isDigit(text[i]) {
			i++
		}
	}
	run()
	if i < len(text) && text[i] == '.' {
		i++
		run()
	}
	if i < len(text) && (text[i] == 'e' || text[i] == 'E') {
		j := i
		i++
		if i < len(text) && (text[i] == '+' || text[i] == '-') {
			i++
		}
		k := i
		if run(); i == k {
			i = j
		}
	}
	return text[:i], text[i:]
}

func parseNumber(text string) (*Number, bool) {
	digits, suffix := splitNumber(text)
	if strings.HasPrefix(suffix, ".") && strings.Trim(suffix, ".fF") == "" {
		suffix = suffix[1:] // 1024.f
	}
	factor, ok := suffixes[suffix]
	if !ok {
		return nil, false
	}
	n := &Number{Text: text}
	if !strings.ContainsAny(digits, ".eE") && factor >= 1 && !strings.EqualFold(suffix, "f") {
		if v, err := strconv.ParseInt(digits, 10, 64); err == nil && (v == 0 || factor <= float64(math.MaxInt64/v)) {
			n.Int, n.IsInt = v*int64(factor), true
			n.Float = float64(n.Int)
			return n, true
		}
	}
	v, err := strconv.ParseFloat(digits, 64)
	if err != nil && !math.IsInf(v, 0) {
		return nil, false
	}
	n.Float = v * factor
	if math.Abs(n.Float) < 1<<63 {
		n.Int = int64(n.Float)
	}
	return n, true
}

func (p *parser) badNumber(t token) {
	help := "a number may end in K, M, G, T, P, Ki, Mi, Gi, Ti, Pi, or ns, us, ms, s, m, h, d, w"
	message := fmt.Sprintf("%s is not a number", t.text)
	if strings.Count(t.text, ".") > 1 {
		help = fmt.Sprintf("a text stands in double quotes: %q", t.text)
	} else if _, suffix := splitNumber(t.text); suffix != "" && strings.IndexByte(suffix, '.') < 0 {
		message = fmt.Sprintf("%s is not a number: %s is no size or unit of time", t.text, suffix)
	}
	p.fail("bad-number", t.span(), message, help)
}
