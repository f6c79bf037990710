// Package render prints the rows of a result, one file a format.
package render

import (
	"fmt"
	"io"
	"sort"
	"strings"
	"time"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/printable"
)

// Sink prints batches, pushed in their final order from one goroutine. Close
// writes what is left; the sink does not close what it writes to.
type Sink interface {
	exec.Sink
	Close() error
}

// Options say what is printed and how.
type Options struct {
	// Columns in order; nil prints every field that a row has.
	Columns  []lang.Column
	Layout   *event.Layout
	Messages bool // rows are messages
	Zone     *time.Location
	Color    bool
	Width    int  // of the terminal; 0 does not shorten anything
	Terminal bool // a terminal shows it: then data, too, is sent as text that is safe to show
	SafeCSV  bool // cells of csv and tsv that a spreadsheet would compute are text
}

// format is one way to print. Unless it says that it is data, people read it, and what
// a terminal would obey is shown by its code.
type format struct {
	name, summary string
	open          func(io.Writer, Options) Sink
	data          func(io.Writer, Options) io.Writer // how data is written; nil for people's
}

// exact writes data as it is, but on a terminal.
func exact(w io.Writer, o Options) io.Writer {
	if o.Terminal {
		return printable.NewWriter(w, printable.People, false)
	}
	return w
}

// escaped writes JSON, whose escapes keep the value of what a terminal would obey.
func escaped(w io.Writer, _ Options) io.Writer {
	return printable.NewWriter(w, printable.JSON, false)
}

// writer is what the format's text goes through.
func (f *format) writer(w io.Writer, o Options) io.Writer {
	if f.data != nil {
		return f.data(w, o)
	}
	return printable.NewWriter(w, printable.People, o.Color)
}

var formats []format

func register(f format) struct{} {
	formats = append(formats, f)
	return struct{}{}
}

// Names lists the formats as --format takes them.
func Names() []string {
	var out []string
	for _, f := range formats {
		out = append(out, f.name)
	}
	sort.Strings(out)
	return out
}

// New opens a renderer.
func New(name string, w io.Writer, o Options) (Sink, error) {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	for _, f := range formats {
		if strings.EqualFold(f.name, name) {
			w := f.writer(w, o)
			if lang.HasLate(o.Columns) {
				return &late{open: func(o Options) Sink { return f.open(w, o) }, o: o}, nil
			}
			return f.open(w, o), nil
		}
	}
	return nil, fmt.Errorf("there is no output format %s; choose one of %s", name, strings.Join(Names(), ", "))
}

// late opens a renderer with the first row, when all columns are known.
type late struct {
	open func(Options) Sink
	o    Options
	sink Sink
}

func (p *late) ready() Sink {
	if p.sink == nil {
		p.o.Columns = lang.Expand(p.o.Columns, p.o.Layout)
		p.sink = p.open(p.o)
	}
	return p.sink
}

func (p *late) Push(b *event.Batch) error { return p.ready().Push(b) }
func (p *late) Close() error              { return p.ready().Close() }

// column is an output column of a batch.
type column struct {
	name string
	col  *event.Column
}

// columns are what to print of a batch. Without fixed columns these are the
// batch's own: time and metadata first, then by name, the text last.
func (o *Options) columns(b *event.Batch, buf []column) []column {
	buf = buf[:0]
	if o.Columns != nil {
		for _, c := range o.Columns {
			buf = append(buf, column{c.Name, b.Col(c.Slot)})
		}
		// Col may have moved the columns: take their places again.
		for i, c := range o.Columns {
			buf[i].col = b.Col(c.Slot)
		}
		return buf
	}
	for i := range b.Cols {
		if len(b.Cols[i].Dict) > 1 {
			buf = append(buf, column{o.Layout.Name(event.Slot(i)), &b.Cols[i]})
		}
	}
	sort.Slice(buf, func(i, j int) bool {
		x, y := rank(buf[i].name), rank(buf[j].name)
		if x != y {
			return x < y
		}
		return buf[i].name < buf[j].name
	})
	return buf
}

func rank(name string) int {
	switch {
	case strings.EqualFold(name, "_messageTime"):
		return 0
	case strings.EqualFold(name, "_raw"):
		return 3
	case strings.HasPrefix(name, "_"):
		return 1
	}
	return 2
}
