package syntax

import (
	"strings"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/diag"
)

// Print writes a query in its one form: each stage on a line that starts with a
// pipe, long conditions one operand a line, all comments at their place. Reading
// what it wrote gives the same tree, and printing that the same text. Print only
// what was read without errors, template parameters without values aside. A Bad
// stage is written as it stands.
func Print(q *Query) string { return printQuery(q, false) }

// PrintPortable is Print with eval written as Sumo Logic wants it.
func PrintPortable(q *Query) string { return printQuery(q, true) }

// PrintShort is Print without comments and with a line for each stage, however long, also
// of a query within another: the fewest characters that Print's layout allows, for services that take no longer queries.
func PrintShort(q *Query) string {
	p := &printer{short: true, fresh: true}
	p.query(q, false)
	return strings.TrimRight(p.b.String(), " \n")
}

func printQuery(q *Query, portable bool) string {
	p := &printer{portable: portable, fresh: true}
	p.query(q, false)
	return strings.TrimRight(p.b.String(), " \n")
}

// wrapIndent is how far a line that goes on is set in.
const wrapIndent = 4

// printer writes a tree. Comments are written before the first node that stood
// after them.
type printer struct {
	b        strings.Builder
	portable bool
	short    bool // no comments, and lines of any length

	col    int
	base   int  // indent of the query being printed
	indent int  // indent of a line that goes on
	fresh  bool // nothing but the indent is on the line
	ended  bool // the line has to end before anything else is written
	blank  bool // a blank has to come before anything else is written

	file     *diag.File
	comments []*Comment // of the query being printed, not yet written

	flat   bool // measuring: everything on one line
	budget int  // characters left while measuring
	over   bool // there were not enough
}

func (p *printer) text(s string) {
	if s == "" || p.over {
		return
	}
	if p.ended {
		p.line(p.indent)
	}
	if p.blank && s[0] != ' ' {
		s = " " + s
	}
	if p.fresh || strings.HasSuffix(p.tail(1), " ") {
		s = strings.TrimLeft(s, " ")
	}
	if s == "" {
		return
	}
	p.blank, p.fresh = false, false
	p.put(s)
}

func (p *printer) put(s string) {
	if p.flat {
		if p.budget -= len(s); p.budget < 0 {
			p.over = true
			return
		}
	}
	p.b.WriteString(s)
	if i := strings.LastIndexByte(s, '\n'); i >= 0 {
		p.col, s = 0, s[i+1:]
	}
	p.col += utf8.RuneCountInString(s)
}

// line ends the line and sets the next one in.
func (p *printer) line(indent int) {
	if p.flat {
		p.over = true
		return
	}
	p.ended, p.blank = false, false
	if p.fresh && p.col == indent && (indent > 0 || p.b.Len() == 0 || strings.HasSuffix(p.tail(1), "\n")) {
		return
	}
	p.b.WriteByte('\n')
	p.b.WriteString(strings.Repeat(" ", indent))
	p.col, p.fresh = indent, true
}

func (p *printer) tail(n int) string {
	s := p.b.String()
	return s[len(s)-min(n, len(s)):]
}

// fits reports whether what fn writes has room on the line, without a comment in it.
func (p *printer) fits(at diag.Span, room int, fn func(*printer)) bool {
	if len(p.comments) > 0 && p.comments[0].Pos.Start < at.End {
		return false
	}
	if p.short {
		return true // a line has room for all there is: to try would take the square of its length
	}
	if room <= 0 {
		return false
	}
	m := &printer{flat: true, budget: room, portable: p.portable}
	fn(m)
	return !m.over
}

func (p *printer) room() int {
	if p.short {
		return 1 << 30
	}
	return lineMax - p.col
}

// ---- comments

// before writes the comments that stood before an offset.
func (p *printer) before(offset int) {
	for len(p.comments) > 0 && p.comments[0].Pos.Start < offset {
		c := p.comments[0]
		p.comments = p.comments[1:]
		p.comment(c, p.indent)
	}
}

func (p *printer) comment(c *Comment, indent int) {
	own := p.ownLine(c)
	if own && !p.fresh {
		p.line(indent)
	}
	if p.ended {
		p.line(indent)
	}
	p.text(" " + c.Text)
	if own || strings.HasPrefix(c.Text, "//") {
		p.ended = true
	}
	p.blank = true
}

