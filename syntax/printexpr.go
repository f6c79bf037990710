package syntax

import (
	"strconv"
	"strings"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// condition writes an expression that a stage is about. A chain of and or of or
// that has no room on the line gets one operand a line.
func (p *printer) condition(x Expr) {
	if p.flat || p.fits(x.Span(), p.room(), func(m *printer) { m.expr(x, 0) }) {
		p.expr(x, 0)
		return
	}
	switch y := x.(type) {
	case *Paren:
		if b, ok := chain(y.X); ok {
			p.block(y, b)
			return
		}
	case *Binary:
		if b, ok := chain(y); ok {
			p.operands(b, p.indent)
			return
		}
	}
	p.expr(x, 0)
}

// block writes a chain in parentheses:
//
//	(
//	    a
//	    or b
//	  )
func (p *printer) block(x *Paren, b *Binary) {
	p.before(x.Pos.Start)
	p.text("(")
	indent := p.indent
	if !p.ended && !p.commentHere(b) {
		p.line(indent)
	}
	p.operands(b, indent)
	p.before(x.Pos.End)
	p.line(max(0, indent-2))
	p.text(")")
	p.indent = indent
}

// commentHere reports whether a comment follows on the same line before b.
func (p *printer) commentHere(b *Binary) bool {
	return len(p.comments) > 0 && p.comments[0].Pos.Start < b.Pos.Start && !p.ownLine(p.comments[0])
}

func (p *printer) operands(b *Binary, indent int) {
	for i, o := range chainOf(b) {
		if i > 0 {
			p.before(o.op.OpPos.Start)
			p.line(indent)
			p.text(o.op.Op + " ")
		}
		p.indent = indent + wrapIndent
		if q, ok := o.x.(*Paren); ok {
			if inner, ok := chain(q.X); ok && !p.fits(q.Pos, p.room(), func(m *printer) { m.expr(q, 0) }) {
				p.block(q, inner)
				p.indent = indent
				continue
			}
		}
		least := holds(b)
		if i > 0 {
			least++
		}
		p.expr(o.x, least)
		p.indent = indent
	}
}

// chain is x when it is joined by and or or.
func chain(x Expr) (*Binary, bool) {
	b, ok := x.(*Binary)
	return b, ok && (b.Op == "and" || b.Op == "or")
}

// operand is one of a chain, with the operator before it.
type operand struct {
	op *Binary
	x  Expr
}

// chainOf takes a chain of one operator apart. Chains lean to the left, so this
// goes down without recursion.
func chainOf(b *Binary) []operand {
	var list []operand
	var x Expr = b
	for {
		y, ok := x.(*Binary)
		if !ok || y.Op != b.Op {
			break
		}
		list = append(list, operand{y, y.Y})
		x = y.X
	}
	list = append(list, operand{nil, x})
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list
}

// holdsUnary is how tightly - and ! hold, above all operators of two operands.
const holdsUnary = holdsMultiply + 1

// holds tells how tightly the outermost operator of an expression holds; 0 for
// the condition c ? a : b.
func holds(x Expr) int {
	switch x := x.(type) {
	case *Cond:
		return 0
	case *Binary:
		if o, ok := signOperators[x.Op]; ok {
			return o.holds
		}
		return wordOperators[x.Op].holds
	case *Matches, *In:
		return holdsCompare
	case *Unary:
		if x.Op == "not" {
			return holdsNot
		}
		return holdsUnary
	}
	return holdsUnary + 1
}

// expr writes an expression where one that holds less tightly than least needs
// parentheses. Trees that were read have theirs.
func (p *printer) expr(x Expr, least int) {
	if x == nil || p.over {
		return
	}
	if holds(x) < least {
		p.text("(")
		p.expr(x, 0)
		p.text(")")
		return
	}
	if _, ok := x.(*Binary); !ok {
		p.before(x.Span().Start)
	}
	switch x := x.(type) {
	case *Field:
		p.text(fieldText(x))
	case *String:
		p.text(stringText(x))
	case *Number:
		p.text(x.Text)
	case *Bool:
		p.text(strconv.FormatBool(x.Value))
	case *Null:
		p.text("null")
	case *Regex:
		p.text(regexText(x.Pattern))
	case *Star:
		p.text("*")
	case *Path:
		p.text(pathText(x))
	case *Unary:
		if x.Op == "not" {
			p.text("not ")
			p.expr(x.X, holdsNot)
			return
		}
		p.text(x.Op)
		p.expr(x.X, holdsUnary)
	case *Binary:
		p.binary(x)
	case *Matches:
		p.expr(x.X, holdsAdd)
		if x.Not {
			p.text(" not")
		}
		p.text(" matches ")
		p.expr(x.Pattern, holdsAdd)
	case *In:
		p.expr(x.X, holdsAdd)
		if x.Not {
			p.text(" not")
		}
		p.text(" in (")
		p.list(x.List)
		p.before(x.Pos.End)
		p.text(")")
	case *Cond:
		p.expr(x.C, holdsOr)
		p.text(" ? ")
		p.expr(x.T, 0)
		p.text(" : ")
		p.expr(x.F, 0)
	case *Call:
		p.text(x.Func.Text + "(")
		p.list(x.Args)
		p.before(x.Pos.End)
		p.text(")")
	case *Paren:
		p.text("(")
		p.expr(x.X, 0)
		p.before(x.Pos.End)
		p.text(")")
	case *Subquery:
		p.subquery(x)
	}
}

func (p *printer) binary(b *Binary) {
	own := holds(b)
	first := own // operators lean to the left
	if own == holdsCompare {
		first++ // but a comparison takes no comparison
	}
	for i, o := range chainOf(b) {
		if i == 0 {
			p.expr(o.x, first)
			continue
		}
		p.before(o.op.OpPos.Start)
		p.next(o.x.Span(), func(m *printer) { m.text(o.op.Op + " "); m.expr(o.x, own+1) })
		p.text(" " + o.op.Op + " ")
		p.expr(o.x, own+1)
	}
}

func (p *printer) list(list []Expr) {
	for i, x := range list {
		p.separate(i, x.Span(), func(m *printer) { m.expr(x, 0) })
		p.expr(x, 0)
	}
}

// stringText writes a string as it is read.
func stringText(s *String) string {
	if s.Template {
		return s.Raw
	}
	if s.Single {
		return "'" + s.Raw + "'"
	}
	return `"` + quote(s.Raw, '"') + `"`
}

// regexText writes a pattern between slashes. What would end it or look like a
// comment is written so that it matches the same.
func regexText(pattern string) string {
	if pattern == "" || pattern[0] == '*' {
		pattern = "(?:)" + pattern
	}
	return "/" + quote(strings.ReplaceAll(pattern, "\n", `\n`), '/') + "/"
}
