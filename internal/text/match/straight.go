package match

import (
	"regexp/syntax"
	"strings"
	"unicode/utf8"
)

// straight is a pattern that has one way at most to match from any place: literals and
// runs of characters, each run of characters that what follows cannot begin with. It is what
// most parse regex are, such as "user=(?<user>[^ ]+) ". From a place no character is looked
// at twice, where Go's engine takes 100 instructions for one. What it finds is what Go's
// engine finds; TestStraight compares them.
type straight struct {
	pieces []piece
	groups int  // with the whole match
	start  bool // the match begins where the text does
}

// piece is a part of a straight pattern.
type piece struct {
	kind pieceKind
	n    int    // the group
	text string // the literal
	run
}

type pieceKind uint8

const (
	literalPiece pieceKind = iota
	runPiece               // of characters, as many as there are
	untilPiece             // of characters, up to the first text
	openPiece
	closePiece
	endPiece // of the text
)

// run is a number of characters of a class.
type run struct {
	set      *byteSet
	not      byte // the one byte that is not in set, where only is true
	only     bool
	min, max int // max is -1 for any number
}

// byteSet is a class of characters, by their first byte. Characters beyond ASCII are all in it, or none.
type byteSet [256]bool

const (
	// straightMax is how many pieces a straight pattern has at most.
	straightMax = 64
	// straightWork is how often a text may be gone through, on average: a pattern such as
	// a[^b]*b begins again at each a, and takes the square of the text's length. Go's engine goes on then.
	straightWork = 4
)

// straightOf is the pattern as a straight one; nil where it is none.
func straightOf(t *syntax.Regexp) *straight {
	p := &straight{groups: t.MaxCap() + 1}
	if !p.add(t) || len(p.pieces) == 0 {
		return nil
	}
	for i := range p.pieces {
		if !p.decide(i) {
			return nil
		}
	}
	switch first := &p.pieces[p.first()]; first.kind {
	case literalPiece:
	case runPiece:
		if first.min == 0 {
			return nil
		}
	default:
		return nil
	}
	return p
}

// first is the index of the first piece that is no group's edge.
func (p *straight) first() int {
	for i := range p.pieces {
		if k := p.pieces[i].kind; k != openPiece && k != closePiece {
			return i
		}
	}
	return 0
}

// add adds the pieces of a part of the pattern; ok is false where it is not straight.
func (p *straight) add(t *syntax.Regexp) (ok bool) {
	if len(p.pieces) >= straightMax {
		return false
	}
	switch t.Op {
	case syntax.OpEmptyMatch:
		return true
	case syntax.OpLiteral:
		if t.Flags&syntax.FoldCase != 0 {
			return false
		}
		for _, r := range t.Rune {
			if r == utf8.RuneError {
				return false
			}
		}
		if n := len(p.pieces); n > 0 && p.pieces[n-1].kind == literalPiece {
			p.pieces[n-1].text += string(t.Rune)
			return true
		}
		p.pieces = append(p.pieces, piece{kind: literalPiece, text: string(t.Rune)})
		return true
	case syntax.OpConcat:
		for _, s := range t.Sub {
			if !p.add(s) {
				return false
			}
		}
		return true
	case syntax.OpCapture:
		p.pieces = append(p.pieces, piece{kind: openPiece, n: t.Cap})
		if !p.add(t.Sub[0]) {
			return false
		}
		p.pieces = append(p.pieces, piece{kind: closePiece, n: t.Cap})
		return true
	case syntax.OpBeginText:
		if len(p.pieces) > 0 || p.start {
			return false
		}
		p.start = true
		return true
	case syntax.OpEndText:
		p.pieces = append(p.pieces, piece{kind: endPiece})
		return true
	case syntax.OpCharClass, syntax.OpAnyCharNotNL, syntax.OpAnyChar:
		return p.run(t, t, 1, 1)
	case syntax.OpStar:
		return p.run(t, t.Sub[0], 0, -1)
	case syntax.OpPlus:
		return p.run(t, t.Sub[0], 1, -1)
	case syntax.OpQuest:
		return p.run(t, t.Sub[0], 0, 1)
	case syntax.OpRepeat:
		if sub := t.Sub[0]; t.Min == t.Max && sub.MaxCap() == 0 && setOf(sub) == nil {
			for range t.Min {
				if !p.add(sub) {
					return false
				}
			}
			return true
		}
		return p.run(t, t.Sub[0], t.Min, t.Max)
	}
	return false
}

