package tenant

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/detect/machine"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// signalBytes is about what a signal holds beside its texts and records.
const signalBytes = 400

// Signals judges all hits. The signals come in the order of their times, marked where
// they do not count; the desks have seen them all. It is called once.
func (r *Run) Signals() (signals []*insight.Signal, insights []*insight.Insight, desks *insight.Desks, err error) {
	if signals, err = r.Judge(); err != nil {
		return nil, nil, nil, err
	}
	return signals, r.desks.Take(signals), r.desks, nil
}

// Judge judges all hits. The signals come in the order of their times; no desk has seen
// them yet. It is called once.
func (r *Run) Judge() ([]*insight.Signal, error) {
	if err := r.judgeAll(); err != nil {
		return nil, err
	}
	return r.judge.take()
}

// judgeAll judges all hits that there are, and ends all windows and buckets.
func (r *Run) judgeAll() error {
	if r.later != nil {
		if err := r.later.Release(math.MaxInt64, r.judge); err != nil {
			return err
		}
	} else if err := r.hits.Flush(r.judge); err != nil && !errors.Is(err, exec.ErrStop) {
		return err
	}
	if !r.GoesOn {
		r.judge.close(end)
	}
	r.tally()
	for rule, g := range r.judge.groups {
		if g != nil {
			r.ByRule[rule].Short = g.Short()
		}
	}
	return errors.Join(r.judge.stopped...)
}

// tally counts what the rules had to forget or leave out.
func (r *Run) tally() {
	for rule, g := range r.judge.groups {
		if g != nil {
			r.ByRule[rule].Evicted, r.ByRule[rule].Forgotten = g.Evicted, g.Lost()
		}
		r.ByRule[rule].Late = r.judge.late[rule]
	}
}

// end is after all times.
const end = 1 << 61

// judge gives hits, in the order of their times, to the machines of their rules.
type judge struct {
	rules   []*Rule
	groups  []*machine.Groups // by rule
	late    []int64           // hits of rules over windows that came after their time, by rule
	mark    int64             // hits before it are lost
	now     int64             // event time that hits have come to, of a run that is advanced
	keep    int64             // how long hits stay for others that come late, in ms
	newest  int64             // time of the latest hit
	signals []*insight.Signal
	account *exec.Account
	err     error
	failed  map[int]bool // rules that a mistake in gyoji has stopped
	stopped []error      // those mistakes, in the order in which they came
	tracked bool         // groups remember what changes
	ours    bool         // a state that was loaded is of the same input: its positions go on meaning places

	at   int64                // second of the records in same
	same map[sameHit]struct{} // those met of that second
}

// sameHit is a record with a number of its own that a group of a rule has had.
type sameHit struct {
	rule     int
	key, uid string
}

// copied reports whether a rule over several records has had the record already, of a
// log that was exported twice: it counts once.
func (j *judge) copied(rule int, at int64, h *hit) bool {
	if !h.numbered || at == event.NoTime || !j.rules[rule].counts() {
		return false
	}
	if second := at / 1000; j.same == nil || j.at != second {
		j.at, j.same = second, map[sameHit]struct{}{}
	}
	k := sameHit{rule, h.key, h.uid}
	_, met := j.same[k]
	j.same[k] = struct{}{}
	return met
}

func newJudge(rules []*Rule, budget *exec.Budget) *judge {
	return &judge{
		rules: rules, groups: make([]*machine.Groups, len(rules)), late: make([]int64, len(rules)), mark: -end, newest: -end,
		account: budget.Open("the signals of the Cloud SIEM rules"),
	}
}

func (j *judge) Push(b *event.Batch) error {
	for _, row := range b.Live {
		n, _ := b.Value(hitRule, row).Int()
		at, _ := b.Value(hitTime, row).Int()
		if err := j.hit(int(n), at, b.Pos[row], b.Value(hitBytes, row).Str()); err != nil {
			return err
		}
	}
	return nil
}

// hit judges one hit.
func (j *judge) hit(rule int, at int64, pos uint64, written string) error {
	if at < j.mark && at != event.NoTime && j.rules[rule].windowed() {
		j.late[rule]++
		return nil
	}
	j.newest = max(j.newest, at)
	h, err := readHit([]byte(written))
	if err != nil {
		return err
	}
	if j.copied(rule, at, h) {
		return nil
	}
	j.guard(rule, func(g *machine.Groups) {
		g.Take(h.key, &machine.Hit{
			Time: at, Pos: pos, UID: h.uid, Kind: h.kind, Said: h.said, Steps: h.steps, Value: h.value, Null: h.null, Args: h.args, Data: h, Now: j.now,
		}, j.fire(rule))
	})
	return j.err
}

