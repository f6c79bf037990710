package tenant

import (
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// template is a text with values in it: {{attribute}}, {{fields['a.b']}} (5.4).
type template []piece

// piece is plain text, a value of the record, or that of an aggregation function.
type piece struct {
	text     string
	value    int // of Rule.texts, from 1; 0 is none
	function int // of Rule.Functions, from 1; 0 is none
}

// template reads a template. One with a name that nothing has is still used: the name
// is shown as null, and there is a warning.
func (t *Tenant) template(r *Rule, s ruledoc.Source, found *diag.List) (out template) {
	rest := s.Text
	for {
		before, after, ok := strings.Cut(rest, "{{")
		name, behind, closed := strings.Cut(after, "}}")
		if !ok || !closed {
			if ok {
				found.Add(warning(r, s, "broken-template", "{{ without }}: it is shown as it is"))
			}
			return append(out, piece{text: rest})
		}
		out = append(out, piece{text: before}, t.named(r, s, strings.TrimSpace(name), found))
		rest = behind
	}
}

func warning(r *Rule, s ruledoc.Source, code, format string, args ...any) *diag.Diagnostic {
	return &diag.Diagnostic{Severity: diag.Warning, Code: code, File: r.Doc.File, Span: s.At, Message: fmt.Sprintf(format, args...)}
}

func (t *Tenant) named(r *Rule, s ruledoc.Source, name string, found *diag.List) piece {
	for i, f := range r.Functions {
		if f.Name == name {
			return piece{function: i + 1}
		}
	}
	x, ds := t.lower(r.Doc, ruledoc.Source{Text: name, At: s.At})
	if x == nil {
		why := "it is no attribute"
		if len(ds) > 0 {
			why = ds[0].Message
		}
		found.Add(warning(r, s, "unknown-in-template", "{{%s}} is shown as null: %s", name, why))
		return piece{text: "null"}
	}
	*found = append(*found, ds...)
	r.texts = append(r.texts, expr.Compile(x))
	r.shape = crc32.Update(r.shape, crc32.IEEETable, []byte(name+"\x00")) | 1
	return piece{value: len(r.texts)}
}

// fill is the text with its values; null where they are of templates that the rule had before.
func (t template) fill(values []string, aggregates []event.Value) string {
	if len(t) == 1 {
		return t[0].text
	}
	var b strings.Builder
	for _, p := range t {
		switch {
		case p.value > 0 && p.value <= len(values):
			b.WriteString(values[p.value-1])
		case p.value > 0:
			b.WriteString("null")
		case p.function > 0 && p.function <= len(aggregates):
			b.WriteString(shown(aggregates[p.function-1]))
		case p.function > 0:
			b.WriteString("null")
		default:
			b.WriteString(p.text)
		}
	}
	return b.String()
}

// shown is a value in a template: null as null, the elements of a list joined.
func shown(v event.Value) string {
	if v.IsNull() {
		return "null"
	}
	if !v.IsList() {
		return v.String()
	}
	var all []string
	jsondoc.Elements([]byte(v.Str()), func(e jsondoc.Value) { all = append(all, string(e.AppendText(nil))) })
	return strings.Join(all, ", ")
}
