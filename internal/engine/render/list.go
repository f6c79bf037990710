package render

import (
	"fmt"
	"io"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

var _ = register(format{"list", "each row as lines of name and value, for people", func(w io.Writer, o Options) Sink {
	return &lister{w: w, list: list{o: o}}
}, nil})

const (
	// listWidth is how wide lines get when the terminal's width is not known;
	// long values are not wrapped then.
	listWidth = 100
	// pairMax is the longest value that shares its line with others.
	pairMax = 48
)

// list lays rows out as names and values: short ones side by side, long ones
// on lines of their own, wrapped to the terminal.
type list struct {
	o     Options
	names []string
	n     int
}

// append adds one row. Fields without a value are left out.
func (l *list) append(dst []byte, cells []string) []byte {
	l.n++
	width := l.o.Width
	if width == 0 {
		width = listWidth
	}
	rule := fmt.Sprintf("── %d ", l.n)
	dst = l.o.paint(dst, "2", rule+strings.Repeat("─", max(0, min(width, 60)-cellWidth(rule))))
	dst = append(dst, '\n')
	used := 0 // of the line under way
	for i, c := range cells {
		if c == "" {
			continue
		}
		name, style := printable.Text(l.names[i])+": ", highlight(l.names[i], c)
		w := cellWidth(name) + cellWidth(c)
		short := cellWidth(c) <= pairMax && w <= width
		switch {
		case used > 0 && (!short || used+3+w > width):
			dst, used = append(dst, '\n'), 0
		case used > 0:
			dst, used = append(dst, "   "...), used+3
		}
		dst = l.o.paint(dst, "2", name)
		if short {
			dst, used = l.o.paint(dst, style, c), used+w
			continue
		}
		room := width - cellWidth(name)
		if l.o.Width == 0 {
			room = w
		}
		for j, part := range fold(c, max(room, 1)) {
			if j > 0 {
				dst = append(dst, strings.Repeat(" ", cellWidth(name))...)
			}
			dst = append(l.o.paint(dst, style, part), '\n')
		}
	}
	if used > 0 {
		dst = append(dst, '\n')
	}
	return dst
}

// fold breaks a text into parts of a width, losing nothing.
func fold(s string, width int) (parts []string) {
	n, from := 0, 0
	for i, r := range s {
		w := runeWidth(r)
		if n+w > width {
			parts = append(parts, s[from:i])
			n, from = 0, i
		}
		n += w
	}
	return append(parts, s[from:])
}

// lister prints every row as a list.
type lister struct {
	w    io.Writer
	list list
	cols []column
	buf  []byte
}

func (p *lister) Push(b *event.Batch) error {
	p.cols = p.list.o.columns(b, p.cols)
	p.list.names = p.list.names[:0]
	for _, c := range p.cols {
		p.list.names = append(p.list.names, c.name)
	}
	cells := make([]string, len(p.cols))
	for _, row := range b.Live {
		for i, c := range p.cols {
			cells[i] = p.list.o.cell(c.name, c.col.At(row))
		}
		p.buf = p.list.append(p.buf, cells)
		if len(p.buf) >= flushBytes {
			if err := p.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *lister) flush() error {
	_, err := p.w.Write(p.buf)
	p.buf = p.buf[:0]
	return err
}

func (p *lister) Close() error { return p.flush() }
