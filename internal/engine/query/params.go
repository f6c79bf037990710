package query

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/syntax"
)

// FillAll puts one value, such as *, in the place of every template parameter of a
// query. Where the value cannot stand, the parameter is left out, and a warning
// says what that does: a condition with it is left out of the conditions beside it,
// an operator takes its own default, a field is one that no event has, or the whole
// stage is left out. Parameters in quotes take the value as it is.
func FillAll(f *diag.File, v *lang.Vocabulary, value string) (*diag.File, diag.List) {
	whole, diags := syntax.Fill(f, func(syntax.Parameter) (string, bool) { return value, true })
	if diags.HasErrors() {
		return whole, diags
	}
	if _, wrong := Compile(whole, v); !wrong.HasErrors() {
		return whole, diags
	}
	cur, _ := syntax.Fill(f, func(p syntax.Parameter) (string, bool) { return value, p.Quoted })
	left := bare(f)
	for {
		now := bare(cur)
		if len(now) == 0 || len(now) != len(left) {
			return cur, diags
		}
		tree, _ := syntax.Parse(cur, v)
		p := place{file: cur, v: v, value: value}
		p.find(tree, now[0].At)
		for _, x := range now {
			if x.At.Start >= p.at.Start && x.At.End <= p.at.End {
				p.params = append(p.params, x.At)
			}
		}
		text, meaning := p.fill()
		if meaning != "" {
			for _, x := range left[:len(p.params)] {
				diags.Add(&diag.Diagnostic{
					Severity: diag.Warning, Code: "default-left-out", File: f, Span: x.At,
					Message: fmt.Sprintf("%s cannot stand for %s here: %s", value, x.Name, meaning),
					Help:    fmt.Sprintf("give it a value with --param '%s=VALUE'", x.Name),
				})
			}
		}
		left = left[len(p.params):]
		cur = diag.Text(f.Name, cur.Text[:p.at.Start]+text+cur.Text[p.at.End:])
	}
}

// bare are the parameters that stand outside of quotes.
func bare(f *diag.File) []syntax.Parameter {
	return slices.DeleteFunc(syntax.Parameters(f), func(p syntax.Parameter) bool { return p.Quoted })
}

// place is the stage, or the search expression, that parameters stand in.
type place struct {
	file   *diag.File
	v      *lang.Vocabulary
	value  string
	at     diag.Span
	stage  *syntax.Stage // nil: the search expression, or what cannot be read
	params []diag.Span
}

// find takes the innermost stage that holds a parameter. Parameters of a stage
// that come after a child query of it are taken later, on their own.
func (p *place) find(tree *syntax.Query, param diag.Span) {
	p.at = diag.Span{Start: 0, End: len(p.file.Text)}
	if len(tree.Stages) > 0 {
		p.at.End = max(param.End, tree.Stages[0].Pos.Start)
	}
	syntax.Walk(tree, func(n syntax.Node) bool {
		if s, ok := n.(*syntax.Stage); ok && s.Pos.Start <= param.Start && param.End <= s.Pos.End {
			p.stage, p.at = s, s.Pos
		}
		return true
	})
}

// fill is the text of the place with the value in it, and what the parameters
// mean there when they had to be left out: the first of the ways that compiles.
func (p *place) fill() (text, meaning string) {
	asItStands := p.edited(p.each(p.params, p.value))
	ways := []func() (string, string){
		func() (string, string) { return asItStands, "" },
		func() (string, string) {
			e := p.conditions()
			if e == nil {
				return "", ""
			}
			return p.edited(e), "the condition is left out"
		},
		func() (string, string) { return p.without(), "it is left out" },
		func() (string, string) {
			if p.stage == nil || p.stage.Bad {
				return "", ""
			}
			return p.fields(), "it is a field that no event has"
		},
		func() (string, string) {
			if p.stage == nil {
				return "", ""
			}
			return "where true", "the stage is left out"
		},
	}
	for _, way := range ways {
		if text, meaning := way(); text != "" && p.stands(text) {
			return text, meaning
		}
	}
	return asItStands, ""
}

// stands reports whether nothing is wrong with a text in the place.
func (p *place) stands(text string) bool {
	f := diag.Text(p.file.Name, p.file.Text[:p.at.Start]+text+p.file.Text[p.at.End:])
	_, diags := Compile(f, p.v, Unfilled)
	end := p.at.Start + len(text)
	for _, d := range diags {
		if d.Severity == diag.Error && d.Span.Start >= p.at.Start && d.Span.Start <= end {
			return false
		}
	}
	return true
}

// each is the edit that puts a text at several spans.
func (p *place) each(at []diag.Span, text string) (edits []diag.Edit) {
	for _, s := range at {
		edits = append(edits, diag.Edit{Span: s, New: text})
	}
	return edits
}

// edited is the place's text after edits in order. Parameters outside of them take
// the value.
func (p *place) edited(edits []diag.Edit) string {
	for _, s := range p.params {
		if !slices.ContainsFunc(edits, func(e diag.Edit) bool { return e.Span.Start <= s.Start && s.End <= e.Span.End }) {
			edits = append(edits, diag.Edit{Span: s, New: p.value})
		}
	}
	slices.SortFunc(edits, func(a, b diag.Edit) int { return a.Span.Start - b.Span.Start })
	var b strings.Builder
	at := p.at.Start
	for _, e := range edits {
		b.WriteString(p.file.Text[at:e.Span.Start])
		b.WriteString(e.New)
		at = e.Span.End
	}
	b.WriteString(p.file.Text[at:p.at.End])
	return b.String()
}

