package convert

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"

	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/sigma"
)

// A query may take characters out of a text before it looks at it, the quotes and
// carets that a command line is obfuscated with, or take an ending away. What it
// asks of the rest can be asked of the text itself: between any two characters
// that are looked for those that are taken out may stand.

// takenOut reads the pattern of replace(x, /[...]/, ""), as the query writes it,
// where it takes single characters out that have no letter case.
func takenOut(pattern string) (runes []rune, ok bool) {
	re, ok := slashed(pattern)
	if !ok {
		return nil, false
	}
	if re.Op == syntax.OpPlus { // runs of them: all are taken out anyway
		re = re.Sub[0]
	}
	switch {
	case re.Op == syntax.OpLiteral && len(re.Rune) == 1:
		runes = re.Rune
	case re.Op == syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			if re.Rune[i+1]-re.Rune[i] > takenOutMax {
				return nil, false
			}
			for r := re.Rune[i]; r <= re.Rune[i+1]; r++ {
				runes = append(runes, r)
			}
		}
	}
	return runes, len(runes) > 0 && len(runes) <= takenOutMax &&
		!slices.ContainsFunc(runes, func(r rune) bool { return unicode.ToLower(r) != r || unicode.ToUpper(r) != r || r == '\n' })
}

// cutEnding reads the pattern of replace(x, /text$/, "").
func cutEnding(pattern string) (text string, ok bool) {
	re, ok := slashed(pattern)
	if !ok || re.Op != syntax.OpConcat || len(re.Sub) != 2 || re.Sub[0].Op != syntax.OpLiteral || re.Sub[0].Flags&syntax.FoldCase != 0 || re.Sub[1].Op != syntax.OpEndText {
		return "", false
	}
	return string(re.Sub[0].Rune), true
}

// slashed parses a pattern between slashes.
func slashed(pattern string) (*syntax.Regexp, bool) {
	inner, ok := strings.CutPrefix(pattern, "/")
	if inner, ok2 := strings.CutSuffix(inner, "/"); ok && ok2 {
		re, err := syntax.Parse(inner, syntax.Perl)
		return re, err == nil
	}
	return nil, false
}

// edited is that a pattern is found in a text that something was taken out of.
func (s subject) edited(pattern string) (Cond, error) {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, refusedf("the pattern looks around, and in a text that something was taken out of there is no telling what stands there")
	}
	if s.ending != "" {
		rest := s
		rest.ending = ""
		longer, err := withEnding(pattern, tree, s.ending)
		if err != nil {
			return nil, err
		}
		cut, err := rest.regexp(longer)
		if err != nil {
			return nil, err
		}
		whole, err := rest.regexp(pattern)
		if err != nil {
			return nil, err
		}
		ends, err := rest.glob(match.NewGlob([]string{"", s.ending}, false))
		return anyOf([]Cond{cut, allOf([]Cond{whole, negate(ends)})}), err
	}
	w := &between{out: s.without}
	text, err := w.write(tree, true, true)
	if err != nil {
		return nil, err
	}
	if len(text) > editedBytesMax {
		return nil, refusedf("the pattern is too long once %s may stand between all its characters", w.class(false))
	}
	rest := s
	rest.without = nil
	if rest.form != asIs && !ignorable(tree, rest.form) {
		return nil, errCapitals
	}
	return &Match{Field: s.field, Value: sigma.Regexp{Pattern: text, IgnoreCase: rest.form != asIs}}, nil
}

// withEnding is a pattern that finds in a text with an ending what pattern finds
// in the text without it.
func withEnding(pattern string, tree *syntax.Regexp, ending string) (string, error) {
	ends, boundaries := 0, 0
	var count func(*syntax.Regexp)
	count = func(re *syntax.Regexp) {
		switch re.Op {
		case syntax.OpEndText, syntax.OpEndLine:
			ends++
		case syntax.OpWordBoundary, syntax.OpNoWordBoundary:
			boundaries++
		}
		for _, sub := range re.Sub {
			count(sub)
		}
	}
	count(tree)
	switch first := rune(ending[0]); {
	case boundaries > 0 && syntax.IsWordChar(first):
	case ends == 0:
		return "(?:" + pattern + ")(?s:.*)" + regexp.QuoteMeta(ending) + "$", nil
	case ends == 1 && tree.Op == syntax.OpConcat && tree.Sub[len(tree.Sub)-1].Op == syntax.OpEndText && strings.HasSuffix(pattern, "$"):
		return strings.TrimSuffix(pattern, "$") + regexp.QuoteMeta(ending) + "$", nil
	}
	return "", refusedf("the pattern asks for the end of a text whose ending was cut off in more than one way")
}

