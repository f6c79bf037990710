package op

import (
	"errors"
	"fmt"
	"hash/maphash"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// fillMax is how many combinations fillmissing looks at (spec C.1).
const fillMax = 10000

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "fillmissing",
		Usage: "fillmissing <keys:(timeslice['('<every:duration>')'] [in <field:field>]|values all in <field:field>|values(<values:literal,...>) in <field:field>),...>" +
			" [with <fills:(<value:literal> for <field:field>),...>] [takeLast]",
		Summary: "Adds rows for the values and time slices that have none.",
		Text: "Each key says which values its field ought to have: `values(\"a\", \"b\") in f` those listed, `values all in f` those that occur, " +
			"`timeslice` every slice of the query's time range, as wide as the last `timeslice`, in `_timeslice`. " +
			"Of all combinations those that no row has are added at the end; rows that are there stay as they are. " +
			"The other fields are 0 where they hold numbers, false where booleans, else null, or what `with` says. " +
			"`takeLast` takes them from the slice before, of the same other keys. At most 10,000 combinations are looked at; the rest is left out and counted. What `takeLast` takes must fit the memory budget.",
		Differs: "Without a time range slices run from the first to the last that occurs.",
		Examples: []lang.Example{
			{Query: `* | count by type | fillmissing values("web", "api") in type`, In: []string{`{"_raw":"","type":"web"}`}, Out: []string{`{"type":"web","_count":1}`, `{"type":"api","_count":0}`}},
			{Query: `* | count by type | fillmissing values("web", "api") in type with -1 for _count`, In: []string{`{"_raw":"","type":"web"}`}, Out: []string{`{"type":"web","_count":1}`, `{"type":"api","_count":-1}`}},
			{Query: `* | timeslice 1m | count by _timeslice | fillmissing timeslice | sort by +_timeslice`, In: []string{`{"_raw":"","_messageTime":1704067200000}`, `{"_raw":"","_messageTime":1704067320000}`}, Out: []string{`{"_timeslice":1704067200000,"_count":1}`, `{"_timeslice":1704067260000,"_count":0}`, `{"_timeslice":1704067320000,"_count":1}`}},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Makes, Whole: true},
	New:   func() lang.Stage { return new(fillmissing) },
})

type fillmissing struct {
	Keys []struct {
		Timeslice bool             `usage:"timeslice"`
		Every     *syntax.Duration `usage:"every"`
		All       bool             `usage:"all"`
		Values    []syntax.Node    `usage:"values"`
		Field     *syntax.Field    `usage:"field"`
	} `usage:"keys"`
	Fills []struct {
		Value syntax.Node   `usage:"value"`
		Field *syntax.Field `usage:"field"`
	} `usage:"fills"`
	TakeLast bool `usage:"takeLast"`

	keys   []fillKey
	others []fillOther
}

// fillKey says which values a field ought to have.
type fillKey struct {
	slot  event.Slot
	vals  []event.Value // those listed
	all   bool          // those that occur
	slice *timeslice    // time slices of this width
}

// fillOther is a field that is no key.
type fillOther struct {
	slot  event.Slot
	kind  event.Kind // as the query says
	fixed bool
	with  event.Value
}

func (s *fillmissing) Check(sc *lang.Scope) {
	taken := map[event.Slot]bool{}
	for _, k := range s.Keys {
		key := fillKey{all: k.All}
		f := k.Field
		if k.Timeslice {
			if f == nil {
				f = &syntax.Field{Pos: sc.Stage().Pos, Name: "_timeslice"}
			}
			key.slice = s.width(sc, k.Every)
		}
		for _, n := range k.Values {
			if x, ok := n.(syntax.Expr); ok {
				key.vals = append(key.vals, literal(x))
			}
		}
		if key.slot = sc.Read(f); taken[key.slot] {
			sc.Error(f, "fillmissing-twice", "fillmissing names "+f.Name+" twice", "name each field once")
		}
		taken[key.slot] = true
		s.keys = append(s.keys, key)
	}
	with := map[event.Slot]event.Value{}
	for _, f := range s.Fills {
		slot := sc.Read(f.Field)
		if taken[slot] {
			sc.Error(f.Field, "fillmissing-key", f.Field.Name+" is a key, which has the missing value itself", "write with only for the other fields")
		}
		if x, ok := f.Value.(syntax.Expr); ok {
			with[slot] = literal(x)
		}
	}
	for _, c := range sc.Columns {
		if v, fixed := with[c.Slot]; c.Slot != event.None && !taken[c.Slot] {
			s.others = append(s.others, fillOther{slot: c.Slot, kind: c.Kind, fixed: fixed, with: v})
		}
	}
	if s.TakeLast && s.sliceKey() < 0 {
		sc.Error(sc.Stage(), "takelast-without-timeslice", "takeLast takes values from the slice before, and no key is timeslice", "write: fillmissing timeslice takeLast")
	}
}

