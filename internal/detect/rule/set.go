package rule

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// Set is conditions compiled for one pass. Open makes what one worker needs.
type Set struct {
	layout *event.Layout
	rules  []*Rule // of Sigma, by number; nil where the conditions are not theirs
	conds  []condition
	// The values of these fields, at most routesMax, say which conditions may hold at
	// all: route lists them, ascending; nil is all.
	routes    []event.Slot
	route     func(values []event.Value) []int32
	raw, text event.Slot // the event, and what keywords are looked for in; None without keywords

	indexed   []bool         // by rule: it has needs; the others are candidates of every event of their log source
	slotsOf   [][]event.Slot // by rule: of its needs
	index     []slotIndex
	slotIndex map[event.Slot]int

	nodes  []atomic.Pointer[node] // by rule; see node
	broken []atomic.Bool          // by rule: its condition has panicked
	bugs   []error                // of those

	reached atomic.Int64 // events that a rule may be about

	metBy sync.Mutex
	met   []uint64 // bits, by rule: an event of its log source was met

	mu       sync.Mutex // of what is made when it is first asked for
	atoms    map[expr.Expr]*atom
	searches []*keywords
}

// condition is what a rule asks of an event.
type condition struct {
	x        expr.Expr
	keywords bool // and what stands anywhere in the event
	routed   bool // it reads a field that routes
}

// routesMax is how many fields can route.
const routesMax = 4

// Compile readies Sigma rules for one pass.
func Compile(sc *Scope, rules []*Rule) *Set {
	s := &Set{layout: sc.Layout, routes: []event.Slot{sc.channel, sc.provider, sc.id}, raw: sc.raw, text: sc.text}
	var from sources
	for _, r := range rules {
		if r.cond == nil {
			continue
		}
		from.add(int32(len(s.rules)), r)
		s.rules = append(s.rules, r)
		s.conds = append(s.conds, condition{r.cond, r.keywords, slices.ContainsFunc(r.Fields, s.isRoute)})
	}
	s.route = func(values []event.Value) []int32 {
		channel, provider, id := values[0], values[1], values[2]
		return slices.DeleteFunc(from.of(channel, provider, id), func(i int32) bool { return !s.rules[i].in(channel, provider, id) })
	}
	s.build()
	return s
}

// CompileConditions readies conditions on the fields of a layout. routes are fields
// whose values tell most conditions apart, as an event id does: at most four.
func CompileConditions(l *event.Layout, routes []event.Slot, conds []expr.Expr) *Set {
	s := &Set{layout: l, routes: routes[:min(len(routes), routesMax)], raw: event.None, text: event.None}
	for _, x := range conds {
		s.conds = append(s.conds, condition{x: x, routed: slices.ContainsFunc(expr.Slots(x), s.isRoute)})
	}
	s.build()
	return s
}

// Rules are the rules with a condition, by the number that Match gives them.
func (s *Set) Rules() []*Rule { return s.rules }

// meet notes the rules that events of a class may match.
func (s *Set) meet(rules []uint64) {
	s.metBy.Lock()
	defer s.metBy.Unlock()
	if s.met == nil {
		s.met = make([]uint64, len(rules))
	}
	for i, bits := range rules {
		s.met[i] |= bits
	}
}

// Met reports whether an event of a rule's log source was met.
func (s *Set) Met(r *Rule) bool {
	s.metBy.Lock()
	defer s.metBy.Unlock()
	for i, x := range s.rules {
		if x == r && i>>6 < len(s.met) {
			return s.met[i>>6]&(1<<(i&63)) != 0
		}
	}
	return false
}

// Reached is how many of the events matched so far are of the log source of a rule.
func (s *Set) Reached() int64 { return s.reached.Load() }

// Fed are what correlations read of the events that they are made of.
func (s *Set) Fed() event.Fields {
	var f event.Fields
	for _, r := range s.rules {
		for _, to := range r.feeds {
			f.Add(to.groups...)
			f.Add(to.values...)
		}
	}
	return f
}

// Fields are what the rules read of an event.
func (s *Set) Fields() event.Fields {
	var f event.Fields
	f.Add(s.routes...)
	for _, r := range s.rules {
		f.Add(r.Fields...)
		if r.keywords {
			f.Add(s.raw)
		}
		for _, d := range r.feeds {
			f.Add(d.groups...)
			f.Add(d.values...)
		}
	}
	return f
}

// Stats says how the index is made up.
type Stats struct {
	Rules, Unindexed, Atoms, Literals int
	Bytes                             int // of the index
}

// Stats counts what the set consists of.
func (s *Set) Stats() Stats {
	st := Stats{Rules: len(s.conds)}
	for i, ok := range s.indexed {
		s.node(i)
		if !ok {
			st.Unindexed++
		}
	}
	st.Atoms = len(s.atoms)
	for _, x := range s.index {
		st.Literals += x.literals.Len()
		st.Bytes += x.literals.Bytes()
	}
	return st
}

// Run is a Set in the hands of one worker.
type Run struct {
	set    *Set
	env    *expr.Env
	single *expr.Single
	wide   map[*node]*expr.Run

	batch uint64

	values    []values // by slot
	lastID    uint64
	verdicts  []verdict
	ofNull    []truth // by atom; isOpen, or missing, when it was not computed yet
	held      int     // bytes of the values that are kept
	heldMax   int
	texts     []byte
	keptHits  []int32
	batchHits []int32
	hits      []int32
	seen      []uint64 // by rule: stamp of the value it was last found in
	stamp     uint64

	byName  map[string]*class
	key     []byte // of byName
	byCode  map[[routesMax]uint16]*class
	known   []event.Value // of the fields that route
	classes []*class      // by row of the batch's live rows
	rows    [][]uint16    // by rule: candidates
	some    []int32       // rules that have candidates

	// Candidates counts what the index let through.
	Candidates int64
}

