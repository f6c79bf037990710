package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/insight"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

//go:embed insights.html
var insightsText string

var insightsPage = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("insights").Funcs(pageFuncs).Parse(insightsText))
})

type insightView struct {
	Severity, Badge, Name, Time, Entity string
	Related, From, To                   string
	Score                               int
	Threshold                           float64
	Custom                              bool
	Parts                               []insight.Part
	Line                                template.HTML // the signals on a line of time
	Signals, Stronger                   []signalView
}

type signalView struct {
	Time, Name, Summary, Rule string
	Severity                  int
}

// Insights writes insights as a page: what each score is made of, and its signals on a
// line of time.
func Insights(w io.Writer, tool string, all []*insight.Insight, zone *time.Location) error {
	at := func(ms int64) string { return time.UnixMilli(ms).In(zone).Format("2006-01-02 15:04:05.000") }
	var views []insightView
	for _, i := range all {
		v := insightView{
			Severity: i.Severity, Badge: strings.ToLower(i.Severity), Name: i.Name, Time: at(i.Time), Entity: i.Entity.ID(), Score: i.Score,
			Threshold: i.Threshold, Custom: i.Source != "ALGORITHM", Parts: i.Parts(), Line: timeLine(i.Signals),
		}
		v.Related = strings.Join(i.Related, ", ")
		if n := len(i.Signals); n > 0 {
			v.From, v.To = at(i.Signals[0].Time), at(i.Signals[n-1].Time)
		}
		for _, s := range i.Signals {
			v.Signals = append(v.Signals, signalView{at(s.Time), s.Name, s.Summary, s.RuleID, s.Severity})
		}
		for _, s := range i.Stronger {
			v.Stronger = append(v.Stronger, signalView{at(s.Time), s.Name, s.Summary, s.RuleID, s.Severity})
		}
		views = append(views, v)
	}
	return insightsPage().Execute(printable.NewWriter(w, printable.People, false), struct {
		Tool     string
		Insights []insightView
	}{tool, views})
}

// timeLine draws signals as bars, as high as they are severe, from the first to the last.
func timeLine(signals []*insight.Signal) template.HTML {
	if len(signals) == 0 {
		return ""
	}
	from, to := signals[0].Time, signals[len(signals)-1].Time
	var b strings.Builder
	b.WriteString(`<svg width="610" height="66" role="img" aria-label="signals over time"><line x1="5" y1="61" x2="605" y2="61" stroke="gray"/>`)
	for _, s := range signals {
		x := 5.0
		if to > from {
			x += 600 * float64(s.Time-from) / float64(to-from)
		}
		high := 5 * (1 + min(max(s.Severity, 0), 10))
		fmt.Fprintf(&b, `<rect x="%.1f" y="%d" width="3" height="%d" fill="gray"/>`, x, 61-high, high)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) // made of numbers alone
}
