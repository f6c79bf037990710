package syntax

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/diag"
)

// search reads the search expression of a query (spec A.2). It goes by
// characters rather than tokens: paths, addresses and times stand there bare.
func (p *parser) search(q *Query, end closer) {
	start := p.pos
	q.Search = p.searchOr(end)
	if !p.failed {
		p.pos = p.bare(p.pos)
	}
	if p.failed {
		p.recover(start, end)
	}
}

// bare is trivia where a search term may stand.
func (p *parser) bare(i int) int { return p.trivia(i, true) }

func (p *parser) searchOr(end closer) Search {
	x := p.searchAnd(end)
	list := []Search{x}
	for !p.failed && p.searchWord("or", "||") {
		list = append(list, p.searchAnd(end))
	}
	if len(list) == 1 {
		return x
	}
	return &Or{Pos: spanOf(list), List: list}
}

func (p *parser) searchAnd(end closer) Search {
	x := p.searchNot(end)
	list := []Search{x}
	for !p.failed {
		p.searching()
		if !p.searchWord("and", "&&") && (p.searchEnds(end) || p.atWord("or") || p.at("||")) {
			break
		}
		list = append(list, p.searchNot(end))
	}
	if len(list) == 1 {
		return x
	}
	return &And{Pos: spanOf(list), List: list}
}

func spanOf(list []Search) diag.Span {
	first, last := list[0], list[len(list)-1]
	if first == nil || last == nil {
		return diag.Span{}
	}
	return first.Span().Join(last.Span())
}

func (p *parser) searchNot(end closer) Search {
	p.pos = p.bare(p.pos)
	start := p.pos
	switch {
	case p.atWord("not"):
		p.take(3)
	case p.at("!"):
		p.take(1)
	default:
		return p.searchAtom(end)
	}
	if !p.nest(token{start: start, end: p.pos}) {
		return nil
	}
	defer p.unnest()
	x := p.searchNot(end)
	return &Not{Pos: diag.Span{Start: start, End: p.last}, X: x}
}

func (p *parser) searchAtom(end closer) Search {
	start := p.pos
	switch {
	case p.failed:
		return nil
	case p.searchEnds(end), p.atWord("or"), p.atWord("and"), p.at("||"), p.at("&&"):
		p.missingTerm(end)
		return nil
	case p.at("("):
		if !p.nest(token{start: start, end: start + 1}) {
			return nil
		}
		defer p.unnest()
		p.take(1)
		x := p.searchOr(closeParen)
		p.pos = p.bare(p.pos)
		if !p.failed && !p.at(")") {
			p.fail("unclosed-paren", diag.Span{Start: start, End: start + 1}, "this ( is never closed", "write ) where it ends")
			return nil
		}
		if !p.failed {
			p.take(1)
		}
		return &Group{Pos: diag.Span{Start: start, End: p.last}, X: x}
	case p.atSubquery():
		return p.subquery()
	case p.at("`"):
		p.macro(start, macroEnd(p.src, start))
		return nil
	}
	if f, op := p.searchField(); f != nil {
		return p.fieldTerm(f, op, end)
	}
	return p.term(end)
}

func (p *parser) missingTerm(end closer) {
	p.searching()
	at := diag.Span{Start: p.pos, End: p.pos}
	what := "the search expression ends"
	if !p.searchEnds(end) {
		at.End = p.wordEnd(p.pos, end, false)
		what = fmt.Sprintf("%s stands", p.src[at.Start:at.End])
	} else if p.pos < len(p.src) {
		at.End++
		what = fmt.Sprintf("%s stands", p.src[at.Start:at.End])
	}
	d := p.fail("expected-term", at, what+" where a search term should", "write a word, a quoted phrase or field=value")
	d.Mark = "expected a term"
}

// term reads a keyword, a phrase or *.
func (p *parser) term(end closer) Search {
	start := p.pos
	if t, ok := p.phrase(); ok {
		return t
	}
	p.take(p.wordEnd(start, end, false) - start)
	at := diag.Span{Start: start, End: p.pos}
	text := p.src[start:p.pos]
	if text == "*" {
		return &Everything{Pos: at}
	}
	return &Term{Pos: at, Text: text}
}

