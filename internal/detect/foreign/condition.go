package foreign

import (
	"strings"

	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// dialect is how a language writes conditions.
type dialect struct {
	fold      bool   // texts are compared without letter case
	wild      string // the sign for any text in a value; "" when values have none
	escapes   bool   // a backslash in quotes is an escape
	keywords  bool   // words by themselves are looked for anywhere
	orTighter bool   // OR binds tighter than AND
}

// condition writes a condition as a Sumo one; "" when it has something that is
// not known. words are what is looked for anywhere, for the search expression.
func (d dialect) condition(text string) (where string, words []string) {
	p := &reader{dialect: d, rest: text}
	p.next()
	where = p.or(true)
	if p.failed || p.tok != "" {
		return "", nil
	}
	return where, p.words
}

type reader struct {
	dialect
	rest   string
	tok    string
	quoted bool // tok is the text of a quoted value
	failed bool
	depth  int
	words  []string
}

var token = match.Lazy(`(?s)^(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[()\[\],]|==|!=|<>|<=|>=|=~|!~|:=|[=<>:]|![A-Za-z_]+|[^\s()\[\],=<>!:"']+(?::[\\/][^\s()\[\],"']*)?)`)

func (p *reader) next() {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n;")
	p.quoted = false
	if p.rest == "" {
		p.tok = ""
		return
	}
	p.tok = token().FindString(p.rest)
	if p.tok == "" {
		p.failed, p.rest = true, ""
		return
	}
	p.rest = p.rest[len(p.tok):]
	if c := p.tok[0]; c == '"' || c == '\'' {
		p.quoted = true
		p.tok = p.tok[1 : len(p.tok)-1]
		if p.escapes {
			p.tok = unescape(p.tok)
		}
		if p.tok == "" {
			p.tok, p.failed = " ", true // an empty value is another test
		}
	}
}

func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func (p *reader) is(words ...string) bool {
	for _, w := range words {
		if !p.quoted && strings.EqualFold(p.tok, w) {
			return true
		}
	}
	return false
}

// or reads operands joined by the operator that binds loosest. top says that all
// of it must hold, so that a word may go into the search expression.
func (p *reader) or(top bool) string {
	if p.depth++; p.depth > 100 {
		p.failed = true
		return ""
	}
	defer func() { p.depth-- }()
	if p.orTighter {
		return p.joined(" and ", true, func() string { return p.joined(" or ", false, func() string { return p.one(top && !p.orAhead()) }) })
	}
	return p.joined(" or ", false, func() string { return p.joined(" and ", true, func() string { return p.one(top && !p.orAhead()) }) })
}

// orAhead reports whether an OR stands in what is left, outside parentheses.
func (p *reader) orAhead() bool {
	depth := 0
	for _, t := range orOrParen().FindAllString(p.rest, -1) {
		switch {
		case t == "(":
			depth++
		case t == ")":
			if depth--; depth < 0 {
				return false
			}
		case depth == 0 && t[0] != '"':
			return true
		}
	}
	return false
}

var orOrParen = match.Lazy(`(?i)"(?:[^"\\]|\\.)*"|[()]|\bor\b|\|\|`)

func (p *reader) joined(op string, and bool, operand func() string) string {
	list := []string{}
	for !p.failed {
		if x := operand(); x != "" {
			list = append(list, x)
		}
		switch {
		case and && p.is("and", "&&"), !and && p.is("or", "||"):
			p.next()
			if p.tok == "" {
				p.failed = true
			}
			continue
		case and && p.keywords && p.tok != "" && !p.is("or", "||", ")"): // side by side
			continue
		}
		break
	}
	switch {
	case len(list) < 2 || and:
		return strings.Join(list, op)
	}
	return "(" + strings.Join(list, op) + ")"
}

func (p *reader) one(top bool) string {
	switch {
	case p.failed, p.tok == "":
		p.failed = true
		return ""
	case p.is("not", "!"):
		p.next()
		x := p.one(false)
		if x == "" {
			p.failed = true
		}
		return "!(" + x + ")"
	case p.is("("):
		p.next()
		x := p.or(false)
		if !p.is(")") || x == "" {
			p.failed = true
			return ""
		}
		p.next()
		if strings.HasPrefix(x, "(") {
			return x
		}
		return "(" + x + ")"
	}
	field, word := p.tok, p.quoted
	p.next()
	op := strings.ToLower(p.tok)
	if p.quoted || !isOp[op] && !(op == "not" && !p.keywords) {
		if !p.keywords || !top || strings.ContainsAny(field, `|`) {
			p.failed = true
			return ""
		}
		if word {
			field = `"` + strings.ReplaceAll(field, `"`, `\"`) + `"`
		}
		p.words = append(p.words, field)
		return ""
	}
	if !fieldName().MatchString(field) {
		p.failed = true
		return ""
	}
	p.next()
	not := strings.HasPrefix(op, "!") || op == "<>"
	if op == "not" {
		not, op = true, strings.ToLower(p.tok)
		p.next()
	}
	x := p.test(field, strings.TrimPrefix(op, "!"))
	if not && x != "" {
		return "!(" + x + ")"
	}
	return x
}

var isOp = map[string]bool{
	"=": true, "==": true, "!=": true, "<>": true, ":": true, "=~": true, "!~": true, "<": true, "<=": true, ">": true, ">=": true,
	"in": true, "in~": true, "has": true, "contains": true, "startswith": true, "endswith": true, "like": true, "like~": true,
	"has_any": true, "!has": true, "!contains": true, "!startswith": true, "!endswith": true, "!in": true, "has_cs": true, "contains_cs": true,
}

// test writes a test of a field. The parser stands at the value.
func (p *reader) test(field, op string) string {
	if list := p.is("("); op == "in" || op == "in~" || op == "has_any" || list {
		if !list {
			p.failed = true
			return ""
		}
		p.next()
		var out []string
		for !p.failed && p.tok != "" && !p.is(")") {
			out = append(out, p.value(field, strings.TrimSuffix(op, "_any")))
			if p.is(",", "or") {
				p.next()
			}
		}
		if !p.is(")") || len(out) == 0 {
			p.failed = true
			return ""
		}
		p.next()
		if len(out) == 1 {
			return out[0]
		}
		return "(" + strings.Join(out, " or ") + ")"
	}
	return p.value(field, op)
}

var number = match.Lazy(`^-?\d+(?:\.\d+)?$`)

// value writes a test with one value, at which the parser stands.
func (p *reader) value(field, op string) string {
	v, quoted := p.tok, p.quoted
	if v == "" || !quoted && (p.is("(", ")", "[", "]", ",") || strings.HasPrefix(v, "/")) {
		p.failed = true
		return ""
	}
	p.next()
	if p.is("(", "[") { // a function
		p.failed = true
		return ""
	}
	f, fold, wild := name(field), p.fold, p.wild
	switch op {
	case "=~", "~":
		if op == "~" || p.wild == "" && quoted {
			fold, op = true, "="
		} else {
			p.failed = true // a regular expression
			return ""
		}
	case "in~", "like~":
		fold = true
	case ":":
		fold = true
		if wild == "" {
			wild = "*"
		}
	case "<", "<=", ">", ">=":
		if !number().MatchString(v) {
			p.failed = true
			return ""
		}
		return f + " " + op + " " + v
	}
	any := func(before, after bool) string {
		g := v
		if before {
			g = "*" + g
		}
		if after {
			g += "*"
		}
		return glob(f, g, true)
	}
	switch op {
	case "has", "contains":
		return any(true, true)
	case "has_cs", "contains_cs":
		return glob(f, "*"+v+"*", false)
	case "startswith":
		return any(false, true)
	case "endswith":
		return any(true, false)
	case "like", "like~":
		wild = "%"
		if strings.Contains(v, "_") && !strings.Contains(v, "%") {
			p.failed = true
			return ""
		}
	}
	switch {
	case wild != "" && v == wild:
		return "!isNull(" + f + ")"
	case wild != "" && strings.Contains(v, wild):
		if wild != "*" && strings.Contains(v, "*") {
			p.failed = true
			return ""
		}
		return glob(f, strings.ReplaceAll(v, wild, "*"), fold)
	case baseName[strings.ToLower(field)]:
		return glob(f, `*\`+v, true)
	case number().MatchString(v):
		return f + " = " + v
	case !quoted && !p.keywords: // another field
		p.failed = true
		return ""
	case fold:
		return "toLowerCase(" + f + ") = " + text(strings.ToLower(v))
	}
	return f + " = " + text(v)
}

func glob(f, pattern string, fold bool) string {
	if fold {
		return "toLowerCase(" + f + ") matches " + text(strings.ToLower(pattern))
	}
	return f + " matches " + text(pattern)
}

func text(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + `"`
}

// built puts a query together; "" when a part is missing.
func built(words []string, parts ...string) string {
	scope := "*"
	if len(words) > 0 {
		scope = strings.Join(words, " ")
	}
	out := []string{scope}
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, " | ")
}
