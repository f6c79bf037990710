package op

import (
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// outlierThreshold is how many standard deviations away a point is an outlier
// unless the query says otherwise.
const outlierThreshold = 3

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name:    "outlier",
		Usage:   "outlier <of:field> {[,] window=<size:int>|[,] threshold=<far:number>|[,] consecutive=<run:int>|[,] direction=<side:direction>|by <groups:field,...>}",
		Summary: "Finds the time slices whose value lies far from those before them.",
		Text: "Mean and standard deviation are those of the `window` (10) slices before each one. The band reaches `threshold` (3) deviations to either side, or to the side of `direction`. " +
			"It adds, named after the field: `_mean`, `_std`, `_error` (value minus mean), `_lower`, `_upper`, `_indicator` (1 outside the band) and `_violation` (1 when `consecutive` slices in a row were outside). " +
			"The newest slice may be incomplete and is never an outlier. It works in order of time and leaves rows in the order they have. " +
			"A value that is null or no number has no result and does not count.",
		Differs: "OP-32: a slice is compared with those before it, itself left out; there is no outlier until there are two. OP-29: the sample estimator.",
		Examples: []lang.Example{
			{Query: `* | timeslice 1m | max(n) as n by _timeslice | outlier n window=3 | where n = 3 or n = 90 | fields n, n_mean, n_std, n_error, n_upper, n_indicator | sort by n`, In: []string{
				`{"_raw":"","_messageTime":1704067200000,"n":1}`, `{"_raw":"","_messageTime":1704067260000,"n":2}`, `{"_raw":"","_messageTime":1704067320000,"n":3}`,
				`{"_raw":"","_messageTime":1704067380000,"n":90}`, `{"_raw":"","_messageTime":1704067440000,"n":0}`},
				Out: []string{`{"n":90,"n_mean":2,"n_std":1,"n_error":88,"n_upper":5,"n_indicator":1}`, `{"n":3,"n_mean":1.5,"n_std":0.7071067811865476,"n_error":1.5,"n_upper":3.6213203435596428,"n_indicator":0}`}},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Keeps},
	New:   func() lang.Stage { return new(outlier) },
})

type outlier struct {
	Of          *syntax.Field   `usage:"of"`
	Window      *syntax.Number  `usage:"size"`
	Threshold   *syntax.Number  `usage:"far"`
	Consecutive *syntax.Number  `usage:"run"`
	Direction   string          `usage:"side"`
	Groups      []*syntax.Field `usage:"groups"`

	of, time    event.Slot
	by          []event.Slot
	window      int
	threshold   float64
	consecutive int
	outs        [outlierColumns]event.Slot
	at          event.Slot // hidden: the time as a number
	spilling
}

// Columns of outlier.
const (
	outlierMean = iota
	outlierStd
	outlierError
	outlierLower
	outlierUpper
	outlierIndicator
	outlierViolation
	outlierColumns
)

var outlierSuffixes = [outlierColumns]string{"_mean", "_std", "_error", "_lower", "_upper", "_indicator", "_violation"}

func (o *outlier) Check(sc *lang.Scope) {
	o.check(sc)
	o.at = hidden(sc, "age")
	o.of, o.time = sc.Read(o.Of), bySlice(sc, "outlier")
	for _, f := range o.Groups {
		o.by = append(o.by, sc.Read(f))
	}
	o.window, o.threshold, o.consecutive = windowDefault, outlierThreshold, 1
	if o.Window != nil {
		if o.window = checkWindow(sc, "outlier", o.Window); o.window < 2 {
			sc.Error(o.Window, "window-too-short", "one slice has no deviation", "write a window of 2 or more")
		}
	}
	if o.Threshold != nil {
		if o.threshold = real(o.Threshold); o.threshold <= 0 {
			sc.Error(o.Threshold, "bad-threshold", "the threshold is a number of deviations above 0", "write threshold=3")
		}
	}
	if o.Consecutive != nil {
		o.consecutive = checkWindow(sc, "outlier", o.Consecutive)
	}
	for i, suffix := range outlierSuffixes {
		o.outs[i] = sc.MakeName(o.Of.Name + suffix)
	}
}

// bySlice returns the slot of _timeslice, which an aggregate before must have as
// a group.
func bySlice(sc *lang.Scope, name string) event.Slot {
	slot := sc.ReadName("_timeslice")
	for _, c := range sc.Columns {
		if !sc.Messages && strings.EqualFold(c.Name, "_timeslice") {
			return slot
		}
	}
	sc.Error(sc.Stage(), name+"-without-timeslice", name+" works on the rows of an aggregate by _timeslice", "put before it: | timeslice 5m | count by _timeslice")
	return slot
}

