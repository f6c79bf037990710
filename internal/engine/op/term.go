package op

import (
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// term is a keyword or phrase of the search expression, ready to be looked for
// in messages (spec A.2.2). Messages are cut into tokens, runs of letters and
// digits; everything else separates them, "_" included (OP-3).
type term struct {
	parts []termPart
	all   bool // "*": every message
	never bool // cannot match anything

	// start finds where the first part may begin, where that is ASCII: by its rarest
	// bytes, many at once. nil where there is none.
	start func() *match.Set
}

type termPart struct {
	kind termKind
	text string // lower case; of lit and glob
}

type termKind uint8

const (
	lit   termKind = iota // this text, letter case aside
	space                 // one or more white space characters
	token                 // exactly one whole token
	glob                  // one whole token that the pattern covers; * and ? are live
)

// compileTerm readies a term. The second result says why it can never match.
func compileTerm(text string, quoted bool) (*term, string) {
	if quoted {
		return phrase(text), ""
	}
	if strings.Trim(text, "*") == "" && text != "" {
		return &term{all: true}, ""
	}
	t := &term{}
	tokens := cutTokens(text)
	separated := false
	for _, tk := range tokens {
		separated = separated || !tk.word
	}
	for i, tk := range tokens {
		switch {
		case !tk.word:
			t.add(lit, tk.text)
		case tk.text == "*" && separated && i > 0 && i < len(tokens)-1:
			t.add(token, "")
		case strings.ContainsAny(tk.text, "*?"):
			// In a phrase a wildcard may extend the first token to the left and
			// the last to the right; in the middle it is not supported and
			// never matches.
			inner := tk.text
			if i == 0 {
				inner = strings.TrimLeft(inner, "*")
			}
			if i == len(tokens)-1 {
				inner = strings.TrimRight(inner, "*")
			}
			if separated && strings.Contains(inner, "*") {
				return &term{never: true}, "a wildcard inside a word of a phrase never matches"
			}
			t.add(glob, strings.ToLower(tk.text))
		default:
			t.add(lit, tk.text)
		}
	}
	t.find()
	return t, ""
}

// phrase is a quoted term: literal, every run of white space as one.
func phrase(text string) *term {
	t := &term{}
	start := 0
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		if !javaSpace(r) {
			i += n
			continue
		}
		if i > start {
			t.add(lit, text[start:i])
		}
		for i < len(text) {
			if r, n = utf8.DecodeRuneInString(text[i:]); !javaSpace(r) {
				break
			}
			i += n
		}
		t.add(space, "")
		start = i
	}
	if start < len(text) {
		t.add(lit, text[start:])
	}
	t.find()
	return t
}

// add appends a part; literals side by side become one.
func (t *term) add(k termKind, text string) {
	if n := len(t.parts); k == lit && n > 0 && t.parts[n-1].kind == lit {
		t.parts[n-1].text += strings.ToLower(text)
		return
	}
	t.parts = append(t.parts, termPart{k, strings.ToLower(text)})
}

type cut struct {
	text string
	word bool // of letters, digits and wildcards
}

func cutTokens(s string) []cut {
	var out []cut
	for i := 0; i < len(s); {
		word, j := false, i
		for j < len(s) {
			r, n := utf8.DecodeRuneInString(s[j:])
			w := wordRune(r) || r == '*' || r == '?'
			if j > i && w != word {
				break
			}
			word, j = w, j+n
		}
		out = append(out, cut{s[i:j], word})
		i = j
	}
	return out
}

// wordRune reports whether a character belongs to a token.
func wordRune(r rune) bool {
	switch {
	case r < utf8.RuneSelf:
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	case r == utf8.RuneError:
		return false
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r)
}

// javaSpace is white space as Java defines it: no-break spaces are not.
func javaSpace(r rune) bool {
	switch r {
	case ' ', '\t', '\n', '\v', '\f', '\r', 0x1c, 0x1d, 0x1e, 0x1f:
		return true
	case 0xa0, 0x2007, 0x202f:
		return false
	}
	return r >= utf8.RuneSelf && unicode.In(r, unicode.Z)
}

