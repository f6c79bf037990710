package match

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/dlclark/regexp2"
)

// Span is a part of a text; Start is -1 for a group that took no part.
type Span struct{ Start, End int }

// Regexp is a compiled regular expression: Go's engine, which takes time linear
// in the text, or where the pattern looks around or refers back a backtracking
// one with a time limit.
type Regexp struct {
	re   *regexp.Regexp
	back *regexp2.Regexp
	need []string // one of these, letter case aside, stands in any match
	// exact is a literal that any match holds as it is written; looked for
	// before the pattern is tried.
	exact  string
	names  []string
	nested [2]string
}

// ErrRegexTime says that a match took too long; the text counts as not matching.
var ErrRegexTime = errors.New("a pattern that looks around took longer than its time limit on a text; it counts as no match")

// CompileRegexp readies a pattern in the syntax of RE2 or Java.
func CompileRegexp(pattern string) (*Regexp, error) {
	re, err := regexp.Compile(pattern)
	if err == nil {
		r := &Regexp{re: re, names: re.SubexpNames()}
		if tree, err := syntax.Parse(pattern, syntax.Perl); err == nil {
			r.nested[0], r.nested[1] = nestedGroups(tree, "")
			r.need = required(tree)
			r.exact = exactLiteral(tree)
		}
		return r, nil
	}
	back, err2 := regexp2.Compile(strings.ReplaceAll(pattern, "(?P<", "(?<"), regexp2.None)
	if err2 != nil {
		return nil, fmt.Errorf("the regular expression cannot be read: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	back.MatchTimeout = regexTime
	r := &Regexp{back: back}
	for _, n := range back.GetGroupNumbers() {
		name := back.GroupNameFromNumber(n)
		if name == fmt.Sprint(n) {
			name = ""
		}
		for len(r.names) <= n {
			r.names = append(r.names, "")
		}
		r.names[n] = name
	}
	return r, nil
}

// Match reports whether the pattern is found anywhere in s.
func (r *Regexp) Match(s string) (bool, error) {
	if r.exact != "" && !strings.Contains(s, r.exact) {
		return false, nil
	}
	if r.re != nil {
		return r.re.MatchString(s), nil
	}
	ok, err := r.back.MatchString(s)
	if err != nil {
		return false, ErrRegexTime
	}
	return ok, nil
}

// Find returns the spans of the first match at or after a byte of s, the whole
// match first, then its groups.
func (r *Regexp) Find(s string, from int, buf []Span) (groups []Span, ok bool, err error) {
	buf = buf[:0]
	if r.exact != "" && !strings.Contains(s[from:], r.exact) {
		return buf, false, nil
	}
	if r.re != nil {
		var at []int
		if from == 0 {
			at = r.re.FindStringSubmatchIndex(s)
		} else {
			// What stands before from must still count for ^ and \b: all
			// matches are found in one go, and the next one taken.
			for _, m := range r.re.FindAllStringSubmatchIndex(s, -1) {
				if m[0] >= from {
					at = m
					break
				}
			}
		}
		if at == nil {
			return buf, false, nil
		}
		for i := 0; i < len(at); i += 2 {
			buf = append(buf, Span{at[i], at[i+1]})
		}
		return buf, true, nil
	}
	// regexp2 counts in runes.
	m, err := r.back.FindStringMatchStartingAt(s, from)
	if err != nil {
		return buf, false, ErrRegexTime
	}
	if m == nil {
		return buf, false, nil
	}
	at := runeOffsets(s)
	for n := range r.names {
		g := m.GroupByNumber(n)
		if g == nil || len(g.Captures) == 0 {
			buf = append(buf, Span{-1, -1})
			continue
		}
		buf = append(buf, Span{at(g.Index), at(g.Index + g.Length)})
	}
	return buf, true, nil
}

// runeOffsets turns positions in runes into bytes.
func runeOffsets(s string) func(int) int {
	ascii := true
	for i := range len(s) {
		if s[i] >= 0x80 {
			ascii = false
			break
		}
	}
	if ascii {
		return func(n int) int { return n }
	}
	var at []int
	for i := range s {
		at = append(at, i)
	}
	at = append(at, len(s))
	return func(n int) int { return at[min(n, len(at)-1)] }
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

// Literals are alternatives of which any match holds one, letter case aside;
// nil when nothing is known.
func (r *Regexp) Literals() []string { return r.need }

// requiredMax is how many alternatives are kept.
const requiredMax = 64

// required finds alternatives of which any match of t holds one.
func required(t *syntax.Regexp) []string {
	switch t.Op {
	case syntax.OpLiteral:
		return []string{string(t.Rune)}
	case syntax.OpCapture, syntax.OpPlus:
		return required(t.Sub[0])
	case syntax.OpRepeat:
		if t.Min > 0 {
			return required(t.Sub[0])
		}
	case syntax.OpConcat:
		var best []string
		for _, s := range t.Sub {
			if n := required(s); n != nil && (best == nil || telling(n) > telling(best)) {
				best = n
			}
		}
		return best
	case syntax.OpAlternate:
		var all []string
		for _, s := range t.Sub {
			n := required(s)
			if n == nil || len(all)+len(n) > requiredMax {
				return nil
			}
			all = append(all, n...)
		}
		return all
	}
	return nil
}

// telling is the length of the shortest alternative: the longer, the rarer.
func telling(any []string) int {
	n := 1 << 30
	for _, s := range any {
		n = min(n, len(s))
	}
	return n
}

// exactLiteral is the longest literal that any match holds as it is written.
func exactLiteral(t *syntax.Regexp) string {
	switch t.Op {
	case syntax.OpLiteral:
		if t.Flags&syntax.FoldCase == 0 {
			return string(t.Rune)
		}
	case syntax.OpCapture, syntax.OpPlus:
		return exactLiteral(t.Sub[0])
	case syntax.OpRepeat:
		if t.Min > 0 {
			return exactLiteral(t.Sub[0])
		}
	case syntax.OpConcat:
		best := ""
		for _, s := range t.Sub {
			if l := exactLiteral(s); len(l) > len(best) {
				best = l
			}
		}
		return best
	}
	return ""
}

// ReplaceAll replaces every match. expand appends what stands for a match.
func (r *Regexp) ReplaceAll(s string, expand func(dst []byte, groups []Span) []byte) (string, error) {
	var out []byte
	last := 0
	var hit []Span
	if r.re != nil {
		for _, m := range r.re.FindAllStringSubmatchIndex(s, -1) {
			hit = hit[:0]
			for i := 0; i < len(m); i += 2 {
				hit = append(hit, Span{m[i], m[i+1]})
			}
			out = expand(append(out, s[last:m[0]]...), hit)
			last = m[1]
		}
		if last == 0 && out == nil {
			return s, nil
		}
		return string(append(out, s[last:]...)), nil
	}
	for at := 0; at <= len(s); {
		g, ok, err := r.Find(s, at, hit)
		if err != nil {
			return s, err
		}
		if !ok {
			break
		}
		hit = g
		out = expand(append(out, s[last:g[0].Start]...), slices.Clone(g))
		last = g[0].End
		if at = last; g[0].Start == g[0].End {
			at++
		}
	}
	return string(append(out, s[last:]...)), nil
}
