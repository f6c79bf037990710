package diag

import (
	"encoding/json"
	"io"
)

type jsonRange struct {
	Line    int `json:"line"`
	Col     int `json:"col"`
	EndLine int `json:"endLine"`
	EndCol  int `json:"endCol"`
}

type jsonEdit struct {
	jsonRange
	New string `json:"new"`
}

type jsonFix struct {
	Title string     `json:"title"`
	Safe  bool       `json:"safe"`
	Edits []jsonEdit `json:"edits"`
}

type jsonLabel struct {
	jsonRange
	Text string `json:"text"`
}

type jsonDiagnostic struct {
	File     string `json:"file,omitempty"`
	Severity string `json:"severity"`
	Code     string `json:"code"`
	jsonRange
	Message string      `json:"message"`
	Mark    string      `json:"mark,omitempty"`
	Help    string      `json:"help,omitempty"`
	Labels  []jsonLabel `json:"labels,omitempty"`
	Fix     *jsonFix    `json:"fix,omitempty"`
}

// WriteJSON prints findings for programs, one JSON object a line: file,
// severity, code, line, col, endLine, endCol, message, mark, help, labels, fix.
// Lines and columns count from 1, columns in characters; the end is excluded.
func WriteJSON(w io.Writer, l List) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, d := range l {
		if err := enc.Encode(d); err != nil {
			return err
		}
	}
	return nil
}

// MarshalJSON is the form WriteJSON prints.
func (d *Diagnostic) MarshalJSON() ([]byte, error) {
	j := jsonDiagnostic{
		Severity: d.Severity.String(), Code: d.Code, Message: d.Message,
		Mark: d.Mark, Help: d.Help, jsonRange: d.File.between(d.Span),
	}
	if d.File != nil {
		j.File = d.File.Name
	}
	for _, l := range d.Labels {
		j.Labels = append(j.Labels, jsonLabel{d.File.between(l.Span), l.Text})
	}
	if d.Fix != nil {
		j.Fix = &jsonFix{Title: d.Fix.Title, Safe: d.Fix.Safe, Edits: []jsonEdit{}}
		for _, e := range d.Fix.Edits {
			j.Fix.Edits = append(j.Fix.Edits, jsonEdit{d.File.between(e.Span), e.New})
		}
	}
	return json.Marshal(j)
}

// between is a span in lines and columns; without a file the start of the text.
func (f *File) between(s Span) jsonRange {
	if f == nil {
		return jsonRange{1, 1, 1, 1}
	}
	a, b := f.Place(s.Start), f.Place(s.End)
	return jsonRange{a.Line, a.Col, b.Line, b.Col}
}
