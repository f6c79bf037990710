package collect

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// OTLP's JSON: protobuf's, but for ids, which are in hex. Names may be in lowerCamel or as in
// the .proto; numbers of 64 bits may be in quotes; what is not known is ignored.
// Source: OpenTelemetry, "OTLP Specification", JSON Protobuf Encoding.

// members reads an object by the names of its members, without underscores and letter case.
type members map[string]json.RawMessage

func (m *members) UnmarshalJSON(text []byte) error {
	raw := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	*m = make(members, len(raw))
	for k, v := range raw {
		(*m)[strings.ToLower(strings.ReplaceAll(k, "_", ""))] = v
	}
	return nil
}

// list calls a function with each element of a member that is an array of objects.
func (m members) list(name string, each func(members) error) error {
	raw, ok := m[name]
	if !ok || string(raw) == "null" {
		return nil
	}
	var all []members
	if err := json.Unmarshal(raw, &all); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for _, e := range all {
		if err := each(e); err != nil {
			return err
		}
	}
	return nil
}

func (m members) object(name string) (out members, err error) {
	if raw, ok := m[name]; ok {
		if err = json.Unmarshal(raw, &out); err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
	}
	return out, err
}

func (m members) text(name string) (s string, err error) {
	if raw, ok := m[name]; ok {
		if err = json.Unmarshal(raw, &s); err != nil {
			err = fmt.Errorf("%s: %w", name, err)
		}
	}
	return s, err
}

// number is a number, which may be in quotes.
func (m members) number(name string) string {
	return strings.Trim(string(m[name]), `" `)
}

func (m members) hex(name string) ([]byte, error) {
	s, err := m.text(name)
	if err != nil {
		return nil, err
	}
	out, err := hex.DecodeString(s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}

func (l *otlpLogs) json(text []byte) error {
	var top members
	d := json.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&top); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("text after the object")
	}
	return top.list("resourcelogs", func(m members) error {
		var r otlpResource
		resource, err := m.object("resource")
		if err != nil {
			return err
		}
		if r.Attributes, err = resource.pairs("attributes", 0); err != nil {
			return err
		}
		err = m.list("scopelogs", func(m members) error {
			var s otlpScope
			scope, err := m.object("scope")
			if err != nil {
				return err
			}
			if s.Name, err = scope.text("name"); err != nil {
				return err
			}
			err = m.list("logrecords", func(m members) error {
				var r otlpRecord
				err := r.json(m)
				s.Records = append(s.Records, r)
				return err
			})
			r.Scopes = append(r.Scopes, s)
			return err
		})
		l.ResourceLogs = append(l.ResourceLogs, r)
		return err
	})
}

func (r *otlpRecord) json(m members) (err error) {
	for name, to := range map[string]*uint64{"timeunixnano": &r.Time, "observedtimeunixnano": &r.Observed} {
		if s := m.number(name); s != "" && s != "null" {
			if *to, err = strconv.ParseUint(s, 10, 64); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if s := m.number("severitynumber"); s != "" {
		if r.Number, err = strconv.ParseInt(s, 10, 32); err != nil {
			r.Number = 0 // by name: severityText says it as well
		}
	}
	if r.Severity, err = m.text("severitytext"); err != nil {
		return err
	}
	if r.Event, err = m.text("eventname"); err != nil {
		return err
	}
	if r.Trace, err = m.hex("traceid"); err != nil {
		return err
	}
	if r.Span, err = m.hex("spanid"); err != nil {
		return err
	}
	if raw, ok := m["body"]; ok && string(raw) != "null" {
		if err = r.Body.fromJSON(raw, 0); err != nil {
			return err
		}
	}
	r.Attributes, err = m.pairs("attributes", 0)
	return err
}

func (m members) pairs(name string, depth int) (list []otlpPair, err error) {
	return list, m.list(name, func(m members) error {
		var p otlpPair
		var err error
		if p.Key, err = m.text("key"); err != nil {
			return err
		}
		if raw, ok := m["value"]; ok && string(raw) != "null" {
			err = p.Value.fromJSON(raw, depth+1)
		}
		list = append(list, p)
		return err
	})
}

func (v *otlpValue) fromJSON(raw json.RawMessage, depth int) error {
	if depth > otlpDepth {
		return errDeep
	}
	var m members
	if err := json.Unmarshal(raw, &m); err != nil {
		return err
	}
	for name, raw := range m {
		var err error
		switch name {
		case "stringvalue":
			v.kind = 's'
			v.text, err = m.text(name)
		case "boolvalue":
			v.kind = 'b'
			if string(raw) == "true" {
				v.n = 1
			} else if string(raw) != "false" {
				err = errors.New("boolValue is neither true nor false")
			}
		case "intvalue":
			v.kind = 'i'
			v.n, err = strconv.ParseInt(m.number(name), 10, 64)
		case "doublevalue":
			v.kind = 'd'
			switch s := m.number(name); s {
			case "NaN":
				v.f = math.NaN()
			case "Infinity":
				v.f = math.Inf(1)
			case "-Infinity":
				v.f = math.Inf(-1)
			default:
				v.f, err = strconv.ParseFloat(s, 64)
			}
		case "bytesvalue":
			v.kind = 'x'
			var s string
			if s, err = m.text(name); err == nil {
				var b []byte
				if b, err = base64.StdEncoding.DecodeString(s); err != nil {
					b, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(s, "="))
				}
				v.text = string(b)
			}
		case "arrayvalue":
			v.kind = 'a'
			var array members
			if array, err = m.object(name); err == nil {
				var all []json.RawMessage
				if raw, ok := array["values"]; ok {
					err = json.Unmarshal(raw, &all)
				}
				for i := 0; i < len(all) && err == nil; i++ {
					var e otlpValue
					err = e.fromJSON(all[i], depth+1)
					v.list = append(v.list, e)
				}
			}
		case "kvlistvalue":
			v.kind = 'k'
			var kv members
			if kv, err = m.object(name); err == nil {
				v.pairs, err = kv.pairs("values", depth)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}
