// Package logic says what conditions and scores can be, without running them:
// whether a set of conditions can hold together, and which values a score made
// of flags can reach. It only ever errs to one side: what it calls impossible
// is impossible, what it calls possible may not be.
package logic

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

const (
	// stepsMax bounds the search of one question; past it the answer is "possible".
	stepsMax = 200_000
	// valuesMax bounds how many combinations of flags a score is computed for.
	valuesMax = 1 << 14
	// flagsMax bounds the conditions of a score: each doubles what has to be proven possible.
	flagsMax = 12
)

// Fact is a condition that must hold, or must not.
type Fact struct {
	Cond expr.Expr
	Not  bool
}

// Possible reports whether the facts can hold together for some row.
func Possible(facts ...Fact) bool {
	s := &search{steps: stepsMax, known: &names{}}
	return s.holds(&state{}, facts, nil)
}

// search looks for a way to make facts hold.
type search struct {
	steps int
	known *names
	apart grouping
}

// names is what is worked out of conditions once: a search asks the same of the same ones
// again and again. Searches of one goroutine may share it. It numbers the subjects.
type names struct {
	ids    map[string]int
	about  map[expr.Expr]set
	keys   map[expr.Expr]string
	splits map[expr.Expr]*halves
	facts  map[Fact]*atom
	ways   map[Fact]*choice
}

// halves is a condition that was moved over an if; cond is nil where there is none.
type halves struct {
	cond     expr.Expr
	branches [2]expr.Expr
}

// atom is a fact that is not looked into: one without fields, a claim about a subject, or
// that something which is not understood holds.
type atom struct {
	fixed, holds bool
	subject      string // its key
	claim        claim
}

// set is a set of subjects by their numbers.
type set []uint64

func (a set) meets(b set) bool {
	for i := range min(len(a), len(b)) {
		if a[i]&b[i] != 0 {
			return true
		}
	}
	return false
}

// with is the union, which may take a's memory.
func (a set) with(b set) set {
	for len(a) < len(b) {
		a = append(a, 0)
	}
	for i, w := range b {
		a[i] |= w
	}
	return a
}

// namesMax bounds how many conditions are remembered: a search makes new ones as it goes.
const namesMax = 1 << 16

func remember[K comparable, V any](m *map[K]V, k K, work func() V) V {
	if v, ok := (*m)[k]; ok {
		return v
	}
	v := work()
	if *m == nil {
		*m = map[K]V{}
	}
	if len(*m) < namesMax {
		(*m)[k] = v
	}
	return v
}

func (n *names) key(x expr.Expr) string {
	return remember(&n.keys, x, func() string { return Key(x) })
}

// split is split, with the same branches each time.
func (n *names) split(x expr.Expr) *halves {
	return remember(&n.splits, x, func() *halves {
		cond, branches, _ := split(x)
		return &halves{cond, branches}
	})
}

func (n *names) atom(f Fact) *atom {
	return remember(&n.facts, f, func() *atom {
		if v, ok := constant(f.Cond); ok {
			return &atom{fixed: true, holds: v.True() != f.Not}
		}
		c, ok := claimOf(f)
		if !ok {
			return &atom{subject: n.key(f.Cond), claim: claim{test: pattern{not: f.Not}}}
		}
		return &atom{subject: n.key(c.of), claim: c}
	})
}

// of is the set of subjects that a condition is about. It is read only.
func (n *names) of(x expr.Expr) set {
	return remember(&n.about, x, func() (about set) {
		if n.ids == nil {
			n.ids = map[string]int{}
		}
		keys := map[string]bool{}
		subjectsOf(x, keys)
		for k := range keys {
			id, ok := n.ids[k]
			if !ok {
				id = len(n.ids)
				n.ids[k] = id
			}
			for len(about) <= id/64 {
				about = append(about, 0)
			}
			about[id/64] |= 1 << (id % 64)
		}
		return about
	})
}

// state is what is known on one branch of the search.
type state struct {
	subjects []*subject
}

// subject is an expression that is not looked into, and what it must be.
type subject struct {
	key    string
	in     *state        // that made it or copied it: no other may change it
	lower  bool          // it has no upper case letters
	values []event.Value // it is one of these; nil when it may be anything
	null   int8          // 1: is null, -1: is not
	globs  []pattern
	terms  []pattern // whatever else must be true or false of it, by key

	// What is known where one of several values under a name is enough: values that
	// it has, and claims that none of them meets.
	elements []*subject
	never    []claim
}

type pattern struct {
	key  string
	not  bool
	glob *match.Glob
	test func(event.Value) bool // nil when it cannot be computed for one value
}

