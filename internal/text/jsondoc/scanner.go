// Package jsondoc reads JSON text: the wanted fields of an object without
// decoding the rest, its fields flattened as Sumo's json auto has them, and
// values by path.
//
// Scan, Flatten, Find and Path check the grammar of the whole text, whatever is
// wanted of it, but do not look inside strings: a raw tab, or an escape that
// JSON does not have, does not make an event unreadable. Valid is strict.
package jsondoc

import (
	"bytes"
	"math/bits"
	"slices"
	"strconv"
	"unicode/utf8"
	"unsafe"
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

// Value is one value of a JSON text: what stands between a string's quotes, or
// the original spelling of anything else. It points into the text.
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
	// Names are flattened names: Image, EventData.Image, a[0].b. A key with dots
	// in it is found as well as nested objects. Names are matched exactly first,
	// then ignoring ASCII letter case and taking blanks in keys as underscores, or
	// else as nothing: Threat Name is Threat_Name and ThreatName.
	// A name also finds the text of an element with attributes: EventID finds
	// {"EventID":{"#text":4688}}.
	Names []string
	// Roots are objects whose fields are also found by their plain name, when
	// no field of that name stands at the top. Earlier ones win.
	Roots []string
	// Whole says by index of Names that Roots do not count for the name: it is
	// a path from the top. What is beyond its end is not whole.
	Whole []bool
	// Exact says by index of Names that the name is one key at the top, spelled so,
	// and nothing else: what Path finds with that key alone. What is beyond its end
	// is not exact.
	Exact []bool
	// Strict has every text checked as Valid does before it is read, at a third
	// of the speed.
	Strict bool
}

// Scanner finds the wanted fields of JSON objects. It is one goroutine's.
//
// Of a key that occurs twice in an object the last value counts; the fields of
// an object that occurs twice are read from both.
type Scanner struct {
	top    *level
	strict bool

	levels levels
	want   Want
	names  []int32 // by hash of a first part: the first name that no key has called for yet, or none
	next   []int32 // by name: the next of the same hash, or none
	unmet  []root  // roots whose names no key has called for yet

	vals   []Value
	ranks  []uint16
	found  []int // its first there are the indexes of vals that were set: most names are in no event
	there  int
	nodes  int // remembered
	places int // remembered
	seq    uint64

	src []byte
	i   int

	quotes quoteMarks // of src, where hasMarks

	fold []byte // scratch
}

// A level is a place among the wanted names: an object whose keys may lead to
// some, or an array whose elements, under the keys [0], [1], ..., may. The keys
// met there are remembered, and which came after which: lines of a log are
// alike, so that one comparison mostly passes comma, key and colon at once.
type level struct {
	words map[string]*wanted // by folded key
	nodes map[string]*node   // by key as it is spelled in the text
	start place              // its edges are an object's first keys
	exact bool               // letter case of keys counts: words are not folded
}

// wanted is what a key leads to.
type wanted struct {
	targets []spelled
	keys    []string // spellings that the wanted names have, one or two mostly
	child   *level   // when something is wanted inside an object
	array   *level   // or an array
	seen    uint64   // the scan that met the key last; kept at exact levels only
}

// spelled is a target and how the wanted name spells its last key.
type spelled struct {
	target
	key   string
	exact bool // no other spelling will do
}

// target is a value to be found; the lowest rank wins, odd ranks being those of
// inexact matches.
type target struct {
	idx  int
	rank uint16
}

// node is a key as it was met.
type node struct {
	targets []target
	child   *level
	array   *level
	inexact uint16 // 1 when the wanted names spell the key otherwise
	word    *wanted
	repeats bool   // what is inside the value of an earlier occurrence is forgotten: see again
	lead    []byte // what stood before it last, its own key included
	again   place  // the key, whatever came before it
}

// place is a key after all the keys that came before it in an object, or, once
// there are too many such rows of keys, whatever came before it. Knowing the
// row one mostly knows the next key: a machine that has to guess at every key
// takes half as long again.
type place struct {
	node  *node
	loose bool // it is the node's again
	next  []edge
}

// edgesMax is how many successors of a place are remembered; of a loose one
// the latest, first.
const edgesMax = 8

// edge leads to the key that came next: lead is all text between two values,
// such as `, "Image": `.
type edge struct {
	lead string
	to   *place
	// head is the beginning of lead, as far as mask has bits: most edges that
	// do not fit are told by it. next and tail are the eight bytes after it and
	// the last eight, where lead has as many.
	head, mask, next, tail uint64
}