// phrase reads a term in double quotes.
func (p *parser) phrase() (*Term, bool) {
	start := p.pos
	open := 1
	switch {
	case p.at(`"`):
		p.take(p.stringEnd(start) - start)
	case p.at("“"), p.at("”"):
		p.take(p.typographicEnd(start) - start)
		open = len("“")
	default:
		return nil, false
	}
	inner := p.src[min(start+open, p.pos):p.pos]
	if !p.failed {
		inner = strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(inner, `"`), "”"), "“")
	}
	return &Term{Pos: diag.Span{Start: start, End: p.pos}, Text: unescape(inner), Quoted: true}, true
}

// searchField recognises the field and sign of a field term and takes them; nil
// when a keyword stands here.
func (p *parser) searchField() (*Field, string) {
	i := p.pos
	f := &Field{}
	switch {
	case strings.HasPrefix(p.src[i:], `%"`):
		i = p.stringEnd(i + 1)
		if p.failed {
			return nil, ""
		}
		f.Name, f.Quoted = unescape(p.src[p.pos+2:i-1]), true
	case isNameStart(p.src[i]):
		i = looseNameEnd(p.src, i)
		f.Name = p.src[p.pos:i]
	default:
		return nil, ""
	}
	f.Pos = diag.Span{Start: p.pos, End: i}
	j := i
	for n := spaceAt(p.src, j); n > 0; n = spaceAt(p.src, j) {
		j += n
	}
	if k := p.inList(j); k > 0 {
		op := "in"
		if !strings.EqualFold(p.src[j:j+2], "in") {
			op = "not in"
		}
		p.take(k - p.pos)
		return f, op
	}
	for _, op := range []string{"!=", "<>", "<=", ">=", "==", "=", "<", ">"} {
		if !strings.HasPrefix(p.src[j:], op) {
			continue
		}
		p.take(j + len(op) - p.pos)
		switch op {
		case "==":
			return f, "="
		case "<>":
			return f, "!="
		}
		return f, op
	}
	return nil, ""
}

// looseNameEnd is the end of a field name in the search expression, where a
// hyphen is no minus.
func looseNameEnd(s string, i int) int {
	for i < len(s) {
		n := nameEnd(s, i)
		if n < len(s) && n > i && s[n] == '-' && n+1 < len(s) && isNameByte(s[n+1]) {
			n++
		}
		if n == i {
			return i
		}
		i = n
	}
	return i
}

// inList recognises "in (" and "not in (" at j and returns where the
// parenthesis stands; 0 if it is not there.
func (p *parser) inList(j int) int {
	rest := p.src[j:]
	if len(rest) > 3 && strings.EqualFold(rest[:3], "not") && spaceAt(rest, 3) > 0 {
		trimmed := strings.TrimLeft(rest[3:], " \t\r\n")
		j += len(rest) - len(trimmed)
		rest = trimmed
	}
	if len(rest) < 3 || !strings.EqualFold(rest[:2], "in") {
		return 0
	}
	trimmed := strings.TrimLeft(rest[2:], " \t\r\n")
	if !strings.HasPrefix(trimmed, "(") {
		return 0
	}
	return j + len(rest) - len(trimmed)
}

// fieldTerm reads the value after a field and sign.
func (p *parser) fieldTerm(f *Field, op string, end closer) Search {
	x := &FieldTerm{Field: f, Op: op}
	if op == "in" || op == "not in" {
		p.take(1)
		for !p.failed {
			p.pos = p.bare(p.pos)
			x.Values = append(x.Values, p.value(f, closeParen, true))
			if p.pos = p.bare(p.pos); p.at(",") {
				p.take(1)
				continue
			}
			if p.failed || p.at(")") {
				break
			}
			p.fail("expected-comma", diag.Span{Start: p.pos, End: p.wordEnd(p.pos, closeParen, true)}, "the values of in are separated by commas", `write: field in ("a", "b")`)
		}
		if !p.failed {
			p.take(1)
		}
	} else {
		for n := spaceAt(p.src, p.pos); n > 0; n = spaceAt(p.src, p.pos) {
			p.pos += n
		}
		x.Values = []*Term{p.value(f, end, false)}
	}
	x.Pos = diag.Span{Start: f.Pos.Start, End: p.last}
	if op != "=" && !p.failed {
		p.warnExtension(x)
	}
	return x
}

