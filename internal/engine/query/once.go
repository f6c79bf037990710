package query

import (
	"hash/maphash"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// identity names, besides the second of its time, a record of Windows: its number in its
// channel on its computer, and what it is. It is the same in every form that the record is
// exported in. Correlations and Cloud SIEM rules know a record by the same.
var identity = []string{"EventRecordID", "Channel", "Computer", "EventID"}

// once keeps the first copy of each record of Windows, of those that a log and an export of
// it in another form both have, before the step that counts rows. Rows come to it in order of
// time, so that it holds the records of one second; of events that go on coming it holds the
// last that have come.
type once struct {
	slots    []event.Slot // of identity
	place    event.Slot
	arriving bool
}

// counting has every query that holds rows count a record once; carry calls it. Rows are put
// into the order of time first, where they are not yet.
func (q *Query) counting(steps []lang.Step, next lang.Step) []lang.Step {
	o := &once{place: q.Layout.Slot(lang.CarriedPlace)}
	all := q.want.All
	for _, f := range identity {
		if !all {
			f = lang.CarriedName(f)
		}
		o.slots = append(o.slots, q.Layout.Slot(f))
	}
	q.counted = o
	step := lang.Step{Stage: o, Flow: lang.InOrder, Name: "each record once"}
	if next.Part == lang.NewestInTime {
		return append(steps, next, step)
	}
	return append(steps, q.vocab.InTime(0), step, next)
}

// arriving are the steps for events that go on coming, which are counted as they come.
func (q *Query) arriving() []lang.Step {
	steps := slices.Clone(q.steps)
	if q.counted == nil {
		return steps
	}
	live := *q.counted
	live.arriving = true
	i := q.cut // after what puts rows into the order of time
	steps[i].Stage, steps[i].Flow = &live, lang.Streams
	if steps[i+1].Flow == lang.InOrder {
		steps[i-1], steps[i] = steps[i], steps[i-1]
		return steps
	}
	return slices.Delete(steps, i-1, i)
}

func (*once) Check(*lang.Scope) {}

func (o *once) Needs(f *event.Fields) {
	f.Add(o.place)
	for _, s := range o.slots {
		f.Add(s)
	}
}

func (o *once) Open(_ *exec.Runtime, next exec.Sink) exec.Task {
	return &onceTask{once: o, next: next, seed: [2]maphash.Seed{maphash.MakeSeed(), maphash.MakeSeed()}, met: map[record]int64{}}
}

// record stands for an identity and a second: two hashes of 64 bits.
type record [2]uint64

// metMax is how many arriving records are remembered: twice as many, of which the older
// half is forgotten at once. A copy that comes later counts.
const metMax = 1 << 16

type onceTask struct {
	*once
	next   exec.Sink
	seed   [2]maphash.Seed
	second int64            // of the records in met, unless they arrive
	met    map[record]int64 // to the place of the first
	older  map[record]int64
	key    []byte
}

func (t *onceTask) Push(b *event.Batch) error {
	live := b.Live[:0]
	for _, row := range b.Live {
		if !t.copied(b, row) {
			live = append(live, row)
		}
	}
	if b.Live = live; len(live) == 0 {
		return nil
	}
	return t.next.Push(b)
}

// copied reports whether a row is of a record that another place had. Several rows may be
// made of one record.
func (t *onceTask) copied(b *event.Batch, row uint16) bool {
	number := b.Value(t.slots[0], row)
	if number.IsNull() || b.Time[row] == event.NoTime {
		return false
	}
	second := b.Time[row] / 1000 // some forms say no more
	if !t.arriving && second != t.second {
		t.second = second
		clear(t.met)
	}
	t.key = t.key[:0]
	for i := range 8 {
		t.key = append(t.key, byte(second>>(8*i)))
	}
	for i, s := range t.slots {
		text := b.Value(s, row).String()
		if i == 0 && (text == "" || text == "0") {
			return false // a producer that does not number its records
		}
		t.key = append(append(t.key, 0), strings.ToLower(text)...)
	}
	k := record{maphash.Bytes(t.seed[0], t.key), maphash.Bytes(t.seed[1], t.key)}
	place, _ := b.Value(t.place, row).Int()
	first, ok := t.met[k]
	if !ok {
		first, ok = t.older[k]
	}
	if ok {
		return first != place
	}
	if t.arriving && len(t.met) >= metMax {
		t.older, t.met = t.met, make(map[record]int64, metMax)
	}
	t.met[k] = place
	return false
}

func (t *onceTask) Flush() error { return nil }
