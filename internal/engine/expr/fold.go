package expr

import "github.com/gyoji-dev/gyoji/internal/text/event"

// Fold computes what of an expression reads no field, and leaves out branches
// that cannot be taken: what is left after Replace made constants of fields. It
// keeps the truth of a condition; x is not changed.
func Fold(x Expr) Expr {
	switch x.(type) {
	case *Field, *Const:
		return x
	}
	x = Rebuild(x, Fold)
	switch y := x.(type) {
	case *If:
		if c, ok := y.Cond.(*Const); ok {
			if c.Value.True() {
				return y.Then
			}
			return y.Else
		}
	case *And:
		for _, side := range [2][2]Expr{{y.X, y.Y}, {y.Y, y.X}} {
			if c, ok := side[0].(*Const); ok {
				if !c.Value.True() {
					return &Const{event.Bool(false)}
				}
				return side[1]
			}
		}
	case *Or:
		for _, side := range [2][2]Expr{{y.X, y.Y}, {y.Y, y.X}} {
			if c, ok := side[0].(*Const); ok {
				if c.Value.True() {
					return &Const{event.Bool(true)}
				}
				return side[1]
			}
		}
	}
	fixed := true
	x.Parts(func(p Expr) {
		_, ok := p.(*Const)
		fixed = fixed && ok
	})
	if _, reads := x.(Reader); !fixed || reads || foreign(x) || varies(x) {
		return x
	}
	return &Const{x.Eval(&Frame{Env: &Env{}})}
}

// foreign reports whether a node is of another package, whose operands Rebuild
// leaves as they are.
func foreign(x Expr) bool {
	switch x.(type) {
	case *Call, *If, *And, *Or, *Not, *Compare, *Arith, *Neg, *IsNull, *In, *Glob, *GlobOf, *Regexp, *Contains:
		return false
	}
	return true
}
