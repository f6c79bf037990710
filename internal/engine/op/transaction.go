package op

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "transaction",
		Usage: "transaction on <ids:field,...>" +
			" {fringe=<edge:duration>|with states <names:(<state:field> [as <name:field>]),...> [in <of:field>]|<marks:(with <pattern:string> [in <field:field>] as <name:field>),...>" +
			"|showing <aggs:(<agg:agg> [for <state:field>] [as <out:field>]),...>|results by <result:word>}",
		Summary: "Follows what has an id through the states that its messages show.",
		Text: "A message is in a state when a wildcard pattern matches the whole of its text (`with \"*New session*\" as started`, `in f` for a field), or when a field equals the state's name (`with states cart, pay in page`). " +
			"`results by transactions`, the default, gives a row for each id with the number of messages in each state, `_start_time` and `_end_time` in milliseconds. " +
			"`results by states` gives a row for each id and state with `state` and `_count`. " +
			"`results by flow` gives a row for each step from one message in a state to the next, with `fromstate`, `tostate` and `latency` in milliseconds. " +
			"`showing max(size), sum(\"1\") for started as starts` adds group functions of an id's messages in any state, or in the one named, to the rows of transactions; text in quotes is a constant. " +
			"Ids without a message in any state give no row. `fringe=5m` leaves out transactions that end within 5 minutes of the start of the time range, or start within 5 minutes of its end. " +
			"Rows beyond the memory budget go to disk.",
		Differs: "OP-36 (rows of `states`), OP-64 (start and end). Of `showing` Sumo Logic has an example only. There is no limit of 10,000 groups. Without a time range, `fringe` counts from the first and the last message.",
		Examples: []lang.Example{
			{
				Query: `* | transaction on id with "*New session*" as a, with "*deleted*" as b | fields id, a, b`,
				In:    []string{`{"_raw":"New session","id":"s1"}`, `{"_raw":"Session deleted","id":"s1"}`, `{"_raw":"other","id":"s2"}`},
				Out:   []string{`{"id":"s1","a":1,"b":1}`},
			},
			{
				Query: `* | transaction on id with "*start*" as a, with "*stop*" as b showing max(n), sum("10") for b as tens | fields id, _max, tens`,
				In:    []string{`{"_raw":"start","id":"s1","n":7}`, `{"_raw":"stop","id":"s1","n":3}`, `{"_raw":"other","id":"s1","n":9}`},
				Out:   []string{`{"id":"s1","_max":7,"tens":10}`},
			},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Makes, Costly: true},
	New:   func() lang.Stage { return new(transaction) },
})

type transaction struct {
	IDs    []*syntax.Field  `usage:"ids"`
	Fringe *syntax.Duration `usage:"edge"`
	Names  []stateName      `usage:"names"`
	Of     *syntax.Field    `usage:"of"`
	Marks  []stateMark      `usage:"marks"`
	Shown  []shownAgg       `usage:"aggs"`
	Result *syntax.Name     `usage:"result"`

	ids        []event.Slot
	states     []state
	by         string // transactions, states or flow
	start, end event.Slot
	from, to   event.Slot // fromstate, tostate; state in from
	latency    event.Slot // or _count
	key, age   event.Slot // hidden
	shown      []transactionAgg
}

// shownAgg is a group function over the messages of a transaction.
type shownAgg struct {
	Agg   *syntax.Agg   `usage:"agg"`
	State *syntax.Field `usage:"state"`
	As    *syntax.Field `usage:"out"`
}

// transactionAgg is such a group function, resolved.
type transactionAgg struct {
	lang.Aggregator
	outs  []event.Slot
	state int         // whose messages it takes; -1 for all
	fixed event.Value // what it takes in place of a field; null if it takes fields
}

// stateName is a state named by a field's value, stateMark one known by a pattern.
type (
	stateName struct {
		State *syntax.Field `usage:"state"`
		Name  *syntax.Field `usage:"name"`
	}
	stateMark struct {
		Pattern *syntax.String `usage:"pattern"`
		Field   *syntax.Field  `usage:"field"`
		Name    *syntax.Field  `usage:"name"`
	}
)

