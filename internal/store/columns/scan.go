package columns

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/input"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/internal/store/message"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// Scan reads groups for one query. It is one goroutine's.
type Scan struct {
	want     *input.Want
	messages *message.Reader

	file  *File
	query query // of file
	buf   buffers
	known rowsOf
	batch event.Batch

	tokens []byte
	text   []byte
	ends   []uint32
	block  []message.Row
	rows   []uint16
	odd    []uint16
	recv   []int64
	taken  map[int]*loaded // columns of the group, by leaf
	conds  []*condition
}

// NewScan makes a Scan of what is wanted. Positions, in want.Only and of the events, are
// as of message.Reader.
func NewScan(want *input.Want) *Scan {
	s := &Scan{want: want, messages: message.NewReader(want), taken: map[int]*loaded{}}
	for _, x := range want.Conditions {
		s.conds = append(s.conds, conditionsOf(x, false)...)
	}
	for _, x := range want.AutoConditions {
		s.conds = append(s.conds, conditionsOf(x, true)...)
	}
	return s
}

// Read reads the group for one query. Who reads many has a Scan.
func (g Group) Read(want *input.Want, next exec.Sink) error { return NewScan(want).Read(g, next) }

// query is what is wanted of a file.
type query struct {
	outs    []out // the fields wanted, where columns have all of them
	byRaw   bool  // columns do not have all that is wanted
	columns bool  // columns may be looked at
	auto    bool  // what is wanted is all there only where the text is an object and nothing more
	times   []event.Slot
	receipt []event.Slot
	whole   []event.Slot // _sourceCategory, where it is given
	tests   []test
	conds   []*condition
	tokens  []tokenNeed
}

// out is a wanted field that a column has.
type out struct {
	slot event.Slot
	leaf int
}

// test is a need that a column can tell of.
type test struct {
	leaf int
	at   expr.Anchor
	any  []string // folded
	auto bool     // of events alone whose text is an object and nothing more
}

// condition is a condition that reads fields alone.
type condition struct {
	run   *expr.Run
	reads []event.Slot
	auto  bool // as of a test
}

// conditionsOf are the operands of an AND that are each true or false whenever they are
// computed.
func conditionsOf(x expr.Expr, auto bool) (out []*condition) {
	if and, ok := x.(*expr.And); ok {
		return append(conditionsOf(and.X, auto), conditionsOf(and.Y, auto)...)
	}
	if !pure(x) {
		return nil
	}
	p := expr.Compile(x)
	if len(p.Reads()) == 0 {
		return nil
	}
	return []*condition{{p.Open(&expr.Env{}), p.Reads(), auto}}
}

// pure reports whether an expression is made of nothing but fields, constants and
// comparisons of them.
func pure(x expr.Expr) bool {
	ok := true
	expr.Walk(x, func(e expr.Expr) bool {
		switch e.(type) {
		case *expr.Field, *expr.Const, *expr.And, *expr.Or, *expr.Not, *expr.Compare, *expr.In, *expr.Glob, *expr.Regexp, *expr.Contains, *expr.IsNull:
		default:
			ok = false
		}
		return ok
	})
	return ok
}

// ask settles what a file has of what is wanted.
func (s *Scan) ask(f *File) {
	w := s.want
	s.file, s.query = f, query{}
	q := &s.query
	if !f.o.NoFilters && f.filters.r != nil {
		q.tokens = tokenNeeds(w, f.given)
	}
	if q.columns = f.current && !f.o.NoColumns && !w.NoMap && !w.Twins; !q.columns {
		q.byRaw = true
		return
	}
	q.byRaw = w.Fields.All || w.Carve
	for _, slot := range w.Fields.Slots() {
		if q.byRaw = q.byRaw || !q.field(f, w, slot); q.byRaw {
			break
		}
	}
	for _, n := range w.Need {
		if n.Slot == event.None || n.Written || n.Given == input.GivenOfNone {
			continue
		}
		if leaf, ok := f.leaves[fieldPrefix+w.Layout.Name(n.Slot)]; ok {
			t := test{leaf: leaf, at: n.At, auto: n.Given == input.GivenOfAuto}
			for _, l := range n.Any {
				t.any = append(t.any, match.Fold(l))
			}
			q.tests = append(q.tests, t)
		}
	}
	for _, c := range s.conds {
		if !slices.ContainsFunc(c.reads, func(slot event.Slot) bool { _, ok := f.leaves[fieldPrefix+w.Layout.Name(slot)]; return !ok }) {
			q.conds = append(q.conds, c)
		}
	}
}

