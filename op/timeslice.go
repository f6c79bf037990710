package op

import (
	"github.com/gyoji-dev/gyoji/datefmt"
	"github.com/gyoji-dev/gyoji/event"
	"github.com/gyoji-dev/gyoji/exec"
	"github.com/gyoji-dev/gyoji/lang"
	"github.com/gyoji-dev/gyoji/syntax"
)

// sliceMark is the scope's mark of the last timeslice, whose width fillmissing,
// outlier and predict ask for.
const sliceMark = "timeslice"

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "timeslice", Usage: "timeslice [by] [<n:int> buckets|<every:duration>] [as <out:field>]",
		Summary: "Gives each message the start of the time slice it falls in.",
		Text: "Adds `_timeslice`, the start of the slice in milliseconds, and `__timeslice_end`, its end. Minutes and hours are aligned to the clock, " +
			"days to midnight in the query's zone, weeks to the epoch. `n buckets` picks a round width that gives about n slices over the query's time range. " +
			"Without either, one slice is the whole range.",
		Differs: "OP-18: weeks start on Thursdays, as 1970 did.",
		Examples: []lang.Example{
			{Query: `* | timeslice 1m | count by _timeslice`, In: []string{`{"_raw":"a","_messageTime":1704067325000}`}, Out: []string{`{"_timeslice":1704067320000,"_count":1}`}},
		},
	},
	Flow: lang.Streams,
	New:  func() lang.Stage { return new(timeslice) },
})

type timeslice struct {
	Buckets *syntax.Number   `usage:"n"`
	Every   *syntax.Duration `usage:"every"`
	As      *syntax.Field    `usage:"out"`

	out, end event.Slot
	time     event.Slot
}

func (t *timeslice) Check(sc *lang.Scope) {
	if !sc.Messages {
		sc.Error(sc.Stage(), "timeslice-after-aggregate", "timeslice reads the time of messages, and here are the rows of an aggregate", "put timeslice before the aggregate and group by _timeslice")
	}
	if t.Every != nil && t.Every.Millis <= 0 {
		sc.Error(t.Every, "bad-duration", "a slice lasts longer than nothing", "write a duration such as 5m")
	}
	if t.Buckets != nil && t.Buckets.Int < 1 {
		sc.Error(t.Buckets, "bad-buckets", "there is at least one bucket", "write a number such as 50")
	}
	t.time = sc.ReadName("_messageTime")
	if t.As != nil {
		t.out = sc.Make(t.As)
	} else {
		t.out = sc.MakeName("_timeslice")
	}
	t.end = sc.MakeName("__timeslice_end")
	sc.Mark(sliceMark, sc.Stage())
}

func (t *timeslice) Needs(f *event.Fields) { f.Remove(t.out, t.end) }

// width is the length of a slice in ms, and the start that it counts from when
// there is but one.
func (t *timeslice) width(rt *exec.Runtime) (ms, origin int64) {
	switch {
	case t.Every != nil:
		return t.Every.Millis, 0
	case t.Buckets != nil:
		return datefmt.BucketWidth(rt.From, rt.To, int(t.Buckets.Int)), 0
	}
	return rt.To - rt.From, rt.From
}

func (t *timeslice) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	ms, origin := t.width(rt)
	var start, end event.Column
	whole := t.Every == nil && t.Buckets == nil
	return &each{next: next, fn: func(b *event.Batch) error {
		start.Reset()
		end.Reset()
		last, code := int64(0), uint16(0)
		var s, e int64
		for _, row := range b.Live {
			at := b.Time[row]
			if whole {
				s, e = origin, origin+ms
			} else {
				s, e = datefmt.Slice(at, ms, rt.Zone)
			}
			if code == 0 || s != last {
				last, code = s, start.Put(event.Int(s))
				end.Put(event.Int(e))
			}
			start.SetCode(row, code)
			end.SetCode(row, code)
		}
		b.Col(t.out).Alias(&start)
		b.Col(t.end).Alias(&end)
		return nil
	}}
}
