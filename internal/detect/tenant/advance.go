package tenant

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// sweepEvery is after how much event time, in ms, groups without anything left are looked
// for; what an outlier rule finds at the end of a bucket is found then, too.
const sweepEvery = 60_000

// Advance says that event time has come to t, in ms: the hits before it are judged, and
// their signals come in the order of their times, marked where they do not count. Hits of
// an earlier time that come all the same are judged at the next call: those of match rules
// as any, those of rules over time as Late says.
//
// All calls together, and Rest after the last, make the signals that Signals alone would,
// and the insights. A signal that waits for the end of an hour or a day (an outlier's
// average) comes at that end.
func (r *Run) Advance(t int64) ([]*insight.Signal, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	j := r.judge
	before := r.mark
	j.now = before
	if err := r.begin(t); err != nil {
		return nil, err
	}
	r.mark = max(r.mark, t)
	if err := r.later.Release(r.mark, j); err != nil {
		return nil, err
	}
	j.ends(before, r.mark)
	if r.mark-sweepEvery >= r.swept {
		r.swept = r.mark
		j.close(r.mark - 1) // a bucket that ends at the mark is known at the mark
		r.tally()
	}
	return r.judged(j)
}

// begin has the run judge hits as event time comes to them: those before t at once.
func (r *Run) begin(t int64) error {
	hits := r.hits
	if hits == nil {
		return nil
	}
	r.hits, r.later = nil, exec.NewBacklog(r.rt, hitsName, hitOrder, hitCodec())
	r.mark = t
	if err := hits.Flush(&firstAdvance{r, r.judge}); err != nil && !errors.Is(err, exec.ErrStop) {
		return err
	}
	return nil
}

// Rest judges what is left, once all events are read.
func (r *Run) Rest() ([]*insight.Signal, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.judgeAll(); err != nil {
		return nil, err
	}
	return r.judged(r.judge)
}

// judged gives the signals to the desks.
func (r *Run) judged(j *judge) ([]*insight.Signal, error) {
	signals, err := j.take()
	if err != nil {
		return nil, err
	}
	j.account.Release()
	r.insights = append(r.insights, r.desks.Take(signals)...)
	if n := len(r.insights); n > insightsKept {
		r.insights = slices.Clone(r.insights[n-insightsKept:])
	}
	return signals, nil
}

// Hasten judges the hits of match rules that wait for their time, before the rules are
// replaced by others: what came before a change is judged by the content that was there. The
// next Advance gives their signals.
func (r *Run) Hasten() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.later == nil {
		return nil
	}
	return r.later.Pick(func(b *event.Batch, row uint16) bool {
		n, _ := b.Value(hitRule, row).Int()
		return r.rules[n].What == ruledoc.MatchRule
	}, r.judge)
}

// Failures are the mistakes in gyoji that have stopped rules, in the order in which they came;
// the others go on.
func (r *Run) Failures() []error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.judge.stopped)
}

// Give gives the desks signals that another run has made; they are known as of now.
func (r *Run) Give(signals []*insight.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range signals {
		s.Known = max(s.Known, r.mark)
	}
	r.insights = append(r.insights, r.desks.Take(signals)...)
}

// insightsKept is how many insights wait for whoever asks for them; the newest do.
const insightsKept = 10_000

// Entities is how many entities are remembered, and how many were too many to be: those
// whose last signals were the oldest.
func (r *Run) Entities() (remembered, evicted int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.desks.Len(), r.desks.Evicted
}

// Insights are those that Advance and Rest have made since this was last called.
func (r *Run) Insights() []*insight.Insight {
	r.mu.Lock()
	defer r.mu.Unlock()
	made := r.insights
	r.insights = nil
	return made
}

// Lateness is that of Cloud SIEM in ms (cloud-siem.md 16, question 3).
const Lateness = 5 * 60_000

// Late has rules over time take hits that come after newer ones: in the windows that they
// belong to, for ms longer than these last; what is older still is judged by itself, where
// its group has no newer ones as where it has. Without it they are counted as lost. It is
// called before the first event, and for runs that are advanced.
func (r *Run) Late(ms int64) { r.judge.keep = ms }

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
		if late := at < r.mark && r.judge.keep == 0 && r.rules[rule].windowed(); late {
			r.judge.late[rule]++
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
	return r.later.Release(r.mark, r.judge)
}

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
	if err := r.judge.lines(r.desks, func(l stateLine) error {
		text, err := json.Marshal(l)
		to.Record(text)
		return errors.Join(err, to.Err())
	}); err != nil {
		return err
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
	if r.hits != nil {
		r.hits.Close()
		r.hits, r.later = nil, exec.NewBacklog(r.rt, hitsName, hitOrder, hitCodec())
	}
	r.judge.ours = true
	r.mark, r.swept = from.Int(), from.Int()
	if _, err := r.later.Load(from); err != nil {
		return err
	}
	in := newStateReader(r.judge, r.desks)
	err := from.Records(func(rec []byte) error {
		var l stateLine
		if err := json.Unmarshal(rec, &l); err != nil {
			return fmt.Errorf("%w: %v", ErrState, err)
		}
		return in.take(&l)
	})
	if err == nil && len(in.Changed) > 0 {
		return ErrOtherRules
	}
	return errors.Join(err, from.Err())
}
