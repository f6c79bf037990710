package op

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
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
			"Without either, one slice is the whole range. The rows of an aggregate have no time of their own; they are sliced by a `_messageTime` that it gave them.",
		Differs: "OP-18: weeks start on Thursdays, as 1970 did.",
		Examples: []lang.Example{
			{Query: `* | timeslice 1m | count by _timeslice`, In: []string{`{"_raw":"a","_messageTime":1704067325000}`}, Out: []string{`{"_timeslice":1704067320000,"_count":1}`}},
			{Query: `* | last(_messageTime) as _messageTime by host | timeslice 1m | fields host, _timeslice`, In: []string{`{"_raw":"a","host":"w","_messageTime":1704067325000}`}, Out: []string{`{"host":"w","_timeslice":1704067320000}`}},
		},
	},
	Flow:  lang.Streams,
	Facts: lang.Facts{Rows: lang.Keeps, Alone: true},
	New:   func() lang.Stage { return new(timeslice) },
})

type timeslice struct {
	Buckets *syntax.Number   `usage:"n"`
	Every   *syntax.Duration `usage:"every"`
	As      *syntax.Field    `usage:"out"`

	out, end event.Slot
	time     event.Slot
	records  bool // rows of an aggregate that made a _messageTime
}

func (t *timeslice) Check(sc *lang.Scope) {
	t.records = !sc.Messages
	if t.records && !hasColumn(sc, "_messageTime") {
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
	if !t.records {
		sc.SetSlices(t.out, t.every())
	}
}

func (t *timeslice) Facts(f lang.Facts) lang.Facts {
	f.Slices = &lang.Slicing{Out: t.out, Every: t.every()}
	if t.Buckets != nil {
		f.NeedsRange = fmt.Sprintf("timeslice cuts the query's time range into %d buckets", t.Buckets.Int)
	}
	return f
}

// every is how long a slice is in ms; 0 where the time range says.
func (t *timeslice) every() int64 {
	if t.Every == nil {
		return 0
	}
	return t.Every.Millis
}

// hasColumn reports whether the rows of an aggregate have a field.
func hasColumn(sc *lang.Scope, name string) bool {
	for _, c := range sc.Columns {
		if strings.EqualFold(c.Name, name) {
			return true
		}
	}
	return false
}

func (t *timeslice) Needs(f *event.Fields) {
	f.Remove(t.out, t.end)
	if t.records {
		f.Add(t.time)
	}
}

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
			at := int64(0)
			if !t.records {
				at = b.Time[row]
			} else if ms, ok := b.Value(t.time, row).Int(); ok {
				at = ms
			} else {
				start.SetCode(row, 0)
				end.SetCode(row, 0)
				continue
			}
			if at == event.NoTime && !t.records { // an event of no time is of no slice
				start.SetCode(row, 0)
				end.SetCode(row, 0)
				continue
			}
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
