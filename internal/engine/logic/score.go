package logic

import (
	"errors"
	"slices"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
)

// Scores lists the values that x can have where the facts hold, ascending. ok
// is false when x is not made of constants, ifs and arithmetic alone, or has
// too many combinations.
func Scores(x expr.Expr, facts []Fact) (values []int64, ok bool) {
	combos, err := Combinations(0, x, facts)
	if err != nil {
		return nil, false
	}
	for _, c := range combos {
		if !slices.Contains(values, c.Value) {
			values = append(values, c.Value)
		}
	}
	slices.Sort(values)
	return values, true
}

// Combination is one way for a score's conditions to turn out.
type Combination struct {
	Value int64
	True  []expr.Expr // the conditions that hold
}

// ErrForm is that a score is not made of constants, ifs and arithmetic alone, or of too
// many; ErrEffort that to try its combinations takes more steps than were given.
var (
	ErrForm   = errors.New("it is not made of conditions and whole numbers alone, or of more conditions than are tried out")
	ErrEffort = errors.New("its conditions are so large that trying them out was given up")
)

// Combinations lists every possible way for the ifs in x to turn out, with the value of x
// then. It takes so many steps of search at most, for all of them together; 0 is no bound.
// A step is a condition that is looked at, and takes some 10 µs.
func Combinations(steps int, x expr.Expr, facts []Fact) ([]Combination, error) {
	e := &enumeration{facts: facts, steps: steps, bounded: steps > 0}
	flags := map[string]bool{}
	countFlags(x, flags)
	if len(flags) > flagsMax {
		return nil, ErrForm
	}
	e.run(x, nil)
	return e.out, e.err
}

// countFlags collects the conditions of the ifs in x, each once.
func countFlags(x expr.Expr, flags map[string]bool) {
	if i, ok := x.(*expr.If); ok {
		flags[Key(i.Cond)] = true
	}
	if sums(x) && len(flags) <= flagsMax {
		x.Parts(func(p expr.Expr) { countFlags(p, flags) })
	}
}

type enumeration struct {
	facts   []Fact
	steps   int // left
	bounded bool
	known   names
	out     []Combination
	err     error
}

// possible is Possible, and takes its steps from those that are left.
func (e *enumeration) possible(facts []Fact) bool {
	s := &search{steps: stepsMax, known: &e.known}
	given := s.steps
	can := s.holds(&state{}, facts, nil)
	if e.bounded {
		if e.steps -= given - max(s.steps, 0); e.steps < 0 {
			e.err = ErrEffort
		}
	}
	return can
}

// run decides the first open if of x both ways, and goes on with what is left.
func (e *enumeration) run(x expr.Expr, decided []Fact) {
	if e.err != nil {
		return
	}
	x = reduce(x)
	cond, ok := firstCondition(x, sums)
	if !ok {
		v, known := constant(x)
		n, whole := v.Int()
		if !known || !whole || len(e.out) >= valuesMax {
			e.err = ErrForm
			return
		}
		c := Combination{Value: n}
		for _, f := range decided {
			if !f.Not {
				c.True = append(c.True, f.Cond)
			}
		}
		e.out = append(e.out, c)
		return
	}
	key := Key(cond)
	for _, not := range []bool{true, false} {
		f := Fact{cond, not}
		all := append(slices.Clone(decided), f)
		if e.possible(append(slices.Clone(e.facts), all...)) && e.err == nil {
			e.run(decide(x, key, !not, sums), all)
		}
	}
}

// sums reports whether a score may be made of a node. An if further inside is
// left alone: facts are about expressions as they are written.
func sums(x expr.Expr) bool {
	switch x.(type) {
	case *expr.If, *expr.Arith, *expr.Compare, *expr.Neg, *expr.And, *expr.Or, *expr.Not:
		return true
	}
	return false
}

// firstCondition finds the condition of the innermost leftmost if in x, below
// nodes that into allows.
func firstCondition(x expr.Expr, into func(expr.Expr) bool) (cond expr.Expr, ok bool) {
	if i, is := x.(*expr.If); is {
		if c, ok := firstCondition(i.Cond, into); ok {
			return c, true
		}
		return i.Cond, true
	}
	if into(x) {
		x.Parts(func(p expr.Expr) {
			if !ok {
				cond, ok = firstCondition(p, into)
			}
		})
	}
	return cond, ok
}

// decide replaces every if with this condition by its branch, below nodes that
// into allows.
func decide(x expr.Expr, key string, yes bool, into func(expr.Expr) bool) expr.Expr {
	if i, ok := x.(*expr.If); ok && Key(i.Cond) == key {
		if yes {
			return decide(i.Then, key, yes, into)
		}
		return decide(i.Else, key, yes, into)
	}
	if !into(x) {
		return x
	}
	return expr.Rebuild(x, func(p expr.Expr) expr.Expr { return decide(p, key, yes, into) })
}

// Split decides the first if of x both ways: x is then where cond holds, and
// otherwise where it does not. ok is false when there is no if.
func Split(x expr.Expr) (cond, then, otherwise expr.Expr, ok bool) {
	anywhere := func(expr.Expr) bool { return true }
	if cond, ok = firstCondition(x, anywhere); !ok {
		return nil, nil, nil, false
	}
	key := Key(cond)
	return cond, expr.Fold(decide(x, key, true, anywhere)), expr.Fold(decide(x, key, false, anywhere)), true
}

// reduce computes what is constant: an if whose condition is known is its branch.
func reduce(x expr.Expr) expr.Expr {
	if v, ok := constant(x); ok {
		return &expr.Const{Value: v}
	}
	switch x := x.(type) {
	case *expr.If:
		if v, ok := constant(x.Cond); ok {
			if v.True() {
				return reduce(x.Then)
			}
			return reduce(x.Else)
		}
		return &expr.If{Cond: reduce(x.Cond), Then: reduce(x.Then), Else: reduce(x.Else)}
	case *expr.Arith:
		return &expr.Arith{Op: x.Op, X: reduce(x.X), Y: reduce(x.Y)}
	case *expr.Compare:
		return &expr.Compare{Op: x.Op, X: reduce(x.X), Y: reduce(x.Y)}
	}
	return x
}