func (p *parser) value(f *Field, end closer, list bool) *Term {
	p.valueOf(f.Name)
	if t, ok := p.phrase(); ok {
		return t
	}
	start := p.pos
	n := p.wordEnd(start, end, list)
	if n == start {
		help := "write a word, with * for any text, or a text in double quotes"
		if p.at("(") {
			help = fmt.Sprintf("for one of several values write (%s=a OR %s=b)", f.Name, f.Name)
		}
		at := diag.Span{Start: start, End: min(start+1, len(p.src))}
		p.fail("expected-value", at, fmt.Sprintf("%s has no value to be compared with", f.Name), help).Mark = "expected a value"
		return &Term{Pos: at}
	}
	p.take(n - start)
	return &Term{Pos: diag.Span{Start: start, End: n}, Text: p.src[start:n]}
}

// warnExtension tells that a field term does not run on Sumo Logic, with the
// form that does where there is one.
func (p *parser) warnExtension(x *FieldTerm) {
	name := p.src[x.Field.Pos.Start:x.Field.Pos.End]
	d := p.warn("nonportable-search", x.Pos, fmt.Sprintf("Sumo Logic has no %s in the search expression", x.Op), "")
	var parts []string
	for _, v := range x.Values {
		parts = append(parts, name+"="+p.src[v.Pos.Start:v.Pos.End])
	}
	form := "(" + strings.Join(parts, " OR ") + ")"
	switch x.Op {
	case "in":
	case "not in", "!=":
		if len(parts) == 1 {
			form = parts[0]
		}
		form = "!" + form
	default:
		d.Help = fmt.Sprintf("write it after the search: | where %s %s ...", name, x.Op)
		return
	}
	d.Help = "write " + form
	d.Fix = &diag.Fix{Title: "write " + form, Safe: true, Edits: []diag.Edit{{Span: x.Pos, New: form}}}
}

// wordEnd is the end of an unquoted word at i.
func (p *parser) wordEnd(i int, end closer, list bool) int {
	for i < len(p.src) {
		switch c := p.src[i]; {
		case c == '|', c == '(', c == ')', c == '"', c == '`', c == ']' && end == closeBracket, c == ',' && list:
			return i
		case c == '{' && templateAt(p.src, i) > 0:
			i += templateAt(p.src, i)
			continue
		case spaceAt(p.src, i) > 0:
			return i
		}
		_, n := utf8.DecodeRuneInString(p.src[i:])
		if n == 3 && (strings.HasPrefix(p.src[i:], "“") || strings.HasPrefix(p.src[i:], "”")) {
			return i
		}
		i += n
	}
	return i
}

// searchEnds reports whether the expression, or the group it stands in, ends here.
func (p *parser) searchEnds(end closer) bool {
	p.pos = p.bare(p.pos)
	if p.pos >= len(p.src) {
		return true
	}
	switch p.src[p.pos] {
	case '|':
		return !p.at("||")
	case ')':
		return true
	case ']':
		return end == closeBracket
	}
	return false
}

func (p *parser) at(text string) bool { return strings.HasPrefix(p.src[p.pos:], text) }

// atWord reports whether a whole bare word stands here, in any case.
func (p *parser) atWord(word string) bool {
	rest := p.src[p.pos:]
	if len(rest) < len(word) || !strings.EqualFold(rest[:len(word)], word) {
		return false
	}
	if rest = rest[len(word):]; rest == "" {
		return true
	}
	return strings.IndexByte(`()"|!]`, rest[0]) >= 0 || spaceAt(rest, 0) > 0
}

