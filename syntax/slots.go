package syntax

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// slotType is a type that a slot of a usage line may have.
type slotType struct {
	what string // in messages: "a field"
	code string // after expected-
	// starts tells by one token whether a value may stand there.
	starts func(*parser, token) bool
	// read takes a value. It returns nil when none is there; what it wanted is
	// noted then, or the mistake reported.
	read func(*parser) Node
}

var slotTypes map[string]slotType

func init() { // the readers reach this table again through child queries
	slotTypes = map[string]slotType{
		// A field: a, a.b, %"a b".
		"field": {"a field", "field", func(p *parser, t token) bool { return p.startsField(t) || t.is("(") }, readField},
		// A bare word that names something: a table of join, a state.
		"name": {"a name", "name", isWord, readName},
		// A bare word or number with a meaning of its own: json, mostcommon.
		"word": {"a word", "word", func(_ *parser, t token) bool { return t.kind == tokWord || t.kind == tokNumber }, readWord},
		// An expression.
		"expr": {"an expression", "value", startsExpr, readExpr},
		// An expression with an optional alias: expr [as field].
		"named": {"an expression", "value", startsExpr, readNamed},
		// A field with an optional alias: field [as field].
		"rename": {"a field", "field", func(p *parser, t token) bool { return p.startsField(t) }, readRename},
		// [+|-] field [asc|desc].
		"sortkey": {"a field", "field", func(p *parser, t token) bool { return p.startsField(t) || t.is("+") || t.is("-") }, readSortKey},
		// A field or *.
		"column": {"a field or *", "field", func(p *parser, t token) bool { return p.startsField(t) || t.is("*") }, readColumn},
		// A text in double quotes.
		"string": {"a text in double quotes", "string", isString, readString},
		// A regular expression in double quotes.
		"regex": {"a regular expression in double quotes", "string", isString, readString},
		// A text in single or double quotes: delim=','.
		"option": {"a text in quotes", "string", func(_ *parser, t token) bool { return t.kind == tokString || t.kind == tokSingle || t.templated() }, readOption},
		// The name of a value: a text in double quotes, or a bare word.
		"key": {"a text in double quotes", "string", func(p *parser, t token) bool {
			return isString(p, t) || t.kind == tokWord && !reserved[strings.ToLower(t.text)]
		}, readKey},
		// A whole number.
		"int": {"a whole number", "number", startsNumber, func(p *parser) Node { return orNil(p.number(true)) }},
		// A number.
		"number": {"a number", "number", startsNumber, func(p *parser) Node { return orNil(p.number(false)) }},
		// A text, a number, true, false or null.
		"literal": {"a text or number", "value", startsLiteral, readLiteral},
		// A whole number with a unit of time: 5m, -24h.
		"duration": {"a duration such as 5m", "duration", startsNumber, readDuration},
		// A point in time: text, milliseconds, or how long ago (-24h).
		"time": {"a time such as -24h", "time", startsTime, readTime},
		// A table: path://"...", https://..., folder/name.
		"path": {`a table such as path://"/Library/name"`, "path", startsPath, readPath},
		// A query in parentheses.
		"query": {"a query in parentheses", "query", func(_ *parser, t token) bool { return t.is("(") }, readQuery},
		// A group function: sum(x) as s.
		"agg": {"a group function", "aggregate", func(p *parser, t token) bool { return t.kind == tokWord && p.aggregate(t.text) }, readAgg},
		// A direction: +, - or both.
		"direction": {"+, - or +-", "direction", func(_ *parser, t token) bool { return t.is("+") || t.is("-") || t.templated() }, readDirection},
	}
}

// orNil keeps a nil pointer from becoming a Node that is not nil.
func orNil[T any, P interface {
	*T
	Node
}](n P) Node {
	if n == nil {
		return nil
	}
	return n
}

func isWord(_ *parser, t token) bool   { return t.kind == tokWord }
func isString(_ *parser, t token) bool { return t.kind == tokString || t.templated() }

func startsNumber(_ *parser, t token) bool {
	return t.kind == tokNumber || t.is("-") || t.templated()
}

func startsLiteral(p *parser, t token) bool {
	return t.kind == tokString || t.kind == tokSingle || startsNumber(p, t) || t.is("true") || t.is("false") || t.is("null")
}

func startsExpr(_ *parser, t token) bool {
	switch t.kind {
	case tokEnd, tokBad:
		return false
	case tokPunct:
		return strings.Contains("( [ - ! / %", t.text)
	}
	return true
}