// Open readies the set for one worker.
func (s *Set) Open(env *expr.Env) *Run {
	return &Run{
		set: s, env: env, single: expr.NewSingle(env), wide: map[*node]*expr.Run{},
		values: make([]values, s.layout.Len()), heldMax: valuesBytesMax, verdicts: make([]verdict, 1<<verdictBits),
		seen:   make([]uint64, len(s.conds)),
		byName: map[string]*class{}, byCode: map[[routesMax]uint16]*class{}, rows: make([][]uint16, len(s.conds)),
		known: make([]event.Value, len(s.routes)),
	}
}

// Match calls found for every rule that some of the batch's live rows match,
// with those rows, ascending. Rows belong to the Run.
func (r *Run) Match(b *event.Batch, found func(rule int, rows []uint16) error) error {
	r.batch++
	r.batchHits = r.batchHits[:0]
	if r.held > r.heldMax {
		r.forget()
	}
	r.some = r.some[:0]
	r.classes = r.classes[:0]
	clear(r.byCode)
	if r.set.text != event.None {
		b.Col(r.set.text)
	}
	for _, s := range r.set.routes {
		b.Col(s)
	}
	var routes [routesMax]*event.Column
	for i, s := range r.set.routes {
		routes[i] = &b.Cols[s]
	}
	for _, row := range b.Live {
		var key [routesMax]uint16
		for i := range r.set.routes {
			key[i] = code(routes[i], row)
		}
		c := r.byCode[key]
		if c == nil {
			for i := range r.set.routes {
				r.known[i] = routes[i].At(row)
			}
			c = r.class(r.known)
			r.byCode[key] = c
		}
		if c.keywords != nil && c.keywords.mayStand(b.Value(r.set.raw, row).Str()) {
			r.readText(b, row)
		}
		r.classes = append(r.classes, c)
	}
	reached := int64(0)
	for i, row := range b.Live {
		c := r.classes[i]
		if c.some {
			reached++
		}
		for _, rule := range c.always {
			r.candidate(rule, row)
		}
		for _, i := range c.slots {
			x := &r.set.index[i]
			if int(x.slot) >= len(b.Cols) {
				continue
			}
			col := &b.Cols[x.slot]
			if int(row) >= len(col.Code) || col.Code[row] == 0 {
				continue
			}
			for _, rule := range r.candidates(x, col, col.Code[row]) {
				if c.rules[rule>>6]&(1<<(rule&63)) != 0 {
					r.candidate(rule, row)
				}
			}
		}
	}
	r.set.reached.Add(reached)
	slices.Sort(r.some) // what is found comes in the order of the rules
	for _, rule := range r.some {
		rows := r.rows[rule]
		r.Candidates += int64(len(rows))
		if r.set.conds[rule].keywords {
			for _, row := range rows {
				r.readText(b, row)
			}
		}
		kept := r.matching(int(rule), b, rows)
		r.rows[rule] = rows[:0]
		if len(kept) > 0 {
			if err := found(int(rule), kept); err != nil {
				return err
			}
		}
	}
	return nil
}

// matching keeps the rows that match a rule, in place. A rule whose condition panics is
// left out from then on; the others go on.
func (r *Run) matching(rule int, b *event.Batch, rows []uint16) (kept []uint16) {
	if r.set.broken[rule].Load() {
		return nil
	}
	defer func() {
		if p := recover(); p != nil {
			kept = nil
			bug := exec.Panicked(p, "conditions")
			if r.set.rules == nil {
				panic(bug) // whoever gave the conditions knows what they are of
			}
			r.set.failed(rule, bug)
		}
	}()
	kept = rows[:0]
	n := r.set.node(rule)
	for _, row := range rows {
		if r.holds(n, b, row) {
			kept = append(kept, row)
		}
	}
	return kept
}

// failed notes that a rule has panicked.
func (s *Set) failed(rule int, bug *exec.Bug) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.broken[rule].Swap(true) {
		bug.Query = "the Sigma rule " + strconv.Quote(s.rules[rule].Title)
		s.bugs = append(s.bugs, bug)
	}
}

// Failures are the bugs that have stopped rules of the set, in the order in which they
// came, without the first of them that are known.
func (s *Set) Failures(known int) []error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.bugs[min(known, len(s.bugs)):])
}

func code(c *event.Column, row uint16) uint16 {
	if int(row) < len(c.Code) {
		return c.Code[row]
	}
	return 0
}

// candidate notes that a row may match a rule.
func (r *Run) candidate(rule int32, row uint16) {
	rows := r.rows[rule]
	switch {
	case len(rows) == 0:
		r.some = append(r.some, rule)
	case rows[len(rows)-1] == row:
		return
	}
	r.rows[rule] = append(rows, row)
}

// lend is bytes as text that lasts as long as they do.
func lend(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// bytesOf is text as bytes, to be read only.
func bytesOf(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// readText makes the text in which keywords are looked for: the texts of all
// fields of the event, a line each.
func (r *Run) readText(b *event.Batch, row uint16) {
	raw := b.Value(r.set.raw, row)
	if raw.IsNull() || !b.Value(r.set.text, row).IsNull() {
		return
	}
	var text []byte
	err := jsondoc.Flatten(bytesOf(raw.Str()), jsondoc.FlattenOptions{ExtractArrays: true}, func(_ []byte, v jsondoc.Value) {
		if len(text) > 0 {
			text = append(text, '\n')
		}
		text = v.AppendText(text)
	})
	if err != nil { // no JSON: the message is the text
		text = append(text[:0], raw.Str()...)
	}
	b.Col(r.set.text).Set(row, event.Text(string(text)))
}
