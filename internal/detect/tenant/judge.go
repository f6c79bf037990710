package tenant

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/detect/machine"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// signalBytes is about what a signal holds beside its texts and records.
const signalBytes = 400

// Signals judges all hits. The signals come in the order of their times, marked where
// they do not count; the desks have seen them all. It is called once.
func (r *Run) Signals() (signals []*insight.Signal, insights []*insight.Insight, desks *insight.Desks, err error) {
	if signals, err = r.Judge(); err != nil {
		return nil, nil, nil, err
	}
	desks = insight.NewDesks(r.tenant.Content)
	return signals, desks.Take(signals), desks, nil
}

// Judge judges all hits. The signals come in the order of their times; no desk has seen
// them yet. It is called once.
func (r *Run) Judge() ([]*insight.Signal, error) {
	j := r.judging()
	if err := r.judgeAll(j); err != nil {
		return nil, err
	}
	return j.take()
}

// judgeAll judges all hits that there are, and ends all windows.
func (r *Run) judgeAll(j *judge) error {
	if r.later != nil {
		if err := r.later.Release(math.MaxInt64, j); err != nil {
			return err
		}
	} else if err := r.hits.Flush(j); err != nil && !errors.Is(err, exec.ErrStop) {
		return err
	}
	for rule, g := range j.groups {
		if g == nil {
			continue
		}
		g.Close(end, j.fire(rule))
		r.ByRule[rule].Evicted, r.ByRule[rule].Forgotten, r.ByRule[rule].Short = g.Evicted, g.Lost(), g.Short()
	}
	return nil
}

// judging is what gives hits to machines, which it remembers.
func (r *Run) judging() *judge {
	if r.judge == nil {
		r.judge = &judge{run: r, groups: make([]*machine.Groups, len(r.rules)), account: r.rt.Budget.Open("the signals of the Cloud SIEM rules")}
	}
	return r.judge
}

// take gives the signals since it was last called, in the order of their times.
func (j *judge) take() ([]*insight.Signal, error) {
	if j.err != nil {
		return nil, j.err
	}
	signals := j.signals
	j.signals = nil
	slices.SortStableFunc(signals, func(a, b *insight.Signal) int {
		return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.Pos, b.Pos), cmp.Compare(a.RuleID, b.RuleID), cmp.Compare(a.Selector, b.Selector))
	})
	return signals, nil
}

// end is after all times.
const end = 1 << 61

// judge gives hits to the machines of their rules.
type judge struct {
	run     *Run
	groups  []*machine.Groups // by rule
	signals []*insight.Signal
	account *exec.Account
	err     error
}

func (j *judge) Push(b *event.Batch) error {
	for _, row := range b.Live {
		n, _ := b.Value(hitRule, row).Int()
		rule := int(n)
		h, err := readHit([]byte(b.Value(hitBytes, row).Str()))
		if err != nil {
			return err
		}
		g := j.groups[rule]
		if g == nil {
			g = &machine.Groups{New: j.run.rules[rule].machine}
			j.groups[rule] = g
		}
		at, _ := b.Value(hitTime, row).Int()
		pos := b.Pos[row]
		g.Take(h.key, &machine.Hit{
			Time: at, Pos: pos, UID: uid(pos), Steps: h.steps, Value: h.value, Null: h.null, Args: h.args, Data: h,
		}, j.fire(rule))
		if j.err != nil {
			return j.err
		}
	}
	return nil
}

// uid is a record's id: its place in the input.
func uid(pos uint64) string { return strconv.FormatUint(pos, 16) }

// fire makes signals of a rule's firings.
func (j *judge) fire(rule int) machine.Fire {
	x := j.run.rules[rule]
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
			records = append(records, insight.Record{UID: k.UID, Time: k.Time})
		}
		var beside []string
		for _, w := range h.whom {
			beside = append(beside, w.ID())
		}
		name, summary, description := x.name.fill(h.texts, f.Aggregates), x.summary.fill(h.texts, f.Aggregates), x.description.fill(h.texts, f.Aggregates)
		var lists []string
		for _, l := range h.lists {
			lists = append(lists, "list:"+l)
		}
		for i, w := range h.whom {
			j.signals = append(j.signals, &insight.Signal{
				ID:     insight.SignalID(x.ID, beside[i], h.key, f.Hit.UID),
				RuleID: x.ID, RuleName: x.Name, Name: name, Summary: summary, Description: description,
				Severity: h.severity, Time: f.Hit.Time, Entity: w.Entity, Tags: x.Tags, ContentType: x.ContentType,
				Prototype: x.Prototype, Window: x.Suppression, Suppressed: slices.Clone(lists),
				Pos: f.Hit.Pos, Selector: w.selector, Beside: beside, Records: records, Total: f.Total,
			})
		}
		size := int64(len(h.whom)*(signalBytes+len(name)+len(summary)+len(description)) + 40*len(records))
		if !j.account.Add(size) && j.err == nil {
			j.err = j.account.Over(fmt.Sprintf("%d signals", len(j.signals)), "Choose fewer rules, a shorter time range, or tune the rule with most signals")
		}
		return true
	}
}
