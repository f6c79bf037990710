package op

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/syntax"
)

// search is the search expression at the start of a query, as a condition.
type search struct {
	expr syntax.Search

	raw  event.Slot
	tree expr.Expr
	prog *expr.Program
}

func (s *search) Check(sc *lang.Scope) {
	s.raw = sc.ReadName("_raw")
	s.tree = s.resolve(sc, s.expr)
	s.warnOfOperator(sc)
	s.prog = expr.Compile(setsOfTerms(s.tree))
}

// warnOfOperator warns of a search expression that reads as a pipe stage, such
// as json auto: its words are then keywords, and mostly find nothing.
func (s *search) warnOfOperator(sc *lang.Scope) {
	and, ok := s.expr.(*syntax.And)
	if !ok {
		return
	}
	first, ok := and.List[0].(*syntax.Term)
	if !ok || first.Quoted {
		return
	}
	name := first.Text
	known := sc.Vocab.Operator(name) != nil || sc.Vocab.AggregateOf(name) != nil
	at := syntax.Node(first)
	switch second := and.List[1].(type) {
	case *syntax.Term:
		if second.Quoted {
			known = known && strings.EqualFold(name, "parse")
			break
		}
		if two := name + " " + second.Text; sc.Vocab.Operator(two) != nil {
			name, known, at = two, true, &syntax.And{Pos: first.Pos.Join(second.Pos)}
		} else {
			// One word that operators have, too, may well be a keyword.
			known = known && (strings.EqualFold(second.Text, "by") || strings.EqualFold(second.Text, "as"))
		}
	case *syntax.FieldTerm:
	default:
		return
	}
	if known {
		sc.Warn(at, "operator-as-keyword", fmt.Sprintf("%s is an operator's name, but before the first pipe words are keywords to search for", name),
			fmt.Sprintf("write * | %s ... to run it over all messages", name))
	}
}

func (s *search) Facts(f lang.Facts) lang.Facts {
	f.Cond = s.tree
	return f
}

func (s *search) Needs(f *event.Fields) { f.Add(s.prog.Reads()...) }

func (s *search) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	run := s.prog.Open(lang.Env(rt))
	return &each{next: next, fn: func(b *event.Batch) error {
		b.Live = run.Keep(b, b.Live)
		return nil
	}}
}

func (s *search) resolve(sc *lang.Scope, x syntax.Search) expr.Expr {
	switch x := x.(type) {
	case nil, *syntax.Everything:
		return &expr.Const{Value: event.Bool(true)}
	case *syntax.And:
		return s.fold(sc, x.List, func(a, b expr.Expr) expr.Expr { return &expr.And{X: a, Y: b} })
	case *syntax.Or:
		return s.fold(sc, x.List, func(a, b expr.Expr) expr.Expr { return &expr.Or{X: a, Y: b} })
	case *syntax.Not:
		return &expr.Not{X: s.resolve(sc, x.X)}
	case *syntax.Group:
		return s.resolve(sc, x.X)
	case *syntax.Term:
		return s.keyword(sc, x)
	case *syntax.FieldTerm:
		return fieldTerm(sc, x)
	case *syntax.Subquery:
		return s.subquery(sc, x)
	}
	panic(fmt.Sprintf("bug: op: no rule for %T in a search expression", x))
}

func (s *search) fold(sc *lang.Scope, list []syntax.Search, join func(a, b expr.Expr) expr.Expr) expr.Expr {
	var out expr.Expr
	for _, x := range list {
		y := s.resolve(sc, x)
		if out == nil {
			out = y
		} else {
			out = join(out, y)
		}
	}
	return out
}

func (s *search) keyword(sc *lang.Scope, x *syntax.Term) expr.Expr {
	t, err := compileTerm(x.Text, x.Quoted)
	if err != "" {
		sc.Warn(x, "keyword-never-matches", err, "write the words in quotes, or filter the field with matches")
	}
	return &termTest{X: &expr.Field{Slot: s.raw, Name: "_raw"}, term: t}
}

// termTest is a keyword or phrase of the search expression.
type termTest struct {
	X    expr.Expr
	term *term
}

