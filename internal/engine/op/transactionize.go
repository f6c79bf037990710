package op

import (
	"errors"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "transactionize",
		Usage: "transactionize <keys:field,...> [as <prefix:field>]" +
			" {[,] maxSpan=<span:duration>|[,] maxPause=<pause:duration>|[,] maxLogs=<logs:int>|[,] startsWith=<starts:(<text:string> [; strict])>|[,] endsWith=<ends:(<text:string> [; strict])>|[,] keepOrphans=(true|false)} [<child:query>]",
		Summary: "Groups messages that share the value of any of some fields, directly or through others.",
		Text: "Two messages belong together when they have the same value in any one of the fields listed; null is no value. " +
			"Each message gets `_group`, a number that says nothing but which messages belong together, `_group_size`, `_group_duration` in milliseconds and `_group_orphaned`; `as x` names them `x`, `x_size` and so on. " +
			"`maxSpan`, `maxPause` and `maxLogs` bound how long a group lasts, how far apart its messages are, how many it has: in order of time, the next message starts another group. " +
			"`startsWith=\"text\"` starts a group at every message that holds the text, `endsWith` ends it there; a group without its start or end is orphaned, and gone with `; strict`. " +
			"`keepOrphans=false` drops orphans, messages without any of the fields included. " +
			"A query in parentheses, usually `merge`, runs on each group. What does not fit the memory budget goes to disk.",
		Differs: "`_group_orphaned` and `strict` are our reading of short documentation. There is no limit of 50 MB.",
		Examples: []lang.Example{
			{
				Query: `* | transactionize a, b | where _group_size = 3 | count by _group_size`,
				In:    []string{`{"_raw":"1","a":"A"}`, `{"_raw":"2","a":"A","b":"B"}`, `{"_raw":"3","b":"B"}`, `{"_raw":"4","a":"Z"}`},
				Out:   []string{`{"_group_size":3,"_count":3}`},
			},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Makes, Costly: true},
	New:   func() lang.Stage { return new(transactionize) },
})

type transactionize struct {
	Keys   []*syntax.Field  `usage:"keys"`
	Prefix *syntax.Field    `usage:"prefix"`
	Span   *syntax.Duration `usage:"span"`
	Pause  *syntax.Duration `usage:"pause"`
	Logs   *syntax.Number   `usage:"logs"`
	Starts *groupEdge       `usage:"starts"`
	Ends   *groupEdge       `usage:"ends"`
	Drop   bool             `usage:"false"` // keepOrphans=false
	Child  *syntax.Query    `usage:"child"`

	keys                            []event.Slot
	raw                             event.Slot
	group, duration, size, orphaned event.Slot
	node                            event.Slot // hidden: the row's node, then its group
	age                             event.Slot // hidden: grows with age
	value                           event.Slot // hidden: a field's number and its text
	pipe                            *lang.Pipe
	after                           event.Fields
	timed                           bool // the times of messages matter
}

// groupEdge is the text that a group starts or ends with.
type groupEdge struct {
	Text   *syntax.String `usage:"text"`
	Strict bool           `usage:"strict"`
}

func (e *groupEdge) at(raw string) bool { return e != nil && strings.Contains(raw, e.Text.Value) }

func (s *transactionize) Check(sc *lang.Scope) {
	for _, k := range s.Keys {
		s.keys = append(s.keys, sc.Read(k))
	}
	if s.Logs != nil && s.Logs.Int < 1 {
		sc.Error(s.Logs, "bad-limit", "a group has at least one message", "write a number such as 100")
	}
	s.raw = sc.ReadName("_raw")
	s.node, s.age, s.value = hidden(sc, "node"), hidden(sc, "age"), hidden(sc, "value")
	prefix := "_group"
	if s.Prefix != nil {
		prefix = s.Prefix.Name
	}
	s.group, s.duration = sc.MakeName(prefix), sc.MakeName(prefix+"_duration")
	s.size, s.orphaned = sc.MakeName(prefix+"_size"), sc.MakeName(prefix+"_orphaned")
	if s.Child != nil {
		var child *lang.Scope
		s.pipe, child = sc.Child(s.Child)
		sc.Become(child)
	}
}

