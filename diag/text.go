package diag

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

const (
	// shownMax is how many findings are printed before only their number is.
	shownMax = 20
	// lineWidth is how much of a long source line is shown round the mistake.
	lineWidth = 120
	// tabWidth is what a tab is shown as. It is expanded, so that the caret
	// stands right whatever the terminal thinks of tabs.
	tabWidth = 4
)

// Style says how WriteText prints.
type Style struct {
	Color bool
	All   bool // print every finding, not the first twenty
}

// WriteText prints findings for people: what is wrong, the line with the place
// marked, and what to do.
func WriteText(w io.Writer, l List, s Style) error {
	b := bufio.NewWriter(w)
	shown := l
	if !s.All && len(l) > shownMax {
		shown = l[:shownMax]
	}
	for _, d := range shown {
		s.write(b, d)
	}
	if n := len(l) - len(shown); n > 0 {
		fmt.Fprintf(b, "... and %d more\n", n)
	}
	return b.Flush()
}

// String is the list as WriteText prints it without colour.
func (l List) String() string {
	var b strings.Builder
	_ = WriteText(&b, l, Style{}) // a Builder never fails
	return b.String()
}

const (
	bold  = "1"
	blue  = "1;34"
	cyan  = "36"
	red   = "1;31"
	amber = "1;33"
)

func (s Style) paint(code, text string) string {
	if !s.Color || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func (s Style) severity(v Severity) string {
	return [...]string{Error: red, Warning: amber, Note: cyan}[min(v, Note)]
}

func (s Style) write(w io.Writer, d *Diagnostic) {
	color := s.severity(d.Severity)
	where, gutter := "", "  "
	if d.File != nil {
		p := d.File.Place(d.Span.Start)
		where = fmt.Sprintf("%s:%d:%d: ", printable.Text(d.File.Name), p.Line, p.Col)
		last := p.Line
		for _, l := range d.Labels {
			last = max(last, d.File.Place(l.Span.Start).Line)
		}
		gutter = strings.Repeat(" ", len(fmt.Sprint(last))+1)
	}
	fmt.Fprintf(w, "%s%s %s [%s]\n", s.paint(bold, where), s.paint(color, d.Severity.String()+":"), s.paint(bold, printable.Lines(d.Message)), d.Code)
	if d.File != nil {
		s.mark(w, d.File, d.Span, d.Mark, "^", color, gutter)
		for _, l := range d.Labels {
			s.mark(w, d.File, l.Span, l.Text, "-", blue, gutter)
		}
	}
	if d.Help != "" {
		fmt.Fprintf(w, "%s%s %s\n", gutter, s.paint(cyan, "= help:"), printable.Lines(d.Help))
	}
}

// mark prints the line of a span with the span underlined.
func (s Style) mark(w io.Writer, f *File, at Span, note, with, color, gutter string) {
	p := f.Place(at.Start)
	line := f.Line(p.Line)
	start := at.Start - f.lines[p.Line-1] // in bytes of the line
	start = max(0, min(start, len(line)))
	end := max(start, min(start+at.End-at.Start, len(line)))
	before, marked, after := window(line[:start], line[start:end], line[end:])
	column := width(before, 0)
	size := max(1, width(marked, column)-column)
	number := fmt.Sprint(p.Line)
	fmt.Fprintf(w, "%s%s%s %s\n", s.paint(blue, number), strings.Repeat(" ", len(gutter)-len(number)), s.paint(blue, "|"), show(before+marked+after))
	fmt.Fprintf(w, "%s%s %s%s\n", gutter, s.paint(blue, "|"), strings.Repeat(" ", column), s.paint(color, strings.TrimRight(strings.Repeat(with, size)+" "+printable.Text(note), " ")))
}

// window cuts a long line down to what stands round the marked part.
func window(before, marked, after string) (string, string, string) {
	if len(before)+len(marked)+len(after) <= lineWidth {
		return before, marked, after
	}
	if len(marked) > lineWidth {
		marked, after = cut(marked, lineWidth, false), ""
	}
	room := lineWidth - len(marked)
	if len(before) > room*2/3 {
		before = "... " + cut(before, room*2/3, true)
	}
	if room = max(0, lineWidth-len(marked)-len(before)); len(after) > room {
		after = cut(after, room, false) + " ..."
	}
	return before, marked, after
}

// cut keeps n bytes of an end of a text, not splitting a character.
func cut(text string, n int, tail bool) string {
	if n >= len(text) {
		return text
	}
	if tail {
		i := len(text) - n
		for i < len(text) && text[i]&0xC0 == 0x80 {
			i++
		}
		return text[i:]
	}
	for n > 0 && text[n]&0xC0 == 0x80 {
		n--
	}
	return text[:n]
}

// show is the text as width counts it: tabs expanded, what moves the cursor
// about replaced.
func show(text string) string {
	var b strings.Builder
	column := 0
	for _, r := range text {
		switch {
		case r == '\t':
			n := tabWidth - column%tabWidth
			b.WriteString(strings.Repeat(" ", n))
			column += n
			continue
		case !printable.Shown(r):
			r = '\uFFFD'
		}
		b.WriteRune(r)
		column += runeWidth(r)
	}
	return b.String()
}

// width is the terminal column after a text that starts at a column.
func width(text string, column int) int {
	for _, r := range text {
		if r == '\t' {
			column += tabWidth - column%tabWidth
		} else if !printable.Shown(r) {
			column++ // as show has it
		} else {
			column += runeWidth(r)
		}
	}
	return column
}

// wide are the ranges of characters that take two columns.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x1100, 0x115F, 1}, {0x231A, 0x231B, 1}, {0x2E80, 0x303E, 1}, {0x3041, 0x33FF, 1}, {0x3400, 0x4DBF, 1},
		{0x4E00, 0x9FFF, 1}, {0xA000, 0xA4CF, 1}, {0xAC00, 0xD7A3, 1}, {0xF900, 0xFAFF, 1}, {0xFE30, 0xFE6F, 1},
		{0xFF00, 0xFF60, 1}, {0xFFE0, 0xFFE6, 1},
	},
	R32: []unicode.Range32{{0x1F300, 0x1F64F, 1}, {0x1F680, 0x1F6FF, 1}, {0x1F900, 0x1FAFF, 1}, {0x20000, 0x3FFFD, 1}},
}

func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.Is(unicode.Mn, r), unicode.Is(unicode.Me, r), r == 0x200B, r == 0x200D, r == 0xFEFF:
		return 0
	case unicode.Is(wide, r):
		return 2
	}
	return 1
}
