package rule

import (
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/sigma"
)

// Finding is one result of a correlation.
type Finding struct {
	Rule        *Rule
	First, Last int64 // ms: of the events it is made of
	Pos         uint64
	Groups      []string // values of the group-by fields
	Value       float64  // the count, sum or other measure; the number of rules for temporal ones
	Events      int
	// Records are what Correlator.Record made of the events, the first RecordsMax of them.
	Records []string
}

// RecordsMax is how many of a finding's events are named.
const RecordsMax = 100

// recordEnd stands between the records of a finding.
const recordEnd = "\x1e"

// Correlator gathers the matches that correlations are made of, and finds where they
// meet the conditions. Logs come in no order of time that could be relied on. So matches
// are held until they can be taken in order: until Advance says that event time has come
// past them, or until there are no more.
//
// Where Findings is all that is ever called, a correlation's matches are put in order
// by group and time, on disk where they are many, and no more than one window of one
// group is held. From the first Advance on, the open windows of all groups are.
//
// Its methods may be called by several workers.
type Correlator struct {
	mu      sync.Mutex
	rt      *exec.Runtime
	rules   []*Rule // correlations come after those they are made of
	got     map[*Rule]*matches
	delay   map[*Rule]int64 // of correlations: how much later than event time theirs is, in ms
	live    bool            // Advance has been called
	mark    int64           // with what
	scratch []byte

	// Record, where it is set, says what an event is. It is called by one worker at a time.
	Record func(b *event.Batch, row uint16) Record
}

// Record is what is known of an event apart from what rules read of it.
type Record struct {
	Name string // for Finding.Records
	// Same is equal for equal events, "" where that is not known. Events that are read
	// twice, from a log and a copy of it, count once: the first of some equal events of one
	// part of the input is the first of those of another.
	Same string
	// Numbered says that Same holds a number that no other event has: all events with it
	// are one, also in one part.
	Numbered bool
}

// matches are those that one correlation is made of.
type matches struct {
	of   *Rule
	next event.Batch // not yet given to rows or later

	rows *exec.Sorter // before the first Advance; then nil

	mark  int64 // matches of an earlier time have been taken
	later *exec.Backlog
	open  *openWindows
}

// The fields of a match, as it is put in order.
const (
	matchGroup event.Slot = iota
	matchTime
	matchRef
	matchValues
	matchRecord
	matchSame
)

// The fields of a finding, as it is put in order.
const (
	findingLast event.Slot = iota
	findingGroup
	findingFirst
	findingValue
	findingEvents
	findingRecords
)

// NewCorrelator makes a Correlator of the correlations among rules, which come in the
// order that Lower gives them. What it holds is charged to the run's budget.
func NewCorrelator(rt *exec.Runtime, rules []*Rule) *Correlator {
	c := &Correlator{rt: rt, rules: rules, got: map[*Rule]*matches{}, delay: map[*Rule]int64{}, mark: math.MinInt64 / 2}
	for _, r := range rules {
		for _, in := range r.inputs {
			d := c.delay[in]
			if in.Correlation != nil && !settled(in) {
				d += in.Correlation.Timespan.Milliseconds()
			}
			c.delay[r] = max(c.delay[r], d)
		}
	}
	return c
}

// settled reports whether a correlation's findings come with the last of their matches,
// not only when their window is over.
func settled(r *Rule) bool {
	return r.Correlation.Type == sigma.TemporalOrdered || grows(r.Correlation)
}

// Wants reports whether some correlation is made of a rule.
func (r *Rule) Wants() bool { return len(r.feeds) > 0 }

// who names a correlation in messages.
func (r *Rule) who() string { return "the correlation " + strconv.Quote(r.Title) }

// Add takes the matches of a rule.
func (c *Correlator) Add(r *Rule, b *event.Batch, rows []uint16) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range r.feeds {
		for _, row := range rows {
			var record Record
			if c.Record != nil {
				record = c.Record(b, row)
			}
			if err := c.add(f, b.Time[row], b.Pos[row], record, func(s event.Slot) event.Value { return b.Value(s, row) }); err != nil {
				return err
			}
		}
		if err := c.put(c.got[f.to]); err != nil { // the values are lent
			return err
		}
	}
	return nil
}

// add takes one match. One without the fields that are asked for belongs to no
// group, and counts for nothing; so does one without a time, which is in no window.
func (c *Correlator) add(f feed, at int64, pos uint64, record Record, value func(event.Slot) event.Value) error {
	m := c.matches(f.to)
	group, ok := c.joined(f.groups, value)
	values, has := c.joined(f.values, value)
	if !ok || !has {
		return nil
	}
	if at == event.NoTime {
		c.rt.Warnings.Add("match without a time, which is in no timespan of a correlation", true, exec.Sample{Pos: pos, Detail: f.to.who()})
		return nil
	}
	if m.rows == nil && at < m.mark {
		c.rt.Warnings.Add("match that came too late for a correlation: later events had been correlated already", true, exec.Sample{Pos: pos, Detail: f.to.who()})
		return nil
	}
	row := m.next.AddRow(at, pos)
	m.next.Col(matchGroup).Set(row, group)
	m.next.Col(matchTime).Set(row, event.Int(at))
	m.next.Col(matchRef).Set(row, event.Int(int64(f.ref)))
	m.next.Col(matchValues).Set(row, values)
	m.next.Col(matchRecord).Set(row, event.Text(record.Name))
	same := record.Same
	switch {
	case same == "":
	case record.Numbered:
		same = numbered + same
	default:
		same = "." + same
	}
	m.next.Col(matchSame).Set(row, event.Text(same))
	if m.next.N < event.MaxRows {
		return nil
	}
	return c.put(m)
}

