package op

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/datefmt"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

const (
	forecastDefault = 3     // points (spec C.4; OP-33)
	forecastMax     = 100   // points
	predictMax      = 10000 // slices of the series, those filled in included
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name:    "predict",
		Usage:   "predict <of:field> by <every:duration> {[,] model=<kind:word>|[,] ar.window=<order:int>|[,] forecast=(<points:int>|<until:duration>)}",
		Summary: "Fits a line or an autoregressive model to a series of time slices, and goes on with it.",
		Text: "It stands after an aggregate by `_timeslice` alone. It adds, named after the field, `_predicted` and `_error` (predicted minus actual). " +
			"Rows for the `forecast` slices (3) that follow are added, where the field itself is null. Slices that are missing count as 0, with a warning. " +
			"The model is a line, or with `model=ar` what is left over the line is predicted from the `ar.window` slices before; `_linear` is then the line. " +
			"At most 100 slices are forecast, of a series of 10,000.",
		Differs: "OP-33: a line forecasts 3 slices too. The coefficients of `model=ar` are fitted by the Yule-Walker equations, so its numbers are not those of Sumo Logic.",
		Examples: []lang.Example{
			{Query: `* | timeslice 1m | max(n) as n by _timeslice | predict n by 1m forecast=1 | fields n, n_predicted, n_error | sort by n_predicted`, In: []string{
				`{"_raw":"","_messageTime":1704067200000,"n":1}`, `{"_raw":"","_messageTime":1704067260000,"n":2}`, `{"_raw":"","_messageTime":1704067320000,"n":3}`},
				Out: []string{`{"n":null,"n_predicted":4,"n_error":null}`, `{"n":3,"n_predicted":3,"n_error":0}`, `{"n":2,"n_predicted":2,"n_error":0}`, `{"n":1,"n_predicted":1,"n_error":0}`}},
		},
	},
	Flow:  lang.InOrder,
	Facts: lang.Facts{Rows: lang.Makes, Whole: true},
	New:   func() lang.Stage { return new(predict) },
})

type predict struct {
	Of     *syntax.Field    `usage:"of"`
	Every  *syntax.Duration `usage:"every"`
	Model  *syntax.Name     `usage:"kind"`
	Window *syntax.Number   `usage:"order"`
	Points *syntax.Number   `usage:"points"`
	Until  *syntax.Duration `usage:"until"`

	of, time               event.Slot
	predicted, err, linear event.Slot
	ar                     bool
	forecast               int
	after                  event.Fields
}

func (p *predict) Check(sc *lang.Scope) {
	p.of, p.time = sc.Read(p.Of), bySlice(sc, "predict")
	if p.Every.Millis <= 0 {
		sc.Error(p.Every, "bad-duration", "a slice lasts longer than nothing", "write a duration such as 5m")
	}
	if g, ok := sc.Marked(groupMark).(*syntax.Stage); ok && len(g.By) > 1 {
		sc.Error(sc.Stage(), "predict-groups", "predict follows one series, and the aggregate has several groups", "group by _timeslice alone, or filter to one group before")
	}
	if p.Model != nil {
		switch p.ar = strings.EqualFold(p.Model.Text, "ar"); {
		case p.ar, strings.EqualFold(p.Model.Text, "linear"):
		default:
			sc.Error(p.Model, "unknown-model", "there is no model "+p.Model.Text, "write model=ar, or leave it out for a line")
		}
	}
	if p.Window != nil {
		if !p.ar {
			sc.Error(p.Window, "window-without-ar", "ar.window belongs to model=ar", "write model=ar, ar.window=50")
		}
		checkWindow(sc, "predict", p.Window)
	}
	p.forecast = forecastDefault
	switch {
	case p.Points != nil:
		p.forecast = p.points(sc, p.Points, p.Points.Int)
	case p.Until != nil && p.Every.Millis > 0:
		p.forecast = p.points(sc, p.Until, p.Until.Millis/p.Every.Millis)
	}
	p.predicted, p.err, p.linear = sc.MakeName(p.Of.Name+"_predicted"), sc.MakeName(p.Of.Name+"_error"), event.None
	if p.ar {
		p.linear = sc.MakeName(p.Of.Name + "_linear")
	}
}

func (p *predict) points(sc *lang.Scope, at syntax.Node, n int64) int {
	if n < 1 || n > forecastMax {
		sc.Error(at, "bad-forecast", fmt.Sprintf("predict forecasts from 1 to %d slices", forecastMax), "write forecast=10")
		return forecastDefault
	}
	return int(n)
}

func (p *predict) Needs(f *event.Fields) {
	f.Remove(p.predicted, p.err)
	if p.ar {
		f.Remove(p.linear)
	}
	p.after = f.Clone()
	f.Add(p.of, p.time)
}

func (p *predict) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	return &predictTask{predict: p, rt: rt, next: next, rows: newReplay(rt, "predict", &p.after, p.of, p.time), acct: rt.Budget.Open("predict")}
}

type predictTask struct {
	*predict
	rt     *exec.Runtime
	next   exec.Sink
	rows   *replay
	acct   *exec.Account
	points []point
	cols   [3]event.Column
}

func (t *predictTask) Push(b *event.Batch) error {
	for _, row := range b.Live {
		at, timed := b.Value(t.time, row).Int()
		v, ok := b.Value(t.of, row).Float()
		if !timed || !ok {
			continue
		}
		if !t.acct.Add(24) && len(t.points) > 0 || len(t.points) == 2*predictMax {
			return t.acct.Over(fmt.Sprintf("%d slices", len(t.points)), "use wider slices, or a shorter time range")
		}
		t.points = append(t.points, point{time: at, v: v})
	}
	return t.rows.Push(b)
}