func newEdge(lead []byte, to *place) edge {
	e := edge{lead: string(lead), to: to}
	var b, mask [8]byte
	for i := range copy(b[:], lead) {
		mask[i] = 0xff
	}
	e.head, e.mask = eight(&b[0], 0), eight(&mask[0], 0)
	if len(lead) > 8 {
		e.tail = eight(&lead[0], len(lead)-8)
	}
	if len(lead) > 16 {
		e.next = eight(&lead[0], 8)
	}
	return e
}

// eight are the eight bytes at i of a text that has them.
func eight(text *byte, i int) uint64 { return *(*uint64)(unsafe.Add(unsafe.Pointer(text), i)) }

// same reports whether a text is the start of another.
func same(text []byte, long string) bool {
	for i := range text {
		if text[i] != long[i] {
			return false
		}
	}
	return true
}

const (
	// unset is the rank of a value that has not been found since the last reset.
	unset = 1<<16 - 1
	// gone is that of one that was, and does not count any more.
	gone = unset - 1
)

// NewScanner makes a scanner.
func NewScanner(w Want) *Scanner {
	s := &Scanner{strict: w.Strict, levels: levels{}, want: w}
	s.size(len(w.Names))
	s.top = s.levels.at("", false)
	s.names, s.next = make([]int32, 1<<bits.Len(uint(len(w.Names)))), make([]int32, len(w.Names))
	for i := range s.names {
		s.names[i] = none
	}
	for i, n := range slices.Backward(w.Names) {
		first := s.namesOf(firstPart(n))
		s.next[i], *first = *first, int32(i)
	}
	for r, name := range w.Roots {
		s.unmet = append(s.unmet, root{name, firstPart(name), uint16(min(2+2*r, gone-2))})
	}
	return s
}

func (s *Scanner) isExact(i int) bool { return i < len(s.want.Exact) && s.want.Exact[i] }

// A root is an object whose fields are found by their plain name.
type root struct {
	name  string
	first uint32 // hash of its first part
	rank  uint16
}

// none is no name.
const none = -1