func (x *termTest) Parts(each func(expr.Expr)) { each(x.X) }
func (x *termTest) Eval(f *expr.Frame) event.Value {
	return event.Bool(x.term.Match(x.X.Eval(f).Str()))
}

// Keyword makes termTest a lang.Keyword.
func (x *termTest) Keyword() (text string, plain bool, pattern string) { return x.term.keyword() }

// Required makes termTest an expr.Requirer: what the raw text must hold.
func (x *termTest) Required() (event.Slot, *match.Witness) {
	return event.None, x.term.witness()
}

// WholeWords reports whether letters and digits at the ends of what Required says are
// those of whole words of the text.
func (x *termTest) WholeWords() bool {
	return !slices.ContainsFunc(x.term.parts, func(p termPart) bool { return p.kind == glob })
}

// fieldTerm is field=value and its extensions (spec A.2.3).
func fieldTerm(sc *lang.Scope, x *syntax.FieldTerm) expr.Expr {
	if strings.EqualFold(x.Field.Name, "_dataTier") {
		return &expr.Const{Value: event.Bool(true)} // a modifier of the service, not a field
	}
	f := &expr.Field{Slot: sc.Slot(x.Field.Name), Name: x.Field.Name}
	if x.Op != "=" {
		d := sc.Note(x, "nonportable-scope-comparison", fmt.Sprintf("Sumo Logic takes only = in the search expression, not %s", x.Op), "filter with where after the first pipe")
		d.Severity = diag.Warning
	}
	var any expr.Expr
	for _, v := range x.Values {
		var test expr.Expr
		switch {
		case x.Op == "<" || x.Op == "<=" || x.Op == ">" || x.Op == ">=":
			op := map[string]expr.Op{"<": expr.Lt, "<=": expr.Le, ">": expr.Gt, ">=": expr.Ge}[x.Op]
			c := event.Text(v.Text)
			if n, ok := event.ParseNumber(v.Text); ok {
				c = event.Float(n)
			}
			test = &expr.Compare{Op: op, X: f, Y: &expr.Const{Value: c}}
		case v.Text == "*" && !v.Quoted:
			test = &expr.Not{X: &expr.IsNull{X: f}}
		default:
			test = &expr.Glob{X: f, Glob: scopeGlob(v)}
		}
		if any == nil {
			any = test
		} else {
			any = &expr.Or{X: any, Y: test}
		}
	}
	if x.Op == "!=" || x.Op == "not in" {
		return &expr.Not{X: any}
	}
	return any
}

// scopeGlob is the value of a field term: whole value, any letter case; * is
// live only unquoted (OP-2), ? is literal (OP-58).
func scopeGlob(v *syntax.Term) *match.Glob {
	if v.Quoted {
		return match.EqualFold(v.Text)
	}
	return match.CompileGlob(v.Text, true)
}

// subquery in the search expression becomes ((f="v" and g="w") or ...), or with
// keywords ("v" "w") or ... .
func (s *search) subquery(sc *lang.Scope, x *syntax.Subquery) expr.Expr {
	sub := &lang.Subquery{Node: x, Scope: true}
	for _, f := range x.Compose {
		sub.Slots = append(sub.Slots, sc.Slot(f.Name))
	}
	sc.AddSubquery(sub)
	return &subqueryTerm{sub: sub, raw: s.raw}
}

type subqueryTerm struct {
	sub *lang.Subquery
	raw event.Slot
}

func (x *subqueryTerm) Parts(func(expr.Expr)) {}
func (x *subqueryTerm) Reads() []event.Slot {
	if x.sub.Node.Keywords {
		return []event.Slot{x.raw}
	}
	return x.sub.Slots
}

func (x *subqueryTerm) Eval(f *expr.Frame) event.Value {
	for _, row := range f.Env.Given[x.sub] {
		all := true
		for i, v := range row {
			if x.sub.Node.Keywords {
				t, _ := compileTerm(v.Str(), true)
				all = all && t.Match(f.Get(x.raw).Str())
			} else {
				got := f.Get(x.sub.Slots[i])
				all = all && !got.IsNull() && !v.IsNull() && match.EqualFold(v.Str()).Match(got.Str())
			}
			if !all {
				break
			}
		}
		if all {
			return event.Bool(true)
		}
	}
	return event.Bool(false)
}
