package match

import "slices"

// Automaton tells which of thousands of literals stand in a text, letter case
// aside (as Fold has it), in one pass over the text. It is Aho and Corasick's.
//
// A full table of 6,000 literals from Sigma would be 16 MB and miss the cache at
// every byte. Only the states near the root, where a text spends its time, have
// a row of that table. From the others nearly always one byte leads on: they
// hold just that, and where to try otherwise.
type Automaton struct {
	class   [256]uint8 // kind of byte; 0 for those in no literal
	classes int
	// rows are for the states below wide, one entry for each class: the next
	// state, failing included.
	rows   []uint32
	wide   uint32
	narrow []narrowState // the others
	edges  []edge        // of narrow states that have several
	// hits are the literals that end in a state: ids from first[state] up to
	// first[state+1]. The state's suffixes are included through more.
	first []uint32
	ids   []int32
	more  []uint32 // the longest suffix that ends a literal too; 0 for none
	ends  []bool   // the state, or a suffix of it, ends a literal
	count int
}

// narrowState is a state far from the root.
type narrowState struct {
	fail   uint32
	next   uint32 // by class, or where its edges begin when class is 0
	class  uint8
	degree uint8
}

type edge struct {
	class uint8
	next  uint32
}

// wideDepth is how far from the root states have rows, and wideDegree with how
// many ways on they have them at any depth.
const (
	wideDepth  = 2
	wideDegree = 9
)

// NewAutomaton readies literals; Each names them by their index. Those that are
// empty are never reported.
func NewAutomaton(literals []string) *Automaton {
	a := &Automaton{count: len(literals), classes: 1}
	folded := make([]string, len(literals))
	for i, l := range literals {
		folded[i] = Fold(l)
		for j := range len(folded[i]) {
			if c := folded[i][j]; a.class[c] == 0 {
				a.class[c] = uint8(a.classes)
				a.classes++
			}
		}
	}
	for c := byte('A'); c <= 'Z'; c++ {
		a.class[c] = a.class[lower[c]]
	}
	t := trie{states: []trieState{{}}}
	for i, l := range folded {
		if l != "" {
			t.add(a, l, int32(i))
		}
	}
	t.fail()
	a.lay(&t)
	return a
}

// trie is the literals as a tree, before it is laid out.
type trie struct {
	states []trieState
	order  []uint32 // breadth first
}

type trieState struct {
	edges []edge
	ids   []int32
	fail  uint32
	more  uint32
	depth int
}

func (s *trieState) next(class uint8) (uint32, bool) {
	for _, e := range s.edges {
		if e.class == class {
			return e.next, true
		}
	}
	return 0, false
}

func (t *trie) add(a *Automaton, literal string, id int32) {
	at := uint32(0)
	for i := range len(literal) {
		class := a.class[literal[i]]
		next, ok := t.states[at].next(class)
		if !ok {
			next = uint32(len(t.states))
			t.states = append(t.states, trieState{depth: t.states[at].depth + 1})
			t.states[at].edges = append(t.states[at].edges, edge{class, next})
		}
		at = next
	}
	t.states[at].ids = append(t.states[at].ids, id)
}

// fail finds for every state the longest suffix of it that is a state.
func (t *trie) fail() {
	t.order = append(make([]uint32, 0, len(t.states)), 0)
	for i := 0; i < len(t.order); i++ {
		at := t.order[i]
		for _, e := range t.states[at].edges {
			t.order = append(t.order, e.next)
			if at == 0 {
				continue
			}
			f := t.states[at].fail
			for {
				if next, ok := t.states[f].next(e.class); ok {
					t.states[e.next].fail = next
					break
				}
				if f == 0 {
					break
				}
				f = t.states[f].fail
			}
			s := &t.states[e.next]
			s.more = t.states[s.fail].more
			if len(t.states[s.fail].ids) > 0 {
				s.more = s.fail
			}
		}
	}
}

