package expr

import (
	"unsafe"

	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/jsondoc"
)

// Each says of which parts of a value one is enough to make a comparison true.
// Sigma's tests set it; to the query language a value is one.
type Each uint8

const (
	// Values are those of an event.List. One without values is null.
	Values Each = 1 << iota
	// Trimmed is text without the blanks at its ends, beside the text as it is.
	Trimmed
)

// several reports whether a value has parts.
func (e Each) several(v event.Value) bool {
	return e != 0 && v.Kind() == event.String && (e&Values != 0 && v.IsList() || e&Trimmed != 0 && padded(v.Str()))
}

// padded reports whether text has blanks at its ends: of ASCII, or NUL.
func padded(s string) bool { return len(s) > 0 && (s[0] <= ' ' || s[len(s)-1] <= ' ') }

func trim(s string) string {
	for len(s) > 0 && s[0] <= ' ' {
		s = s[1:]
	}
	for len(s) > 0 && s[len(s)-1] <= ' ' {
		s = s[:len(s)-1]
	}
	return s
}

// some reports whether one part of a value holds.
func (f *Frame) some(v event.Value, e Each, holds func(event.Value) bool) bool {
	if e&Values == 0 || !v.IsList() {
		return holds(v) || holds(event.Text(trim(v.Str())))
	}
	parts := f.values(v.Str())
	for _, p := range parts {
		if holds(p) || e&Trimmed != 0 && p.Kind() == event.String && padded(p.Str()) && holds(event.Text(trim(p.Str()))) {
			return true
		}
	}
	return len(parts) == 0 && holds(event.Value{})
}

// values are those of a list, good until the next call. Many tests in turn look at one
// list: it is taken apart once.
func (f *Frame) values(list string) []event.Value {
	if string(f.list) == list {
		return f.parts
	}
	f.list, f.parts = append(f.list[:0], list...), f.parts[:0]
	jsondoc.Elements(f.list, func(v jsondoc.Value) {
		switch {
		case v.Kind == jsondoc.Null:
			f.parts = append(f.parts, event.Value{})
		case v.Plain():
			f.parts = append(f.parts, event.Text(unsafe.String(unsafe.SliceData(v.Raw), len(v.Raw))))
		default:
			f.parts = append(f.parts, event.Text(string(v.AppendText(nil))))
		}
	})
	return f.parts
}

// Some reports whether one part of a value holds, for what compares values by itself.
func Some(v event.Value, e Each, holds func(event.Value) bool) bool {
	if !e.several(v) {
		return holds(v)
	}
	var f Frame
	return f.some(v, e, holds)
}

// OneValue returns x with the tests of the fields that is names reading their value
// as one: what is known to come once in an event.
func OneValue(x Expr, is func(*Field) bool) Expr {
	each := func(of Expr, e Each) Each {
		if f, ok := of.(*Field); ok && is(f) {
			return e &^ Values
		}
		return e
	}
	switch x := x.(type) {
	case *And:
		return &And{OneValue(x.X, is), OneValue(x.Y, is)}
	case *Or:
		return &Or{OneValue(x.X, is), OneValue(x.Y, is)}
	case *Not:
		return &Not{OneValue(x.X, is)}
	case *Compare:
		return &Compare{x.Op, x.X, x.Y, each(x.X, x.Each)}
	case *Glob:
		return &Glob{x.X, x.Glob, each(x.X, x.Each)}
	case *Regexp:
		return &Regexp{x.X, x.Re, each(x.X, x.Each)}
	case *IsNull:
		return &IsNull{x.X, each(x.X, x.Each)}
	}
	return x
}
