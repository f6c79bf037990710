package render

import (
	"io"
	"sort"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(format{"raw", "the text of each message; for other rows their values", func(w io.Writer, o Options) Sink {
	return &raw{w: w, o: o}
}, exact})

// raw prints _raw, or where there is none the row's values with blanks between.
type raw struct {
	w    io.Writer
	o    Options
	buf  []byte
	cols []column
}

func (p *raw) Push(b *event.Batch) error {
	p.cols = p.o.columns(b, p.cols)
	var text *event.Column
	for _, c := range p.cols {
		if strings.EqualFold(c.name, "_raw") {
			text = c.col
		}
	}
	for _, row := range b.Live {
		if text != nil {
			p.buf = append(p.buf, text.At(row).Str()...)
		} else {
			for i, c := range p.cols {
				if i > 0 {
					p.buf = append(p.buf, ' ')
				}
				p.buf = c.col.At(row).AppendText(p.buf)
			}
		}
		p.buf = append(p.buf, '\n')
		if len(p.buf) >= flushBytes {
			if err := p.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *raw) flush() error {
	_, err := p.w.Write(p.buf)
	p.buf = p.buf[:0]
	return err
}

func (p *raw) Close() error { return p.flush() }

// sortedNames orders columns that no one has ordered: indexes into names.
func sortedNames(names []string) []int {
	order := make([]int, len(names))
	for i := range order {
		order[i] = i
	}
	sort.Slice(order, func(i, j int) bool {
		a, b := names[order[i]], names[order[j]]
		if x, y := rank(a), rank(b); x != y {
			return x < y
		}
		return a < b
	})
	return order
}
