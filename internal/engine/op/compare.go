package op

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// compareMax is how many earlier ranges one compare may look at (spec C.4).
const compareMax = 7

// compareMark is the scope's mark that there has been a compare.
const compareMark = "compare"

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name:    "compare",
		Usage:   "compare [with] <shifts:(timeshift <by:duration> [<n:int>] [avg|min|max] [as <name:field>]),...>",
		Summary: "Puts the results of earlier time ranges beside those of now.",
		Text: "It runs everything before it again on the query's time range shifted back, and joins the rows by their groups. " +
			"`timeshift 1d` adds `_count_1d`; `1d 3` adds `_count_1d`, `_count_2d` and `_count_3d`; `1d 7 avg` adds one column, `_count_7d_avg`. `-1d` means `1d`. " +
			"Time slices of the past are moved onto those of now. What one side lacks is null; groups that exist only in the past are rows at the end. " +
			"It stands after an aggregate, once in a query, and looks at 7 earlier ranges at most. It needs a time range, and input that can be read more than once.",
		Differs: "OP-34: with an alias columns are `<field>_<alias>`, or `<field>_<alias>_1` and so on. Data of any age is compared.",
		Examples: []lang.Example{
			{Query: `* | count by h | compare timeshift 1d`, From: 1704067200000, To: 1704070800000, In: []string{`{"_raw":"","h":"a","_messageTime":1704067200000}`, `{"_raw":"","h":"a","_messageTime":1704067201000}`, `{"_raw":"","h":"a","_messageTime":1703980801000}`, `{"_raw":"","h":"b","_messageTime":1703980802000}`},
				Out: []string{`{"h":"a","_count":2,"_count_1d":1}`, `{"h":"b","_count":null,"_count_1d":1}`}},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Makes, Whole: true},
	New:   func() lang.Stage { return new(compare) },
})

type compare struct {
	Shifts []struct {
		By   *syntax.Duration `usage:"by"`
		N    *syntax.Number   `usage:"n"`
		How  string           `usage:"avg|min|max"`
		Name *syntax.Field    `usage:"name"`
	} `usage:"shifts"`

	keys   []event.Slot
	timeAt int // of the keys, which one is the time slice; -1 if none
	values []event.Slot
	sets   []comparedSet

	key, past event.Slot // hidden
	after     event.Fields
}

// comparedSet is the columns of one timeshift, or of one of several.
type comparedSet struct {
	past []*lang.Shift // more than one are put together by how
	how  string
	outs []event.Slot // by value
}

func (c *compare) Check(sc *lang.Scope) {
	g, _ := sc.Marked(groupMark).(*syntax.Stage)
	if sc.Messages || g == nil {
		sc.Error(sc.Stage(), "compare-before-aggregate", "compare works on the rows of an aggregate", "put an aggregate before it: | count by field")
		return
	}
	if lang.HasLate(sc.Columns) {
		sc.Error(sc.Stage(), "compare-after-transpose", "the columns of transpose are not known before the query runs", "put compare before transpose")
		return
	}
	if first := sc.Marked(compareMark); first != nil {
		sc.Error(sc.Stage(), "compare-twice", "a query has one compare", "write both shifts in it: compare timeshift 1d, timeshift 1w")
		return
	}
	sc.Mark(compareMark, sc.Stage())
	c.key, c.past = hidden(sc, "stream"), hidden(sc, "age")
	groups := map[event.Slot]bool{}
	for _, n := range g.By {
		if f := n.As; f != nil {
			groups[sc.Slot(f.Name)] = true
		} else if f, ok := n.X.(*syntax.Field); ok {
			groups[sc.Slot(f.Name)] = true
		}
	}
	c.timeAt = -1
	var names, values []string
	for _, col := range sc.Columns {
		if !groups[col.Slot] {
			c.values, values = append(c.values, col.Slot), append(values, col.Name)
			continue
		}
		if strings.EqualFold(col.Name, "_timeslice") {
			c.timeAt = len(c.keys)
		}
		c.keys, names = append(c.keys, col.Slot), append(names, col.Name)
	}
	names = append(names, values...)
	total := int64(0)
	aliases := map[string]bool{}
	for _, s := range c.Shifts {
		n := int64(1)
		if s.N != nil {
			n = s.N.Int
		}
		if s.By.Millis < 0 {
			// timeshift -1d, which some published queries have, means 1d.
			s.By = &syntax.Duration{Pos: s.By.Pos, Text: strings.TrimPrefix(s.By.Text, "-"), Millis: -s.By.Millis}
		}
		if s.By.Millis == 0 || n < 1 {
			sc.Error(s.By, "bad-timeshift", "a range is shifted back by a duration, at least once", "write timeshift 1d, or timeshift 1d 3")
			return
		}
		if total += n; total > compareMax || n > compareMax {
			sc.Error(sc.Stage(), "too-many-shifts", fmt.Sprintf("compare looks at %d earlier ranges at most", compareMax), "compare fewer of them")
			return
		}
		if s.Name != nil {
			if key := strings.ToLower(s.Name.Name); aliases[key] {
				sc.Error(s.Name, "duplicate-alias", "two shifts are named "+s.Name.Name, "give each a name of its own")
			} else {
				aliases[key] = true
			}
		}
		var past []*lang.Shift
		for k := int64(1); k <= n; k++ {
			if s.By.Millis > math.MaxInt64/compareMax {
				sc.Error(s.By, "bad-timeshift", "this is longer than any data", "write a shorter duration")
				return
			}
			sh := sc.AddShift(lang.Range{Back: k * s.By.Millis}, names)
			if sh == nil {
				return
			}
			past = append(past, sh)
		}
		if s.How != "" {
			suffix := span(s.By, n) + "_" + s.How
			if s.Name != nil {
				suffix = s.Name.Name
			}
			c.add(sc, s.How, past, values, suffix)
			continue
		}
		for k, sh := range past {
			suffix := span(s.By, int64(k+1))
			if s.Name != nil {
				suffix = s.Name.Name
				if n > 1 {
					suffix += "_" + strconv.Itoa(k+1)
				}
			}
			c.add(sc, "", []*lang.Shift{sh}, values, suffix)
		}
	}
}