// cuts reports whether groups are cut in order of time.
func (s *transactionize) cuts() bool {
	return s.Span != nil || s.Pause != nil || s.Logs != nil || s.Starts != nil || s.Ends != nil
}

func (s *transactionize) Needs(f *event.Fields) {
	if s.pipe != nil {
		s.pipe.Needs(f)
	}
	s.timed = s.cuts() || f.Wants(s.duration)
	f.Remove(s.group, s.duration, s.size, s.orphaned)
	f.Add(s.keys...)
	if s.Starts != nil || s.Ends != nil {
		f.Add(s.raw)
	}
	s.after = f.Clone()
}

func (s *transactionize) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	t := &transactionizeTask{transactionize: s, rt: rt, next: next, acct: rt.Budget.Open("transactionize"), linked: true, nodes: map[string]int32{}}
	t.codec = exec.NewCodec(&s.after, s.node, s.age, s.size, s.duration, s.orphaned)
	t.rows = t.sorter()
	return t
}

// sorter makes a sorter of the stage's rows by hidden fields.
func (t *transactionizeTask) sorter(keys ...event.Slot) *exec.Sorter {
	o := exec.Order{}
	for _, k := range keys {
		o.Keys = append(o.Keys, exec.Key{Slot: k})
	}
	return exec.NewSorter(t.rt, "transactionize", o, t.codec, 0)
}

// groupStats is what is known of a group.
type groupStats struct {
	size         int64
	first, last  int64 // times of its messages in ms, NoTime where none says one
	orphaned     bool
	dropped      bool
	began, ended bool // with the texts that are asked for
}

// groupStatsBytes is what a group or node costs in memory.
const groupStatsBytes = 48

func (g *groupStats) add(at int64) {
	g.size++
	g.reach(at)
}

// reach takes a time into the group; a message that says none adds nothing.
func (g *groupStats) reach(at int64) {
	switch {
	case at == event.NoTime:
	case g.first == event.NoTime:
		g.first, g.last = at, at
	default:
		g.first, g.last = min(g.first, at), max(g.last, at)
	}
}

type transactionizeTask struct {
	*transactionize
	rt    *exec.Runtime
	next  exec.Sink
	acct  *exec.Account
	codec *exec.Codec
	rows  *exec.Sorter // in the order they came
	n     uint64

	linked bool             // the values in memory tell what belongs together; else rows on disk do
	nodes  map[string]int32 // by number of the field and its text
	forest forest
	stats  []groupStats // by node, then by group
	buf    []byte
}

func (t *transactionizeTask) Push(b *event.Batch) error {
	if t.timed {
		untimedRows(t.rt, "transactionize", b)
	}
	first := t.n
	t.n = arrive(b, t.n)
	b.Col(t.node).Reset()
	numbered(b, t.age, int64(first), 1)
	if t.linked {
		if err := t.link(b); err != nil {
			return err
		}
	}
	return t.rows.Add(b)
}

// link gives the rows of a batch their nodes. When there is no memory for more
// of them, they are forgotten: the rows tell once more on disk.
func (t *transactionizeTask) link(b *event.Batch) error {
	for _, row := range b.Live {
		node := int32(-1)
		for i, s := range t.keys {
			v := b.Value(s, row)
			if v.IsNull() {
				continue
			}
			t.buf = appendKey(append(t.buf[:0], byte(i), byte(i>>8)), v)
			k, ok := t.nodes[string(t.buf)]
			if !ok {
				if fits, err := t.hold(int64(len(t.buf)) + 64 + groupStatsBytes); !fits {
					return err
				}
				k = t.forest.node()
				t.nodes[string(t.buf)] = k
				t.stats = append(t.stats, groupStats{})
			}
			if node < 0 {
				node = k
			} else {
				t.forest.join(node, k)
			}
		}
		if node < 0 { // none of the fields: alone
			if fits, err := t.hold(groupStatsBytes); !fits {
				return err
			}
			node = t.forest.node()
			t.stats = append(t.stats, groupStats{orphaned: true})
		}
		t.stats[node].add(timeOf(b, row))
		b.Col(t.node).Set(row, event.Int(int64(node)))
	}
	return nil
}

