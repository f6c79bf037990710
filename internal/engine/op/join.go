package op

import (
	"errors"
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "join", Usage: "join <tables:(<child:query> as <name:name>),...> on <cond:expr> [timewindow <within:duration>]",
		Summary: "Pairs the rows of queries over the same messages where fields are equal.",
		Text: "Each query in parentheses works on the messages that reach `join`; a search expression in it is passed over. " +
			"Conditions are equalities joined by `and`; they compare text, and null equals nothing. A row without a partner is gone. " +
			"The field `a` of table `t1` is then `t1_a`, `_timeslice` is `t1__timeslice`; a name that only one table has works without its prefix. " +
			"`_raw` and `_messageTime` do not survive: put `timeslice` before. `timewindow 5m` keeps pairs at most so far apart in time. " +
			"Rows come in the order of the first table. Rows beyond the memory budget go to disk.",
		Differs: "OP-41 (names), OP-42 (order). There is no limit of rows for each table. With three tables or more, `timewindow` counts from the first.",
		Examples: []lang.Example{
			{Query: `* | join (parse "start *" as a) as t1, (parse "search * of *" as b, c) as t2 on t1.a = t2.c | fields t1_a, t2_b`, In: []string{"start s1", "start s2", "search q1 of s1"}, Out: []string{`{"t1_a":"s1","t2_b":"q1"}`}},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Makes, Costly: true},
	New:   func() lang.Stage { return new(join) },
})

type join struct {
	Tables []joinTable      `usage:"tables"`
	On     syntax.Expr      `usage:"cond"`
	Within *syntax.Duration `usage:"within"`

	layout    *event.Layout
	conds     []joinCond
	key, side event.Slot   // hidden: text of the key, and which side of a step a row is
	seq       []event.Slot // hidden: number of the row in each table
}

// joinTable is one query of a join.
type joinTable struct {
	Child *syntax.Query `usage:"child"`
	Name  string        `usage:"name"`

	pipe   *lang.Pipe
	fields []joinField // wanted of it
}

// joinField is a field of a table and the field it comes out as.
type joinField struct{ from, to event.Slot }

// joinCond is an equality between a table and one before it.
type joinCond struct {
	table, other   int // other < table
	field, partner event.Slot
}

func (j *join) Check(sc *lang.Scope) {
	j.layout = sc.Layout
	j.key, j.side = hidden(sc, "key"), hidden(sc, "side")
	var cols []lang.Column
	bare := map[string]int{}
	seen := map[string]bool{}
	var scopes []*lang.Scope
	for i := range j.Tables {
		t := &j.Tables[i]
		j.seq = append(j.seq, hidden(sc, fmt.Sprintf("seq%d", i)))
		if k := strings.ToLower(t.Name); seen[k] {
			sc.Error(sc.Stage(), "duplicate-table", "two tables are named "+t.Name, "name one of them otherwise")
		} else {
			seen[k] = true
		}
		var child *lang.Scope
		t.pipe, child = sc.Child(t.Child)
		scopes = append(scopes, child)
		for _, c := range child.Known() {
			cols = append(cols, lang.Column{Slot: sc.Slot(t.Name + "_" + c.Name), Name: t.Name + "_" + c.Name})
			bare[strings.ToLower(c.Name)]++
		}
	}
	j.conditions(sc, scopes, j.On)
	for i := 1; i < len(j.Tables); i++ {
		linked := false
		for _, c := range j.conds {
			linked = linked || c.table == i
		}
		if !linked && len(j.conds) > 0 {
			sc.Error(j.On, "table-not-joined", "no condition joins "+j.Tables[i].Name+" with a table before it", fmt.Sprintf("add such as and %s.field = %s.field", j.Tables[0].Name, j.Tables[i].Name))
		}
	}
	if len(j.Tables) < 2 {
		sc.Error(sc.Stage(), "one-table", "a join has at least two tables", "write join (...) as t1, (...) as t2 on t1.a = t2.b")
	}
	sc.Records(cols...)
	for i := range j.Tables {
		name := j.Tables[i].Name
		sc.Admit(name + "_")
		for _, c := range scopes[i].Known() {
			to := sc.Slot(name + "_" + c.Name)
			sc.Alias(name+"."+c.Name, to)
			if bare[strings.ToLower(c.Name)] == 1 {
				sc.Alias(c.Name, to)
			}
		}
	}
}

