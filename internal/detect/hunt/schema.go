package hunt

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/detect/detection"
)

// JSONSchema is the JSON Schema of a finding, made from the type.
func JSONSchema() []byte {
	m := schemaOf(reflect.TypeFor[Finding]())
	m["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	m["$id"] = Schema
	m["title"] = "gyoji finding: what hunt gives as NDJSON and JSON, of every kind of detection"
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		panic("bug: " + err.Error()) // maps of texts always encode
	}
	return append(text, '\n')
}

// schemaOf describes what encoding a type gives.
func schemaOf(t reflect.Type) map[string]any {
	switch t {
	case reflect.TypeFor[Moment]():
		return map[string]any{"type": []string{"string", "null"}, "pattern": `^-?[0-9]{4,}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$`}
	case reflect.TypeFor[Millis]():
		return map[string]any{"type": []string{"integer", "null"}}
	case reflect.TypeFor[detection.Severity]():
		return map[string]any{"enum": []string{"informational", "low", "medium", "high", "critical"}}
	case reflect.TypeFor[Kind]():
		return map[string]any{"enum": Kinds}
	case reflect.TypeFor[Fields]():
		return map[string]any{"type": "object", "additionalProperties": map[string]any{"type": []string{"string", "number", "boolean"}}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(t.Elem())
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Int, reflect.Int64:
		return map[string]any{"type": "integer"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(t.Elem())}
	case reflect.Struct:
		properties := map[string]any{}
		required := []string{}
		for _, f := range reflect.VisibleFields(t) {
			name, rest, _ := strings.Cut(f.Tag.Get("json"), ",")
			if !f.IsExported() || f.Anonymous || name == "" {
				continue
			}
			p := schemaOf(f.Type)
			if doc := f.Tag.Get("doc"); doc != "" {
				p["description"] = doc
			}
			properties[name] = p
			if rest != "omitempty" {
				required = append(required, name)
			}
		}
		return map[string]any{"type": "object", "properties": properties, "required": required, "additionalProperties": false}
	}
	panic("bug: no schema for " + t.String())
}