// clone shares the subjects until the new state changes them. The old one must not be
// changed while the new one is used.
func (st *state) clone() *state { return &state{slices.Clone(st.subjects)} }

func (s *subject) clone() *subject {
	n := *s
	n.values, n.globs, n.terms, n.never = slices.Clone(s.values), slices.Clone(s.globs), slices.Clone(s.terms), slices.Clone(s.never)
	n.elements = slices.Clone(s.elements)
	for i, e := range n.elements {
		n.elements[i] = e.clone()
	}
	return &n
}

// subject is the one with this key, to be changed.
func (st *state) subject(key string) *subject {
	for i, s := range st.subjects {
		if s.key != key {
			continue
		}
		if s.in != st {
			s = s.clone()
			s.in, st.subjects[i] = st, s
		}
		return s
	}
	s := &subject{key: key, in: st, lower: strings.HasPrefix(strings.ToLower(key), "tolowercase(")}
	st.subjects = append(st.subjects, s)
	return s
}

// holds reports whether the facts, and the choices put off before, can hold in
// some extension of st. It puts off alternatives until nothing else is left, so
// that they meet what is known.
func (s *search) holds(st *state, facts []Fact, choices []*choice) bool {
	todo := slices.Clone(facts)
	for len(todo) > 0 {
		f := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if s.steps--; s.steps < 0 {
			return true
		}
		switch x := f.Cond.(type) {
		case *expr.Const:
			if x.Value.True() == f.Not {
				return false
			}
		case *expr.Not:
			todo = append(todo, Fact{x.X, !f.Not})
		case *expr.And:
			if f.Not {
				choices = append(choices, s.known.choice(f))
			} else {
				todo = append(todo, Fact{x.Y, false}, Fact{x.X, false})
			}
		case *expr.Or:
			if f.Not {
				todo = append(todo, Fact{x.Y, true}, Fact{x.X, true})
			} else {
				choices = append(choices, s.known.choice(f))
			}
		case *expr.If:
			choices = append(choices, s.known.choice(f))
		default:
			if s.known.split(f.Cond).cond != nil {
				choices = append(choices, s.known.choice(f))
				continue
			}
			if !st.learn(s.known.atom(f)) {
				return false
			}
		}
	}
	// Choices that share no subject cannot get in each other's way.
	for _, group := range s.apart.of(choices) {
		if !s.choose(st, group) {
			return false
		}
	}
	return true
}

// choose reports whether each choice can be made, given what is known.
func (s *search) choose(st *state, choices []*choice) bool {
	for _, alternative := range [][]Fact{choices[0].a, choices[0].b} {
		if s.holds(st.clone(), alternative, choices[1:len(choices):len(choices)]) {
			return true
		}
	}
	return false
}

// choice is two ways for a fact to hold.
type choice struct {
	a, b  []Fact
	about set
}

// choice is that of a fact which has two ways to hold. It is read only.
func (n *names) choice(f Fact) *choice {
	return remember(&n.ways, f, func() *choice {
		c := &choice{}
		switch x := f.Cond.(type) {
		case *expr.And: // which does not hold
			c.a, c.b = []Fact{{x.X, true}}, []Fact{{x.X, false}, {x.Y, true}}
		case *expr.Or: // which holds
			c.a, c.b = []Fact{{x.X, false}}, []Fact{{x.X, true}, {x.Y, false}}
		case *expr.If:
			c.a, c.b = []Fact{{x.Cond, false}, {x.Then, f.Not}}, []Fact{{x.Cond, true}, {x.Else, f.Not}}
		default:
			h := n.split(x)
			c.a, c.b = []Fact{{h.cond, false}, {h.branches[0], f.Not}}, []Fact{{h.cond, true}, {h.branches[1], f.Not}}
		}
		for _, facts := range [2][]Fact{c.a, c.b} {
			for _, f := range facts {
				c.about = c.about.with(n.of(f.Cond))
			}
		}
		return c
	})
}

// grouping groups choices by the subjects they are about. It keeps its memory.
type grouping struct {
	groups []group
	next   []int // by choice: the one after it in its group, -1 for none
}

// group is a list of choices, and what they are about.
type group struct {
	first, last int
	about       set
}

