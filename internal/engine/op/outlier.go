package op

import (
	"cmp"
	"fmt"
	"slices"
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
	after       event.Fields
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
		outlier: o, next: next, rows: newReplay(rt, "outlier", &o.after),
		series: streams[[]point]{acct: rt.Budget.Open("outlier"), by: o.by},
	}
}

// point is one row of a series.
type point struct {
	time int64
	row  uint64 // its place among all rows
	v    float64
}

// pointBytes is what a point costs with its results.
const pointBytes = 24 + 8*(outlierColumns+1)

type outlierTask struct {
	*outlier
	next   exec.Sink
	rows   *replay
	series streams[[]point]
	n      uint64
	newest int64
	cols   [outlierColumns]event.Column
}

func (t *outlierTask) Push(b *event.Batch) error {
	for _, row := range b.Live {
		at, timed := b.Value(t.time, row).Int()
		v, ok := b.Value(t.of, row).Float()
		n := t.n
		t.n++
		if timed && (n == 0 || at > t.newest) {
			t.newest = at
		}
		if !timed || !ok {
			continue
		}
		s, err := t.series.of(b, row, func() ([]point, int) { return nil, 24 })
		if err != nil {
			return err
		}
		if !t.series.acct.Add(pointBytes) && n > 0 {
			return t.series.acct.Over(fmt.Sprintf("%d points", n), "use wider slices, or fewer groups")
		}
		*s = append(*s, point{at, n, v})
	}
	return t.rows.Push(b)
}

// judge appends the results of a series to those of all rows.
func (t *outlierTask) judge(series []point, results map[uint64]*[outlierColumns]event.Value) {
	slices.SortStableFunc(series, func(a, b point) int { return cmp.Compare(a.time, b.time) })
	w := newWindow(t.window)
	row := 0 // points in a row outside the band
	for _, p := range series {
		r := &[outlierColumns]event.Value{outlierIndicator: event.Int(0), outlierViolation: event.Int(0)}
		results[p.row] = r
		outside := false
		if len(w.vals) > 0 {
			mean := w.mean()
			std := w.deviation(mean)
			lower, upper := mean-t.threshold*std, mean+t.threshold*std
			r[outlierMean], r[outlierStd], r[outlierError] = event.Float(mean), event.Float(std), event.Float(p.v-mean)
			r[outlierLower], r[outlierUpper] = event.Float(lower), event.Float(upper)
			above, below := p.v > upper && t.Direction != "-", p.v < lower && t.Direction != "+"
			outside = len(w.vals) > 1 && (above || below) && p.time < t.newest
		}
		if w.add(p.v); !outside {
			row = 0
			continue
		}
		r[outlierIndicator] = event.Int(1)
		if row++; row >= t.consecutive {
			r[outlierViolation] = event.Int(1)
		}
	}
}

func (t *outlierTask) Flush() error {
	defer t.series.acct.Release()
	results := map[uint64]*[outlierColumns]event.Value{}
	for _, s := range t.series.seen {
		t.judge(*s, results)
	}
	return t.rows.each(func(b *event.Batch) error {
		for i := range t.cols {
			t.cols[i].Reset()
		}
		for _, row := range b.Live {
			if r := results[b.Pos[row]]; r != nil {
				for i, v := range r {
					t.cols[i].Set(row, v)
				}
			}
		}
		for i, s := range t.outs {
			b.Col(s).Alias(&t.cols[i])
		}
		return t.next.Push(b)
	})
}
