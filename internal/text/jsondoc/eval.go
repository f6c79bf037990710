package jsondoc

import (
	"bytes"
	"errors"
	"strconv"
)

// Eval follows the path into a JSON text. A path that may lead to several
// values gives them as a JSON array, in original spelling, which is [] when the
// part of the path before its first choice leads somewhere and the rest does
// not. Of a key that occurs twice the last value counts; *, .. and length() see
// both. found is false when the path leads nowhere, the text is not JSON, or
// there are more than 65,536 values on the way.
func (p *Path) Eval(text []byte) (v Value, found bool) {
	i := blank(text, 0)
	v, end, err := whole(text, i, 0)
	if err != nil || blank(text, end) < len(text) {
		return Value{}, false
	}
	return p.from(newWalk(text), v)
}

// whole reads the value at i; containers as text.
func whole(src []byte, i, depth int) (v Value, end int, err error) {
	if i >= len(src) {
		return Value{}, i, fail(i, endOfText)
	}
	switch src[i] {
	case '{', '[':
		end, err = skipContainer(src, i, depth, false)
		return Value{Container, src[i:end:end]}, end, err
	case '"':
		if end = stringEnd(src, i+1); end < 0 {
			return Value{}, len(src), fail(len(src), endOfString)
		}
		return Value{String, src[i+1 : end : end]}, end + 1, nil
	}
	end, k, err := word(src, i)
	return Value{k, src[i:end:end]}, end, err
}

// walk is one evaluation: it bounds what a path may cost.
type walk struct {
	values int // that may yet be looked into
	bytes  int
}

func newWalk(text []byte) *walk { return &walk{pathValuesMax, pathBytesMax + findWork*len(text)} }

var errTooMuch = errors.New("the path leads to more values than it may")

// visit counts a value that is looked into.
func (w *walk) visit(v Value) error {
	w.values--
	w.bytes -= len(v.Raw)
	if w.values < 0 || w.bytes < 0 {
		return errTooMuch
	}
	return nil
}

// from follows the path from a value.
func (p *Path) from(w *walk, v Value) (Value, bool) {
	for _, s := range p.way {
		if v = s.to(v); v.Kind == Missing {
			return Value{}, false
		}
	}
	return p.rest(w, v)
}

// rest follows the path from where its way leads.
func (p *Path) rest(w *walk, v Value) (Value, bool) {
	if len(p.steps) == 0 {
		return v, true
	}
	if !p.definite && v.Kind != Container {
		return Value{}, false
	}
	vals := []Value{v}
	for i := range p.steps {
		var next []Value
		var err error
		for _, v := range vals {
			if next, err = p.steps[i].apply(w, v, next); err != nil {
				return Value{}, false
			}
		}
		vals = next
	}
	if p.definite {
		if len(vals) == 0 {
			return Value{}, false
		}
		return vals[0], true
	}
	size := 2
	for _, v := range vals {
		size += len(v.Raw) + 3
	}
	if size > pathBytesMax {
		return Value{}, false
	}
	out := append(make([]byte, 0, size), '[')
	for i, v := range vals {
		if i > 0 {
			out = append(out, ',')
		}
		if v.Kind == String {
			out = append(append(append(out, '"'), v.Raw...), '"')
		} else {
			out = append(out, v.Raw...)
		}
	}
	return Value{Container, append(out, ']')}, true
}

// members calls each for the members of an object, with their keys as they are
// spelled, or of an array, until it returns false.
func (v Value) members(each func(key []byte, v Value) bool) {
	if v.Kind != Container {
		return
	}
	src := v.Raw
	object := src[0] == '{'
	for i := 1; ; {
		i = blank(src, i)
		var key []byte
		if object {
			if src[i] != '"' {
				return
			}
			end := stringEnd(src, i+1)
			key = src[i+1 : end]
			i = blank(src, blank(src, end+1)+1)
		} else if src[i] == ']' {
			return
		}
		m, end, err := whole(src, i, 0)
		if err != nil { // the text has been read once: it cannot be
			return
		}
		if !each(key, m) {
			return
		}
		if i = blank(src, end); src[i] != ',' {
			return
		}
		i++
	}
}

