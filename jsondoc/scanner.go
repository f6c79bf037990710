// Package jsondoc reads JSON text: the wanted fields of an object without
// decoding the rest, its fields flattened as Sumo's json auto has them, and
// values by path.
package jsondoc

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	// depthMax is how deep objects and arrays may be nested.
	depthMax = 200
	// predictMax is how many keys of an object are remembered in order.
	predictMax = 256
)

// Kind is the type of a Value.
type Kind uint8

const (
	Missing Kind = iota
	Null
	String
	Number
	Bool
	Container // an object or array, as text
)

// Value is one value of a scanned object: what stands between a string's
// quotes, or the original spelling of anything else. It points into the scanned
// text.
type Value struct {
	Kind Kind
	Raw  []byte
}

// AppendText appends the value's text: a string's without its escapes, anything
// else as it is spelled.
func (v Value) AppendText(dst []byte) []byte {
	if v.Kind == String {
		return Unescape(dst, v.Raw)
	}
	return append(dst, v.Raw...)
}

// Plain reports whether Raw is the text already.
func (v Value) Plain() bool {
	return v.Kind != String || bytes.IndexByte(v.Raw, '\\') < 0 && utf8.Valid(v.Raw)
}

// Want says which fields of an object are looked for.
type Want struct {
	// Names are flattened names: Image, EventData.Image, a[0].b. They are
	// matched exactly first, then ignoring ASCII letter case.
	Names []string
	// Roots are objects whose fields are also found by their plain name, when
	// no field of that name stands at the top. Earlier ones win.
	Roots []string
}

// SyntaxError is text that is not the JSON object it should be.
type SyntaxError struct {
	Offset int // bytes from the start of the text
	Reason string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("not JSON: %s (byte %d)", e.Reason, e.Offset)
}

// Scanner finds the wanted fields of JSON objects. It is one goroutine's.
//
// Strings that are not wanted are skipped without a look inside, so a mistake
// within one is not noticed; that the object is whole, and nothing follows it,
// is always checked. Of a key that occurs twice the last value counts.
type Scanner struct {
	top *level

	vals  []Value
	ranks []uint16

	src []byte
	i   int
}

// level is an object's place among the wanted names.
type level struct {
	exact map[string]*entry
	fold  map[string]*entry
	order []predicted // the keys of the last object here, in order
}

// entry is what a key leads to.
type entry struct {
	targets []target // values that this key gives
	child   *level   // when something is wanted inside
	array   *level   // keys "[0]", "[1]", ... when the value is an array
}

// target is a wanted name; the lowest rank wins.
type target struct {
	idx  int
	rank uint16
}

// predicted is a key as it was met last time at this place.
type predicted struct {
	key   string
	entry *entry
	rank  uint16 // added for keys found by folding
}

// unset is the rank of a value that has not been found.
const unset = 1 << 15

// asContainer is added to the rank of an object or array taken whole, so that
// the text inside an element with attributes ("#text") wins over the element.
const asContainer = 1 << 12

// NewScanner makes a scanner.
func NewScanner(w Want) *Scanner {
	s := &Scanner{top: newLevel(), vals: make([]Value, len(w.Names)), ranks: make([]uint16, len(w.Names))}
	for i, n := range w.Names {
		s.top.want(n, target{i, 0})
		s.top.want(n+".#text", target{i, 0})
	}
	for r, root := range w.Roots {
		for i, n := range w.Names {
			s.top.want(root+"."+n, target{i, uint16(2 + 2*r)})
			s.top.want(root+"."+n+".#text", target{i, uint16(2 + 2*r)})
		}
	}
	return s
}

func newLevel() *level {
	return &level{exact: map[string]*entry{}, fold: map[string]*entry{}}
}

// want makes a name lead to a value, both as one key with dots in it and as a
// path into nested objects and arrays.
func (l *level) want(name string, t target) {
	e := l.entry(name)
	e.targets = append(e.targets, t)
	for i := 1; i < len(name); i++ {
		switch name[i] {
		case '.':
			e := l.entry(name[:i])
			if e.child == nil {
				e.child = newLevel()
			}
			e.child.want(name[i+1:], t)
		case '[':
			e := l.entry(name[:i])
			if e.array == nil {
				e.array = newLevel()
			}
			e.array.want(name[i:], t)
		}
	}
}

