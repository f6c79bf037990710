package render

import (
	"fmt"
	"io"
	"strings"
	"time"

	"golang.org/x/text/width"

	"github.com/gyoji-dev/gyoji/event"
)

var _ = register(format{"table", "a table for people", func(w io.Writer, o Options) Sink {
	return &table{w: w, o: o}
}})

const (
	// lookAhead is from how many rows the widths of the columns are taken; later
	// rows are shortened to them.
	lookAhead = 200
	// cellMin is the least width a column is shortened to.
	cellMin = 8
	// cellMax is the widest a column gets where the terminal's width is not known.
	cellMax = 120
	// columnsMax is how many columns are shown where a query names none.
	columnsMax = 8
)

// table prints aligned columns. It shortens long values to fit the terminal.
type table struct {
	w io.Writer
	o Options

	names  []string
	rows   [][]string // until the widths are known
	widths []int
	number []bool // right-aligned
	n      int
	buf    []byte
	cols   []column
}

func (p *table) Push(b *event.Batch) error {
	p.cols = p.o.columns(b, p.cols)
	if p.names == nil {
		p.choose()
	}
	at := make([]*event.Column, len(p.names))
	for i, name := range p.names {
		for _, c := range p.cols {
			if c.name == name {
				at[i] = c.col
				break
			}
		}
	}
	for _, row := range b.Live {
		cells := make([]string, len(at))
		for i, c := range at {
			if c == nil {
				continue
			}
			v := c.At(row)
			if v.IsNumber() && p.n == 0 {
				p.number[i] = true
			}
			cells[i] = p.text(p.names[i], v)
		}
		p.n++
		if p.widths == nil {
			p.rows = append(p.rows, cells)
			if len(p.rows) == lookAhead {
				p.measure()
			}
			continue
		}
		p.line(cells, "")
		if len(p.buf) >= flushBytes {
			if err := p.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// choose picks the columns: those of the query, or of messages the time, where
// they come from and their text.
func (p *table) choose() {
	if p.o.Columns != nil {
		for _, c := range p.o.Columns {
			p.names = append(p.names, c.Name)
		}
	} else {
		for _, c := range p.cols {
			switch strings.ToLower(c.name) {
			case "_messagetime", "_sourcecategory", "_sourcehost", "_raw":
				p.names = append(p.names, c.name)
			}
		}
		for _, c := range p.cols {
			if len(p.names) == 0 || len(p.names) < columnsMax && !p.o.Messages {
				p.names = append(p.names, c.name)
			}
		}
	}
	p.number = make([]bool, len(p.names))
}

// text is a cell: times as dates, line ends as signs.
func (p *table) text(name string, v event.Value) string {
	switch strings.ToLower(name) {
	case "_messagetime", "_receipttime", "_timeslice", "__timeslice_end", "_start_time", "_end_time":
		if ms, ok := v.Int(); ok && ms > 0 {
			return time.UnixMilli(ms).In(p.o.Zone).Format("2006-01-02 15:04:05.000")
		}
	}
	s := strings.Clone(v.Str())
	if strings.ContainsAny(s, "\n\r\t\x1b") {
		s = strings.NewReplacer("\r\n", "⏎", "\n", "⏎", "\r", "⏎", "\t", " ", "\x1b", "␛").Replace(s)
	}
	return s
}

// measure fixes the widths by the rows gathered, and prints them.
func (p *table) measure() {
	p.widths = make([]int, len(p.names))
	for i, n := range p.names {
		p.widths[i] = cellWidth(n)
	}
	for _, r := range p.rows {
		for i, c := range r {
			p.widths[i] = max(p.widths[i], cellWidth(c))
		}
	}
	p.fit()
	p.line(p.names, "1")
	for _, r := range p.rows {
		p.line(r, "")
	}
	p.rows = nil
}

// fit takes width from the widest columns until the table fits.
func (p *table) fit() {
	if p.o.Width == 0 {
		for i := range p.widths {
			p.widths[i] = min(p.widths[i], cellMax)
		}
		return
	}
	for {
		total, widest := 2*(len(p.widths)-1), 0
		for i, w := range p.widths {
			total += w
			if w > p.widths[widest] {
				widest = i
			}
		}
		if total <= p.o.Width || p.widths[widest] <= cellMin {
			return
		}
		p.widths[widest] = max(cellMin, p.widths[widest]-(total-p.o.Width+1)/2-1)
	}
}

// line appends one row. style is an ANSI style for all of it.
func (p *table) line(cells []string, style string) {
	for i, c := range cells {
		if i > 0 {
			p.buf = append(p.buf, ' ', ' ')
		}
		c = shorten(c, p.widths[i])
		pad := p.widths[i] - cellWidth(c)
		color := style
		if color == "" {
			color = highlight(p.names[i], c)
		}
		if p.number[i] {
			p.buf = append(p.buf, strings.Repeat(" ", max(pad, 0))...)
		}
		if p.o.Color && color != "" {
			p.buf = fmt.Appendf(p.buf, "\x1b[%sm%s\x1b[0m", color, c)
		} else {
			p.buf = append(p.buf, c...)
		}
		if !p.number[i] && i < len(cells)-1 {
			p.buf = append(p.buf, strings.Repeat(" ", max(pad, 0))...)
		}
	}
	p.buf = append(p.buf, '\n')
}

// highlight is the colour of cells that say how bad something is.
func highlight(name, cell string) string {
	name = strings.ToLower(name)
	switch {
	case name == "severity":
		switch strings.ToLower(cell) {
		case "critical", "high":
			return "1;31"
		case "medium":
			return "33"
		case "low":
			return "36"
		}
	case strings.HasSuffix(name, "score"):
		switch cell {
		case "", "0":
		case "1":
			return "33"
		default:
			return "1;31"
		}
	}
	return ""
}

func (p *table) flush() error {
	_, err := p.w.Write(p.buf)
	p.buf = p.buf[:0]
	return err
}

func (p *table) Close() error {
	if p.widths == nil && len(p.rows) > 0 {
		p.measure()
	}
	return p.flush()
}

// cellWidth is how many columns of a terminal a text takes.
func cellWidth(s string) (n int) {
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

func runeWidth(r rune) int {
	if r < 0x300 {
		return 1
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// shorten cuts a text to a width, with a sign that something is missing.
func shorten(s string, n int) string {
	if len(s) <= n || cellWidth(s) <= n {
		return s
	}
	w := 0
	for i, r := range s {
		if w += runeWidth(r); w > n-1 {
			return s[:i] + "…"
		}
	}
	return s
}