// run adds a run of a class of characters.
func (p *straight) run(t, class *syntax.Regexp, min, max int) bool {
	set := setOf(class)
	if set == nil {
		return false
	}
	q := piece{kind: runPiece, run: run{set: set, min: min, max: max}}
	if t.Flags&syntax.NonGreedy != 0 && t != class && min != max {
		if max >= 0 || min > 1 {
			return false
		}
		q.kind = untilPiece // decide makes it a run where that is the same
	}
	outside := 0
	for c, in := range set {
		if !in {
			q.not = byte(c)
			outside++
		}
	}
	q.only = outside == 1
	p.pieces = append(p.pieces, q)
	return true
}

// setOf is the class of single characters that a pattern is; nil for anything else, and
// where some characters beyond ASCII are in it and some are not.
func setOf(t *syntax.Regexp) *byteSet {
	ranges := t.Rune
	switch t.Op {
	case syntax.OpAnyChar:
		ranges = []rune{0, utf8.MaxRune}
	case syntax.OpAnyCharNotNL:
		ranges = []rune{0, '\n' - 1, '\n' + 1, utf8.MaxRune}
	case syntax.OpLiteral:
		if len(t.Rune) != 1 || t.Flags&syntax.FoldCase != 0 || t.Rune[0] >= utf8.RuneSelf {
			return nil
		}
		ranges = []rune{t.Rune[0], t.Rune[0]}
	case syntax.OpCharClass:
	default:
		return nil
	}
	set := &byteSet{}
	for i := 0; i < len(ranges); i += 2 {
		lo, hi := ranges[i], ranges[i+1]
		for c := lo; c <= hi && c < utf8.RuneSelf; c++ {
			set[c] = true
		}
		if hi < utf8.RuneSelf {
			continue
		}
		if lo > utf8.RuneSelf || hi != utf8.MaxRune {
			return nil
		}
		for c := utf8.RuneSelf; c < len(set); c++ {
			set[c] = true
		}
	}
	return set
}

// decide makes sure that the piece has one way to match, given what follows.
func (p *straight) decide(i int) (ok bool) {
	q := &p.pieces[i]
	if q.kind != runPiece && q.kind != untilPiece || q.min == q.max {
		return true
	}
	apart, bounded := p.apart(q.set, i+1)
	if q.kind == runPiece {
		return apart
	}
	next, after := p.following(i+1), -1
	if next >= 0 {
		after = p.following(next + 1)
	}
	switch {
	case apart && bounded: // as many as there are is as few as can be
		q.kind = runPiece
		return true
	case next < 0 || p.pieces[next].kind != literalPiece:
		return false
	}
	// A later text is no better than the first where nothing after it can fail, or where
	// another such run follows that takes what lies between them.
	q.text = p.pieces[next].text
	if after < 0 {
		return true
	}
	r := &p.pieces[after]
	if r.kind != untilPiece {
		return false
	}
	for c, in := range q.set {
		if in && !r.set[c] {
			return false
		}
	}
	for c := range len(q.text) {
		if !r.set[q.text[c]] {
			return false
		}
	}
	return true
}

// following is the index of the next piece that is no group's edge; -1 at the end.
func (p *straight) following(i int) int {
	for ; i < len(p.pieces); i++ {
		if k := p.pieces[i].kind; k != openPiece && k != closePiece {
			return i
		}
	}
	return -1
}

