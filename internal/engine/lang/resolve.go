package lang

import (
	"fmt"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/syntax"
)

// null stands where an expression could not be resolved; the mistake is reported.
var null = &expr.Const{}

// Expr resolves an expression at this point of the pipe.
func (sc *Scope) Expr(x syntax.Expr) expr.Expr {
	switch x := x.(type) {
	case nil:
		return null
	case *syntax.Paren:
		return sc.Expr(x.X)
	case *syntax.Field:
		return &expr.Field{Slot: sc.Read(x), Name: x.Name}
	case *syntax.String:
		return &expr.Const{Value: event.Text(x.Value)}
	case *syntax.Number:
		if x.IsInt {
			return &expr.Const{Value: event.Int(x.Int)}
		}
		if v, ok := event.Text(x.Text).ToDouble(); ok { // as it is written, where it has no unit
			return &expr.Const{Value: v}
		}
		return &expr.Const{Value: event.Float(x.Float)}
	case *syntax.Bool:
		return &expr.Const{Value: event.Bool(x.Value)}
	case *syntax.Null:
		return null
	case *syntax.Unary:
		if x.Op == "-" {
			if n, ok := x.X.(*syntax.Number); ok {
				return &expr.Const{Value: expr.Calculate(expr.Sub, event.Int(0), sc.Expr(n).(*expr.Const).Value)}
			}
			return &expr.Neg{X: sc.Expr(x.X)}
		}
		return &expr.Not{X: sc.Expr(x.X)}
	case *syntax.Binary:
		return sc.binary(x)
	case *syntax.Matches:
		return not(x.Not, sc.matches(x))
	case *syntax.In:
		in := &expr.In{X: sc.Expr(x.X)}
		for _, y := range x.List {
			in.List = append(in.List, sc.Expr(y))
		}
		return not(x.Not, in)
	case *syntax.Cond:
		return &expr.If{Cond: sc.Expr(x.C), Then: sc.Expr(x.T), Else: sc.Expr(x.F)}
	case *syntax.Call:
		return sc.call(x)
	case *syntax.Subquery:
		return sc.subquery(x)
	case *syntax.Regex:
		sc.Error(x, "regex-out-of-place", "a regular expression stands only after matches or as an argument of replace", "write: field matches /"+x.Pattern+"/")
	case *syntax.Path:
		return &expr.Const{Value: event.Text(x.Text)}
	case *syntax.Star:
		sc.Error(x, "star-out-of-place", "* stands only in count(*)", "name a field")
	default:
		panic(fmt.Sprintf("bug: lang: no rule for %T", x))
	}
	return null
}

func not(n bool, x expr.Expr) expr.Expr {
	if n {
		return &expr.Not{X: x}
	}
	return x
}

var operators = map[string]expr.Op{
	"=": expr.Eq, "!=": expr.Ne, "<": expr.Lt, "<=": expr.Le, ">": expr.Gt, ">=": expr.Ge,
	"+": expr.Add, "-": expr.Sub, "*": expr.Mul, "/": expr.Div, "%": expr.Mod,
}

func (sc *Scope) binary(x *syntax.Binary) expr.Expr {
	a, b := sc.Expr(x.X), sc.Expr(x.Y)
	switch x.Op {
	case "and":
		return &expr.And{X: a, Y: b}
	case "or":
		return &expr.Or{X: a, Y: b}
	case "contains":
		return &expr.Contains{X: a, Y: b}
	case "+", "-", "*", "/", "%":
		return &expr.Arith{Op: operators[x.Op], X: a, Y: b}
	case "=", "!=":
		for _, side := range [][2]any{{x.X, b}, {x.Y, a}} {
			if _, ok := unparen(side[0].(syntax.Expr)).(*syntax.Null); !ok {
				continue
			}
			d := sc.Warn(x, "compare-with-null", "a comparison with null is read as a test for null", "write isNull(...), which says so")
			if f, ok := unparen(otherSide(x)).(*syntax.Field); ok {
				form := "isNull(" + f.Name + ")"
				if x.Op == "!=" {
					form = "!" + form
				}
				d.Help = "write " + form
				d.Fix = &diag.Fix{Title: "write " + form, Safe: true, Edits: []diag.Edit{{Span: x.Pos, New: form}}}
			}
			return not(x.Op == "!=", &expr.IsNull{X: side[1].(expr.Expr)})
		}
	}
	return &expr.Compare{Op: operators[x.Op], X: a, Y: b}
}