func (l *level) entry(key string) *entry {
	if e := l.exact[key]; e != nil {
		return e
	}
	e := &entry{}
	l.exact[key] = e
	if k := strings.ToLower(key); l.fold[k] == nil {
		l.fold[k] = e
	}
	return e
}

// Scan reads one object. Values are by index as Want.Names has them.
func (s *Scanner) Scan(text []byte) ([]Value, error) {
	for i := range s.vals {
		s.vals[i] = Value{}
		s.ranks[i] = unset
	}
	s.src, s.i = text, 0
	s.blank()
	if s.i >= len(s.src) || s.src[s.i] != '{' {
		return s.vals, s.fail("no object starts here")
	}
	if err := s.object(s.top, 1); err != nil {
		return s.vals, err
	}
	s.blank()
	if s.i < len(s.src) {
		return s.vals, s.fail("text after the object")
	}
	return s.vals, nil
}

func (s *Scanner) fail(reason string) error { return &SyntaxError{s.i, reason} }

func (s *Scanner) blank() {
	for s.i < len(s.src) {
		switch s.src[s.i] {
		case ' ', '\t', '\n', '\r':
			s.i++
		default:
			return
		}
	}
}

// object reads the object that starts at i.
func (s *Scanner) object(l *level, depth int) error {
	if depth > depthMax {
		return s.fail("nested too deeply")
	}
	s.i++ // {
	s.blank()
	if s.i < len(s.src) && s.src[s.i] == '}' {
		s.i++
		return nil
	}
	for n := 0; ; n++ {
		// the key
		if s.i >= len(s.src) {
			return s.fail("unexpected end")
		}
		if s.src[s.i] != '"' {
			return s.fail("a key in quotes should stand here")
		}
		start := s.i + 1
		var e *entry
		var rank uint16
		if n < len(l.order) {
			p := &l.order[n]
			if end := start + len(p.key); end < len(s.src) && s.src[end] == '"' && string(s.src[start:end]) == p.key {
				e, rank = p.entry, p.rank
				s.i = end + 1
				goto colon
			}
		}
		{
			raw, escaped, err := s.skipString()
			if err != nil {
				return err
			}
			key := raw
			if escaped = escaped || bytes.IndexByte(raw, '\\') >= 0; escaped {
				key = Unescape(nil, raw)
			}
			e, rank = s.find(l, key)
			if !escaped && n < predictMax {
				for len(l.order) <= n {
					l.order = append(l.order, predicted{key: "\x00"})
				}
				l.order[n] = predicted{string(key), e, rank}
			}
		}
	colon:
		if s.i < len(s.src) && s.src[s.i] == ':' {
			s.i++
		} else {
			s.blank()
			if s.i >= len(s.src) || s.src[s.i] != ':' {
				return s.fail("a colon should stand here")
			}
			s.i++
		}
		if s.i < len(s.src) && s.src[s.i] <= ' ' {
			s.blank()
		}
		if err := s.value(e, rank, depth); err != nil {
			return err
		}
		if s.i < len(s.src) && s.src[s.i] <= ' ' {
			s.blank()
		}
		if s.i >= len(s.src) {
			return s.fail("unexpected end")
		}
		switch s.src[s.i] {
		case ',':
			s.i++
			if s.i < len(s.src) && s.src[s.i] <= ' ' {
				s.blank()
			}
		case '}':
			s.i++
			return nil
		default:
			return s.fail("a comma or } should stand here")
		}
	}
}

// find looks a key up, exactly and then ignoring letter case.
func (s *Scanner) find(l *level, key []byte) (*entry, uint16) {
	if e := l.exact[string(key)]; e != nil {
		return e, 0
	}
	if e := l.fold[string(bytes.ToLower(key))]; e != nil {
		return e, 1
	}
	return nil, 0
}

// value reads the value at i for an entry, which is nil when nobody wants it.
func (s *Scanner) value(e *entry, rank uint16, depth int) error {
	if s.i >= len(s.src) {
		return s.fail("unexpected end")
	}
	switch c := s.src[s.i]; c {
	case '"':
		raw, _, err := s.skipString()
		if err != nil || e == nil {
			return err
		}
		s.give(e, rank, Value{String, raw})
	case '{', '[':
		if e == nil {
			return s.skipContainer()
		}
		return s.container(e, rank, depth)
	default:
		start := s.i
		for s.i < len(s.src) {
			if c := s.src[s.i]; c == ',' || c == '}' || c == ']' || c <= ' ' {
				break
			}
			s.i++
		}
		word := s.src[start:s.i]
		kind, ok := scalar(word)
		if !ok {
			s.i = start
			return s.fail("a value should stand here")
		}
		if e != nil {
			s.give(e, rank, Value{kind, word})
		}
	}
	return nil
}