// field adds a wanted field; false where columns do not have it.
func (q *query) field(f *File, w *input.Want, slot event.Slot) bool {
	name := w.Layout.Name(slot)
	if !mapping.Metadata(name) {
		if strings.EqualFold(name, "_raw") {
			q.auto = true
			return w.Fields.OnlyForAuto(slot)
		}
		leaf, ok := f.leaves[fieldPrefix+name]
		q.outs = append(q.outs, out{slot, leaf})
		return ok
	}
	switch lower := strings.ToLower(name); lower {
	case "_messagetime":
		q.times = append(q.times, slot)
	case "_receipttime":
		q.receipt = append(q.receipt, slot)
	case "_sourcecategory", "_sourcehost", "_sourcename", "_collector", "_source":
		if lower == "_sourcecategory" && w.Category != "" {
			q.whole = append(q.whole, slot)
			return true
		}
		q.outs = append(q.outs, out{slot, f.leaves[lower]})
		// An exported message has metadata under the name as it is spelled.
		q.auto = q.auto || !slices.ContainsFunc(metadata, func(m struct{ column, name string }) bool { return m.name == name })
	default:
		return false
	}
	return true
}

// Read pushes the group's events that may matter: a unit of work. Errors are *Damaged, of
// the file system, and of next.
func (s *Scan) Read(g Group, next exec.Sink) error {
	if s.file != g.file {
		s.ask(g.file)
	}
	clear(s.taken)
	w, q, in := s.want, &s.query, &g.file.infos[g.i]
	rows := g.rows()
	if w.Bounded && (in.MinTime == event.NoTime || in.MaxTime < w.From || in.MinTime >= w.To) {
		w.Skip(rows)
		return nil
	}
	live := s.rows[:0]
	var pages []rawPage
	var err error
	if len(q.tokens) > 0 {
		if pages, err = g.rawPages(); err != nil {
			return err
		}
		var may []bool
		may, s.tokens, err = g.file.filters.pages(g.i, len(pages), q.tokens, s.tokens)
		if err != nil {
			g.file.unfiltered(err)
			q.tokens, may = nil, nil
		}
		for i, p := range pages {
			if may == nil || may[i] {
				for r := p.first; r < p.first+p.rows; r++ {
					live = append(live, uint16(r))
				}
			}
		}
	} else {
		for r := range rows {
			live = append(live, uint16(r))
		}
	}
	s.rows = live
	if len(live) == 0 {
		w.Skip(rows)
		return nil
	}
	byRaw := q.byRaw || q.auto && !in.Auto
	odd := s.odd[:0]
	part := w.Bounded && (in.MinTime < w.From || in.MaxTime >= w.To) // of the group: its pages are in order of time
	if q.columns && in.Complete > 0 && (len(q.tests) > 0 || len(q.conds) > 0 || part || !byRaw) {
		complete, err := g.complete(&s.buf)
		if err != nil {
			return err
		}
		if complete != nil {
			kept := live[:0]
			for _, r := range live {
				if complete[r] {
					kept = append(kept, r)
				} else {
					odd = append(odd, r)
				}
			}
			live, s.odd = kept, odd
		}
		if live, err = s.test(g, live); err != nil {
			return err
		}
		if !byRaw {
			ok, err := s.answer(g, live, next)
			if err != nil {
				return err
			}
			if ok {
				w.Skip(rows - len(live) - len(odd))
				live = nil
			}
		}
	}
	live = append(live, odd...)
	if len(live) == 0 {
		if byRaw {
			w.Skip(rows)
		}
		return nil
	}
	if len(odd) > 0 {
		slices.Sort(live)
	}
	if byRaw {
		w.Skip(rows - len(live))
	}
	return s.raw(g, live, pages, next)
}

