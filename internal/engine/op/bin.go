package op

import (
	"math"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "bin", Usage: "bin <of:field> width=<wide:number> {[,] min=<low:number>|[,] max=<high:number>}",
		Summary: "Gives each row the interval of a fixed width that its number falls in.",
		Text: "Adds `_bin_lower`, `_bin_upper` and `_bin_label`, which reads `[lower, upper)`. Bins are counted from `min`, and from 0 without one. " +
			"What lies below `min` falls in the first bin, what lies at or above `max` in the last. Text is cast; null and other text have no bin.",
		Differs: "OP-19: the text of the label, bins from 0 without `min`, and the lower bound belonging to its bin.",
		Examples: []lang.Example{
			{Query: `* | bin t width=10, min=0, max=50 | fields t, _bin_lower, _bin_upper, _bin_label`, In: []string{`{"_raw":"","t":37}`, `{"_raw":"","t":-5}`, `{"_raw":"","t":1000}`},
				Out: []string{`{"t":1000,"_bin_lower":40,"_bin_upper":50,"_bin_label":"[40, 50)"}`, `{"t":-5,"_bin_lower":0,"_bin_upper":10,"_bin_label":"[0, 10)"}`, `{"t":37,"_bin_lower":30,"_bin_upper":40,"_bin_label":"[30, 40)"}`}},
			{Query: `* | bin t width=10 | fields _bin_label`, In: []string{`{"_raw":"","t":"-5"}`}, Out: []string{`{"_bin_label":"[-10, 0)"}`}},
		},
	},
	Flow:  lang.Streams,
	Facts: lang.Facts{Rows: lang.Keeps, Alone: true},
	New:   func() lang.Stage { return new(bin) },
})

type bin struct {
	Of    *syntax.Field  `usage:"of"`
	Width *syntax.Number `usage:"wide"`
	Min   *syntax.Number `usage:"low"`
	Max   *syntax.Number `usage:"high"`

	of, lower, upper, label event.Slot
}

func (s *bin) Check(sc *lang.Scope) {
	if real(s.Width) <= 0 {
		sc.Error(s.Width, "bad-width", "a bin is wider than nothing", "write a number such as width=10")
	}
	if s.Min != nil && s.Max != nil && real(s.Max) <= real(s.Min) {
		sc.Error(s.Max, "bad-range", "max does not lie above min", "write the lower bound as min, the upper as max")
	}
	s.of = sc.Read(s.Of)
	s.lower, s.upper, s.label = sc.MakeName("_bin_lower"), sc.MakeName("_bin_upper"), sc.MakeName("_bin_label")
}

// real is the value of a number written out.
func real(n *syntax.Number) float64 {
	if n.IsInt {
		return float64(n.Int)
	}
	return n.Float
}

func (s *bin) Needs(f *event.Fields) {
	f.Remove(s.lower, s.upper, s.label)
	f.Add(s.of)
}

// bounds returns the interval of a number.
func (s *bin) bounds(f float64) (lower, upper float64) {
	width, origin := real(s.Width), 0.0
	if s.Min != nil {
		origin = real(s.Min)
	}
	n := math.Floor((f - origin) / width)
	if s.Min != nil {
		n = max(n, 0)
	}
	if s.Max != nil {
		n = min(n, math.Ceil((real(s.Max)-origin)/width)-1)
	}
	return origin + n*width, origin + (n+1)*width
}

func (s *bin) Open(_ *exec.Runtime, next exec.Sink) exec.Task {
	var lower, upper, label event.Column
	return &each{next: next, fn: func(b *event.Batch) error {
		lower.Reset()
		upper.Reset()
		label.Reset()
		for _, row := range b.Live {
			f, ok := b.Value(s.of, row).Float()
			if !ok || math.IsNaN(f) || math.IsInf(f, 0) && (s.Min == nil || s.Max == nil) {
				continue
			}
			lo, hi := s.bounds(f)
			lower.Set(row, event.Float(lo))
			upper.Set(row, event.Float(hi))
			label.Set(row, event.Text("["+event.Float(lo).String()+", "+event.Float(hi).String()+")"))
		}
		b.Col(s.lower).Alias(&lower)
		b.Col(s.upper).Alias(&upper)
		b.Col(s.label).Alias(&label)
		return nil
	}}
}