func (p *parser) startsFieldToken(t token) bool {
	return t.kind == tokField || t.kind == tokWord && !reserved[strings.ToLower(t.text)]
}

// startsField reports whether a field stands at t.
func (p *parser) startsField(t token) bool {
	return p.startsFieldToken(t) || startsWithDigit(t) || t.is("%") && t.end < len(p.src) && isNameStart(p.src[t.end])
}

// startsWithDigit recognises a name such as 2hrs, which one page has as an alias
// (timeslice 2h as 2hrs). It is read where nothing but a field may stand, and
// written %"2hrs".
func startsWithDigit(t token) bool {
	if t.kind != tokNumber || strings.Trim(t.text, "0123456789") == "" {
		return false
	}
	return nameEnd("_"+t.text, 0) == len(t.text)+1 && strings.IndexByte(t.text, '.') < 0
}

// field reads a field where no expression may stand. It returns nil, with what
// it wanted noted, when there is none.
func (p *parser) field() *Field {
	t := p.peek()
	if p.failed {
		return nil
	}
	switch {
	case t.kind == tokField:
		return p.fieldHere(t)
	case p.startsFieldToken(t):
		return p.plainField(t)
	case t.is("%"):
		if f := p.legacyField(t); f != nil {
			return f
		}
		if n := p.after(t); n.kind == tokString { // % "name", as some published queries have it
			p.next()
			f := p.stringHere(p.peek())
			return &Field{Pos: diag.Span{Start: t.start, End: p.last}, Name: f.Raw, Quoted: true}
		}
	case t.kind == tokString, t.kind == tokSingle:
		name := strings.Trim(t.text, `"'“”`)
		form := `%"` + name + `"`
		p.want(t, want{
			full: "expected-field", message: fmt.Sprintf("a field stands here, and %s is a text", show(t)), help: "a field whose name has other signs is written " + form,
			fix: &diag.Fix{Title: "write " + form, Edits: []diag.Edit{{Span: t.span(), New: form}}},
		})
		return nil
	case startsWithDigit(t):
		p.next()
		return &Field{Pos: t.span(), Name: t.text, Quoted: true}
	case t.kind == tokNumber:
		form := `%"` + t.text + `"`
		p.want(t, want{
			full: "expected-field", message: fmt.Sprintf("a field stands here, and %s is a number", t.text), help: "a field whose name starts with a digit is written " + form,
			fix: &diag.Fix{Title: "write " + form, Edits: []diag.Edit{{Span: t.span(), New: form}}},
		})
		return nil
	}
	p.want(t, wantOf("field"))
	return nil
}

// plainField takes a name, with the hyphens that some pages allow in it (OP-6).
func (p *parser) plainField(t token) *Field {
	p.next()
	f := &Field{Pos: t.span(), Name: t.text}
	// A field of such a name is one only here; everywhere else it needs its quotes.
	f.Quoted = t.is("null") || t.is("true") || t.is("false")
	if t.end >= len(p.src) {
		return f
	}
	switch p.src[t.end] {
	case '.':
		p.dotted(f)
	case '[':
		p.bracketField(t)
	case '-':
		end := looseNameEnd(p.src, t.start)
		if end == t.end {
			break
		}
		f.Pos.End, f.Name, f.Quoted = end, p.src[t.start:end], true
		p.pos, p.last = end, end
		form := `%"` + f.Name + `"`
		d := p.warn("hyphen-in-name", f.Pos, fmt.Sprintf("%s has hyphens, which in an expression are minus signs", f.Name), "write "+form)
		d.Fix = &diag.Fix{Title: "write " + form, Safe: true, Edits: []diag.Edit{{Span: f.Pos, New: form}}}
	}
	return f
}

// dotted takes the rest of a name that has a blank after its dot: t1. field.
func (p *parser) dotted(f *Field) {
	for {
		dot := p.peek()
		if !dot.is(".") || dot.start != f.Pos.End {
			return
		}
		rest := p.after(dot)
		if rest.kind != tokWord {
			return
		}
		p.next()
		p.next()
		f.Name, f.Pos.End = f.Name+"."+rest.text, rest.end
	}
}

func readField(p *parser) Node { return orNil(p.field()) }

func readName(p *parser) Node {
	t := p.peek()
	if t.kind != tokWord {
		return nil
	}
	p.next()
	return &Name{Pos: t.span(), Text: t.text}
}

func readWord(p *parser) Node {
	t := p.peek()
	if t.kind != tokWord && t.kind != tokNumber {
		return nil
	}
	p.next()
	return &Name{Pos: t.span(), Text: t.text}
}