// Match reports whether a message holds the term.
func (t *term) Match(s string) bool {
	if t.all || t.never || len(t.parts) == 0 {
		return t.all || !t.never
	}
	if t.start != nil {
		set, buf := t.start(), bytesOf(s)
		for at := 0; ; at++ {
			if at = set.Index(buf, at); at < 0 {
				return false
			}
			if buf[at] >= utf8.RuneSelf { // a letter that may be one of ASCII's
				return t.matchSlowly(s)
			}
			if t.matchAt(s, at, 0) {
				return true
			}
		}
	}
	return t.matchSlowly(s)
}

// find readies the search for the first part.
func (t *term) find() {
	if len(t.parts) == 0 || t.parts[0].kind != lit || t.parts[0].text == "" || strings.IndexFunc(t.parts[0].text, func(r rune) bool { return r >= utf8.RuneSelf }) >= 0 {
		return
	}
	text := t.parts[0].text
	t.start = sync.OnceValue(func() *match.Set {
		return match.NewSet(match.AnyCase(text), match.Exact("\u212a"), match.Exact("\u017f"), match.Exact("\u0130"))
	})
}

// matchSlowly is Match one character after the other.
func (t *term) matchSlowly(s string) bool {
	first := t.parts[0]
	if first.kind == lit {
		for at := 0; ; {
			i := indexFold(s[at:], first.text)
			if i < 0 {
				return false
			}
			if t.matchAt(s, at+i, 0) {
				return true
			}
			_, n := utf8.DecodeRuneInString(s[at+i:])
			at += i + n
		}
	}
	for at := 0; at <= len(s); {
		if t.matchAt(s, at, 0) {
			return true
		}
		_, n := utf8.DecodeRuneInString(s[at:])
		at += max(n, 1)
	}
	return false
}

// matchAt reports whether the parts from i on match at byte at of s. An edge of
// the term that is a letter or digit must fall on an edge of a token.
func (t *term) matchAt(s string, at, i int) bool {
	if i == len(t.parts) {
		return true
	}
	p := t.parts[i]
	switch p.kind {
	case lit:
		n, ok := prefixFold(s[at:], p.text)
		if !ok {
			return false
		}
		r, _ := utf8.DecodeRuneInString(p.text)
		if i == 0 && wordRune(r) && wordBefore(s, at) {
			return false
		}
		r, _ = utf8.DecodeLastRuneInString(p.text)
		if i == len(t.parts)-1 && wordRune(r) && wordAt(s, at+n) {
			return false
		}
		return t.matchAt(s, at+n, i+1)
	case space:
		j := at
		for j < len(s) {
			r, n := utf8.DecodeRuneInString(s[j:])
			if !javaSpace(r) {
				break
			}
			j += n
		}
		return j > at && t.matchAt(s, j, i+1)
	}
	if wordBefore(s, at) {
		return false
	}
	j := at
	for j < len(s) && wordAt(s, j) {
		_, n := utf8.DecodeRuneInString(s[j:])
		j += n
	}
	if j == at {
		return false
	}
	if p.kind == glob && !tokenGlob(p.text, strings.ToLower(s[at:j])) {
		return false
	}
	return t.matchAt(s, j, i+1)
}

// The edge of a token before and behind, and a space, as regular expressions.
const (
	edgeBefore = `(?:^|[^\pL\p{Nd}])`
	edgeBehind = `(?:$|[^\pL\p{Nd}])`
	anySpace   = `[\t-\r\x1c-\x20\x{1680}\x{2000}-\x{2006}\x{2008}-\x{200a}\x{2028}\x{2029}\x{205f}\x{3000}]+`
)

// keyword is what the term finds, see lang.Keyword.
func (t *term) keyword() (text string, plain bool, pattern string) {
	if t.all {
		return "", false, ""
	}
	if t.never || len(t.parts) == 0 {
		return "", false, `[^\x00-\x{10ffff}]`
	}
	edge := func(r rune, e string) string {
		if wordRune(r) {
			return e
		}
		return ""
	}
	plain = true
	var words, b strings.Builder
	for i, p := range t.parts {
		first, last := i == 0, i == len(t.parts)-1
		switch p.kind {
		case lit:
			r, _ := utf8.DecodeRuneInString(p.text)
			if e := edge(r, edgeBefore); first {
				b.WriteString(e)
				plain = plain && e == ""
			}
			b.WriteString(regexp.QuoteMeta(p.text))
			r, _ = utf8.DecodeLastRuneInString(p.text)
			if e := edge(r, edgeBehind); last {
				b.WriteString(e)
				plain = plain && e == ""
			}
			words.WriteString(p.text)
			continue
		case space:
			b.WriteString(anySpace)
		default: // a whole token: what stands before or behind it in the term is none
			if first {
				b.WriteString(edgeBefore)
			}
			token := `[\pL\p{Nd}]+`
			if p.kind == glob {
				token = tokenPattern(p.text)
			}
			b.WriteString(token)
			if last {
				b.WriteString(edgeBehind)
			}
		}
		plain = false
	}
	return words.String(), plain, b.String()
}

