package report

import (
	"bufio"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

// Investigation is a guide that was run for a finding.
type Investigation struct {
	Tool     string
	Made     time.Time
	Package  string
	Guide    string // its title
	Finding  *Finding
	Evidence []*detection.Evidence
	Tree     string // of the finding's process, if it has one
}

//go:embed investigation.html
var investigationPage string

var casePage = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("investigation").Funcs(pageFuncs).Parse(investigationPage))
})

// WriteInvestigation writes the investigation as md or html.
func WriteInvestigation(w io.Writer, format string, i *Investigation) error {
	w = printable.NewWriter(w, printable.People, false)
	switch strings.ToLower(format) {
	case "md":
		return i.markdown(w)
	case "html":
		return casePage().Execute(w, i)
	}
	return fmt.Errorf("there is no format %s for an investigation; choose md or html", format)
}

// valueText is a value as people read it: times of the usual fields as times.
func valueText(column string, v event.Value) string {
	if v.IsNull() {
		return ""
	}
	switch strings.ToLower(column) {
	case "_messagetime", "_receipttime", "first_seen", "_timeslice":
		if ms, ok := v.Int(); ok && ms > 0 {
			return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05.000")
		}
	}
	return v.String()
}

// plainText takes the marks of Markdown off a sentence.
func plainText(s string) string {
	s = linkMark().ReplaceAllString(s, "$1")
	return strings.NewReplacer("**", "", "`", "").Replace(s)
}

func (i *Investigation) markdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	f := i.Finding
	fmt.Fprintf(b, "# %s: finding %d\n\n%s, %s. Detection **%s**, severity %s", cell(i.Package), f.N, i.Tool, i.Made.UTC().Format("2006-01-02 15:04 MST"), cell(f.Detection), cell(f.Severity.String()))
	if f.Score != nil {
		fmt.Fprintf(b, ", score %s", cell(f.Points()))
	}
	fmt.Fprintf(b, ", at %s.\n\n| field | value |\n|---|---|\n", f.When("2006-01-02 15:04:05.000 MST"))
	for _, x := range f.Fields {
		fmt.Fprintf(b, "| %s | %s |\n", cell(x.Name), cell(valueText(x.Name, x.Value)))
	}
	if i.Tree != "" {
		fmt.Fprintf(b, "\n%s", block(i.Tree))
	}
	fmt.Fprint(b, "\n## Where the answers lead\n\n")
	for _, e := range i.Path() {
		fmt.Fprintf(b, "- %s %s %s\n", cell(e.Step.Title), count(e), cell(plainText(e.Answer.Text)))
	}
	if past := i.Past(); len(past) > 0 {
		fmt.Fprint(b, "\nThe answers led past these steps; they were run all the same, and stand below:\n\n")
		for _, e := range past {
			how := count(e)
			fmt.Fprintf(b, "- %s %s\n", cell(e.Step.Title), strings.TrimSuffix(how, ":"))
		}
	}
	for _, e := range i.Evidence {
		if e.Skipped != "" {
			fmt.Fprintf(b, "\nNot run: %s, since %s.\n", cell(e.Step.Title), cell(e.Skipped))
		}
	}
	for _, e := range i.Evidence {
		fmt.Fprintf(b, "\n## %s\n\n", cell(e.Step.Title))
		if e.Step.Text != "" {
			fmt.Fprintf(b, "%s\n\n", line(plainText(e.Step.Text)))
		}
		if e.Skipped != "" {
			fmt.Fprintf(b, "Not run: %s.\n", cell(e.Skipped))
			continue
		}
		fmt.Fprintf(b, "%s\n", fence("sumo", e.Query))
		if len(e.Rows.Values) > 0 {
			var heads []string
			for _, c := range e.Rows.Columns {
				heads = append(heads, cell(c))
			}
			fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(heads, " | "), strings.Repeat("---|", len(e.Rows.Columns)))
			for _, row := range e.Rows.Values {
				var cells []string
				for j := range e.Rows.Columns {
					cells = append(cells, cell(valueText(e.Rows.Columns[j], row[j])))
				}
				fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
			}
			fmt.Fprintln(b)
		}
		fmt.Fprintf(b, "%s %s\n", count(e), line(plainText(e.Answer.Text)))
	}
	return b.Flush()
}

func count(e *detection.Evidence) string {
	switch n := len(e.Rows.Values) + e.Beyond; n {
	case 0:
		return "**none**:"
	case 1:
		return "**1 row**:"
	default:
		return fmt.Sprintf("**%d rows**:", n)
	}
}

// Path lists the steps that the answers lead through, in that order.
func (i *Investigation) Path() (out []*detection.Evidence) {
	by := map[string]*detection.Evidence{}
	for _, e := range i.Evidence {
		by[e.Step.ID] = e
	}
	var e *detection.Evidence
	for _, x := range i.Evidence {
		if x.OnPath {
			e = x
			break
		}
	}
	for ; e != nil && e.OnPath && len(out) < len(i.Evidence); e = by[e.Answer.Next] {
		for _, old := range out {
			if old == e {
				return out
			}
		}
		out = append(out, e)
	}
	return out
}

// Past are the steps that were run and that the answers did not lead to.
func (i *Investigation) Past() (out []*detection.Evidence) {
	for _, e := range i.Evidence {
		if !e.OnPath && e.Skipped == "" {
			out = append(out, e)
		}
	}
	return out
}

var linkMark = match.Lazy(`\[([^\]]*)\]\([^)]*\)`)