// between writes a pattern with characters that may stand between all others.
type between struct{ out []rune }

// any is that they stand there or not.
func (w *between) any() string { return w.class(false) + "*" }

// class is one of them, or none of them and no letter, digit or _.
func (w *between) class(noWord bool) string {
	var b strings.Builder
	b.WriteByte('[')
	if noWord {
		b.WriteString(`^\w`)
	}
	for _, r := range w.out {
		writeInClass(&b, r)
	}
	b.WriteByte(']')
	return b.String()
}

func writeInClass(b *strings.Builder, r rune) {
	switch {
	case strings.ContainsRune(`\]^-[`, r):
		b.WriteByte('\\')
		b.WriteRune(r)
	case r < ' ' || r > '~':
		fmt.Fprintf(b, `\x{%x}`, r)
	default:
		b.WriteRune(r)
	}
}

const never = `[^\x00-\x{10ffff}]`

// write writes a part of a pattern. head and tail say that nothing stands before
// and behind it, where a word boundary may take a character of its own.
func (w *between) write(re *syntax.Regexp, head, tail bool) (string, error) {
	group := func(sub *syntax.Regexp, behind string) (string, error) {
		text, err := w.write(sub, false, false)
		return "(?:" + text + ")" + behind, err
	}
	switch re.Op {
	case syntax.OpEmptyMatch:
		return "", nil
	case syntax.OpNoMatch:
		return never, nil
	case syntax.OpLiteral:
		var b strings.Builder
		for _, r := range re.Rune {
			if slices.Contains(w.out, r) {
				return never, nil
			}
			b.WriteString(w.any())
			if re.Flags&syntax.FoldCase != 0 && unicode.SimpleFold(r) != r {
				b.WriteString("(?i:" + regexp.QuoteMeta(string(r)) + ")")
			} else {
				b.WriteString(regexp.QuoteMeta(string(r)))
			}
		}
		return b.String(), nil
	case syntax.OpCharClass:
		return w.any() + w.classOf(re.Rune), nil
	case syntax.OpAnyCharNotNL:
		return w.any() + w.classOf([]rune{0, '\n' - 1, '\n' + 1, unicode.MaxRune}), nil
	case syntax.OpAnyChar:
		return w.any() + w.classOf([]rune{0, unicode.MaxRune}), nil
	case syntax.OpBeginText:
		return "^", nil
	case syntax.OpEndText:
		return w.any() + "$", nil
	case syntax.OpCapture:
		text, err := w.write(re.Sub[0], head, tail)
		return "(?:" + text + ")", err
	case syntax.OpStar:
		return group(re.Sub[0], "*")
	case syntax.OpPlus:
		return group(re.Sub[0], "+")
	case syntax.OpQuest:
		return group(re.Sub[0], "?")
	case syntax.OpRepeat:
		if re.Max < 0 {
			return group(re.Sub[0], fmt.Sprintf("{%d,}", re.Min))
		}
		return group(re.Sub[0], fmt.Sprintf("{%d,%d}", re.Min, re.Max))
	case syntax.OpAlternate:
		var of []string
		for _, sub := range re.Sub {
			text, err := w.write(sub, head, tail)
			if err != nil {
				return "", err
			}
			of = append(of, text)
		}
		return "(?:" + strings.Join(of, "|") + ")", nil
	case syntax.OpConcat:
		var b strings.Builder
		for i, sub := range re.Sub {
			first, last := i == 0, i == len(re.Sub)-1
			if sub.Op == syntax.OpWordBoundary {
				text := ""
				switch {
				case tail && last && wordly(re.Sub[:i], false):
					text = w.any() + "(?:$|" + w.class(true) + ")"
				case head && first && wordly(re.Sub[i+1:], true):
					text = "(?:^|" + w.class(true) + ")"
				default:
					return "", errBoundary
				}
				b.WriteString(text)
				continue
			}
			text, err := w.write(sub, head && first, tail && last)
			if err != nil {
				return "", err
			}
			b.WriteString(text)
		}
		return b.String(), nil
	}
	return "", errBoundary
}