// lay numbers the states, those with rows first, and fills the tables.
func (a *Automaton) lay(t *trie) {
	var wide, narrow []uint32
	for _, s := range t.order {
		if st := &t.states[s]; st.depth <= wideDepth || len(st.edges) >= wideDegree {
			wide = append(wide, s)
		} else {
			narrow = append(narrow, s)
		}
	}
	a.wide = uint32(len(wide))
	number := make([]uint32, len(t.states))
	for i, s := range append(slices.Clip(wide), narrow...) {
		number[s] = uint32(i)
		st := &t.states[s]
		a.first = append(a.first, uint32(len(a.ids)))
		a.ids = append(a.ids, st.ids...)
	}
	a.first = append(a.first, uint32(len(a.ids)))
	a.more = make([]uint32, len(t.states))
	for s := range t.states {
		a.more[number[s]] = number[t.states[s].more]
	}
	a.ends = make([]bool, len(t.states))
	for s := range a.ends {
		a.ends[s] = a.first[s] != a.first[s+1] || a.more[s] != 0
	}
	a.rows = make([]uint32, len(wide)*a.classes)
	for i, s := range wide { // breadth first: a row that is failed to is filled
		row := a.rows[i*a.classes:][:a.classes]
		for class := range row {
			if next, ok := t.states[s].next(uint8(class)); ok {
				row[class] = number[next]
			} else if s != 0 {
				row[class] = t.step(a, number, t.states[s].fail, uint8(class))
			}
		}
	}
	for _, s := range narrow {
		st := &t.states[s]
		n := narrowState{fail: number[st.fail], degree: uint8(len(st.edges))}
		if len(st.edges) == 1 {
			n.class, n.next = st.edges[0].class, number[st.edges[0].next]
		} else {
			n.next = uint32(len(a.edges))
			for _, e := range st.edges {
				a.edges = append(a.edges, edge{e.class, number[e.next]})
			}
		}
		a.narrow = append(a.narrow, n)
	}
}

// step is where a class leads from a state of the trie, by failing if need be.
func (t *trie) step(a *Automaton, number []uint32, s uint32, class uint8) uint32 {
	for {
		if next, ok := t.states[s].next(class); ok {
			return number[next]
		}
		if s == 0 {
			return 0
		}
		s = t.states[s].fail
	}
}

// Len is the number of literals.
func (a *Automaton) Len() int { return a.count }

// Each calls fn for every literal that stands in s, in order of where it ends;
// a literal that stands in s several times is reported as often.
func (a *Automaton) Each(s string, fn func(id int)) {
	if !ascii(s) {
		s = Fold(s)
	}
	a.scan(s, func(state uint32) bool {
		for ; ; state = a.more[state] {
			for _, id := range a.ids[a.first[state]:a.first[state+1]] {
				fn(int(id))
			}
			if a.more[state] == 0 {
				return true
			}
		}
	})
}

// Any reports whether one of the literals stands in s.
func (a *Automaton) Any(s string) (found bool) {
	if !ascii(s) {
		s = Fold(s)
	}
	a.scan(s, func(uint32) bool { found = true; return false })
	return found
}

// scan calls hit in every state that ends a literal, until it returns false.
func (a *Automaton) scan(s string, hit func(state uint32) bool) {
	state := uint32(0)
	for i := range len(s) {
		class := a.class[s[i]]
		for state >= a.wide {
			n := &a.narrow[state-a.wide]
			if n.degree == 1 {
				if n.class == class {
					state = n.next
					goto moved
				}
			} else {
				for _, e := range a.edges[n.next:][:n.degree] {
					if e.class == class {
						state = e.next
						goto moved
					}
				}
			}
			state = n.fail
		}
		state = a.rows[int(state)*a.classes+int(class)]
	moved:
		if a.ends[state] && !hit(state) {
			return
		}
	}
}

// Bytes is the memory of the tables.
func (a *Automaton) Bytes() int {
	return 4*(len(a.rows)+len(a.first)+len(a.ids)+len(a.more)) + 12*len(a.narrow) + 8*len(a.edges) + len(a.ends)
}
