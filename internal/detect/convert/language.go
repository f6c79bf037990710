package convert

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/sigma"
)

// language is how one target writes conditions. match is required, and writes
// what is one term whatever stands beside it; list, when set, writes several
// texts that one field may be equal to.
type language struct {
	and, or string // with their blanks
	not     func(string) string
	match   func(*Match) (string, error)
	list    func(field string, texts []string) (string, error)
	apart   func(m *Match, text string) bool // texts that do not go into a list; nil for none
	// base, when set, writes several names of files that a field of paths may end in, by
	// the column of their names or a pattern; nil for a field that has neither.
	base func(field string) func(names []string) (string, error)
	// patterns, when set, writes several patterns that one field of texts may fit.
	patterns func(field string, of []sigma.String) (string, error)
	// top stands between the parts of the condition as a whole; "" for and.
	top string
	// notAlone says that NOT stands in parentheses within OR: in Lucene, NOT
	// forbids for the whole group that it stands in.
	notAlone bool
	// wrote, when set, is told of each term that is written, and of what.
	wrote func(c Cond, text string)
}

// write renders a condition that stands alone.
func (l *language) write(c Cond) (string, error) { return l.at(c, alone) }

// term is a part of a query that is one whatever stands beside it, and what it
// says: a comparison, or several of a list.
type term struct {
	of   Cond
	text string
}

// say writes the condition of a rule.
func (in *Input) say(l *language, c Cond, where within) (string, error) {
	if in.wrote == nil {
		return l.at(c, where)
	}
	var terms []term
	l.wrote = func(c Cond, text string) { terms = append(terms, term{c, text}) }
	s, err := l.at(c, where)
	if err == nil {
		in.wrote(l, c, terms)
	}
	return s, err
}

// within is what a condition stands in. Where AND and OR meet there are
// parentheses, in every language: which of the two binds tighter differs
// (Splunk's search and LogScale: OR; Lucene: neither; the others: AND).
type within uint8

const (
	alone within = iota
	inAnd
	inOr
)

func (l *language) at(c Cond, in within) (string, error) {
	top := l.top
	l.top = ""
	defer func() { l.top = top }()
	switch c := c.(type) {
	case *And:
		var parts []string
		for _, x := range c.Of {
			s, err := l.at(x, inAnd)
			if err != nil {
				return "", err
			}
			parts = append(parts, s)
		}
		between := l.and
		if top != "" {
			between = top
		}
		s := strings.Join(parts, between)
		if in == inOr {
			s = "(" + s + ")"
		}
		return s, nil
	case *Or:
		parts, err := l.lists(c.Of)
		if err != nil {
			return "", err
		}
		if len(parts) == 1 {
			return parts[0], nil
		}
		s := strings.Join(parts, l.or)
		if in == inAnd {
			s = "(" + s + ")"
		}
		return s, nil
	case *Not:
		s, err := l.at(c.X, alone)
		if err != nil {
			return "", err
		}
		s = l.not(s)
		if l.notAlone && in == inOr {
			s = "(" + s + ")"
		}
		return s, nil
	case *Match:
		return l.term(c)
	}
	panic("bug: convert: unknown condition")
}

func (l *language) term(m *Match) (string, error) {
	s, err := l.match(m)
	if l.wrote != nil && err == nil {
		l.wrote(m, s)
	}
	return s, err
}