var (
	errBoundary = refusedf("the pattern asks for a word boundary or a line's end in a text that something was taken out of")
	errCapitals = refusedf("the pattern tells capitals from small letters, and the text has only one of them")
)

// classOf writes a class without what is taken out.
func (w *between) classOf(ranges []rune) string {
	var in, out []rune // what it has, what it lacks
	at := rune(0)
	for i := 0; i < len(ranges); i += 2 {
		if ranges[i] > at {
			out = append(out, at, ranges[i]-1)
		}
		in = append(in, ranges[i], ranges[i+1])
		at = ranges[i+1] + 1
	}
	if at <= unicode.MaxRune {
		out = append(out, at, unicode.MaxRune)
	}
	var b strings.Builder
	each := func(of []rune, with func(lo, hi rune)) {
		for i := 0; i < len(of); i += 2 {
			with(of[i], of[i+1])
		}
	}
	span := func(lo, hi rune) {
		writeInClass(&b, lo)
		if hi > lo {
			if hi > lo+1 {
				b.WriteByte('-')
			}
			writeInClass(&b, hi)
		}
	}
	if len(in) > 0 && in[len(in)-1] == unicode.MaxRune { // of the kind [^...]
		b.WriteString("[^")
		each(out, span)
		for _, r := range w.out {
			writeInClass(&b, r)
		}
		return b.String() + "]"
	}
	b.WriteByte('[')
	each(in, func(lo, hi rune) {
		for _, r := range w.out {
			if lo <= r && r <= hi {
				if r > lo {
					span(lo, r-1)
				}
				lo = r + 1
			}
		}
		if lo <= hi {
			span(lo, hi)
		}
	})
	if b.Len() == 1 {
		return never
	}
	return b.String() + "]"
}

// wordly reports whether the first, or last, character of what patterns one behind
// the other match is always a letter, a digit or _, and there always is one.
func wordly(of []*syntax.Regexp, first bool) bool {
	word, other, empty := edges(&syntax.Regexp{Op: syntax.OpConcat, Sub: of}, first)
	return word && !other && !empty
}

// edges says what the first, or last, character of what a pattern matches may be:
// one of a word, another, or none at all.
func edges(re *syntax.Regexp, first bool) (word, other, empty bool) {
	of := func(r rune) {
		word, other = word || syntax.IsWordChar(r), other || !syntax.IsWordChar(r)
	}
	join := func(sub *syntax.Regexp) (nullable bool) {
		w, o, e := edges(sub, first)
		word, other = word || w, other || o
		return e
	}
	switch re.Op {
	case syntax.OpLiteral:
		if first {
			of(re.Rune[0])
		} else {
			of(re.Rune[len(re.Rune)-1])
		}
	case syntax.OpCharClass:
		for i := 0; i < len(re.Rune); i += 2 {
			for r := re.Rune[i]; r <= min(re.Rune[i+1], re.Rune[i]+unicode.MaxASCII); r++ {
				of(r)
			}
			other = other || re.Rune[i+1] > unicode.MaxASCII
		}
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return true, true, false
	case syntax.OpCapture, syntax.OpPlus:
		empty = join(re.Sub[0])
	case syntax.OpStar, syntax.OpQuest:
		join(re.Sub[0])
		empty = true
	case syntax.OpRepeat:
		empty = join(re.Sub[0]) || re.Min == 0
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			empty = join(sub) || empty
		}
	case syntax.OpConcat:
		empty = true
		for i := range re.Sub {
			sub := re.Sub[i]
			if !first {
				sub = re.Sub[len(re.Sub)-1-i]
			}
			if empty = join(sub); !empty {
				break
			}
		}
	default:
		empty = true
	}
	return word, other, empty
}
