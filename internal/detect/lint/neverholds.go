package lint

import (
	"fmt"
	"math"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(Check{
	ID: "never-holds", Severity: diag.Warning,
	What: "A comparison that can never hold: capital letters in what toLowerCase gives is compared with, two different values of one field, a text that no branch gives.",
	Why: "The stage drops every row, or its branch is never taken, and the query finds nothing without saying so. " +
		"In a detection this is the worst mistake there is: it looks like a quiet network.",
	Bad: []string{
		"_sourceCategory=a\n| toLowerCase(Image) as image\n| where image matches \"*\\\\PowerShell.exe\"",
		"_sourceCategory=a\n| where EventID = \"1\" and EventID = \"3\"",
		"_sourceCategory=a\n| where EventID = \"1\"\n| where EventID = \"3\"",
		"_sourceCategory=a\n| where n > 5 and n < 3",
		"_sourceCategory=a _sourceCategory=b",
		"_sourceCategory=a\n| if (x = \"y\", \"low\", \"high\") as level\n| where level = \"critical\"",
	},
	Good: []string{
		"_sourceCategory=a\n| toLowerCase(Image) as image\n| where image matches \"*\\\\powershell.exe\"",
		"_sourceCategory=a\n| where EventID = \"1\" or EventID = \"3\"",
		"_sourceCategory=a\n| where n > 3 and n < 5",
		"_sourceCategory=a*  _sourceCategory=*b",
	},
	Query: neverHolds,
})

func neverHolds(q *Query, report Report) {
	for _, p := range q.Pipes {
		searchNeverHolds(p.Query.Search, report)
		k := known{}
		facts := facts{}
		for _, s := range p.Stages {
			s.each(func(x syntax.Expr) { q.textNeverHolds(k, x, report) })
			if c := s.condition(); c != nil {
				facts.and(q, c, report)
			} else {
				s.each(func(x syntax.Expr) {
					if b, ok := x.(*syntax.Binary); ok && b.Op == "and" {
						facts.clone().and(q, x, report)
					}
				})
			}
			facts.forget(s)
			k = k.after(s)
		}
	}
}

// searchNeverHolds finds two values of one field in an AND of the search
// expression. Values are compared as a whole, and letter case does not count.
func searchNeverHolds(x syntax.Search, report Report) {
	if x == nil {
		return
	}
	syntax.Walk(x, func(n syntax.Node) bool {
		and, ok := n.(*syntax.And)
		if !ok {
			return true
		}
		first := map[string]*syntax.FieldTerm{}
		for _, y := range and.List {
			f, ok := y.(*syntax.FieldTerm)
			if !ok || f.Op != "=" || len(f.Values) != 1 || strings.Contains(f.Values[0].Text, "*") {
				continue
			}
			k := strings.ToLower(f.Field.Name)
			if o := first[k]; o == nil {
				first[k] = f
			} else if !strings.EqualFold(o.Values[0].Text, f.Values[0].Text) {
				d := report(f.Pos, fmt.Sprintf("%s cannot be %s and %s at once", f.Field.Name, o.Values[0].Text, f.Values[0].Text), "write OR between them, in parentheses")
				d.Labels = []diag.Label{{Span: o.Pos, Text: "the other value"}}
			}
		}
		return true
	})
}

// textNeverHolds finds comparisons with a text that the other side never is.
func (q *Query) textNeverHolds(k known, x syntax.Expr, report Report) {
	var of syntax.Expr
	var list []syntax.Expr
	wild := false
	switch x := x.(type) {
	case *syntax.Binary:
		if x.Op != "=" && x.Op != "contains" {
			return
		}
		of, list = x.X, []syntax.Expr{x.Y}
	case *syntax.Matches:
		of, list, wild = x.X, []syntax.Expr{x.Pattern}, true
	case *syntax.In:
		of, list = x.X, x.List
	default:
		return
	}
	v := k.of(of)
	if v.literal {
		return
	}
	for _, y := range list {
		s, ok := unparen(y).(*syntax.String)
		if !ok {
			continue
		}
		switch {
		case v.lower && strings.ToLower(s.Value) != s.Value:
			low := quoted(strings.ToLower(s.Value))
			d := report(s.Pos, fmt.Sprintf("%s is in lower case here, and %s has capital letters", q.short(of), q.short(s)), "write "+low)
			d.Fix = edit("write "+low, s.Pos, low)
		case v.upper && strings.ToUpper(s.Value) != s.Value:
			up := quoted(strings.ToUpper(s.Value))
			d := report(s.Pos, fmt.Sprintf("%s is in upper case here, and %s has small letters", q.short(of), q.short(s)), "write "+up)
			d.Fix = edit("write "+up, s.Pos, up)
		case v.texts != nil && !reaches(v.texts, s.Value, x, wild):
			report(x.Span(), fmt.Sprintf("%s is never %s", q.short(of), q.short(s)), "it is one of "+listed(v.texts))
		}
	}
}

// reaches reports whether one of the texts fits what it is compared with.
func reaches(texts []string, want string, x syntax.Expr, wild bool) bool {
	for _, t := range texts {
		switch {
		case wild && match.CompileGlob(want, false).Match(t), t == want:
			return true
		}
		if b, ok := x.(*syntax.Binary); ok && b.Op == "contains" && strings.Contains(t, want) {
			return true
		}
		if numberOf(t) == numberOf(want) { // not so for two NaN
			return true
		}
	}
	return false
}

func numberOf(s string) float64 {
	v := known{}.of(&syntax.String{Value: s})
	if !v.number {
		return math.NaN()
	}
	return v.lo
}

func listed(texts []string) string {
	const most = 6
	var list []string
	for _, t := range texts {
		q := quoted(t)
		for _, o := range list {
			if o == q {
				q = ""
			}
		}
		if q != "" {
			list = append(list, q)
		}
	}
	if len(list) > most {
		list = append(list[:most], "...")
	}
	return strings.Join(list, ", ")
}

// facts are what the conditions so far say of expressions, by their text.
type facts map[string]*fact

type fact struct {
	equal  *syntax.Binary // to a constant
	value  values
	lo, hi float64 // bounds, and where they stand
	loAt   *syntax.Binary
	hiAt   *syntax.Binary
	open   bool // one of the bounds is not among the values
}

func (f facts) clone() facts {
	c := facts{}
	for k, v := range f {
		w := *v
		c[k] = &w
	}
	return c
}

// and adds what a condition says, and reports what contradicts what is known.
func (f facts) and(q *Query, cond syntax.Expr, report Report) {
	for _, x := range conjuncts(cond) {
		b, ok := unparen(x).(*syntax.Binary)
		if !ok {
			continue
		}
		if _, field := unparen(b.X).(*syntax.Field); !field {
			continue
		}
		v := known{}.of(b.Y)
		if !v.literal {
			continue
		}
		key := strings.ToLower(q.text(b.X))
		at := f[key]
		if at == nil {
			at = &fact{lo: math.Inf(-1), hi: math.Inf(1)}
			f[key] = at
		}
		switch b.Op {
		case "=":
			if at.equal != nil && !same(at.value, v) {
				d := report(b.Pos, fmt.Sprintf("%s cannot be %s and %s at once", q.short(b.X), q.short(at.equal.Y), q.short(b.Y)), "write or between the two")
				d.Labels = []diag.Label{{Span: at.equal.Pos, Text: "the other value"}}
				return
			}
			at.equal, at.value = b, v
		case ">", ">=":
			if v.number && v.lo >= at.lo {
				at.lo, at.loAt, at.open = v.lo, b, at.open || b.Op == ">"
			}
		case "<", "<=":
			if v.number && v.lo <= at.hi {
				at.hi, at.hiAt, at.open = v.lo, b, at.open || b.Op == "<"
			}
		default:
			continue
		}
		if at.loAt != nil && at.hiAt != nil && (at.lo > at.hi || at.lo == at.hi && at.open) {
			d := report(b.Pos, fmt.Sprintf("no number is both %s %s and %s %s", at.loAt.Op, q.short(at.loAt.Y), at.hiAt.Op, q.short(at.hiAt.Y)), "turn one of the two round, or write or")
			other := at.loAt
			if other == b {
				other = at.hiAt
			}
			d.Labels = []diag.Label{{Span: other.Pos, Text: "the other bound"}}
			return
		}
	}
}

func same(a, b values) bool {
	if a.number && b.number {
		return a.lo == b.lo
	}
	return len(a.texts) == 1 && len(b.texts) == 1 && a.texts[0] == b.texts[0]
}

// forget drops what a stage makes anew. Stages that make rows out of others
// leave nothing.
func (f facts) forget(s *Stage) {
	if s.Rows == lang.Makes {
		clear(f)
	}
	for _, u := range s.Makes {
		delete(f, strings.ToLower(u.Name))
	}
}
