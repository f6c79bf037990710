package syntax

import (
	"fmt"
	"slices"
	"strings"
)

// Usage is a usage line, parsed. The line is the grammar of an operator:
//
//	word                 a keyword
//	, = ; + - *          themselves
//	f(...)               parentheses that touch a word are themselves,
//	'('                  and so is what stands in single quotes
//	<slot:type>          a value, bound by the slot's name
//	<slot:type,...>      one or more of them, separated by commas
//	<slot:type...>       one or more, separated by white space
//	<slot:(a b|c),...>   the same for a group or one of several, each bound as one Clause
//	[a b]                optional
//	(a|b), [a|b]         one of
//	{a|b}                any of, in any order, each once; what starts with a comma goes
//	                     on a list and may come again
//
// The first word is the operator's name; a name of several words, or several
// names, stand in parentheses: (parse regex|extract). The types are in slotTypes.
type Usage struct {
	Line string
	// Parse reads the arguments of an operator whose grammar the line cannot
	// say. The line is then documentation only.
	Parse ParseFunc

	names [][]string // the operator's names, as words
	rest  []element
	known []Slot
	words []string
	// options are the keywords with = after them, in lower case.
	options map[string]bool
}

// Slot is a value that a usage line wants.
type Slot struct {
	Name, Type string // Type is "clause" for a group
	List       bool
}

// Slots lists the slots of the line, those in groups after their group.
func (u *Usage) Slots() []Slot { return u.known }

// Keywords lists the keywords of the line, each once, without the operator's name.
func (u *Usage) Keywords() []string { return u.words }

func (u *Usage) String() string { return u.Line }

// element is a part of a usage line.
type element interface{ element() }

type (
	keyword struct{ text string }
	sign    struct{ text string }
	slot    struct {
		name, typ string
		list      bool // separated by commas
		run       bool // repeated without anything between
		group     []element
	}
	option struct{ of [][]element } // [a|b]
	choice struct{ of [][]element } // (a|b)
	anyOf  struct{ of [][]element } // {a|b}
)

func (keyword) element() {}
func (sign) element()    {}
func (*slot) element()   {}
func (*option) element() {}
func (*choice) element() {}
func (*anyOf) element()  {}

// ParseUsage reads a usage line.
func ParseUsage(line string) (*Usage, error) {
	r := &usageReader{line: line}
	u := &Usage{Line: line, options: map[string]bool{}}
	r.blank()
	if r.at("(") {
		r.i++
		for {
			r.blank()
			start := r.i
			for r.i < len(line) && strings.IndexByte("|)", line[r.i]) < 0 {
				r.i++
			}
			words := strings.Fields(line[start:r.i])
			if len(words) == 0 || r.i == len(line) {
				return nil, r.wrong("a name of the operator is missing")
			}
			u.names = append(u.names, words)
			r.i++
			if line[r.i-1] == ')' {
				break
			}
		}
	} else if w := r.word(); w != "" {
		u.names = [][]string{{w}}
	} else {
		return nil, r.wrong("a usage line starts with the operator's name")
	}
	rest, err := r.sequence("")
	if err != nil {
		return nil, err
	}
	if r.i < len(line) {
		return nil, r.wrong("%q closes nothing", line[r.i:r.i+1])
	}
	u.rest = rest
	u.note(rest)
	return u, nil
}

func (u *Usage) isOption(word string) bool { return u.options[strings.ToLower(word)] }

func (u *Usage) note(list []element) {
	for i, e := range list {
		switch e := e.(type) {
		case keyword:
			if i+1 < len(list) && startsWithEquals(list[i+1]) {
				u.options[strings.ToLower(e.text)] = true
			}
			if !slices.Contains(u.words, e.text) {
				u.words = append(u.words, e.text)
			}
		case *slot:
			u.known = append(u.known, Slot{e.name, e.typ, e.list || e.run})
			u.note(e.group)
		default:
			for _, s := range parts(e) {
				u.note(s)
			}
		}
	}
}

// startsWithEquals recognises = and [=].
func startsWithEquals(e element) bool {
	if o, ok := e.(*option); ok && len(o.of) == 1 {
		e = first(o.of[0])
	}
	s, ok := e.(sign)
	return ok && s.text == "="
}

func parts(e element) [][]element {
	switch e := e.(type) {
	case *option:
		return e.of
	case *choice:
		return e.of
	case *anyOf:
		return e.of
	}
	return nil
}

// body is what follows the name the operator was written by.
func (u *Usage) body(name []token) []element {
	words := strings.Fields(strings.ToLower(joinWords(name)))
	for _, n := range u.names {
		if strings.EqualFold(strings.Join(n, " "), strings.Join(words, " ")) {
			return u.rest
		}
	}
	// The name is longer than the line's first word: json auto on a line that
	// starts so without parentheses.
	rest := u.rest
	for _, w := range words[1:] {
		k, ok := first(rest).(keyword)
		if !ok || !strings.EqualFold(k.text, w) || !strings.EqualFold(u.names[0][0], words[0]) {
			return u.rest
		}
		rest = rest[1:]
	}
	return rest
}

func first(list []element) element {
	if len(list) == 0 {
		return nil
	}
	return list[0]
}

