package render

import (
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/text/event"
)

var _ = register(format{"csv", "comma-separated values with a header (RFC 4180)", func(w io.Writer, o Options) Sink {
	return &separated{w: w, o: o, sep: ','}
}, exact})

var _ = register(format{"tsv", "tab-separated values with a header", func(w io.Writer, o Options) Sink {
	return &separated{w: w, o: o, sep: '\t'}
}, exact})

// separated prints rows as lines of values. Without fixed columns the header
// can only be known when all rows are: they are gathered as text first.
type separated struct {
	w   io.Writer
	o   Options
	sep byte

	buf    []byte
	cols   []column
	headed bool

	names []string // met so far, without fixed columns
	index map[string]int
	rows  [][]string
}

func (p *separated) Push(b *event.Batch) error {
	p.cols = p.o.columns(b, p.cols)
	if p.o.Columns == nil {
		p.gather(b)
		return nil
	}
	p.head()
	for _, row := range b.Live {
		for i, c := range p.cols {
			if i > 0 {
				p.buf = append(p.buf, p.sep)
			}
			p.cell(p.harmless(c.col.At(row).Str()))
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

func (p *separated) head() {
	if p.headed {
		return
	}
	p.headed = true
	for i, c := range p.o.Columns {
		if i > 0 {
			p.buf = append(p.buf, p.sep)
		}
		p.cell(p.harmless(c.Name))
	}
	p.buf = append(p.buf, '\n')
}

// harmless is a value that no spreadsheet computes, if that is asked for: text that
// begins as a formula does gets a ' in front (OWASP, CSV injection). Full-width signs
// count, as some spreadsheets read them; so do a tab and line ends, which they skip.
func (p *separated) harmless(s string) string {
	if !p.o.SafeCSV || s == "" {
		return s
	}
	if _, err := strconv.ParseFloat(s, 64); err == nil {
		return s // -5
	}
	if r, _ := utf8.DecodeRuneInString(strings.TrimLeft(s, " \u00a0\ufeff")); strings.ContainsRune("=+-@\t\r\n|%＝＋－＠", r) {
		return "'" + s
	}
	return s
}

// cell appends one value, quoted where it must be.
func (p *separated) cell(s string) {
	if s == "" || strings.IndexByte(s, p.sep) < 0 && !strings.ContainsAny(s, "\"\r\n") && s[0] != ' ' {
		p.buf = append(p.buf, s...)
		return
	}
	p.buf = append(p.buf, '"')
	for {
		i := strings.IndexByte(s, '"')
		if i < 0 {
			break
		}
		p.buf = append(append(p.buf, s[:i]...), '"', '"')
		s = s[i+1:]
	}
	p.buf = append(append(p.buf, s...), '"')
}

func (p *separated) gather(b *event.Batch) {
	if p.index == nil {
		p.index = map[string]int{}
	}
	at := make([]int, len(p.cols))
	for i, c := range p.cols {
		j, ok := p.index[c.name]
		if !ok {
			j = len(p.names)
			p.index[c.name] = j
			p.names = append(p.names, c.name)
		}
		at[i] = j
	}
	for _, row := range b.Live {
		cells := make([]string, len(p.names))
		for i, c := range p.cols {
			cells[at[i]] = p.harmless(strings.Clone(c.col.At(row).Str()))
		}
		p.rows = append(p.rows, cells)
	}
}

func (p *separated) flush() error {
	_, err := p.w.Write(p.buf)
	p.buf = p.buf[:0]
	return err
}

func (p *separated) Close() error {
	if p.o.Columns != nil {
		p.head()
		return p.flush()
	}
	order := sortedNames(p.names)
	for i, j := range order {
		if i > 0 {
			p.buf = append(p.buf, p.sep)
		}
		p.cell(p.harmless(p.names[j]))
	}
	if len(order) > 0 {
		p.buf = append(p.buf, '\n')
	}
	for _, cells := range p.rows {
		for i, j := range order {
			if i > 0 {
				p.buf = append(p.buf, p.sep)
			}
			if j < len(cells) {
				p.cell(cells[j])
			}
		}
		p.buf = append(p.buf, '\n')
		if len(p.buf) >= flushBytes {
			if err := p.flush(); err != nil {
				return err
			}
		}
	}
	return p.flush()
}