// matches are those of a correlation.
func (c *Correlator) matches(r *Rule) *matches {
	m := c.got[r]
	if m == nil {
		m = &matches{of: r}
		if c.live {
			c.goLive(m)
		} else {
			m.rows = exec.NewSorter(c.rt, r.who(), byGroup, matchCodec(), 0)
		}
		c.got[r] = m
	}
	return m
}

// The orders of matches.
var (
	byGroup = exec.Order{Keys: []exec.Key{{Slot: matchGroup}, {Slot: matchTime}}, Ties: []event.Slot{matchRef}}
	byTime  = exec.Order{Keys: []exec.Key{{Slot: matchTime}}, Ties: []event.Slot{matchRef}}
)

func matchCodec() *exec.Codec {
	var kept event.Fields
	kept.Add(matchGroup, matchTime, matchRef, matchValues, matchRecord, matchSame)
	return exec.NewCodec(&kept)
}

// put gives the matches so far to what puts them in order.
func (c *Correlator) put(m *matches) error {
	if m == nil || m.next.N == 0 {
		return nil
	}
	var err error
	if m.rows != nil {
		err = m.rows.Add(&m.next)
	} else if !m.later.Add(&m.next) {
		err = c.early(m)
	}
	m.next.Reset()
	return err
}

// separator stands between the values of several fields.
const separator = "\x1f"

// joined is the text of some fields; ok is false when one is missing.
func (c *Correlator) joined(slots []event.Slot, value func(event.Slot) event.Value) (text event.Value, ok bool) {
	c.scratch = c.scratch[:0]
	for i, s := range slots {
		v := value(s)
		if v.IsNull() {
			return v, false
		}
		if len(slots) == 1 && v.Kind() == event.String {
			return v, true
		}
		if i > 0 {
			c.scratch = append(c.scratch, separator...)
		}
		c.scratch = v.AppendText(c.scratch)
	}
	return event.Text(string(c.scratch)), true
}

// Findings computes the correlations, in the order of rules, once all matches
// are there. found gets the findings of a correlation by time.
func (c *Correlator) Findings(found func(Finding) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.rules {
		m := c.got[r]
		if r.Correlation == nil || m == nil {
			continue
		}
		delete(c.got, r)
		if err := c.findings(m, found); err != nil {
			return err
		}
	}
	return nil
}