// conditions reads the equalities of on.
func (j *join) conditions(sc *lang.Scope, scopes []*lang.Scope, x syntax.Expr) {
	switch x := x.(type) {
	case *syntax.Paren:
		j.conditions(sc, scopes, x.X)
		return
	case *syntax.Binary:
		if x.Op == "and" {
			j.conditions(sc, scopes, x.X)
			j.conditions(sc, scopes, x.Y)
			return
		}
		a, okA := x.X.(*syntax.Field)
		b, okB := x.Y.(*syntax.Field)
		if x.Op == "=" && okA && okB {
			i, s := j.side1(sc, scopes, a)
			k, t := j.side1(sc, scopes, b)
			switch {
			case i < 0 || k < 0:
			case i == k:
				sc.Error(x, "join-within-table", "both sides are of the table "+j.Tables[i].Name, "compare fields of two tables")
			case i > k:
				j.conds = append(j.conds, joinCond{i, k, s, t})
			default:
				j.conds = append(j.conds, joinCond{k, i, t, s})
			}
			return
		}
	}
	sc.Error(x, "bad-join-condition", "tables are joined by equalities of their fields, with and between them", "write such as t1.a = t2.b and t1.c = t2.d; filter with where after the join")
}

// side1 resolves t1.a: the table's number, or -1 after a report.
func (j *join) side1(sc *lang.Scope, scopes []*lang.Scope, f *syntax.Field) (int, event.Slot) {
	i, name := j.table(f.Name)
	if i < 0 {
		var names []string
		for _, t := range j.Tables {
			names = append(names, t.Name)
		}
		sc.Error(f, "unknown-table", f.Name+" is of none of the tables "+strings.Join(names, ", "), "write table.field")
		return -1, 0
	}
	g := *f
	g.Name = name
	return i, scopes[i].Read(&g)
}

// table splits t1.a or t1_a; -1 when it is of no table.
func (j *join) table(name string) (int, string) {
	best, rest := -1, ""
	for i, t := range j.Tables {
		n := len(t.Name)
		if len(name) > n+1 && strings.EqualFold(name[:n], t.Name) && (name[n] == '.' || name[n] == '_') && (best < 0 || n > len(j.Tables[best].Name)) {
			best, rest = i, name[n+1:]
		}
	}
	return best, rest
}

func (j *join) Needs(f *event.Fields) {
	for i := range j.Tables {
		j.Tables[i].fields = nil
	}
	for _, s := range f.Slots() {
		if i, name := j.table(j.layout.Name(s)); i >= 0 {
			j.Tables[i].want(j.layout.Slot(name), s)
		} else if strings.HasPrefix(j.layout.Name(s), lang.CarriedPrefix) && len(j.Tables) > 0 {
			j.Tables[0].want(s, s) // a pair is where its row of the first table is
		}
	}
	for _, c := range j.conds { // a later step compares what the pairs of earlier ones carry
		for _, k := range []struct {
			t int
			s event.Slot
		}{{c.table, c.field}, {c.other, c.partner}} {
			j.Tables[k.t].want(k.s, j.out(k.t, k.s))
		}
	}
	f.Clear()
	for i := range j.Tables {
		t := &j.Tables[i]
		var g event.Fields
		for _, x := range t.fields {
			g.Add(x.from)
		}
		t.pipe.Needs(&g)
		f.Union(&g)
	}
}

// out is the field that a table's field comes out as.
func (j *join) out(table int, s event.Slot) event.Slot {
	return j.layout.Slot(j.Tables[table].Name + "_" + j.layout.Name(s))
}