// hold asks for memory for what ties messages together.
func (t *transactionizeTask) hold(n int64) (bool, error) {
	fits, err := hold(t.acct, n, t.rows)
	if !fits {
		t.linked, t.nodes, t.forest, t.stats = false, nil, forest{}, nil
		t.acct.Release()
	}
	return fits, err
}

func (t *transactionizeTask) Flush() error {
	defer t.acct.Release()
	t.nodes = nil
	if !t.linked {
		byGroup, err := t.regroup()
		if err != nil {
			return err
		}
		return t.cut(byGroup)
	}
	// Groups are numbered in the order of their first message.
	number := make([]int32, len(t.forest.up))
	for n := range number {
		number[n] = -1
	}
	var groups []groupStats
	for n := range t.forest.up {
		r := t.forest.root(int32(n))
		if number[r] < 0 {
			number[r] = int32(len(groups))
			groups = append(groups, groupStats{orphaned: true})
		}
		g, s := &groups[number[r]], &t.stats[n]
		if s.size == 0 {
			continue
		}
		g.size += s.size
		g.reach(s.first)
		g.reach(s.last)
		g.orphaned = g.orphaned && s.orphaned
	}
	t.stats = groups
	renumber := func(b *event.Batch) {
		col := *b.Col(t.node)
		for _, row := range b.Live {
			n, _ := col.At(row).Int()
			b.Col(t.node).Set(row, event.Int(int64(number[t.forest.root(int32(n))])))
		}
	}
	if t.cuts() {
		byGroup := t.byGroup()
		if err := t.rows.Flush(sinkFunc(func(b *event.Batch) error { renumber(b); return byGroup.Add(b) })); err != nil {
			return err
		}
		return t.cut(byGroup)
	}
	from := t.rows
	if t.pipe != nil {
		sorted := t.sorter(t.node, t.age)
		if err := from.Flush(sinkFunc(func(b *event.Batch) error { renumber(b); return sorted.Add(b) })); err != nil {
			return err
		}
		from, renumber = sorted, func(*event.Batch) {}
	}
	out := &groupEmitter{t: t}
	err := from.Flush(sinkFunc(func(b *event.Batch) error {
		renumber(b)
		for _, row := range b.Live {
			n, _ := b.Value(t.node, row).Int()
			t.tell(b, row, &t.stats[n])
		}
		return out.Push(b)
	}))
	if err != nil {
		return err
	}
	return out.close()
}

// byGroup makes a sorter of rows by group, the oldest first.
func (t *transactionizeTask) byGroup() *exec.Sorter {
	return exec.NewSorter(t.rt, "transactionize", exec.Order{Keys: []exec.Key{{Slot: t.node}, {Slot: t.age, Desc: true}}}, t.codec, 0)
}

