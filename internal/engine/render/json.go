package render

import (
	"io"
	"math"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

var _ = register(format{"ndjson", "one JSON object a line", func(w io.Writer, o Options) Sink {
	return &objects{w: w, o: o, between: "\n", end: "\n"}
}, escaped})

var _ = register(format{"json", "one JSON array", func(w io.Writer, o Options) Sink {
	return &objects{w: w, o: o, start: "[", between: ",\n", end: "]\n", always: true}
}, escaped})

// flushBytes is how much is gathered before it is written.
const flushBytes = 64 << 10

// objects prints rows as JSON objects. Whole numbers, doubles and booleans are
// JSON numbers and booleans, what JSON cannot say (NaN, Infinity) is text.
type objects struct {
	w                   io.Writer
	o                   Options
	start, between, end string
	always              bool // start and end are printed even without rows

	buf    []byte
	rows   *objectRows
	pieces pieces // of packed rows
	n      int
}

// Printer packs rows, which Push unpacks.
func (p *objects) Printer() exec.Printer {
	return &packer{objectRows: objectRows{o: &p.o}, pieces: &p.pieces}
}

func (p *objects) Push(b *event.Batch) error {
	packed := len(b.Printed) > 0
	var texts [][]byte
	if packed {
		texts = p.pieces.all()
	} else {
		if p.rows == nil {
			p.rows = &objectRows{o: &p.o}
		}
		p.rows.Start(b)
	}
	for _, row := range b.Live {
		if p.n == 0 {
			p.buf = append(p.buf, p.start...)
		} else {
			p.buf = append(p.buf, p.between...)
		}
		p.n++
		if packed {
			p.buf = unpack(p.buf, b.Printed[row], texts)
		} else {
			p.buf = p.rows.Append(p.buf, row)
		}
		if len(p.buf) >= flushBytes {
			if err := p.flush(); err != nil {
				return err
			}
		}
	}
	return nil
}

// objectRows prints single rows.
type objectRows struct {
	o    *Options
	cols []column
	keys [][]byte // "name":
}

func (p *objectRows) Start(b *event.Batch) {
	p.cols = p.o.columns(b, p.cols)
	if p.o.Columns == nil || p.keys == nil {
		p.keys = p.keys[:0]
		for _, c := range p.cols {
			p.keys = append(p.keys, append(jsondoc.AppendString(nil, c.name), ':'))
		}
	}
}

func (p *objectRows) Append(dst []byte, row uint16) []byte {
	dst = append(dst, '{')
	first := true
	for i, c := range p.cols {
		v := c.col.At(row)
		if v.IsNull() && p.o.Columns == nil {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, p.keys[i]...)
		dst = appendJSON(dst, v)
	}
	return append(dst, '}')
}

func (p *objects) flush() error {
	_, err := p.w.Write(p.buf)
	p.buf = p.buf[:0]
	return err
}

func (p *objects) Close() error {
	if p.n == 0 && p.always {
		p.buf = append(p.buf, p.start...)
	}
	if p.n > 0 || p.always {
		p.buf = append(p.buf, p.end...)
	}
	return p.flush()
}

// appendJSON appends a value as JSON.
func appendJSON(dst []byte, v event.Value) []byte {
	switch v.Kind() {
	case event.Null, event.Dropped:
		return append(dst, "null"...)
	case event.String:
		return jsondoc.AppendString(dst, v.Str())
	case event.Double:
		if f, _ := v.Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return jsondoc.AppendString(dst, v.String())
		}
	}
	return v.AppendText(dst)
}