func (t *joinTable) want(from, to event.Slot) {
	for _, x := range t.fields {
		if x.to == to {
			return
		}
	}
	t.fields = append(t.fields, joinField{from, to})
}

func (j *join) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	t := &joinTask{join: j, rt: rt}
	// The pairs of the last step are put in the order of the tables' rows.
	order := exec.Order{}
	for _, s := range j.seq {
		order.Keys = append(order.Keys, exec.Key{Slot: s})
	}
	var carried event.Fields
	carried.Add(j.seq...)
	for _, table := range j.Tables {
		for _, x := range table.fields {
			carried.Add(x.to)
		}
	}
	t.last = exec.NewSorter(rt, "join", order, exec.NewCodec(&carried), 0)
	t.next = next
	for i := 1; i < len(j.Tables); i++ {
		t.steps = append(t.steps, newJoinStep(t, i, &carried))
	}
	for i := range j.Tables {
		side := &joinSide{joinTask: t, table: i}
		t.sides = append(t.sides, side)
		t.children = append(t.children, j.Tables[i].pipe.Open(rt, side))
	}
	t.done = make([]bool, len(t.children))
	return t
}

type joinTask struct {
	*join
	rt       *exec.Runtime
	next     exec.Sink
	children []exec.Task
	done     []bool // the child wants no more
	sides    []*joinSide
	steps    []*joinStep // step i pairs the tables up to i with table i+1
	last     *exec.Sorter
	lent     event.Batch
	n        uint64
}

