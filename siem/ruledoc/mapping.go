package ruledoc

import (
	"slices"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
)

// Mapping is a log mapping: what the attributes of a product's records are made of
// (3, 14.5).
type Mapping struct {
	Name       string
	RecordType Source
	Enabled    bool
	Relates    bool
	Skipped    []string
	Inputs     []MappingInput
	Fields     []MappingField
	Doc        *Document
}

// MappingInput says whose events a mapping is for.
type MappingInput struct {
	LogFormat, Vendor, Product string
	EventID                    Source // a regular expression of the whole event id, or _default_
}

// MappingField says what one attribute is made of (3.2).
type MappingField struct {
	Name         Source
	Kind         string // standard, constant, lookup, time, split, join, format
	Value        string // a key, the constant of a constant, the keys of a join
	Alternatives []string
	Skipped      []string
	Default      *string
	Lookup       [][2]string
	Format       string
	Parameters   []string
	TimeZone     string
	Delimiter    string
	Index        int
	Join         []string
}

var fieldKinds = []string{"standard", "constant", "lookup", "time", "split", "join", "format"}

// Mapping is the document as a log mapping, nil with an error in the list if it
// cannot be used.
func (d *Document) Mapping() (*Mapping, diag.List) {
	r := &reader{d: d}
	x := &Mapping{Name: r.text("name"), RecordType: r.source("record_type"), Enabled: r.yes("enabled", true), Relates: r.yes("relates_entities", false), Doc: d}
	x.Skipped = plain(r.texts(r.get("skipped_values"), "skipped_values"))
	if x.Name == "" {
		r.fail(d.Body.At, "no-name", "the log mapping has no name")
	}
	for _, v := range r.objects("structured_inputs", "structured_input") {
		s := r.in(v)
		in := MappingInput{LogFormat: s.text("log_format"), Vendor: s.text("vendor"), Product: s.text("product"), EventID: s.source("event_id_pattern")}
		if in.Vendor == "" || in.Product == "" || in.LogFormat == "" {
			r.fail(v.At, "bad-input", "structured_inputs need log_format, vendor and product")
		}
		if in.EventID.Text == "" {
			in.EventID.Text = "_default_"
		}
		x.Inputs = append(x.Inputs, in)
		r.found = append(r.found, s.found...)
	}
	if len(x.Inputs) == 0 {
		why := "the log mapping has no structured_inputs: it does not say whose events it is for"
		if r.get("unstructured_fields") != nil {
			why = "a log mapping of unstructured_fields needs the Grok patterns of the service; give it structured_inputs"
		}
		r.fail(d.Body.At, "no-input", "%s", why)
	}
	for _, v := range r.objects("fields", "field") {
		x.Fields = append(x.Fields, r.field(v))
	}
	if len(x.Fields) == 0 {
		r.fail(d.Body.At, "no-fields", "the log mapping fills no attribute")
	}
	if r.found.HasErrors() {
		return nil, r.found
	}
	return x, r.found
}

// in reads the keys of an object within the document.
func (r *reader) in(v *Value) *reader {
	return &reader{d: &Document{Body: *v, File: r.d.File}}
}

// objects are the objects of a list.
func (r *reader) objects(keys ...string) (out []*Value) {
	v := r.get(keys...)
	if v == nil {
		return nil
	}
	items := v.Items
	if v.Kind == Object {
		items = []Value{*v}
	}
	if v.Kind != List && v.Kind != Object {
		r.fail(v.At, "bad-value", "%s is %s, and must be a list of objects", keys[0], v.Kind)
	}
	for i := range items {
		if items[i].Kind != Object {
			r.fail(items[i].At, "bad-value", "%s has %s in it, and must have objects", keys[0], items[i].Kind)
			continue
		}
		out = append(out, &items[i])
	}
	return out
}

