package lint

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax"
)

// values is what is known of the values an expression may have, null aside.
type values struct {
	number bool    // they are numbers from lo to hi
	lo, hi float64 // may be infinite
	whole  bool    // the numbers are whole

	texts []string // when not nil, the only texts there are; numbers by their text

	lower, upper bool // they have no upper-case, no lower-case letters
	literal      bool // the expression is written out: there is nothing to find
	typed        typed
}

// typed is the type that all the values have.
type typed uint8

const (
	anyType typed = iota // of the event, or not known
	textType
	numberType
)

// textsMax is how many different texts are kept apart.
const textsMax = 50

func exactly(v float64) values {
	return values{typed: numberType, number: true, lo: v, hi: v, whole: v == math.Trunc(v), texts: []string{numberText(v)}}
}

func numberText(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }

// either is what is known of a value that is one of two.
func either(a, b values) (v values) {
	if a.number && b.number {
		v.number, v.lo, v.hi, v.whole = true, min(a.lo, b.lo), max(a.hi, b.hi), a.whole && b.whole
	}
	if a.texts != nil && b.texts != nil && len(a.texts)+len(b.texts) <= textsMax {
		v.texts = append(append([]string{}, a.texts...), b.texts...)
	}
	v.lower, v.upper = a.lower && b.lower, a.upper && b.upper
	if a.typed == b.typed {
		v.typed = a.typed
	}
	return v
}

// known is what is known of fields at a point of a pipe, by lower-case name.
type known map[string]values

// of is what is known of an expression.
func (k known) of(x syntax.Expr) values {
	switch x := x.(type) {
	case *syntax.Paren:
		return k.of(x.X)
	case *syntax.Number:
		v := exactly(x.Float)
		if x.IsInt {
			v = exactly(float64(x.Int))
		}
		v.literal = true
		return v
	case *syntax.String:
		v := values{typed: textType, texts: []string{x.Value}, lower: strings.ToLower(x.Value) == x.Value, upper: strings.ToUpper(x.Value) == x.Value, literal: true}
		if n, err := strconv.ParseFloat(x.Value, 64); err == nil && !math.IsInf(n, 0) && !math.IsNaN(n) {
			v.number, v.lo, v.hi = true, n, n
		}
		return v
	case *syntax.Field:
		return k[strings.ToLower(x.Name)]
	case *syntax.Cond:
		return either(k.of(x.T), k.of(x.F))
	case *syntax.Unary:
		if v := k.of(x.X); x.Op == "-" && v.number {
			return values{typed: numberType, number: true, lo: -v.hi, hi: -v.lo, whole: v.whole}
		}
	case *syntax.Binary:
		return k.binary(x)
	case *syntax.Call:
		return k.call(x)
	}
	return values{}
}

func (k known) binary(x *syntax.Binary) values {
	t := anyType
	if strings.Contains("+-*/%", x.Op) {
		t = numberType
	}
	switch x.Op {
	case "+", "-", "*":
	default: // nothing is known of the others; a chain of conditions is not gone down
		return values{typed: t}
	}
	a, b := k.of(x.X), k.of(x.Y)
	if !a.number || !b.number || len(a.texts) > 0 && len(b.texts) > 0 && a.literal && b.literal {
		return values{typed: t}
	}
	v := values{typed: t, number: true, whole: a.whole && b.whole}
	switch x.Op {
	case "+":
		v.lo, v.hi = a.lo+b.lo, a.hi+b.hi
	case "-":
		v.lo, v.hi = a.lo-b.hi, a.hi-b.lo
	case "*":
		p := [...]float64{a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi}
		v.lo, v.hi = p[0], p[0]
		for _, q := range p {
			v.lo, v.hi = min(v.lo, q), max(v.hi, q)
		}
	}
	if math.IsNaN(v.lo) || math.IsNaN(v.hi) {
		return values{typed: t}
	}
	return v
}

func (k known) call(x *syntax.Call) values {
	name := strings.ToLower(x.Func.Text)
	if name == "if" && len(x.Args) == 3 {
		return either(k.of(x.Args[1]), k.of(x.Args[2]))
	}
	if len(x.Args) == 0 {
		return values{}
	}
	v := k.of(x.Args[0])
	v.literal = false
	if fn := query.Standard().FunctionOf(name); fn != nil {
		switch fn.Case {
		case lang.LowerCase:
			return values{typed: textType, lower: true, texts: mapped(v.texts, strings.ToLower)}
		case lang.UpperCase:
			return values{typed: textType, upper: true, texts: mapped(v.texts, strings.ToUpper)}
		case lang.KeepsCase:
			all := v
			for i, a := range x.Args {
				if i > 0 && (slices.Contains(fn.From, i) || slices.Equal(fn.From, lang.EveryArg)) {
					w := k.of(a)
					all.lower, all.upper = all.lower && w.lower, all.upper && w.upper
				}
			}
			return values{typed: textType, lower: all.lower, upper: all.upper}
		}
	}
	switch name {
	case "length":
		return values{typed: numberType, number: true, lo: 0, hi: math.Inf(1), whole: true}
	case "num", "number", "tonumber", "double", "todouble", "tolong", "toint", "long", "int":
		if v.number && name[0] != 't' && name != "long" && name != "int" || v.whole {
			v.typed = numberType
			return v
		}
		return values{typed: numberType}
	case "abs":
		return values{typed: numberType, number: true, lo: 0, hi: math.Inf(1), whole: v.whole}
	case "round", "floor", "ceil":
		if v.number && len(x.Args) == 1 {
			return values{typed: numberType, number: true, lo: math.Floor(v.lo), hi: math.Ceil(v.hi), whole: true}
		}
		return values{typed: numberType}
	}
	return values{}
}

