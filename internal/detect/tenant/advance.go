package tenant

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/detect/machine"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// sweepEvery is after how much event time, in ms, groups without anything left are looked
// for; what an outlier rule finds at the end of a bucket is found then, too.
const sweepEvery = 60_000

// Advance says that event time has come to t, in ms: the hits before it are judged, and
// their signals come in the order of their times, marked where they do not count. Hits of
// an earlier time that come all the same are counted as lost, but those of match rules,
// which time means nothing to.
//
// All calls together, and Rest after the last, make the signals that Signals alone would.
// Only where a rule has to wait for the end of an hour or a day (an outlier's average) do
// they come in another order, and so may differ in which of two signals is redundant.
func (r *Run) Advance(t int64) ([]*insight.Signal, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	j := r.judging()
	if hits := r.hits; hits != nil {
		r.hits, r.later = nil, exec.NewBacklog(r.rt, hitsName, hitOrder, hitCodec())
		r.mark = t
		if err := hits.Flush(&firstAdvance{r, j}); err != nil && !errors.Is(err, exec.ErrStop) {
			return nil, err
		}
	}
	r.mark = max(r.mark, t)
	if err := r.later.Release(r.mark, j); err != nil {
		return nil, err
	}
	if r.mark-sweepEvery >= r.swept {
		r.swept = r.mark
		for rule, g := range j.groups {
			if g != nil {
				g.Close(r.mark, j.fire(rule))
			}
		}
	}
	return r.judged(j)
}

// Rest judges what is left, once all events are read.
func (r *Run) Rest() ([]*insight.Signal, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	j := r.judging()
	if err := r.judgeAll(j); err != nil {
		return nil, err
	}
	return r.judged(j)
}

// judged gives the signals to the desks.
func (r *Run) judged(j *judge) ([]*insight.Signal, error) {
	signals, err := j.take()
	if err != nil {
		return nil, err
	}
	j.account.Release()
	if r.desks == nil {
		r.desks = insight.NewDesks(r.tenant.Content)
	}
	r.desks.Take(signals)
	return signals, nil
}

// firstAdvance takes the hits that there were before the first Advance.
type firstAdvance struct {
	r *Run
	j *judge
}

func (x *firstAdvance) Push(b *event.Batch) error {
	var past, later []uint16
	for _, row := range b.Live {
		if at, _ := b.Value(hitTime, row).Int(); at < x.r.mark {
			past = append(past, row)
		} else {
			later = append(later, row)
		}
	}
	b.Live = past
	if err := x.j.Push(b); err != nil {
		return err
	}
	b.Live = later
	return x.r.hold(b)
}

// add keeps hits until their time has come.
func (r *Run) add(b *event.Batch) error {
	if r.later == nil {
		return r.hits.Add(b)
	}
	b.Live = slices.DeleteFunc(b.Live, func(row uint16) bool {
		at, _ := b.Value(hitTime, row).Int()
		rule, _ := b.Value(hitRule, row).Int()
		if late := at < r.mark && r.rules[rule].What != ruledoc.MatchRule; late {
			r.rt.Warnings.Add("record that came too late for a Cloud SIEM rule over time: later ones had been judged already", true, exec.Sample{Pos: b.Pos[row], Detail: r.rules[rule].Name})
			return true
		}
		return false
	})
	return r.hold(b)
}

// hold keeps hits in memory, or judges the earliest where there is none left.
func (r *Run) hold(b *event.Batch) error {
	if r.later.Add(b) {
		return nil
	}
	r.rt.Warnings.Add("memory is spent: records were judged before all of their time were there", false, exec.Sample{Detail: hitsName})
	r.mark = max(r.mark, r.later.Early())
	return r.later.Release(r.mark, r.judging())
}

// stateVersion is that of what Save writes; it rises with any change of it.
const stateVersion = 1

// ErrOtherRules is that a saved state is of other rules.
var ErrOtherRules = errors.New("the saved state is of other Cloud SIEM rules")

// Save writes down the hits, the rules' windows and histories, and the entities. The
// tasks have been flushed.
func (r *Run) Save(to *exec.Saver) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	to.Uint(stateVersion)
	to.Uint(uint64(len(r.rules)))
	for _, x := range r.rules {
		to.Bytes([]byte(x.ID))
	}
	if r.later == nil {
		to.Uint(0)
		return r.hits.Save(to)
	}
	to.Uint(1)
	to.Int(r.mark)
	to.Int(r.swept)
	if err := r.later.Save(to); err != nil {
		return err
	}
	for _, g := range r.judging().groups {
		if g == nil {
			g = &machine.Groups{}
		}
		to.Uint(uint64(g.Evicted))
		if err := g.Save(func(key string, state []byte) error {
			to.Uint(1)
			to.Bytes([]byte(key))
			to.Bytes(state)
			return to.Err()
		}); err != nil {
			return err
		}
		to.End()
	}
	if r.desks != nil {
		for _, d := range r.desks.All() {
			state, err := d.Save()
			if err != nil {
				return err
			}
			to.Record(state)
		}
	}
	to.End()
	return to.Err()
}

// Load reads what an equal run has saved into one that has had no events yet, or, before
// the first Advance of both, adds it.
func (r *Run) Load(from *exec.Loader) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v := from.Uint(); from.Err() == nil && v != stateVersion {
		return fmt.Errorf("the saved state of Cloud SIEM rules is of version %d, and this gyoji reads version %d", v, stateVersion)
	}
	if n := from.Uint(); from.Err() == nil && n != uint64(len(r.rules)) {
		return ErrOtherRules
	}
	for _, x := range r.rules {
		if id := string(from.Bytes()); from.Err() == nil && id != x.ID {
			return ErrOtherRules
		}
	}
	if from.Uint() == 0 {
		if from.Err() != nil {
			return from.Err()
		}
		if r.hits == nil {
			return errors.New("the state of a run that was not judged yet is loaded into one that is")
		}
		return r.hits.Load(from)
	}
	j := r.judging()
	if r.hits != nil {
		r.hits.Close()
		r.hits, r.later = nil, exec.NewBacklog(r.rt, hitsName, hitOrder, hitCodec())
	}
	r.mark, r.swept = from.Int(), from.Int()
	if _, err := r.later.Load(from); err != nil {
		return err
	}
	for rule := range r.rules {
		g := &machine.Groups{New: r.rules[rule].machine}
		g.Evicted = int(from.Uint())
		some := false
		for from.Uint() == 1 {
			key := string(from.Bytes())
			if err := g.Load(key, from.Bytes()); err != nil {
				return err
			}
			some = true
		}
		if some || g.Evicted > 0 {
			j.groups[rule] = g
		}
	}
	r.desks = insight.NewDesks(r.tenant.Content)
	err := from.Records(func(rec []byte) error {
		d, err := insight.Load(rec)
		if err != nil {
			return err
		}
		r.desks.Put(d)
		return nil
	})
	return errors.Join(err, from.Err())
}
