package editor

import (
	"slices"
	"strings"
)

// Sample is what some of the user's events hold: names for completion, values to
// choose from, what to show of a field.
type Sample struct {
	Name   string // of the files
	Events int64
	fields map[string]*SampleField // by name in lower case
	names  []string
}

// SampleField is a field of the events.
type SampleField struct {
	Name   string
	Events int64    // that have it
	Values []string // the first that differ
}

// NewSample makes a sample of fields.
func NewSample(name string, events int64, fields []SampleField) *Sample {
	s := &Sample{Name: name, Events: events, fields: map[string]*SampleField{}}
	for i := range fields {
		f := &fields[i]
		if k := strings.ToLower(f.Name); s.fields[k] == nil {
			s.fields[k] = f
			s.names = append(s.names, f.Name)
		}
	}
	return s
}

// Field finds a field, letter case aside; nil when no event has it.
func (s *Sample) Field(name string) *SampleField {
	if s == nil {
		return nil
	}
	return s.fields[strings.ToLower(name)]
}

// Names are the fields' names, in the order in which they were given.
func (s *Sample) Names() []string {
	if s == nil {
		return nil
	}
	return slices.Clone(s.names)
}

// Example is a value of a field, "" where none is known.
func (s *Sample) Example(name string) string {
	if f := s.Field(name); f != nil {
		for _, v := range f.Values {
			if v != "" && v != "-" {
				return v
			}
		}
	}
	return ""
}
