package syntax

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/diag"
)

// tokenKind says what a token of the pipe is. The search expression is read
// by characters (search.go): its words are not these.
type tokenKind uint8

const (
	tokEnd    tokenKind = iota // end of the text, or of what can be read after a mistake
	tokWord                    // name or keyword, with dots: a, a.b
	tokNumber                  // digits with what touches them: 5, 1.5s, 5minuts
	tokString                  // "..."
	tokSingle                  // '...'
	tokField                   // %"..."
	tokPunct
	tokMacro // `name`
	tokBad   // a character that has no place in a query
)

type token struct {
	kind       tokenKind
	start, end int
	text       string // as written; for tokPunct the sign
}

func (t token) span() diag.Span { return diag.Span{Start: t.start, End: t.end} }

// is reports whether t is the word (any case) or the sign.
func (t token) is(text string) bool {
	switch t.kind {
	case tokWord:
		return strings.EqualFold(t.text, text)
	case tokPunct:
		return t.text == text
	}
	return false
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isNameStart(c byte) bool {
	return c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
func isNameByte(c byte) bool { return isNameStart(c) || isDigit(c) }

// isSpace includes the no-break spaces and marks that text copied from web
// pages is full of.
func isSpace(r rune) bool { return unicode.IsSpace(r) || r == 0xFEFF || r == 0x200B }

// spaceAt returns the size of the white space character at i, 0 if none.
func spaceAt(s string, i int) int {
	if i >= len(s) {
		return 0
	}
	if c := s[i]; c < utf8.RuneSelf {
		if c == ' ' || '\t' <= c && c <= '\r' {
			return 1
		}
		return 0
	}
	if r, n := utf8.DecodeRuneInString(s[i:]); isSpace(r) {
		return n
	}
	return 0
}

// trivia skips white space and comments from i. In the search expression a
// comment starts only after white space or certain signs (A.5), because paths
// such as Labs/IIS/* and http://host stand there bare. A closing quote is one of
// the signs: published queries have comments touch it.
func (p *parser) trivia(i int, bare bool) int {
	behind := false // a comment: the next one may touch it
	for i < len(p.src) {
		if n := spaceAt(p.src, i); n > 0 {
			i += n
			continue
		}
		if p.src[i] != '/' || i+1 >= len(p.src) || bare && !behind && !p.commentMayStart(i) {
			return i
		}
		end := i
		switch p.src[i+1] {
		case '/':
			end = i + 2
			for end < len(p.src) && p.src[end] != '\n' {
				end++
			}
		case '*':
			n := strings.Index(p.src[i+2:], "*/")
			if n < 0 {
				end = len(p.src)
				p.unclosed("unclosed-comment", i, i+2, "this comment is never closed", "write */ where it ends")
			} else {
				end = i + 2 + n + 2
			}
		default:
			return i
		}
		p.insideComment(i, end)
		if p.commented <= i {
			p.commented = end
			text := strings.TrimRightFunc(p.src[i:end], isSpace)
			p.comments = append(p.comments, &Comment{Pos: diag.Span{Start: i, End: i + len(text)}, Text: text})
		}
		i, behind = end, true
	}
	return i
}

func (p *parser) commentMayStart(i int) bool {
	if i == 0 || strings.IndexByte("|)],;\" \t\r\n", p.src[i-1]) >= 0 {
		return true
	}
	r, _ := utf8.DecodeLastRuneInString(p.src[:i])
	return isSpace(r)
}

// signs are the punctuation tokens of more than one character, longest first.
var signs = []string{"&&", "||", "==", "!=", "<>", "<=", ">=", "=~", "!~"}

// peek returns the next token without taking it. After a mistake there is
// nothing more to read in the stage, so that every loop ends.
func (p *parser) peek() token {
	if p.failed {
		return token{kind: tokEnd, start: p.pos, end: p.pos}
	}
	if p.tokAt != p.pos {
		p.tok = p.lex(p.pos)
		p.tokAt = p.pos
	}
	if p.failed {
		return token{kind: tokEnd, start: p.pos, end: p.pos}
	}
	return p.tok
}

// next takes a token.
func (p *parser) next() token {
	t := p.peek()
	if t.kind != tokEnd {
		p.pos, p.last = t.end, t.end
	}
	return t
}

// after returns the token after t.
func (p *parser) after(t token) token {
	if p.failed || t.kind == tokEnd {
		return token{kind: tokEnd, start: t.end, end: t.end}
	}
	return p.lex(t.end)
}

func (p *parser) lex(i int) token {
	i = p.trivia(i, false)
	t := token{start: i, end: i}
	if i >= len(p.src) {
		return t
	}
	c := p.src[i]
	switch {
	case isNameStart(c):
		t.kind, t.end = tokWord, wordEndAt(p.src, nameEnd(p.src, i))
	case isDigit(c), c == '.' && i+1 < len(p.src) && isDigit(p.src[i+1]):
		t.kind, t.end = tokNumber, numberEnd(p.src, i)
		if end := wordEndAt(p.src, t.end); end > t.end { // 5{{unit}}
			t.kind, t.end = tokWord, end
		}
	case c == '"':
		t.kind, t.end = tokString, p.stringEnd(i)
	case c == '\'':
		t.kind, t.end = tokSingle, p.singleEnd(i)
	case strings.HasPrefix(p.src[i:], "“"), strings.HasPrefix(p.src[i:], "”"):
		t.kind, t.end = tokString, p.typographicEnd(i)
	case c == '%' && i+1 < len(p.src) && p.src[i+1] == '"':
		t.kind, t.end = tokField, p.stringEnd(i+1)
	case templateAt(p.src, i) > 0:
		t.kind, t.end = tokWord, wordEndAt(p.src, i)
	case c == '`':
		t.kind, t.end = tokMacro, macroEnd(p.src, i)
		p.macro(t.start, t.end)
	default:
		t.kind = tokPunct
		_, n := utf8.DecodeRuneInString(p.src[i:])
		t.end = i + n
		for _, s := range signs {
			if strings.HasPrefix(p.src[i:], s) {
				t.end = i + len(s)
				break
			}
		}
		if n > 1 || strings.IndexByte("#$@\\^~", c) >= 0 || c < ' ' {
			t.kind = tokBad
		}
	}
	t.text = p.src[t.start:t.end]
	return t
}

// nameEnd is the end of a name with its dotted parts. A dot that is not
// followed by a name is not part of it.
func nameEnd(s string, i int) int {
	for i < len(s) {
		if isNameByte(s[i]) {
			i++
			continue
		}
		if s[i] == '.' && i+1 < len(s) && isNameByte(s[i+1]) {
			i++
			continue
		}
		break
	}
	return i
}

// numberEnd is the end of a number and of all that touches it, so that 5minuts
// and 10.1.2.3 are refused as one thing.
func numberEnd(s string, i int) int {
	for i < len(s) {
		c := s[i]
		switch {
		case isNameByte(c):
		case c == '.' && i+1 < len(s) && isNameByte(s[i+1]):
		case (c == '+' || c == '-') && (s[i-1] == 'e' || s[i-1] == 'E') && isDigit(s[i-2]) && i+1 < len(s) && isDigit(s[i+1]):
		default:
			return i
		}
		i++
	}
	return i
}

// stringEnd is the end of the string whose quote stands at i.
func (p *parser) stringEnd(i int) int {
	for j := i + 1; j < len(p.src); j++ {
		switch p.src[j] {
		case '\\':
			j++
		case '"':
			if p.quotesOdd() {
				if cut := pipeLine(p.src, i, j); cut > 0 {
					p.unclosed("unclosed-string", i, i+1, "this string is never closed", `write " where it ends`)
					return cut
				}
			}
			return j + 1
		}
	}
	p.unclosed("unclosed-string", i, i+1, "this string is never closed", `write " where it ends`)
	return lineEnd(p.src, i)
}

// pipeLine finds, in the string from i to j, the end of its first line when a
// later line of it starts with a pipe: in a text with an odd quote, that string
// is the one whose end is missing. It is 0 when there is no such line.
func pipeLine(s string, i, j int) int {
	for k := i; k < j; k++ {
		if s[k] != '\n' {
			continue
		}
		for k+1 < j && (s[k+1] == ' ' || s[k+1] == '\t') {
			k++
		}
		if k+1 < j && s[k+1] == '|' {
			return lineEnd(s, i)
		}
	}
	return 0
}

func lineEnd(s string, i int) int {
	if n := strings.IndexByte(s[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(s)
}

// quotesOdd reports whether some string of the text is never closed.
func (p *parser) quotesOdd() bool {
	if p.quotes == 0 {
		p.quotes = 1
		for i := 0; i < len(p.src); i++ {
			switch p.src[i] {
			case '\\':
				i++
			case '"':
				p.quotes ^= 3 // 1 even, 2 odd
			}
		}
	}
	return p.quotes == 2
}

// singleEnd is the end of a string in single quotes. They hold one line, and
// three in a row are the quote itself, as in quote=”'.
func (p *parser) singleEnd(i int) int {
	if strings.HasPrefix(p.src[i:], "'''") || strings.HasPrefix(p.src[i:], `'\'`) && !strings.HasPrefix(p.src[i:], `'\''`) {
		return i + 3
	}
	for j := i + 1; j < len(p.src) && p.src[j] != '\n'; j++ {
		switch p.src[j] {
		case '\\':
			j++
		case '\'':
			return j + 1
		}
	}
	p.unclosed("unclosed-string", i, i+1, "this string is never closed", `strings stand in double quotes: "..."`)
	return lineEnd(p.src, i)
}

// typographicEnd is the end of a string in the quotes of a word processor.
func (p *parser) typographicEnd(i int) int {
	for j := i + len("“"); j < len(p.src); {
		r, n := utf8.DecodeRuneInString(p.src[j:])
		switch r {
		case '\\':
			j++
		case '”', '“', '"':
			j += n
			p.typographic(i, j)
			return j
		}
		j += n
	}
	p.unclosed("unclosed-string", i, i+len("“"), "this string is never closed", `write " where it starts and ends`)
	return lineEnd(p.src, i)
}

// regexEnd is the end of the regular expression whose slash stands at i; 0 when
// it has none on its line, or none within regexMax. A slash in brackets does not end it, unless nothing
// else does.
func regexEnd(s string, i int) int {
	first, bracket := 0, false
	s = s[:min(len(s), i+regexMax)]
	for j := i + 1; j < len(s) && s[j] != '\n'; j++ {
		switch s[j] {
		case '\\':
			j++
		case '[':
			bracket = true
		case ']':
			bracket = false
		case '/':
			if !bracket {
				return j + 1
			}
			if first == 0 {
				first = j + 1
			}
		}
	}
	return first
}

// templateAt is the length of the template parameter {{name}} at i; 0 when none
// stands there.
func templateAt(s string, i int) int {
	if !strings.HasPrefix(s[i:], "{{") {
		return 0
	}
	if end := templateEnd(s, i); templateName(s[i:end]) != "" {
		return end - i
	}
	return 0
}

// wordEndAt is the end of a word that is read up to i, over the template
// parameters in it: a word of the query is then known when they have values.
func wordEndAt(s string, i int) int {
	for i < len(s) {
		n := templateAt(s, i)
		if n == 0 {
			return i
		}
		for i += n; i < len(s) && (isNameByte(s[i]) || s[i] == '.' && i+1 < len(s) && isNameByte(s[i+1])); {
			i++
		}
	}
	return i
}

// templated reports whether a text has a template parameter.
func templated(s string) bool {
	i := strings.Index(s, "{{")
	return i >= 0 && strings.Contains(s[i:], "}}")
}

// templated reports whether t is a word that is known when a template parameter
// has its value: it may be what is wanted, whatever that is.
func (t token) templated() bool { return t.kind == tokWord && templated(t.text) }

func templateEnd(s string, i int) int {
	if n := strings.Index(s[i:min(i+templateMax, len(s))], "}}"); n >= 0 {
		n += i + 2
		for n < len(s) && s[n] == '}' {
			n++
		}
		return n
	}
	return i + 2
}

func macroEnd(s string, i int) int {
	if n := strings.IndexByte(s[i+1:], '`'); n >= 0 {
		return i + 1 + n + 1
	}
	return lineEnd(s, i)
}

// templateName is the name in {{name}} or {{{name}}}; "" when that is not what
// the text is.
func templateName(s string) string {
	name := strings.TrimSpace(strings.Trim(s, "{}"))
	if name == "" || !strings.HasSuffix(s, "}}") {
		return ""
	}
	for _, r := range name {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsSpace(r) && !strings.ContainsRune("_-.:/", r) {
			return ""
		}
	}
	return name
}

// unescape undoes the escapes of a string (A.6). Those that are not of the
// language keep their backslash, so that "*\lsass.exe" is a path.
func unescape(raw string) string {
	if strings.IndexByte(raw, '\\') < 0 {
		return raw
	}
	var b strings.Builder
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' || i+1 == len(raw) {
			b.WriteByte(raw[i])
			continue
		}
		i++
		switch raw[i] {
		case 'n':
			b.WriteByte('\n')
		case 'r':
			b.WriteByte('\r')
		case 't':
			b.WriteByte('\t')
		case '\\', '"':
			b.WriteByte(raw[i])
		default:
			b.WriteByte('\\')
			b.WriteByte(raw[i])
		}
	}
	return b.String()
}

// unquote undoes the escapes of one sign and leaves all others as written.
func unquote(text string, sign byte) string {
	if strings.IndexByte(text, '\\') < 0 {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			i++
			if text[i] != sign {
				b.WriteByte('\\')
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// quote is the inverse of unquote. A backslash that would swallow the closing
// quote, which no text that was read has, is doubled.
func quote(text string, sign byte) string {
	if strings.IndexByte(text, sign) < 0 && !strings.HasSuffix(text, "\\") {
		return text
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text) && text[i+1] != sign:
			b.WriteByte('\\')
			i++
		case text[i] == '\\', text[i] == sign:
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
