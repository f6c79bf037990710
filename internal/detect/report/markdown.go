package report

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

// cell is text of a log or rule on one line of Markdown, as text.
func cell(s string) string {
	if r := []rune(strings.Join(strings.Fields(s), " ")); len(r) > 160 {
		s = string(r[:159]) + "…"
	}
	return line(s)
}

// line is cell without its limit.
func line(s string) string { return printable.Markdown(strings.Join(strings.Fields(s), " ")) }

// fence is a query, to be copied: the fence is longer than any in it.
func fence(lang, s string) string {
	marks := "```"
	for strings.Contains(s, marks) {
		marks += "`"
	}
	return marks + lang + "\n" + strings.TrimRight(printable.Lines(s), "\n") + "\n" + marks + "\n"
}

// block is lines of text, laid out as they are.
func block(s string) string { return "<pre>\n" + printable.HTML(s) + "</pre>\n" }

func (r *Report) markdown(w io.Writer) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "# Hunt report\n\n%s, %s. %d files, %d events: %d findings", r.Tool, r.Made.UTC().Format("2006-01-02 15:04 MST"), r.Files, r.Events, len(r.Findings))
	if r.Beyond > 0 {
		fmt.Fprintf(b, " (and %d more, not listed)", r.Beyond)
	}
	fmt.Fprint(b, ".\n\n| severity | findings |\n|---|---|\n")
	for _, c := range r.Counts() {
		fmt.Fprintf(b, "| %s | %d |\n", c.Severity, c.N)
	}
	fmt.Fprint(b, "\n## Findings\n\n| # | severity | score | time (UTC) | detection | technique | host | user | evidence |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, f := range r.Findings {
		fmt.Fprintf(b, "| %d | %s | %s | %s | %s | %s | %s | %s | %s |\n", f.N, cell(f.Severity.String()), cell(f.Points()), f.When("2006-01-02 15:04:05"), cell(f.Detection), cell(strings.Join(f.TechniqueIDs(), " ")), cell(f.Host), cell(f.User), cell(f.Summary()))
	}
	next := map[string]bool{}
	for _, f := range r.Findings {
		if f.Next != "" && !next[f.Detection] {
			if len(next) == 0 {
				fmt.Fprint(b, "\n## What to do first\n\n")
			}
			next[f.Detection] = true
			fmt.Fprintf(b, "- **%s**: %s\n", cell(f.Detection), cell(f.Next))
		}
	}
	if len(r.Trees) > 0 {
		fmt.Fprint(b, "\n## Process trees\n")
		for _, f := range r.Findings {
			if t, ok := r.Trees[f.N]; ok {
				fmt.Fprintf(b, "\nFinding %d, %s:\n\n%s", f.N, cell(f.Detection), block(t))
			}
		}
	}
	for i, n := range r.Notes {
		if i == 0 {
			fmt.Fprint(b, "\n## What could not be read\n\n")
		}
		fmt.Fprintf(b, "- %s\n", cell(n))
	}
	return b.Flush()
}
