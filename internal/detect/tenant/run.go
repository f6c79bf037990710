package tenant

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/detect/record"
	"github.com/gyoji-dev/gyoji/internal/detect/rule"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// Run is one run of a tenant's rules over events. Workers make records and hits of
// events; once all are read, Signals judges the hits in the order of their times.
type Run struct {
	tenant *Tenant
	rules  []*Rule
	index  *index
	rt     *exec.Runtime
	past   bool // what is read is a baseline
	says   bool // hits carry the fields that Tenant.Say has named

	mu    sync.Mutex
	hits  *exec.Sorter  // before the first Advance; see there
	later *exec.Backlog // after it
	mark  int64         // hits of an earlier time have been judged
	judge *judge
	desks *insight.Desks
	swept int64 // event time when quiet groups were last looked for

	insights []*insight.Insight // that nobody has asked for yet

	// GoesOn says that another run goes on from this one's state: buckets that are open
	// at its end stay so.
	GoesOn bool

	// Counts of all workers.
	Records  int64            // records that rules saw
	Unmapped int64            // events that no mapper makes a record of
	Keys     map[string]int64 // of those, by what they are
	Untimed  int64            // hits of rules over time whose record has no time
	ByRule   []RuleCount      // by rule

	probe *probe // of who asks why a rule is silent; nil otherwise
}

// RuleCount is what became of one rule's hits.
type RuleCount struct {
	Hits      int64  // records that its conditions let through
	NoEntity  int64  // of those, without an entity to make a signal on (5.2)
	Evicted   int    // groups that were too many
	Forgotten int    // records that were too many for their group
	Late      int64  // records of a window that the state before has closed
	Short     string // what the group lacked that came nearest to firing
}

// Open readies a run of some of the tenant's rules. What it holds is charged to the
// runtime's budget, and put aside on disk where that is spent.
func (t *Tenant) Open(rt *exec.Runtime, rules []*Rule) *Run { return t.open(rt, rules, false) }

// open readies a run; with all every rule is computed for every record, for tests.
func (t *Tenant) open(rt *exec.Runtime, rules []*Rule, all bool) *Run {
	t.Ready()
	return &Run{
		tenant: t, rules: rules, index: newIndex(t.records, rules, all), rt: rt, Keys: map[string]int64{}, ByRule: make([]RuleCount, len(rules)),
		hits: exec.NewSorter(rt, hitsName, hitOrder, hitCodec(), 0), mark: math.MinInt64, swept: math.MinInt64,
		judge: newJudge(rules, rt.Budget), desks: insight.NewDesks(t.Content),
	}
}

// Learn says whether the events that tasks are opened for from now on are a baseline:
// first seen and outlier rules learn from them, and nothing in them makes a signal.
func (r *Run) Learn(past bool) { r.past = past }

// The fields of a hit, as hits are put in order.
const (
	hitTime event.Slot = iota
	hitRule
	hitGroup
	hitBytes
)

// hitsName is what messages call the hits.
const hitsName = "the hits of the Cloud SIEM rules"

var hitOrder = exec.Order{Keys: []exec.Key{{Slot: hitTime}}, Ties: []event.Slot{hitRule, hitGroup}}

func hitCodec() *exec.Codec {
	var kept event.Fields
	kept.Add(hitTime, hitRule, hitGroup, hitBytes)
	return exec.NewCodec(&kept)
}

// Task is one worker's part of the run.
func (r *Run) Task(env *expr.Env) exec.Task {
	w := &worker{run: r, past: r.past, records: r.tenant.plan.Open(), of: make([]opened, len(r.rules)), by: make([]RuleCount, len(r.rules)), steps: map[int][]uint64{}, unmapped: map[string]int64{}}
	if r.index.set != nil {
		w.find = r.index.set.Open(env)
	} else {
		for _, at := range r.index.refs {
			w.each = append(w.each, expr.Compile(r.rules[at.rule].when[at.step]).Open(env))
		}
	}
	for i, x := range r.rules {
		w.of[i] = x.open(env)
	}
	for _, l := range r.tenant.lists {
		w.lists = append(w.lists, l.open())
	}
	return w
}

