package format

import (
	"bytes"
	"encoding/json"
	"strings"
)

// The answers below wrap records that are no objects of events themselves. They are
// read here, and each becomes one.

// otlpRecords are the log records of OTLP's resourceLogs as plain objects: values
// without their types, attributes by name, and those of the resource under
// "resource". It is nil where the text is something else.
// Source: opentelemetry-proto, logs/v1/logs.proto and common/v1/common.proto, in
// the JSON encoding of the OTLP specification.
func otlpRecords(raw, _ []byte) (out [][]byte) {
	type attributes []struct {
		Key   string
		Value json.RawMessage
	}
	type scope struct{ LogRecords []map[string]json.RawMessage }
	var batches []struct {
		Resource                              struct{ Attributes attributes }
		ScopeLogs, InstrumentationLibraryLogs []scope
	}
	if json.Unmarshal(raw, &batches) != nil {
		return nil
	}
	plain := func(list attributes) map[string]any {
		m := map[string]any{}
		for _, a := range list {
			m[a.Key] = otlpValue(a.Value, 0)
		}
		return m
	}
	for _, b := range batches {
		resource := plain(b.Resource.Attributes)
		for _, s := range append(b.ScopeLogs, b.InstrumentationLibraryLogs...) {
			for _, record := range s.LogRecords {
				event := map[string]any{}
				for k, v := range record {
					event[k] = v
				}
				if len(resource) > 0 {
					event["resource"] = resource
				}
				if v, ok := record["body"]; ok {
					event["body"] = otlpValue(v, 0)
				}
				var list attributes
				if v, ok := record["attributes"]; ok && json.Unmarshal(v, &list) == nil {
					event["attributes"] = plain(list)
				}
				if text, ok := encoded(event); ok {
					out = append(out, text)
				}
			}
		}
	}
	return out
}

// otlpDepthMax is how deep the values of a record are read; what is deeper is null.
const otlpDepthMax = 64

// otlpValue is an AnyValue without its type.
func otlpValue(raw json.RawMessage, depth int) any {
	var v struct {
		StringValue, DoubleValue, BoolValue, BytesValue json.RawMessage
		IntValue                                        json.RawMessage
		ArrayValue                                      *struct{ Values []json.RawMessage }
		KvlistValue                                     *struct {
			Values []struct {
				Key   string
				Value json.RawMessage
			}
		}
	}
	if depth > otlpDepthMax || json.Unmarshal(raw, &v) != nil {
		return nil
	}
	switch {
	case v.ArrayValue != nil:
		list := []any{}
		for _, x := range v.ArrayValue.Values {
			list = append(list, otlpValue(x, depth+1))
		}
		return list
	case v.KvlistValue != nil:
		m := map[string]any{}
		for _, x := range v.KvlistValue.Values {
			m[x.Key] = otlpValue(x.Value, depth+1)
		}
		return m
	case v.IntValue != nil: // a number of 64 bits is text in protobuf's JSON
		if n := bytes.Trim(v.IntValue, `"`); json.Valid(n) {
			return json.RawMessage(n)
		}
		return v.IntValue
	}
	for _, x := range []json.RawMessage{v.StringValue, v.DoubleValue, v.BoolValue, v.BytesValue} {
		if x != nil {
			return x
		}
	}
	return nil
}

// tableRows are the rows of the tables that Azure Monitor's query API answers with,
// as objects by column. It is nil where the text is something else.
// Source: Microsoft, Azure Monitor Log Analytics API, response format; Kusto's REST
// API, which says ColumnName.
func tableRows(raw, _ []byte) (out [][]byte) {
	var tables []struct {
		Columns []struct{ Name, ColumnName string }
		Rows    []json.RawMessage
	}
	if json.Unmarshal(raw, &tables) != nil {
		return nil
	}
	for _, t := range tables {
		for _, r := range t.Rows {
			var values []json.RawMessage
			if json.Unmarshal(r, &values) != nil {
				return nil
			}
			row := []byte{'{'}
			for i, v := range values {
				if i >= len(t.Columns) {
					break
				}
				if i > 0 {
					row = append(row, ',')
				}
				name, _ := encoded(strings.TrimSuffix(t.Columns[i].Name+t.Columns[i].ColumnName, " [UTC]"))
				text, _ := encoded(v)
				row = append(append(append(row, name...), ':'), text...)
			}
			out = append(out, append(row, '}'))
		}
	}
	return out
}

// lokiLines are the lines of Loki's streams, each with its time and its stream's
// labels. It is nil where the text is something else.
// Source: Grafana Loki HTTP API, query_range and push.
func lokiLines(raw, _ []byte) (out [][]byte) {
	var streams []struct {
		Stream json.RawMessage
		Values [][]json.RawMessage
	}
	if json.Unmarshal(raw, &streams) != nil {
		return nil
	}
	for _, s := range streams {
		for _, v := range s.Values {
			if len(v) < 2 {
				return nil
			}
			record := map[string]any{"timestamp": v[0], "line": v[1]}
			if len(s.Stream) > 0 {
				record["labels"] = s.Stream
			}
			if text, ok := encoded(record); ok {
				out = append(out, text)
			}
		}
	}
	return out
}

// insightRows are the rows of CloudWatch Logs Insights' answers, lists of fields
// and values, as objects. It is nil where the text is something else.
// Source: Amazon CloudWatch Logs API, GetQueryResults.
func insightRows(raw, _ []byte) (out [][]byte) {
	var rows [][]struct{ Field, Value *string }
	if json.Unmarshal(raw, &rows) != nil {
		return nil
	}
	for _, row := range rows {
		record := map[string]string{}
		for _, c := range row {
			if c.Field == nil || c.Value == nil {
				return nil
			}
			record[*c.Field] = *c.Value
		}
		if text, ok := encoded(record); ok {
			out = append(out, text)
		}
	}
	return out
}

// splunkRows are the rows of Splunk's output_mode json_rows as objects by field. It
// is nil where the text is something else.
// Source: Splunk, REST API reference, search/jobs/{search_id}/results.
func splunkRows(raw, object []byte) (out [][]byte) {
	var rows [][]json.RawMessage
	var of struct{ Fields []any }
	if json.Unmarshal(raw, &rows) != nil || json.Unmarshal(object, &of) != nil {
		return nil
	}
	for _, row := range rows {
		record := map[string]any{}
		for i, v := range row {
			if i >= len(of.Fields) {
				break
			}
			name, ok := of.Fields[i].(string)
			if m, isMap := of.Fields[i].(map[string]any); isMap { // {"name": "_raw"}
				name, ok = m["name"].(string)
			}
			if !ok {
				return nil
			}
			record[name] = v
		}
		if text, ok := encoded(record); ok {
			out = append(out, text)
		}
	}
	return out
}

// encoded is a value as JSON on one line; ok is false for what has none.
func encoded(v any) (text []byte, ok bool) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return nil, false
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), true
}
