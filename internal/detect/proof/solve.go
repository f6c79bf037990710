package proof

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// makeEvents makes the events at the boundaries of both sides' predicates, each
// once, in an order that does not change. notes say what was left out.
func makeEvents(ctx context.Context, a, b *Side) (out []Event, notes []string) {
	return makeWithin(ctx, frames(a, b), a, b)
}

// makeWithin makes events of some kinds. Once ctx is done it makes no more.
func makeWithin(ctx context.Context, kinds []frame, a, b *Side) (out []Event, notes []string) {
	seen := map[string]bool{}
	left := 0
	for _, f := range kinds {
		base := Event(f.base())
		for n, v := range f.always() {
			base[n] = v
		}
		w := &world{frame: f, layout: event.NewLayout()}
		emit := func(asg assignment) {
			e := Event{}
			for n, v := range base {
				e[n] = v
			}
			for s, v := range asg {
				name := w.layout.Name(s)
				if !f.writes(name, v) {
					return
				}
				e[name] = v
			}
			if key := e.String(); !seen[key] {
				seen[key] = true
				out = append(out, e)
			}
		}
		emit(assignment{})
		trees := [2]expr.Expr{w.within(a), w.within(b)}
		for _, tree := range trees {
			s := &solver{ctx: ctx, layout: w.layout, atoms: map[expr.Expr]*atom{}}
			left += s.boundaries(tree, emit)
		}
	}
	if left > 0 {
		notes = append(notes, fmt.Sprintf("%d predicates of long lists were not varied one by one", left))
	}
	return out, notes
}

// assignment is an event being made: the fields that it has.
type assignment map[event.Slot]string

func (a assignment) with(s event.Slot, v string) assignment {
	c := assignment{}
	for k, w := range a {
		c[k] = w
	}
	c[s] = v
	return c
}

// goal is a condition and whether it must hold.
type goal struct {
	x    expr.Expr
	want bool
}

// solver looks for events that meet conditions.
type solver struct {
	ctx    context.Context
	layout *event.Layout
	atoms  map[expr.Expr]*atom
	steps  int
}

// atom is a predicate, which is not looked into.
type atom struct {
	x     expr.Expr
	slots []event.Slot
	pool  []string
	run   *expr.Run
	batch event.Batch
}

func (s *solver) atom(x expr.Expr) *atom {
	a := s.atoms[x]
	if a == nil {
		a = &atom{x: x, slots: expr.Slots(x), pool: hints(x), run: expr.Compile(x).Open(env)}
		a.batch.AddRow(0, 0)
		s.atoms[x] = a
	}
	return a
}

// holds computes the predicate for an event.
func (a *atom) holds(asg assignment) bool {
	for _, s := range a.slots {
		a.set(asg, s)
	}
	return a.run.Value(&a.batch, 0).True()
}

func (a *atom) set(asg assignment, s event.Slot) {
	c := a.batch.Col(s)
	c.Reset()
	if v, ok := asg[s]; ok {
		c.Set(0, event.Text(v))
	} else {
		c.Set(0, event.Value{})
	}
}

// holdsWith computes it for an event with another value in a field.
func (a *atom) holdsWith(asg assignment, slot event.Slot, v string) bool {
	for _, s := range a.slots {
		if s != slot {
			a.set(asg, s)
		}
	}
	c := a.batch.Col(slot)
	c.Reset()
	c.Set(0, event.Text(v))
	return a.run.Value(&a.batch, 0).True()
}

// parts reads a condition as And, Or, Not or If of others; kind is 0 for an atom.
// A comparison of an if with a constant is a condition on its branches.
func parts(x expr.Expr) (kind byte, of []expr.Expr) {
	switch x := x.(type) {
	case *expr.And:
		return '&', []expr.Expr{x.X, x.Y}
	case *expr.Or:
		return '|', []expr.Expr{x.X, x.Y}
	case *expr.Not:
		return '!', []expr.Expr{x.X}
	case *expr.If:
		return '?', []expr.Expr{x.Cond, x.Then, x.Else}
	case *expr.Compare:
		if i, ok := x.X.(*expr.If); ok {
			return '?', []expr.Expr{i.Cond, expr.Fold(&expr.Compare{Op: x.Op, X: i.Then, Y: x.Y}), expr.Fold(&expr.Compare{Op: x.Op, X: i.Else, Y: x.Y})}
		}
	}
	return 0, nil
}

