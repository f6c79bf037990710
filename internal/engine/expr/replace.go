package expr

// Replace returns x with every field that f knows put in its place; f returns
// nil for the others. Nodes of other packages are kept as they are. x is not
// changed, and shares with the result what did not change.
func Replace(x Expr, f func(*Field) Expr) Expr {
	sub := func(y Expr) Expr { return Replace(y, f) }
	all := func(ys []Expr) []Expr {
		out := make([]Expr, len(ys))
		for i, y := range ys {
			out[i] = sub(y)
		}
		return out
	}
	switch x := x.(type) {
	case *Field:
		if y := f(x); y != nil {
			return y
		}
		return x
	case *Call:
		c := *x
		c.Args = all(x.Args)
		return &c
	case *Once: // the places that share it get their own
		return sub(x.X)
	case *If:
		return &If{sub(x.Cond), sub(x.Then), sub(x.Else)}
	case *And:
		return &And{sub(x.X), sub(x.Y)}
	case *Or:
		return &Or{sub(x.X), sub(x.Y)}
	case *Not:
		return &Not{sub(x.X)}
	case *Compare:
		return &Compare{x.Op, sub(x.X), sub(x.Y), x.Each}
	case *Arith:
		return &Arith{x.Op, sub(x.X), sub(x.Y)}
	case *Neg:
		return &Neg{sub(x.X)}
	case *IsNull:
		return &IsNull{sub(x.X), x.Each}
	case *In:
		return &In{sub(x.X), all(x.List)}
	case *Glob:
		return &Glob{sub(x.X), x.Glob, x.Each}
	case *GlobOf:
		return &GlobOf{sub(x.X), sub(x.Pattern)}
	case *Regexp:
		return &Regexp{sub(x.X), x.Re, x.Each}
	case *Contains:
		return &Contains{sub(x.X), sub(x.Y)}
	}
	return x
}