func mapped(list []string, fn func(string) string) (out []string) {
	for _, s := range list {
		out = append(out, fn(s))
	}
	return out
}

// after is what is known after a stage. It changes k, and returns it or another.
func (k known) after(s *Stage) known {
	switch s.Kind {
	case syntax.Grouping:
		next := known{}
		for _, b := range s.By {
			if f, ok := b.X.(*syntax.Field); ok {
				as := f
				if b.As != nil {
					as = b.As
				}
				next[strings.ToLower(as.Name)] = k.of(f)
			}
		}
		for _, a := range s.Aggs {
			name := "_" + strings.ToLower(a.Func.Text)
			if a.As != nil {
				name = strings.ToLower(a.As.Name)
			}
			next[name] = k.aggregate(a)
		}
		return next
	case syntax.Assigning:
		v := k.of(s.X)
		v.literal = false
		for _, u := range s.Makes {
			k[strings.ToLower(u.Name)] = v
		}
		return k
	}
	if s.Rows == lang.Makes || s.Any {
		return known{}
	}
	from := values{}
	if s.Facts.Parts {
		for _, u := range s.Reads {
			if v := k[strings.ToLower(u.Name)]; u.At != nil {
				from = values{lower: v.lower, upper: v.upper} // a part of it is so, too
			}
		}
	}
	if s.Facts.Text {
		from.typed = textType
	}
	for _, u := range s.Makes {
		k[strings.ToLower(u.Name)] = from
	}
	return k
}

// aggregate is what is known of a group function's result.
func (k known) aggregate(a *syntax.Agg) values {
	switch strings.ToLower(a.Func.Text) {
	case "count", "count_distinct":
		return values{typed: numberType, number: true, lo: 0, hi: math.Inf(1), whole: true}
	case "sum":
		if len(a.Args) == 1 {
			if v := k.of(a.Args[0]); v.number {
				return values{typed: numberType, number: true, lo: min(v.lo*math.Inf(1), 0), hi: math.Inf(1), whole: v.whole}.nan()
			}
		}
		return values{typed: numberType}
	case "min", "max", "avg", "pct", "median", "first", "last", "most_recent", "least_recent":
		if len(a.Args) > 0 {
			v := k.of(a.Args[0])
			v.texts, v.literal = nil, false
			return v
		}
	}
	return values{}
}

// nan forgets bounds that came out as no number: 0 times infinity.
func (v values) nan() values {
	if math.IsNaN(v.lo) {
		v.lo = 0
	}
	return v
}

// verdict is what is known of a comparison.
type verdict uint8

const (
	unknown verdict = iota
	never
	always
)

// compare tells how x op y ends as far as numbers go; both must be known and one
// of them not written out.
func compare(op string, a, b values) verdict {
	if !a.number || !b.number || a.literal == b.literal {
		return unknown
	}
	switch op {
	case "<":
		return decide(a.lo >= b.hi, a.hi < b.lo)
	case "<=":
		return decide(a.lo > b.hi, a.hi <= b.lo)
	case ">":
		return decide(a.hi <= b.lo, a.lo > b.hi)
	case ">=":
		return decide(a.hi < b.lo, a.lo >= b.hi)
	case "=":
		return decide(a.hi < b.lo || b.hi < a.lo || apart(a, b) || apart(b, a), a.lo == a.hi && b.lo == b.hi && a.lo == b.lo)
	case "!=":
		return decide(a.lo == a.hi && b.lo == b.hi && a.lo == b.lo, a.hi < b.lo || b.hi < a.lo)
	}
	return unknown
}

// apart reports whether a has no value that is the one number b is.
func apart(a, b values) bool {
	if b.lo != b.hi {
		return false
	}
	if a.whole && b.lo != math.Trunc(b.lo) {
		return true
	}
	if a.texts == nil || !a.whole {
		return false
	}
	for _, t := range a.texts {
		if t == numberText(b.lo) {
			return false
		}
	}
	return true
}

func decide(no, yes bool) verdict {
	switch {
	case no:
		return never
	case yes:
		return always
	}
	return unknown
}
