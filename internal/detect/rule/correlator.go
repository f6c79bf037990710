package rule

import (
	"strconv"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
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

// Correlator gathers the matches that correlations are made of. Logs come in no
// order of time that could be relied on, so a correlation's matches are put in
// order first, by group and time, on disk where they are many; then no more than
// one window of one group is held. Its methods but Findings may be called by
// several workers.
type Correlator struct {
	mu      sync.Mutex
	rt      *exec.Runtime
	got     map[*Rule]*matches
	scratch []byte

	// Record, where it is set, makes a text that names an event, for Finding.Records. It
	// is called by one worker at a time.
	Record func(b *event.Batch, row uint16) string
}

// matches are those that one correlation is made of.
type matches struct {
	rows *exec.Sorter
	next event.Batch // not yet given to rows
}

// The fields of a match, as it is put in order.
const (
	matchGroup event.Slot = iota
	matchTime
	matchRef
	matchValues
	matchRecord
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

// NewCorrelator makes a Correlator that charges what it holds to a run's budget.
func NewCorrelator(rt *exec.Runtime) *Correlator {
	return &Correlator{rt: rt, got: map[*Rule]*matches{}}
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
			record := ""
			if c.Record != nil {
				record = c.Record(b, row)
			}
			if err := c.add(f, b.Time[row], b.Pos[row], record, func(s event.Slot) event.Value { return b.Value(s, row) }); err != nil {
				return err
			}
		}
		if err := c.got[f.to].put(); err != nil { // the values are lent
			return err
		}
	}
	return nil
}

// add takes one match. One without the fields that are asked for belongs to no
// group, and counts for nothing; so does one without a time, which is in no window.
func (c *Correlator) add(f feed, at int64, pos uint64, record string, value func(event.Slot) event.Value) error {
	m := c.got[f.to]
	if m == nil {
		var kept event.Fields
		kept.Add(matchGroup, matchTime, matchRef, matchValues, matchRecord)
		order := exec.Order{Keys: []exec.Key{{Slot: matchGroup}, {Slot: matchTime}}, Ties: []event.Slot{matchRef}}
		m = &matches{rows: exec.NewSorter(c.rt, f.to.who(), order, exec.NewCodec(&kept), 0)}
		c.got[f.to] = m
	}
	group, ok := c.joined(f.groups, value)
	values, has := c.joined(f.values, value)
	if !ok || !has {
		return nil
	}
	if at == event.NoTime {
		c.rt.Warnings.Add("match without a time, which is in no timespan of a correlation", true, exec.Sample{Pos: pos, Detail: f.to.who()})
		return nil
	}
	row := m.next.AddRow(at, pos)
	m.next.Col(matchGroup).Set(row, group)
	m.next.Col(matchTime).Set(row, event.Int(at))
	m.next.Col(matchRef).Set(row, event.Int(int64(f.ref)))
	m.next.Col(matchValues).Set(row, values)
	m.next.Col(matchRecord).Set(row, event.Text(record))
	if m.next.N < event.MaxRows {
		return nil
	}
	return m.put()
}

// put gives the matches so far to the sorter.
func (m *matches) put() error {
	if m == nil || m.next.N == 0 {
		return nil
	}
	err := m.rows.Add(&m.next)
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
func (c *Correlator) Findings(rules []*Rule, found func(Finding) error) error {
	for _, r := range rules {
		m := c.got[r]
		if r.Correlation == nil || m == nil {
			continue
		}
		delete(c.got, r)
		if err := c.findings(r, m, found); err != nil {
			return err
		}
	}
	return nil
}

// findings computes one correlation.
func (c *Correlator) findings(r *Rule, m *matches, found func(Finding) error) error {
	var kept event.Fields
	kept.Add(findingLast, findingGroup, findingFirst, findingValue, findingEvents, findingRecords)
	order := exec.Order{Keys: []exec.Key{{Slot: findingLast}}, Ties: []event.Slot{findingGroup}}
	g := &groups{
		w: newWindow(r), acct: c.rt.Budget.Open(r.who()),
		out: exec.NewSorter(c.rt, r.who(), order, exec.NewCodec(&kept), 0),
	}
	if err := m.put(); err != nil {
		return err
	}
	if err := m.rows.Flush(g); err != nil {
		return err
	}
	if err := g.end(); err != nil {
		return err
	}
	if err := g.put(); err != nil {
		return err
	}
	g.acct.Release()
	return g.out.Flush(sinkFunc(func(b *event.Batch) error {
		for _, row := range b.Live {
			number := func(s event.Slot) int64 { n, _ := b.Value(s, row).Int(); return n }
			f := Finding{Rule: r, First: number(findingFirst), Last: number(findingLast), Pos: b.Pos[row], Events: int(number(findingEvents))}
			f.Value, _ = b.Value(findingValue, row).Float()
			if len(r.Correlation.GroupBy) > 0 {
				f.Groups = strings.Split(strings.Clone(b.Value(findingGroup, row).Str()), separator)
			}
			if text := b.Value(findingRecords, row).Str(); text != "" {
				f.Records = strings.Split(strings.Clone(text), recordEnd)
			}
			if err := c.forward(r, f); err != nil {
				return err
			}
			if r.Silent {
				continue
			}
			if err := found(f); err != nil {
				return err
			}
		}
		return nil
	}))
}

// forward gives a finding to the correlations made of its rule: its fields are
// the group-by fields.
func (c *Correlator) forward(r *Rule, f Finding) error {
	for _, feed := range r.feeds {
		err := c.add(feed, f.Last, f.Pos, strings.Join(f.Records, recordEnd), func(s event.Slot) event.Value {
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

// groups takes a correlation's matches, group by group and each in order of
// time, and holds the window of one.
type groups struct {
	w     window
	group string
	some  bool
	acct  *exec.Account
	out   *exec.Sorter
	found event.Batch // not yet given to out

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
		at, _ := b.Value(matchTime, row).Int()
		ref, _ := b.Value(matchRef, row).Int()
		if f, ok := g.w.take(occurrence{at, b.Pos[row], int(ref), b.Value(matchRecord, row).Str()}, b.Value(matchValues, row).Str()); ok {
			if err := g.add(f); err != nil {
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

// end ends the group at hand, and gives what was found.
func (g *groups) end() error {
	if f, ok := g.w.end(); ok {
		if err := g.add(f); err != nil {
			return err
		}
	}
	return nil
}

// add adds a finding of the group at hand.
func (g *groups) add(f Finding) error {
	o := &g.found
	row := o.AddRow(f.Last, f.Pos)
	o.Col(findingLast).Set(row, event.Int(f.Last))
	o.Col(findingGroup).Set(row, event.Text(g.group))
	o.Col(findingFirst).Set(row, event.Int(f.First))
	o.Col(findingValue).Set(row, event.Float(f.Value))
	o.Col(findingEvents).Set(row, event.Int(int64(f.Events)))
	o.Col(findingRecords).Set(row, event.Text(strings.Join(f.Records, recordEnd)))
	if o.N < event.MaxRows {
		return nil
	}
	return g.put()
}

// put gives the findings so far to the sorter.
func (g *groups) put() error {
	if g.found.N == 0 {
		return nil
	}
	err := g.out.Add(&g.found)
	g.found.Reset()
	return err
}