// span is k times a duration, in its unit: 3 times 2d is 6d.
func span(d *syntax.Duration, k int64) string {
	digits := strings.TrimRight(d.Text, "smhdw")
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return d.Text
	}
	return strconv.FormatInt(n*k, 10) + d.Text[len(digits):]
}

func (c *compare) add(sc *lang.Scope, how string, past []*lang.Shift, values []string, suffix string) {
	set := comparedSet{past: past, how: how}
	for _, v := range values {
		name := v + "_" + suffix
		for _, col := range sc.Columns {
			if strings.EqualFold(col.Name, name) {
				sc.Error(sc.Stage(), "duplicate-column", "two columns are named "+name, "name one of the shifts with as")
			}
		}
		set.outs = append(set.outs, sc.MakeName(name))
	}
	c.sets = append(c.sets, set)
}

func (c *compare) Needs(f *event.Fields) {
	for _, s := range c.sets {
		f.Remove(s.outs...)
	}
	f.Add(c.keys...)
	f.Add(c.values...)
	c.after = f.Clone()
}

func (c *compare) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	t := &compareTask{compare: c, rt: rt, next: next}
	t.groups = exec.NewSorter(rt, "compare", exec.Order{Keys: []exec.Key{{Slot: c.key}, {Slot: c.past}}}, exec.NewCodec(&c.after, c.key, c.past), 0)
	return t
}

// compareTask puts the rows of all ranges in order by group: those of earlier ranges by
// number of the range, and then those of now.
type compareTask struct {
	*compare
	rt     *exec.Runtime
	next   exec.Sink
	groups *exec.Sorter
	n      uint64 // rows of now
	buf    []byte
}

func (t *compareTask) Push(b *event.Batch) error {
	t.n = arrive(b, t.n)
	b.Col(t.past).Reset()
	t.group(b)
	return t.groups.Add(b)
}

// group notes what group each row is of.
func (t *compareTask) group(b *event.Batch) {
	b.Col(t.key).Reset()
	for _, row := range b.Live {
		t.buf = t.buf[:0]
		for _, s := range t.keys {
			t.buf = appendKey(t.buf, b.Value(s, row))
		}
		b.Col(t.key).Set(row, event.Text(string(t.buf)))
	}
}

