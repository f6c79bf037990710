package expr

import (
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// Glob is x matches "pattern" with a pattern known beforehand.
type Glob struct {
	X    Expr
	Glob *match.Glob
	Each Each
}

func (x *Glob) Eval(f *Frame) event.Value {
	v := x.X.Eval(f)
	if v.IsNull() || v.IsDrop() {
		return falseOr(v)
	}
	if x.Each.several(v) {
		return event.Bool(f.some(v, x.Each, func(v event.Value) bool { return !v.IsNull() && x.Glob.Match(v.Str()) }))
	}
	if _, field := x.X.(*Field); field && f.fold && x.Glob.Folds() {
		return event.Bool(x.Glob.MatchFolded(f.folded()))
	}
	return event.Bool(x.Glob.Match(v.Str()))
}
func (x *Glob) Parts(each func(Expr)) { each(x.X) }

// GlobOf is x matches y where the pattern is computed.
type GlobOf struct{ X, Pattern Expr }

func (x *GlobOf) Eval(f *Frame) event.Value {
	v, p := x.X.Eval(f), x.Pattern.Eval(f)
	if v.IsDrop() || p.IsDrop() {
		return event.Drop
	}
	if v.IsNull() || p.IsNull() {
		return event.Bool(false)
	}
	return event.Bool(match.CompileGlob(p.Str(), false).Match(v.Str()))
}
func (x *GlobOf) Parts(each func(Expr)) { each(x.X); each(x.Pattern) }

// Regexp is x matches /pattern/: found anywhere in the value (OP-12).
type Regexp struct {
	X    Expr
	Re   *match.Regexp
	Each Each
}

func (x *Regexp) Eval(f *Frame) event.Value {
	v := x.X.Eval(f)
	if v.IsNull() || v.IsDrop() {
		return falseOr(v)
	}
	if x.Each.several(v) {
		return event.Bool(f.some(v, x.Each, func(v event.Value) bool { return !v.IsNull() && x.match(f, v) }))
	}
	return event.Bool(x.match(f, v))
}

func (x *Regexp) match(f *Frame, v event.Value) bool {
	ok, err := x.Re.Match(v.Str())
	if err != nil && f.Env != nil && f.Env.Warn != nil {
		f.Env.Warn("regular expression", err.Error())
	}
	return ok
}
func (x *Regexp) Parts(each func(Expr)) { each(x.X) }

// Contains is x contains y: case-sensitive; both empty is true, one empty is
// false (spec B.6).
type Contains struct{ X, Y Expr }

func (x *Contains) Eval(f *Frame) event.Value {
	a, b := x.X.Eval(f), x.Y.Eval(f)
	if a.IsDrop() || b.IsDrop() {
		return event.Drop
	}
	if a.IsNull() || b.IsNull() {
		return event.Bool(false)
	}
	return event.Bool(ContainsText(a.Str(), b.Str()))
}
func (x *Contains) Parts(each func(Expr)) { each(x.X); each(x.Y) }

// ContainsText is Sumo's contains on two texts.
func ContainsText(a, b string) bool {
	if a == "" || b == "" {
		return a == b
	}
	return strings.Contains(a, b)
}