type usageReader struct {
	line string
	i    int
}

func (r *usageReader) wrong(format string, args ...any) error {
	return fmt.Errorf("usage %q at %d: %s", r.line, r.i+1, fmt.Sprintf(format, args...))
}

func (r *usageReader) at(s string) bool { return strings.HasPrefix(r.line[r.i:], s) }

func (r *usageReader) blank() bool {
	start := r.i
	for r.i < len(r.line) && r.line[r.i] == ' ' {
		r.i++
	}
	return r.i > start
}

func (r *usageReader) word() string {
	start := r.i
	if r.i < len(r.line) && isNameStart(r.line[r.i]) {
		r.i = nameEnd(r.line, r.i)
	}
	return r.line[start:r.i]
}

// sequence reads up to one of the closing signs, which it leaves.
func (r *usageReader) sequence(until string) ([]element, error) {
	var list []element
	for {
		touches := !r.blank() && r.i > 0
		if r.i >= len(r.line) {
			if until != "" {
				return nil, r.wrong("%s is missing", until[len(until)-1:])
			}
			return list, nil
		}
		c := r.line[r.i]
		switch {
		case strings.IndexByte(until, c) >= 0:
			return list, nil
		case c == '(' && touches && isNameByte(r.line[r.i-1]):
			r.i++
			inner, err := r.sequence(")")
			if err != nil {
				return nil, err
			}
			r.i++
			list = append(append(append(list, sign{"("}), inner...), sign{")"})
		case c == '(':
			of, err := r.alternatives(")")
			if err != nil {
				return nil, err
			}
			list = append(list, &choice{of})
		case c == '[':
			of, err := r.alternatives("]")
			if err != nil {
				return nil, err
			}
			list = append(list, &option{of})
		case c == '{':
			of, err := r.alternatives("}")
			if err != nil {
				return nil, err
			}
			list = append(list, &anyOf{of})
		case c == '<':
			s, err := r.slot()
			if err != nil {
				return nil, err
			}
			list = append(list, s)
		case c == '\'':
			n := strings.IndexByte(r.line[r.i+1:], '\'')
			if n < 1 {
				return nil, r.wrong("' is missing")
			}
			list = append(list, sign{r.line[r.i+1 : r.i+1+n]})
			r.i += n + 2
		case strings.IndexByte(",=;+-*/:", c) >= 0:
			list = append(list, sign{string(c)})
			r.i++
		default:
			w := r.word()
			if w == "" {
				return nil, r.wrong("%q has no meaning here", r.line[r.i:r.i+1])
			}
			list = append(list, keyword{w})
		}
	}
}

func (r *usageReader) alternatives(until string) ([][]element, error) {
	r.i++
	var of [][]element
	for {
		s, err := r.sequence("|" + until)
		if err != nil {
			return nil, err
		}
		if len(s) == 0 {
			return nil, r.wrong("an alternative is empty")
		}
		of = append(of, s)
		r.i++
		if r.line[r.i-1] != '|' {
			return of, nil
		}
	}
}

func (r *usageReader) slot() (*slot, error) {
	r.i++
	s := &slot{name: r.word()}
	if s.name == "" || !r.at(":") {
		return nil, r.wrong("a slot is written <name:type>")
	}
	r.i++
	if r.at("(") {
		of, err := r.alternatives(")")
		if err != nil {
			return nil, err
		}
		s.typ, s.group = "clause", []element{&choice{of}}
	} else if s.typ = r.word(); slotTypes[s.typ].what == "" {
		return nil, r.wrong("there is no slot type %q", s.typ)
	}
	if r.at(",...") {
		s.list = true
		r.i += len(",...")
	} else if r.at("...") {
		s.run = true
		r.i += len("...")
	}
	if !r.at(">") {
		return nil, r.wrong("> is missing")
	}
	r.i++
	return s, nil
}

// ---- what may come next

// nullable reports whether an element may be nothing.
func nullable(e element) bool {
	switch e := e.(type) {
	case *option, *anyOf:
		return true
	case *choice:
		return slices.ContainsFunc(e.of, allNullable)
	}
	return false
}

func allNullable(list []element) bool {
	for _, e := range list {
		if !nullable(e) {
			return false
		}
	}
	return true
}

// startsWith reports whether the arguments of the operator may start with t.
func (u *Usage) startsWith(p *parser, name []token, t token) bool {
	return startAll(p, u.body(name), t)
}

func startAll(p *parser, list []element, t token) bool {
	for _, e := range list {
		if start(p, e, t) {
			return true
		}
		if !nullable(e) {
			return false
		}
	}
	return false
}

func start(p *parser, e element, t token) bool {
	switch e := e.(type) {
	case keyword:
		return t.kind == tokWord && strings.EqualFold(t.text, e.text)
	case sign:
		return t.kind == tokPunct && strings.HasPrefix(e.text, t.text)
	case *slot:
		if e.group != nil {
			return startAll(p, e.group, t)
		}
		return slotTypes[e.typ].starts(p, t)
	}
	for _, s := range parts(e) {
		if startAll(p, s, t) {
			return true
		}
	}
	return false
}