// opened is a rule in the hands of one worker.
type opened struct {
	selectors, group, values, args, of, texts, threats []*expr.Run
	severity                                           *expr.Run
}

func (x *Rule) open(env *expr.Env) (o opened) {
	all := func(ps []*expr.Program) (rs []*expr.Run) {
		for _, p := range ps {
			rs = append(rs, p.Open(env))
		}
		return rs
	}
	for _, s := range x.selectors {
		o.selectors = append(o.selectors, s.attr.Open(env))
	}
	o.group, o.values, o.args, o.texts, o.threats = all(x.group), all(x.values), all(x.args), all(x.texts), all(x.threats)
	if x.trigger != nil {
		o.of = all(x.trigger.attrs)
	}
	if x.severity != nil && x.severity.field != nil {
		o.severity = x.severity.field.Open(env)
	}
	return o
}

type worker struct {
	run      *Run
	past     bool
	records  *record.Run
	find     *rule.Run
	each     []*expr.Run // conditions, where all are computed for all records
	of       []opened
	by       []RuleCount
	lists    []*openList
	n        int64 // records
	unmapped map[string]int64
	untimed  int64

	in      *event.Batch      // that records are made of
	said    map[uint16]string // by row of it
	rows    []uint16
	some    []uint16
	steps   map[int][]uint64 // of chains that have a hit in the batch: by row
	next    event.Batch
	bytes   []byte
	listed  [][]string           // by row: suppressed lists; nil of a batch without
	matched [][]insight.ListItem // by row: items of match lists; nil of a batch without
}

// Push makes records of events and hits of records.
func (w *worker) Push(in *event.Batch) error {
	b := w.records.Map(in)
	w.in = in
	clear(w.said)
	live := w.rows[:0]
	for _, row := range b.Live {
		key, m := w.records.Kind(row)
		if m == nil {
			w.unmapped[named(key)]++
			continue
		}
		live = append(live, row)
	}
	w.rows = live
	w.n += int64(len(live))
	if len(live) == 0 {
		return nil
	}
	w.run.tenant.networks(b)
	w.look(b, live)
	w.enrich(b, live)
	clear(w.steps)
	if p := w.run.probe; p != nil {
		p.look(w, b, live)
	}
	found := func(cond int, kept []uint16) error {
		at := w.run.index.refs[cond]
		if w.run.rules[at.rule].What == ruledoc.ChainRule {
			steps := w.steps[at.rule]
			if steps == nil {
				steps = make([]uint64, b.N)
				w.steps[at.rule] = steps
			}
			for _, row := range kept {
				steps[row] |= 1 << at.step
			}
			return nil
		}
		return w.hits(at.rule, b, kept, nil)
	}
	if err := w.meet(b, live, found); err != nil {
		return err
	}
	for rule, steps := range w.steps {
		rows := w.rows[:0:0]
		for _, row := range live {
			if steps[row] != 0 {
				rows = append(rows, row)
			}
		}
		if err := w.hits(rule, b, rows, steps); err != nil {
			return err
		}
	}
	return nil
}

// meet calls found for every condition that some of the rows fit, with those rows.
func (w *worker) meet(b *event.Batch, live []uint16, found func(cond int, kept []uint16) error) error {
	if w.find != nil {
		b.Live = append(b.Live[:0], live...)
		return w.find.Match(b, found)
	}
	for cond, x := range w.each {
		w.some = append(w.some[:0], live...)
		if kept := x.Keep(b, w.some); len(kept) > 0 {
			if err := found(cond, kept); err != nil {
				return err
			}
		}
	}
	return nil
}

// named says what an event without a mapper is.
func named(k record.Key) string {
	if k == (record.Key{}) {
		return "not of a product that gyoji has mappers of"
	}
	return strings.TrimSpace(k.Vendor + " " + k.Product + " " + k.EventID)
}