func (t *joinTask) Push(b *event.Batch) error {
	t.n = arrive(b, t.n)
	for i, child := range t.children {
		if t.done[i] {
			continue
		}
		lend(&t.lent, b)
		err := child.Push(&t.lent)
		if errors.Is(err, exec.ErrStop) {
			t.done[i], err = true, nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *joinTask) Flush() error {
	for _, child := range t.children {
		if err := child.Flush(); err != nil && !errors.Is(err, exec.ErrStop) {
			return err
		}
	}
	for _, s := range t.steps {
		if err := s.flush(); err != nil {
			return err
		}
	}
	return t.last.Flush(sinkFunc(func(b *event.Batch) error {
		for _, s := range t.seq {
			b.Col(s).Reset()
		}
		return t.next.Push(b)
	}))
}

// joinSide takes the rows of one table.
type joinSide struct {
	*joinTask
	table int
	out   event.Batch
	n     int64
}

func (s *joinSide) Push(b *event.Batch) error {
	o := &s.out
	o.Reset()
	o.N = b.N
	o.Live = append(o.Live, b.Live...)
	o.Time = append(o.Time, b.Time...)
	for _, x := range s.Tables[s.table].fields {
		b.Col(x.from)
	}
	for _, x := range s.Tables[s.table].fields {
		o.Col(x.to).Alias(b.Col(x.from))
	}
	s.n = numbered(o, s.seq[s.table], s.n, 1)
	step := s.steps[max(s.table-1, 0)]
	return step.add(o, min(s.table, 1))
}

// joinStep pairs rows of the tables so far, side 0, with those of one more,
// side 1. All go through one sorter by key: the rows of side 0 with a key come
// right before those of side 1, so that only the former are held in memory.
type joinStep struct {
	t         *joinTask
	table     int
	rows      *exec.Sorter
	codec     *exec.Codec
	acct      *exec.Account
	left, one []event.Slot // fields of the key on either side, as they come out
	own       []event.Slot // fields of side 1
	buf       []byte
	current   string // key of the rows held
	arena     []byte // rows of side 0 with that key
	starts    []int
	out       event.Batch
	to        func(*event.Batch) error
	n         uint64
}

// joinKeyBytes is how much of one key's rows is held whatever the budget:
// without it a budget that is spent elsewhere would let no row be paired.
const joinKeyBytes = 64 << 10

func newJoinStep(t *joinTask, table int, carried *event.Fields) *joinStep {
	s := &joinStep{t: t, table: table, acct: t.rt.Budget.Open("join")}
	for _, c := range t.conds {
		if c.table == table {
			s.one = append(s.one, t.out(table, c.field))
			s.left = append(s.left, t.out(c.other, c.partner))
		}
	}
	for _, x := range t.Tables[table].fields {
		s.own = append(s.own, x.to)
	}
	s.own = append(s.own, t.seq[table])
	s.codec = exec.NewCodec(carried, t.key, t.side)
	s.rows = exec.NewSorter(t.rt, "join", exec.Order{Keys: []exec.Key{{Slot: t.key}, {Slot: t.side}}}, s.codec, 0)
	return s
}

// add takes rows of one side. Rows with a null in their key have no partner.
func (s *joinStep) add(b *event.Batch, side int) error {
	fields := s.left
	if side == 1 {
		fields = s.one
	}
	b.Col(s.t.key).Reset()
	b.Col(s.t.side).Reset()
	live := b.Live[:0]
	for _, row := range b.Live {
		s.buf = s.buf[:0]
		null := false
		for _, f := range fields {
			v := b.Value(f, row)
			null = null || v.IsNull()
			s.buf = appendKey(s.buf, v)
		}
		if null {
			continue
		}
		b.Col(s.t.key).Set(row, event.Text(string(s.buf)))
		b.Col(s.t.side).Set(row, event.Int(int64(side)))
		live = append(live, row)
	}
	b.Live = live
	s.n = arrive(b, s.n)
	return s.rows.Add(b)
}

func (s *joinStep) flush() error {
	defer s.acct.Release()
	s.to = s.t.last.Add
	if s.table < len(s.t.Tables)-1 {
		following := s.t.steps[s.table]
		s.to = func(b *event.Batch) error { return following.add(b, 0) }
	}
	return s.rows.Flush(sinkFunc(s.pair))
}

func (s *joinStep) pair(b *event.Batch) error {
	key, side := b.Col(s.t.key), b.Col(s.t.side)
	for _, row := range b.Live {
		if k := key.At(row).Str(); k != s.current || s.starts == nil {
			if err := s.push(); err != nil {
				return err
			}
			s.current = strings.Clone(k)
			s.arena, s.starts = s.arena[:0], s.starts[:0]
			s.acct.Release()
		}
		if n, _ := side.At(row).Int(); n == 0 {
			at := len(s.arena)
			s.starts = append(s.starts, at)
			s.arena = s.codec.Append(s.arena, b, row)
			if !s.acct.Add(int64(len(s.arena)-at+8)) && len(s.arena) > joinKeyBytes {
				return s.acct.Over(fmt.Sprintf("%d rows with one key", len(s.starts)), "join on more fields, or filter the tables")
			}
			continue
		}
		for _, at := range s.starts {
			s.codec.Decode(s.arena[at:], &s.out)
			pair := uint16(s.out.N - 1)
			if w := s.t.Within; w != nil {
				if d := s.out.Time[pair] - b.Time[row]; d > w.Millis || -d > w.Millis || s.out.Time[pair] == event.NoTime || b.Time[row] == event.NoTime {
					s.out.Live = s.out.Live[:len(s.out.Live)-1]
				}
			}
			for _, f := range s.own {
				s.out.Col(f).Set(pair, b.Value(f, row))
			}
			if s.out.N == event.MaxRows {
				if err := s.push(); err != nil {
					return err
				}
			}
		}
	}
	return s.push() // its values are lent by b
}

func (s *joinStep) push() error {
	if s.out.N == 0 {
		return nil
	}
	if err := s.t.rt.Ctx.Err(); err != nil {
		return err
	}
	s.out.Col(s.t.key).Reset()
	s.out.Col(s.t.side).Reset()
	err := s.to(&s.out)
	s.out.Reset()
	return err
}