// ownLine reports whether a comment stood on a line of its own.
func (p *printer) ownLine(c *Comment) bool {
	if p.file == nil || c.Pos.Start > len(p.file.Text) {
		return true
	}
	i := c.Pos.Start
	for i > 0 && strings.IndexByte(" \t\r", p.file.Text[i-1]) >= 0 {
		i--
	}
	return i == 0 || p.file.Text[i-1] == '\n'
}

// ---- queries

func (p *printer) query(q *Query, child bool) {
	file, comments, base, indent := p.file, p.comments, p.base, p.indent
	p.file, p.comments = q.File, q.Comments
	if p.short {
		p.comments = nil
	}
	p.base = p.indent
	defer func() { p.file, p.comments, p.base, p.indent = file, comments, base, indent }()
	if q.Search != nil {
		p.before(q.Search.Span().Start)
		if p.ended {
			p.line(p.base)
		}
		p.indent = p.base + wrapIndent
		p.search(q.Search, searchOr)
	}
	for i, s := range q.Stages {
		p.indent = p.base
		p.before(s.Pos.Start)
		bare := i == 0 && q.Search == nil && p.mayStandBare(s, child)
		if i > 0 || q.Search != nil || p.ended {
			if p.flat {
				p.text(" ")
			} else {
				p.line(p.base)
			}
		}
		p.indent = p.base + wrapIndent
		if !bare {
			p.text("| ")
		}
		p.stage(s)
	}
	p.indent = p.base
	for _, c := range p.comments {
		p.comment(c, p.base)
	}
	p.comments = nil
}

// mayStandBare reports whether a first stage is read as one without its pipe.
func (p *printer) mayStandBare(s *Stage, child bool) bool {
	if child {
		_, call := s.X.(*Call)
		return s.Kind != Assigning || call && !s.Eval
	}
	if s.Kind != Operation || len(s.Args) != 1 {
		return false
	}
	path, ok := s.Args[0].Value.(*Path)
	return ok && strings.HasPrefix(path.Text, pathScheme) && !strings.Contains(s.Op.Text, " ")
}

const pathScheme = "path://"

// child writes a query in parentheses.
func (p *printer) child(q *Query) {
	if !p.short && len(q.Comments) == 0 && p.fits(q.Pos, p.room()-2, func(m *printer) { m.query(q, true) }) {
		p.text("(")
		flat := p.flat
		m := &printer{flat: true, budget: 1 << 30, portable: p.portable}
		m.query(q, true)
		p.flat = flat
		p.text(m.b.String())
		p.text(")")
		return
	}
	p.text("(")
	if p.flat {
		p.query(q, true)
		p.text(")")
		return
	}
	indent := p.indent
	p.indent = p.base + wrapIndent
	if !p.startsWithComment(q) {
		p.line(p.indent)
	} else {
		p.blank = true
	}
	p.query(q, true)
	p.indent = indent
	p.line(p.base + 2)
	p.text(")")
}

// startsWithComment reports whether a comment stands on the line of the
// parenthesis that opens a query.
func (p *printer) startsWithComment(q *Query) bool {
	if len(q.Comments) == 0 || q.File == nil {
		return false
	}
	c := q.Comments[0]
	first := q.Pos.Start
	if q.Search != nil {
		first = q.Search.Span().Start
	} else if len(q.Stages) > 0 {
		first = q.Stages[0].Pos.Start
	}
	file := p.file
	p.file = q.File
	own := p.ownLine(c)
	p.file = file
	return c.Pos.Start < first && !own
}

// ---- search expression

const (
	searchOr = iota
	searchAnd
	searchNot
)