// holds reports whether a parameter stands in a node.
func (p *place) holds(n syntax.Node) bool {
	at := n.Span()
	return slices.ContainsFunc(p.params, func(s diag.Span) bool { return at.Start <= s.Start && s.End <= at.End })
}

// conditions are the edits that leave out the conditions that hold parameters; nil
// when none does.
func (p *place) conditions() []diag.Edit {
	if p.stage == nil || p.stage.Bad {
		return nil
	}
	l := leaving{place: p}
	for _, a := range p.stage.Args {
		if x, ok := a.Value.(syntax.Expr); ok && p.stage.Op != nil && strings.EqualFold(p.stage.Op.Text, "where") {
			l.without(x, "true")
		}
	}
	syntax.Walk(p.stage, func(n syntax.Node) bool {
		if x, ok := n.(syntax.Expr); ok && isCondition(x) && p.holds(x) && !l.done(x) {
			l.without(x, "true")
		}
		return true
	})
	return l.edits
}

// isCondition reports whether an expression is one that holds or does not.
func isCondition(x syntax.Expr) bool {
	switch x := x.(type) {
	case *syntax.Binary:
		switch x.Op {
		case "+", "-", "*", "/", "%":
			return false
		}
		return true
	case *syntax.Unary:
		return x.Op != "-"
	case *syntax.Matches, *syntax.In:
		return true
	}
	return false
}

// leaving collects the edits that leave conditions out.
type leaving struct {
	*place
	edits []diag.Edit
}

func (l *leaving) done(x syntax.Expr) bool {
	at := x.Span()
	return slices.ContainsFunc(l.edits, func(e diag.Edit) bool {
		return e.Span.Start <= at.Start && at.End <= e.Span.End || at.Start <= e.Span.Start && e.Span.End <= at.End
	})
}

// without leaves x out if it holds parameters, as what changes nothing beside it.
func (l *leaving) without(x syntax.Expr, neutral string) {
	if l.out(x) {
		l.edits = append(l.edits, diag.Edit{Span: x.Span(), New: neutral})
	}
}

// out reports whether all of a condition is left out. Of one with and or or, what
// holds no parameter stays; of if() and ?: the parts are conditions of their own.
func (l *leaving) out(x syntax.Expr) bool {
	if !l.holds(x) {
		return false
	}
	switch x := x.(type) {
	case *syntax.Paren:
		return l.out(x.X)
	case *syntax.Unary:
		if isCondition(x) {
			return l.out(x.X)
		}
	case *syntax.Binary:
		if x.Op == "and" || x.Op == "or" {
			a, b := l.out(x.X), l.out(x.Y)
			neutral := map[string]string{"and": "true", "or": "false"}[x.Op]
			switch {
			case a && b:
				return true
			case a:
				l.edits = append(l.edits, diag.Edit{Span: x.X.Span(), New: neutral})
			case b:
				l.edits = append(l.edits, diag.Edit{Span: x.Y.Span(), New: neutral})
			}
			return false
		}
	case *syntax.Cond:
		for _, part := range []syntax.Expr{x.C, x.T, x.F} {
			l.without(part, "true")
		}
		return false
	case *syntax.Call:
		if strings.EqualFold(x.Func.Text, "if") {
			for _, part := range x.Args {
				l.without(part, "true")
			}
			return false
		}
	}
	return true
}

var (
	commaBefore = match.Lazy(`,\s*$`)
	commaAfter  = match.Lazy(`^\s*,`)
	endsAfter   = match.Lazy(`^\s*(//|/\*|$|\{\{)`)
	byBefore    = match.Lazy(`(?i)\bby\s*$`)
)

// without is the place without its parameters: of a list an element less, of by
// without fields nothing. "" when what is left would be read as something else.
func (p *place) without() string {
	end := p.at.End
	var edits []diag.Edit
	for i, s := range p.params {
		before, after := p.file.Text[p.at.Start:s.Start], p.file.Text[s.End:end]
		if i > 0 {
			before = p.file.Text[p.params[i-1].End:s.Start]
		}
		switch m := commaBefore().FindStringIndex(before); {
		case m != nil:
			s.Start -= len(before) - m[0]
		case commaAfter().MatchString(after):
			s.End += len(commaAfter().FindString(after))
		case !endsAfter().MatchString(after) && p.stage != nil:
			return "" // what comes after it would be read as what it is not
		case byBefore().MatchString(before):
			s.Start -= len(byBefore().FindString(before))
		}
		edits = append(edits, diag.Edit{Span: s})
	}
	return p.edited(edits)
}

var (
	nameBytes    = match.Lazy(`^[\w.]+`)
	nameBytesEnd = match.Lazy(`[\w.]+$`)
)

// fields is the place with each word that has a parameter as a field in quotes.
func (p *place) fields() string {
	var edits []diag.Edit
	for _, s := range p.params {
		before, after := nameBytesEnd().FindString(p.file.Text[p.at.Start:s.Start]), nameBytes().FindString(p.file.Text[s.End:p.at.End])
		name := strings.ReplaceAll(before+p.value+after, `"`, `\"`)
		edits = append(edits, diag.Edit{Span: diag.Span{Start: s.Start - len(before), End: s.End + len(after)}, New: `%"` + name + `"`})
	}
	return p.edited(edits)
}