// series puts the points in order of time, one for each slice.
func (t *predictTask) series() (times []int64, vals []float64) {
	if len(t.points) == 0 {
		return nil, nil
	}
	slices.SortStableFunc(t.points, func(a, b point) int { return cmp.Compare(a.time, b.time) })
	missing := 0
	last := t.points[len(t.points)-1].time
	for i, at := 0, t.points[0].time; at <= last && len(times) < predictMax; {
		times = append(times, at)
		v, some := 0.0, false
		for ; i < len(t.points) && t.points[i].time <= at; i++ {
			v, some = t.points[i].v, true
		}
		if !some {
			missing++
		}
		vals = append(vals, v)
		at = t.following(at)
	}
	if missing > 0 {
		t.rt.Warnings.Add("predict: a slice without a row, taken as 0", false, exec.Sample{Detail: fmt.Sprintf("%d slices; fillmissing timeslice puts them in", missing)})
	}
	if last > times[len(times)-1] {
		t.rt.Warnings.Add(fmt.Sprintf("predict: slices beyond the first %d", predictMax), true, exec.Sample{Detail: "use wider slices, or a shorter time range"})
	}
	return times, vals
}

// following is the slice behind one. Days may be longer or shorter than 24 hours.
func (t *predictTask) following(at int64) int64 {
	if _, end := datefmt.Slice(at, t.Every.Millis, t.rt.Zone); end > at {
		return end
	}
	return at + t.Every.Millis
}

// point is the value of one slice.
type point struct {
	time int64 // ms
	v    float64
}

// fitted is what a model says of one slice.
type fitted struct{ predicted, linear float64 }

func (t *predictTask) Flush() error {
	defer t.acct.Release()
	times, vals := t.series()
	fit := t.fit(vals)
	at := make(map[int64]fitted, len(times))
	for i, ms := range times {
		at[ms] = fit[i]
	}
	var n uint64
	err := t.rows.each(func(b *event.Batch) error {
		for i := range t.cols {
			t.cols[i].Reset()
		}
		for _, row := range b.Live {
			n = max(n, b.Pos[row]+1)
			ms, _ := b.Value(t.time, row).Int()
			if f, ok := at[ms]; ok {
				t.cols[0].Set(row, event.Float(f.predicted))
				t.cols[2].Set(row, event.Float(f.linear))
				if v, ok := b.Value(t.of, row).Float(); ok {
					t.cols[1].Set(row, event.Float(f.predicted-v))
				}
			}
		}
		b.Col(t.predicted).Alias(&t.cols[0])
		b.Col(t.err).Alias(&t.cols[1])
		if t.ar {
			b.Col(t.linear).Alias(&t.cols[2])
		}
		return t.next.Push(b)
	})
	if err != nil || len(times) == 0 {
		return err
	}
	b := &event.Batch{}
	ms := times[len(times)-1]
	for i := range t.forecast {
		ms = t.following(ms)
		row := b.AddRow(0, n+uint64(i))
		b.Col(t.time).Set(row, event.Int(ms))
		b.Col(t.predicted).Set(row, event.Float(fit[len(times)+i].predicted))
		if t.ar {
			b.Col(t.linear).Set(row, event.Float(fit[len(times)+i].linear))
		}
	}
	return t.next.Push(b)
}

// fit returns the model's value for each slice of the series and the forecast.
func (t *predictTask) fit(vals []float64) []fitted {
	n := len(vals)
	out := make([]fitted, n+t.forecast)
	slope, start := line(vals)
	for i := range out {
		out[i].linear = start + slope*float64(i)
		out[i].predicted = out[i].linear
	}
	if !t.ar || n < 2 {
		return out
	}
	order := n * 45 / 100 // the manual's advice is 40 to 50% of the points
	if t.Window != nil {
		order = int(t.Window.Int)
	}
	order = min(max(order, 1), n-1, windowMax)
	rest := make([]float64, len(out)) // over the line; beyond the series as predicted
	for i, v := range vals {
		rest[i] = v - out[i].linear
	}
	weights := yuleWalker(rest[:n], order)
	for i := range out {
		sum := 0.0
		for lag, w := range weights {
			if j := i - 1 - lag; j >= 0 {
				sum += w * rest[j]
			}
		}
		out[i].predicted += sum
		if i >= n {
			rest[i] = sum
		}
	}
	return out
}

// line is the least-squares line through the values at 0, 1, 2, ...
func line(vals []float64) (slope, start float64) {
	n := float64(len(vals))
	if n == 0 {
		return 0, 0
	}
	mid, mean := (n-1)/2, 0.0
	for _, v := range vals {
		mean += v / n
	}
	var xy, xx float64
	for i, v := range vals {
		x := float64(i) - mid
		xy += x * (v - mean)
		xx += x * x
	}
	if xx > 0 {
		slope = xy / xx
	}
	return slope, mean - slope*mid
}

// yuleWalker returns the weights of the values 1, 2, ... order slices before,
// by the recursion of Levinson and Durbin over the autocovariances.
func yuleWalker(x []float64, order int) []float64 {
	cov := make([]float64, order+1)
	for lag := range cov {
		for i := lag; i < len(x); i++ {
			cov[lag] += x[i] * x[i-lag]
		}
	}
	weights, err := make([]float64, order), cov[0]
	before := make([]float64, order)
	for k := 0; k < order && err > cov[0]*1e-12; k++ {
		r := cov[k+1]
		for j := range k {
			r -= weights[j] * cov[k-j]
		}
		r /= err
		copy(before, weights)
		for j := range k {
			weights[j] = before[j] - r*before[k-1-j]
		}
		weights[k] = r
		err *= 1 - r*r
	}
	return weights
}