// lists writes the parts of an Or, those that compare one field with plain
// texts together where the language can.
func (l *language) lists(of []Cond) ([]string, error) {
	var parts []string
	for i := 0; i < len(of); i++ {
		if s, n, err := l.bases(of[i:]); err != nil {
			return nil, err
		} else if n > 0 {
			parts = append(parts, s)
			i += n - 1
			continue
		}
		if s, n, err := l.anyPattern(of[i:]); err != nil {
			return nil, err
		} else if n > 0 {
			parts = append(parts, s)
			i += n - 1
			continue
		}
		if l.list != nil {
			var texts []string
			field, j := "", i
			for ; j < len(of); j++ {
				m, ok := of[j].(*Match)
				if !ok || m.Field == "" || len(texts) > 0 && m.Field != field {
					break
				}
				s, ok := m.Value.(sigma.String)
				text, plain := s.Plain()
				if !ok || !plain || s.Cased || text == "" || l.apart != nil && l.apart(m, text) {
					break
				}
				field, texts = m.Field, append(texts, text)
			}
			if len(texts) > 1 {
				s, err := l.list(field, texts)
				if err != nil {
					return nil, err
				}
				if l.wrote != nil {
					l.wrote(&Or{of[i:j]}, s)
				}
				parts = append(parts, s)
				i = j - 1
				continue
			}
		}
		s, err := l.at(of[i], inOr)
		if err != nil {
			return nil, err
		}
		parts = append(parts, s)
	}
	return parts, nil
}

// anyPattern writes the patterns that one field of texts may fit, from the first of some
// conditions on, and how many of them that says: none, or two and more.
func (l *language) anyPattern(of []Cond) (s string, n int, err error) {
	if l.patterns == nil {
		return "", 0, nil
	}
	field, texts := "", []sigma.String(nil)
	for _, c := range of {
		m, ok := c.(*Match)
		if !ok || m.Field == "" || m.Type == mapping.Words || m.Type >= mapping.Number || len(texts) > 0 && m.Field != field {
			break
		}
		v, ok := m.Value.(sigma.String)
		k, text := shapeOf(v)
		if !ok || v.Cased || k == exact || k == present || k == wild || m.Type == mapping.Small || has(v, "*?") || text == "" {
			break
		}
		field, texts = m.Field, append(texts, v)
	}
	if len(texts) < 2 {
		return "", 0, nil
	}
	s, err = l.patterns(field, texts)
	if err == nil && l.wrote != nil {
		l.wrote(&Or{of[:len(texts)]}, s)
	}
	return s, len(texts), err
}

// bases writes the names of files that one field of paths may end in, from the first
// of some conditions on, and how many of them that says: none, or two and more.
func (l *language) bases(of []Cond) (s string, n int, err error) {
	if l.base == nil {
		return "", 0, nil
	}
	field, names := "", []string(nil)
	for _, c := range of {
		m, name := endsInName(c)
		if m == nil || len(names) > 0 && m.Field != field {
			break
		}
		field, names = m.Field, append(names, name)
	}
	if len(names) < 2 {
		return "", 0, nil
	}
	write := l.base(field)
	if write == nil {
		return "", 0, nil
	}
	s, err = write(names)
	if err == nil && l.wrote != nil {
		l.wrote(&Or{of[:len(names)]}, s)
	}
	return s, len(names), err
}