// findings computes one correlation.
func (c *Correlator) findings(m *matches, found func(Finding) error) error {
	if err := c.put(m); err != nil {
		return err
	}
	if m.rows == nil {
		if err := firstOf(m.later.Release(math.MaxInt64, m.open), m.open.end()); err != nil {
			return err
		}
		return c.give(m.open.out, found)
	}
	out := &foundRows{rt: c.rt, of: m.of}
	g := &groups{w: newWindow(m.of), acct: c.rt.Budget.Open(m.of.who()), out: out}
	if err := firstOf(m.rows.Flush(g), g.end()); err != nil {
		return err
	}
	g.acct.Release()
	return c.give(out, found)
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// give gives what was found of a correlation, by time.
func (c *Correlator) give(out *foundRows, found func(Finding) error) error {
	return out.flush(func(f Finding) error {
		if err := c.forward(out.of, f); err != nil {
			return err
		}
		if out.of.Silent {
			return nil
		}
		return found(f)
	})
}

// forward gives a finding to the correlations made of its rule: its fields are
// the group-by fields.
func (c *Correlator) forward(r *Rule, f Finding) error {
	for _, feed := range r.feeds {
		err := c.add(feed, f.Last, f.Pos, Record{Name: strings.Join(f.Records, recordEnd)}, func(s event.Slot) event.Value {
			for i, g := range r.Fields {
				if g == s && i < len(f.Groups) {
					return event.Text(f.Groups[i])
				}
			}
			return event.Value{}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

type sinkFunc func(*event.Batch) error

func (f sinkFunc) Push(b *event.Batch) error { return f(b) }

// numbered begins what is the same for one event alone.
const numbered = "#"

// moment is what there was of one second, so that an event which is read twice, from a log
// and a copy of it, counts once. Some forms of a log say no more than the second of its
// records; those with a number are known by it, others by their time in milliseconds.
type moment struct {
	at   int64             // the second
	seen map[sameEvent]int // how many there are of one event, in the part that has most
	of   map[inPart]int    // and by part
}

type sameEvent struct {
	group, same string
	ref         int
	at          int64 // in ms; 0 of one with a number
}

type inPart struct {
	sameEvent
	part int
}

// copied reports whether a match is of an event that was met in another part of the
// input. Equal events of one part are several, and the first of one part is the first of
// another. same may be lent.
func (m *moment) copied(group string, o occurrence, same string) bool {
	if same == "" {
		return false
	}
	if second := o.at / 1000; m.seen == nil || m.at != second {
		*m = moment{second, map[sameEvent]int{}, map[inPart]int{}}
	}
	k := inPart{sameEvent{strings.Clone(group), strings.Clone(same), o.ref, o.at}, event.Part(o.pos)}
	if strings.HasPrefix(same, numbered) {
		k.at, k.part = 0, 0
		m.of[k] = 0
	}
	e := k.sameEvent
	if m.of[k]++; m.of[k] <= m.seen[e] {
		return true
	}
	m.seen[e] = m.of[k]
	return false
}

// groups takes a correlation's matches, group by group and each in order of
// time, and holds the window of one.
type groups struct {
	w     window
	group string
	some  bool
	acct  *exec.Account
	out   *foundRows
	moment

	charged int64
}

func (g *groups) Push(b *event.Batch) error {
	for _, row := range b.Live {
		group := b.Value(matchGroup, row).Str()
		if !g.some || group != g.group {
			if err := g.end(); err != nil {
				return err
			}
			g.some, g.group = true, strings.Clone(group)
		}
		o, values := matchOf(b, row)
		if g.copied(group, o, b.Value(matchSame, row).Str()) {
			continue
		}
		if f, ok := g.w.take(o, values); ok {
			if err := g.out.add(g.group, f); err != nil {
				return err
			}
		}
		bytes := g.w.bytes()
		grown := bytes - g.charged
		g.charged = bytes
		if !g.acct.Add(grown) {
			return g.acct.Over("one window of one group", "Shorten its timespan, or filter the rules that it is made of")
		}
	}
	return nil
}

// matchOf is a match as a window takes it, of which the texts are lent.
func matchOf(b *event.Batch, row uint16) (o occurrence, values string) {
	at, _ := b.Value(matchTime, row).Int()
	ref, _ := b.Value(matchRef, row).Int()
	return occurrence{at, b.Pos[row], int(ref), b.Value(matchRecord, row).Str()}, b.Value(matchValues, row).Str()
}

// end ends the group at hand, and gives what was found.
func (g *groups) end() error {
	if f, ok := g.w.end(); ok {
		return g.out.add(g.group, f)
	}
	return nil
}

// foundRows puts what was found of a correlation in order of time.
type foundRows struct {
	rt   *exec.Runtime
	of   *Rule
	next event.Batch  // not yet given to rows
	rows *exec.Sorter // nil until there is a finding
}

// add adds a finding of a group.
func (x *foundRows) add(group string, f Finding) error {
	o := &x.next
	row := o.AddRow(f.Last, f.Pos)
	o.Col(findingLast).Set(row, event.Int(f.Last))
	o.Col(findingGroup).Set(row, event.Text(group))
	o.Col(findingFirst).Set(row, event.Int(f.First))
	o.Col(findingValue).Set(row, event.Float(f.Value))
	o.Col(findingEvents).Set(row, event.Int(int64(f.Events)))
	o.Col(findingRecords).Set(row, event.Text(strings.Join(f.Records, recordEnd)))
	if o.N < event.MaxRows {
		return nil
	}
	return x.put()
}

// put gives the findings so far to the sorter.
func (x *foundRows) put() error {
	if x.next.N == 0 {
		return nil
	}
	x.ready()
	err := x.rows.Add(&x.next)
	x.next.Reset()
	return err
}

func (x *foundRows) ready() {
	if x.rows == nil {
		var kept event.Fields
		kept.Add(findingLast, findingGroup, findingFirst, findingValue, findingEvents, findingRecords)
		order := exec.Order{Keys: []exec.Key{{Slot: findingLast}}, Ties: []event.Slot{findingGroup}}
		x.rows = exec.NewSorter(x.rt, x.of.who(), order, exec.NewCodec(&kept), 0)
	}
}

// flush gives the findings, by time.
func (x *foundRows) flush(found func(Finding) error) error {
	if err := x.put(); err != nil || x.rows == nil {
		return err
	}
	rows := x.rows
	x.rows = nil
	return rows.Flush(sinkFunc(func(b *event.Batch) error {
		for _, row := range b.Live {
			number := func(s event.Slot) int64 { n, _ := b.Value(s, row).Int(); return n }
			f := Finding{Rule: x.of, First: number(findingFirst), Last: number(findingLast), Pos: b.Pos[row], Events: int(number(findingEvents))}
			f.Value, _ = b.Value(findingValue, row).Float()
			if len(x.of.Correlation.GroupBy) > 0 {
				f.Groups = strings.Split(strings.Clone(b.Value(findingGroup, row).Str()), separator)
			}
			if text := b.Value(findingRecords, row).Str(); text != "" {
				f.Records = strings.Split(strings.Clone(text), recordEnd)
			}
			if err := found(f); err != nil {
				return err
			}
		}
		return nil
	}))
}