// search writes a search expression whose surroundings hold it so tightly.
func (p *printer) search(x Search, around int) {
	if p.over {
		return
	}
	switch x := x.(type) {
	case nil:
	case *Or:
		if around > searchOr {
			p.text("(")
			defer p.text(")")
		}
		for i, y := range x.List {
			if i > 0 {
				p.next(y.Span(), func(m *printer) { m.text("OR "); m.search(y, searchAnd) })
				p.text(" OR ")
			}
			// Next to OR an AND is written out, for people.
			if a, ok := y.(*And); ok {
				p.searchAll(a, " AND ")
			} else {
				p.search(y, searchAnd)
			}
		}
	case *And:
		if around > searchAnd || around == searchAnd && len(x.List) < 2 {
			p.text("(")
			defer p.text(")")
		}
		p.searchAll(x, " ")
	case *Not:
		p.before(x.Pos.Start)
		if t, ok := x.X.(*Term); ok && !t.Quoted && looksLikeComment(t.Text) {
			p.text("!") // after a blank it would be one
		} else {
			p.text("NOT ")
		}
		p.search(x.X, searchNot)
	case *Group:
		p.before(x.Pos.Start)
		p.text("(")
		p.search(x.X, searchOr)
		p.before(x.Pos.End)
		p.text(")")
	case *Everything:
		p.before(x.Pos.Start)
		p.text("*")
	case *Term:
		p.term(x, false)
	case *FieldTerm:
		p.fieldTerm(x)
	case *Subquery:
		p.subquery(x)
	}
}

func (p *printer) searchAll(x *And, by string) {
	blank := by
	for i, y := range x.List {
		if i > 0 {
			// After a word, in and not in would make a field of it.
			if by = blank; startsWithIn(y) {
				by = " AND "
			}
			p.next(y.Span(), func(m *printer) { m.text(by); m.search(y, searchNot) })
			p.text(by)
		}
		p.search(y, searchNot)
	}
}

func startsWithIn(x Search) bool {
	if n, ok := x.(*Not); ok {
		x = n.X
	}
	t, ok := x.(*Term)
	return ok && !t.Quoted && strings.EqualFold(t.Text, "in")
}

// next goes to a new line when what comes next has no room on this one.
func (p *printer) next(at diag.Span, fn func(*printer)) {
	if p.flat || p.fresh || p.fits(at, p.room()-1, fn) {
		return
	}
	p.before(at.Start)
	p.line(p.indent)
}

func (p *printer) term(t *Term, list bool) {
	p.before(t.Pos.Start)
	if !t.Quoted && (plainTerm(t.Text, list) || looksLikeComment(t.Text) && p.noCommentHere() && plainTerm("x"+t.Text, list)) {
		p.text(t.Text)
		return
	}
	p.text(quoteTerm(t.Text))
}

// looksLikeComment reports whether a word starts as a comment does.
func looksLikeComment(text string) bool {
	return strings.HasPrefix(text, "//") || strings.HasPrefix(text, "/*")
}

// noCommentHere reports whether what is written next starts no comment.
func (p *printer) noCommentHere() bool {
	last := p.tail(1)
	return !p.blank && !p.ended && (last == "!" || last == "(")
}

// plainTerm reports whether a text is read as one word of the search expression.
func plainTerm(text string, list bool) bool {
	if text == "" || looksLikeComment(text) || strings.HasPrefix(text, `%"`) {
		return false
	}
	switch strings.ToLower(text) {
	case "and", "or", "not":
		return list
	}
	r := &parser{src: text}
	return r.wordEnd(0, closeText, list) == len(text)
}