func (r *reader) field(v *Value) (x MappingField) {
	s := r.in(v)
	defer func() { r.found = append(r.found, s.found...) }()
	x = MappingField{
		Name: s.source("name"), Kind: strings.ToLower(s.text("value_type")), Alternatives: plain(s.texts(s.get("alternate_values"), "alternate_values")),
		Skipped: plain(s.texts(s.get("skipped_values"), "skipped_values")), Format: s.text("format"), Parameters: plain(s.texts(s.get("format_parameters"), "format_parameters")),
		TimeZone: s.text("time_zone"), Delimiter: s.text("split_delimiter"), Join: plain(s.texts(s.get("field_join"), "field_join")),
	}
	if j := s.get("join_delimiter"); j != nil {
		x.Delimiter = s.text("join_delimiter")
	}
	if w := s.get("value"); w != nil {
		if w.Kind == List || w.Kind == Object {
			s.fail(w.At, "bad-value", "value is %s, and must be text", w.Kind)
		}
		x.Value = w.Text // true and 1 are constants, too
	}
	if w := s.get("default_value"); w != nil {
		x.Default = &w.Text
	}
	if w := s.get("split_index"); w != nil {
		n, err := strconv.Atoi(w.Text)
		if err != nil {
			s.fail(w.At, "bad-value", "split_index must be a whole number")
		}
		x.Index = n
	}
	if w := s.get("lookup"); w != nil && w.Kind == Object {
		for _, m := range w.Members {
			x.Lookup = append(x.Lookup, [2]string{m.Key, m.Value.Text})
		}
	} else {
		for _, w := range s.objects("lookup") {
			e := s.in(w)
			x.Lookup = append(x.Lookup, [2]string{scalar(e.get("key")), scalar(e.get("value"))})
		}
	}
	if x.Name.Text == "" {
		s.fail(v.At, "no-name", "a field of the log mapping has no name: the attribute that it fills")
	}
	switch {
	case x.Kind == "" && x.Lookup != nil:
		x.Kind = "lookup"
	case x.Kind == "":
		x.Kind = "standard"
	case !slices.Contains(fieldKinds, x.Kind):
		s.fail(v.At, "bad-value-type", "value_type is %q, and must be one of %s", x.Kind, strings.Join(fieldKinds, ", "))
	}
	switch {
	case x.Kind == "join" && len(x.Join) == 0:
		s.fail(v.At, "bad-field", "%s is a join without field_join", x.Name.Text)
	case x.Kind == "format" && (x.Format+x.Value == "" || len(x.Parameters) == 0):
		s.fail(v.At, "bad-field", "%s is a format without text or without format_parameters", x.Name.Text)
	case x.Kind == "split" && x.Delimiter == "":
		s.fail(v.At, "bad-field", "%s is a split without split_delimiter", x.Name.Text)
	case x.Kind == "lookup" && len(x.Lookup) == 0:
		s.fail(v.At, "bad-field", "%s is a lookup without a table", x.Name.Text)
	case x.Kind != "join" && x.Kind != "format" && x.Kind != "constant" && x.Value == "" && len(x.Alternatives) == 0:
		s.fail(v.At, "bad-field", "%s has no value: the key that it is made of", x.Name.Text)
	}
	return x
}

func scalar(v *Value) string {
	if v == nil {
		return ""
	}
	return v.Text
}

// LogParser says which events are of a product, and what their event ids are: what
// the parser that is set for a source does in the service. A document of gyoji's own.
type LogParser struct {
	Name                       string
	LogFormat, Vendor, Product string
	Recognise                  []Source // NAME or NAME=VALUE; all of them hold
	EventID                    []string // templates with {NAME}; the first whose names are all there
	Extract                    *Extract // nil if the event has all fields
	Doc                        *Document
}

// Extract takes keys out of a field's text. An event of which nothing is taken is
// not of the product.
type Extract struct {
	Field    string
	Patterns []ExtractPattern // the first that is found counts
	Columns  []string         // of a line of comma-separated values; an empty name is passed over
}

// ExtractPattern is a regular expression with named groups, which are the keys.
type ExtractPattern struct {
	Event   string // the value of the key event
	Pattern Source
}

// Parser is the document as a log parser, nil with an error in the list if it cannot
// be used.
func (d *Document) Parser() (*LogParser, diag.List) {
	r := &reader{d: d}
	x := &LogParser{
		Name: r.text("name"), LogFormat: r.text("log_format"), Vendor: r.text("vendor"), Product: r.text("product"),
		Recognise: r.texts(r.get("recognise"), "recognise"), EventID: plain(r.texts(r.get("event_id"), "event_id")), Doc: d,
	}
	if x.LogFormat == "" || x.Vendor == "" || x.Product == "" {
		r.fail(d.Body.At, "bad-parser", "a log parser needs log_format, vendor and product")
	}
	if v := r.get("extract"); v != nil {
		s := r.in(v)
		x.Extract = &Extract{Field: s.text("field"), Columns: plain(s.texts(s.get("columns"), "columns"))}
		for _, w := range s.objects("patterns") {
			e := s.in(w)
			x.Extract.Patterns = append(x.Extract.Patterns, ExtractPattern{Event: e.text("event"), Pattern: e.source("pattern")})
			s.found = append(s.found, e.found...)
		}
		if x.Extract.Field == "" || (len(x.Extract.Patterns) > 0) == (len(x.Extract.Columns) > 0) {
			s.fail(v.At, "bad-extract", "extract needs a field, and patterns or columns")
		}
		r.found = append(r.found, s.found...)
	}
	if len(x.Recognise) == 0 && x.Extract == nil {
		r.fail(d.Body.At, "bad-parser", "a log parser needs recognise: the fields that only events of the product have")
	}
	if r.found.HasErrors() {
		return nil, r.found
	}
	return x, r.found
}