// unfiltered says what is wrong with the token filters.
func (f *File) unfiltered(err error) {
	f.filters.told.Do(func() {
		if f.o.Told != nil {
			f.o.Told(fmt.Errorf("%s: its token filters cannot be used: %w", f.name, err))
		}
	})
}

// column is a column of the group; nil where it cannot be used.
func (s *Scan) column(g Group, leaf int) (*loaded, error) {
	l, ok := s.taken[leaf]
	if ok {
		return l, nil
	}
	if kindsOf(&g.meta().Columns[leaf].MetaData) != otherKinds {
		var err error
		if l, err = g.text(leaf, &s.buf); err != nil {
			return nil, err
		}
	}
	s.taken[leaf] = l
	return l, nil
}

// test keeps of complete rows those that columns and the time do not rule out.
func (s *Scan) test(g Group, live []uint16) ([]uint16, error) {
	w := s.want
	if in := &g.file.infos[g.i]; w.Bounded && (in.MinTime < w.From || in.MaxTime >= w.To || in.Untimed > 0) && len(live) > 0 {
		var err error
		if s.known.time, err = g.numbers("_messagetime", &s.buf, s.known.time); err != nil {
			return nil, err
		}
		kept := live[:0]
		for _, r := range live {
			if t := s.known.time[r]; t >= w.From && t < w.To && t != event.NoTime {
				kept = append(kept, r)
			}
		}
		live = kept
	}
	for i := range s.query.tests {
		if len(live) == 0 {
			return live, nil
		}
		t := &s.query.tests[i]
		if t.auto && !g.file.infos[g.i].Auto {
			continue
		}
		l, err := s.column(g, t.leaf)
		if err != nil {
			return nil, err
		}
		if l == nil {
			continue
		}
		kept := live[:0]
		if l.plain {
			for _, r := range live {
				if at := l.at[r]; at > 0 && t.holds(l.entry(at)) {
					kept = append(kept, r)
				}
			}
		} else {
			known := make([]int8, len(l.dict)) // 1 it holds, -1 it does not
			known[0] = -1
			for _, r := range live {
				c := l.codes[r]
				if known[c] == 0 {
					known[c] = -1
					if t.holds(l.dict[c]) {
						known[c] = 1
					}
				}
				if known[c] > 0 {
					kept = append(kept, r)
				}
			}
		}
		live = kept
	}
	return s.conditions(g, live)
}

// holds reports whether a value has one of the literals.
func (t *test) holds(v event.Value) bool {
	text := match.Fold(v.Str())
	for _, l := range t.any {
		ok := false
		switch t.at & expr.Whole {
		case expr.Whole:
			ok = text == l
		case expr.AtStart:
			ok = strings.HasPrefix(text, l)
		case expr.AtEnd:
			ok = strings.HasSuffix(text, l)
		default:
			ok = strings.Contains(text, l)
		}
		if ok {
			return true
		}
	}
	return false
}

// conditions keeps the rows for which the conditions hold that columns can be asked.
func (s *Scan) conditions(g Group, live []uint16) ([]uint16, error) {
	for _, c := range s.query.conds {
		if len(live) == 0 {
			break
		}
		if c.auto && !g.file.infos[g.i].Auto {
			continue
		}
		outs := make([]out, 0, len(c.reads))
		usable := true
		for _, slot := range c.reads {
			leaf := g.file.leaves[fieldPrefix+s.want.Layout.Name(slot)]
			l, err := s.column(g, leaf)
			if err != nil {
				return nil, err
			}
			usable = usable && l != nil
			outs = append(outs, out{slot, leaf})
		}
		if !usable {
			continue
		}
		kept := live[:0]
		for len(live) > 0 {
			n := min(len(live), event.MaxRows)
			part := live[:n]
			live = live[n:]
			b := &s.batch
			b.Reset()
			for i := range n {
				b.Live = append(b.Live, uint16(i))
			}
			b.N = n
			for _, o := range outs {
				s.fill(b.Col(o.slot), s.taken[o.leaf], part)
			}
			for _, i := range c.run.Keep(b, b.Live) {
				kept = append(kept, part[i])
			}
		}
		live = kept
	}
	return live, nil
}

