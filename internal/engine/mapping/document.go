package mapping

import (
	"bytes"
	"slices"

	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// Document reads the values that a Lookup asks for from events that are JSON
// objects, wherever a shape has put them. It is one goroutine's.
type Document struct {
	scanner   *jsondoc.Scanner
	envelopes []int // of the Lookup's names: objects that may hold the whole event
	outer     []jsondoc.Value
}

// Document makes a reader of what is asked for so far. Unless mapped, fields are
// found by their own names alone. roots are objects besides the shapes' whose
// fields are found by their plain names.
func (l *Lookup) Document(mapped bool, roots ...string) *Document {
	d := &Document{}
	if mapped {
		for _, e := range Envelopes() {
			d.envelopes = append(d.envelopes, l.Path(e))
		}
		roots = append(slices.Clip(Roots), roots...)
	}
	d.scanner = jsondoc.NewScanner(jsondoc.Want{Names: l.Names, Whole: l.Whole, Roots: roots})
	return d
}

// eventXML is how the XML of an event begins.
var eventXML = []byte("<Event")

// Read returns the values of an event by the Lookup's names, good until the next
// call, and the event's XML where it stands in a string of the object: what is
// in it is the caller's to read.
func (d *Document) Read(text []byte) (vals []jsondoc.Value, xml jsondoc.Value, err error) {
	if vals, err = d.scanner.Scan(text); err != nil {
		return nil, xml, err
	}
	for _, i := range d.envelopes {
		switch v := vals[i]; {
		case v.Kind == jsondoc.Container && v.Raw[0] == '{':
			vals = d.open(vals, v.Raw)
		case v.Kind == jsondoc.String && bytes.HasPrefix(v.Raw, eventXML):
			return vals, v, nil
		}
	}
	return vals, xml, nil
}

// open adds the values of an object that wraps the event to those around it,
// which win.
func (d *Document) open(outer []jsondoc.Value, inner []byte) []jsondoc.Value {
	d.outer = append(d.outer[:0], outer...)
	vals, _ := d.scanner.Scan(inner) // it has been read once: there is no mistake in it
	for i, v := range d.outer {
		if v.Kind > jsondoc.Null {
			d.scanner.Set(i, v)
		}
	}
	return vals
}

// Given are the indexes of the values that the event read last has.
func (d *Document) Given() []int { return d.scanner.Found() }

// Set gives the event read last a value.
func (d *Document) Set(i int, v jsondoc.Value) { d.scanner.Set(i, v) }
