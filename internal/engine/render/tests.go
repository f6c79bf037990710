package render

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

// Tests is the outcome of a run of tests, for people and for CI.
type Tests struct {
	Suites []TestSuite `json:"suites"`
}

// TestSuite is the tests of one package or file.
type TestSuite struct {
	Name  string   `json:"name"`
	Cases []Test   `json:"cases"`
	Notes []string `json:"notes,omitempty"` // lines below the cases
}

// Test is one case: it passed unless it has failures or was skipped.
type Test struct {
	Name     string        `json:"name"`
	Title    string        `json:"title,omitempty"`
	File     string        `json:"file,omitempty"`
	Line     int           `json:"line,omitempty"`
	Failures []string      `json:"failures,omitempty"`
	Skipped  string        `json:"skipped,omitempty"` // the reason
	Took     time.Duration `json:"-"`
}

// Count returns how many tests passed, failed and were skipped.
func (t *Tests) Count() (passed, failed, skipped int) {
	for _, s := range t.Suites {
		for _, c := range s.Cases {
			switch {
			case len(c.Failures) > 0:
				failed++
			case c.Skipped != "":
				skipped++
			default:
				passed++
			}
		}
	}
	return passed, failed, skipped
}

// TestFormats are the names WriteTests takes.
var TestFormats = []string{"text", "json", "junit", "tap", "github"}

// TestStyle says how WriteTests prints text.
type TestStyle struct {
	Color bool
	All   bool // list the cases that passed too
}

// WriteTests prints t in one of TestFormats.
func WriteTests(w io.Writer, t *Tests, format string, s TestStyle) error {
	switch format {
	case "text":
		return s.text(printable.NewWriter(w, printable.People, s.Color), t.printable())
	case "json":
		return testsJSON(printable.NewWriter(w, printable.JSON, false), t)
	case "junit":
		return testsJUnit(printable.NewWriter(w, printable.XML, false), t)
	case "tap":
		return testsTAP(printable.NewWriter(w, printable.People, false), t)
	case "github":
		return testsGitHub(printable.NewWriter(w, printable.People, false), t)
	}
	return fmt.Errorf("there is no test format %s; choose one of %s", format, strings.Join(TestFormats, ", "))
}

// printable is t with all its text safe to show.
func (t *Tests) printable() *Tests {
	out := &Tests{}
	for _, s := range t.Suites {
		suite := TestSuite{Name: printable.Text(s.Name)}
		for _, c := range s.Cases {
			c.Name, c.Title, c.File, c.Skipped = printable.Text(c.Name), printable.Text(c.Title), printable.Text(c.File), printable.Text(c.Skipped)
			c.Failures = slices.Clone(c.Failures)
			for i, f := range c.Failures {
				c.Failures[i] = printable.Lines(f)
			}
			suite.Cases = append(suite.Cases, c)
		}
		for _, n := range s.Notes {
			suite.Notes = append(suite.Notes, printable.Lines(n))
		}
		out.Suites = append(out.Suites, suite)
	}
	return out
}

