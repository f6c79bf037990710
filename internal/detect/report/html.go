package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"html/template"
	"io"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
)

//go:embed hunt.html
var huntPage string

//go:embed style.css
var stylesheet string

// style is what every page embeds, so that it needs nothing from elsewhere.
func style() template.CSS { return template.CSS(stylesheet) }

// policy is a page's Content-Security-Policy: a page shows what is in it, and would load,
// run and send nothing even if a log's text became part of it. The stylesheet is known by
// its hash.
func policy() template.HTMLAttr {
	h := sha256.Sum256([]byte(stylesheet))
	return template.HTMLAttr(`content="default-src 'none'; style-src 'sha256-` + base64.StdEncoding.EncodeToString(h[:]) + `'; base-uri 'none'; form-action 'none'"`)
}

// pageFuncs are what pages call.
var pageFuncs = template.FuncMap{
	"style":  style,
	"policy": policy,
	"join":   strings.Join,
	"clock":  func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") },
	"text":   valueText,
	"plain":  plainText,
}

var page = template.Must(template.New("hunt").Funcs(pageFuncs).Parse(huntPage))

// html writes a page that needs nothing from elsewhere: styles and figures are
// in it, and it holds no script.
func (r *Report) html(w io.Writer) error {
	first, last := "", ""
	for _, f := range r.Findings {
		if !f.Timed() {
			continue
		}
		at := f.When("2006-01-02 15:04:05")
		if first == "" || at < first {
			first = at
		}
		last = max(last, at)
	}
	return page.Execute(w, struct {
		*Report
		Bars        []bar
		Matrix      []column
		First, Last string
	}{r, r.histogram(), r.matrix(), first, last})
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

func (r *Report) histogram() []bar {
	var timed []*Finding
	for _, f := range r.Findings {
		if f.Timed() {
			timed = append(timed, f)
		}
	}
	if len(timed) == 0 {
		return nil
	}
	low, high := int64(timed[0].Time), int64(timed[0].Time)
	for _, f := range timed {
		low, high = min(low, int64(f.Time)), max(high, int64(f.Time))
	}
	width := (high-low)/barsMax + 1
	counts := map[int64]map[string]int{}
	top := 0
	for _, f := range timed {
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
	var bars []bar
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
	return bars
}

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
	Technique, URL string
	N              int
	Worst          string
	Names          []string // of the detections
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
				c = &cellOf{Technique: t, URL: techniqueURL(t)}
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
