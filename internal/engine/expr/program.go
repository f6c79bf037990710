package expr

import (
	"slices"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Program is an expression made ready to run over batches. It is read-only;
// Open makes what one worker needs.
type Program struct {
	root  Expr
	reads []event.Slot
	memos []event.Slot // of each memoized part: the field it reads
	onces map[*Once]*onceARow
	fixed bool // reads nothing and never varies: one value for all rows
}

// Compile readies an expression.
func Compile(x Expr) *Program {
	p := &Program{reads: Slots(x)}
	p.fixed = len(p.reads) == 0 && !varies(x)
	p.root = p.memoize(x)
	return p
}

// Reads returns the fields the expression reads.
func (p *Program) Reads() []event.Slot { return p.reads }

// memoize wraps every largest part of the tree that reads exactly one field, so
// that it is computed once per distinct value.
func (p *Program) memoize(x Expr) Expr {
	switch x := x.(type) {
	case *Field, *Const:
		return x
	case *Once:
		return p.once(x)
	}
	if slot, ok := onlySlot(x); ok && !varies(x) {
		p.memos = append(p.memos, slot)
		return &memoized{X: x, slot: slot, id: len(p.memos) - 1}
	}
	return Rebuild(x, p.memoize)
}

// onlySlot is the one field that an expression reads; false for none and for
// several. It looks no further than at the second: every node of a tree is asked.
func onlySlot(x Expr) (slot event.Slot, ok bool) {
	several := false
	note := func(s event.Slot) {
		several = several || ok && s != slot
		slot, ok = s, true
	}
	Walk(x, func(e Expr) bool {
		if f, isField := e.(*Field); isField {
			note(f.Slot)
		}
		if r, isReader := e.(Reader); isReader {
			for _, s := range r.Reads() {
				note(s)
			}
		}
		return !several
	})
	return slot, ok && !several
}

// Rebuild copies a node with its operands replaced.
func Rebuild(x Expr, f func(Expr) Expr) Expr {
	all := func(xs []Expr) []Expr {
		out := make([]Expr, len(xs))
		for i, y := range xs {
			out[i] = f(y)
		}
		return out
	}
	switch x := x.(type) {
	case *Call:
		c := *x
		c.Args = all(x.Args)
		return &c
	case *If:
		return &If{f(x.Cond), f(x.Then), f(x.Else)}
	case *And:
		return &And{f(x.X), f(x.Y)}
	case *Or:
		return &Or{f(x.X), f(x.Y)}
	case *Not:
		return &Not{f(x.X)}
	case *Compare:
		return &Compare{x.Op, f(x.X), f(x.Y), x.Each}
	case *Arith:
		return &Arith{x.Op, f(x.X), f(x.Y)}
	case *Neg:
		return &Neg{f(x.X)}
	case *IsNull:
		return &IsNull{f(x.X), x.Each}
	case *Once:
		return f(x.X) // a copy for each place: what is alike may not be so any more
	case *In:
		return &In{f(x.X), all(x.List)}
	case *Glob:
		return &Glob{f(x.X), x.Glob, x.Each}
	case *GlobOf:
		return &GlobOf{f(x.X), f(x.Pattern)}
	case *Regexp:
		return &Regexp{f(x.X), x.Re, x.Each}
	case *Contains:
		return &Contains{f(x.X), f(x.Y)}
	}
	return x // a node of another package: left whole
}

// memoized computes X once per code of one column's dictionary.
type memoized struct {
	X    Expr
	slot event.Slot
	id   int
}

// memo is what one worker has computed for a dictionary: that of the current
// batch, and of those before it where they are of the same Gen.
type memo struct {
	vals   []event.Value
	done   []bool
	order  []uint16 // codes that are done
	gen    uint64
	turn   int  // how many times it began anew
	warned bool // something was counted, as it has to be anew for each batch
}

// start readies the memo for a batch.
func (m *memo) start(gen uint64) {
	if gen == 0 || gen != m.gen || m.warned {
		clear(m.done)
		m.order, m.gen, m.warned = m.order[:0], gen, false
		m.turn++
	}
}

func (x *memoized) Parts(each func(Expr)) { each(x.X) }

func (x *memoized) Eval(f *Frame) event.Value {
	if f.only {
		return x.X.Eval(f)
	}
	var col *event.Column
	if int(x.slot) < len(f.b.Cols) {
		col = &f.b.Cols[x.slot]
	}
	code := uint16(0)
	if col != nil && int(f.row) < len(col.Code) {
		code = col.Code[f.row]
	}
	m := &f.memos[x.id]
	if int(code) >= len(m.done) || !m.done[code] {
		x.compute(f, m, col, code)
	}
	return m.vals[code]
}

func (x *memoized) compute(f *Frame, m *memo, col *event.Column, code uint16) {
	for int(code) >= len(m.done) {
		m.done = append(m.done, false)
		m.vals = append(m.vals, event.Value{})
	}
	var v event.Value
	if col != nil && len(col.Dict) > int(code) {
		v = col.Dict[code]
	}
	f.warned = false
	m.vals[code], m.done[code] = x.X.Eval(f.single(v)), true
	m.order = append(m.order, code)
	m.warned = m.warned || f.warned
}

// Run is a Program in the hands of one worker.
type Run struct {
	p     *Program
	frame Frame
	out   event.Column
	small *[64]smallEntry // nil until Column needs it: most runs are conditions
	parts []*Run          // of an And, run one after the other by Keep

	// Of out, where it stays from batch to batch: the turn of the memo that it is
	// made of, how much of the memo it has, how much higher its codes are, and its
	// own Gen.
	turn, has int
	higher    uint16
	own       uint64
}

// smallEntry remembers the code given to a number or boolean.
type smallEntry struct {
	v    event.Value
	code uint16
}

// Open readies p for one worker.
func (p *Program) Open(env *Env) *Run {
	r := &Run{p: p}
	r.frame.Env = r.watched(env)
	if a, ok := p.root.(*And); ok {
		part := func(x Expr) *Run { return (&Program{root: x, memos: p.memos, onces: p.onces}).Open(env) }
		r.parts = []*Run{part(a.X), part(a.Y)}
	}
	return r
}

// watched is env where r learns of what is counted.
func (r *Run) watched(env *Env) *Env {
	if env == nil || env.Warn == nil {
		return env
	}
	e := *env
	e.Warn = func(kind, detail string) {
		r.frame.warned = true
		env.Warn(kind, detail)
	}
	return &e
}

func (r *Run) start(b *event.Batch) {
	r.frame.b = b
	if r.frame.memos == nil { // a run that has met no event has no memory of any
		r.frame.memos, r.frame.onces = make([]memo, len(r.p.memos)), make([]rowValue, len(r.p.onces))
	}
	for i, slot := range r.p.memos {
		gen := uint64(0)
		if int(slot) < len(b.Cols) {
			gen = b.Cols[slot].Gen
		}
		r.frame.memos[i].start(gen)
	}
	clear(r.frame.onces)
}

// Keep keeps those of rows for which the expression is true, in place and in
// order.
func (r *Run) Keep(b *event.Batch, rows []uint16) []uint16 {
	if r.parts != nil {
		return r.parts[1].Keep(b, r.parts[0].Keep(b, rows))
	}
	if len(rows) == 0 {
		return rows
	}
	r.start(b)
	f := &r.frame
	out := rows[:0]
	if r.p.fixed {
		if !f.eval(r.p.root).True() {
			return out
		}
		return rows
	}
	if m, ok := r.p.root.(*memoized); ok {
		return r.keepMemo(m, b, rows, out)
	}
	for _, row := range rows {
		f.row = row
		if f.eval(r.p.root).True() {
			out = append(out, row)
		}
	}
	return out
}

func (f *Frame) eval(x Expr) event.Value { return x.Eval(f) }

// keepMemo is Keep for a condition on one field: a look at the codes.
func (r *Run) keepMemo(x *memoized, b *event.Batch, rows, out []uint16) []uint16 {
	var col event.Column
	if int(x.slot) < len(b.Cols) {
		col = b.Cols[x.slot]
	}
	m := &r.frame.memos[x.id]
	for len(m.done) < max(len(col.Dict), 1) {
		m.done = append(m.done, false)
		m.vals = append(m.vals, event.Value{})
	}
	for _, row := range rows {
		code := uint16(0)
		if int(row) < len(col.Code) {
			code = col.Code[row]
		}
		if !m.done[code] {
			x.compute(&r.frame, m, &col, code)
		}
		if m.vals[code].True() {
			out = append(out, row)
		}
	}
	return out
}

// Column computes the expression for rows. The result is good until the next
// call; other rows of it are null. dropped reports that some row's value is
// event.Drop.
func (r *Run) Column(b *event.Batch, rows []uint16) (out *event.Column, dropped bool) {
	r.start(b)
	if r.p.fixed {
		v := r.frame.eval(r.p.root)
		r.out.Fill(b.N, v)
		return &r.out, v.IsDrop() && len(rows) > 0
	}
	switch x := r.p.root.(type) {
	case *Field:
		return b.Col(x.Slot), false
	case *memoized:
		return r.columnMemo(x, b, rows)
	}
	out = &r.out
	out.Reset()
	if r.small == nil {
		r.small = new([64]smallEntry)
	}
	clear(r.small[:])
	if n := len(rows); n > 0 {
		out.Set(rows[n-1], event.Value{})
	}
	for _, row := range rows {
		r.frame.row = row
		v := r.frame.eval(r.p.root)
		dropped = dropped || v.IsDrop()
		r.set(row, v)
	}
	return out, dropped
}

// set gives a row its value, sharing the entries of equal small values.
func (r *Run) set(row uint16, v event.Value) {
	if v.Kind() == event.String || v.IsNull() {
		r.out.Set(row, v)
		return
	}
	_, bits, _ := v.Parts()
	e := &r.small[(bits*0x9E3779B97F4A7C15)>>58]
	if e.code == 0 || e.v != v {
		*e = smallEntry{v, r.out.Put(v)}
	}
	r.out.SetCode(row, e.code)
}

// columnMemo maps a dictionary: the result has the codes of its source, or those
// above them where the field's null has a value here (isNull, concat), which needs
// an entry of its own, since entry 0 is null.
func (r *Run) columnMemo(x *memoized, b *event.Batch, rows []uint16) (*event.Column, bool) {
	src := b.Col(x.slot)
	m := &r.frame.memos[x.id]
	for len(m.done) < len(src.Dict) {
		m.done = append(m.done, false)
		m.vals = append(m.vals, event.Value{})
	}
	ofNull, dropped := false, false
	for _, row := range rows {
		code := uint16(0)
		if int(row) < len(src.Code) {
			code = src.Code[row]
		}
		if !m.done[code] {
			x.compute(&r.frame, m, src, code)
		}
		dropped = dropped || m.vals[code].IsDrop()
		ofNull = ofNull || code == 0
	}
	higher := uint16(0)
	if ofNull && !m.vals[0].IsNull() {
		higher = 1
	}
	out := &r.out
	if stays := src.Gen != 0 && !m.warned; !stays || m.turn != r.turn || higher != r.higher {
		out.Reset()
		r.turn, r.has, r.higher, r.own = m.turn, 0, higher, 0
		if stays {
			r.own = event.NewGen()
		}
	}
	out.Follow(src, int(higher))
	for _, code := range m.order[r.has:] {
		out.Dict[code+higher] = m.vals[code]
	}
	r.has = len(m.order)
	if higher > 0 && len(rows) > 0 {
		out.SetCode(slices.Max(rows), 0)
		for _, row := range rows {
			code := uint16(0)
			if int(row) < len(src.Code) {
				code = src.Code[row]
			}
			out.Code[row] = code + higher
		}
	}
	out.Gen = r.own
	return out, dropped
}

// Value computes the expression for one row.
func (r *Run) Value(b *event.Batch, row uint16) event.Value {
	r.start(b)
	r.frame.row = row
	return r.frame.eval(r.p.root)
}

// Single computes expressions that read one field for values of that field. It
// is one goroutine's.
type Single struct{ frame Frame }

// NewSingle makes a Single.
func NewSingle(env *Env) *Single { return &Single{Frame{Env: env, only: true}} }

// True reports whether x is true of a value of the field that it reads. fold
// says that x compares many patterns with the value.
func (s *Single) True(x Expr, v event.Value, fold bool) bool {
	f := &s.frame
	f.val, f.fold, f.known = v, fold, false
	return x.Eval(f).True()
}