func (s TestStyle) text(w io.Writer, t *Tests) error {
	paint := func(code, text string) string {
		if !s.Color {
			return text
		}
		return "\x1b[" + code + "m" + text + "\x1b[0m"
	}
	var b strings.Builder
	for _, suite := range t.Suites {
		fmt.Fprintf(&b, "%s\n", suite.Name)
		for _, c := range suite.Cases {
			switch {
			case len(c.Failures) > 0:
				fmt.Fprintf(&b, "  %s %s", paint("1;31", "FAIL"), c.Name)
				if c.Title != "" {
					fmt.Fprintf(&b, ": %s", c.Title)
				}
				if c.File != "" {
					fmt.Fprintf(&b, " (%s:%d)", c.File, c.Line)
				}
				b.WriteByte('\n')
				for _, f := range c.Failures {
					fmt.Fprintf(&b, "       %s\n", strings.ReplaceAll(strings.TrimRight(f, "\n"), "\n", "\n       "))
				}
			case c.Skipped != "":
				fmt.Fprintf(&b, "  %s %s: %s\n", paint("1;33", "skip"), c.Name, c.Skipped)
			case s.All:
				fmt.Fprintf(&b, "  %s   %s", paint("32", "ok"), c.Name)
				if c.Title != "" {
					fmt.Fprintf(&b, ": %s", c.Title)
				}
				b.WriteByte('\n')
			}
		}
		for _, n := range suite.Notes {
			fmt.Fprintf(&b, "  %s\n", n)
		}
	}
	passed, failed, skipped := t.Count()
	fmt.Fprintf(&b, "%d passed, %d failed", passed, failed)
	if skipped > 0 {
		fmt.Fprintf(&b, ", %d skipped", skipped)
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

func testsJSON(w io.Writer, t *Tests) error {
	passed, failed, skipped := t.Count()
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(struct {
		Passed  int         `json:"passed"`
		Failed  int         `json:"failed"`
		Skipped int         `json:"skipped"`
		Suites  []TestSuite `json:"suites"`
	}{passed, failed, skipped, t.Suites})
}

// testsJUnit writes the XML that CI servers read.
func testsJUnit(w io.Writer, t *Tests) error {
	type failure struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
	type skipped struct {
		Message string `xml:"message,attr"`
	}
	type testcase struct {
		Class   string    `xml:"classname,attr"`
		Name    string    `xml:"name,attr"`
		File    string    `xml:"file,attr,omitempty"`
		Line    int       `xml:"line,attr,omitempty"`
		Time    string    `xml:"time,attr"`
		Failure []failure `xml:"failure"`
		Skipped *skipped  `xml:"skipped"`
	}
	type testsuite struct {
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Skipped  int        `xml:"skipped,attr"`
		Cases    []testcase `xml:"testcase"`
		Output   string     `xml:"system-out,omitempty"`
	}
	var all struct {
		XMLName xml.Name    `xml:"testsuites"`
		Suites  []testsuite `xml:"testsuite"`
	}
	for _, s := range t.Suites {
		_, failed, skip := (&Tests{Suites: []TestSuite{s}}).Count()
		out := testsuite{Name: s.Name, Tests: len(s.Cases), Failures: failed, Skipped: skip, Output: strings.Join(s.Notes, "\n")}
		for _, c := range s.Cases {
			tc := testcase{Class: s.Name, Name: c.Name, File: c.File, Line: c.Line, Time: fmt.Sprintf("%.3f", c.Took.Seconds())}
			if len(c.Failures) > 0 {
				tc.Failure = []failure{{Message: firstLine(c.Failures[0]), Text: strings.Join(c.Failures, "\n")}}
			}
			if c.Skipped != "" {
				tc.Skipped = &skipped{c.Skipped}
			}
			out.Cases = append(out.Cases, tc)
		}
		all.Suites = append(all.Suites, out)
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// testsTAP writes version 13 of the Test Anything Protocol.
func testsTAP(w io.Writer, t *Tests) error {
	var b strings.Builder
	n := 0
	for _, s := range t.Suites {
		n += len(s.Cases)
	}
	fmt.Fprintf(&b, "TAP version 13\n1..%d\n", n)
	i := 0
	for _, s := range t.Suites {
		for _, c := range s.Cases {
			i++
			name := strings.ReplaceAll(s.Name+": "+c.Name, "#", `\#`)
			switch {
			case len(c.Failures) > 0:
				fmt.Fprintf(&b, "not ok %d - %s\n", i, name)
				for _, f := range c.Failures {
					fmt.Fprintf(&b, "# %s\n", strings.ReplaceAll(strings.TrimRight(f, "\n"), "\n", "\n# "))
				}
			case c.Skipped != "":
				fmt.Fprintf(&b, "ok %d - %s # SKIP %s\n", i, name, c.Skipped)
			default:
				fmt.Fprintf(&b, "ok %d - %s\n", i, name)
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// testsGitHub writes workflow commands, which GitHub shows beside the lines.
func testsGitHub(w io.Writer, t *Tests) error {
	escape := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	property := strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
	var b strings.Builder
	for _, s := range t.Suites {
		for _, c := range s.Cases {
			if len(c.Failures) > 0 {
				fmt.Fprintf(&b, "::error file=%s,line=%d,title=%s::%s\n", property.Replace(c.File), c.Line, property.Replace(s.Name+": "+c.Name), escape.Replace(strings.Join(c.Failures, "\n")))
			}
		}
	}
	passed, failed, skipped := t.Count()
	fmt.Fprintf(&b, "%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	_, err := io.WriteString(w, b.String())
	return err
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}
