package match

import (
	"errors"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/dlclark/regexp2"
)

// Span is a part of a text, in bytes; Start is -1 for a group that took no part.
type Span struct{ Start, End int }

// Regexp is a compiled regular expression: Go's engine, which takes time linear
// in the text, or where the pattern looks around or refers back a backtracking
// one with a time limit.
type Regexp struct {
	source   string
	re       *linear
	straight *straight // re, where there is only one way to match
	back     *regexp2.Regexp
	names    []string
	nested   [2]string

	need  []string // one of these, letter case aside, stands in any match
	plain []string // the pattern matches where one of these stands, and only there
	cased string   // stands in any match as it is written
	finds []folded // need, when looking for each in turn is quick
}

// ErrRegexTime says that a match took too long; the text counts as not matching.
var ErrRegexTime = errors.New("a pattern that looks around took longer than its time limit on a text; it counts as no match")

// findsMax is how many literals are looked for one by one before a pattern is
// tried. Go's engine reads some 30 MB/s, looking for one literal 1 GB/s.
const findsMax = 8

// CompileRegexp readies a pattern in the syntax of RE2 or Java. What both can
// say means what it means to RE2. The error is a *RegexpError.
func CompileRegexp(pattern string) (*Regexp, error) {
	r, err := compileRegexp(pattern)
	if err == nil {
		r.source = pattern
	}
	return r, err
}

func compileRegexp(pattern string) (*Regexp, error) {
	if len(pattern) > patternBytesMax {
		return nil, &RegexpError{patternBytesMax, "it is longer than " + strconv.Itoa(patternBytesMax) + " bytes"}
	}
	if t, err := syntax.Parse(pattern, syntax.Perl); err == nil && !twice(t.CapNames()) && !misread(pattern) {
		return regular(t, pattern), nil
	}
	tree, d, err := parseDialect(pattern)
	if err != nil {
		return nil, err
	}
	if tree.regular() {
		plain := tree.write(forGo)
		t, err := syntax.Parse(plain, syntax.Perl)
		if err != nil {
			return nil, &RegexpError{0, "it repeats too much: " + reason(err)}
		}
		r := regular(t, plain)
		r.names, r.nested = d.names, nestedNames(tree, d.names, "")
		return r, nil
	}
	back, err := regexp2.Compile(tree.write(forBacktracking), regexp2.None)
	if err != nil {
		return nil, &RegexpError{0, "the engine that looks around refuses it: " + err.Error()}
	}
	back.MatchTimeout = regexTime
	r := &Regexp{back: back, names: d.names, nested: nestedNames(tree, d.names, "")}
	if t, err := syntax.Parse(tree.write(relaxed), syntax.Perl); err == nil {
		r.learn(t)
		r.plain = nil // of the wider pattern
	}
	for _, ahead := range tree.lookaheads() {
		if t, err := syntax.Parse(ahead.write(relaxed), syntax.Perl); err == nil {
			need, _ := requiredOf(t)
			if n := telling(r.need, need); !slices.Equal(n, r.need) {
				r.require(n, r.cased)
			}
		}
	}
	return r, nil
}

// twice reports whether a name stands twice, which Go does not mind.
func twice(names []string) bool {
	for i, n := range names {
		if n != "" && slices.Contains(names[:i], n) {
			return true
		}
	}
	return false
}

// misread reports whether a pattern that Go accepts means another thing to Java
// and is unknown to RE2.
func misread(pattern string) bool {
	if !strings.Contains(pattern, "&&") && !strings.Contains(pattern, `\p{`) && !strings.Contains(pattern, `\P{`) {
		return false
	}
	_, d, err := parseDialect(pattern)
	return err == nil && d.java
}

func reason(err error) string {
	return strings.TrimPrefix(err.Error(), "error parsing regexp: ")
}

func regular(t *syntax.Regexp, pattern string) *Regexp {
	r := &Regexp{re: &linear{pattern: pattern}, names: t.CapNames()}
	r.learn(t)
	r.straight = straightOf(t)
	r.nested[0], r.nested[1] = nestedGroups(t, "")
	return r
}

// linear is a pattern of Go's engine, which is made ready at the first text that may match:
// of the patterns of a thousand rules few ever meet one, and each takes some 10 KB.
type linear struct {
	pattern string
	once    sync.Once
	re      *regexp.Regexp
}

func (l *linear) get() *regexp.Regexp {
	l.once.Do(func() { l.re = regexp.MustCompile(l.pattern) }) // it has been parsed before: nothing else can fail
	return l.re
}

