package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"sort"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

// CoverageReport is which techniques packages cover, and whether logs have the
// data for them.
type CoverageReport struct {
	Tool   string
	Looked bool // logs were looked at
	Rows   []CoverageRow
}

// CoverageRow is a technique with the data that one package asks for it.
type CoverageRow struct {
	Technique, URL, Package, Source, Events string
	Fires                                   bool
	Missing                                 []string
}

// NewCoverage makes a report of covers.
func NewCoverage(tool string, covers []*detection.Cover, looked bool) *CoverageReport {
	r := &CoverageReport{Tool: tool, Looked: looked}
	for _, c := range covers {
		events := ""
		for i, id := range c.Data.Events {
			if i > 0 {
				events += ", "
			}
			events += fmt.Sprint(id)
			if looked {
				events += fmt.Sprintf(" × %d", c.Events[id])
			}
		}
		for _, t := range c.Package.Attack.Techniques {
			r.Rows = append(r.Rows, CoverageRow{t, techniqueURL(t), c.Package.Name, c.Data.Source, events, c.Fires(), c.Missing})
		}
	}
	sort.SliceStable(r.Rows, func(i, j int) bool { return r.Rows[i].Technique < r.Rows[j].Technique })
	return r
}

// Layer is the report for the ATT&CK Navigator: 1 for a technique that a package
// covers, 2 for one with data to fire on.
func (r *CoverageReport) Layer() Layer {
	l := Layer{Name: "gyoji coverage", Description: "1: a package covers it; 2: and the logs have the data", Max: 2}
	at := map[string]int{}
	for _, row := range r.Rows {
		i, ok := at[row.Technique]
		if !ok {
			i = len(l.Techniques)
			at[row.Technique] = i
			l.Techniques = append(l.Techniques, Technique{ID: row.Technique, Score: 1, Comment: row.Package})
		}
		if row.Fires {
			l.Techniques[i].Score = 2
		}
	}
	return l
}

//go:embed coverage.html
var coveragePage string

var coverageTemplate = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("coverage").Funcs(pageFuncs).Parse(coveragePage))
})

// HTML writes the report as a page of its own.
func (r *CoverageReport) HTML(w io.Writer) error {
	return coverageTemplate().Execute(printable.NewWriter(w, printable.People, false), r)
}