// hits makes hits of records that fit a rule.
func (w *worker) hits(rule int, b *event.Batch, rows []uint16, steps []uint64) error {
	x, o := w.run.rules[rule], &w.of[rule]
	if w.past && x.What != ruledoc.FirstSeenRule && x.What != ruledoc.OutlierRule {
		return nil
	}
	var h hit
	for _, row := range rows {
		w.by[rule].Hits++
		if b.Time[row] == event.NoTime && x.What != ruledoc.MatchRule {
			w.untimed++
			continue
		}
		h = hit{past: w.past, severity: x.Score, shape: x.shape, args: h.args[:0], of: h.of[:0], whom: h.whom[:0], texts: h.texts[:0], related: h.related[:0]}
		if x.severity != nil {
			var v event.Value
			if o.severity != nil {
				v = o.severity.Value(b, row)
			}
			h.severity = x.severity.of(v)
		}
		if steps != nil {
			h.steps = steps[row]
		}
		for i, s := range o.selectors {
			v := s.Value(b, row)
			if v.IsNull() || v.Kind() == event.String && v.Str() == "" {
				continue
			}
			e := w.run.tenant.Names.Entity(x.selectors[i].typ, "", v.String())
			if !slices.ContainsFunc(h.whom, func(k whom) bool { return k.Entity == e }) {
				h.whom = append(h.whom, whom{i, e})
			}
		}
		if len(h.whom) == 0 {
			w.by[rule].NoEntity++
			if x.What == ruledoc.MatchRule || x.byEntity() {
				continue
			}
		}
		var group strings.Builder
		null := false
		for _, g := range o.group {
			null = w.key(&group, g.Value(b, row)) || null
		}
		if x.What == ruledoc.FirstSeenRule && !x.PerEntity {
			group.Reset()
			null = false
		}
		if len(o.values) > 0 {
			null = null && x.What == ruledoc.FirstSeenRule // of the entity of a baseline
			var value strings.Builder
			for _, v := range o.values {
				null = w.key(&value, v.Value(b, row)) || null
			}
			h.value, h.null = value.String(), null
		}
		for _, a := range o.args {
			h.args = append(h.args, a.Value(b, row))
		}
		for _, a := range o.of {
			h.of = append(h.of, a.Value(b, row))
		}
		for _, s := range o.texts {
			h.texts = append(h.texts, shown(s.Value(b, row)))
		}
		if w.listed != nil {
			h.lists = w.listed[row]
		}
		h.items = nil
		if w.matched != nil {
			h.items = w.matched[row]
		}
		h.threats = nil
		for _, t := range o.threats {
			if v := t.Value(b, row); !v.IsNull() {
				jsondoc.Elements([]byte(v.Str()), func(e jsondoc.Value) { h.threats = append(h.threats, string(e.AppendText(nil))) })
			}
		}
		h.uid, h.kind, h.numbered = w.identity(b, row)
		if w.run.says {
			h.said = w.says(row)
		}
		h.related = h.related[:0]
		for _, a := range w.run.tenant.related {
			if v := b.Value(a.slot, row); !v.IsNull() && v.Str() != "" {
				if id := w.run.tenant.Names.Entity(a.typ, "", v.String()).ID(); !slices.Contains(h.related, id) {
					h.related = append(h.related, id)
				}
			}
		}
		if !x.byEntity() {
			h.key = group.String()
			if err := w.put(rule, b.Time[row], b.Pos[row], &h); err != nil {
				return err
			}
			continue
		}
		one := h
		for _, k := range h.whom {
			one.key, one.whom = k.ID()+"\x00"+group.String(), []whom{k}
			if err := w.put(rule, b.Time[row], b.Pos[row], &one); err != nil {
				return err
			}
		}
	}
	return nil
}

// saidMark stands between the fields of what is said of a record.
const saidMark = "\x1d"

