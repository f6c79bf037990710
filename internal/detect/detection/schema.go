package detection

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Schemas are the JSON Schemas of the files that a package's author writes, by
// name. They are made from the types that read the files, so they cannot drift.
func Schemas() map[string][]byte {
	out := map[string][]byte{}
	for name, s := range map[string]struct {
		title    string
		of       any
		required []string
	}{
		"detection": {"gyoji detection package: detection.yaml", Package{}, []string{"id", "name", "severity", "detections"}},
		"tests":     {"gyoji tests of a package: tests.yaml", Suite{}, []string{"cases"}},
		"tuning":    {"gyoji ledger entry: tuning/*.yaml", Entry{}, []string{"id", "owner", "reason", "expires", "attacker_controls", "match"}},
	} {
		m := schemaOf(reflect.TypeOf(s.of))
		m["$schema"] = "https://json-schema.org/draft/2020-12/schema"
		m["title"] = s.title
		m["required"] = s.required
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(m); err != nil {
			panic("bug: " + err.Error()) // maps of texts always encode
		}
		out[name] = b.Bytes()
	}
	return out
}

// schemaOf describes what decoding into a type accepts.
func schemaOf(t reflect.Type) map[string]any {
	switch t {
	case reflect.TypeFor[Severity]():
		return map[string]any{"enum": severities}
	case reflect.TypeFor[yaml.Node]():
		return map[string]any{"type": []string{"object", "array"}, "description": "a Sigma selection"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Map:
		m := map[string]any{"type": "object", "additionalProperties": schemaOf(t.Elem())}
		if t.Key().Kind() == reflect.Int {
			m["propertyNames"] = map[string]any{"pattern": "^-?[0-9]+$"}
		}
		return m
	case reflect.Struct:
		properties := map[string]any{}
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			if !f.IsExported() || name == "-" || name == "" {
				continue
			}
			properties[name] = schemaOf(f.Type)
		}
		return map[string]any{"type": "object", "properties": properties, "additionalProperties": false}
	}
	panic("bug: no schema for " + t.String())
}
