package format

import (
	"bytes"

	"github.com/gyoji-dev/gyoji/internal/engine/input"
)

// Splunk's XML is what its search page and REST API export: results of fields, of
// which each has one value or more.
// Source: Splunk, Export data using the REST API, output_mode xml.
var _ = register(input.Format{
	Name:       "splunk-xml",
	Summary:    "Splunk's search results as XML (output_mode xml)",
	Extensions: []string{".xml"},
	Sniff: func(head []byte) int {
		fields := bytes.Contains(head, []byte("<field k=")) || bytes.Contains(head, []byte("<fieldOrder"))
		switch {
		case !fields:
		case beginsLine(head, "<results"):
			return input.Certain
		case bytes.Contains(head, []byte("<result offset=")): // a piece of a file
			return 96
		}
		return 0
	},
	Misfit: "does not start with <results> of Splunk's",
	Hollow: true,
	Cut:    cutElements(nextResult),
	New: func(w *input.Want) input.BlockReader {
		return &xmlDocument{newJSONL(w), nextResult, func(e *xmlTree) any { return map[string]any{"result": splunkResult(e)} }, "</result>"}
	},
})

// nextResult is where the next <result> stands.
func nextResult(data []byte, at int) (start, end int) {
	open := bytes.Index(data[min(at, len(data)):], []byte("<result "))
	if open < 0 {
		return -1, -1
	}
	start = at + open
	if n := bytes.Index(data[start:], []byte("</result>")); n >= 0 {
		return start, start + n + len("</result>")
	}
	return start, -1
}

func splunkResult(e *xmlTree) map[string]any {
	fields := map[string]any{}
	for _, f := range e.all("field") {
		var values []string
		for _, v := range f.all("value") {
			for _, t := range v.all("text") {
				values = append(values, t.text)
			}
		}
		for _, v := range f.all("v") { // of _raw, with what was searched for in <sg>
			values = append(values, v.text)
		}
		switch len(values) {
		case 0:
		case 1:
			fields[f.attrs["k"]] = values[0]
		default:
			fields[f.attrs["k"]] = values
		}
	}
	return fields
}
