package render

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

var _ = register(format{"table", "a table for people; a list where the terminal is too narrow", func(w io.Writer, o Options) Sink {
	return &table{w: w, o: o}
}, nil})

const (
	// lookAhead is from how many rows the widths of the columns are taken; later
	// rows are shortened to them.
	lookAhead = 200
	// cellMin is the least width a column of text is shortened to: a host's
	// name, or the end of a path, can still be told from another.
	cellMin = 14
	// pathMin is what columns of paths are shortened to before other text is.
	pathMin = 18
	// headMin is the least width that the name of a column of numbers is
	// shortened to.
	headMin = 6
	// cellMax is how far columns are padded where the terminal's width is not
	// known. Longer values stick out, they are not shortened.
	cellMax = 120
	// columnsMax is how many columns are shown where a query names none.
	columnsMax = 8
)

// table prints aligned columns. It shortens long values to fit the terminal,
// and becomes a list where that would leave too little of them.
type table struct {
	w io.Writer
	o Options

	names  []string
	rows   [][]string // until the widths are known
	widths []int
	number []bool // right-aligned
	list   *list  // takes over when the columns do not fit
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
			if !v.IsNull() && p.widths == nil {
				p.number[i] = v.IsNumber() && !times[strings.ToLower(p.names[i])]
			}
			cells[i] = p.o.cell(p.names[i], v)
		}
		p.n++
		if p.widths == nil {
			if p.rows = append(p.rows, cells); len(p.rows) == lookAhead {
				p.measure()
			}
			continue
		}
		p.print(cells)
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

// timeLayout is how times in ms are shown to people.
const timeLayout = "2006-01-02 15:04:05.000"

// times are the fields that hold ms since the epoch, in lower case.
var times = map[string]bool{
	"_messagetime": true, "_receipttime": true, "_timeslice": true, "__timeslice_end": true,
	"_start_time": true, "_end_time": true, "first_seen": true, "last_seen": true,
}

// cell is a value for people: times as dates, nothing that a terminal obeys.
func (o *Options) cell(name string, v event.Value) string {
	if times[strings.ToLower(name)] || v.Kind() == event.Date {
		if ms, ok := v.Int(); ok && ms > 0 {
			return time.UnixMilli(ms).In(o.Zone).Format(timeLayout)
		}
	}
	return printable.Text(strings.Clone(v.Str()))
}

// measure fixes the widths by the rows gathered, and prints them.
func (p *table) measure() {
	p.widths = make([]int, len(p.names))
	for i, n := range p.names {
		p.widths[i] = cellWidth(printable.Text(n))
	}
	for _, r := range p.rows {
		for i, c := range r {
			p.widths[i] = max(p.widths[i], cellWidth(c))
		}
	}
	switch {
	case p.o.Width == 0:
		for i := range p.widths {
			p.widths[i] = min(p.widths[i], cellMax)
		}
	case !p.fit():
		p.list = &list{o: p.o, names: p.names}
	}
	if p.list == nil {
		heads := make([]string, len(p.names))
		for i, n := range p.names {
			heads[i] = printable.Text(n)
		}
		p.line(heads, "1")
	}
	for _, r := range p.rows {
		p.print(r)
	}
	p.rows = nil
}

// fit takes width from the columns until the table fits, and reports whether
// it can: first from the names above numbers, then from paths, whose end says
// most, then from the widest.
func (p *table) fit() bool {
	least, paths := make([]int, len(p.widths)), make([]int, len(p.widths))
	total := 2 * (len(p.widths) - 1)
	for i, w := range p.widths {
		total += w
		least[i] = min(w, cellMin)
		paths[i] = w
		switch {
		case times[strings.ToLower(p.names[i])]:
			least[i] = w
		case p.number[i]:
			least[i] = min(w, headMin)
			for _, r := range p.rows {
				least[i] = max(least[i], cellWidth(r[i]))
			}
			paths[i] = least[i]
		case len(p.rows) > 0 && isPath(p.rows[0][i]):
			paths[i] = min(w, pathMin)
		}
	}
	for _, floor := range [2][]int{paths, least} {
		for ; total > p.o.Width; total-- {
			widest := -1
			for i, w := range p.widths {
				if w > floor[i] && (widest < 0 || w > p.widths[widest]) {
					widest = i
				}
			}
			if widest < 0 {
				break
			}
			p.widths[widest]--
		}
	}
	return total <= p.o.Width
}

func (p *table) print(cells []string) {
	if p.list != nil {
		p.buf = p.list.append(p.buf, cells)
		return
	}
	p.line(cells, "")
}

// line appends one row. style is an ANSI style for all of it.
func (p *table) line(cells []string, style string) {
	for i, c := range cells {
		if i > 0 {
			p.buf = append(p.buf, ' ', ' ')
		}
		color := style
		if color == "" {
			color = highlight(p.names[i], c)
		}
		if p.o.Width > 0 {
			c = shorten(c, p.widths[i])
		}
		pad := max(p.widths[i]-cellWidth(c), 0)
		if p.number[i] {
			p.buf = append(p.buf, strings.Repeat(" ", pad)...)
		}
		p.buf = p.o.paint(p.buf, color, c)
		if !p.number[i] && i < len(cells)-1 {
			p.buf = append(p.buf, strings.Repeat(" ", pad)...)
		}
	}
	p.buf = append(p.buf, '\n')
}

// paint appends text in an ANSI style, "" for none.
func (o *Options) paint(dst []byte, style, text string) []byte {
	if !o.Color || style == "" || text == "" {
		return append(dst, text...)
	}
	return fmt.Appendf(dst, "\x1b[%sm%s\x1b[0m", style, text)
}

// highlight is the style of cells that say how bad something is.
func highlight(name, cell string) string {
	name = strings.ToLower(name)
	switch {
	case name == "severity" || name == "level":
		switch strings.ToLower(cell) {
		case "critical":
			return "1;97;41"
		case "high":
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