// quoteTerm writes a text as a phrase.
func quoteTerm(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '"':
			b.WriteString(`\"`)
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		case '\\':
			if i+1 == len(text) || strings.IndexByte("nrt\\\"\n\r\t", text[i+1]) >= 0 {
				b.WriteString(`\\`)
			} else {
				b.WriteByte(c)
			}
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func (p *printer) fieldTerm(x *FieldTerm) {
	p.before(x.Pos.Start)
	name := x.Field.Name
	if x.Field.Quoted || looseNameEnd(name, 0) != len(name) || name == "" || !isNameStart(name[0]) {
		name = fieldText(&Field{Name: name, Quoted: true})
	}
	p.text(name)
	switch x.Op {
	case "in", "not in":
		p.text(" " + x.Op + " (")
		for i, v := range x.Values {
			if i > 0 {
				p.text(",")
				p.next(v.Pos, func(m *printer) { m.term(v, true) })
				p.text(" ")
			}
			p.term(v, true)
		}
		p.before(x.Pos.End)
		p.text(")")
	case "=":
		p.text("=")
		if len(x.Values) > 0 && !x.Values[0].Quoted && strings.HasPrefix(x.Values[0].Text, "=") {
			p.text(" ") // == is another sign
		}
		p.value(x)
	default:
		p.text(" " + x.Op + " ")
		p.value(x)
	}
}

func (p *printer) value(x *FieldTerm) {
	if len(x.Values) == 0 {
		p.text(`""`)
		return
	}
	v := x.Values[0]
	if v.Quoted || v.Text != "" && plainValue(v.Text) {
		if v.Quoted {
			p.text(quoteTerm(v.Text))
		} else {
			p.text(v.Text)
		}
		return
	}
	p.text(quoteTerm(v.Text))
}

// plainValue is plainTerm for what stands after a sign, where and, or and a
// slash are text.
func plainValue(text string) bool {
	r := &parser{src: text}
	return r.wordEnd(0, closeText, false) == len(text)
}

func (p *printer) subquery(x *Subquery) {
	p.before(x.Pos.Start)
	p.text("[subquery")
	if x.From != "" {
		p.text(" from=(" + x.From + ")")
	}
	if x.To != "" {
		p.text(" to=(" + x.To + ")")
	}
	p.text(":")
	tail := func(m *printer) {
		m.text("| compose ")
		for i, f := range x.Compose {
			if i > 0 {
				m.text(", ")
			}
			m.text(fieldText(f))
		}
		if x.Max > 0 {
			m.text(" maxresults=" + itoa(int64(x.Max)))
		}
		if x.Keywords {
			m.text(" keywords")
		}
	}
	if x.Query == nil {
		p.text(" ")
		tail(p)
		p.text("]")
		return
	}
	flat := func(m *printer) {
		m.text(" ")
		m.query(x.Query, false)
		m.text(" ")
		tail(m)
		m.text("]")
	}
	if p.flat || !p.short && len(x.Query.Comments) == 0 && p.fits(x.Pos, p.room(), flat) {
		if p.flat {
			flat(p)
			return
		}
		m := &printer{flat: true, budget: 1 << 30, portable: p.portable}
		flat(m)
		p.text(" " + m.b.String())
		return
	}
	indent := p.indent
	p.indent = indent + wrapIndent
	if p.startsWithComment(x.Query) {
		p.blank = true
	} else {
		p.line(p.indent)
	}
	p.query(x.Query, false)
	p.line(p.indent)
	tail(p)
	p.indent = indent
	p.text("]")
}

// ---- stages

func (p *printer) stage(s *Stage) {
	if s.Bad {
		p.text(p.source(s.Pos))
		for len(p.comments) > 0 && p.comments[0].Pos.Start < s.Pos.End { // they are in the text
			p.comments = p.comments[1:]
		}
		return
	}
	switch s.Kind {
	case Grouping:
		p.grouping(s)
	case Assigning:
		p.assigning(s)
	default:
		if templated(s.Op.Text) {
			p.text(s.Op.Text)
		} else {
			p.text(strings.ToLower(s.Op.Text))
		}
		p.args(s.Args, true)
		p.text(s.Tail)
	}
}

func (p *printer) source(at diag.Span) string {
	if p.file == nil {
		return ""
	}
	return strings.TrimSpace(p.file.Slice(at))
}

func (p *printer) assigning(s *Stage) {
	switch {
	case s.Eval && !p.portable:
		p.text("eval ")
		p.field(s.As)
		p.text(" = ")
		p.condition(s.X)
		return
	case s.As == nil && isEqual(s.X):
		b := s.X.(*Binary) // with = it would be taken for an assignment of another language
		p.expr(b.X, holdsCompare+1)
		p.text(" == ")
		p.expr(b.Y, holdsCompare+1)
	case s.Eval && s.clashes:
		p.portableClash(s.X)
	default:
		p.condition(s.X)
	}
	if s.As != nil {
		p.text(" as ")
		p.field(s.As)
	}
}

func isEqual(x Expr) bool {
	b, ok := x.(*Binary)
	return ok && b.Op == "="
}

// portableClash writes an expression whose first word would be taken for an
// operator or aggregate.
func (p *printer) portableClash(x Expr) {
	if f, ok := x.(*Field); ok {
		p.before(f.Pos.Start)
		p.text(fieldText(&Field{Name: f.Name, Quoted: true}))
		return
	}
	p.text("(")
	p.expr(x, 0)
	p.text(")")
}

func (p *printer) grouping(s *Stage) {
	for i, a := range s.Aggs {
		p.separate(i, a.Pos, func(m *printer) { m.agg(a) })
		p.agg(a)
	}
	for i, b := range s.By {
		if i == 0 {
			p.text(" by ")
		} else {
			p.separate(i, b.Pos, func(m *printer) { m.named(b) })
		}
		p.named(b)
	}
}

// separate writes the comma before an item of a list that is not the first, and
// goes to a new line when the item has no room.
func (p *printer) separate(i int, at diag.Span, fn func(*printer)) {
	if i == 0 {
		return
	}
	p.text(",")
	p.next(at, fn)
	p.text(" ")
}

func (p *printer) agg(a *Agg) {
	p.before(a.Pos.Start)
	p.text(a.Func.Text)
	if len(a.Args) > 0 || !strings.EqualFold(a.Func.Text, bareAggregate) {
		p.text("(")
		p.list(a.Args)
		p.text(")")
	}
	if a.As != nil {
		p.text(" as ")
		p.field(a.As)
	}
}

func (p *printer) named(n *Named) {
	p.expr(n.X, 0)
	if n.As != nil {
		p.text(" as ")
		p.field(n.As)
	}
}

// args writes the arguments of an operator or clause. The first of a clause
// stands where the clause does, without a blank.
func (p *printer) args(args []Arg, spaced bool) {
	for i, a := range args {
		lead := a.Lead
		switch {
		case lead == "" && (i > 0 || spaced):
			lead = " "
		}
		if i := strings.LastIndexByte(lead, ','); i >= 0 {
			p.text(lead[:i+1])
			p.next(a.Value.Span(), func(m *printer) { m.arg(a) })
			p.text(lead[i+1:])
		} else {
			p.text(lead)
		}
		p.arg(a)
	}
}

func (p *printer) arg(a Arg) {
	n := a.Value
	if p.over || n == nil {
		return
	}
	switch n := n.(type) {
	case *Name:
		p.before(n.Pos.Start)
		if strings.EqualFold(n.Text, a.Slot) {
			p.text(a.Slot)
			return
		}
		p.text(n.Text)
	case *Field:
		p.field(n)
	case *SortKey:
		p.field(n.Field)
		switch {
		case n.Asc:
			p.text(" asc")
		case n.Explicit:
			p.text(" desc")
		}
	case *Named:
		p.named(n)
	case *Path:
		p.before(n.Pos.Start)
		p.text(pathText(n))
	case *Duration:
		p.before(n.Pos.Start)
		p.text(n.Text)
	case *Query:
		p.child(n)
	case *Clause:
		p.args(n.Args, false)
		p.text(n.Tail)
	case *Agg:
		p.agg(n)
	case Expr:
		p.condition(n)
	}
}

func pathText(n *Path) string {
	if len(n.Text) >= len(pathScheme) && strings.EqualFold(n.Text[:len(pathScheme)], pathScheme) {
		return pathScheme + quoteTerm(n.Text[len(pathScheme):])
	}
	for i := range len(n.Text) {
		if strings.IndexByte("|),\"(", n.Text[i]) >= 0 || spaceAt(n.Text, i) > 0 {
			return quoteTerm(n.Text)
		}
	}
	if templateAt(n.Text, 0) == len(n.Text) && n.Text != "" {
		return n.Text
	}
	if n.Text == "" || !isNameStart(n.Text[0]) && n.Text[0] != '/' || strings.HasPrefix(n.Text, "//") || strings.HasPrefix(n.Text, "/*") {
		return quoteTerm(n.Text)
	}
	return n.Text
}

func (p *printer) field(f *Field) {
	p.before(f.Pos.Start)
	p.text(fieldText(f))
}

// FieldText is a field's name as it is written in the pipe: in %"quotes" where it has
// other signs than letters, digits and _, or is a word of the language.
func FieldText(name string) string { return fieldText(&Field{Name: name}) }

// fieldText is a field as it is written in the pipe.
func fieldText(f *Field) string {
	name := strings.ToLower(f.Name)
	plain := name != "" && isNameStart(name[0]) && nameEnd(name, 0) == len(name) && !reserved[name] &&
		name != "true" && name != "false" && name != "null"
	if (plain || templated(name)) && !f.Quoted {
		return f.Name
	}
	return `%"` + quote(f.Name, '"') + `"`
}
