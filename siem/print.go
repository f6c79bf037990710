package siem

import (
	"strconv"
	"strings"
)

// Print writes an expression on one line, so that reading it again gives the
// same tree.
func Print(x *Expression) string {
	var b strings.Builder
	for _, c := range x.Clauses {
		b.WriteString("json field=" + name(c.From))
		for i, p := range c.Paths {
			b.WriteString([]string{" ", ", "}[min(i, 1)] + text(p))
		}
		for i, a := range c.As {
			b.WriteString([]string{" as ", ", "}[min(i, 1)] + name(a))
		}
		b.WriteString(" | ")
	}
	if len(x.Clauses) > 0 {
		b.WriteString("where ")
	}
	write(&b, x.Cond, 0)
	return b.String()
}

// The levels at which operators bind, loosest first.
const (
	levelOr = iota
	levelAnd
	levelNot
	levelPred
	levelSum
	levelProduct
	levelUnary
	levelPostfix
)

func level(x Node) int {
	switch x := x.(type) {
	case *Or:
		return levelOr
	case *And:
		return levelAnd
	case *Not:
		return levelNot
	case *Compare, *In, *Like, *Matches, *Between, *IsNull:
		return levelPred
	case *Arith:
		if x.Op == "+" || x.Op == "-" {
			return levelSum
		}
		return levelProduct
	case *Neg:
		return levelUnary
	}
	return levelPostfix
}

func write(b *strings.Builder, x Node, least int) {
	own := level(x)
	if own < least {
		b.WriteByte('(')
		defer b.WriteByte(')')
	}
	not := func(n bool) string {
		if n {
			return " NOT"
		}
		return ""
	}
	list := func(of []Node, least int) {
		for i, y := range of {
			if i > 0 {
				b.WriteString(", ")
			}
			write(b, y, least)
		}
	}
	switch x := x.(type) {
	case *Or:
		write(b, x.X, levelOr)
		b.WriteString(" OR ")
		write(b, x.Y, levelAnd)
	case *And:
		write(b, x.X, levelAnd)
		b.WriteString(" AND ")
		write(b, x.Y, levelNot)
	case *Not:
		b.WriteString("NOT ")
		write(b, x.X, levelNot)
	case *Compare:
		write(b, x.X, levelSum)
		b.WriteString(" " + string(x.Op) + " ")
		write(b, x.Y, levelSum)
	case *In:
		write(b, x.X, levelSum)
		b.WriteString(not(x.Not) + " IN (")
		list(x.List, levelSum)
		b.WriteByte(')')
	case *Like:
		write(b, x.X, levelSum)
		b.WriteString(not(x.Not) + " LIKE ")
		write(b, x.Pattern, levelSum)
		if x.Escape != "" {
			b.WriteString(" ESCAPE " + text(x.Escape))
		}
	case *Matches:
		write(b, x.X, levelSum)
		b.WriteString(not(x.Not))
		if x.Rlike {
			b.WriteString(" RLIKE ")
		} else {
			b.WriteString(" MATCHES ")
		}
		write(b, x.Y, levelSum)
	case *Between:
		write(b, x.X, levelSum)
		b.WriteString(not(x.Not) + " BETWEEN ")
		write(b, x.Low, levelSum)
		b.WriteString(" AND ")
		write(b, x.High, levelSum)
	case *IsNull:
		write(b, x.X, levelSum)
		b.WriteString(" IS" + not(x.Not) + " NULL")
	case *Arith:
		write(b, x.X, own)
		b.WriteString(" " + string(x.Op) + " ")
		write(b, x.Y, own+1)
	case *Neg:
		b.WriteByte('-')
		write(b, x.X, levelUnary)
	case *Call:
		b.WriteString(x.Name + "(")
		list(x.Args, levelOr)
		b.WriteByte(')')
	case *Name:
		b.WriteString(name(x.Name))
	case *Index:
		write(b, x.X, levelPostfix)
		b.WriteByte('[')
		write(b, x.Key, levelSum)
		b.WriteByte(']')
	case *List:
		b.WriteByte('[')
		list(x.Items, levelPostfix)
		b.WriteByte(']')
	case *Literal:
		literal(b, x)
	}
}

func literal(b *strings.Builder, x *Literal) {
	switch x.Kind {
	case Null:
		b.WriteString("NULL")
	case Bool:
		b.WriteString(strings.ToUpper(strconv.FormatBool(x.Number != 0)))
	case Number:
		b.WriteString(strconv.FormatFloat(x.Number, 'f', -1, 64))
	case Text:
		b.WriteString(text(x.Text))
	case Regex:
		b.WriteByte('/')
		for i := 0; i < len(x.Text); i++ {
			switch {
			case x.Text[i] == '\\' && i+1 < len(x.Text):
				b.WriteString(x.Text[i : i+2])
				i++
			case x.Text[i] == '/':
				b.WriteString(`\/`)
			default:
				b.WriteByte(x.Text[i])
			}
		}
		b.WriteByte('/')
	}
}

// text writes a text: raw in single quotes where it can be.
func text(s string) string {
	if !strings.Contains(s, "'") {
		return "'" + s + "'"
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

func name(s string) string {
	plain := s != "" && letter(s[0])
	for i := range len(s) {
		plain = plain && (letter(s[i]) || digit(s[i]))
	}
	for _, k := range append([]string{"null", "true", "false"}, reserved...) {
		plain = plain && !strings.EqualFold(s, k)
	}
	if plain {
		return s
	}
	return "`" + s + "`"
}
