package rule

import (
	"container/heap"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// Advance says that event time has come to t, in ms: matches of an earlier time do not
// come any more, and those that do all the same are counted as lost. found gets what the
// matches before t are enough for, in the order of rules and then of time: that of the
// last match of a finding, which may be well before t where its window had to be over.
//
// All calls together, and Findings after the last, give what Findings alone would.
func (c *Correlator) Advance(t int64, found func(Finding) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live = true
	t = max(c.mark, t)
	for _, r := range c.rules {
		m := c.got[r]
		if r.Correlation == nil || m == nil {
			continue
		}
		if err := c.put(m); err != nil {
			return err
		}
		if err := c.advance(m, t-c.delay[r]); err != nil {
			return err
		}
		if err := c.give(m.open.out, found); err != nil {
			return err
		}
	}
	c.mark = t // only now: what was found before t is no late match of another correlation
	return nil
}

// advance takes the matches of one correlation that are before t.
func (c *Correlator) advance(m *matches, t int64) error {
	if rows := m.rows; rows != nil {
		m.rows = nil
		c.goLive(m)
		if err := rows.Flush(&firstAdvance{c: c, m: m, t: t}); err != nil {
			return err
		}
	}
	if m.mark < t {
		m.mark = t
		if err := m.later.Release(t, m.open); err != nil {
			return err
		}
	}
	return m.open.expire(t)
}

// goLive readies a correlation for matches that are taken as event time comes past them.
func (c *Correlator) goLive(m *matches) {
	m.mark = c.mark - c.delay[m.of]
	m.later = exec.NewBacklog(c.rt, m.of.who(), byTime, matchCodec())
	m.open = &openWindows{rule: m.of, by: map[string]*openWindow{}, out: &foundRows{rt: c.rt, of: m.of}, acct: c.rt.Budget.Open(m.of.who()), warn: c.rt.Warnings}
}

// early makes room for matches: the earliest are taken before their time.
func (c *Correlator) early(m *matches) error {
	c.rt.Warnings.Add("memory is spent: matches were correlated before all events of their time were there", false, exec.Sample{Detail: m.of.who()})
	t := m.later.Early()
	m.mark = max(m.mark, t)
	return m.later.Release(t, m.open)
}

// firstAdvance takes what there was before the first Advance, which comes group by group:
// of each only the window that is still open stays.
type firstAdvance struct {
	c     *Correlator
	m     *matches
	t     int64
	group string
	some  bool
}

func (x *firstAdvance) Push(b *event.Batch) error {
	for _, row := range b.Live {
		if group := b.Value(matchGroup, row).Str(); !x.some || group != x.group {
			if err := x.m.open.expire(x.t); err != nil {
				return err
			}
			x.some, x.group = true, strings.Clone(group)
		}
		one := *b
		one.Live = []uint16{row}
		if at, _ := b.Value(matchTime, row).Int(); at < x.t {
			if err := x.m.open.Push(&one); err != nil {
				return err
			}
		} else if !x.m.later.Add(&one) {
			if err := x.c.early(x.m); err != nil {
				return err
			}
		}
	}
	return nil
}

// openWindows are the windows of a correlation's groups that hold something.
type openWindows struct {
	rule *Rule
	by   map[string]*openWindow
	due  dueWindows
	acct *exec.Account
	warn *exec.Warnings
	out  *foundRows // found, and not yet given
	moment
}

type openWindow struct {
	group   string
	w       window
	due     int64
	place   int   // in dueWindows
	charged int64 // bytes
}

// openBytes is what a group takes besides its name and what its window holds.
const openBytes = 400

// Push takes matches in order of time.
func (o *openWindows) Push(b *event.Batch) error {
	for _, row := range b.Live {
		if err := o.take(b, row); err != nil {
			return err
		}
	}
	return nil
}

func (o *openWindows) take(b *event.Batch, row uint16) error {
	group := b.Value(matchGroup, row).Str()
	m, values := matchOf(b, row)
	if o.copied(group, m, b.Value(matchSame, row).Str()) {
		return nil
	}
	x := o.by[group]
	if x == nil {
		x = &openWindow{group: strings.Clone(group), w: newWindow(o.rule), place: -1}
		o.by[x.group] = x
	}
	f, ok := x.w.take(m, values)
	o.settle(x)
	if ok {
		return o.out.add(x.group, f)
	}
	return nil
}

// settle notes when a window changes next and what it holds; one that holds nothing goes.
func (o *openWindows) settle(x *openWindow) {
	due, some := x.w.due()
	if !some {
		o.remove(x)
		return
	}
	x.due = due
	if x.place < 0 {
		heap.Push(&o.due, x)
	} else {
		heap.Fix(&o.due, x.place)
	}
	bytes := openBytes + int64(len(x.group)) + x.w.bytes()
	grown := bytes - x.charged
	for !o.acct.Add(grown) {
		// The one whose time is over first goes, of which most has been seen.
		least := o.due[0]
		o.warn.Add("memory is spent: a correlation's window was dropped before it was over", true, exec.Sample{Detail: o.rule.who()})
		o.remove(least)
		if least == x {
			return
		}
	}
	x.charged = bytes
}

func (o *openWindows) remove(x *openWindow) {
	delete(o.by, x.group)
	if x.place >= 0 {
		heap.Remove(&o.due, x.place)
	}
	o.acct.Add(-x.charged)
	if x.charged = 0; len(o.by) == 0 {
		o.acct.Release()
	}
}

// expire tells the windows that no match before t will come.
func (o *openWindows) expire(t int64) error {
	for len(o.due) > 0 && o.due[0].due <= t {
		x := o.due[0]
		f, ok := x.w.expire(t)
		o.settle(x)
		if ok {
			if err := o.out.add(x.group, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// end says that no more matches come.
func (o *openWindows) end() error {
	for _, x := range o.by {
		if f, ok := x.w.end(); ok {
			if err := o.out.add(x.group, f); err != nil {
				return err
			}
		}
	}
	o.by, o.due = nil, nil
	o.acct.Release()
	return nil
}

// dueWindows is a heap of windows, the one that changes first at its top.
type dueWindows []*openWindow

func (d dueWindows) Len() int           { return len(d) }
func (d dueWindows) Less(i, j int) bool { return d[i].due < d[j].due }
func (d dueWindows) Swap(i, j int) {
	d[i], d[j] = d[j], d[i]
	d[i].place, d[j].place = i, j
}
func (d *dueWindows) Push(x any) {
	w := x.(*openWindow)
	w.place = len(*d)
	*d = append(*d, w)
}
func (d *dueWindows) Pop() any {
	w := (*d)[len(*d)-1]
	(*d)[len(*d)-1] = nil
	*d = (*d)[:len(*d)-1]
	w.place = -1
	return w
}