// fill makes a batch's column of some rows.
func (s *Scan) fill(col *event.Column, l *loaded, rows []uint16) {
	if l.plain {
		col.Reset()
		for i, r := range rows {
			if at := l.at[r]; at > 0 {
				col.Set(uint16(i), l.entry(at))
			}
		}
		return
	}
	*col = event.Column{Dict: l.dict}
	if first, last := rows[0], rows[len(rows)-1]; int(last-first) == len(rows)-1 {
		col.Code = l.codes[first : int(last)+1 : int(last)+1]
	} else {
		codes := make([]uint16, len(rows))
		for i, r := range rows {
			codes[i] = l.codes[r]
		}
		col.Code = codes
	}
	col.Lend(l.gen)
}

// answer pushes rows, all of them complete, by their columns; false where some column
// cannot be used.
func (s *Scan) answer(g Group, live []uint16, next exec.Sink) (ok bool, err error) {
	if len(live) == 0 {
		return true, nil
	}
	q := &s.query
	for _, o := range q.outs {
		if kindsOf(&g.meta().Columns[o.leaf].MetaData) == otherKinds {
			return false, nil
		}
	}
	for _, o := range q.outs {
		if _, err := s.column(g, o.leaf); err != nil {
			return false, err
		}
	}
	k := &s.known
	if k.seq, err = g.numbers("_seq", &s.buf, k.seq); err != nil {
		return false, err
	}
	if k.time, err = g.numbers("_messagetime", &s.buf, k.time); err != nil {
		return false, err
	}
	if k.receipt, err = g.numbers("_receipttime", &s.buf, k.receipt); err != nil {
		return false, err
	}
	if only := s.want.Only; only != nil {
		kept := live[:0]
		for _, r := range live {
			if only(uint64(k.seq[r])) {
				kept = append(kept, r)
			}
		}
		live = kept
	}
	for len(live) > 0 {
		n := min(len(live), event.MaxRows)
		part := live[:n]
		live = live[n:]
		if err := s.push(g, part, next); err != nil {
			return false, err
		}
	}
	return true, nil
}

// push pushes a batch of rows.
func (s *Scan) push(g Group, rows []uint16, next exec.Sink) error {
	q, k, b := &s.query, &s.known, &s.batch
	b.Reset()
	b.Auto = g.file.infos[g.i].Auto
	differ := false
	s.recv = s.recv[:0]
	for _, r := range rows {
		b.AddRow(k.time[r], uint64(k.seq[r]))
		at := k.receipt[r]
		if at == 0 {
			at = k.time[r]
		}
		differ = differ || at != k.time[r]
		s.recv = append(s.recv, at)
	}
	if differ {
		b.Receipt = s.recv
	}
	for _, o := range q.outs {
		s.fill(b.Col(o.slot), s.taken[o.leaf], rows)
	}
	moments := func(slots []event.Slot, of []int64) {
		for _, slot := range slots {
			col := b.Col(slot)
			col.Reset()
			for i, ms := range of {
				if ms != event.NoTime {
					col.Set(uint16(i), event.Int(ms))
				}
			}
		}
	}
	moments(q.times, b.Time)
	moments(q.receipt, s.recv)
	for _, slot := range q.whole {
		b.Col(slot).Fill(b.N, event.Text(s.want.Category))
	}
	return next.Push(b)
}

// raw reads rows from their messages.
func (s *Scan) raw(g Group, live []uint16, pages []rawPage, next exec.Sink) (err error) {
	if pages == nil {
		if pages, err = g.rawPages(); err != nil {
			return err
		}
	}
	if err := g.rowsOf(&s.buf, &s.known); err != nil {
		return err
	}
	for _, p := range pages {
		n := 0
		for n < len(live) && int(live[n]) < p.first+p.rows {
			n++
		}
		if n == 0 {
			continue
		}
		if s.text, s.ends, err = g.messages(p, &s.buf, s.text, s.ends); err != nil {
			return err
		}
		s.block = s.block[:0]
		for _, r := range live[:n] {
			i := int(r) - p.first
			s.block = append(s.block, s.known.row(int(r), s.text[s.ends[i]:s.ends[i+1]:s.ends[i+1]]))
		}
		live = live[n:]
		if err := s.messages.Read(s.block, next); err != nil {
			return err
		}
	}
	return nil
}
