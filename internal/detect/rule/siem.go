package rule

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/siem"
)

// LowerSIEM lowers a Cloud SIEM expression to a condition whose attributes are what
// attr makes of them. The condition is nil when the list has errors.
func LowerSIEM(x *siem.Expression, attr Attributes) (expr.Expr, diag.List) {
	l := &siemLowering{attr: attr, file: x.File, attributes: map[string]expr.Expr{}}
	if len(x.Clauses) > 0 {
		l.fail(x.Clauses[0].Span, "unsupported", "json clauses are not run by gyoji yet")
	}
	out := l.lower(x.Cond)
	if l.diags.HasErrors() {
		return nil, l.diags
	}
	return out, l.diags
}

type siemLowering struct {
	attr  Attributes
	file  *diag.File
	diags diag.List

	attributes map[string]expr.Expr // each in the one shape that all its mentions share
}

func (l *siemLowering) fail(at diag.Span, code, format string, args ...any) expr.Expr {
	l.diags.Add(&diag.Diagnostic{Severity: diag.Error, Code: code, File: l.file, Span: at, Message: fmt.Sprintf(format, args...)})
	return &expr.Const{}
}

// siemCall is a computation on values, null ones included.
func siemCall(name string, fn func(args []event.Value) event.Value, args ...expr.Expr) expr.Expr {
	return &expr.Call{Name: name, Args: args, Nulls: true, Fn: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		return fn(args), nil
	}}
}

func (l *siemLowering) lower(x siem.Node) expr.Expr {
	not := func(yes bool, y expr.Expr) expr.Expr {
		if yes {
			return &expr.Not{X: y}
		}
		return y
	}
	switch x := x.(type) {
	case *siem.And:
		return &expr.And{X: l.lower(x.X), Y: l.lower(x.Y)}
	case *siem.Or:
		return &expr.Or{X: l.lower(x.X), Y: l.lower(x.Y)}
	case *siem.Not:
		return &expr.Not{X: l.lower(x.X)}
	case *siem.Compare:
		return compares(x.Op, l.lower(x.X), l.lower(x.Y))
	case *siem.In:
		of := []expr.Expr{l.lower(x.X)}
		for _, y := range x.List {
			of = append(of, l.lower(y))
		}
		return not(x.Not, siemCall("in", func(args []event.Value) event.Value {
			return event.Bool(slices.ContainsFunc(args[1:], func(v event.Value) bool { return siemHolds("=", args[0], v) }))
		}, of...))
	case *siem.Between:
		v := l.lower(x.X)
		return not(x.Not, &expr.And{X: compares(">=", v, l.lower(x.Low)), Y: compares("<=", v, l.lower(x.High))})
	case *siem.IsNull:
		return not(x.Not, &expr.IsNull{X: l.lower(x.X)})
	case *siem.Like:
		return not(x.Not, l.like(x))
	case *siem.Matches:
		return not(x.Not, l.matches(x))
	case *siem.Arith:
		op := map[siem.Op]expr.Op{"+": expr.Add, "-": expr.Sub, "*": expr.Mul, "/": expr.Div, "%": expr.Mod}[x.Op]
		return siemCall(string(x.Op), func(args []event.Value) event.Value {
			v := expr.Calculate(op, args[0], args[1])
			if f, ok := v.Float(); ok && (math.IsInf(f, 0) || math.IsNaN(f)) {
				return event.Value{} // division by zero gives null (section 4.4)
			}
			return v
		}, l.lower(x.X), l.lower(x.Y))
	case *siem.Neg:
		return &expr.Neg{X: l.lower(x.X)}
	case *siem.Literal:
		switch x.Kind {
		case siem.Bool:
			return &expr.Const{Value: event.Bool(x.Number != 0)}
		case siem.Number:
			return &expr.Const{Value: event.Float(x.Number)}
		case siem.Text, siem.Regex:
			return &expr.Const{Value: event.Text(x.Text)}
		}
		return &expr.Const{}
	case *siem.Name:
		return l.attribute(x)
	case *siem.Index:
		return l.index(x)
	case *siem.Call:
		return l.call(x)
	case *siem.List:
		return l.fail(x.Span, "unsupported", "a list of attributes belongs into hasThreatMatch")
	}
	panic(fmt.Sprintf("bug: rule: siem %T", x))
}