// otherSide is the operand of a comparison that is not the literal null.
func otherSide(x *syntax.Binary) syntax.Expr {
	if _, ok := unparen(x.X).(*syntax.Null); ok {
		return x.Y
	}
	return x.X
}

func unparen(x syntax.Expr) syntax.Expr {
	for {
		p, ok := x.(*syntax.Paren)
		if !ok {
			return x
		}
		x = p.X
	}
}

func (sc *Scope) matches(x *syntax.Matches) expr.Expr {
	y := sc.Expr(x.X)
	switch p := unparen(x.Pattern).(type) {
	case *syntax.Regex:
		re, err := match.CompileRegexp(p.Pattern)
		if err != nil {
			sc.Error(p, "bad-regex", err.Error(), "the syntax is that of RE2 or Java")
			return null
		}
		return &expr.Regexp{X: y, Re: re}
	case *syntax.String:
		return &expr.Glob{X: y, Glob: match.CompileGlob(p.Value, false)}
	}
	return &expr.GlobOf{X: y, Pattern: sc.Expr(x.Pattern)}
}

// Site is one call of a function in a query, while it is compiled.
type Site struct {
	Node *syntax.Call
	Args []expr.Expr

	sc *Scope
}

// Const returns the value of argument i when it is a literal.
func (s *Site) Const(i int) (event.Value, bool) {
	if i >= len(s.Args) {
		return event.Value{}, false
	}
	c, ok := s.Args[i].(*expr.Const)
	if !ok {
		return event.Value{}, false
	}
	return c.Value, true
}

// Regex returns argument i when it is /pattern/.
func (s *Site) Regex(i int) (*syntax.Regex, bool) {
	if i >= len(s.Node.Args) {
		return nil, false
	}
	r, ok := unparen(s.Node.Args[i]).(*syntax.Regex)
	return r, ok
}

// Error reports a mistake at argument i, or at the whole call when i < 0.
func (s *Site) Error(i int, code, message, help string) {
	var at syntax.Node = s.Node
	if i >= 0 && i < len(s.Node.Args) {
		at = s.Node.Args[i]
	}
	s.sc.Error(at, code, message, help)
}

// Warn is Error for what runs all the same.
func (s *Site) Warn(i int, code, message, help string) {
	var at syntax.Node = s.Node
	if i >= 0 && i < len(s.Node.Args) {
		at = s.Node.Args[i]
	}
	s.sc.Warn(at, code, message, help)
}

// Scope is the scope the call stands in, for functions of tables and subqueries.
func (s *Site) Scope() *Scope { return s.sc }

