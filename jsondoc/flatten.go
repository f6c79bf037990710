package jsondoc

import (
	"bytes"
	"strconv"
)

// FlattenOptions says how far an object is flattened.
type FlattenOptions struct {
	MaxDepth      int  // > 0: objects at that depth stay JSON text
	ExtractArrays bool // arrays of plain values become a[0], a[1], ...
}

// Flatten calls emit for every field of the object that text is, under the name
// json auto gives it: a.b for nested objects, a[0].c for arrays of objects.
// Arrays of plain values stay text. Blanks in keys become underscores. A name
// is good until emit returns.
func Flatten(text []byte, o FlattenOptions, emit func(name []byte, v Value)) error {
	f := &flattener{o: o, emit: emit}
	f.s.src = text
	f.s.blank()
	if f.s.i >= len(text) || text[f.s.i] != '{' {
		return f.s.fail("no object starts here")
	}
	if err := f.object(1); err != nil {
		return err
	}
	f.s.blank()
	if f.s.i < len(text) {
		return f.s.fail("text after the object")
	}
	return nil
}

type flattener struct {
	s    Scanner
	o    FlattenOptions
	emit func([]byte, Value)
	name []byte
}

func (f *flattener) object(depth int) error {
	s := &f.s
	if depth > depthMax {
		return s.fail("nested too deeply")
	}
	s.i++
	s.blank()
	if s.i < len(s.src) && s.src[s.i] == '}' {
		s.i++
		return nil
	}
	base := len(f.name)
	for {
		if s.i >= len(s.src) || s.src[s.i] != '"' {
			return s.fail("a key in quotes should stand here")
		}
		raw, _, err := s.skipString()
		if err != nil {
			return err
		}
		if base > 0 {
			f.name = append(f.name[:base], '.')
		}
		at := len(f.name)
		f.name = Unescape(f.name, raw)
		for i := at; i < len(f.name); i++ {
			if f.name[i] == ' ' {
				f.name[i] = '_'
			}
		}
		s.blank()
		if s.i >= len(s.src) || s.src[s.i] != ':' {
			return s.fail("a colon should stand here")
		}
		s.i++
		s.blank()
		if err := f.value(depth); err != nil {
			return err
		}
		f.name = f.name[:base]
		s.blank()
		if s.i >= len(s.src) {
			return s.fail("unexpected end")
		}
		switch s.src[s.i] {
		case ',':
			s.i++
			s.blank()
		case '}':
			s.i++
			return nil
		default:
			return s.fail("a comma or } should stand here")
		}
	}
}

func (f *flattener) value(depth int) error {
	s := &f.s
	if s.i >= len(s.src) {
		return s.fail("unexpected end")
	}
	start := s.i
	switch s.src[s.i] {
	case '"':
		raw, _, err := s.skipString()
		if err != nil {
			return err
		}
		f.emit(f.name, Value{String, raw})
		return nil
	case '{':
		if f.o.MaxDepth == 0 || depth < f.o.MaxDepth {
			return f.object(depth + 1)
		}
	case '[':
		if (f.o.MaxDepth == 0 || depth < f.o.MaxDepth) && (f.o.ExtractArrays || holdsObjects(s.src[s.i:])) {
			return f.array(depth + 1)
		}
	default:
		e := &entry{targets: []target{{0, 0}}}
		s.vals, s.ranks = append(s.vals[:0], Value{}), append(s.ranks[:0], unset)
		if err := s.value(e, 0, depth); err != nil {
			return err
		}
		f.emit(f.name, s.vals[0])
		return nil
	}
	if err := s.skipContainer(); err != nil {
		return err
	}
	f.emit(f.name, Value{Container, s.src[start:s.i]})
	return nil
}

func (f *flattener) array(depth int) error {
	s := &f.s
	if depth > depthMax {
		return s.fail("nested too deeply")
	}
	s.i++
	s.blank()
	if s.i < len(s.src) && s.src[s.i] == ']' {
		s.i++
		return nil
	}
	base := len(f.name)
	for n := 0; ; n++ {
		f.name = append(f.name[:base], '[')
		f.name = append(strconv.AppendInt(f.name, int64(n), 10), ']')
		if err := f.value(depth); err != nil {
			return err
		}
		f.name = f.name[:base]
		s.blank()
		if s.i >= len(s.src) {
			return s.fail("unexpected end")
		}
		switch s.src[s.i] {
		case ',':
			s.i++
			s.blank()
		case ']':
			s.i++
			return nil
		default:
			return s.fail("a comma or ] should stand here")
		}
	}
}

// holdsObjects reports whether the array that text starts with has an object
// among its elements.
func holdsObjects(text []byte) bool {
	s := Scanner{src: text, i: 1}
	for {
		s.blank()
		if s.i >= len(text) {
			return false
		}
		switch text[s.i] {
		case '{':
			return true
		case ']':
			return false
		case ',':
			s.i++
		default:
			if s.value(nil, 0, 1) != nil {
				return false
			}
		}
	}
}

// Find returns the last object or array inside a text that may have something
// before it, as log lines do; nil when there is none that is whole.
func Find(text []byte) []byte {
	end := bytes.TrimRight(text, " \t\r\n")
	// The last closing bracket belongs to the last object; its start is the
	// earliest bracket from which everything up to there is one whole value.
	stop := bytes.LastIndexAny(end, "}]")
	if stop < 0 {
		return nil
	}
	tried := 0
	for at := 0; at <= stop; at++ {
		if c := text[at]; c != '{' && c != '[' {
			continue
		}
		if tried++; tried > findMax {
			return nil
		}
		s := Scanner{src: text[at : stop+1]}
		if s.skipContainer() == nil && s.i == stop+1-at {
			return text[at : stop+1]
		}
	}
	return nil
}

// findMax is how many starts Find tries: text with more brackets than this
// before its object is no log line.
const findMax = 64
