package syntax

import (
	"strings"
)

// matcher reads the arguments of one stage, or of one clause, by the elements
// of a usage line. It looks one token ahead and goes back where that was not
// enough, but never over an expression or a child query: those are read once.
type matcher struct {
	p     *parser
	usage *Usage
	out   *[]Arg
	lead  string // punctuation taken since the last argument
}

// point is a state to go back to.
type point struct {
	pos, last, args, diags int
	lead                   string
}

func (m *matcher) mark() point {
	return point{m.p.pos, m.p.last, len(*m.out), len(m.p.diags), m.lead}
}

func (m *matcher) back(to point) {
	p := m.p
	if p.failed { // what reading ahead has met is a mistake all the same
		return
	}
	p.pos, p.last, m.lead = to.pos, to.last, to.lead
	*m.out = (*m.out)[:to.args]
	for _, d := range p.diags[to.diags:] {
		delete(p.seen, mistake{d.Code, d.Span.Start})
	}
	p.diags = p.diags[:to.diags]
}

func (m *matcher) add(slot string, n Node) {
	*m.out = append(*m.out, Arg{Slot: slot, Value: n, Lead: leadText(m.lead)})
	m.lead = ""
}

// leadText is punctuation as it stands before a value.
func leadText(signs string) string {
	if strings.HasSuffix(signs, ",") || strings.HasSuffix(signs, ")") {
		return signs + " "
	}
	return signs
}

func (m *matcher) sequence(list []element) bool {
	for _, e := range list {
		if !m.element(e) {
			return false
		}
	}
	return true
}

func (m *matcher) element(e element) bool {
	p := m.p
	switch e := e.(type) {
	case keyword:
		t := p.peek()
		if t.kind != tokWord || !strings.EqualFold(t.text, e.text) {
			p.wanted(e.text)
			return false
		}
		p.next()
		m.add(e.text, &Name{Pos: t.span(), Text: t.text})
		return true
	case sign:
		return m.sign(e.text)
	case *slot:
		return m.slot(e)
	case *option:
		_, ok := m.oneOf(e.of, nil)
		return ok || !p.failed
	case *choice:
		_, ok := m.oneOf(e.of, nil)
		return ok
	case *anyOf:
		used := make([]bool, len(e.of))
		for {
			i, ok := m.oneOf(e.of, used)
			if !ok {
				return !p.failed
			}
			used[i] = !again(e.of[i])
		}
	}
	return false
}

// again reports whether an alternative of {...} may be written more than once: a
// keyword alone, which says the same each time, and what goes on a list.
func again(list []element) bool {
	switch e := first(list).(type) {
	case keyword:
		return len(list) == 1
	case sign:
		return e.text == ","
	}
	return false
}

// sign takes a literal sign, which may be of several tokens: +-.
func (m *matcher) sign(text string) bool {
	p := m.p
	to := m.mark()
	for left := text; left != ""; {
		t := p.peek()
		if t.kind != tokPunct || !strings.HasPrefix(left, t.text) {
			p.want(t, want{what: text, code: signNames[text]})
			m.back(to)
			return false
		}
		p.next()
		left = left[len(t.text):]
	}
	switch text {
	case ",", "=", ";", "(", ")", ":":
		m.lead += text
	default:
		m.add(text, &Name{Pos: p.between(to.pos), Text: text})
	}
	return true
}

var signNames = map[string]string{"=": "assignment", ",": "comma", "(": "paren", ")": "paren", ":": "colon"}

// oneOf matches the first alternative that fits, those that start with a keyword
// before those that start with a value: an option's word is no field. Alternatives
// in used are left out.
func (m *matcher) oneOf(of [][]element, used []bool) (int, bool) {
	p := m.p
	t := p.peek()
	for _, word := range []bool{true, false} {
		for i, list := range of {
			if startsWithWord(list) != word {
				continue
			}
			if used != nil && used[i] || !startAll(p, list, t) {
				m.expect(list)
				continue
			}
			to := m.mark()
			if m.sequence(list) && p.pos > to.pos {
				return i, true
			}
			if p.failed {
				return i, false
			}
			m.back(to)
		}
	}
	return 0, false
}

// startsWithWord reports whether a list starts with a keyword, an optional comma
// before it aside.
func startsWithWord(list []element) bool {
	for _, e := range list {
		if o, ok := e.(*option); ok && optionalComma(o.of[0]) {
			continue
		}
		switch e := e.(type) {
		case keyword, sign:
			return true
		case *choice:
			return startsWithWord(e.of[0])
		case *slot:
			return e.group != nil && startsWithWord(e.group)
		}
		return false
	}
	return false
}

// atOption reports whether the word t and the sign after it are an option of the
// operator, limit=5, so that no list goes on with it.
func (m *matcher) atOption(t token) bool {
	return t.kind == tokWord && m.usage != nil && m.usage.isOption(t.text) && m.p.after(t).is("=")
}

// expect notes what a list could have started with.
func (m *matcher) expect(list []element) {
	p := m.p
	for _, e := range list {
		switch e := e.(type) {
		case keyword:
			p.wanted(e.text)
		case sign:
			p.want(p.peek(), want{what: e.text, code: signNames[e.text]})
		case *slot:
			if e.group != nil {
				m.expect(e.group)
			} else {
				p.want(p.peek(), wantSlot(e))
			}
		default:
			for _, s := range parts(e) {
				if !optionalComma(s) {
					m.expect(s)
				}
			}
		}
		if !nullable(e) {
			return
		}
	}
}

// optionalComma is the [,] before an option, of which no message need speak.
func optionalComma(list []element) bool {
	return len(list) == 1 && list[0] == element(sign{","})
}

func (m *matcher) slot(s *slot) bool {
	p := m.p
	// Names may stand in parentheses: as (a, b), total (x).
	if t := p.peek(); t.is("(") && s.typ == "field" {
		p.next()
		m.lead += " ("
		if !m.items(s) || !p.peek().is(")") {
			p.want(p.peek(), want{what: ")", code: "paren"})
			return false
		}
		p.next()
		m.lead += ")"
		return true
	}
	return m.items(s)
}

func (m *matcher) items(s *slot) bool {
	if !m.item(s) {
		return false
	}
	for s.run && start(m.p, s, m.p.peek()) && !m.atOption(m.p.peek()) {
		to := m.mark()
		if !m.item(s) {
			if !m.p.failed {
				m.back(to)
			}
			return !m.p.failed
		}
	}
	for s.list && m.p.peek().is(",") {
		to := m.mark()
		m.p.next()
		m.lead += ","
		if t := m.p.peek(); !start(m.p, s, t) || m.atOption(t) {
			m.expect([]element{s})
			m.back(to)
			return true
		}
		if !m.item(s) {
			if m.p.failed {
				return false
			}
			m.back(to)
			return true
		}
	}
	return true
}

func (m *matcher) item(s *slot) bool {
	p := m.p
	at := p.peek()
	if s.group != nil {
		c := &Clause{}
		inner := &matcher{p: p, usage: m.usage, out: &c.Args}
		ok := inner.sequence(s.group)
		c.Tail = inner.lead
		c.Pos = p.between(at.start)
		if ok || p.failed {
			m.add(s.name, c)
		}
		return ok
	}
	n := slotTypes[s.typ].read(p)
	if n == nil || p.failed {
		if !p.failed {
			p.want(p.peek(), wantSlot(s))
		}
		return false
	}
	m.add(s.name, n)
	return true
}
