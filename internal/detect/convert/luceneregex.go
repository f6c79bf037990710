package convert

import (
	"fmt"
	"regexp/syntax"
	"strings"
	"unicode"

	"github.com/gyoji-dev/gyoji/sigma"
)

// wholeRegex turns a regular expression that is found anywhere into one of Lucene that
// covers the whole value. Classes such as \d are written out, and so are both cases of a
// letter where letter case does not count; what is lazy is not, which is the same for a
// match of the whole. ok is false for what Lucene lacks: word bounds, anchors elsewhere
// than at the ends, lookaround, references.
// Source: Apache Lucene, org.apache.lucene.util.automaton.RegExp.
func wholeRegex(r sigma.Regexp) (string, bool) {
	re, err := syntax.Parse(r.Syntax(), syntax.Perl)
	if err != nil {
		return "", false
	}
	w := &luceneWriter{}
	w.whole(re)
	return w.String(), !w.lacks
}

type luceneWriter struct {
	strings.Builder
	lacks bool // something that Lucene does not have
}

// whole writes what any value is that holds a match.
func (w *luceneWriter) whole(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpCapture:
		w.whole(re.Sub[0])
	case syntax.OpAlternate:
		w.WriteByte('(')
		for i, s := range re.Sub {
			if i > 0 {
				w.WriteByte('|')
			}
			w.whole(s)
		}
		w.WriteByte(')')
	default:
		subs := []*syntax.Regexp{re}
		if re.Op == syntax.OpConcat {
			subs = re.Sub
		}
		w.sequence(subs)
	}
}

// sequence is whole for parts that follow each other.
func (w *luceneWriter) sequence(subs []*syntax.Regexp) {
	before, behind := ".*", ".*"
	rest := subs
	for len(rest) > 0 && rest[0].Op == syntax.OpBeginText {
		rest, before = rest[1:], ""
	}
	for n := len(rest); n > 0 && rest[n-1].Op == syntax.OpEndText; n-- {
		rest, behind = rest[:n-1], ""
	}
	for _, at := range []int{0, len(rest) - 1} { // (^|a)b is ^b or ab
		if len(rest) < 2 {
			break
		}
		choices := choicesOf(rest[at])
		if choices == nil {
			continue
		}
		w.WriteByte('(')
		for i, c := range choices {
			if i > 0 {
				w.WriteByte('|')
			}
			var parts []*syntax.Regexp
			if before == "" {
				parts = append(parts, &syntax.Regexp{Op: syntax.OpBeginText})
			}
			parts = append(parts, rest[:at]...)
			if c.Op == syntax.OpConcat {
				parts = append(parts, c.Sub...)
			} else {
				parts = append(parts, c)
			}
			parts = append(parts, rest[at+1:]...)
			if behind == "" {
				parts = append(parts, &syntax.Regexp{Op: syntax.OpEndText})
			}
			w.sequence(parts)
		}
		w.WriteByte(')')
		return
	}
	w.WriteString(before)
	for _, s := range rest {
		w.exact(s)
	}
	w.WriteString(behind)
}

// choicesOf are the alternatives of a part of which one is at an end of the value; nil
// for other parts.
func choicesOf(re *syntax.Regexp) []*syntax.Regexp {
	for re.Op == syntax.OpCapture {
		re = re.Sub[0]
	}
	if re.Op != syntax.OpAlternate {
		return nil
	}
	for _, s := range re.Sub {
		for s.Op == syntax.OpConcat {
			s = s.Sub[0]
		}
		if s.Op == syntax.OpBeginText || s.Op == syntax.OpEndText {
			return re.Sub
		}
	}
	return nil
}

// exact writes what a match is.
func (w *luceneWriter) exact(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpEmptyMatch:
		w.WriteString("()")
	case syntax.OpLiteral:
		for _, r := range re.Rune {
			w.literal(r, re.Flags&syntax.FoldCase != 0)
		}
	case syntax.OpCharClass:
		w.class(re.Rune)
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		w.WriteByte('.')
	case syntax.OpCapture:
		w.WriteByte('(')
		w.exact(re.Sub[0])
		w.WriteByte(')')
	case syntax.OpStar:
		w.atom(re.Sub[0], "*")
	case syntax.OpPlus:
		w.atom(re.Sub[0], "+")
	case syntax.OpQuest:
		w.atom(re.Sub[0], "?")
	case syntax.OpRepeat:
		switch {
		case re.Max < 0:
			w.atom(re.Sub[0], fmt.Sprintf("{%d,}", re.Min))
		case re.Min == re.Max:
			w.atom(re.Sub[0], fmt.Sprintf("{%d}", re.Min))
		default:
			w.atom(re.Sub[0], fmt.Sprintf("{%d,%d}", re.Min, re.Max))
		}
	case syntax.OpConcat:
		for _, s := range re.Sub {
			w.exact(s)
		}
	case syntax.OpAlternate:
		w.WriteByte('(')
		for i, s := range re.Sub {
			if i > 0 {
				w.WriteByte('|')
			}
			w.exact(s)
		}
		w.WriteByte(')')
	default:
		w.lacks = true
	}
}

// atom writes what is repeated.
func (w *luceneWriter) atom(re *syntax.Regexp, repeat string) {
	switch {
	case re.Op == syntax.OpCharClass, re.Op == syntax.OpAnyChar, re.Op == syntax.OpAnyCharNotNL, re.Op == syntax.OpCapture,
		re.Op == syntax.OpAlternate, re.Op == syntax.OpLiteral && len(re.Rune) == 1:
		w.exact(re)
	default:
		w.WriteByte('(')
		w.exact(re)
		w.WriteByte(')')
	}
	w.WriteString(repeat)
}

func (w *luceneWriter) literal(r rune, folded bool) {
	if lower, upper := unicode.ToLower(r), unicode.ToUpper(r); folded && lower != upper {
		w.WriteByte('[')
		w.WriteRune(lower)
		w.WriteRune(upper)
		w.WriteByte(']')
		return
	}
	if strings.ContainsRune(`.?+*|{}[]()"\#@&<>~^$-`, r) {
		w.WriteByte('\\')
	}
	w.WriteRune(r)
}

// class writes a set of characters, given as ranges.
func (w *luceneWriter) class(ranges []rune) {
	w.WriteByte('[')
	if n := len(ranges); n > 0 && ranges[n-1] == unicode.MaxRune { // all but a few
		w.WriteByte('^')
		var but []rune
		from := rune(0)
		for i := 0; i < n; i += 2 {
			if ranges[i] > from {
				but = append(but, from, ranges[i]-1)
			}
			from = ranges[i+1] + 1
		}
		if ranges = but; len(ranges) == 0 {
			w.lacks = true
		}
	}
	for i := 0; i+1 < len(ranges); i += 2 {
		w.inClass(ranges[i])
		if ranges[i+1] > ranges[i] {
			if ranges[i+1] > ranges[i]+1 {
				w.WriteByte('-')
			}
			w.inClass(ranges[i+1])
		}
	}
	w.WriteByte(']')
}

func (w *luceneWriter) inClass(r rune) {
	if strings.ContainsRune(`\[]^-"`, r) {
		w.WriteByte('\\')
	}
	w.WriteRune(r)
}
