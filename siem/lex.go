package siem

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/diag"
)

type tokenKind uint8

const (
	tokEnd tokenKind = iota
	tokWord
	tokQuoted // a name in backquotes, which is never a keyword
	tokNumber
	tokText
	tokRegex
	tokSign
)

type token struct {
	kind   tokenKind
	text   string // of a word as written, of a text what stands between the quotes
	number float64
	span   diag.Span
}

// word reports whether the token is a keyword; keywords have no letter case.
func (t token) word(w string) bool { return t.kind == tokWord && strings.EqualFold(t.text, w) }
func (t token) sign(s string) bool { return t.kind == tokSign && t.text == s }

// signs are the operators, the longer ones first.
var signs = []string{"<=>", "==", "!=", "<>", "<=", ">=", "=<", "=>", "&&", "||", "=", "<", ">", "!", "+", "-", "*", "/", "%", "(", ")", "[", "]", ",", ".", "|"}

// lexer cuts the text into tokens.
type lexer struct {
	file    *diag.File
	src     string
	at      int
	regexOK bool // the token before was matches or rlike: a / starts a pattern
	problem *diag.Diagnostic
}

func (l *lexer) fail(from, to int, code, message, help string) token {
	if l.problem == nil {
		l.problem = &diag.Diagnostic{Severity: diag.Error, Code: code, File: l.file, Span: diag.Span{Start: from, End: to}, Message: message, Help: help}
	}
	l.at = len(l.src)
	return token{kind: tokEnd, span: diag.Span{Start: from, End: to}}
}

func (l *lexer) next() token {
	for l.at < len(l.src) {
		c := l.src[l.at]
		if c == ' ' || c == '\t' || c == '\n' || c == '\r' {
			l.at++
			continue
		}
		if n := blank(l.src[l.at:]); n > 0 {
			l.at += n
			continue
		}
		if strings.HasPrefix(l.src[l.at:], "/*") && !l.regexOK {
			end := strings.Index(l.src[l.at+2:], "*/")
			if end < 0 {
				return l.fail(l.at, l.at+2, "open-comment", "this comment has no end", "close it with */")
			}
			l.at += end + 4
			continue
		}
		if strings.HasPrefix(l.src[l.at:], "//") && !l.regexOK {
			return l.fail(l.at, l.at+2, "not-siem", "Cloud SIEM expressions have no // comments", "write /* ... */")
		}
		break
	}
	start := l.at
	span := func() diag.Span { return diag.Span{Start: start, End: l.at} }
	if l.at == len(l.src) {
		return token{kind: tokEnd, span: span()}
	}
	regexOK := l.regexOK
	l.regexOK = false
	switch c := l.src[l.at]; {
	case c == '\'':
		end := strings.IndexByte(l.src[l.at+1:], '\'')
		if end < 0 {
			return l.fail(start, start+1, "open-text", "this text has no end", "a text in single quotes ends at the next one; it knows no escapes")
		}
		l.at += end + 2
		return token{kind: tokText, text: l.src[start+1 : l.at-1], span: span()}
	case c == '"':
		return l.doubled(start)
	case c == '`':
		end := strings.IndexByte(l.src[l.at+1:], '`')
		if end < 0 {
			return l.fail(start, start+1, "open-text", "this name has no end", "close it with `")
		}
		l.at += end + 2
		return token{kind: tokQuoted, text: l.src[start+1 : l.at-1], span: span()}
	case c == '/' && regexOK:
		var b strings.Builder
		for i := l.at + 1; i < len(l.src) && l.src[i] != '\n'; i++ {
			switch {
			case l.src[i] == '\\' && i+1 < len(l.src) && l.src[i+1] == '/':
				b.WriteByte('/')
				i++
			case l.src[i] == '\\' && i+1 < len(l.src) && l.src[i+1] != '\n':
				b.WriteString(l.src[i : i+2])
				i++
			case l.src[i] == '/':
				l.at = i + 1
				return token{kind: tokRegex, text: b.String(), span: span()}
			default:
				b.WriteByte(l.src[i])
			}
		}
		return l.fail(start, start+1, "open-regexp", "this regular expression has no end on its line", "close it with /; a slash inside is \\/")
	case c >= '0' && c <= '9':
		return l.num(start)
	case letter(c):
		for l.at < len(l.src) && (letter(l.src[l.at]) || digit(l.src[l.at])) {
			l.at++
		}
		t := token{kind: tokWord, text: l.src[start:l.at], span: span()}
		l.regexOK = t.word("matches") || t.word("rlike")
		return t
	}
	for _, s := range signs {
		if strings.HasPrefix(l.src[l.at:], s) {
			l.at += len(s)
			return token{kind: tokSign, text: s, span: span()}
		}
	}
	n := 1
	for l.at+n < len(l.src) && l.src[l.at+n]&0xC0 == 0x80 {
		n++
	}
	return l.fail(start, start+n, "bad-character", strconv.Quote(l.src[start:start+n])+" means nothing here", "put text in single quotes")
}

// doubled reads a text in double quotes: it knows \" and \\, and any other
// backslash stays (specification, section 4.1).
func (l *lexer) doubled(start int) token {
	var b strings.Builder
	for i := start + 1; i < len(l.src); i++ {
		switch {
		case l.src[i] == '\\' && i+1 < len(l.src) && (l.src[i+1] == '"' || l.src[i+1] == '\\'):
			i++
			b.WriteByte(l.src[i])
		case l.src[i] == '"':
			l.at = i + 1
			return token{kind: tokText, text: b.String(), span: diag.Span{Start: start, End: l.at}}
		default:
			b.WriteByte(l.src[i])
		}
	}
	return l.fail(start, start+1, "open-text", "this text has no end", `close it with "`)
}

// units are the suffixes of numbers: times in milliseconds, sizes plain.
var units = map[string]float64{
	"ns": 1e-6, "us": 1e-3, "ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000,
	"k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "B": 1e9, "T": 1e12, "P": 1e15,
	"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "Pi": 1 << 50,
}

func (l *lexer) num(start int) token {
	digits := func() {
		for l.at < len(l.src) && digit(l.src[l.at]) {
			l.at++
		}
	}
	digits()
	if l.at+1 < len(l.src) && l.src[l.at] == '.' && digit(l.src[l.at+1]) {
		l.at++
		digits()
	}
	n, err := strconv.ParseFloat(l.src[start:l.at], 64)
	unit := l.at
	for l.at < len(l.src) && (letter(l.src[l.at]) || digit(l.src[l.at])) {
		l.at++
	}
	if unit < l.at {
		u, ok := units[l.src[unit:l.at]]
		if !ok {
			return l.fail(unit, l.at, "bad-number", strconv.Quote(l.src[unit:l.at])+" is no unit of time or size", "ns us ms s m h d w, k M G T P, Ki Mi Gi Ti Pi; text stands in quotes")
		}
		n *= u
	}
	if err != nil || math.IsInf(n, 0) {
		return l.fail(start, l.at, "bad-number", "this number is out of range", "")
	}
	return token{kind: tokNumber, number: n, text: l.src[start:l.at], span: diag.Span{Start: start, End: l.at}}
}

// blank is how many bytes a blank beyond ASCII has at the start of s: no-break
// spaces and the like come along when text is copied from a page.
func blank(s string) int {
	if s[0] < utf8.RuneSelf {
		return 0
	}
	r, n := utf8.DecodeRuneInString(s)
	if unicode.IsSpace(r) || r == '\ufeff' || r == '\u200b' {
		return n
	}
	return 0
}

func letter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }
