package render

import (
	"io"
	"math"

	"github.com/gyoji-dev/gyoji/event"
	"github.com/gyoji-dev/gyoji/jsondoc"
)

var _ = register(format{"ndjson", "one JSON object a line", func(w io.Writer, o Options) Sink {
	return &objects{w: w, o: o, between: "\n", end: "\n"}
}})

var _ = register(format{"json", "one JSON array", func(w io.Writer, o Options) Sink {
	return &objects{w: w, o: o, start: "[", between: ",\n", end: "]\n", always: true}
}})

// flushBytes is how much is gathered before it is written.
const flushBytes = 64 << 10

// objects prints rows as JSON objects. Whole numbers, doubles and booleans are
// JSON numbers and booleans, what JSON cannot say (NaN, Infinity) is text.
type objects struct {
	w                   io.Writer
	o                   Options
	start, between, end string
	always              bool // start and end are printed even without rows

	buf  []byte
	cols []column
	keys [][]byte // ,"name":
	n    int
}

func (p *objects) Push(b *event.Batch) error {
	p.cols = p.o.columns(b, p.cols)
	fixed := p.o.Columns != nil
	if !fixed || p.keys == nil {
		p.keys = p.keys[:0]
		for _, c := range p.cols {
			p.keys = append(p.keys, append(jsondoc.AppendString(nil, c.name), ':'))
		}
	}
	for _, row := range b.Live {
		if p.n == 0 {
			p.buf = append(p.buf, p.start...)
		} else {
			p.buf = append(p.buf, p.between...)
		}
		p.n++
		p.buf = append(p.buf, '{')
		first := true
		for i, c := range p.cols {
			v := c.col.At(row)
			if v.IsNull() && !fixed {
				continue
			}
			if !first {
				p.buf = append(p.buf, ',')
			}
			first = false
			p.buf = append(p.buf, p.keys[i]...)
			p.buf = appendJSON(p.buf, v)
		}
		p.buf = append(p.buf, '}')
		if len(p.buf) >= flushBytes {
			if err := p.flush(); err != nil {
				return err
			}
		}
	}
	return nil
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
