package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
)

//go:embed hunt.html
var huntPage string

//go:embed hunt.js
var huntScript string

//go:embed style.css
var stylesheet string

// style is what every page embeds, so that it needs nothing from elsewhere.
func style() template.CSS { return template.CSS(stylesheet) }

// policy is a page's Content-Security-Policy: a page shows what is in it, and would load
// and send nothing even if a log's text became part of it. The stylesheet and the script,
// which only the report of a hunt has, are known by their hashes.
func policy() template.HTMLAttr {
	return template.HTMLAttr(`content="default-src 'none'; style-src ` + hashOf(stylesheet) + `; script-src ` + hashOf(huntScript) + `; base-uri 'none'; form-action 'none'"`)
}

// hashOf is a text as a Content-Security-Policy names it.
func hashOf(text string) string {
	h := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(h[:]) + "'"
}

// pageFuncs are what pages call.
var pageFuncs = template.FuncMap{
	"style":  style,
	"policy": policy,
	"script": func() template.JS { return template.JS(huntScript) },
	"join":   strings.Join,
	"clock":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") },
	"text":   valueText,
	"plain":  plainText,
	"number": number,
}

// number is a count with thousands set apart: 1,234,567.
func number(n any) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("hunt").Funcs(pageFuncs).Parse(huntPage))
})

// chunkRows is how many findings a browser lays out together: of each piece of a page that
// is out of sight it keeps the size alone, and looks at every frame whether it still is.
const chunkRows = 20

// manyFindings is how many findings a page shows whose details a browser makes as they are opened,
// and which are printed closed: they are most of what a page is, and few are looked at.
const manyFindings = 200

// Many reports whether the page has more than manyFindings.
func (r *Report) Many() bool { return len(r.Findings) > manyFindings }

// Chunks are the findings in pieces of chunkRows.
func (r *Report) Chunks() [][]*Finding { return slices.Collect(slices.Chunk(r.Findings, chunkRows)) }

// html writes a page that needs nothing from elsewhere: style, script and figures are in
// it, and without its script it shows all the same.
func (r *Report) html(w io.Writer) error {
	bars, ticks, span, outside := r.histogram()
	return page().Execute(w, struct {
		*Report
		Bars    []bar
		Ticks   []tick
		Span    string
		Outside string
		Matrix  []column
	}{r, bars, ticks, span, outside, r.matrix()})
}

// tick is a mark on the axis of time, X in percent. Anchor is where its text begins.
type tick struct {
	X            float64
	Text, Anchor string
}

// bar is a column of the histogram: findings in a stretch of time. Lengths are
// in percent of the figure.
type bar struct {
	X, W       float64
	Parts      []part
	From, Text string
}

type part struct {
	Y, H     float64
	Severity string
}

// barsMax is how many bars the histogram has.
const barsMax = 60

// histogram counts findings by time. What lies far outside of all others does not stretch
// the axis: outside says how many those are. span is the time that the figure shows.
func (r *Report) histogram() (bars []bar, ticks []tick, span, outside string) {
	var times []int64
	for _, f := range r.Findings {
		if f.Timed() {
			times = append(times, int64(f.Time))
		}
	}
	if len(times) == 0 {
		return nil, nil, "", ""
	}
	slices.Sort(times)
	low, high := times[0], times[len(times)-1]
	// The middle nine tenths, if all is ten times as long.
	if a, b := times[len(times)/20], times[len(times)-1-len(times)/20]; len(times) >= 10 && high-low > 10*max(b-a, 60_000) {
		room := max((b-a)/10, 60_000)
		low, high = a-room, b+room
		before, after := 0, 0
		for _, at := range times {
			if at < low {
				before++
			} else if at > high {
				after++
			}
		}
		outside = fmt.Sprintf("Not in the figure: %d earlier (from %s), %d later (until %s).", before, day(times[0]), after, day(times[len(times)-1]))
	}
	if short := int64(spanMin) - (high - low); short > 0 { // a figure of an instant has no axis
		low, high = low-short/2, high+short/2
	}
	const minute = "2006-01-02 15:04"
	from, to := time.UnixMilli(low).UTC(), time.UnixMilli(high).UTC()
	span = from.Format(minute) + " to " + to.Format(minute)
	ticks = ticksOf(from, to)
	width := (high-low)/barsMax + 1
	counts := map[int64]map[string]int{}
	top := 0
	for _, f := range r.Findings {
		if !f.Timed() || int64(f.Time) < low || int64(f.Time) > high {
			continue
		}
		i := (int64(f.Time) - low) / width
		if counts[i] == nil {
			counts[i] = map[string]int{}
		}
		counts[i][f.Severity.String()]++
		n := 0
		for _, k := range counts[i] {
			n += k
		}
		top = max(top, n)
	}
	for i := int64(0); i < barsMax; i++ {
		if counts[i] == nil {
			continue
		}
		b := bar{X: 100 * float64(i) / barsMax, W: 90.0 / barsMax, From: time.UnixMilli(low + i*width).UTC().Format("2006-01-02 15:04")}
		y := 100.0
		var says []string
		for j := len(severities) - 1; j >= 0; j-- {
			n := counts[i][severities[j]]
			if n == 0 {
				continue
			}
			h := 100 * float64(n) / float64(top)
			y -= h
			b.Parts = append(b.Parts, part{y, h, severities[j]})
			says = append(says, plural(n, severities[j]))
		}
		b.Text = strings.Join(says, ", ")
		bars = append(bars, b)
	}
	return bars, ticks, span, outside
}

