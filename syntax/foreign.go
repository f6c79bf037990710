package syntax

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
)

// Habits from other query languages (spec F). What can mean only one thing is
// read, with a warning and the rewrite; the rest is refused with Sumo's form.

// foreignOperand reads the right side of an operator that Sumo Logic lacks.
func (p *parser) foreignOperand(x Expr, o infix) Expr {
	switch o.foreign {
	case "=~", "!~":
		y := p.binary(holdsAdd)
		m := &Matches{X: x, Not: o.not, Pattern: y}
		m.Pos = p.from(x)
		var form string
		switch y := y.(type) {
		case *String:
			form = regexText(y.Raw)
			m.Pattern = &Regex{Pos: y.Pos, Pattern: unquote(form[1:len(form)-1], '/')}
		case *Regex:
			form = p.src[y.Pos.Start:y.Pos.End]
		default:
			if !p.failed {
				p.fail("nonportable-matches", o.pos, fmt.Sprintf("there is no %s", o.foreign), "write: field matches /regular expression/")
			}
			return m
		}
		word := "matches "
		if o.not {
			word = "not matches "
		}
		d := p.warn("nonportable-matches", o.pos, fmt.Sprintf("Sumo Logic has no %s", o.foreign), "write: "+word+form)
		d.Fix = &diag.Fix{Title: "write " + word + form, Safe: true, Edits: []diag.Edit{{Span: diag.Span{Start: o.pos.Start, End: y.Span().End}, New: word + form}}}
		return m
	case "like":
		y := p.binary(holdsAdd)
		m := &Matches{X: x, Not: o.not, Pattern: y}
		m.Pos = p.from(x)
		pattern, ok := y.(*String)
		if !ok || strings.ContainsAny(pattern.Raw, `_*?\`) {
			// One character is no glob's business, and a star would become live.
			if !p.failed {
				p.fail("nonportable-matches", o.pos, "there is no like", `write: field matches "*text*", where * stands for any text, or field matches /regular expression/`)
			}
			return m
		}
		glob := strings.ReplaceAll(pattern.Value, "%", "*")
		m.Pattern = &String{Pos: pattern.Pos, Raw: glob, Value: glob}
		form := "matches \"" + quote(glob, '"') + "\""
		if o.not {
			form = "not " + form
		}
		d := p.warn("nonportable-matches", o.pos, "Sumo Logic has no like", "write: "+form)
		d.Fix = &diag.Fix{Title: "write " + form, Safe: true, Edits: []diag.Edit{{Span: diag.Span{Start: o.pos.Start, End: pattern.Pos.End}, New: form}}}
		return m
	case "is null":
		if o.not {
			p.next()
		}
		null := p.next()
		c := &Call{Pos: p.from(x), Func: &Name{Pos: o.pos, Text: "isNull"}, Args: []Expr{x}}
		var y Expr = c
		form := "isNull(" + p.text(x) + ")"
		if o.not {
			y, form = &Unary{Pos: c.Pos, Op: "!", X: c}, "!"+form
		}
		d := p.warn("nonportable-null", diag.Span{Start: o.pos.Start, End: null.end}, "Sumo Logic has no is null", "write "+form)
		d.Fix = &diag.Fix{Title: "write " + form, Safe: true, Edits: []diag.Edit{{Span: c.Pos, New: form}}}
		return y
	}
	word := "not " + o.op
	d := p.warn("nonportable-not", o.pos, fmt.Sprintf("Sumo Logic does not document %s", o.foreign), "write "+word)
	d.Fix = &diag.Fix{Title: "write " + word, Safe: true, Edits: []diag.Edit{{Span: o.pos, New: word}}}
	o.foreign = ""
	return p.operand(x, o)
}

// text is a node as written.
func (p *parser) text(n Node) string {
	if n == nil {
		return ""
	}
	return p.file.Slice(n.Span())
}

// foreignCall turns matches(x, "pattern") round.
func (p *parser) foreignCall(c *Call) Expr {
	if !strings.EqualFold(c.Func.Text, "matches") || p.failed {
		return c
	}
	if len(c.Args) != 2 {
		p.fail("nonportable-matches", c.Func.Pos, "matches stands between a field and its pattern", `write: field matches "*pattern*"`)
		return c
	}
	x := p.text(c.Args[0])
	if s, ok := c.Args[1].(*String); ok && looksLikeRegex(s.Raw) {
		form := x + " matches " + regexText(s.Raw)
		d := p.fail("nonportable-matches", c.Pos, "matches stands between a field and its pattern, and this pattern is a regular expression or a glob", "for a regular expression write: "+form)
		d.Fix = &diag.Fix{Title: "write " + form, Edits: []diag.Edit{{Span: c.Pos, New: "(" + form + ")"}}}
		return c
	}
	form := x + " matches " + p.text(c.Args[1])
	d := p.warn("nonportable-matches", c.Pos, "matches is no function on Sumo Logic: it stands between a field and its pattern", "write: "+form)
	d.Fix = &diag.Fix{Title: "write " + form, Safe: true, Edits: []diag.Edit{{Span: c.Pos, New: "(" + form + ")"}}}
	return &Paren{Pos: c.Pos, X: &Matches{Pos: c.Pos, X: c.Args[0], Pattern: c.Args[1]}}
}

// looksLikeRegex reports whether a pattern has signs that mean nothing in a glob.
func looksLikeRegex(pattern string) bool {
	for _, sign := range []string{".*", ".+", "(?", "[", "^", "$", `\d`, `\w`, `\s`, `\b`, `\.`, "|"} {
		if strings.Contains(pattern, sign) {
			return true
		}
	}
	return false
}

// elsewhere are words of other languages that a stage may start with, and what
// is written on Sumo Logic.
var elsewhere = map[string]string{
	"head": "limit 10", "take": "limit 10", "tail": "sort by +_messageTime | limit 10",
	"table": "fields a, b", "project": "fields a, b", "keep": "fields a, b", "drop": "fields - a, b",
	"search": `where field = "value"`, "filterby": `where field = "value"`, "regex": "where field matches /regular expression/",
	"rex": `parse regex field=f "(?<name>...)"`, "grok": `parse regex "(?<name>...)"`,
	"extend": "expression as name", "let": "expression as name", "set": "expression as name",
	"spath": "json auto", "parse_json": "json auto",
	"stats": "count by field", "summarize_by": "count by field",
	"timechart": "timeslice 1h | count by _timeslice", "bucket": "timeslice 1h", "uniq": "dedup by field", "distinct": "dedup by field",
	"rare": "count by field | sort by +_count", "eventstats": "total field by group", "streamstats": "accum field by group",
	"mvexpand": "parse regex ... multi", "orderby": "sort by field", "order_by": "sort by field", "sample": "limit 10",
}

// eval reads the dialect "eval x = e[, y = e2]": the first assignment into s,
// each further one into a stage of its own.
func (p *parser) eval(s *Stage) (more []*Stage) {
	const form = "eval <field> = <expression>"
	before := p.next() // eval, then the comma between two assignments
	for at := s; ; {
		start := p.peek().start
		f := p.field()
		if f == nil {
			p.report("eval", form)
			return more
		}
		if t := p.peek(); !t.is("=") {
			p.want(t, want{what: "=", code: "assignment"})
			p.report("eval", form)
			return more
		}
		p.next()
		at.Kind, at.Eval, at.As, at.X = Assigning, true, f, p.expr()
		at.Pos = diag.Span{Start: start, End: p.last}
		if p.failed {
			return more
		}
		p.warnEval(before, at)
		if at != s {
			more = append(more, at)
		}
		if before = p.peek(); !before.is(",") {
			p.want(before, want{what: "a comma and one more assignment", code: "comma"})
			return more
		}
		p.next()
		at = &Stage{}
	}
}

func isField(x Expr) bool {
	_, ok := x.(*Field)
	return ok
}

// warnEval tells how an assignment is written on Sumo Logic.
func (p *parser) warnEval(before token, s *Stage) {
	x, name := s.X.Span(), p.text(s.As)
	head := diag.Edit{Span: diag.Span{Start: before.start, End: x.Start}}
	if before.is(",") {
		head.New = " | "
	}
	open, end := "", ""
	if first := p.lex(x.Start); first.kind == tokWord && (p.knows(first.text) || p.aggregate(first.text)) {
		s.clashes = true
		if open, end = "(", ")"; isField(s.X) {
			open, end = `%"`, `"`
		}
	}
	form := open + p.text(s.X) + end + " as " + name
	head.New += open
	d := p.warn("nonportable-eval", diag.Span{Start: before.start, End: s.As.Pos.End}, "Sumo Logic has no eval", "write: "+form)
	d.Fix = &diag.Fix{
		Title: "write " + form,
		Edits: []diag.Edit{head, {Span: diag.Span{Start: x.End, End: x.End}, New: end + " as " + name}},
		// A comment between eval and the expression would go.
		Safe: !strings.Contains(p.file.Slice(head.Span), "/"),
	}
}