func readExpr(p *parser) Node {
	if x := p.expr(); x != nil {
		return x
	}
	return nil
}

func readNamed(p *parser) Node {
	x := p.expr()
	if p.failed || x == nil {
		return nil
	}
	return p.alias(x)
}

func readRename(p *parser) Node {
	f := p.field()
	if f == nil {
		return nil
	}
	return p.alias(f)
}

// alias reads [as field] after an expression.
func (p *parser) alias(x Expr) Node {
	n := &Named{X: x, Pos: p.from(x)}
	if p.peek().is("as") {
		p.next()
		if n.As = p.field(); n.As == nil {
			return nil
		}
		n.Pos.End = p.last
	} else {
		p.wanted("as")
	}
	return n
}

func readSortKey(p *parser) Node {
	t := p.peek()
	k := &SortKey{Pos: t.span()}
	if t.is("+") || t.is("-") {
		p.next()
		k.Explicit, k.Asc = true, t.is("+")
	}
	if k.Field = p.field(); k.Field == nil {
		return nil
	}
	switch d := p.peek(); {
	case d.is("asc"), d.is("desc"):
		p.next()
		k.Explicit, k.Asc = true, d.is("asc")
	default:
		p.wanted("asc")
		p.wanted("desc")
	}
	k.Pos.End = p.last
	return k
}

func readColumn(p *parser) Node {
	if t := p.peek(); t.is("*") {
		p.next()
		return &Star{Pos: t.span()}
	}
	return readField(p)
}

func readString(p *parser) Node {
	t := p.peek()
	if t.kind == tokSingle {
		form := `"` + quote(unquote(strings.Trim(t.text, "'"), '\''), '"') + `"`
		p.want(t, want{
			full: "single-quotes", message: "a text stands in double quotes", help: "write " + form,
			fix: &diag.Fix{Title: "write " + form, Edits: []diag.Edit{{Span: t.span(), New: form}}},
		})
		return nil
	}
	if t.templated() {
		return p.templateString(t)
	}
	if t.kind != tokString {
		return nil
	}
	return p.stringHere(t)
}

// templateString takes a template parameter whose value is the whole text, quotes
// and all.
func (p *parser) templateString(t token) *String {
	p.next()
	return &String{Pos: t.span(), Raw: t.text, Value: t.text, Template: true}
}

// readOption takes a text in either quotes. In single ones nothing is an escape
// but what stands for a sign that cannot be seen: '\t', '\n', '\r'.
func readOption(p *parser) Node {
	t := p.peek()
	if t.kind != tokSingle {
		if t.templated() {
			return p.templateString(t)
		}
		if t.kind != tokString {
			return nil
		}
		return p.stringHere(t)
	}
	p.next()
	inner := t.text
	if len(inner) >= 2 {
		inner = inner[1 : len(inner)-1]
	}
	return &String{Pos: t.span(), Raw: inner, Value: unescape(inner), Single: true}
}

// readKey takes a text in double quotes, or a word that needs none.
func readKey(p *parser) Node {
	t := p.peek()
	if t.kind != tokWord || t.templated() || reserved[strings.ToLower(t.text)] {
		return readString(p)
	}
	p.next()
	return &String{Pos: t.span(), Raw: t.text, Value: t.text}
}

// number reads a number with an optional minus.
func (p *parser) number(whole bool) *Number {
	t := p.peek()
	at, text := t.span(), ""
	if t.is("-") {
		n := p.after(t)
		if n.kind != tokNumber && !n.templated() {
			return nil
		}
		text = "-"
		t = n
	}
	if t.templated() {
		if text == "-" {
			p.next()
		}
		p.next()
		at.End = t.end
		return &Number{Pos: at, Text: text + t.text, Int: 1, Float: 1, IsInt: true}
	}
	if t.kind != tokNumber {
		return nil
	}
	n, ok := parseNumber(t.text)
	at.End = t.end
	switch {
	case !ok:
		p.badNumber(t)
		return nil
	case whole && (!n.IsInt || !isDigit(t.text[len(t.text)-1]) && strings.ContainsAny(t.text, "smhdw")):
		p.want(t, want{
			full: "expected-number", message: fmt.Sprintf("a whole number stands here, and this is %s", t.text), help: "write digits only",
		})
		return nil
	}
	if text == "-" {
		p.next()
		n.Int, n.Float = -n.Int, -n.Float
	}
	p.next()
	n.Pos, n.Text = at, text+t.text
	return n
}