// regroup finds the groups on disk: rows of equal values are tied to the first
// of them, and a group is known by its first row.
func (t *transactionizeTask) regroup() (*exec.Sorter, error) {
	var f event.Fields
	f.Add(t.value, t.age)
	values := exec.NewSorter(t.rt, "transactionize", exec.Order{Keys: []exec.Key{{Slot: t.value}, {Slot: t.age}}}, exec.NewCodec(&f), 0)
	rows := t.sorter(t.age)
	var some event.Batch
	err := t.rows.Flush(sinkFunc(func(b *event.Batch) error {
		for i, s := range t.keys {
			some.Reset()
			for _, row := range b.Live {
				v := b.Value(s, row)
				if v.IsNull() {
					continue
				}
				t.buf = appendKey(append(t.buf[:0], byte(i), byte(i>>8)), v)
				to := some.AddRow(0, 0)
				some.Col(t.value).Set(to, event.Text(string(t.buf)))
				some.Col(t.age).Set(to, b.Value(t.age, row))
			}
			if err := values.Add(&some); err != nil {
				return err
			}
		}
		b.Col(t.node).Reset()
		return rows.Add(b)
	}))
	if err != nil {
		return nil, err
	}
	links := newLinking(t.rt, "transactionize", t.node, t.age)
	value, first := "", int64(-1)
	err = values.Flush(sinkFunc(func(b *event.Batch) error {
		for _, row := range b.Live {
			age, _ := b.Value(t.age, row).Int()
			if v := b.Value(t.value, row).Str(); first < 0 || v != value {
				value, first = strings.Clone(v), age
			} else if err := links.link(age, first); err != nil {
				return err
			}
		}
		return nil
	}))
	if err != nil {
		return nil, err
	}
	// A row that says what its group is goes right before the row it is about.
	some.Reset()
	put := func() error {
		err := rows.Add(&some)
		some.Reset()
		return err
	}
	err = links.groups(func(age, first int64) error {
		to := some.AddRow(0, 0)
		some.Col(t.age).Set(to, event.Float(float64(age)-0.5))
		some.Col(t.node).Set(to, event.Int(first))
		if some.N < event.MaxRows {
			return nil
		}
		return put()
	})
	if err == nil {
		err = put()
	}
	if err != nil {
		return nil, err
	}
	byGroup := t.byGroup()
	told := event.Value{}
	return byGroup, rows.Flush(sinkFunc(func(b *event.Batch) error {
		live := b.Live[:0]
		for _, row := range b.Live {
			age := b.Value(t.age, row)
			if age.Kind() == event.Double {
				told = b.Value(t.node, row)
				continue
			}
			if told.IsNull() {
				told = age
			}
			b.Col(t.node).Set(row, told)
			told = event.Value{}
			live = append(live, row)
		}
		b.Live = live
		return byGroup.Add(b)
	}))
}

// cut cuts groups in order of time, and sends them on. What is known of a group
// stands in a row before its own.
func (t *transactionizeTask) cut(byGroup *exec.Sorter) error {
	c := &groupCutter{t: t, to: t.sorter(t.node, t.age), current: -1}
	if err := byGroup.Flush(c); err != nil {
		return err
	}
	if err := c.close(); err != nil {
		return err
	}
	out := &groupEmitter{t: t}
	var last sinkFunc = out.Push
	var asTheyCame *exec.Sorter
	if t.pipe == nil {
		asTheyCame = t.sorter(t.age)
		last = asTheyCame.Add
	}
	about := make([]event.Value, 3)
	err := c.to.Flush(sinkFunc(func(b *event.Batch) error {
		live := b.Live[:0]
		for _, row := range b.Live {
			if age, _ := b.Value(t.age, row).Int(); age < 0 {
				for i, s := range []event.Slot{t.size, t.duration, t.orphaned} {
					about[i] = b.Value(s, row)
				}
				continue
			}
			for i, s := range []event.Slot{t.size, t.duration, t.orphaned} {
				b.Col(s).Set(row, about[i])
			}
			live = append(live, row)
		}
		b.Live = live
		return last(b)
	}))
	if err == nil && asTheyCame != nil {
		err = asTheyCame.Flush(out)
	}
	if err != nil {
		return err
	}
	return out.close()
}

// tell gives a row what is known of its group. A size of 0 drops it.
func (t *transactionizeTask) tell(b *event.Batch, row uint16, g *groupStats) {
	size := g.size
	if g.dropped || g.orphaned && t.Drop {
		size = 0
	}
	b.Col(t.size).Set(row, event.Int(size))
	if g.first != event.NoTime || b.Time == nil {
		b.Col(t.duration).Set(row, event.Int(g.last-g.first))
	} else {
		b.Col(t.duration).Set(row, event.Value{})
	}
	b.Col(t.orphaned).Set(row, event.Bool(g.orphaned))
}

// groupCutter takes rows by group, the oldest first, and cuts the groups.
type groupCutter struct {
	t       *transactionizeTask
	to      *exec.Sorter
	current int64 // group before the cut
	closed  bool  // the last row ended its group

	n     int64 // of groups so far
	group groupStats
	about event.Batch
}