// firstPart is a hash of a name, or of a key, as far as its first dot or bracket. A key
// has that of every name that it may lead to: letter case and blanks do not count.
func firstPart[T string | []byte](name T) uint32 {
	h := uint32(2166136261) // FNV-1a
	for i := range len(name) {
		c := name[i]
		switch {
		case c == '.' || c == '[':
			return h
		case c == ' ' || c == '_':
			continue
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}

// namesOf is the first name of a hash.
func (s *Scanner) namesOf(first uint32) *int32 { return &s.names[first&uint32(len(s.names)-1)] }

// meet wants the names, and those of the roots, that a key at the top may lead to. They
// are not wanted before: a log has few of the names and one or two of the roots that
// there are, and a scanner may live for one line. It comes before anything the key leads
// to is looked at, so that what is remembered of other keys stays true.
func (s *Scanner) meet(key []byte) {
	first := firstPart(key)
	names := s.namesOf(first)
	for i := *names; i != none; i = s.next[i] {
		n, t := s.want.Names[i], target{idx: int(i)}
		if s.isExact(int(i)) {
			word := s.top.word(string(appendFold(nil, []byte(n))))
			word.targets = append(word.targets, spelled{t, n, true})
			continue
		}
		s.levels.want(n, t)
		s.levels.want(n+".#text", t)
	}
	*names = none
	s.unmet = slices.DeleteFunc(s.unmet, func(r root) bool {
		if r.first != first {
			return false
		}
		for i, n := range s.want.Names {
			if i < len(s.want.Whole) && s.want.Whole[i] || s.isExact(i) {
				continue
			}
			t := target{i, r.rank}
			s.levels.want(r.name+"."+n, t)
			s.levels.want(r.name+"."+n+".#text", t)
		}
		return true
	})
}

// levels are the levels made so far, by the folded part of the names that leads
// there and how: however that part was split into keys, the rest is the same.
type levels map[string]*level

func (b levels) at(prefix string, array bool) *level {
	key := prefix
	if array {
		key += "\x00["
	}
	l := b[key]
	if l == nil {
		l = &level{words: map[string]*wanted{}, nodes: map[string]*node{}}
		b[key] = l
	}
	return l
}

// want makes a name lead to a value, in every way it can be split into keys.
func (b levels) want(name string, t target) {
	folded := string(appendFold(nil, []byte(name)))
	var cuts []int
	for i := 1; i < len(name); i++ {
		if name[i] == '.' || name[i] == '[' {
			cuts = append(cuts, i)
		}
	}
	cuts = append(cuts, len(name))
	for c := -1; c < len(cuts)-1; c++ {
		from, l := 0, (*level)(nil)
		isIndex := false
		switch {
		case c < 0:
			l = b.at("", false)
		case name[cuts[c]] == '[':
			from, isIndex = cuts[c], true
			l = b.at(folded[:cuts[c]], true)
		default:
			from = cuts[c] + 1
			l = b.at(folded[:cuts[c]], false)
		}
		for e := c + 1; e < len(cuts); e++ {
			end := cuts[e]
			if end < from {
				continue
			}
			if len(cuts) > cutsMax && e > c+1 && !(c < 0 && end == len(name)) {
				continue
			}
			w := l.word(folded[from:end])
			w.spell(name[from:end])
			switch {
			case end == len(name):
				w.targets = append(w.targets, spelled{target: t, key: name[from:end]})
			case name[end] == '[':
				w.array = b.at(folded[:end], true)
			default:
				w.child = b.at(folded[:end], false)
			}
			if isIndex {
				break // [0] is one key; [0].b is none
			}
		}
	}
}

func (l *level) word(key string) *wanted {
	w := l.words[key]
	if w == nil {
		w = &wanted{}
		l.words[key] = w
	}
	return w
}

// spell adds a spelling that a wanted name has.
func (w *wanted) spell(key string) {
	if !slices.Contains(w.keys, key) {
		w.keys = append(w.keys, key)
	}
}

// appendFold appends a key in the form that ignores letter case and blanks.
func appendFold(dst, key []byte) []byte {
	for _, c := range key {
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case c == ' ':
			c = '_'
		}
		dst = append(dst, c)
	}
	return dst
}

// Scan reads one object. Values are by index as Want.Names has them; they point
// into text and are good until the next Scan. The error is a *SyntaxError.
func (s *Scanner) Scan(text []byte) ([]Value, error) {
	s.reset(text)
	if s.strict {
		if err := Valid(text); err != nil {
			return s.vals, err
		}
	}
	s.i = blank(text, 0)
	if s.i >= len(text) || text[s.i] != '{' {
		return s.vals, fail(s.i, noObject)
	}
	if err := s.object(s.top, 0, 0); err != nil {
		return s.vals, err
	}
	if s.i < len(text) {
		if s.i = blank(text, s.i); s.i < len(text) {
			return s.vals, fail(s.i, textAfter)
		}
	}
	return s.vals, nil
}

// Found are the indexes of the values that are there since the last Scan. It is good
// until the next.
func (s *Scanner) Found() []int { return s.found[:s.there] }

// Set makes a value what the text does not say, until the next Scan.
func (s *Scanner) Set(i int, v Value) {
	if s.ranks[i] == unset {
		s.found[s.there], s.ranks[i] = i, gone
		s.there++
	}
	s.vals[i] = v
}

// size makes room for n values.
func (s *Scanner) size(n int) {
	s.vals, s.ranks, s.found = make([]Value, n), make([]uint16, n), make([]int, n)
	for i := range s.ranks {
		s.ranks[i] = unset
	}
}

func (s *Scanner) reset(text []byte) {
	for _, i := range s.found[:s.there] {
		s.vals[i], s.ranks[i] = Value{}, unset
	}
	s.there = 0
	s.src, s.i = text, 0
	s.seq++
	if hasMarks {
		s.quotes.mark(text)
	}
}

// object reads the object at s.i, which stands at a depth. base is 1 when the
// way to it was no exact match.
func (s *Scanner) object(l *level, base uint16, depth int) error {
	if depth >= depthMax {
		return fail(s.i, tooDeep)
	}
	s.i++
	for prev := &l.start; ; {
		n, due := s.texts(prev, base)
		if !due {
			if s.i < len(s.src) && s.src[s.i] == '}' {
				s.i++
				return nil
			}
			var err error
			if n, err = s.key(l, n); n == nil {
				return err
			}
		}
		if err := s.value(l, n.node, base, depth); err != nil {
			return err
		}
		prev = n
	}
}

// texts reads on from a place as long as keys come that have come after it before
// and their values are strings without quotes in them: nearly all of most events.
// Where quotes are not marked it reads one key. It calls nothing, so that what it works
// with stays in registers, and does nothing that key and value would not do. It
// returns the place that it stops at, and due when that place's value is still to be
// read.
func (s *Scanner) texts(prev *place, base uint16) (at *place, due bool) {
	src, marks, i := s.src, s.quotes.marks, s.i
	text := unsafe.SliceData(src)
read:
	for i+8 <= len(src) {
		head := eight(text, i)
		next := prev.next
		for k := 0; ; k++ {
			if k == len(next) {
				break read
			}
			e := &next[k]
			if head&e.mask != e.head {
				continue
			}
			end := i + len(e.lead)
			if len(e.lead) > 8 {
				if end > len(src) || eight(text, end-8) != e.tail {
					continue
				}
				if len(e.lead) > 16 && (eight(text, i+8) != e.next || len(e.lead) > 24 && !same(src[i+16:end-8], e.lead[16:])) {
					continue
				}
			}
			prev, i = e.to, end
			break
		}
		start := i + 1
		if !hasMarks || start >= len(src) || src[i] != '"' || prev.node.repeats {
			due = true
			break
		}
		w := start >> 6 // quoteMarks.next by hand
		m := marks[w] >> (start & 63)
		end := start
		for m == 0 {
			if w++; w >= len(marks) {
				s.i = i
				return prev, true
			}
			m, end = marks[w], w<<6
		}
		end += bits.TrailingZeros64(m)
		if src[end-1] == '\\' {
			due = true
			break
		}
		for _, t := range prev.node.targets {
			was := s.ranks[t.idx]
			if r := t.rank | base; r <= was {
				s.vals[t.idx], s.ranks[t.idx] = Value{String, src[start:end:end]}, r
				if was == unset {
					s.found[s.there] = t.idx
					s.there++
				}
			}
		}
		i = end + 1
	}
	s.i = i
	return prev, due
}

// stringEnd returns where the string whose text starts at i is closed, or -1.
func (s *Scanner) stringEnd(i int) int {
	if hasMarks {
		return s.quotes.stringEnd(s.src, i)
	}
	return stringEnd(s.src, i)
}

// key reads what stands between two values, or before the first, and remembers
// it. Without an error no place means that the object is closed.
func (s *Scanner) key(l *level, prev *place) (*place, error) {
	src := s.src
	i := blank(src, s.i)
	if i >= len(src) {
		return nil, fail(i, endOfText)
	}
	first := prev == &l.start
	switch {
	case src[i] == '}':
		s.i = i + 1
		return nil, nil
	case first:
	case src[i] != ',':
		return nil, fail(i, noComma)
	default:
		if i = blank(src, i+1); i >= len(src) {
			return nil, fail(i, endOfText)
		}
	}
	if src[i] != '"' {
		return nil, fail(i, noKey)
	}
	end := s.stringEnd(i + 1)
	if end < 0 {
		return nil, fail(len(src), endOfString)
	}
	n, known := s.node(l, src[i+1:end])
	if i = blank(src, end+1); i >= len(src) {
		return nil, fail(i, endOfText)
	}
	if src[i] != ':' {
		return nil, fail(i, noColon)
	}
	i = blank(src, i+1)
	lead := src[s.i:i]
	s.i = i
	if !known || prev.node == other || len(lead) > keyMax {
		return &n.again, nil
	}
	return s.learn(prev, lead, n), nil
}

// learn remembers what came after a place and returns the place it leads to.
func (s *Scanner) learn(prev *place, lead []byte, n *node) *place {
	if string(n.lead) != string(lead) {
		n.lead = bytes.Clone(lead)
	}
	if !prev.loose {
		if len(prev.next) < edgesMax && s.places < nodesMax {
			s.places++
			to := &place{node: n}
			prev.next = append(prev.next, newEdge(n.lead, to))
			return to
		}
		return &n.again
	}
	// What has not come for longest makes room.
	if len(prev.next) < edgesMax {
		prev.next = append(prev.next, edge{})
	}
	copy(prev.next[1:], prev.next)
	prev.next[0] = newEdge(n.lead, &n.again)
	return &n.again
}

// other is the node of all keys that are neither wanted nor remembered.
var other = newNode(node{})

func newNode(n node) *node {
	n.again = place{loose: true}
	p := &n
	p.again.node = p
	return p
}

// node returns the node of a key as it is spelled in the text. known says that
// it will be the same one the next time.
func (s *Scanner) node(l *level, raw []byte) (n *node, known bool) {
	if n := l.nodes[string(raw)]; n != nil {
		return n, true
	}
	key := raw
	if bytes.IndexByte(raw, '\\') >= 0 || !utf8.Valid(raw) {
		key = Unescape(nil, raw)
	}
	if l == s.top {
		s.meet(key)
	}
	n = l.resolve(key, &s.fold)
	if s.nodes < nodesMax && len(raw) <= keyMax {
		s.nodes++
		if n == other {
			n = newNode(node{})
		}
		l.nodes[string(raw)] = n
		return n, true
	}
	return n, false
}

// resolve makes a node of what a key leads to.
func (l *level) resolve(key []byte, scratch *[]byte) *node {
	fold := key
	if !l.exact {
		*scratch = appendFold((*scratch)[:0], key)
		fold = *scratch
	}
	w := l.words[string(fold)]
	if w == nil && !l.exact && bytes.IndexByte(key, ' ') >= 0 {
		*scratch = appendFold((*scratch)[:0], bytes.ReplaceAll(key, []byte{' '}, nil))
		w = l.words[string(*scratch)]
	}
	if w == nil {
		return other
	}
	n := newNode(node{child: w.child, array: w.array, word: w, repeats: l.exact && (w.child != nil || w.array != nil)})
	if !slices.ContainsFunc(w.keys, func(k string) bool { return k == string(key) }) {
		n.inexact = 1
	}
	for _, t := range w.targets {
		if !l.exact && t.key != string(key) {
			if t.exact {
				continue
			}
			t.rank |= 1
		}
		n.targets = append(n.targets, t.target)
	}
	return n
}

// value reads the value at s.i of a key, or of an element of an array.
func (s *Scanner) value(l *level, n *node, base uint16, depth int) error {
	s.i = blank(s.src, s.i) // a remembered lead may have had fewer blanks
	if s.i >= len(s.src) {
		return fail(s.i, endOfText)
	}
	if l.exact {
		s.again(n)
	}
	start := s.i
	switch s.src[start] {
	case '"':
		end := s.stringEnd(start + 1)
		if end < 0 {
			return fail(len(s.src), endOfString)
		}
		s.i = end + 1
		s.give(n, base, Value{String, s.src[start+1 : end : end]})
	case '{', '[':
		// The place is taken before what is inside is read, so that the text
		// inside an element with attributes, #text, wins over the element.
		s.give(n, base, Value{Kind: Container})
		var err error
		switch {
		case s.src[start] == '{' && n.child != nil:
			err = s.object(n.child, base|n.inexact, depth+1)
		case s.src[start] == '[' && n.array != nil:
			err = s.array(n.array, base|n.inexact, depth+1)
		default:
			s.i, err = skipContainer(s.src, start, depth+1, false)
		}
		if err != nil {
			return err
		}
		for _, t := range n.targets {
			if v := &s.vals[t.idx]; v.Kind == Container && v.Raw == nil {
				v.Raw = s.src[start:s.i:s.i]
			}
		}
	default:
		end, kind, err := word(s.src, start)
		if err != nil {
			return err
		}
		s.i = end
		s.give(n, base, Value{kind, s.src[start:end:end]})
	}
	return nil
}

// give hands a value to the names that a key stands for.
func (s *Scanner) give(n *node, base uint16, v Value) {
	for _, t := range n.targets {
		was := s.ranks[t.idx]
		if r := t.rank | base; r <= was {
			if was == unset {
				s.found[s.there] = t.idx
				s.there++
			}
			s.vals[t.idx], s.ranks[t.idx] = v, r
		}
	}
}

// again forgets what an earlier occurrence of a key led to, inside of it.
func (s *Scanner) again(n *node) {
	if n.child == nil && n.array == nil {
		return
	}
	if n.word.seen == s.seq {
		s.forget(n.child)
		s.forget(n.array)
	}
	n.word.seen = s.seq
}

func (s *Scanner) forget(l *level) {
	if l == nil {
		return
	}
	for _, w := range l.words {
		if w.seen == s.seq {
			s.forget(w.child)
			s.forget(w.array)
		}
		for _, t := range w.targets {
			if s.ranks[t.idx] != unset {
				s.vals[t.idx], s.ranks[t.idx] = Value{}, gone
			}
		}
	}
}

// array reads the array at s.i.
func (s *Scanner) array(l *level, base uint16, depth int) error {
	if depth >= depthMax {
		return fail(s.i, tooDeep)
	}
	s.i = blank(s.src, s.i+1)
	if s.i < len(s.src) && s.src[s.i] == ']' {
		s.i++
		return nil
	}
	var key [24]byte
	for at := 0; ; at++ {
		n := other
		if k := appendIndex(key[:0], at); l.words[string(k)] != nil {
			n, _ = s.node(l, k)
		}
		if err := s.value(l, n, base, depth); err != nil {
			return err
		}
		s.i = blank(s.src, s.i)
		if s.i >= len(s.src) {
			return fail(s.i, endOfText)
		}
		switch s.src[s.i] {
		case ',':
			s.i = blank(s.src, s.i+1)
		case ']':
			s.i++
			return nil
		default:
			return fail(s.i, noCommaList)
		}
	}
}

// appendIndex appends the key of an array's element.
func appendIndex(dst []byte, at int) []byte {
	return append(strconv.AppendInt(append(dst, '['), int64(at), 10), ']')
}
