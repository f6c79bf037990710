package syntax

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
)

// want is something that could have stood at a place.
type want struct {
	what string // "a field", "nodrop"
	code string // after expected-
	word string // the keyword, to compare misspelt ones with

	// Set when more can be said than that it is not there.
	message, help, full string // full is the whole code
	fix                 *diag.Fix
	at                  *diag.Span

	typ, slot string // for a Probe: the type of slot, and its name
}

// expectation is what could have stood at the furthest place that was looked
// at. Alternatives that gave up earlier were not meant.
type expectation struct {
	at   int
	want []want
}

// want notes that something could have stood at t.
func (p *parser) want(t token, w want) {
	p.probed(t, w)
	if p.failed || p.quiet || t.start < p.expect.at {
		return
	}
	if t.start > p.expect.at {
		p.expect = expectation{at: t.start}
	}
	for _, o := range p.expect.want {
		if o.what == w.what && o.message == w.message {
			return
		}
	}
	p.expect.want = append(p.expect.want, w)
}

func (p *parser) wanted(word string) {
	p.want(p.peek(), want{what: word, code: word, word: word})
}

func wantOf(typ string) want {
	return want{what: slotTypes[typ].what, code: slotTypes[typ].code, typ: typ}
}

func wantSlot(s *slot) want {
	w := wantOf(s.typ)
	w.slot = s.name
	return w
}

// report turns what was expected into a finding. name is what wants it, form how
// it is written.
func (p *parser) report(name, form string) {
	if p.failed {
		return
	}
	t := p.lex(p.expect.at)
	if p.failed { // a macro or a string without an end
		return
	}
	at := t.span()
	ended := t.kind == tokEnd || t.is("|") || t.is(")") && p.expect.at == t.start && p.depth > 0
	if t.kind == tokEnd || t.is("|") {
		n := len(strings.TrimRightFunc(p.src[:t.start], isSpace))
		at = diag.Span{Start: n, End: n}
	}
	for _, w := range p.expect.want {
		if w.message != "" {
			if w.at != nil {
				at = *w.at
			}
			d := p.fail(w.full, at, w.message, w.help)
			d.Fix = w.fix
			return
		}
	}
	var whats, words []string
	for _, w := range p.expect.want {
		whats = append(whats, w.what)
		if w.word != "" {
			words = append(words, w.word)
		}
	}
	list := orList(whats)
	message := fmt.Sprintf("%s wants %s", name, list)
	if ended {
		message += " here"
	} else {
		message += ", and this is " + show(t)
	}
	code := "end"
	if i := slices.IndexFunc(p.expect.want, func(w want) bool { return w.code != "" }); i >= 0 {
		code = p.expect.want[i].code
	}
	d := p.fail("expected-"+strings.ToLower(strings.ReplaceAll(code, ".", "-")), at, message, "")
	d.Mark = "expected " + list
	if form != "" {
		d.Help = "the form is: " + form
	}
	if t.kind == tokWord {
		if near := diag.Nearest(t.text, words); near != "" {
			d.Help = fmt.Sprintf("did you mean %s?", near)
			d.Fix = &diag.Fix{Title: "write " + near, Edits: []diag.Edit{{Span: t.span(), New: near}}}
		}
	}
}

// show is a token as a message quotes it.
func show(t token) string {
	const most = 30
	text := strings.Join(strings.Fields(t.text), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	if t.kind == tokString || t.kind == tokField {
		return text
	}
	return `"` + text + `"`
}

// orList joins alternatives: a, b or c. Long lists are cut.
func orList(list []string) string {
	const most = 6
	if len(list) > most {
		list = append(append([]string{}, list[:most]...), "...")
		return strings.Join(list, ", ")
	}
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " or " + list[len(list)-1]
}

// between is the span from an offset to the last thing taken.
func (p *parser) between(start int) diag.Span {
	start = p.skip(start)
	return diag.Span{Start: start, End: max(start, p.last)}
}