func (g *grouping) of(choices []*choice) [][]*choice {
	switch len(choices) {
	case 0:
		return nil
	case 1:
		return [][]*choice{choices}
	}
	groups := g.groups[:0]
	g.next = g.next[:0]
	for i, c := range choices {
		g.next = append(g.next, -1)
		// The memory of the sets goes from group to group with them.
		if len(groups) < cap(groups) {
			groups = groups[:len(groups)+1]
		} else {
			groups = append(groups, group{})
		}
		last := len(groups) - 1
		own := group{i, i, append(groups[last].about[:0], c.about...)}
		kept := 0
		for j := range last {
			if !c.about.meets(groups[j].about) {
				groups[kept], groups[j] = groups[j], groups[kept]
				kept++
				continue
			}
			g.next[groups[j].last] = own.first
			own.first = groups[j].first
			own.about = own.about.with(groups[j].about)
		}
		groups[last] = own
		groups[kept], groups[last] = groups[last], groups[kept]
		groups = groups[:kept+1]
	}
	g.groups = groups
	ordered, lists := make([]*choice, 0, len(choices)), make([][]*choice, 0, len(groups))
	for _, gr := range groups {
		from := len(ordered)
		for i := gr.first; i >= 0; i = g.next[i] {
			ordered = append(ordered, choices[i])
		}
		lists = append(lists, ordered[from:len(ordered):len(ordered)])
	}
	return lists
}

// subjectsOf collects the keys of what a condition is about.
func subjectsOf(x expr.Expr, keys map[string]bool) {
	switch y := x.(type) {
	case *expr.And, *expr.Or, *expr.Not, *expr.If:
		x.Parts(func(p expr.Expr) { subjectsOf(p, keys) })
		return
	case *expr.Const:
		return
	case *expr.Call:
		if strings.EqualFold(y.Name, "isNull") && len(y.Args) == 1 {
			keys[Key(y.Args[0])] = true
			return
		}
	}
	if c, branches, ok := split(x); ok {
		subjectsOf(c, keys)
		subjectsOf(branches[0], keys)
		subjectsOf(branches[1], keys)
		return
	}
	switch y := x.(type) {
	case *expr.Compare:
		if subject, _, _, ok := sides(y); ok {
			keys[Key(subject)] = true
			return
		}
	case *expr.In:
		keys[Key(y.X)] = true
		return
	case *expr.Glob:
		keys[Key(y.X)] = true
		return
	case *expr.Regexp:
		keys[Key(y.X)] = true
		return
	case *expr.IsNull:
		keys[Key(y.X)] = true
		return
	}
	keys[Key(x)] = true
}

// split moves a condition over an if to its branches: if(c, a, b) = k is
// a = k where c holds, and b = k where it does not.
func split(x expr.Expr) (cond expr.Expr, branches [2]expr.Expr, ok bool) {
	with := func(inner expr.Expr, again func(expr.Expr) expr.Expr) bool {
		i, is := inner.(*expr.If)
		if !is {
			return false
		}
		cond, branches, ok = i.Cond, [2]expr.Expr{again(i.Then), again(i.Else)}, true
		return true
	}
	switch x := x.(type) {
	case *expr.Compare:
		_ = with(x.X, func(y expr.Expr) expr.Expr { return &expr.Compare{Op: x.Op, X: y, Y: x.Y, Each: x.Each} }) ||
			with(x.Y, func(y expr.Expr) expr.Expr { return &expr.Compare{Op: x.Op, X: x.X, Y: y} })
	case *expr.In:
		with(x.X, func(y expr.Expr) expr.Expr { return &expr.In{X: y, List: x.List} })
	case *expr.Glob:
		with(x.X, func(y expr.Expr) expr.Expr { return &expr.Glob{X: y, Glob: x.Glob, Each: x.Each} })
	case *expr.Regexp:
		with(x.X, func(y expr.Expr) expr.Expr { return &expr.Regexp{X: y, Re: x.Re, Each: x.Each} })
	case *expr.IsNull:
		with(x.X, func(y expr.Expr) expr.Expr { return &expr.IsNull{X: y, Each: x.Each} })
	}
	return cond, branches, ok
}

// claim is an atomic fact about a subject: that it is one of some values, is null
// or not, or meets a pattern.
type claim struct {
	of     expr.Expr
	values []event.Value
	null   int8
	test   pattern // where the others are not set
	not    bool    // it is the negation of a test
	each   bool    // one of the values under the subject's name is enough
}

// learn adds an atomic fact and reports whether it agrees with what is known.
func (st *state) learn(a *atom) bool {
	if a.fixed {
		return a.holds
	}
	s := st.subject(a.subject)
	if a.claim.each {
		return s.element(a.claim)
	}
	return s.meet(a.claim)
}

