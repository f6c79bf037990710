package rule

import (
	"slices"
	"strings"
	"sync"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/siem"
)

// pattern is a LIKE, a glob of MATCHES or a regular expression, ready to be used: the
// readings of a pattern as globs, or a regular expression.
type pattern struct {
	globs []*match.Glob
	re    *match.Regexp
}

func (p pattern) holds(x expr.Expr) expr.Expr {
	if p.re != nil {
		return &expr.Regexp{X: x, Re: p.re}
	}
	var any []expr.Expr
	for _, g := range p.globs {
		any = append(any, &expr.Glob{X: x, Glob: g})
	}
	return or(any)
}

func (p pattern) match(s string) (bool, error) {
	if p.re != nil {
		return p.re.Match(s)
	}
	return slices.ContainsFunc(p.globs, func(g *match.Glob) bool { return g.Match(s) }), nil
}

func regexpPattern(s string) (pattern, error) {
	re, err := match.CompileRegexp(s)
	return pattern{re: re}, err
}

// readingsMax is how many readings of a pattern are tried as globs, which are quicker;
// one with more is a regular expression.
const readingsMax = 8

// likePattern reads the pattern of LIKE; of a backslash with two readings both are tried.
func likePattern(p, escape string) (pattern, error) {
	readings := [][]string{{""}} // the pieces between wildcards, of each reading; nil where a regular expression is needed
	var re strings.Builder
	re.WriteString(`(?s)\A`)
	appended := func(pieces []string, more []siem.LikePiece) []string {
		for _, x := range more {
			if x.Any {
				pieces = append(pieces, "")
			}
			pieces[len(pieces)-1] += x.Text
		}
		return pieces
	}
	var write func(of []siem.LikePiece)
	write = func(of []siem.LikePiece) {
		for _, x := range of {
			switch {
			case x.Any:
				re.WriteString(".*")
			case x.One:
				re.WriteByte('.')
			case x.Or != nil:
				re.WriteString("(?:")
				write(x.Or[0])
				re.WriteByte('|')
				write(x.Or[1])
				re.WriteByte(')')
			default:
				re.WriteString(quoteMeta(x.Text))
			}
		}
	}
	all := siem.LikePieces(p, escape)
	write(all)
	for _, x := range all {
		either := [][]siem.LikePiece{{x}}
		if x.Or != nil {
			either = x.Or[:]
		}
		var next [][]string
		for _, pieces := range readings {
			for _, more := range either {
				if slices.ContainsFunc(more, func(y siem.LikePiece) bool { return y.One }) {
					return regexpPattern(re.String() + `\z`)
				}
				next = append(next, appended(slices.Clone(pieces), more))
			}
		}
		if readings = next; len(readings) > readingsMax {
			return regexpPattern(re.String() + `\z`)
		}
	}
	var out pattern
	for _, pieces := range readings {
		out.globs = append(out.globs, match.NewGlob(pieces, false))
	}
	return out, nil
}

// globPattern reads the pattern of MATCHES in quotes: * and ? (4.6).
func globPattern(p string) (pattern, error) {
	if !strings.Contains(p, "?") {
		return pattern{globs: []*match.Glob{match.CompileGlob(p, false)}}, nil
	}
	var re strings.Builder
	re.WriteString(`(?s)\A`)
	for i := range len(p) {
		switch p[i] {
		case '*':
			re.WriteString(".*")
		case '?':
			re.WriteByte('.')
		default:
			re.WriteString(quoteMeta(p[i : i+1]))
		}
	}
	return regexpPattern(re.String() + `\z`)
}

// matching lowers x LIKE y and its kin. A pattern that reads no attribute is
// readied once.
func (l *siemLowering) matching(name string, x expr.Expr, y siem.Node, read func(string) (pattern, error)) expr.Expr {
	of := l.lower(y)
	if c, ok := expr.Fold(of).(*expr.Const); ok {
		if c.Value.IsNull() {
			return &expr.Const{Value: event.Bool(false)}
		}
		p, err := read(c.Value.Str())
		if err != nil {
			return l.fail(y.At(), "bad-regexp", "the regular expression cannot be used: %v", err)
		}
		return p.holds(x)
	}
	ready := readied{read: read}
	return &expr.Call{Name: name, Args: []expr.Expr{x, of}, Fn: func(_ *expr.Env, args []event.Value) (event.Value, error) {
		p, err := ready.pattern(args[1].Str())
		if err != nil {
			return event.Value{}, err
		}
		ok, err := p.match(args[0].Str())
		return event.Bool(ok), err
	}}
}

// readied keeps patterns that data computes: workers share it.
type readied struct {
	read func(string) (pattern, error)
	mu   sync.Mutex
	of   map[string]pattern
}

func (r *readied) pattern(s string) (pattern, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p, ok := r.of[s]; ok {
		return p, nil
	}
	p, err := r.read(s)
	if err != nil {
		return p, err
	}
	if r.of == nil || len(r.of) >= patternsKept {
		r.of = map[string]pattern{}
	}
	r.of[strings.Clone(s)] = p
	return p, nil
}

func (l *siemLowering) like(x *siem.Like) expr.Expr {
	return l.matching("like", l.lower(x.X), x.Pattern, func(s string) (pattern, error) { return likePattern(s, x.Escape) })
}

// matches lowers RLIKE and MATCHES (4.6).
func (l *siemLowering) matches(x *siem.Matches) expr.Expr {
	read := globPattern
	if lit, ok := x.Y.(*siem.Literal); x.Rlike || ok && lit.Kind == siem.Regex {
		read = regexpPattern
	}
	return l.matching("matches", l.lower(x.X), x.Y, read)
}
