package sigma

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
)

// Condition is a condition of a rule or filter.
type Condition struct {
	Text string
	Span diag.Span
	Expr Expr
}

// Expr is a node of a condition: *And, *Or, *Not, *Use, *Of; in the condition of
// a temporal correlation *Use names a rule.
type Expr interface{ expr() }

// And holds when all of its operands do.
type And struct{ Of []Expr }

// Or holds when one of its operands does.
type Or struct{ Of []Expr }

// Not holds when X does not.
type Not struct{ X Expr }

// Use is a search identifier.
type Use struct {
	Name   string
	Search *Search // nil in the condition of a correlation
	Span   diag.Span
}

// Of is "1 of pattern", or "all of pattern".
type Of struct {
	All      bool
	Pattern  string // selection_*, or them
	Searches []*Search
	Span     diag.Span
}

func (*And) expr() {}
func (*Or) expr()  {}
func (*Not) expr() {}
func (*Use) expr() {}
func (*Of) expr()  {}

// conditions reads conditions. Its grammar, loosest first: or, and, not,
// (condition), N of PATTERN, identifier. Operators are taken in any letter case.
type conditions struct {
	text     string
	at       int // of the next token
	tok      string
	start    int // of tok
	depth    int
	searches []*Search
	rules    bool // identifiers are rules, and there is no "of"
	used     map[*Search]bool
}

// conditionError is a mistake at a place in a condition.
type conditionError struct {
	at, end int
	msg     string
}

func (e *conditionError) Error() string { return e.msg }

// parseCondition reads the condition of a rule; identifiers become searches.
func parseCondition(text string, searches []*Search, rules bool) (Expr, map[*Search]bool, error) {
	p := &conditions{text: text, searches: searches, rules: rules, used: map[*Search]bool{}}
	p.next()
	if p.tok == "" {
		return nil, nil, p.fail("the condition is empty")
	}
	x, err := p.or()
	if err != nil {
		return nil, nil, err
	}
	if p.tok == "|" {
		return nil, nil, p.fail("aggregations after | are no longer part of Sigma: write a correlation rule")
	}
	if p.tok != "" {
		return nil, nil, p.fail("%q is not expected here", p.tok)
	}
	return x, p.used, nil
}

func (p *conditions) fail(format string, args ...any) error {
	return &conditionError{p.start, max(p.at, p.start+1), fmt.Sprintf(format, args...)}
}

func wordByte(c byte) bool {
	return c == '_' || c == '-' || c == '*' || c == '.' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c >= 0x80
}

func (p *conditions) next() {
	for p.at < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.at]) >= 0 {
		p.at++
	}
	p.start = p.at
	for p.at < len(p.text) && wordByte(p.text[p.at]) {
		p.at++
	}
	if p.at == p.start && p.at < len(p.text) {
		p.at++
	}
	p.tok = p.text[p.start:p.at]
}

// is reports whether the next token is an operator.
func (p *conditions) is(word string) bool { return strings.EqualFold(p.tok, word) }

func (p *conditions) or() (Expr, error) {
	x, err := p.and()
	if err != nil || !p.is("or") {
		return x, err
	}
	of := []Expr{x}
	for p.is("or") {
		p.next()
		if x, err = p.and(); err != nil {
			return nil, err
		}
		of = append(of, x)
	}
	return &Or{of}, nil
}

func (p *conditions) and() (Expr, error) {
	x, err := p.not()
	if err != nil || !p.is("and") {
		return x, err
	}
	of := []Expr{x}
	for p.is("and") {
		p.next()
		if x, err = p.not(); err != nil {
			return nil, err
		}
		of = append(of, x)
	}
	return &And{of}, nil
}

func (p *conditions) not() (Expr, error) {
	if p.depth++; p.depth > depthMax {
		return nil, p.fail("the condition is nested too deep")
	}
	defer func() { p.depth-- }()
	switch {
	case p.is("not"):
		p.next()
		x, err := p.not()
		if err != nil {
			return nil, err
		}
		return &Not{x}, nil
	case p.tok == "(":
		open := *p
		p.next()
		x, err := p.or()
		if err != nil {
			return nil, err
		}
		if p.tok != ")" {
			if p.tok == "" {
				return nil, open.fail("this parenthesis is not closed")
			}
			return nil, p.fail("expected ) and found %q", p.tok)
		}
		p.next()
		return x, nil
	case p.tok == "":
		return nil, p.fail("the condition ends where a search identifier is expected")
	case p.is("and"), p.is("or"), !wordByte(p.tok[0]):
		return nil, p.fail("%q stands where a search identifier is expected", p.tok)
	}
	return p.operand()
}

func (p *conditions) operand() (Expr, error) {
	word := *p
	p.next()
	if !p.rules && p.is("of") {
		all := strings.EqualFold(word.tok, "all")
		if !all && word.tok != "1" && !strings.EqualFold(word.tok, "any") {
			return nil, word.fail("%q of is not Sigma: write 1 of, any of or all of", word.tok)
		}
		p.next()
		if p.tok == "" || !wordByte(p.tok[0]) {
			return nil, p.fail("expected them or a pattern such as selection_* after of")
		}
		o := &Of{All: all, Pattern: p.tok, Span: diag.Span{Start: word.start, End: p.at}}
		for _, s := range p.searches {
			if matchesPattern(o.Pattern, s.Name) {
				o.Searches = append(o.Searches, s)
				p.used[s] = true
			}
		}
		if len(o.Searches) == 0 {
			return nil, p.fail("no search identifier fits %s", p.tok)
		}
		p.next()
		return o, nil
	}
	u := &Use{Name: word.tok, Span: diag.Span{Start: word.start, End: word.at}}
	if p.rules {
		return u, nil
	}
	for _, s := range p.searches {
		if s.Name == u.Name {
			u.Search = s
			p.used[s] = true
			return u, nil
		}
	}
	names := make([]string, len(p.searches))
	for i, s := range p.searches {
		names[i] = s.Name
	}
	if near := diag.Nearest(u.Name, names); near != "" {
		return nil, word.fail("there is no search identifier %s; did you mean %s?", u.Name, near)
	}
	return nil, word.fail("there is no search identifier %s", u.Name)
}

// matchesPattern reports whether a name fits a pattern in which * is any run of
// characters. Names that begin with _ are private: a pattern must begin so too.
func matchesPattern(pattern, name string) bool {
	if pattern == "them" {
		pattern = "*"
	}
	if strings.HasPrefix(name, "_") && !strings.HasPrefix(pattern, "_") {
		return false
	}
	pieces := strings.Split(pattern, "*")
	if len(pieces) == 1 {
		return pattern == name
	}
	first, last := pieces[0], pieces[len(pieces)-1]
	if len(name) < len(first)+len(last) || !strings.HasPrefix(name, first) || !strings.HasSuffix(name, last) {
		return false
	}
	name = name[len(first) : len(name)-len(last)]
	for _, m := range pieces[1 : len(pieces)-1] {
		i := strings.Index(name, m)
		if i < 0 {
			return false
		}
		name = name[i+len(m):]
	}
	return true
}
