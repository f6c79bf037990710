package report

import (
	"bufio"
	"fmt"
	"io"
	"sort"
	"strings"
)

// cell makes text safe for a table of Markdown.
func cell(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	s = strings.NewReplacer("|", `\|`, "<", "&lt;", "`", "'").Replace(s)
	if r := []rune(s); len(r) > 160 {
		s = string(r[:159]) + "…"
	}
	return s
}

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
		fmt.Fprintf(b, "| %d | %s | %s | %s | %s | %s | %s | %s | `%s` |\n", f.N, f.Severity, f.Score, f.When().Format("2006-01-02 15:04:05"), cell(f.Detection), strings.Join(f.Techniques, " "), cell(f.Host()), cell(f.User()), cell(f.Evidence()))
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
				fmt.Fprintf(b, "\nFinding %d, %s:\n\n```\n%s```\n", f.N, cell(f.Detection), strings.ReplaceAll(t, "```", "'''"))
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

// timeline writes a line for each finding, oldest first.
func (r *Report) timeline(w io.Writer) error {
	b := bufio.NewWriter(w)
	list := append([]*Finding(nil), r.Findings...)
	sort.SliceStable(list, func(i, j int) bool { return list[i].Time < list[j].Time })
	day := ""
	for _, f := range list {
		if d := f.When().Format("2006-01-02"); d != day {
			day = d
			fmt.Fprintf(b, "%s\n", day)
		}
		evidence := strings.Join(strings.Fields(clean(f.Evidence())), " ")
		if t := []rune(evidence); len(t) > 160 {
			evidence = string(t[:159]) + "…"
		}
		fmt.Fprintf(b, "  %s  %-13s %s  %s  %s\n                 %s\n", f.When().Format("15:04:05.000"), f.Severity, f.Host(), f.User(), f.Detection, evidence)
	}
	if r.Beyond > 0 {
		fmt.Fprintf(b, "and %d more findings\n", r.Beyond)
	}
	return b.Flush()
}

// clean keeps text from logs from moving the cursor.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