// width is the slicing of a timeslice key: as written, or that of the last timeslice.
func (s *fillmissing) width(sc *lang.Scope, every *syntax.Duration) *timeslice {
	t := &timeslice{Every: every}
	switch last, _ := sc.Marked(sliceMark).(*syntax.Stage); {
	case every != nil && every.Millis <= 0:
		sc.Error(every, "bad-duration", "a slice lasts longer than nothing", "write a duration such as 5m")
	case every != nil:
	case last == nil:
		sc.Error(sc.Stage(), "timeslice-missing", "there is no timeslice before whose width could be taken", "write the width: fillmissing timeslice(5m)")
	default:
		if err := syntax.Bind(last, t); err != nil {
			sc.Error(sc.Stage(), "timeslice-missing", err.Error(), "write the width: fillmissing timeslice(5m)")
		}
	}
	return t
}

// sliceKey is the place of the timeslice among the keys, -1 when there is none.
func (s *fillmissing) sliceKey() int {
	for i, k := range s.keys {
		if k.slice != nil {
			return i
		}
	}
	return -1
}

// literal is the value of a constant.
func literal(x syntax.Expr) event.Value {
	switch x := x.(type) {
	case *syntax.String:
		return event.Text(x.Value)
	case *syntax.Number:
		if x.IsInt {
			return event.Int(x.Int)
		}
		return event.Float(x.Float)
	case *syntax.Bool:
		return event.Bool(x.Value)
	}
	return event.Value{}
}

func (s *fillmissing) Needs(f *event.Fields) {
	for _, k := range s.keys {
		f.Add(k.slot)
	}
}

func (s *fillmissing) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	t := &fillTask{
		fillmissing: s, rt: rt, next: next, acct: rt.Budget.Open("fillmissing"), seed: maphash.MakeSeed(),
		met: make([]*metValues, len(s.keys)), kinds: make([]event.Kind, len(s.others)),
	}
	var f event.Fields
	for i, k := range s.keys {
		f.Add(k.slot)
		if k.all {
			t.met[i] = &metValues{rows: exec.Keep(rt, "fillmissing", []event.Slot{k.slot}), at: map[uint64]bool{}}
		}
	}
	if s.TakeLast {
		for _, o := range s.others {
			f.Add(o.slot)
		}
	}
	t.seen = exec.NewSorter(rt, "fillmissing", exec.Order{}, exec.NewCodec(&f), 0)
	return t
}

type fillTask struct {
	*fillmissing
	rt   *exec.Runtime
	next exec.Sink
	acct *exec.Account // of what takeLast holds
	n    uint64
	seed maphash.Seed

	seen     *exec.Sorter // the keys of all rows; with takeLast their other fields
	met      []*metValues // by key: values that occur, of values all
	from, to int64        // first and last slice that occurs
	sliced   bool
	kinds    []event.Kind // of the other fields, by their first value
	buf      []byte
}

// metValues are distinct values in the order in which they came, as many as can be looked
// at: their hashes, some 300 KiB, and they themselves, on disk beyond the memory budget.
type metValues struct {
	at   map[uint64]bool
	rows *exec.Kept
	more event.Batch
}

func (t *fillTask) Push(b *event.Batch) error {
	t.n = arrive(b, t.n)
	for _, row := range b.Live {
		for i, k := range t.keys {
			v := b.Value(k.slot, row)
			if m := t.met[i]; m != nil && len(m.at) <= fillMax {
				if h := maphash.String(t.seed, v.Str()); !m.at[h] {
					m.at[h] = true
					m.more.Col(k.slot).Set(m.more.AddRow(0, 0), v)
				}
			} else if k.slice != nil {
				if at, ok := v.Int(); ok {
					if !t.sliced {
						t.sliced, t.from, t.to = true, at, at
					}
					t.from, t.to = min(t.from, at), max(t.to, at)
				}
			}
		}
		for i, o := range t.others {
			if t.kinds[i] == event.Null {
				t.kinds[i] = b.Value(o.slot, row).Kind()
			}
		}
	}
	for _, m := range t.met {
		if m != nil && m.more.N > 0 {
			if err := m.rows.Push(&m.more); err != nil {
				return err
			}
			m.more.Reset()
		}
	}
	if err := t.seen.Add(b); err != nil {
		return err
	}
	return t.next.Push(b)
}

// combinations goes through the first n, the first key slowest. vals are the values, key
// is the hash of all, rest that of all but the time slice.
func (t *fillTask) combinations(lists [][]event.Value, n int, do func(vals []event.Value, key, rest uint64) error) error {
	vals := make([]event.Value, len(t.keys))
	slice := t.sliceKey()
	var from func(i int) error
	each := func(i int, v event.Value) error {
		if n == 0 {
			return errEnough
		}
		if vals[i] = v; i+1 < len(vals) {
			return from(i + 1)
		}
		n--
		t.buf = t.buf[:0]
		for j, v := range vals {
			if j != slice {
				t.buf = appendKey(t.buf, v)
			}
		}
		rest := maphash.Bytes(t.seed, t.buf)
		return do(vals, t.key(func(j int) event.Value { return vals[j] }), rest)
	}
	from = func(i int) error {
		if t.met[i] != nil {
			return t.met[i].rows.Each(func(b *event.Batch) error {
				for _, row := range b.Live {
					if err := each(i, b.Value(t.keys[i].slot, row)); err != nil {
						return err
					}
				}
				return nil
			})
		}
		for _, v := range lists[i] {
			if err := each(i, v); err != nil {
				return err
			}
		}
		return nil
	}
	if err := from(0); err != nil && !errors.Is(err, errEnough) {
		return err
	}
	return nil
}