func claimOf(f Fact) (c claim, ok bool) {
	switch x := f.Cond.(type) {
	case *expr.Compare:
		if x.Op == expr.Ne {
			return claimOf(Fact{&expr.Compare{Op: expr.Eq, X: x.X, Y: x.Y, Each: x.Each}, !f.Not})
		}
		subject, k, op, ok := sides(x)
		if !ok {
			break
		}
		c = claim{of: subject, not: f.Not, each: x.Each&expr.Values != 0}
		if op == expr.Eq && !f.Not {
			c.values = []event.Value{k}
		} else {
			c.test = pattern{key: Key(f.Cond), not: f.Not, test: func(v event.Value) bool { return expr.Holds(op, v, k) }}
		}
		return c, true
	case *expr.In:
		var values []event.Value
		for _, y := range x.List {
			v, ok := constant(y)
			if !ok {
				values = nil
				break
			}
			values = append(values, v)
		}
		if values == nil {
			break
		}
		c = claim{of: x.X, not: f.Not}
		if !f.Not {
			c.values = values
		} else {
			c.test = pattern{key: Key(f.Cond), not: true, test: func(v event.Value) bool {
				return slices.ContainsFunc(values, func(k event.Value) bool { return expr.Holds(expr.Eq, v, k) })
			}}
		}
		return c, true
	case *expr.Glob:
		return claim{of: x.X, not: f.Not, each: x.Each&expr.Values != 0, test: pattern{key: Key(f.Cond), not: f.Not, glob: x.Glob, test: func(v event.Value) bool {
			return !v.IsNull() && x.Glob.Match(v.Str())
		}}}, true
	case *expr.Regexp:
		return claim{of: x.X, not: f.Not, each: x.Each&expr.Values != 0, test: pattern{key: Key(f.Cond), not: f.Not, test: func(v event.Value) bool {
			ok, err := x.Re.Match(v.Str())
			return err != nil || ok && !v.IsNull()
		}}}, true
	case *expr.IsNull:
		return claim{of: x.X, null: nullness(!f.Not), not: f.Not, each: x.Each&expr.Values != 0}, true
	case *expr.Call:
		if strings.EqualFold(x.Name, "isNull") && len(x.Args) == 1 {
			return claim{of: x.Args[0], null: nullness(!f.Not), not: f.Not}, true
		}
	}
	return claim{}, false
}

func nullness(yes bool) int8 {
	if yes {
		return 1
	}
	return -1
}

// meet adds a claim about the subject, or about one of the values that it has.
func (s *subject) meet(c claim) bool {
	switch {
	case c.values != nil:
		return s.among(c.values)
	case c.null != 0:
		return s.isNull(c.null > 0)
	}
	return s.test(c.test)
}

// element adds a claim that one of several values under a name may meet. What is
// claimed may be of another value than what was claimed before; what is denied is
// denied of all.
func (s *subject) element(c claim) bool {
	if c.not {
		s.never = append(s.never, c)
		for _, e := range s.elements {
			if !e.meet(c) {
				return false
			}
		}
		return true
	}
	e := &subject{key: s.key, lower: s.lower}
	if !e.meet(c) {
		return false
	}
	for _, n := range s.never {
		if !e.meet(n) {
			return false
		}
	}
	s.elements = append(s.elements, e)
	if e.null < 0 { // the field is there
		return s.isNull(false)
	}
	return true
}

// sides returns the side of a comparison that is not constant, the constant,
// and the operator as read from the former.
func sides(x *expr.Compare) (subject expr.Expr, k event.Value, op expr.Op, ok bool) {
	if v, ok := constant(x.Y); ok {
		return x.X, v, x.Op, true
	}
	if v, ok := constant(x.X); ok {
		turned := map[expr.Op]expr.Op{expr.Eq: expr.Eq, expr.Lt: expr.Gt, expr.Le: expr.Ge, expr.Gt: expr.Lt, expr.Ge: expr.Le}
		return x.Y, v, turned[x.Op], true
	}
	return nil, k, 0, false
}

// constant computes an expression that reads no field.
func constant(x expr.Expr) (event.Value, bool) {
	if c, ok := x.(*expr.Const); ok {
		return c.Value, true
	}
	fixed := true
	expr.Walk(x, func(y expr.Expr) bool {
		switch y := y.(type) {
		case *expr.Field:
			fixed = false
		case *expr.Call:
			fixed = fixed && !y.Varies
		case *expr.Const, *expr.If, *expr.And, *expr.Or, *expr.Not, *expr.Compare, *expr.Arith, *expr.Neg,
			*expr.IsNull, *expr.In, *expr.Glob, *expr.GlobOf, *expr.Regexp, *expr.Contains:
		default:
			fixed = false
		}
		return fixed
	})
	if !fixed {
		return event.Value{}, false
	}
	return x.Eval(&expr.Frame{Env: &expr.Env{}}), true
}