// learn finds out what must stand in any match of a pattern in Go's syntax.
func (r *Regexp) learn(t *syntax.Regexp) {
	need, plain := requiredOf(t)
	r.plain = plain
	r.require(need, casedLiteral(t))
}

func (r *Regexp) require(need []string, cased string) {
	r.need, r.cased, r.finds = need, cased, nil
	if len(need) <= findsMax {
		for _, l := range need {
			r.finds = append(r.finds, newFolded(l))
		}
	}
}

// may reports whether s holds what any match must hold.
func (r *Regexp) may(s string) bool {
	if r.cased != "" && !strings.Contains(s, r.cased) {
		return false
	}
	if len(r.finds) == 0 || len(r.finds) == 1 && len(r.finds[0].text) <= len(r.cased) {
		return true
	}
	if !ascii(s) {
		s = Fold(s)
		return slices.ContainsFunc(r.finds, func(f folded) bool { return strings.Contains(s, f.text) })
	}
	for i := range r.finds {
		if r.finds[i].index(s, 0) >= 0 {
			return true
		}
	}
	return false
}

// Match reports whether the pattern is found anywhere in s. The error is
// ErrRegexTime or nil.
func (r *Regexp) Match(s string) (bool, error) {
	if r.plain != nil {
		return slices.ContainsFunc(r.plain, func(l string) bool { return strings.Contains(s, l) }), nil
	}
	if !r.may(s) {
		return false, nil
	}
	if r.re != nil {
		if r.straight != nil {
			var room [8]Span
			if _, ok, sure := r.straight.find(s, 0, room[:0]); sure {
				return ok, nil
			}
		}
		return r.re.get().MatchString(s), nil
	}
	ok, err := r.back.MatchString(s)
	if err != nil {
		return false, ErrRegexTime
	}
	return ok, nil
}

// Find returns the spans of the first match at or after a byte of s, the whole
// match first, then its groups, in buf if they fit. What stands before from
// still counts for ^, \b and what looks behind. To walk all matches use Each:
// with Go's engine Find starts at the beginning every time.
func (r *Regexp) Find(s string, from int, buf []Span) (groups []Span, ok bool, err error) {
	buf = buf[:0]
	if from < 0 || from > len(s) || !r.may(s[from:]) {
		return buf, false, nil
	}
	if r.re != nil && from == 0 {
		if r.straight != nil {
			if hit, ok, sure := r.straight.find(s, 0, buf); sure {
				return hit, ok, nil
			}
		}
		return spans(buf, r.re.get().FindStringSubmatchIndex(s))
	}
	if r.re != nil {
		for _, m := range r.re.get().FindAllStringSubmatchIndex(s, -1) {
			if m[0] >= from {
				return spans(buf, m)
			}
		}
		return buf, false, nil
	}
	w := walk{r: r, text: []rune(s), s: s}
	w.seek(from)
	return w.next(buf)
}

func spans(buf []Span, at []int) ([]Span, bool, error) {
	for i := 0; i < len(at); i += 2 {
		buf = append(buf, Span{at[i], at[i+1]})
	}
	return buf, at != nil, nil
}

// Each calls fn with the spans of every match, left to right and apart, until it
// returns false. The spans are fn's only while it runs. An empty match that
// touches the one before it is passed over.
func (r *Regexp) Each(s string, fn func(groups []Span) bool) error {
	if !r.may(s) {
		return nil
	}
	buf := make([]Span, 0, len(r.names))
	if r.re != nil {
		for _, m := range r.re.get().FindAllStringSubmatchIndex(s, -1) {
			buf, _, _ = spans(buf[:0], m)
			if !fn(buf) {
				break
			}
		}
		return nil
	}
	w := walk{r: r, text: []rune(s), s: s}
	for last := -1; ; {
		groups, ok, err := w.next(buf[:0])
		if !ok {
			return err
		}
		m := groups[0]
		if m.Start == m.End && !w.step() {
			w.done = true
		}
		if m.Start < m.End || m.Start != last {
			if !fn(groups) {
				return nil
			}
		}
		last = m.End
	}
}

// walk goes through a text match by match with the backtracking engine, which
// counts in characters.
type walk struct {
	r    *Regexp
	text []rune
	s    string
	// char and byte are the same place, of the end of the last match.
	char, byte int
	done       bool
}

