package ruledoc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
)

// parseJSON reads a JSON text into a tree that knows where everything stands. Of a
// key that comes twice the last value counts, as for the service.
func parseJSON(f *diag.File) (Value, *diag.Diagnostic) {
	text := strings.TrimPrefix(f.Text, "\ufeff")
	p := &jsonParser{text: text, skipped: len(f.Text) - len(text), d: json.NewDecoder(strings.NewReader(text))}
	p.d.UseNumber()
	v, err := p.value(0)
	if err == nil {
		if _, more := p.d.Token(); more != io.EOF {
			err = fmt.Errorf("something follows its end")
		}
	}
	if err != nil {
		at := min(int(p.d.InputOffset())+p.skipped, len(f.Text))
		return Value{}, &diag.Diagnostic{
			Severity: diag.Error, Code: "bad-json", File: f, Span: diag.Span{Start: at, End: at}, Message: "this is not JSON: " + err.Error(),
		}
	}
	return v, nil
}

type jsonParser struct {
	text    string
	skipped int
	d       *json.Decoder
}

// start is where the token begins that is read next.
func (p *jsonParser) start() int {
	at := int(p.d.InputOffset())
	return at + len(p.text[at:]) - len(strings.TrimLeft(p.text[at:], " \t\r\n,:"))
}

func (p *jsonParser) span(start int) diag.Span {
	return diag.Span{Start: start + p.skipped, End: int(p.d.InputOffset()) + p.skipped}
}

func (p *jsonParser) value(depth int) (v Value, err error) {
	if depth > depthMax {
		return v, fmt.Errorf("it is nested more than %d deep", depthMax)
	}
	start := p.start()
	t, err := p.d.Token()
	if err != nil {
		if err == io.EOF {
			err = fmt.Errorf("it ends too early")
		}
		return v, err
	}
	switch t := t.(type) {
	case bool:
		v = Of(t)
	case json.Number:
		v = Value{Kind: Number, Text: t.String()}
	case string:
		v = Of(t)
	case json.Delim:
		if t == '[' {
			v.Kind = List
			for p.d.More() {
				x, err := p.value(depth + 1)
				if err != nil {
					return v, err
				}
				v.Items = append(v.Items, x)
			}
		} else {
			v.Kind = Object
			place := places{}
			for p.d.More() {
				at := p.start()
				k, err := p.d.Token()
				if err != nil {
					return v, err
				}
				key, _ := k.(string)
				span := p.span(at)
				x, err := p.value(depth + 1)
				if err != nil {
					return v, err
				}
				place.set(&v, key, x).At = span
			}
		}
		if _, err := p.d.Token(); err != nil {
			if err == io.EOF {
				err = fmt.Errorf("it ends too early")
			}
			return v, err
		}
	}
	v.At = p.span(start)
	return v, nil
}

// writeJSON writes a value as indented JSON.
func writeJSON(b *bytes.Buffer, v *Value, indent string) {
	switch v.Kind {
	case Null:
		b.WriteString("null")
	case Bool, Number:
		b.WriteString(v.Text)
	case Text:
		quoteJSON(b, v.Text)
	case List:
		if len(v.Items) == 0 {
			b.WriteString("[]")
			return
		}
		b.WriteByte('[')
		for i := range v.Items {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString("\n" + indent + "  ")
			writeJSON(b, &v.Items[i], indent+"  ")
		}
		b.WriteString("\n" + indent + "]")
	case Object:
		if len(v.Members) == 0 {
			b.WriteString("{}")
			return
		}
		b.WriteByte('{')
		for i := range v.Members {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString("\n" + indent + "  ")
			quoteJSON(b, v.Members[i].Key)
			b.WriteString(": ")
			writeJSON(b, &v.Members[i].Value, indent+"  ")
		}
		b.WriteString("\n" + indent + "}")
	}
}

func quoteJSON(b *bytes.Buffer, s string) {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // a string is always encoded
	b.Truncate(b.Len() - 1)
}