// among says that the subject is one of some values.
func (s *subject) among(values []event.Value) bool {
	if s.null > 0 {
		return false
	}
	s.null = -1
	if s.values == nil {
		s.values = slices.Clone(values)
	} else {
		s.values = slices.DeleteFunc(s.values, func(v event.Value) bool {
			return !slices.ContainsFunc(values, func(k event.Value) bool { return expr.Holds(expr.Eq, v, k) })
		})
	}
	s.values = slices.DeleteFunc(s.values, func(v event.Value) bool { return !s.allows(v) })
	return len(s.values) > 0
}

// allows reports whether a value is none that a known pattern or the
// subject's own form (lower case) rules out.
func (s *subject) allows(v event.Value) bool {
	if s.lower && v.Kind() == event.String && strings.ToLower(v.Str()) != v.Str() {
		return false
	}
	for _, ps := range [2][]pattern{s.globs, s.terms} {
		for _, p := range ps {
			if p.test != nil && p.test(v) == p.not {
				return false
			}
		}
	}
	return true
}

func (s *subject) isNull(yes bool) bool {
	want := int8(-1)
	if yes {
		want = 1
	}
	if s.null != 0 && s.null != want || yes && s.values != nil {
		return false
	}
	s.null = want
	return true
}

// test says that a pattern holds of the subject, or does not.
func (s *subject) test(p pattern) bool {
	for _, q := range s.terms {
		if q.key == p.key && q.not != p.not {
			return false
		}
	}
	for _, q := range s.globs {
		if q.key == p.key && q.not != p.not || p.glob != nil && !p.not && !q.not && !together(p.glob, q.glob) {
			return false
		}
	}
	if p.glob != nil {
		if !p.not {
			if s.null > 0 {
				return false
			}
			s.null = -1
		}
		s.globs = append(s.globs, p)
	} else {
		s.terms = append(s.terms, p)
	}
	if s.values == nil {
		return true
	}
	s.values = slices.DeleteFunc(s.values, func(v event.Value) bool { return !s.allows(v) })
	return len(s.values) > 0
}

// together reports whether some text can match both patterns, by what they
// start and end with.
func together(a, b *match.Glob) bool {
	if a.Folds() != b.Folds() {
		return true
	}
	if text, ok := a.Exact(); ok {
		return b.Match(text)
	}
	if text, ok := b.Exact(); ok {
		return a.Match(text)
	}
	first, last, simple := a.Ends()
	first2, last2, simple2 := b.Ends()
	if !simple && !simple2 {
		if first == "" || first2 == "" {
			return true
		}
	}
	if !strings.HasPrefix(first, first2) && !strings.HasPrefix(first2, first) {
		return false
	}
	return strings.HasSuffix(last, last2) || strings.HasSuffix(last2, last) || !simple || !simple2
}

// Key is a text that is equal for equal expressions.
func Key(x expr.Expr) string {
	var b strings.Builder
	writeKey(&b, x)
	return b.String()
}

func writeKey(b *strings.Builder, x expr.Expr) {
	name := ""
	switch x := x.(type) {
	case *expr.Field:
		fmt.Fprintf(b, "#%d", x.Slot)
		return
	case *expr.Const:
		fmt.Fprintf(b, "%d:%q", x.Value.Kind(), x.Value.String())
		return
	case *expr.Call:
		name = x.Name
	case *expr.Compare:
		name = fmt.Sprintf("cmp%d", x.Op)
	case *expr.Arith:
		name = fmt.Sprintf("arith%d", x.Op)
	case *expr.Glob:
		name = fmt.Sprintf("glob%p", x.Glob)
		first, last, simple := x.Glob.Ends()
		if simple {
			name = fmt.Sprintf("glob%q%q", first, last)
		}
	case *expr.Regexp:
		name = fmt.Sprintf("re%p", x.Re)
	case *expr.If, *expr.And, *expr.Or, *expr.Not, *expr.Neg, *expr.IsNull, *expr.In, *expr.GlobOf, *expr.Contains:
		name = fmt.Sprintf("%T", x)
	default:
		fmt.Fprintf(b, "%T%p", x, x)
		return
	}
	b.WriteString(name)
	b.WriteByte('(')
	x.Parts(func(p expr.Expr) {
		writeKey(b, p)
		b.WriteByte(',')
	})
	b.WriteByte(')')
}