// endsInName reads a comparison that a path ends in a file's name, \cmd.exe: the same as
// that its last part is cmd.exe, as a path of a file with an extension has a folder.
func endsInName(c Cond) (m *Match, name string) {
	m, ok := c.(*Match)
	if !ok || m.Field == "" {
		return nil, ""
	}
	s, ok := m.Value.(sigma.String)
	if !ok || s.Cased {
		return nil, ""
	}
	k, text := shapeOf(s)
	name, ok = strings.CutPrefix(text, `\`)
	if k != suffixed || !ok || strings.ContainsAny(name, `\/*?"`) || strings.LastIndexByte(name, '.') < 1 {
		return nil, ""
	}
	return m, name
}

// refuse makes the error for what a language cannot say.
func refuse(m *Match, format string, args ...any) error {
	return &Refusal{Span: m.Span, Where: m.Field, What: fmt.Sprintf(format, args...)}
}

// shape is what of a text a pattern fixes.
type shape uint8

const (
	exact shape = iota
	prefixed
	suffixed
	contained
	present // any text at all
	wild    // anything else
)

// shapeOf reads a Sigma text as one of the shapes every language has; text is
// what stands between the wildcards.
func shapeOf(s sigma.String) (k shape, text string) {
	parts := s.Parts
	if len(parts) == 1 && parts[0].Kind == sigma.AnyRun {
		return present, ""
	}
	before, behind := false, false
	if len(parts) > 0 && parts[0].Kind == sigma.AnyRun {
		before, parts = true, parts[1:]
	}
	if len(parts) > 0 && parts[len(parts)-1].Kind == sigma.AnyRun {
		behind, parts = true, parts[:len(parts)-1]
	}
	switch {
	case len(parts) == 0:
		text = ""
	case len(parts) == 1 && parts[0].Kind == sigma.Literal:
		text = parts[0].Text
	default:
		return wild, ""
	}
	switch {
	case before && behind:
		return contained, text
	case before:
		return suffixed, text
	case behind:
		return prefixed, text
	}
	return exact, text
}

// patternOf is one regular expression for several texts.
func patternOf(of []sigma.String) string {
	each := make([]string, len(of))
	for i, s := range of {
		each[i] = pattern(s)
	}
	return "(?:" + strings.Join(each, "|") + ")"
}

// pattern is a Sigma text as a regular expression over the whole value, letter
// case to be ignored by the caller.
func pattern(s sigma.String) string {
	var b strings.Builder
	b.WriteByte('^')
	for i, p := range s.Parts {
		switch p.Kind {
		case sigma.AnyRun:
			switch {
			case i == 0:
				b.Reset()
			case i < len(s.Parts)-1:
				b.WriteString(".*")
			}
		case sigma.AnyOne:
			b.WriteByte('.')
		default:
			b.WriteString(regexp.QuoteMeta(p.Text))
		}
	}
	if n := len(s.Parts); n == 0 || s.Parts[n-1].Kind != sigma.AnyRun {
		b.WriteByte('$')
	}
	return b.String()
}

// anywhere is a Sigma text as a regular expression that finds it wherever it stands.
func anywhere(s sigma.String) string {
	parts := s.Parts
	for len(parts) > 0 && parts[0].Kind == sigma.AnyRun {
		parts = parts[1:]
	}
	for len(parts) > 0 && parts[len(parts)-1].Kind == sigma.AnyRun {
		parts = parts[:len(parts)-1]
	}
	return wildcards(sigma.String{Parts: parts}, ".*", ".", regexp.QuoteMeta)
}

// wildcards writes a Sigma text with a language's wildcards, its plain text
// escaped by escape.
func wildcards(s sigma.String, any, one string, escape func(string) string) string {
	var b strings.Builder
	for _, p := range s.Parts {
		switch p.Kind {
		case sigma.AnyRun:
			b.WriteString(any)
		case sigma.AnyOne:
			b.WriteString(one)
		default:
			b.WriteString(escape(p.Text))
		}
	}
	return b.String()
}

// has reports whether a text's plain parts hold one of some bytes.
func has(s sigma.String, bytes string) bool {
	for _, p := range s.Parts {
		if p.Kind == sigma.Literal && strings.ContainsAny(p.Text, bytes) {
			return true
		}
	}
	return false
}

// oddCase reports whether a text has letters that are equal to others, letter
// case aside, and yet do not become the same in lower case: the micro sign and
// the Greek mu.
func oddCase(text string) bool {
	for _, r := range text {
		if r < utf8.RuneSelf {
			continue
		}
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			if unicode.ToLower(f) != unicode.ToLower(r) {
				return true
			}
		}
	}
	return false
}

// hasOne reports whether a text has the wildcard for one character.
func hasOne(s sigma.String) bool {
	for _, p := range s.Parts {
		if p.Kind == sigma.AnyOne {
			return true
		}
	}
	return false
}

// re2 reports whether a regular expression is of the syntax that Go, RE2 and
// (nearly) every target shares: no lookaround, no backreferences.
func re2(r sigma.Regexp) bool {
	_, err := syntax.Parse(r.Syntax(), syntax.Perl)
	return err == nil
}

// quoted puts text between quotes, with the given replacements.
func quoted(quote, text string, pairs ...string) string {
	return quote + strings.NewReplacer(pairs...).Replace(text) + quote
}
