// Package report writes what a hunt found for people and other tools: HTML and
// Markdown to read, an incident as a story to hand over, SARIF and JUnit for CI, OCSF for other products, a layer for
// the ATT&CK Navigator.
package report

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/hunt"
	"github.com/gyoji-dev/gyoji/internal/detect/incident"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

// FindingsMax is how many findings a report holds; the rest are counted.
const FindingsMax = 10_000

// Finding is a finding with its number in the list.
type Finding = hunt.Numbered

// Report is a hunt's findings with what the report is made from.
type Report struct {
	Tool     string // gyoji and its version
	Made     time.Time
	Inputs   []string
	Findings []*Finding
	Beyond   int64 // findings past FindingsMax
	Files    int64
	Events   int64
	Bytes    int64
	Notes    []string // what could not be read
	Trees    map[int]string
	Ran      []*hunt.Detection  // those that ran, whatever they found
	Story    *incident.Incident // of the format incident; made of the findings alone where it is nil
	Command  string             // that makes the report
}

// format is a way to write a report, and the form that what a terminal would obey
// takes in it.
type format struct {
	write func(*Report, io.Writer) error
	form  printable.Form
}

var formats = map[string]format{
	"html": {(*Report).html, printable.People}, "incident": {(*Report).incident, printable.People}, "md": {(*Report).markdown, printable.People},
	"sarif": {(*Report).sarif, printable.JSON}, "ocsf": {(*Report).ocsf, printable.JSON}, "navigator": {(*Report).navigator, printable.JSON},
	"junit": {(*Report).junit, printable.XML},
}

// Formats lists the names that Write takes.
func Formats() (names []string) {
	for n := range formats {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

// Is reports whether a format is one of a report.
func Is(format string) bool { return formats[strings.ToLower(format)].write != nil }

// Write writes the report.
func Write(w io.Writer, format string, r *Report) error {
	f := formats[strings.ToLower(format)]
	if f.write == nil {
		return fmt.Errorf("there is no report %s; choose one of %s", format, strings.Join(Formats(), ", "))
	}
	return f.write(r, printable.NewWriter(w, f.form, false))
}

// severities from the worst.
var severities = []string{"critical", "high", "medium", "low", "informational"}

// Counts is how many findings there are of each severity, from the worst.
func (r *Report) Counts() (out []struct {
	Severity string
	N        int
}) {
	for _, s := range severities {
		n := 0
		for _, f := range r.Findings {
			if f.Severity.String() == s {
				n++
			}
		}
		if n > 0 {
			out = append(out, struct {
				Severity string
				N        int
			}{s, n})
		}
	}
	return out
}

// Add adds a finding, or counts it when the report is full.
func (r *Report) Add(n int, f *hunt.Finding) {
	if len(r.Findings) == FindingsMax {
		r.Beyond++
		return
	}
	r.Findings = append(r.Findings, &Finding{N: n, Finding: f})
}