func (c *groupCutter) Push(b *event.Batch) error {
	t := c.t
	col := *b.Col(t.node)
	for _, row := range b.Live {
		whole, _ := col.At(row).Int()
		at := timeOf(b, row)
		raw := ""
		if t.Starts != nil || t.Ends != nil {
			raw = b.Value(t.raw, row).Str()
		}
		starts := t.Starts.at(raw)
		if whole != c.current || c.closed || starts || c.full(at) {
			if err := c.close(); err != nil {
				return err
			}
			c.group = groupStats{orphaned: true, began: starts}
			c.current = whole
			c.n++
		}
		c.group.add(at)
		c.group.orphaned = c.group.orphaned && !t.tied(b, row)
		c.closed = t.Ends.at(raw)
		c.group.ended = c.group.ended || c.closed
		b.Col(t.node).Set(row, event.Int(c.n-1))
	}
	return c.to.Add(b)
}

// tied reports whether a message has any of the fields.
func (t *transactionizeTask) tied(b *event.Batch, row uint16) bool {
	return slices.ContainsFunc(t.keys, func(s event.Slot) bool { return !b.Value(s, row).IsNull() })
}

// full reports whether a message of a time goes into another group.
func (c *groupCutter) full(at int64) bool {
	t, g := c.t, &c.group
	timed := at != event.NoTime && g.first != event.NoTime
	return t.Span != nil && timed && at-g.first > t.Span.Millis ||
		t.Pause != nil && timed && at-g.last > t.Pause.Millis ||
		t.Logs != nil && g.size >= t.Logs.Int
}

// close settles what the last group is, and puts it before its rows.
func (c *groupCutter) close() error {
	t, g := c.t, &c.group
	c.closed = false
	if g.size == 0 {
		return nil
	}
	if t.Starts != nil && !g.began {
		g.orphaned, g.dropped = true, g.dropped || t.Starts.Strict
	}
	if t.Ends != nil && !g.ended {
		g.orphaned, g.dropped = true, g.dropped || t.Ends.Strict
	}
	c.about.Reset()
	row := c.about.AddRow(0, 0)
	c.about.Col(t.node).Set(row, event.Int(c.n-1))
	c.about.Col(t.age).Set(row, event.Int(-1))
	t.tell(&c.about, row, g)
	return c.to.Add(&c.about)
}

// groupEmitter sends rows on with the number of their group, or
// through a run of the query of each group.
type groupEmitter struct {
	t       *transactionizeTask
	current int64
	child   exec.Task
	full    bool
	part    event.Batch
}

func (e *groupEmitter) Push(b *event.Batch) error {
	t := e.t
	node := *b.Col(t.node)
	live := b.Live[:0]
	for _, row := range b.Live {
		if size, _ := b.Value(t.size, row).Int(); size == 0 {
			continue
		}
		b.Col(t.group).Set(row, node.At(row))
		live = append(live, row)
	}
	b.Live = live
	b.Col(t.node).Reset()
	b.Col(t.age).Reset()
	if len(live) == 0 {
		return nil
	}
	if t.pipe == nil {
		return t.next.Push(b)
	}
	for from := 0; from < len(live); {
		n, _ := b.Value(t.group, live[from]).Int()
		to := from + 1
		for to < len(live) {
			if m, _ := b.Value(t.group, live[to]).Int(); m != n {
				break
			}
			to++
		}
		if e.child == nil || n != e.current {
			if err := e.close(); err != nil {
				return err
			}
			e.child, e.current, e.full = t.pipe.Open(t.rt, t.next), n, false
		}
		lend(&e.part, b)
		e.part.Live = append(e.part.Live[:0], live[from:to]...)
		if err := e.push(); err != nil {
			return err
		}
		from = to
	}
	return nil
}

func (e *groupEmitter) push() error {
	if e.full {
		return nil
	}
	err := e.child.Push(&e.part)
	if errors.Is(err, exec.ErrStop) { // this group's query wants no more
		e.full, err = true, nil
	}
	return err
}

func (e *groupEmitter) close() error {
	if e.child == nil {
		return nil
	}
	err := e.child.Flush()
	if errors.Is(err, exec.ErrStop) {
		err = nil
	}
	return err
}