// state is one state: the text that a field must match.
type state struct {
	name string
	in   event.Slot
	glob *match.Glob
	text string // when glob is nil
	out  event.Slot
}

func (s *state) holds(v event.Value) bool {
	if v.IsNull() {
		return false
	}
	if s.glob != nil {
		return s.glob.Match(v.Str())
	}
	return v.Str() == s.text
}

func (s *transaction) Check(sc *lang.Scope) {
	s.key, s.age = hidden(sc, "key"), hidden(sc, "age")
	var cols []lang.Column
	col := func(name string) event.Slot {
		slot := sc.Slot(name)
		cols = append(cols, lang.Column{Slot: slot, Name: name})
		return slot
	}
	for _, f := range s.IDs {
		s.ids = append(s.ids, sc.Read(f))
		col(f.Name)
	}
	of := sc.ReadName("_raw")
	if s.Of != nil {
		of = sc.Read(s.Of)
	}
	for _, n := range s.Names {
		name := n.State
		if n.Name != nil {
			name = n.Name
		}
		s.states = append(s.states, state{name: name.Name, in: of, text: n.State.Name})
	}
	for _, m := range s.Marks {
		in := sc.ReadName("_raw")
		if m.Field != nil {
			in = sc.Read(m.Field)
		}
		s.states = append(s.states, state{name: m.Name.Name, in: in, glob: match.CompileGlob(m.Pattern.Value, false)})
	}
	if len(s.states) == 0 {
		sc.Error(sc.Stage(), "states-missing", "transaction is told of no state", `write with "*text*" as name, or with states a, b in field`)
	}
	s.by = "transactions"
	if s.Result != nil {
		switch s.by = strings.ToLower(s.Result.Text); s.by {
		case "transaction":
			s.by = "transactions"
		case "transactions", "states", "flow":
		default:
			sc.Error(s.Result, "bad-result", "there are no results by "+s.Result.Text, "write results by transactions, states or flow")
		}
	}
	switch s.by {
	case "states":
		s.from, s.latency = col("state"), col("_count")
	case "flow":
		s.from, s.to, s.latency = col("fromstate"), col("tostate"), col("latency")
	default:
		for i := range s.states {
			s.states[i].out = col(s.states[i].name)
		}
		s.start, s.end = col("_start_time"), col("_end_time")
		for _, a := range s.Shown {
			s.show(sc, a, col)
		}
	}
	if len(s.Shown) > 0 && s.by != "transactions" {
		sc.Error(s.Result, "bad-showing", "showing adds to the rows of transactions, and these are "+s.by, "leave out showing, or write results by transactions")
	}
	sc.Records(cols...)
}

// show resolves a group function and adds its columns.
func (s *transaction) show(sc *lang.Scope, a shownAgg, col func(string) event.Slot) {
	word := sc.Vocab.AggregateOf(a.Agg.Func.Text)
	if word == nil {
		sc.Error(a.Agg, "stands-alone", a.Agg.Func.Text+" is an operator of its own, no group function", "write a group function such as max(field)")
		return
	}
	t := transactionAgg{state: -1}
	node := *a.Agg
	if len(node.Args) == 1 {
		switch x := node.Args[0].(type) {
		case *syntax.String:
			t.fixed = event.Text(x.Value)
		case *syntax.Number:
			t.fixed = event.Float(x.Float)
		}
		if !t.fixed.IsNull() { // the field stands for the constant; no row has it
			node.Args = []syntax.Expr{&syntax.Field{Pos: node.Pos, Name: "\x00fixed"}}
		}
	}
	t.Aggregator = word.New(&lang.AggSite{Node: &node, Scope: sc})
	as := a.As
	if as == nil {
		as = a.Agg.As
	}
	if as != nil && len(t.Out) == 1 {
		t.Out = []string{as.Name}
	}
	for _, name := range t.Out {
		t.outs = append(t.outs, col(name))
	}
	if a.State != nil {
		t.state = slices.IndexFunc(s.states, func(st state) bool { return strings.EqualFold(st.name, a.State.Name) })
		if t.state < 0 {
			sc.Error(a.State, "unknown-state", "there is no state "+a.State.Name, "name one of the states after with")
		}
	}
	s.shown = append(s.shown, t)
}