// errEnough ends the combinations that are looked at.
var errEnough = errors.New("enough combinations")

// key is the hash of the values of all keys.
func (t *fillTask) key(val func(i int) event.Value) uint64 {
	t.buf = t.buf[:0]
	for i := range t.keys {
		t.buf = appendKey(t.buf, val(i))
	}
	return maphash.Bytes(t.seed, t.buf)
}

// values lists what a key ought to have; of values all they are in met.
func (t *fillTask) values(i int) []event.Value {
	k := t.keys[i]
	if k.slice == nil {
		return k.vals
	}
	from, to := t.from, t.to+1
	if t.rt.Bounded {
		from, to = t.rt.From, t.rt.To
	} else if !t.sliced {
		return nil
	}
	ms, origin := k.slice.width(t.rt)
	if k.slice.Every == nil && k.slice.Buckets == nil {
		return []event.Value{event.Int(origin)}
	}
	var out []event.Value
	for at := from; at < to && len(out) <= fillMax; {
		start, end := datefmt.Slice(at, ms, t.rt.Zone)
		out = append(out, event.Int(start))
		at = max(end, at+1)
	}
	return out
}

func (t *fillTask) Flush() error {
	defer t.acct.Release()
	lists := make([][]event.Value, len(t.keys))
	total := 1
	for i := range t.keys {
		lists[i] = t.values(i)
		n := len(lists[i])
		if t.met[i] != nil {
			n = len(t.met[i].at)
			defer t.met[i].rows.Close()
		}
		total *= min(n, fillMax+1)
		total = min(total, fillMax+1)
	}
	if total > fillMax {
		t.rt.Warnings.Add(fmt.Sprintf("fillmissing: combinations beyond the first %d", fillMax), true, exec.Sample{Detail: "fill fewer values, or wider slices"})
	}
	total = min(total, fillMax)
	// Which of them have rows; with takeLast, the other fields of the first.
	type combination struct {
		have bool
		vals []event.Value
	}
	looked := make(map[uint64]*combination, total)
	if err := t.combinations(lists, total, func(_ []event.Value, key, _ uint64) error {
		if looked[key] == nil {
			looked[key] = &combination{}
		}
		return nil
	}); err != nil {
		return err
	}
	if err := t.seen.Flush(sinkFunc(func(b *event.Batch) error {
		for _, row := range b.Live {
			c := looked[t.key(func(i int) event.Value { return b.Value(t.keys[i].slot, row) })]
			if c == nil || c.have {
				continue
			}
			c.have = true
			if t.TakeLast {
				for _, o := range t.others {
					v := b.Value(o.slot, row).Clone()
					if !t.acct.Hold(int64(len(v.Str()) + 32)) {
						return t.acct.Over("the values that takeLast takes, which must be held all at once", "leave takeLast out, or the fields that are long")
					}
					c.vals = append(c.vals, v)
				}
			}
		}
		return nil
	})); err != nil {
		return err
	}
	out := made{rt: t.rt, next: t.next}
	last := map[uint64][]event.Value{} // by the other keys: fields of the slice before
	if err := t.combinations(lists, total, func(vals []event.Value, key, rest uint64) error {
		c := looked[key]
		if !c.have {
			c.have, c.vals = true, t.fill(last[rest])
			row, err := out.row(0, t.n)
			if err != nil {
				return err
			}
			t.n++
			for i, k := range t.keys {
				out.Col(k.slot).Set(row, vals[i].Clone()) // lent, and the batch goes on
			}
			for i, o := range t.others {
				out.Col(o.slot).Set(row, c.vals[i])
			}
		}
		if t.TakeLast {
			last[rest] = c.vals
		}
		return nil
	}); err != nil {
		return err
	}
	return out.flush()
}

// fill gives the other fields of a row that is added.
func (t *fillTask) fill(before []event.Value) []event.Value {
	vals := make([]event.Value, len(t.others))
	for i, o := range t.others {
		kind := t.kinds[i]
		if kind == event.Null {
			kind = o.kind
		}
		switch {
		case before != nil && t.TakeLast:
			vals[i] = before[i]
		case o.fixed:
			vals[i] = o.with
		case kind == event.Long:
			vals[i] = event.Int(0)
		case kind == event.Double:
			vals[i] = event.Float(0)
		case kind == event.Boolean:
			vals[i] = event.Bool(false)
		}
	}
	return vals
}