// scalar classifies a word that is no string.
func scalar(w []byte) (Kind, bool) {
	switch {
	case len(w) == 0:
		return 0, false
	case w[0] == '-' || w[0]-'0' < 10:
		return Number, validNumber(w)
	}
	switch string(w) {
	case "null":
		return Null, true
	case "true", "false":
		return Bool, true
	}
	return 0, false
}

func validNumber(w []byte) bool {
	i := 0
	digits := func() bool {
		from := i
		for i < len(w) && w[i]-'0' < 10 {
			i++
		}
		return i > from
	}
	if w[0] == '-' {
		i++
	}
	if i < len(w) && w[i] == '0' {
		i++
	} else if !digits() {
		return false
	}
	if i < len(w) && w[i] == '.' {
		i++
		if !digits() {
			return false
		}
	}
	if i < len(w) && (w[i] == 'e' || w[i] == 'E') {
		if i++; i < len(w) && (w[i] == '+' || w[i] == '-') {
			i++
		}
		if !digits() {
			return false
		}
	}
	return i == len(w)
}

// give hands a value to the names that the entry stands for.
func (s *Scanner) give(e *entry, rank uint16, v Value) {
	for _, t := range e.targets {
		if r := t.rank + rank; r <= s.ranks[t.idx] {
			s.vals[t.idx], s.ranks[t.idx] = v, r
		}
	}
}

// container reads an object or array that somebody may want inside of, or whole.
func (s *Scanner) container(e *entry, rank uint16, depth int) error {
	start := s.i
	var err error
	switch {
	case s.src[s.i] == '{' && e.child != nil:
		err = s.object(e.child, depth+1)
	case s.src[s.i] == '[' && e.array != nil:
		err = s.array(e.array, depth+1)
	default:
		err = s.skipContainer()
	}
	if err != nil {
		return err
	}
	if len(e.targets) > 0 {
		s.give(e, rank+asContainer, Value{Container, s.src[start:s.i:s.i]})
	}
	return nil
}

// array reads the array at i, whose elements have keys "[0]", "[1]", ...
func (s *Scanner) array(l *level, depth int) error {
	if depth > depthMax {
		return s.fail("nested too deeply")
	}
	s.i++ // [
	s.blank()
	if s.i < len(s.src) && s.src[s.i] == ']' {
		s.i++
		return nil
	}
	var key [24]byte
	for n := 0; ; n++ {
		k := append(strconv.AppendInt(append(key[:0], '['), int64(n), 10), ']')
		e, rank := s.find(l, k)
		if err := s.value(e, rank, depth); err != nil {
			return err
		}
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

// skipString passes the string at i and returns what is between its quotes.
// escaped says that it holds an escaped quote, or ends in a backslash; other
// escapes are not looked for.
func (s *Scanner) skipString() (raw []byte, escaped bool, err error) {
	start := s.i + 1
	for at := start; ; {
		j := bytes.IndexByte(s.src[at:], '"')
		if j < 0 {
			s.i = len(s.src)
			return nil, false, s.fail("unexpected end of string")
		}
		end := at + j
		if end == start || s.src[end-1] != '\\' {
			s.i = end + 1
			return s.src[start:end:end], escaped, nil
		}
		k := end - 1
		for k >= start && s.src[k] == '\\' {
			k--
		}
		if (end-1-k)%2 == 0 {
			s.i = end + 1
			return s.src[start:end:end], true, nil
		}
		escaped, at = true, end+1
	}
}

// skipContainer passes the object or array at i, looking only at brackets and
// strings.
func (s *Scanner) skipContainer() error {
	depth := 0
	for s.i < len(s.src) {
		switch s.src[s.i] {
		case '"':
			if _, _, err := s.skipString(); err != nil {
				return err
			}
			continue
		case '{', '[':
			if depth++; depth > depthMax {
				return s.fail("nested too deeply")
			}
		case '}', ']':
			if depth--; depth == 0 {
				s.i++
				return nil
			}
		}
		s.i++
	}
	return s.fail("unexpected end")
}