// Members calls each for the members of an object, with their keys as they are spelled, or
// for the elements of an array, without keys, until it returns false. The text is one that
// has been read already. What is neither has none.
func (v Value) Members(each func(key []byte, v Value) bool) { v.members(each) }

// IsArray reports whether v is an array.
func (v Value) IsArray() bool { return v.Kind == Container && v.Raw[0] == '[' }

// Elements calls each for the values of an array, and for those of arrays in it. The
// text is one that has been read already.
func Elements(array []byte, each func(Value)) {
	Value{Container, array}.members(func(_ []byte, v Value) bool {
		if v.IsArray() {
			Elements(v.Raw, each)
		} else {
			each(v)
		}
		return true
	})
}

func (v Value) isObject() bool { return v.Kind == Container && v.Raw[0] == '{' }

// to takes the step from a value.
func (s way) to(v Value) (out Value) {
	if s.index >= 0 {
		if v.IsArray() {
			at := 0
			v.members(func(_ []byte, m Value) bool {
				if at == s.index {
					out = m
				}
				at++
				return out.Kind == Missing
			})
		}
		return out
	}
	if v.isObject() {
		v.members(func(key []byte, m Value) bool {
			if isKey(key, s.key) {
				out = m
			}
			return true
		})
	}
	return out
}

// isKey reports whether a key as it is spelled in JSON is a text.
func isKey(raw []byte, key string) bool {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw) == key
	}
	return len(raw) >= len(key) && string(Unescape(nil, raw)) == key
}

// apply appends what a step leads to from v.
func (st *step) apply(w *walk, v Value, out []Value) ([]Value, error) {
	if err := w.visit(v); err != nil {
		return nil, err
	}
	switch st.kind {
	case stepKeys:
		for _, k := range st.keys {
			if m := (way{k, -1}).to(v); m.Kind != Missing {
				out = append(out, m)
			}
		}
	case stepIndexes, stepSlice:
		if !v.IsArray() {
			return out, nil
		}
		var all []Value
		v.members(func(_ []byte, m Value) bool {
			all = append(all, m)
			return len(all) <= pathValuesMax
		})
		if len(all) > pathValuesMax {
			return nil, errTooMuch
		}
		if st.kind == stepIndexes {
			for _, i := range st.indexes {
				if i < 0 {
					i += len(all)
				}
				if i >= 0 && i < len(all) {
					out = append(out, all[i])
				}
			}
			return out, nil
		}
		from, to := 0, len(all)
		if st.from != nil {
			if from = *st.from; from < 0 {
				from = max(from+len(all), 0)
			}
		}
		if st.to != nil {
			if to = *st.to; to < 0 {
				to += len(all)
			}
		}
		for i := from; i >= 0 && i < min(to, len(all)); i += st.by {
			out = append(out, all[i])
		}
	case stepAll:
		v.members(func(_ []byte, m Value) bool {
			out = append(out, m)
			return len(out) <= pathValuesMax
		})
	case stepDeep:
		out = append(out, v)
		var err error
		v.members(func(_ []byte, m Value) bool {
			if m.Kind == Container {
				out, err = st.apply(w, m, out)
			}
			return err == nil
		})
		if err != nil {
			return nil, err
		}
	case stepTest:
		if v.isObject() { // [?()] on an object tests the object itself
			if st.test.holds(w, v) {
				out = append(out, v)
			}
			return out, nil
		}
		v.members(func(_ []byte, m Value) bool {
			if st.test.holds(w, m) {
				out = append(out, m)
			}
			return w.values >= 0
		})
	case stepLength:
		if v.Kind == Container {
			n := 0
			v.members(func([]byte, Value) bool { n++; return true })
			out = append(out, Value{Number, strconv.AppendInt(nil, int64(n), 10)})
		}
	}
	if len(out) > pathValuesMax {
		return nil, errTooMuch
	}
	return out, nil
}