func (s *transaction) Needs(f *event.Fields) {
	f.Clear()
	f.Add(s.ids...)
	for _, st := range s.states {
		f.Add(st.in)
	}
	for _, a := range s.shown {
		if a.fixed.IsNull() {
			f.Add(a.Args...)
		}
	}
}

func (s *transaction) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	t := &transactionTask{transaction: s, rt: rt, next: next, acct: rt.Budget.Open("transaction")}
	var f event.Fields
	s.Needs(&f)
	t.codec = exec.NewCodec(&f, s.key, s.age)
	t.rows = exec.NewSorter(rt, "transaction", exec.Order{Keys: []exec.Key{{Slot: s.key}, {Slot: s.age, Desc: true}}}, t.codec, 0)
	return t
}

type transactionTask struct {
	*transaction
	rt    *exec.Runtime
	next  exec.Sink
	acct  *exec.Account
	codec *exec.Codec
	rows  *exec.Sorter // by id, the oldest first
	n     uint64
	buf   []byte

	first, last int64 // times of all messages
	any         bool

	out     *exec.Sorter // results, in the order in which their ids first came
	batch   event.Batch
	id      []event.Value
	current string
	counts  []int64
	accs    []lang.Accumulator // by shown
	args    []event.Value
	steps   []transition
	began   int64 // by messages in a state that say a time, NoTime where none does
	ended   int64
	before  int64 // of the last message in a state
	newest  int64 // age of the id's first row in the stream
	placed  int   // state of the last message in one, -1 before that
}

type transition struct {
	from, to int
	latency  int64
}

// noLatency is the latency between messages one of which says no time.
const noLatency = math.MinInt64

func (t *transactionTask) Push(b *event.Batch) error {
	untimedRows(t.rt, "transaction", b)
	first := t.n
	t.n = arrive(b, t.n)
	numbered(b, t.age, int64(first), 1)
	b.Col(t.key).Reset()
	for _, row := range b.Live {
		if at := timeOf(b, row); at != event.NoTime {
			if !t.any {
				t.first, t.last, t.any = at, at, true
			}
			t.first, t.last = min(t.first, at), max(t.last, at)
		}
		t.buf = t.buf[:0]
		for _, s := range t.ids {
			t.buf = appendKey(t.buf, b.Value(s, row))
		}
		b.Col(t.key).Set(row, event.Text(string(t.buf)))
	}
	return t.rows.Add(b)
}

func (t *transactionTask) Flush() error {
	defer t.acct.Release()
	var f event.Fields
	f.Add(t.ids...)
	for _, s := range t.states {
		f.Add(s.out)
	}
	f.Add(t.start, t.end, t.from, t.to, t.latency)
	for _, a := range t.shown {
		f.Add(a.outs...)
	}
	t.out = exec.NewSorter(t.rt, "transaction", exec.Order{Keys: []exec.Key{{Slot: t.age}}}, exec.NewCodec(&f, t.age), 0)
	t.n = 0
	err := t.rows.Flush(sinkFunc(t.take))
	if err == nil {
		err = t.close()
	}
	if err == nil {
		err = t.push()
	}
	if err != nil {
		return err
	}
	return t.out.Flush(sinkFunc(func(b *event.Batch) error {
		b.Col(t.age).Reset()
		return t.next.Push(b)
	}))
}

// take adds rows to the transaction of their id.
func (t *transactionTask) take(b *event.Batch) error {
	key := *b.Col(t.key)
	for _, row := range b.Live {
		if k := key.At(row).Str(); k != t.current || t.id == nil {
			if err := t.close(); err != nil {
				return err
			}
			t.current = strings.Clone(k)
			t.id = t.id[:0]
			for _, s := range t.ids {
				t.id = append(t.id, b.Value(s, row).Clone())
			}
			t.counts = append(t.counts[:0], make([]int64, len(t.states))...)
			t.steps, t.placed = t.steps[:0], -1
			t.began, t.ended = event.NoTime, event.NoTime
			t.accs = t.accs[:0]
			for _, a := range t.shown {
				t.accs = append(t.accs, a.Open())
			}
		}
		t.newest, _ = b.Value(t.age, row).Int()
		in := -1
		for i := range t.states {
			if t.states[i].holds(b.Value(t.states[i].in, row)) {
				t.counts[i]++
				if in < 0 {
					in = i
				}
			}
		}
		if in < 0 {
			continue
		}
		if err := t.show(b, row); err != nil {
			return err
		}
		at := timeOf(b, row)
		if t.placed >= 0 && t.by == "flow" {
			if !t.acct.Add(24) {
				return t.acct.Over(fmt.Sprintf("%d steps of one id", len(t.steps)), "filter earlier")
			}
			step := transition{t.placed, in, noLatency}
			if at != event.NoTime && t.before != event.NoTime {
				step.latency = at - t.before
			}
			t.steps = append(t.steps, step)
		}
		if t.before, t.placed = at, in; at != event.NoTime {
			if t.began == event.NoTime {
				t.began = at
			}
			t.ended = at
		}
	}
	return nil
}