// apart reports whether what begins with piece i cannot begin with a character of set.
// bounded is false where it may be empty.
func (p *straight) apart(set *byteSet, i int) (apart, bounded bool) {
	for i = p.following(i); i >= 0; i = p.following(i + 1) {
		switch q := &p.pieces[i]; q.kind {
		case literalPiece:
			return !set[q.text[0]], true
		case endPiece:
			return true, true
		default:
			for c, in := range q.set {
				if in && set[c] {
					return false, false
				}
			}
			if q.min > 0 {
				return true, true
			}
		}
	}
	return true, false
}

// find returns the first match at or after a byte of s in buf. sure is false where that would
// take too long.
func (p *straight) find(s string, from int, buf []Span) (groups []Span, ok, sure bool) {
	for range p.groups {
		buf = append(buf, Span{-1, -1})
	}
	work := straightWork*len(s) + 64
	first := &p.pieces[p.first()]
	for at := from; at <= len(s); {
		next := at + 1
		switch {
		case p.start:
			if at > 0 {
				return buf, false, true
			}
		case first.kind == literalPiece:
			i := strings.Index(s[at:], first.text)
			if i < 0 {
				return buf, false, true
			}
			at += i
			next = at + 1
		default:
			for at < len(s) && !first.set[s[at]] {
				at++
			}
			if at == len(s) {
				return buf, false, true
			}
			_, w := utf8.DecodeRuneInString(s[at:])
			next = at + w
		}
		end, cost := p.from(s, at, buf)
		if end >= 0 {
			buf[0] = Span{at, end}
			return buf, true, true
		}
		if work -= cost; work < 0 {
			return buf, false, false
		}
		if first.kind == runPiece && first.max < 0 { // from within the run it is no other, or a shorter one
			for next < len(s) && first.set[s[next]] {
				next++
			}
		}
		at = next
	}
	return buf, false, true
}

// from is where the match that begins at a byte ends; -1 where none begins there. cost is how
// many bytes were looked at.
func (p *straight) from(s string, at int, groups []Span) (end, cost int) {
	i := at
	for k := range p.pieces {
		q := &p.pieces[k]
		switch q.kind {
		case literalPiece:
			if !strings.HasPrefix(s[i:], q.text) {
				return -1, i - at + 1
			}
			i += len(q.text)
		case openPiece:
			groups[q.n].Start = i
		case closePiece:
			groups[q.n].End = i
		case endPiece:
			if i < len(s) {
				return -1, i - at + 1
			}
		case runPiece:
			e := q.end(s, i)
			if e < 0 {
				return -1, i - at + 1
			}
			i = e
		case untilPiece:
			e, looked := q.until(s, i)
			if e < 0 {
				return -1, i - at + looked + 1
			}
			i = e
		}
	}
	return i, 0
}

// end is where the run that begins at a byte ends; -1 where it is too short.
func (r *run) end(s string, i int) int {
	if r.max < 0 && r.min <= 1 {
		at := i
		if r.only {
			if n := strings.IndexByte(s[i:], r.not); n >= 0 {
				i += n
			} else {
				i = len(s)
			}
		} else {
			for i < len(s) && r.set[s[i]] {
				i++
			}
		}
		if i-at < r.min {
			return -1
		}
		return i
	}
	n := 0
	for n != r.max && i < len(s) && r.set[s[i]] {
		w := 1
		if s[i] >= utf8.RuneSelf {
			_, w = utf8.DecodeRuneInString(s[i:])
		}
		i += w
		n++
	}
	if n < r.min {
		return -1
	}
	return i
}

// until is where the first text after a byte begins; -1 where it is none, or where other
// characters stand before it. looked is how many bytes were looked at.
func (q *piece) until(s string, i int) (at, looked int) {
	from := i
	if q.min > 0 {
		if i >= len(s) || !q.set[s[i]] {
			return -1, 0
		}
		_, w := utf8.DecodeRuneInString(s[i:])
		i += w
	}
	n := strings.Index(s[i:], q.text)
	if n < 0 {
		return -1, len(s) - from
	}
	if q.only && strings.IndexByte(s[i:i+n], q.not) < 0 {
		return i + n, n
	}
	for k := i; k < i+n; k++ {
		if !q.set[s[k]] {
			return -1, i + n - from
		}
	}
	return i + n, n
}