// guard has do work on the groups of a rule. A panic stops that rule, and no other: what it
// holds stays as it was last written down.
func (j *judge) guard(rule int, do func(*machine.Groups)) {
	if j.failed[rule] {
		return
	}
	err := func() (err error) {
		defer exec.Caught(&err, "the Cloud SIEM rule "+j.rules[rule].ID)
		do(j.machines(rule))
		return nil
	}()
	if err != nil {
		if j.failed == nil {
			j.failed = map[int]bool{}
		}
		j.failed[rule], j.stopped, j.groups[rule] = true, append(j.stopped, err), nil
	}
}

func (j *judge) machines(rule int) *machine.Groups {
	if j.groups[rule] == nil {
		j.groups[rule] = &machine.Groups{New: j.rules[rule].machines(), Keep: j.keep}
		if j.tracked {
			j.groups[rule].Track()
		}
	}
	return j.groups[rule]
}

// windowed says whether the rule's machines want their hits in order.
func (r *Rule) windowed() bool {
	switch r.What {
	case ruledoc.ThresholdRule, ruledoc.ChainRule, ruledoc.AggregationRule:
		return true
	}
	return false
}

// counts says whether it matters to the rule how many records there are.
func (r *Rule) counts() bool { return r.windowed() || r.What == ruledoc.OutlierRule }

// close says that no hit before t will come: buckets that end by then are judged.
func (j *judge) close(t int64) {
	for rule, g := range j.groups {
		if g != nil {
			j.guard(rule, func(g *machine.Groups) { g.Close(t, j.fire(rule)) })
		}
	}
}

// ends judges the buckets whose value is known at their end, if one ends within [from, to).
// One that ends at to is known at to.
func (j *judge) ends(from, to int64) {
	for rule, g := range j.groups {
		x := j.rules[rule]
		if g == nil || x.What != ruledoc.OutlierRule || !machine.AtEnd(x.Functions[0].Function) {
			continue
		}
		if from < 0 || (from-1)/x.Window < (to-1)/x.Window {
			j.guard(rule, func(g *machine.Groups) { g.Close(to-1, j.fire(rule)) })
		}
	}
}

// take hands out the signals so far, in the order in which they could be known.
func (j *judge) take() ([]*insight.Signal, error) {
	out := j.signals
	j.signals = nil
	slices.SortStableFunc(out, func(a, b *insight.Signal) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Pos, b.Pos), cmp.Compare(a.RuleID, b.RuleID), cmp.Compare(a.Selector, b.Selector))
	})
	return out, j.err
}

// fire makes signals of a rule's firings.
func (j *judge) fire(rule int) machine.Fire {
	x := j.rules[rule]
	return func(f *machine.Firing) bool {
		h := dataOf(f.Hit)
		if len(h.whom) == 0 || h.severity == noSignal {
			return false
		}
		if h.past {
			return true // of a baseline: it is learnt from, and signals nothing
		}
		var records []insight.Record
		for _, k := range f.Records {
			records = append(records, insight.Record{Pos: k.Pos, Past: k.Past && !j.ours, UID: k.UID, Time: k.Time, Kind: k.Kind, Said: k.Said})
		}
		var beside []string
		for _, w := range h.whom {
			beside = append(beside, w.ID())
		}
		texts := h.texts
		if h.shape != 0 && h.shape != x.shape {
			texts = nil // the hit is older than the templates
		}
		name, summary, description := x.name.fill(texts, f.Aggregates), x.summary.fill(texts, f.Aggregates), x.description.fill(texts, f.Aggregates)
		var lists []string
		for _, l := range h.lists {
			lists = append(lists, "list:"+l)
		}
		for i, w := range h.whom {
			j.signals = append(j.signals, &insight.Signal{
				ID:     insight.SignalID(x.ID, beside[i], h.key, f.Hit.UID),
				RuleID: x.ID, RuleName: x.Name, Name: name, Summary: summary, Description: description,
				Severity: h.severity, Time: f.Hit.Time, Known: f.Known, Entity: w.Entity, Tags: x.Tags, ContentType: x.ContentType,
				Prototype: x.Prototype, Window: x.Suppression, Suppressed: slices.Clone(lists),
				Kind: f.Hit.Kind, Pos: f.Hit.Pos, Selector: w.selector, Beside: beside, Related: h.related, Lists: h.items, Threats: h.threats,
				Records: records, Total: f.Total,
			})
		}
		size := int64(len(h.whom)*(signalBytes+len(name)+len(summary)+len(description)) + 40*len(records))
		if !j.account.Add(size) && j.err == nil {
			j.err = j.account.Over(fmt.Sprintf("%d signals", len(j.signals)), "Choose fewer rules, a shorter time range, or tune the rule with most signals")
		}
		return true
	}
}
