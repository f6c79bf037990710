package op

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// termSetLeast is how many keywords are looked for together. A list of addresses or
// digests that is pasted into a query has thousands.
const termSetLeast = 8

// termSet is that a message holds any of some keywords. Each of them starts with a
// token of ASCII letters and digits, so that one walk over the tokens of a message
// finds all; what each is besides, its term says. It is what an or of termTests is.
type termSet struct {
	X     expr.Expr
	first map[string][]*term // by their first token, in lower case
}

func (x *termSet) Parts(each func(expr.Expr)) { each(x.X) }
func (x *termSet) Eval(f *expr.Frame) event.Value {
	return event.Bool(x.match(x.X.Eval(f).Str()))
}

func (x *termSet) match(s string) bool {
	var buf [64]byte
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if !wordRune(r) {
			i += n
			continue
		}
		start := i
		low := buf[:0]
		for wordRune(r) {
			if r < utf8.RuneSelf {
				low = append(low, byte(unicode.ToLower(r)))
			} else {
				low = utf8.AppendRune(low, unicode.ToLower(r))
			}
			i += n
			if i == len(s) {
				break
			}
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		for _, t := range x.first[string(low)] {
			if t.matchAt(s, start, 0) {
				return true
			}
		}
	}
	return false
}

// firstToken is the token of ASCII letters and digits that a term starts with; ok is
// false when it starts otherwise.
func (t *term) firstToken() (text string, ok bool) {
	if t.all || t.never || len(t.parts) == 0 || t.parts[0].kind != lit {
		return "", false
	}
	start := t.parts[0].text
	end := strings.IndexFunc(start, func(r rune) bool { return !wordRune(r) })
	if end < 0 {
		end = len(start)
	}
	for i := range end {
		if start[i] >= utf8.RuneSelf {
			return "", false
		}
	}
	return start[:end], end > 0
}

// setsOfTerms puts the keywords of a search expression that are looked for side by side
// into sets: those of an or, and those that an and rules out.
func setsOfTerms(x expr.Expr) expr.Expr {
	switch y := x.(type) {
	case *expr.Not:
		return &expr.Not{X: setsOfTerms(y.X)}
	case *expr.Or:
		return joined(operands(x, func(x expr.Expr) (a, b expr.Expr, ok bool) {
			if y, ok := x.(*expr.Or); ok {
				return y.X, y.Y, true
			}
			return nil, nil, false
		}), func(x expr.Expr) expr.Expr { return x }, func(x expr.Expr) expr.Expr { return x },
			func(a, b expr.Expr) expr.Expr { return &expr.Or{X: a, Y: b} })
	case *expr.And:
		return joined(operands(x, func(x expr.Expr) (a, b expr.Expr, ok bool) {
			if y, ok := x.(*expr.And); ok {
				return y.X, y.Y, true
			}
			return nil, nil, false
		}), func(x expr.Expr) expr.Expr {
			if n, ok := x.(*expr.Not); ok {
				return n.X
			}
			return nil
		}, func(x expr.Expr) expr.Expr { return &expr.Not{X: x} },
			func(a, b expr.Expr) expr.Expr { return &expr.And{X: a, Y: b} })
	}
	return x
}

// operands are those of a chain of and or or, which leans to the left.
func operands(x expr.Expr, cut func(expr.Expr) (a, b expr.Expr, ok bool)) (list []expr.Expr) {
	for {
		a, b, ok := cut(x)
		if !ok {
			break
		}
		list = append(list, b)
		x = a
	}
	list = append(list, x)
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list
}

// joined joins operands again, keywords among them as a set. inner is what of an
// operand may be a keyword, outer what it makes of the set.
func joined(list []expr.Expr, inner, outer func(expr.Expr) expr.Expr, join func(a, b expr.Expr) expr.Expr) expr.Expr {
	set := &termSet{first: map[string][]*term{}}
	n := 0
	var rest []expr.Expr
	for _, x := range list {
		if t, ok := inner(x).(*termTest); ok {
			if first, ok := t.term.firstToken(); ok {
				set.X, set.first[first] = t.X, append(set.first[first], t.term)
				n++
				continue
			}
		}
		rest = append(rest, setsOfTerms(x))
	}
	if n < termSetLeast {
		rest = list
		for i, x := range rest {
			rest[i] = setsOfTerms(x)
		}
	} else {
		rest = append([]expr.Expr{outer(set)}, rest...)
	}
	out := rest[0]
	for _, x := range rest[1:] {
		out = join(out, x)
	}
	return out
}