// tokenPattern is tokenGlob as a regular expression.
func tokenPattern(glob string) string {
	if strings.Trim(glob, "*") == "" {
		return `[\pL\p{Nd}]+` // a token is not empty
	}
	var b strings.Builder
	for _, r := range glob {
		switch r {
		case '*':
			b.WriteString(`[\pL\p{Nd}]*`)
		case '?':
			b.WriteString(`[\pL\p{Nd}]`)
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return b.String()
}

func wordAt(s string, at int) bool {
	if at >= len(s) {
		return false
	}
	r, _ := utf8.DecodeRuneInString(s[at:])
	return wordRune(r)
}

func wordBefore(s string, at int) bool {
	if at == 0 {
		return false
	}
	r, _ := utf8.DecodeLastRuneInString(s[:at])
	return wordRune(r)
}

// tokenGlob matches a whole token: * is any run of characters, ? is one.
func tokenGlob(pattern, s string) bool {
	p, i, star, mark := 0, 0, -1, 0
	for i < len(s) {
		_, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && pattern[p] == '?':
			p++
			i += n
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// indexFold finds lower in s, letter case aside. lower is in lower case.
func indexFold(s, lower string) int {
	if lower == "" {
		return 0
	}
	c := lower[0]
	if c >= utf8.RuneSelf {
		for i := range s {
			if _, ok := prefixFold(s[i:], lower); ok {
				return i
			}
		}
		return -1
	}
	set := string(rune(c))
	if 'a' <= c && c <= 'z' {
		set += string(rune(c - 32))
	}
	if c == 'k' || c == 's' { // the Kelvin sign and long s fold to ASCII letters
		set += "\u212a\u017f"
	}
	if c == 'i' { // which the I with a dot is in lower case
		set += "\u0130"
	}
	for at := 0; at < len(s); {
		i := strings.IndexAny(s[at:], set)
		if i < 0 {
			return -1
		}
		if _, ok := prefixFold(s[at+i:], lower); ok {
			return at + i
		}
		_, n := utf8.DecodeRuneInString(s[at+i:])
		at += i + n
	}
	return -1
}

// prefixFold reports whether s starts with lower, letter case aside, and how
// many bytes of s that takes.
func prefixFold(s, lower string) (int, bool) {
	i := 0
	for j := 0; j < len(lower); {
		if i >= len(s) {
			return 0, false
		}
		if a, b := s[i], lower[j]; a < utf8.RuneSelf && b < utf8.RuneSelf {
			if 'A' <= a && a <= 'Z' {
				a += 32
			}
			if a != b {
				return 0, false
			}
			i, j = i+1, j+1
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		q, m := utf8.DecodeRuneInString(lower[j:])
		if r != q && unicode.ToLower(r) != q && unicode.SimpleFold(r) != q {
			return 0, false
		}
		i, j = i+n, j+m
	}
	return i, true
}

// witness is what a message must hold to match.
func (t *term) witness() *match.Witness {
	var w *match.Witness
	if t.all || t.never {
		return nil
	}
	for _, p := range t.parts {
		text := p.text
		switch p.kind {
		case lit:
		case glob:
			text = ""
			for _, piece := range strings.FieldsFunc(p.text, func(r rune) bool { return r == '*' || r == '?' }) {
				if len(piece) > len(text) {
					text = piece
				}
			}
		default:
			continue
		}
		if text = strings.TrimSpace(text); text != "" {
			w = match.And(w, &match.Witness{Any: []string{text}})
		}
	}
	return w
}
