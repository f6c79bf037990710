package lsp

import (
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/diag"
)

// encoding is what a position counts in a line.
type encoding string

const (
	utf16 encoding = "utf-16" // what every client has
	utf8s encoding = "utf-8"
	utf32 encoding = "utf-32"
)

// text is a document with the places of its lines. A line ends with \n, \r\n or \r,
// as the protocol has it.
type text struct {
	s     string
	lines []int // starts
	enc   encoding
}

func newText(s string, enc encoding) *text {
	t := &text{s: s, lines: []int{0}, enc: enc}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\n':
			t.lines = append(t.lines, i+1)
		case '\r':
			if i+1 == len(s) || s[i+1] != '\n' {
				t.lines = append(t.lines, i+1)
			}
		}
	}
	return t
}

// width is what a character counts. A byte that is no character, which JSON never
// brings, counts as the one that stands for it.
func (e encoding) width(r rune, size int) int {
	switch {
	case e == utf8s:
		return size
	case e == utf16 && r > 0xffff:
		return 2
	}
	return 1
}

// offset is the byte that a position names: the end of its line where that is shorter,
// the end of the text where that has fewer lines. half says that it is inside a
// character: the second half of a pair of UTF-16, or further bytes.
func (t *text) offset(p position) (at int, half bool) {
	if p.Line < 0 {
		return 0, false
	}
	if p.Line >= len(t.lines) {
		return len(t.s), false
	}
	at = t.lines[p.Line]
	end := t.lineEnd(p.Line)
	for left := p.Character; left > 0 && at < end; {
		r, n := utf8.DecodeRuneInString(t.s[at:end])
		w := t.enc.width(r, n)
		if w > left {
			return at, true
		}
		left -= w
		at += n
	}
	return at, false
}

// lineEnd is the end of a line without its line end.
func (t *text) lineEnd(line int) int {
	end := len(t.s)
	if line+1 < len(t.lines) {
		end = t.lines[line+1]
	}
	start := t.lines[line]
	for end > start && (t.s[end-1] == '\n' || t.s[end-1] == '\r') {
		end--
	}
	return end
}

// position is the place of a byte.
func (t *text) position(at int) position {
	at = max(0, min(at, len(t.s)))
	line := sort.SearchInts(t.lines, at+1) - 1
	p := position{Line: line}
	part := t.s[t.lines[line]:at]
	if t.enc == utf8s {
		p.Character = len(part)
		return p
	}
	for i := 0; i < len(part); {
		r, n := utf8.DecodeRuneInString(part[i:])
		p.Character += t.enc.width(r, n)
		i += n
	}
	return p
}

func (t *text) span(s diag.Span) span { return span{t.position(s.Start), t.position(s.End)} }

func (t *text) bytes(s span) diag.Span {
	a, _ := t.offset(s.Start)
	b, _ := t.offset(s.End)
	return diag.Span{Start: a, End: max(a, b)}
}

// edit makes one change of a document. A client that cuts a character in two keeps a
// half of it; what it means is lost, but U+FFFD has its place, so that later positions
// still fit.
func (t *text) edit(c change) *text {
	if c.Range == nil {
		return newText(c.Text, t.enc)
	}
	from, fromHalf := t.offset(c.Range.Start)
	to, toHalf := t.offset(c.Range.End)
	if to < from || to == from && fromHalf && !toHalf {
		from, to, fromHalf, toHalf = to, from, toHalf, fromHalf
	}
	var b strings.Builder
	b.WriteString(t.s[:from])
	if fromHalf {
		b.WriteRune(utf8.RuneError)
	}
	b.WriteString(c.Text)
	if toHalf {
		_, n := utf8.DecodeRuneInString(t.s[to:])
		b.WriteRune(utf8.RuneError)
		to += n
	}
	b.WriteString(t.s[to:])
	return newText(b.String(), t.enc)
}
