package record

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/siem/ruledoc"
)

// ofMapping is a log mapping document as mappers, one for each of its inputs. They
// are nil with an error in the list if it cannot be used; attributes that records do
// not have are left out with a warning.
func ofMapping(d *ruledoc.Document) (ms []*Mapper, found diag.List) {
	x, found := d.Mapping()
	if x == nil {
		return nil, found
	}
	bad := func(at diag.Span, sev diag.Severity, code, format string, args ...any) {
		found.Add(&diag.Diagnostic{Severity: sev, Code: code, File: d.File, Span: at, Message: fmt.Sprintf(format, args...)})
	}
	recordType := ""
	for _, t := range Types {
		if strings.EqualFold(t, x.RecordType.Text) {
			recordType = t
		}
	}
	if recordType == "" {
		bad(x.RecordType.At, diag.Error, "unknown-record-type", "record_type is %q, and must be one of %s", x.RecordType.Text, strings.Join(Types, ", "))
		return nil, found
	}
	fields := map[string]*Source{}
	for _, f := range x.Fields {
		name := f.Name.Text
		a := Schema()[name]
		if a == nil || !a.Mappable {
			bad(f.Name.At, diag.Warning, "unknown-attribute", "records have no attribute %s that a mapping may fill; it is left out", name)
			continue
		}
		fields[name] = ofField(&f)
	}
	for _, in := range x.Inputs {
		if in.EventID.Text != fallback {
			if _, err := regexp.Compile(in.EventID.Text); err != nil && !strings.Contains(in.EventID.Text, "(?") {
				bad(in.EventID.At, diag.Error, "bad-pattern", "event_id_pattern is no regular expression: %v", err)
				return nil, found
			}
		}
		if !x.Enabled {
			continue
		}
		ms = append(ms, &Mapper{
			Name: x.Name, Vendor: in.Vendor, Product: in.Product, LogFormat: in.LogFormat, EventID: in.EventID.Text, RecordType: recordType,
			Skipped: x.Skipped, Relates: x.Relates, Fields: fields, User: true,
		})
	}
	return ms, found
}

// ofField is a field of a log mapping document.
func ofField(f *ruledoc.MappingField) *Source {
	s := &Source{Skipped: f.Skipped, Default: f.Default, TimeZone: f.TimeZone}
	keys := f.Alternatives
	if f.Value != "" {
		keys = append([]string{f.Value}, keys...)
	}
	switch f.Kind {
	case "constant":
		return &Source{Const: &f.Value}
	case "join":
		s.Join, s.With = f.Join, f.Delimiter
	case "format":
		s.Format, s.Params = f.Format, f.Parameters
		if s.Format == "" {
			s.Format = f.Value
		}
		for i := 0; strings.Contains(s.Format, "%s"); i++ { // the catalogue's way of writing {0}, {1}
			s.Format = strings.Replace(s.Format, "%s", fmt.Sprintf("{%d}", i), 1)
		}
	case "lookup":
		s.From, s.Lookup = keys, map[string]string{}
		for _, l := range f.Lookup {
			s.Lookup[l[0]] = l[1]
		}
	case "time":
		s.From, s.Kind, s.Format = keys, "time", f.Format
	case "split":
		s.From, s.Split = keys, &Split{Delimiter: f.Delimiter, Index: f.Index}
	default:
		s.From = keys
	}
	return s
}

// ofParser is a log parser document, nil with an error in the list if it cannot be used.
func ofParser(d *ruledoc.Document) (*Parser, diag.List) {
	x, found := d.Parser()
	if x == nil {
		return nil, found
	}
	p := &Parser{LogFormat: x.LogFormat, Vendor: x.Vendor, Product: x.Product, EventID: x.EventID}
	for _, w := range x.Recognise {
		p.When = append(p.When, w.Text)
	}
	if e := x.Extract; e != nil {
		p.Extract = &Extract{Field: e.Field, Columns: e.Columns}
		for _, y := range e.Patterns {
			re, err := regexp.Compile(y.Pattern.Text)
			if err != nil {
				found.Add(&diag.Diagnostic{Severity: diag.Error, Code: "bad-pattern", File: d.File, Span: y.Pattern.At, Message: fmt.Sprintf("the pattern cannot be used: %v", err)})
				return nil, found
			}
			p.Extract.Patterns = append(p.Extract.Patterns, Pattern{Event: y.Event, RE: re})
		}
	}
	return p, found
}

// Catalogue is what records are made by: mappers, and the parsers that say whose the
// events are.
type Catalogue struct {
	*Mappers
	Parsers []*Parser
	Off     int // log mappings that are switched off
}

// NewCatalogue is what is built in, with the log mappings and log parsers among
// documents; those of the user come first. Documents of other kinds are passed over.
// What is wrong with a document is in the list, and the document is not used.
func NewCatalogue(profile Profile, docs []*ruledoc.Document) (*Catalogue, diag.List) {
	var found diag.List
	var ms []*Mapper
	c := &Catalogue{}
	for _, d := range docs {
		switch d.What {
		case ruledoc.LogMapping:
			x, ds := ofMapping(d)
			ms, found = append(ms, x...), append(found, ds...)
			if m, _ := d.Mapping(); m != nil && !m.Enabled {
				c.Off++
			}
		case ruledoc.Parser:
			p, ds := ofParser(d)
			if found = append(found, ds...); p != nil {
				c.Parsers = append(c.Parsers, p)
			}
		}
	}
	var err error
	if c.Mappers, err = NewMappers(slices.Concat(ms, profile.mappers(), vendors().mappers)); err != nil {
		// Patterns with look-around are compiled here only; built in there are none that fail.
		found.Add(&diag.Diagnostic{Severity: diag.Error, Code: "bad-pattern", Message: err.Error()})
		c.Mappers, _ = NewMappers(slices.Concat(profile.mappers(), vendors().mappers))
	}
	c.Parsers = append(c.Parsers, vendors().parsers...)
	return c, found
}
