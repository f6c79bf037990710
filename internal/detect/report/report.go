// Package report writes what a hunt found for people and other tools: HTML and
// Markdown to read, SARIF and JUnit for CI, OCSF for other products, a layer for
// the ATT&CK Navigator.
package report

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

// FindingsMax is how many findings a report holds; the rest are counted.
const FindingsMax = 10_000

// Finding is one row of a hunt.
type Finding struct {
	N          int    // its place in the list, from 1
	Severity   string // informational to critical
	Score      string // "" when the detection has none
	Detection  string
	ID         string // of the rule, or package/detection; "" when it has none
	Techniques []string
	Package    string // sigma for a rule on its own
	Next       string // what to do first
	Time       int64  // ms; event.NoTime where no event of it says one
	Fields     []Field
}

// Field is a value of the finding's row, as text; null ones are left out.
type Field struct{ Name, Value string }

// Get returns a value by name, letter case aside.
func (f *Finding) Get(name string) (string, bool) {
	for _, x := range f.Fields {
		if strings.EqualFold(x.Name, name) {
			return x.Value, true
		}
	}
	return "", false
}

// Host and User say whom a finding is about.
func (f *Finding) Host() string { return f.first("Computer", "_sourceHost", "host") }
func (f *Finding) User() string { return f.first("User", "SubjectUserName", "user") }

// Evidence is the value that says most of what happened.
func (f *Finding) Evidence() string {
	return f.first("CommandLine", "link", "TargetFilename", "TargetObject", "QueryName", "DestinationIp", "path", "Image", "NewProcessName", "matched")
}

func (f *Finding) first(names ...string) string {
	for _, n := range names {
		if v, ok := f.Get(n); ok && v != "" {
			return v
		}
	}
	return ""
}

// Rule is a name without blanks for what found it, the same from run to run.
func (f *Finding) Rule() string {
	if f.ID != "" {
		return f.ID
	}
	return ruleID(f.Detection)
}

// Timed reports whether an event of the finding says when it was.
func (f *Finding) Timed() bool { return f.Time != event.NoTime }

// When is the finding's time in UTC, in a form of package time, and "no time" for
// none.
func (f *Finding) When(form string) string {
	if !f.Timed() {
		return "no time"
	}
	return time.UnixMilli(f.Time).UTC().Format(form)
}

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
}

// format is a way to write a report, and the form that what a terminal would obey
// takes in it.
type format struct {
	write func(*Report, io.Writer) error
	form  printable.Form
}

var formats = map[string]format{
	"html": {(*Report).html, printable.People}, "md": {(*Report).markdown, printable.People}, "timeline": {(*Report).timeline, printable.People},
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
			if f.Severity == s {
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

// About is what a list of findings does not say in its rows.
type About struct {
	ID      string
	Package string
	Next    string
}

// Collector takes the rows of a hunt's list, and stops nothing: past FindingsMax
// it counts.
type Collector struct {
	Report *Report
	Layout *event.Layout
	Cols   []lang.Column    // nil for all fields of the layout
	About  map[string]About // by the detection's name
	Score  []string         // names of columns that hold scores
}

// Push takes a batch.
func (c *Collector) Push(b *event.Batch) error {
	for _, row := range b.Live {
		if len(c.Report.Findings) == FindingsMax {
			c.Report.Beyond++
			continue
		}
		f := &Finding{N: len(c.Report.Findings) + 1}
		if int(row) < len(b.Time) {
			f.Time = b.Time[row]
		}
		add := func(name string, s event.Slot) {
			v := b.Value(s, row)
			if v.IsNull() {
				return
			}
			switch text := v.Clone().String(); name {
			case "severity":
				f.Severity = text
			case "technique":
				if text != "" {
					f.Techniques = strings.Split(text, ", ")
				}
			case "detection":
				f.Detection = text
			default:
				for _, s := range c.Score {
					if strings.EqualFold(s, name) {
						f.Score = text
					}
				}
				f.Fields = append(f.Fields, Field{name, text})
			}
		}
		if c.Cols != nil {
			for _, col := range c.Cols {
				add(col.Name, col.Slot)
			}
		} else {
			for i, name := range c.Layout.Names() {
				add(name, event.Slot(i))
			}
		}
		a := c.About[f.Detection]
		f.ID, f.Package, f.Next = a.ID, a.Package, a.Next
		c.Report.Findings = append(c.Report.Findings, f)
	}
	return nil
}