const (
	spanMin  = 10 * 60_000 // ms that the figure shows at least
	ticksMax = 6
)

// tickSteps are how far apart ticks may be.
var tickSteps = []time.Duration{time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute,
	time.Hour, 2 * time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour, 48 * time.Hour, 96 * time.Hour, 7 * 24 * time.Hour, 14 * 24 * time.Hour}

// ticksOf are the round times between two, at most ticksMax: minutes, hours and days, then
// first days of months and years.
func ticksOf(from, to time.Time) (ticks []tick) {
	var at []time.Time
	form := "2006-01-02"
	for _, step := range tickSteps {
		at = at[:0]
		for t := from.Truncate(step); !t.After(to) && len(at) <= ticksMax; t = t.Add(step) {
			if !t.Before(from) {
				at = append(at, t)
			}
		}
		if len(at) <= ticksMax {
			switch {
			case step >= 24*time.Hour:
			case from.YearDay() == to.YearDay() && from.Year() == to.Year():
				form = "15:04"
			default:
				form = "01-02 15:04"
			}
			break
		}
	}
	for _, months := range []int{1, 3, 6, 12, 24, 60, 120, 600} {
		if len(at) <= ticksMax {
			break
		}
		at = at[:0]
		for t := time.Date(from.Year(), 1, 1, 0, 0, 0, 0, time.UTC); !t.After(to) && len(at) <= ticksMax; t = t.AddDate(0, months, 0) {
			if !t.Before(from) {
				at = append(at, t)
			}
		}
	}
	for _, t := range at {
		x := 100 * float64(t.Sub(from)) / float64(to.Sub(from))
		anchor := "middle"
		if x < 6 {
			anchor = "start"
		} else if x > 94 {
			anchor = "end"
		}
		ticks = append(ticks, tick{x, t.Format(form), anchor})
	}
	return ticks
}

// day is a time's day.
func day(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02") }

func plural(n int, what string) string {
	var digits []byte
	for ; n > 0; n /= 10 {
		digits = append([]byte{byte('0' + n%10)}, digits...)
	}
	return string(digits) + " " + what
}

// techniqueURL is a technique's page.
func techniqueURL(id string) string {
	return "https://attack.mitre.org/techniques/" + strings.ReplaceAll(id, ".", "/") + "/"
}

// column is a tactic of the matrix with the techniques that were found of it.
type column struct {
	Tactic     string
	Techniques []cellOf
}

// cellOf is a technique in the matrix.
type cellOf struct {
	Technique, Name string
	N               int
	Worst           string
	Names           []string // of the detections
}

// matrix has a column for each tactic of a technique that was found, in ATT&CK's
// order; a technique of several tactics stands in each.
func (r *Report) matrix() []column {
	rank := map[string]int{}
	for i, s := range severities {
		rank[s] = len(severities) - i
	}
	by := map[string]*cellOf{}
	for _, f := range r.Findings {
		for _, t := range f.TechniqueIDs() {
			c := by[t]
			if c == nil {
				c = &cellOf{Technique: t, Name: mapping.TechniqueName(t)}
				by[t] = c
			}
			c.N++
			if rank[f.Severity.String()] > rank[c.Worst] {
				c.Worst = f.Severity.String()
			}
			if !slices.Contains(c.Names, f.Detection) {
				c.Names = append(c.Names, f.Detection)
			}
		}
	}
	var out []column
	add := func(name string, belongs func(string) bool) {
		col := column{Tactic: name}
		for t, c := range by {
			if belongs(t) {
				col.Techniques = append(col.Techniques, *c)
			}
		}
		sort.Slice(col.Techniques, func(i, j int) bool { return col.Techniques[i].Technique < col.Techniques[j].Technique })
		if len(col.Techniques) > 0 {
			out = append(out, col)
		}
	}
	for _, tactic := range mapping.Tactics {
		add(tactic.Name, func(t string) bool { return slices.Contains(mapping.TacticsOf(t), tactic.ID) })
	}
	add("Other", func(t string) bool { return len(mapping.TacticsOf(t)) == 0 })
	return out
}
