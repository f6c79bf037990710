package rule

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/fn"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/siem"
)

// LowerSIEM lowers a Cloud SIEM expression to a condition whose attributes are what
// attr makes of them. The condition is nil when the list has errors.
// Source: ../shared/spec/cloud-siem.md, section 4; numbers in comments are its sections.
func LowerSIEM(x *siem.Expression, attr Attributes) (expr.Expr, diag.List) {
	l := &siemLowering{attr: attr, file: x.File, attributes: map[string]expr.Expr{}, made: map[string]bool{}}
	columns := attr
	if w, ok := attr.(withIndicators); ok {
		columns = w.Attributes
	}
	if r, ok := columns.(*recordAttributes); ok && len(x.Clauses) == 0 {
		l.shared = r.shared
	}
	for i := range x.Clauses {
		l.clause(&x.Clauses[i])
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
	made       map[string]bool      // those that json clauses made
	shared     map[string]expr.Expr // predicates of all expressions, by what they say; nil where they are not shared
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

// lower lowers a node. A predicate that an expression before it has is the same node, so
// that it is computed once for both; one of which something is to be said is not shared.
func (l *siemLowering) lower(x siem.Node) expr.Expr {
	if l.shared == nil {
		return l.node(x)
	}
	switch x.(type) {
	case *siem.Compare, *siem.In, *siem.Between, *siem.IsNull, *siem.Like, *siem.Matches, *siem.Call:
		return l.share(siem.Print(&siem.Expression{Cond: x}), func() expr.Expr { return l.node(x) })
	}
	return l.node(x)
}

func (l *siemLowering) share(key string, lower func() expr.Expr) expr.Expr {
	if y := l.shared[key]; y != nil {
		return y
	}
	y := lower()
	if len(l.diags) == 0 {
		l.shared[key] = y
	}
	return y
}

// joined is a chain of AND or OR, which is the same node where its operands are. The
// nodes that a key names live as long as the key: they are below what it stands for.
func (l *siemLowering) joined(op string, all []expr.Expr, join func([]expr.Expr) expr.Expr) expr.Expr {
	if l.shared == nil {
		return join(all)
	}
	key := []byte(op)
	for _, x := range all {
		key = fmt.Appendf(key, " %p", x)
	}
	return l.share(string(key), func() expr.Expr { return join(all) })
}

func (l *siemLowering) node(x siem.Node) expr.Expr {
	not := func(yes bool, y expr.Expr) expr.Expr {
		if yes {
			return &expr.Not{X: y}
		}
		return y
	}
	switch x := x.(type) {
	case *siem.And:
		return l.joined("\x00and", l.chain(x, func(n siem.Node) (siem.Node, siem.Node, bool) {
			if y, ok := n.(*siem.And); ok {
				return y.X, y.Y, true
			}
			return nil, nil, false
		}), and)
	case *siem.Or:
		return l.joined("\x00or", l.chain(x, func(n siem.Node) (siem.Node, siem.Node, bool) {
			if y, ok := n.(*siem.Or); ok {
				return y.X, y.Y, true
			}
			return nil, nil, false
		}), or)
	case *siem.Not:
		return &expr.Not{X: l.lower(x.X)}
	case *siem.Compare:
		return l.compare(x)
	case *siem.In:
		return not(x.Not, l.in(x))
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
		for _, side := range []siem.Node{x.X, x.Y} {
			l.wantsNumber(x.Op, side)
		}
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

// chain lowers the operands of a chain of AND or OR, which may have any number.
func (l *siemLowering) chain(x siem.Node, split func(siem.Node) (x, y siem.Node, ok bool)) (all []expr.Expr) {
	var right []siem.Node // chains lean to the left
	for {
		a, b, ok := split(x)
		if !ok {
			break
		}
		x, right = a, append(right, b)
	}
	all = append(all, l.lower(x))
	for _, y := range slices.Backward(right) {
		all = append(all, l.lower(y))
	}
	return all
}

// wantsNumber refuses text in arithmetic (R29).
func (l *siemLowering) wantsNumber(op siem.Op, x siem.Node) {
	switch x := x.(type) {
	case *siem.Name:
		if a := record.Schema()[x.Name]; a != nil && a.Type == "string" && !l.made[x.Name] {
			l.fail(x.Span, "text-in-arithmetic", "%s is text, and %s wants numbers: write num(%s)", x.Name, op, x.Name)
		}
	case *siem.Literal:
		if _, ok := event.ParseNumber(x.Text); x.Kind == siem.Text && !ok {
			l.fail(x.Span, "text-in-arithmetic", "this is text, and %s wants numbers: concat(a, b) joins texts", op)
		}
	}
}

// textual reports whether what a node comes to is text or null, never a number.
func (l *siemLowering) textual(x siem.Node) bool {
	switch x := x.(type) {
	case *siem.Name:
		a := record.Schema()[x.Name]
		return l.made[x.Name] || a != nil && a.Type == "string"
	case *siem.Index:
		return l.raw(x)
	case *siem.Literal:
		return x.Kind == siem.Text
	case *siem.Call:
		f := fn.SIEM(x.Name)
		return f != nil && f.Text
	}
	return false
}

// compare lowers x op y. Text that is compared with a constant is compared in the
// form that candidate rules are found by.
func (l *siemLowering) compare(x *siem.Compare) expr.Expr {
	a, b := l.lower(x.X), l.lower(x.Y)
	if (x.Op == "=" || x.Op == "==") && l.textual(x.X) && l.textual(x.Y) {
		return &expr.Compare{Op: expr.Eq, X: a, Y: b}
	}
	return compares(x.Op, a, b)
}

func (l *siemLowering) in(x *siem.In) expr.Expr {
	of, text := l.lower(x.X), l.textual(x.X)
	var list []expr.Expr
	for _, y := range x.List {
		if name, ok := y.(*siem.Name); ok && AttributeProblem(name.Name) != nil && l.attributes[name.Name] == nil {
			l.diags.Add(&diag.Diagnostic{Severity: diag.Warning, Code: "bare-word", File: l.file, Span: name.Span,
				Message: fmt.Sprintf("%s is no attribute, so it is null and equals nothing", name.Name), Help: "text stands in quotes: '" + name.Name + "'"})
			list = append(list, &expr.Const{})
			continue
		}
		list, text = append(list, l.lower(y)), text && l.textual(y)
	}
	if text {
		return &expr.In{X: of, List: list}
	}
	return siemCall("in", func(args []event.Value) event.Value {
		return event.Bool(slices.ContainsFunc(args[1:], func(v event.Value) bool { return siemHolds("=", args[0], v) }))
	}, append([]expr.Expr{of}, list...)...)
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

// attribute is an attribute of the record. What is wrong with it is said once.
func (l *siemLowering) attribute(x *siem.Name) expr.Expr {
	if y := l.attributes[x.Name]; y != nil {
		return y
	}
	if isFields(x.Name) {
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

func (l *siemLowering) call(x *siem.Call) expr.Expr {
	switch strings.ToLower(x.Name) {
	case "hasthreatmatch":
		return l.threat(x)
	case "anyhttpheadermatches":
		return l.headers(x)
	}
	var args []expr.Expr
	for _, a := range x.Args {
		args = append(args, l.lower(a))
	}
	if strings.EqualFold(x.Name, "if") {
		if len(args) != 3 {
			return l.arity(x, 3, 3)
		}
		return &expr.If{Cond: args[0], Then: args[1], Else: args[2]}
	}
	f := fn.SIEM(x.Name)
	if f == nil {
		d := &diag.Diagnostic{Severity: diag.Error, Code: "unknown-function", File: l.file, Span: x.Span, Message: "Cloud SIEM has no function " + x.Name}
		if near := diag.Nearest(x.Name, append(fn.SIEMNames(), "if", "hasThreatMatch", "anyHttpHeaderMatches")); near != "" {
			d.Help = "did you mean " + near + "?"
		}
		l.diags.Add(d)
		return &expr.Const{}
	}
	if len(args) < f.Min || len(args) > f.Max {
		return l.arity(x, f.Min, f.Max)
	}
	if n, ok := x.Args[0].(*siem.Name); ok && n.Name == "listMatches" && f.Name == "jsonArrayContains" {
		return &expr.Call{Name: listCall, Args: args, Nulls: f.Nulls, Fn: fn.ListsContain}
	}
	return &expr.Call{Name: f.Name, Args: args, Nulls: f.Nulls, Within: f.Within, Fn: f.Fn}
}

func (l *siemLowering) arity(x *siem.Call, low, high int) expr.Expr {
	want := fmt.Sprint(low)
	switch {
	case high == math.MaxInt:
		want += " or more"
	case high > low:
		want = fmt.Sprintf("%d to %d", low, high)
	}
	if high == 1 {
		want += " argument"
	} else {
		want += " arguments"
	}
	return l.fail(x.Span, "arity", "%s takes %s, not %d", x.Name, want, len(x.Args))
}