// compares is x op y.
func compares(op siem.Op, x, y expr.Expr) expr.Expr {
	return siemCall(string(op), func(args []event.Value) event.Value { return event.Bool(siemHolds(op, args[0], args[1])) }, x, y)
}

// siemHolds is x op y by sections 4.3 and 4.4 of the specification: null is
// never equal, less or different, but for <=>; a number and the text of one
// compare as numbers; two texts by their bytes, but are put in order as numbers
// when they are both numbers.
func siemHolds(op siem.Op, a, b event.Value) bool {
	if op == "<=>" && (a.IsNull() || b.IsNull()) {
		return a.IsNull() && b.IsNull()
	}
	if a.IsNull() || b.IsNull() {
		return false
	}
	ka, kb := a.Kind() == event.String, b.Kind() == event.String
	switch op {
	case "==":
		return ka == kb && (a.Kind() == event.Boolean) == (b.Kind() == event.Boolean) && siemHolds("=", a, b)
	case "=", "<=>", "!=":
		var same bool
		switch {
		case ka && kb:
			same = a.Str() == b.Str()
		case a.Kind() == event.Boolean || b.Kind() == event.Boolean:
			same = strings.EqualFold(a.Str(), b.Str())
		default:
			c, ok := event.CompareNumbers(a, b)
			same = ok && c == 0
		}
		return same == (op != "!=")
	}
	c, ok := event.CompareNumbers(a, b)
	switch {
	case ok:
	case ka && kb:
		c = strings.Compare(a.Str(), b.Str())
	default:
		return false
	}
	switch op {
	case "<":
		return c < 0
	case "<=":
		return c <= 0
	case ">":
		return c > 0
	}
	return c >= 0
}

func number(v event.Value) (float64, bool) {
	if v.Kind() == event.String {
		return event.ParseNumber(v.Str())
	}
	return v.Float()
}

// like lowers LIKE. A backslash has two readings where the product's own rules
// and its documentation disagree (section 4.5): both are tried.
func (l *siemLowering) like(x *siem.Like) expr.Expr {
	lit, ok := x.Pattern.(*siem.Literal)
	if !ok || lit.Kind != siem.Text {
		return l.fail(x.Pattern.At(), "unsupported", "LIKE wants its pattern in quotes")
	}
	pieces, plain := []string{""}, true
	var re strings.Builder
	re.WriteString(`(?s)\A`)
	text := func(s string) {
		pieces[len(pieces)-1] += s
		re.WriteString(quoteMeta(s))
	}
	p := lit.Text
	for i := 0; i < len(p); i++ {
		rest := p[i:]
		switch {
		case x.Escape != "" && strings.HasPrefix(rest, x.Escape) && len(rest) > len(x.Escape):
			i += len(x.Escape)
			text(p[i : i+1])
		case p[i] == '%':
			pieces = append(pieces, "")
			re.WriteString(".*")
		case p[i] == '_':
			plain = false
			re.WriteByte('.')
		case x.Escape == "" && strings.HasPrefix(rest, `\\`):
			plain = false
			re.WriteString(`\\\\?`)
			i++
		case x.Escape == "" && strings.HasPrefix(rest, `\%`):
			plain = false
			re.WriteString(`(?:%|\\.*)`)
			i++
		case x.Escape == "" && strings.HasPrefix(rest, `\_`):
			plain = false
			re.WriteString(`(?:_|\\.)`)
			i++
		default:
			text(p[i : i+1])
		}
	}
	of := l.lower(x.X)
	if plain {
		return &expr.Glob{X: of, Glob: match.NewGlob(pieces, false)}
	}
	re.WriteString(`\z`)
	return l.regexp(of, re.String(), lit.Span)
}

