package cli

import (
	"fmt"
	"html"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

// prosaic is stdout, with lines that fit a terminal.
func (a *app) prosaic() io.Writer { return &printable.Wrapper{W: a.stdout, Width: a.width} }

// proseMax is how wide prose is at most: longer lines are hard to read.
const proseMax = 110

var (
	emphasis  = match.Lazy("\\*\\*([^*]+)\\*\\*|`([^`]+)`")
	escaped   = match.Lazy(`\\([[:punct:]])`)
	separator = match.Lazy(`^\|(-+\|)+$`)
)

// prose writes Markdown of ours for a terminal: headings and emphasis in bold, text broken
// between words, a table as rows of name and value, queries as they are.
func prose(w io.Writer, text string, width int, color bool) {
	width = min(max(width, 20), proseMax)
	plain := func(s string) string {
		return printable.Text(html.UnescapeString(escaped().ReplaceAllString(s, "$1"))) // what was written as an entity is text, too
	}
	mark := func(s string) string {
		return emphasis().ReplaceAllStringFunc(s, func(m string) string { return paint(color, "1", strings.Trim(m, "*`")) })
	}
	para := func(lead, s string) {
		rest := strings.Repeat(" ", utf8.RuneCountInString(lead))
		for i, line := range printable.WrapAll(plain(strings.NewReplacer("**", "", "`", "").Replace(s)), width-len(rest)) {
			if i > 0 {
				lead = rest
			}
			fmt.Fprintln(w, lead+line)
		}
	}
	var heads []string
	fence, pre := "", false
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		switch {
		case fence != "":
			if line == fence {
				fence = ""
				continue
			}
			fmt.Fprintln(w, "    "+paint(color, "2", line))
		case strings.HasPrefix(line, "```"):
			fence = line[:len(line)-len(strings.TrimLeft(line, "`"))]
		case line == "<pre>":
			pre = true
		case pre:
			end := strings.HasSuffix(line, "</pre>")
			if line = printable.Text(html.UnescapeString(strings.TrimSuffix(line, "</pre>"))); !end || line != "" {
				fmt.Fprintln(w, "  "+line)
			}
			pre = !end
		case separator().MatchString(strings.ReplaceAll(line, " ", "")):
		case strings.HasPrefix(line, "| "):
			cells := cellsOf(line)
			for i := range cells {
				cells[i] = plain(cells[i])
			}
			if heads == nil {
				heads = cells
				continue
			}
			row(w, heads, cells, width, color)
		case strings.HasPrefix(line, "#"):
			heads = nil
			for _, l := range printable.WrapAll(plain(strings.TrimLeft(line, "# ")), width) {
				fmt.Fprintln(w, paint(color, "1;4", l))
			}
		case strings.HasPrefix(line, "- "):
			heads = nil
			para("  - ", line[2:])
		case utf8.RuneCountInString(line) <= width:
			heads = nil
			fmt.Fprintln(w, mark(plain(line)))
		default:
			heads = nil
			para("", line)
		}
	}
}

// cellsOf are the cells of a row of a table: | a | b |, in which \| is a bar.
func cellsOf(line string) (cells []string) {
	var b strings.Builder
	line = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(line), "|"), "|")
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '\\' && i+1 < len(line):
			b.WriteString(line[i : i+2])
			i++
		case line[i] == '|':
			cells = append(cells, strings.TrimSpace(b.String()))
			b.Reset()
		default:
			b.WriteByte(line[i])
		}
	}
	return append(cells, strings.TrimSpace(b.String()))
}

// row writes a row of a table: a line a cell, but for tables of field and value, which are
// lines already.
func row(w io.Writer, heads, cells []string, width int, color bool) {
	put := func(name, value, lead string) {
		room := max(width-25, 12)
		for i, line := range printable.WrapAll(value, room) {
			if i == 0 {
				fmt.Fprintf(w, "%s%s %s\n", lead, paint(color, "2", fmt.Sprintf("%-20s", name)), line)
			} else {
				fmt.Fprintf(w, "%24s %s\n", "", line)
			}
		}
	}
	if len(heads) == 2 && heads[0] == "field" {
		put(cells[0], cells[1], "    ")
		return
	}
	lead := "  • "
	for i, c := range cells {
		if i < len(heads) && c != "" {
			put(heads[i], c, lead)
			lead = "    "
		}
	}
}