// seek goes to the first character that begins at or after a byte.
func (w *walk) seek(from int) {
	for w.byte < from && w.step() {
	}
}

// step goes on by one character, if there is one.
func (w *walk) step() bool {
	if w.char == len(w.text) {
		return false
	}
	w.byte += w.width(w.byte)
	w.char++
	return true
}

// width is the bytes of the character at a byte; one that is no UTF-8 is one.
func (w *walk) width(at int) int {
	_, n := utf8.DecodeRuneInString(w.s[at:])
	return n
}

// bytes is where a character begins that stands at or after char.
func (w *walk) bytes(char int) int {
	if len(w.text) == len(w.s) {
		return char
	}
	at := w.byte
	for i := w.char; i < char; i++ {
		at += w.width(at)
	}
	return at
}

func (w *walk) next(buf []Span) (groups []Span, ok bool, err error) {
	if w.done {
		return buf, false, nil
	}
	m, err := w.r.back.FindRunesMatchStartingAt(w.text, w.char)
	if err != nil {
		return buf, false, ErrRegexTime
	}
	if m == nil {
		return buf, false, nil
	}
	for n := range w.r.names {
		g := m.GroupByNumber(n)
		if g == nil || len(g.Captures) == 0 {
			buf = append(buf, Span{-1, -1})
			continue
		}
		buf = append(buf, Span{w.place(g.Index), w.place(g.Index + g.Length)})
	}
	w.char, w.byte = m.Index+m.Length, buf[0].End
	return buf, true, nil
}

// place is bytes for any character: a group that is looked for behind the match
// stands before it.
func (w *walk) place(char int) int {
	if char >= w.char {
		return w.bytes(char)
	}
	if len(w.text) == len(w.s) {
		return char
	}
	at := w.byte
	for i := w.char; i > char; i-- {
		_, n := utf8.DecodeLastRuneInString(w.s[:at])
		at -= n
	}
	return at
}

// GroupNames lists the groups' names by number; "" has none. The first is the
// whole match.
func (r *Regexp) GroupNames() []string { return r.names }

// NumGroups is the number of capturing groups.
func (r *Regexp) NumGroups() int { return max(len(r.names)-1, 0) }

// NestedGroups names a named group and one inside it, or "".
func (r *Regexp) NestedGroups() (outer, inner string) { return r.nested[0], r.nested[1] }

func nestedGroups(t *syntax.Regexp, outer string) (string, string) {
	if t.Op == syntax.OpCapture && t.Name != "" {
		if outer != "" {
			return outer, t.Name
		}
		outer = t.Name
	}
	for _, s := range t.Sub {
		if o, i := nestedGroups(s, outer); o != "" {
			return o, i
		}
	}
	return "", ""
}

func nestedNames(n *node, names []string, outer string) [2]string {
	if n.kind == kindGroup && names[n.n] != "" {
		if outer != "" {
			return [2]string{outer, names[n.n]}
		}
		outer = names[n.n]
	}
	for _, s := range n.subs {
		if pair := nestedNames(s, names, outer); pair[0] != "" {
			return pair
		}
	}
	return [2]string{}
}

// Backtracks reports whether matching may take up to its time limit and fail.
func (r *Regexp) Backtracks() bool { return r.back != nil }

// Literals are alternatives of which any match holds one, folded; nil when
// nothing is known.
func (r *Regexp) Literals() []string { return r.need }

// casedLiteral is the longest literal that any match holds as it is written.
func casedLiteral(t *syntax.Regexp) string {
	switch t.Op {
	case syntax.OpLiteral:
		// A byte that is no UTF-8 is U+FFFD to the engines.
		if t.Flags&syntax.FoldCase == 0 && !slices.Contains(t.Rune, utf8.RuneError) {
			return string(t.Rune)
		}
	case syntax.OpCapture, syntax.OpPlus:
		return casedLiteral(t.Sub[0])
	case syntax.OpRepeat:
		if t.Min > 0 {
			return casedLiteral(t.Sub[0])
		}
	case syntax.OpConcat:
		best := ""
		for _, s := range t.Sub {
			if l := casedLiteral(s); len(l) > len(best) {
				best = l
			}
		}
		return best
	}
	return ""
}

// Source is the pattern as it was given.
func (r *Regexp) Source() string { return r.source }

// String is the pattern in the syntax of the engine that runs it.
func (r *Regexp) String() string {
	if r.re != nil {
		return r.re.pattern
	}
	return r.back.String()
}