// show gives a message in some state to the group functions.
func (t *transactionTask) show(b *event.Batch, row uint16) error {
	for i, a := range t.shown {
		if a.state >= 0 && !t.states[a.state].holds(b.Value(t.states[a.state].in, row)) {
			continue
		}
		t.args = t.args[:0]
		for _, s := range a.Args {
			v := a.fixed
			if v.IsNull() {
				v = b.Value(s, row)
			}
			t.args = append(t.args, v)
		}
		grown := t.accs[i].Add(t.args, lang.Moment{Records: true, Pos: uint64(t.newest)})
		if !t.acct.Add(int64(grown)) {
			return t.acct.Over("values of one id's messages", "filter earlier")
		}
	}
	return nil
}

// close gives the rows of the current id.
func (t *transactionTask) close() error {
	if t.id == nil || t.placed < 0 || t.fringed() {
		return nil
	}
	switch t.by {
	case "transactions":
		row := t.add()
		for i, s := range t.states {
			t.batch.Col(s.out).Set(row, event.Int(t.counts[i]))
		}
		if t.began != event.NoTime {
			t.batch.Col(t.start).Set(row, event.Int(t.began))
			t.batch.Col(t.end).Set(row, event.Int(t.ended))
		}
		for i, a := range t.shown {
			t.args = t.accs[i].Result(t.args[:0])
			for j, s := range a.outs {
				t.batch.Col(s).Set(row, t.args[j])
			}
		}
		t.acct.Release()
	case "states":
		for i, s := range t.states {
			if t.counts[i] == 0 {
				continue
			}
			row := t.add()
			t.batch.Col(t.from).Set(row, event.Text(s.name))
			t.batch.Col(t.latency).Set(row, event.Int(t.counts[i]))
			if err := t.full(); err != nil {
				return err
			}
		}
	case "flow":
		for _, s := range t.steps {
			row := t.add()
			t.batch.Col(t.from).Set(row, event.Text(t.states[s.from].name))
			t.batch.Col(t.to).Set(row, event.Text(t.states[s.to].name))
			if s.latency != noLatency {
				t.batch.Col(t.latency).Set(row, event.Int(s.latency))
			}
			if err := t.full(); err != nil {
				return err
			}
		}
		t.acct.Release()
	}
	return t.full()
}

// fringed reports whether the transaction may be cut off by the time range.
func (t *transactionTask) fringed() bool {
	if t.Fringe == nil || t.began == event.NoTime {
		return false
	}
	from, to := t.first, t.last
	if t.rt.Bounded {
		from, to = t.rt.From, t.rt.To
	}
	return t.ended < from+t.Fringe.Millis || t.began > to-t.Fringe.Millis
}

// add starts a row of results.
func (t *transactionTask) add() uint16 {
	t.n++
	row := t.batch.AddRow(t.began, t.n)
	for i, s := range t.ids {
		t.batch.Col(s).Set(row, t.id[i].Clone())
	}
	t.batch.Col(t.age).Set(row, event.Int(t.newest))
	return row
}

func (t *transactionTask) full() error {
	if t.batch.N < event.MaxRows {
		return nil
	}
	return t.push()
}

func (t *transactionTask) push() error {
	if t.batch.N == 0 {
		return nil
	}
	err := t.out.Add(&t.batch)
	t.batch.Reset()
	return err
}