func (l *siemLowering) regexp(of expr.Expr, pattern string, at diag.Span) expr.Expr {
	re, err := match.CompileRegexp(pattern)
	if err != nil {
		return l.fail(at, "bad-regexp", "the regular expression cannot be used: %v", err)
	}
	return &expr.Regexp{X: of, Re: re}
}

// matches lowers RLIKE and MATCHES (section 4.6).
func (l *siemLowering) matches(x *siem.Matches) expr.Expr {
	lit, ok := x.Y.(*siem.Literal)
	if !ok || lit.Kind != siem.Text && lit.Kind != siem.Regex {
		return l.fail(x.Y.At(), "unsupported", "the pattern wants to be written down: /.../, or text in quotes")
	}
	of := l.lower(x.X)
	if x.Rlike || lit.Kind == siem.Regex {
		return l.regexp(of, lit.Text, lit.Span)
	}
	if !strings.Contains(lit.Text, "?") {
		return &expr.Glob{X: of, Glob: match.CompileGlob(lit.Text, false)}
	}
	var re strings.Builder
	re.WriteString(`(?s)\A`)
	for i := range len(lit.Text) {
		switch c := lit.Text[i]; c {
		case '*':
			re.WriteString(".*")
		case '?':
			re.WriteByte('.')
		default:
			re.WriteString(quoteMeta(string(c)))
		}
	}
	return l.regexp(of, re.String()+`\z`, lit.Span)
}

// attribute is an attribute of the record. What is wrong with it is said once.
func (l *siemLowering) attribute(x *siem.Name) expr.Expr {
	if y := l.attributes[x.Name]; y != nil {
		return y
	}
	if x.Name == "fields" || x.Name == "_raw" {
		return l.fail(x.Span, "unsupported", "%s is read key by key: fields['EventData.Image']", x.Name)
	}
	y, problem := l.attr.Attribute(x.Name)
	if problem != nil {
		problem.File, problem.Span = l.file, x.Span
		l.diags.Add(problem)
	}
	if y == nil {
		y = &expr.Const{}
	}
	l.attributes[x.Name] = y
	return y
}

// index is fields['EventData.Image'] and the like.
func (l *siemLowering) index(x *siem.Index) expr.Expr {
	root, ok := x.X.(*siem.Name)
	key, ok2 := x.Key.(*siem.Literal)
	if ok && root.Name != "fields" {
		l.attribute(root)
	}
	if !ok || !ok2 || root.Name != "fields" || key.Kind != siem.Text {
		return l.fail(x.Span, "unsupported", "gyoji reads raw fields alone by key: fields['EventData.Image']")
	}
	return l.attr.Raw(key.Text)
}

func (l *siemLowering) call(x *siem.Call) expr.Expr {
	name := strings.ToLower(x.Name)
	if name == "hasthreatmatch" {
		l.diags.Add(&diag.Diagnostic{Severity: diag.Warning, Code: "no-indicators", File: l.file, Span: x.Span, Message: "there is no store of threat indicators here: hasThreatMatch is false"})
		return &expr.Const{Value: event.Bool(false)}
	}
	var args []expr.Expr
	for _, a := range x.Args {
		args = append(args, l.lower(a))
	}
	if name == "if" && len(args) == 3 {
		return &expr.If{Cond: args[0], Then: args[1], Else: args[2]}
	}
	f, ok := siemFunctions[name]
	if !ok {
		var names []string
		for n := range siemFunctions {
			names = append(names, n)
		}
		slices.Sort(names)
		help := ""
		if near := diag.Nearest(name, names); near != "" {
			help = " (" + near + "?)"
		}
		return l.fail(x.Span, "unknown-function", "gyoji does not run the function %s%s", x.Name, help)
	}
	if len(args) < f.min || len(args) > f.max {
		return l.fail(x.Span, "arity", "%s takes %d to %d arguments, not %d", x.Name, f.min, f.max, len(args))
	}
	if name == "lower" {
		name = "toLowerCase" // as the rest of gyoji knows it
	}
	return &expr.Call{Name: name, Args: args, Nulls: f.nulls, Within: f.within, Fn: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		return f.fn(args), nil
	}}
}