// read takes the rows of the earlier ranges. They are numbered across all of them.
func (t *compareTask) read() error {
	var n uint64
	number := int64(0)
	var to event.Batch
	for _, set := range t.sets {
		for _, past := range set.past {
			kept := t.rt.Past[past]
			if err := kept.Each(func(b *event.Batch) error {
				to.Reset()
				for _, row := range b.Live {
					r := to.AddRow(0, n)
					n++
					to.Col(t.past).Set(r, event.Int(number))
					for i, s := range t.keys {
						v := b.Value(kept.Slots[i], row)
						if ms, ok := v.Int(); ok && i == t.timeAt {
							v = event.Int(ms + past.When.Back)
						}
						to.Col(s).Set(r, v)
					}
					for i, s := range t.values {
						to.Col(s).Set(r, b.Value(kept.Slots[len(t.keys)+i], row))
					}
				}
				t.group(&to)
				return t.groups.Add(&to)
			}); err != nil {
				return err
			}
			number++
		}
	}
	return nil
}

// compared is what the past says of one group: values by set, past and column.
type compared struct {
	first uint64 // of its rows of the past
	key   []event.Value
	vals  [][][]event.Value
	some  bool // there are any
	met   bool // now has the group too
}

// set gives a row the columns of the past.
func (t *compareTask) set(b *event.Batch, row uint16, g *compared) {
	for i, s := range t.sets {
		for k, out := range s.outs {
			v := event.Value{}
			if g.some {
				v = together(s.how, g.vals[i], k)
			}
			b.Col(out).Set(row, v)
		}
	}
}

func (t *compareTask) Flush() error {
	if err := t.read(); err != nil {
		return err
	}
	var outs []event.Slot
	for _, s := range t.sets {
		outs = append(outs, s.outs...)
	}
	ready := exec.NewSorter(t.rt, "compare", exec.Order{}, exec.NewCodec(&t.after, outs...), 0)
	out := made{rt: t.rt, next: sinkFunc(ready.Add)}
	g := &compared{vals: make([][][]event.Value, len(t.sets)), met: true}
	group := ""
	// end makes a row of a group that only the past has.
	end := func() error {
		if g.met {
			return nil
		}
		row, err := out.row(0, t.n+g.first)
		if err != nil {
			return err
		}
		for i, s := range t.keys {
			out.Col(s).Set(row, g.key[i])
		}
		t.set(&out.Batch, row, g)
		return nil
	}
	if err := t.groups.Flush(sinkFunc(func(b *event.Batch) error {
		live := b.Live[:0]
		for _, s := range outs {
			b.Col(s).Reset()
		}
		for _, row := range b.Live {
			if k := b.Value(t.key, row).Str(); g.key == nil || k != group {
				if err := end(); err != nil {
					return err
				}
				group = strings.Clone(k)
				g.key, g.some, g.met = make([]event.Value, 0, len(t.keys)+1), false, false
				for i, s := range t.sets {
					g.vals[i] = make([][]event.Value, len(s.past))
				}
			}
			past := b.Value(t.past, row)
			if past.IsNull() {
				g.met = true
				t.set(b, row, g)
				live = append(live, row)
				continue
			}
			if !g.some {
				g.some, g.first = true, b.Pos[row]
				for _, s := range t.keys {
					g.key = append(g.key, b.Value(s, row).Clone())
				}
			}
			vals := make([]event.Value, 0, len(t.values))
			for _, s := range t.values {
				vals = append(vals, b.Value(s, row).Clone())
			}
			n, _ := past.Int()
			for i := range t.sets {
				if n < int64(len(g.vals[i])) {
					g.vals[i][n] = vals
					break
				}
				n -= int64(len(g.vals[i]))
			}
		}
		b.Col(t.key).Reset()
		b.Col(t.past).Reset()
		b.Live = live
		return ready.Add(b)
	})); err != nil {
		return err
	}
	if err := end(); err != nil {
		return err
	}
	if err := out.flush(); err != nil {
		return err
	}
	var n uint64
	return ready.Flush(sinkFunc(func(b *event.Batch) error {
		n = arrive(b, n)
		return t.next.Push(b)
	}))
}

// together is column k of one range of the past, or of several.
func together(how string, past [][]event.Value, k int) event.Value {
	if how == "" {
		if past[0] == nil {
			return event.Value{}
		}
		return past[0][k]
	}
	n, out := 0.0, 0.0
	for _, vals := range past {
		if vals == nil {
			continue
		}
		f, ok := vals[k].Float()
		if !ok {
			continue
		}
		switch n++; {
		case how == "avg", n == 1:
			out += f
		case how == "min":
			out = min(out, f)
		default:
			out = max(out, f)
		}
	}
	switch {
	case n == 0:
		return event.Value{}
	case how == "avg":
		out /= n
	}
	return event.Float(out)
}