// boundaries makes, for each predicate of a condition, events in which it alone
// decides: those that meet it, and those that just miss it. It returns how many
// predicates were left out.
func (s *solver) boundaries(tree expr.Expr, emit func(assignment)) (left int) {
	type path struct {
		atom  goal
		goals []goal
	}
	var all []path
	var walk func(x expr.Expr, want bool, goals []goal)
	walk = func(x expr.Expr, want bool, goals []goal) {
		kind, of := parts(x)
		and := func(g ...goal) []goal { return append(slices.Clone(goals), g...) }
		switch kind {
		case '&':
			walk(of[0], want, and(goal{of[1], true}))
			walk(of[1], want, and(goal{of[0], true}))
		case '|':
			walk(of[0], want, and(goal{of[1], false}))
			walk(of[1], want, and(goal{of[0], false}))
		case '!':
			walk(of[0], !want, goals)
		case '?':
			walk(of[0], true, and(goal{of[1], want}))
			walk(of[1], want, and(goal{of[0], true}))
			walk(of[2], want, and(goal{of[0], false}))
		default:
			if _, ok := x.(*expr.Const); !ok {
				all = append(all, path{goal{x, want}, goals})
			}
		}
	}
	walk(tree, true, nil)
	step := 1
	if len(all) > atomsMax {
		step = (len(all) + atomsMax - 1) / atomsMax
	}
	last := assignment{}
	for i, p := range all {
		if i%step != 0 {
			left++
			continue
		}
		goals := append([]goal{p.atom}, p.goals...)
		s.steps = stepsMax
		base, ok := s.solve(goals, last, nil) // most of what the one before met stays so
		if !ok && len(last) > 0 {
			s.steps = stepsMax
			base, ok = s.solve(goals, assignment{}, nil)
		}
		if ok {
			last = base
		} else { // where nothing else decides: without what stands beside it
			s.steps = stepsMax
			if base, ok = s.solve(goals[:1:1], assignment{}, nil); !ok {
				continue
			}
		}
		emit(base)
		a := s.atom(p.atom.x)
		for _, slot := range a.slots {
			without := base.with(slot, "")
			emit(without)
			delete(without, slot)
			emit(without)
			for _, v := range a.pool {
				emit(base.with(slot, v))
			}
			if v, ok := base[slot]; ok {
				for _, n := range near(v) {
					emit(base.with(slot, n))
				}
			} else if len(a.pool) > 0 {
				for _, n := range near(a.pool[0]) {
					emit(base.with(slot, n))
				}
			}
		}
		s.steps = stepsMax
		if miss, ok := s.solve(append([]goal{{p.atom.x, !p.atom.want}}, p.goals...), base, nil); ok {
			emit(miss)
		}
	}
	return left
}

// solve looks for an event that meets all goals. done are atoms that hold as
// wanted already and must go on to.
func (s *solver) solve(goals []goal, asg assignment, done []goal) (assignment, bool) {
	if len(goals) == 0 {
		return asg, true
	}
	if s.steps--; s.steps < 0 || s.ctx.Err() != nil {
		return nil, false
	}
	g, rest := goals[0], goals[1:]
	kind, of := parts(g.x)
	try := func(gs ...goal) (assignment, bool) {
		return s.solve(append(gs, rest...), asg, done)
	}
	switch {
	case kind == '!':
		return try(goal{of[0], !g.want})
	case kind == '&' && g.want, kind == '|' && !g.want:
		return try(goal{of[0], g.want}, goal{of[1], g.want})
	case kind == '&', kind == '|':
		for _, i := range [2]int{0, 1} {
			if out, ok := try(goal{of[i], g.want}); ok {
				return out, true
			}
		}
		return nil, false
	case kind == '?':
		if out, ok := try(goal{of[0], true}, goal{of[1], g.want}); ok {
			return out, true
		}
		return try(goal{of[0], false}, goal{of[2], g.want})
	}
	if c, ok := g.x.(*expr.Const); ok {
		if c.Value.True() != g.want {
			return nil, false
		}
		return s.solve(rest, asg, done)
	}
	a := s.atom(g.x)
	done = append(slices.Clone(done), g)
	if a.holds(asg) == g.want {
		if out, ok := s.solve(rest, asg, done); ok {
			return out, true
		}
	}
	for _, next := range a.candidates(asg, g.want) {
		if s.steps--; s.steps < 0 {
			return nil, false
		}
		if a.holds(next) != g.want || !s.keeps(done, next, asg) {
			continue
		}
		if out, ok := s.solve(rest, next, done); ok {
			return out, true
		}
	}
	return nil, false
}

// keeps reports whether goals that are met stay so when fields change.
func (s *solver) keeps(done []goal, next, before assignment) bool {
	for _, d := range done {
		a := s.atom(d.x)
		touched := slices.ContainsFunc(a.slots, func(x event.Slot) bool {
			v, ok := next[x]
			w, ok2 := before[x]
			return v != w || ok != ok2
		})
		if touched && a.holds(next) != d.want {
			return false
		}
	}
	return true
}

// candidates are events that meet an atom, or miss it, each a field or two away
// from one.
func (a *atom) candidates(asg assignment, want bool) (out []assignment) {
	for _, slot := range a.slots {
		values := a.pool
		if !want {
			values = append([]string{"zz", "", "1"}, a.pool...)
		}
		try := func(v string) {
			if a.holdsWith(asg, slot, v) == want {
				out = append(out, asg.with(slot, v))
			}
		}
		cur, ok := asg[slot]
		for _, v := range values {
			try(v)
			if ok {
				try(cur + v)
				try(v + cur)
				try(cur + " " + v)
				try(`\` + v + cur)
				try(v + `\` + cur)
				if i := strings.LastIndexAny(cur, `\/.`); i >= 0 {
					try(cur[:i] + v + cur[i:])
				}
			}
			if i := strings.LastIndexByte(v, '\\'); i > 0 && len(a.slots) == 2 { // DOMAIN\name
				out = append(out, asg.with(a.slots[0], v[:i]).with(a.slots[1], v[i+1:]))
			}
		}
		if len(out) > candidatesMax {
			return out[:candidatesMax]
		}
	}
	if len(a.slots) == 2 {
		x, y := a.slots[0], a.slots[1]
		for _, v := range []string{"aa", "ab"} {
			out = append(out, asg.with(x, v).with(y, "aa"))
		}
		if v, ok := asg[x]; ok {
			out = append(out, asg.with(y, v))
		}
		if v, ok := asg[y]; ok {
			out = append(out, asg.with(x, v))
		}
	}
	return out
}