// searchWord takes AND or OR, or the sign other languages have for it.
func (p *parser) searchWord(word, sign string) bool {
	p.pos = p.bare(p.pos)
	switch {
	case p.atWord(word):
		p.take(len(word))
	case p.at(sign):
		upper := strings.ToUpper(word)
		at := diag.Span{Start: p.pos, End: p.pos + len(sign)}
		d := p.warn("nonportable-search", at, fmt.Sprintf("the search expression has no %s", sign), "write "+upper)
		d.Fix = &diag.Fix{Title: "write " + upper, Safe: true, Edits: []diag.Edit{{Span: at, New: upper}}}
		p.take(len(sign))
	default:
		return false
	}
	return true
}

// take goes n bytes on.
func (p *parser) take(n int) {
	p.pos += n
	p.last = p.pos
}

// ---- subqueries

func (p *parser) atSubquery() bool {
	return p.at("[") && strings.HasPrefix(strings.ToLower(strings.TrimLeft(p.src[p.pos+1:min(len(p.src), p.pos+40)], " \t\r\n")), "subquery")
}

// subquery reads [subquery ...: query | compose fields].
func (p *parser) subquery() *Subquery {
	x := &Subquery{Pos: diag.Span{Start: p.pos}}
	open := p.next()
	if !p.nest(open) {
		return x
	}
	defer p.unnest()
	p.next() // subquery
	for !p.failed && !p.peek().is(":") {
		t := p.next()
		if !t.is("from") && !t.is("to") || !p.peek().is("=") {
			p.fail("expected-colon", t.span(), "a subquery starts [subquery:, or [subquery from=(...) to=(...):", "write : before the query")
			return x
		}
		p.next()
		if text := p.timeText(); t.is("from") {
			x.From = text
		} else {
			x.To = text
		}
	}
	p.next()
	if p.failed {
		return x
	}
	start := p.pos
	outer := p.composing
	p.composing = x
	x.Query = p.query(closeBracket)
	p.composing = outer
	p.child(start, x.Query)
	if t := p.peek(); t.is("]") {
		if len(x.Compose) == 0 && !p.broken(x.Query) {
			p.fail("expected-compose", t.span(), "a subquery ends in | compose, and this one does not", "write | compose and the fields that the outer query is to match")
			return x
		}
		p.next()
	} else {
		p.fail("unclosed-paren", open.span(), "this [ is never closed", "write ] where the subquery ends")
	}
	x.Pos.End = p.last
	return x
}

// broken reports whether a stage could not be read, so that what it should have
// given is not asked for.
func (p *parser) broken(q *Query) bool {
	for _, s := range q.Stages {
		if s.Bad {
			return true
		}
	}
	return p.quiet
}

func (p *parser) child(start int, q *Query) {
	p.children = append(p.children, region{start, p.pos, q})
}

// timeText reads (-15m), or -15m, as text.
func (p *parser) timeText() string {
	p.pos = p.skip(p.pos)
	start := p.pos
	if p.at("(") {
		n := strings.IndexByte(p.src[start:], ')')
		if n < 0 {
			p.fail("unclosed-paren", diag.Span{Start: start, End: start + 1}, "this ( is never closed", "write ) where the time ends")
			return ""
		}
		p.take(n + 1)
		return strings.TrimSpace(p.src[start+1 : start+n])
	}
	for p.pos < len(p.src) && strings.IndexByte(":]|)", p.src[p.pos]) < 0 && spaceAt(p.src, p.pos) == 0 {
		p.take(1)
	}
	return p.src[start:p.pos]
}

// compose reads the last stage of a subquery.
func (p *parser) compose(x *Subquery) {
	p.next()
	if p.peek().is("by") { // seen once in the documentation; means nothing
		p.next()
	}
	for {
		f := p.field()
		if f == nil {
			p.report("compose", "compose <field>, ... [maxresults=<n>] [keywords]")
			return
		}
		x.Compose = append(x.Compose, f)
		if !p.peek().is(",") {
			break
		}
		p.next()
	}
	for {
		switch t := p.peek(); {
		case t.is("keywords"):
			p.next()
			x.Keywords = true
		case t.is("maxresults"):
			p.next()
			if p.peek().is("=") {
				p.next()
			}
			n := p.number(true)
			if n == nil {
				p.report("maxresults", "maxresults=<n>")
				return
			}
			x.Max = int(n.Int)
		default:
			p.wanted("maxresults")
			p.wanted("keywords")
			return
		}
	}
}