// says is what hits carry along of a record's event.
func (w *worker) says(row uint16) string {
	text, ok := w.said[row]
	if !ok {
		var b strings.Builder
		for i, slot := range w.run.tenant.said {
			if i > 0 {
				b.WriteString(saidMark)
			}
			b.WriteString(w.in.Value(slot, row).String())
		}
		text = b.String()
		if w.said == nil {
			w.said = map[uint16]string{}
		}
		w.said[row] = text
	}
	return text
}

// identity is a record's id, and what its event is. An event of Windows has a number of
// its own in its channel, and is known by it and the second of its time, as some forms of a
// log say no more; any other by its time and its place in its file. So the id is the same
// whatever else is read. numbered says that it is such a number.
func (w *worker) identity(b *event.Batch, row uint16) (uid, kind string, numbered bool) {
	t := w.run.tenant
	kind = strings.Clone(b.Value(idSlot, row).Str())
	var n [16]byte
	number := b.Value(t.numberSlot, row)
	numbered = !number.IsNull() && number.Str() != "" && number.Str() != "0" // 0 of a producer that does not number its records
	at := b.Time[row]
	if numbered && at != event.NoTime {
		at -= at % 1000
	}
	binary.BigEndian.PutUint64(n[:], uint64(at))
	h := sha256.New()
	h.Write(n[:8])
	h.Write([]byte(kind))
	if numbered {
		h.Write([]byte("\x00" + strings.ToLower(b.Value(t.computerSlot, row).Str()) + "\x00" + number.Str()))
	} else {
		binary.BigEndian.PutUint64(n[8:], b.Pos[row]&(1<<placeBits-1))
		h.Write(n[8:])
	}
	return hex.EncodeToString(h.Sum(nil)[:8]), kind, numbered
}

// placeBits are the bits of a position that say where in its part of the input a record
// stands.
const placeBits = 44

// key appends a value to a key such that keys are alike if all their values are, and
// says whether the value is null, which is a value of its own (6; 18, R10, R12).
func (w *worker) key(b *strings.Builder, v event.Value) (null bool) {
	if v.IsNull() {
		b.WriteByte('-')
		return true
	}
	s := v.String()
	b.WriteString(strconv.Itoa(len(s)))
	b.WriteByte(':')
	b.WriteString(s)
	return false
}

// put keeps a hit until all are there.
func (w *worker) put(rule int, at int64, pos uint64, h *hit) error {
	w.bytes = h.append(w.bytes[:0])
	row := w.next.AddRow(at, pos)
	w.next.Col(hitBytes).Set(row, event.Text(string(w.bytes)))
	w.next.Col(hitTime).Set(row, event.Int(at))
	w.next.Col(hitRule).Set(row, event.Int(int64(rule)))
	w.next.Col(hitGroup).Set(row, event.Text(strings.Clone(h.key)))
	if w.next.N < event.MaxRows {
		return nil
	}
	return w.give()
}

// give gives the hits so far to the run.
func (w *worker) give() error {
	w.run.mu.Lock()
	defer w.run.mu.Unlock()
	err := w.run.add(&w.next)
	w.next.Reset()
	return err
}

// Flush gives the run what is left, and the counts. Events may come after it.
func (w *worker) Flush() error {
	r := w.run
	if w.next.N > 0 {
		if err := w.give(); err != nil {
			return err
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Records += w.n
	r.Untimed += w.untimed
	for k, n := range w.unmapped {
		r.Unmapped += n
		if _, ok := r.Keys[k]; ok || len(r.Keys) < keysMax {
			r.Keys[k] += n
		}
	}
	for i, c := range w.by {
		r.ByRule[i].Hits += c.Hits
		r.ByRule[i].NoEntity += c.NoEntity
	}
	w.n, w.untimed = 0, 0
	clear(w.unmapped)
	clear(w.by)
	return nil
}

// keysMax bounds the names of events without a mapper: a log can have any.
const keysMax = 1000