func readLiteral(p *parser) Node {
	t := p.peek()
	switch {
	case t.kind == tokString, t.kind == tokSingle:
		return p.stringHere(t)
	case startsNumber(p, t):
		return orNil(p.number(false))
	case t.is("true"), t.is("false"):
		p.next()
		return &Bool{Pos: t.span(), Value: t.is("true")}
	case t.is("null"):
		p.next()
		return &Null{Pos: t.span()}
	}
	return nil
}

// units are the units of time of a duration, in milliseconds.
var units = map[string]int64{"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}

const unitHelp = "write 5m, or one of the units s, m, h, d, w"

// unitMeant guesses the unit that a longer word stands for.
func unitMeant(word string) string {
	for _, u := range []struct{ long, short string }{
		{"seconds", "s"}, {"minutes", "m"}, {"minuts", "m"}, {"mins", "m"}, {"hours", "h"}, {"hrs", "h"}, {"days", "d"}, {"weeks", "w"},
	} {
		if len(word) > 0 && strings.HasPrefix(u.long, strings.ToLower(word)) || diag.Nearest(word, []string{u.long}) != "" {
			return u.short
		}
	}
	return ""
}

func startsTime(p *parser, t token) bool {
	return t.kind == tokString || t.kind == tokSingle || startsNumber(p, t)
}

// dateHere is a date as it is written without quotes, with its time of day and
// zone: 2021-01-06T12:00:00-08:00, 01/06/2021 12:00.
var dateHere = match.Lazy(`^(?:\d{4}[-/]\d{1,2}[-/]\d{1,2}|\d{1,2}/\d{1,2}(?:/\d{4})?)` +
	`(?:(?:T|[ \t]+)\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z\b|[+-]\d{2}:?\d{2})?)?\b`)

// readTime keeps a time as it is written: what it is depends on when and where
// the query runs.
func readTime(p *parser) Node {
	t := p.peek()
	if t.kind == tokString || t.kind == tokSingle {
		return p.stringHere(t)
	}
	if text := dateHere().FindString(p.src[t.start:]); text != "" {
		p.take(t.start + len(text) - p.pos)
		return &Name{Pos: diag.Span{Start: t.start, End: p.pos}, Text: strings.Join(strings.Fields(text), " ")}
	}
	n := t
	if t.is("-") {
		n = p.after(t)
	}
	if n.kind != tokNumber && !n.templated() || n.start != t.start && n.start != t.end {
		return nil
	}
	for p.peek().start < n.start {
		p.next()
	}
	p.next()
	at := diag.Span{Start: t.start, End: n.end}
	return &Name{Pos: at, Text: p.src[at.Start:at.End]}
}

func readDuration(p *parser) Node {
	t := p.peek()
	minus := t.is("-")
	at := t.span()
	if minus {
		t = p.after(t)
	}
	if t.templated() {
		if minus {
			p.next()
		}
		p.next()
		at.End = t.end
		return &Duration{Pos: at, Text: p.src[at.Start:at.End], Millis: units["m"]}
	}
	if t.kind != tokNumber {
		return nil
	}
	at.End = t.end
	digits, unit := splitNumber(t.text)
	spaced := false
	if n := p.after(t); unit == "" && n.kind == tokWord && units[n.text] != 0 {
		unit, at.End, spaced = n.text, n.end, true // 1 h
	}
	factor := units[unit]
	n, err := strconv.ParseInt(digits, 10, 64)
	switch {
	case unit == "" && err == nil:
		p.unitMissing(t)
		return nil
	case factor == 0 || err != nil:
		p.badDuration(t.span(), t.text, digits, unit)
		return nil
	case n > math.MaxInt64/factor:
		p.want(t, want{full: "bad-duration", message: fmt.Sprintf("%s is longer than any data", t.text), help: unitHelp})
		return nil
	}
	if minus {
		p.next()
		n = -n
	}
	p.next()
	if spaced {
		p.next()
	}
	d := &Duration{Pos: at, Text: digits + unit, Millis: n * factor}
	if minus {
		d.Text = "-" + d.Text
	}
	return d
}

// unitMissing tells that a number has no unit, or a word after it that is none.
func (p *parser) unitMissing(t token) {
	n := p.after(t)
	if n.kind == tokWord && n.end-n.start < 10 && !n.is("buckets") && !n.is("as") {
		p.badDuration(n.span(), n.text, t.text, n.text)
		return
	}
	p.want(n, want{what: "a unit of time after " + t.text, code: "duration"})
}

// badDuration tells that a word is no unit of time. When one was meant the fix
// writes it so that it touches its number.
func (p *parser) badDuration(at diag.Span, text, digits, unit string) {
	w := want{
		full: "bad-duration", at: &at, help: unitHelp,
		message: fmt.Sprintf("%s wants a duration, and %q is not a unit of time", p.wanting(), unit),
	}
	if unit == "" || strings.ContainsAny(digits, ".e") {
		w.message = fmt.Sprintf("%s wants a duration, and %q is not a whole number of units of time", p.wanting(), text)
	} else if short := unitMeant(unit); short != "" {
		w.help = fmt.Sprintf("write %s%s; the units of time are s, m, h, d, w", digits, short)
		edit := diag.Edit{Span: at, New: digits + short}
		if unit == text { // the number stands before it
			edit.Span.Start = strings.LastIndex(p.src[:at.Start], digits)
		}
		w.fix = &diag.Fix{Title: "write " + digits + short, Edits: []diag.Edit{edit}}
	}
	p.want(token{start: at.Start, end: at.End}, w)
}

// wanting names the stage in messages.
func (p *parser) wanting() string {
	if p.stage != nil && p.stage.Op != nil {
		return p.stage.Op.Text
	}
	return "this"
}

func startsPath(p *parser, t token) bool {
	return t.kind == tokWord || t.is("/") || t.kind == tokString
}

// readPath reads a source of a table. It is read by characters, because slashes
// and colons stand in it bare.
func readPath(p *parser) Node {
	t := p.peek()
	if t.kind == tokEnd || t.is("|") {
		return nil
	}
	start := t.start
	i := start
	text := ""
	if path := p.quotedPath(t); path != nil || p.failed {
		return orNil(path)
	} else if t.kind == tokString {
		p.next()
		return &Path{Pos: t.span(), Text: unescape(strings.Trim(t.text, `"“”`))}
	} else {
		for i < len(p.src) && strings.IndexByte("|),\"", p.src[i]) < 0 && spaceAt(p.src, i) == 0 {
			i++
		}
		text = p.src[start:i]
		if n := len(pathScheme); len(text) >= n && strings.EqualFold(text[:n], pathScheme) {
			text = pathScheme + text[n:]
		}
	}
	if i == start {
		return nil
	}
	p.pos, p.last = i, i
	return &Path{Pos: diag.Span{Start: start, End: i}, Text: text}
}

// quotedPath reads path://"..." if it stands at t.
func (p *parser) quotedPath(t token) *Path {
	const scheme = `path://"`
	i := t.start
	if !t.is("path") || len(p.src)-i < len(scheme) || !strings.EqualFold(p.src[i:i+len(scheme)], scheme) {
		return nil
	}
	i += len(scheme)
	end := p.stringEnd(i - 1)
	if p.failed {
		return nil
	}
	p.pos, p.last = end, end
	return &Path{Pos: diag.Span{Start: t.start, End: end}, Text: "path://" + unescape(p.src[i:end-1])}
}

// readQuery reads a child query in parentheses.
func readQuery(p *parser) Node {
	open := p.peek()
	if !open.is("(") || !p.nest(open) {
		return nil
	}
	defer p.unnest()
	p.next()
	start := p.pos
	q := p.childQuery()
	p.child(start, q)
	if t := p.peek(); !t.is(")") {
		p.unclosedParen(open, t, "")
		return q
	}
	p.next()
	return q
}

// childQuery reads a query whose search expression may be left out together
// with its pipe: (parse "a *" as a | count), (error | count).
func (p *parser) childQuery() *Query {
	t := p.peek()
	stage := false
	if t.kind == tokWord {
		next := p.after(t)
		u, _ := p.operator(t)
		stage = u != nil || p.aggregate(t.text) || next.is("(") && p.grammar.Function(t.text) || t.is("eval") || next.is("as")
	}
	if stage {
		return p.pipeline(closeParen)
	}
	return p.query(closeParen)
}

func readAgg(p *parser) Node {
	t := p.peek()
	if t.kind != tokWord || !p.aggregate(t.text) {
		return nil
	}
	return orNil(p.agg())
}

func readDirection(p *parser) Node {
	t := p.peek()
	if t.templated() {
		p.next()
		return &Name{Pos: t.span(), Text: t.text}
	}
	if !t.is("+") && !t.is("-") {
		return nil
	}
	p.next()
	n := &Name{Pos: t.span(), Text: t.text}
	if o := p.peek(); (o.is("+") || o.is("-")) && o.start == t.end && o.text != t.text {
		p.next()
		n.Text += o.text
		n.Pos.End = o.end
	}
	return n
}
