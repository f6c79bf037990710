package collect

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// OTLP's JSON is protobuf's, but for ids, which are in hex. Names are in lowerCamel,
// and as in the .proto from some senders; numbers of 64 bits may be in quotes; what is not known is ignored.
// Source: OpenTelemetry, "OTLP Specification", JSON Protobuf Encoding.

// json reads an ExportLogsServiceRequest.
func (o *otlpReader) json(text []byte) error {
	if err := jsondoc.Valid(text); err != nil {
		return err
	}
	end, err := jsondoc.End(text, len(text)-len(trimLeft(text)))
	if err != nil {
		return err
	}
	top := jsondoc.Value{Kind: jsondoc.Container, Raw: trimLeft(text[:end])}
	if top.IsArray() {
		return errors.New("an array is no request")
	}
	return list(member(top, "resourceLogs"), "resourceLogs", func(logs jsondoc.Value) error {
		o.left = otlpValues
		attributes, err := o.pairs(member(member(logs, "resource"), "attributes"), 0)
		if err != nil {
			return err
		}
		o.resource(attributes)
		return list(member(logs, "scopeLogs"), "scopeLogs", func(s jsondoc.Value) error {
			scope, err := textOf(member(member(s, "scope"), "name"), "name")
			if err != nil {
				return err
			}
			return list(member(s, "logRecords"), "logRecords", func(v jsondoc.Value) error {
				o.left = otlpValues
				var r otlpRecord
				if err := o.jsonRecord(&r, v); err != nil {
					return err
				}
				return o.record(scope, &r)
			})
		})
	})
}

func trimLeft(text []byte) []byte {
	for len(text) > 0 && text[0] <= ' ' {
		text = text[1:]
	}
	return text
}

// member is a member of an object; none where it is null or v no object.
func member(v jsondoc.Value, name string) (out jsondoc.Value) {
	if v.Kind != jsondoc.Container || v.IsArray() {
		return out
	}
	v.Members(func(key []byte, v jsondoc.Value) bool {
		if camel(key) == name && v.Kind != jsondoc.Null {
			out = v
		}
		return true
	})
	return out
}

// list calls a function with each object of an array.
func list(v jsondoc.Value, name string, f func(jsondoc.Value) error) (err error) {
	if v.Kind == jsondoc.Missing {
		return nil
	}
	if !v.IsArray() {
		return fmt.Errorf("%s is no array", name)
	}
	v.Members(func(_ []byte, v jsondoc.Value) bool {
		if v.Kind != jsondoc.Container || v.IsArray() {
			err = fmt.Errorf("an element of %s is no object", name)
		} else {
			err = f(v)
		}
		return err == nil
	})
	return err
}

// camel is a name in lowerCamel.
func camel(key []byte) string {
	if bytes.IndexByte(key, '_') < 0 {
		return string(key)
	}
	var out []byte
	for i, c := range key {
		switch {
		case c == '_':
		case i > 0 && key[i-1] == '_' && 'a' <= c && c <= 'z':
			out = append(out, c-'a'+'A')
		default:
			out = append(out, c)
		}
	}
	return string(out)
}

func textOf(v jsondoc.Value, name string) (string, error) {
	switch v.Kind {
	case jsondoc.Missing, jsondoc.Null:
		return "", nil
	case jsondoc.String:
		return string(v.AppendText(nil)), nil
	}
	return "", fmt.Errorf("%s is no text", name)
}

func (o *otlpReader) jsonRecord(r *otlpRecord, v jsondoc.Value) (err error) {
	v.Members(func(key []byte, v jsondoc.Value) bool {
		if v.Kind == jsondoc.Null {
			return true
		}
		switch camel(key) {
		case "timeUnixNano":
			r.Time, err = strconv.ParseUint(string(v.Raw), 10, 64)
		case "observedTimeUnixNano":
			r.Observed, err = strconv.ParseUint(string(v.Raw), 10, 64)
		case "severityNumber":
			r.Number, _ = strconv.ParseInt(string(v.Raw), 10, 32) // or a name: severityText says it as well
		case "severityText":
			r.Severity, err = textOf(v, "severityText")
		case "eventName":
			r.Event, err = textOf(v, "eventName")
		case "traceId":
			r.Trace, err = hex.DecodeString(string(v.Raw))
		case "spanId":
			r.Span, err = hex.DecodeString(string(v.Raw))
		case "body":
			err = o.jsonValue(&r.Body, v, 0)
		case "attributes":
			r.Attributes, err = o.pairs(v, 0)
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", key, err)
		}
		return err == nil
	})
	return err
}

func (o *otlpReader) pairs(v jsondoc.Value, depth int) (pairs []otlpPair, err error) {
	return pairs, list(v, "attributes", func(v jsondoc.Value) error {
		if err := o.value(depth); err != nil {
			return err
		}
		var p otlpPair
		var err error
		if p.Key, err = textOf(member(v, "key"), "key"); err == nil {
			if value := member(v, "value"); value.Kind != jsondoc.Missing {
				err = o.jsonValue(&p.Value, value, depth+1)
			}
		}
		pairs = append(pairs, p)
		return err
	})
}

func (o *otlpReader) jsonValue(to *otlpValue, v jsondoc.Value, depth int) (err error) {
	if err := o.value(depth); err != nil {
		return err
	}
	if v.Kind != jsondoc.Container || v.IsArray() {
		return errors.New("a value is no object")
	}
	v.Members(func(key []byte, v jsondoc.Value) bool {
		if v.Kind == jsondoc.Null {
			return true
		}
		switch raw := camel(key); raw {
		case "stringValue":
			to.kind = 's'
			to.text, err = textOf(v, raw)
		case "boolValue":
			to.kind = 'b'
			if v.Kind != jsondoc.Bool {
				err = errors.New("boolValue is neither true nor false")
			} else if v.Raw[0] == 't' {
				to.n = 1
			}
		case "intValue":
			to.kind = 'i'
			to.n, err = strconv.ParseInt(string(v.Raw), 10, 64)
		case "doubleValue":
			to.kind = 'd'
			switch string(v.Raw) {
			case "NaN":
				to.f = math.NaN()
			case "Infinity":
				to.f = math.Inf(1)
			case "-Infinity":
				to.f = math.Inf(-1)
			default:
				to.f, err = strconv.ParseFloat(string(v.Raw), 64)
			}
		case "bytesValue":
			to.kind = 'x'
			var b []byte
			if b, err = base64.StdEncoding.DecodeString(string(v.Raw)); err != nil {
				b, err = base64.RawURLEncoding.DecodeString(string(v.Raw))
			}
			to.text = string(b)
		case "arrayValue":
			to.kind = 'a'
			err = list(member(v, "values"), "values", func(v jsondoc.Value) error {
				var e otlpValue
				err := o.jsonValue(&e, v, depth+1)
				to.list = append(to.list, e)
				return err
			})
		case "kvlistValue":
			to.kind = 'k'
			to.pairs, err = o.pairs(member(v, "values"), depth)
		}
		return err == nil
	})
	return err
}