func (o *outlier) Needs(f *event.Fields) {
	f.Remove(o.outs[:]...)
	o.after = f.Clone()
	f.Add(o.of, o.time)
	f.Add(o.by...)
}

func (o *outlier) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	return &outlierTask{
		outlier: o, next: next,
		series: exec.NewSorter(rt, "outlier", exec.Order{Keys: []exec.Key{{Slot: o.key}, {Slot: o.at}}}, exec.NewCodec(&o.after, o.of, o.key, o.at), 0),
		ready:  exec.NewSorter(rt, "outlier", exec.Order{}, exec.NewCodec(&o.after, o.outs[:]...), 0),
	}
}

// outlierTask goes through the rows of one group after the other, in order of time.
type outlierTask struct {
	*outlier
	next   exec.Sink
	series *exec.Sorter
	ready  *exec.Sorter // in the order they came: at first those without a result
	n      uint64
	newest int64
	timed  bool // a row had a time
	buf    []byte
	rest   []uint16
	cols   [outlierColumns]event.Column
}

func (t *outlierTask) Push(b *event.Batch) error {
	t.n = arrive(b, t.n)
	b.Col(t.key).Reset()
	b.Col(t.at).Reset()
	live := b.Live[:0]
	t.rest = t.rest[:0]
	for _, row := range b.Live {
		at, timed := b.Value(t.time, row).Int()
		_, ok := b.Value(t.of, row).Float()
		if timed && (!t.timed || at > t.newest) {
			t.newest, t.timed = at, true
		}
		if !timed || !ok {
			t.rest = append(t.rest, row)
			continue
		}
		t.buf = t.buf[:0]
		for _, s := range t.by {
			t.buf = appendKey(t.buf, b.Value(s, row))
		}
		b.Col(t.key).Set(row, event.Text(string(t.buf)))
		b.Col(t.at).Set(row, event.Int(at))
		live = append(live, row)
	}
	b.Live = live
	if err := t.series.Add(b); err != nil {
		return err
	}
	for _, s := range t.outs {
		b.Col(s).Reset()
	}
	b.Live = t.rest
	return t.ready.Add(b)
}

// judge gives the results of a point, the next of its series. outside is how many
// points in a row before it were outside the band.
func (t *outlierTask) judge(w *window, outside *int, at int64, v float64) (r [outlierColumns]event.Value) {
	r[outlierIndicator], r[outlierViolation] = event.Int(0), event.Int(0)
	out := false
	if len(w.vals) > 0 {
		mean := w.mean()
		std := w.deviation(mean)
		lower, upper := mean-t.threshold*std, mean+t.threshold*std
		r[outlierMean], r[outlierStd], r[outlierError] = event.Float(mean), event.Float(std), event.Float(v-mean)
		r[outlierLower], r[outlierUpper] = event.Float(lower), event.Float(upper)
		above, below := v > upper && t.Direction != "-", v < lower && t.Direction != "+"
		out = len(w.vals) > 1 && (above || below) && at < t.newest
	}
	if w.add(v); !out {
		*outside = 0
		return r
	}
	r[outlierIndicator] = event.Int(1)
	if *outside++; *outside >= t.consecutive {
		r[outlierViolation] = event.Int(1)
	}
	return r
}

func (t *outlierTask) Flush() error {
	group, some := "", false
	var w window
	outside := 0
	if err := t.series.Flush(sinkFunc(func(b *event.Batch) error {
		for i := range t.cols {
			t.cols[i].Reset()
		}
		for _, row := range b.Live {
			if k := b.Value(t.key, row).Str(); !some || k != group {
				group, some = strings.Clone(k), true
				w, outside = newWindow(t.window), 0
			}
			at, _ := b.Value(t.at, row).Int()
			v, _ := b.Value(t.of, row).Float()
			for i, v := range t.judge(&w, &outside, at, v) {
				t.cols[i].Set(row, v)
			}
		}
		b.Col(t.key).Reset()
		b.Col(t.at).Reset()
		for i, s := range t.outs {
			b.Col(s).Alias(&t.cols[i])
		}
		return t.ready.Add(b)
	})); err != nil {
		return err
	}
	return t.ready.Flush(t.next)
}