func (sc *Scope) call(x *syntax.Call) expr.Expr {
	f := sc.Vocab.FunctionOf(x.Func.Text)
	if f == nil {
		return sc.unknownFunction(x)
	}
	if n := len(x.Args); n < f.min || f.max >= 0 && n > f.max {
		sc.Error(x, "wrong-argument-count", fmt.Sprintf("%s takes %s, not %d", f.Name, countArgs(f.min, f.max), n), "the form is "+f.Usage)
		return null
	}
	if f.Dialect != "" {
		sc.Warn(x.Func, "nonportable-function", f.Name+" is not a Sumo Logic function", "write "+f.Dialect)
	}
	if f.Name == "if" {
		return &expr.If{Cond: sc.Expr(x.Args[0]), Then: sc.Expr(x.Args[1]), Else: sc.Expr(x.Args[2])}
	}
	site := &Site{Node: x, sc: sc}
	if f.Form != nil {
		if y := f.Form(site); y != nil {
			return y
		}
		return null
	}
	for i, a := range x.Args {
		if _, ok := unparen(a).(*syntax.Regex); ok {
			if f.Make == nil {
				sc.Expr(a) // says that it is out of place
			}
			site.Args = append(site.Args, null)
			continue
		}
		if _, ok := a.(*syntax.Star); ok {
			sc.Error(x.Args[i], "star-out-of-place", "* is no argument of "+f.Name, "name a field")
		}
		site.Args = append(site.Args, sc.Expr(a))
	}
	c := &expr.Call{Name: f.Name, Args: site.Args, Nulls: f.Nulls, Within: f.Within, Varies: f.Varies}
	switch {
	case f.Map != nil:
		m := f.Map
		c.Fn = func(_ *expr.Env, args []event.Value) (event.Value, error) { return m(args[0]), nil }
	case f.Call != nil:
		c.Fn = f.Call
	case f.Make != nil:
		if c.Fn = f.Make(site); c.Fn == nil {
			return null
		}
		// A regular expression argument has no value and must not make the call
		// null. Its text tells calls apart.
		for i := range c.Args {
			if r, ok := site.Regex(i); ok {
				c.Args[i] = &expr.Const{Value: event.Text("/" + r.Pattern + "/")}
			}
		}
	default:
		sc.Error(x.Func, "planned", f.Name+" is planned, not built yet", "")
		return null
	}
	return c
}

func countArgs(low, high int) string {
	plural := func(n int) string {
		if n == 1 {
			return "1 argument"
		}
		return fmt.Sprintf("%d arguments", n)
	}
	switch {
	case high < 0:
		return "at least " + plural(low)
	case low == high:
		return plural(low)
	}
	return fmt.Sprintf("%d to %d arguments", low, high)
}

func (sc *Scope) unknownFunction(x *syntax.Call) expr.Expr {
	name := x.Func.Text
	if sc.Vocab.Aggregate(name) {
		sc.Error(x, "aggregate-in-expression", name+" is a group function and does not stand inside an expression", "write it after a pipe of its own: | "+name+"(...)")
		return null
	}
	if sc.Vocab.Operator(name) != nil {
		sc.Error(x, "operator-in-expression", name+" is an operator and does not stand inside an expression", "write it after a pipe of its own")
		return null
	}
	help := ""
	var names []string
	for k := range sc.Vocab.fns {
		names = append(names, sc.Vocab.fns[k].Name)
	}
	if near := diag.Nearest(name, names); near != "" {
		help = "did you mean " + near + "?"
	}
	d := sc.Error(x.Func, "unknown-function", "there is no function "+name, help)
	if near := diag.Nearest(name, names); near != "" {
		d.Fix = &diag.Fix{Title: "write " + near, Edits: []diag.Edit{{Span: x.Func.Pos, New: near}}}
	}
	for _, a := range x.Args {
		if _, ok := unparen(a).(*syntax.Regex); !ok {
			sc.Expr(a)
		}
	}
	return null
}

// subquery stands in where and if: the rows of the child, compared with the
// fields of the current row.
func (sc *Scope) subquery(x *syntax.Subquery) expr.Expr {
	s := &Subquery{Node: x}
	for _, f := range x.Compose {
		s.Slots = append(s.Slots, sc.Read(f))
	}
	if x.Keywords {
		sc.Error(x, "keywords-out-of-place", "compose ... keywords stands only in the search expression", "leave keywords out: the fields are compared")
	}
	sc.AddSubquery(s)
	return &subqueryTest{s}
}

// subqueryTest is true when the row's fields equal those of some row of the child.
type subqueryTest struct{ s *Subquery }

func (x *subqueryTest) Reads() []event.Slot   { return x.s.Slots }
func (x *subqueryTest) Parts(func(expr.Expr)) {}
func (x *subqueryTest) Eval(f *expr.Frame) event.Value {
	for _, row := range f.Env.Given[x.s] {
		all := true
		for i, s := range x.s.Slots {
			if !expr.Holds(expr.Eq, f.Get(s), row[i]) {
				all = false
				break
			}
		}
		if all {
			return event.Bool(true)
		}
	}
	return event.Bool(false)
}
