// Package syntax reads and prints the query language: tokens, tree, parser,
// printer and walk. It knows no operator by name; it asks a Grammar.
package syntax

import (
	"github.com/gyoji-dev/gyoji/diag"
)

// Node is any part of a tree. Every node knows where it was written.
type Node interface{ Span() diag.Span }

// Query is a parsed query: a search expression and the stages it is piped through.
type Query struct {
	File     *diag.File
	Pos      diag.Span
	Search   Search // nil when empty; Everything for "*"
	Stages   []*Stage
	Comments []*Comment // in source order, of this query (not of child queries)
}

func (q *Query) Span() diag.Span { return q.Pos }

// Comment is a // or /* */ comment, its marks included in Text.
type Comment struct {
	Pos  diag.Span
	Text string
}

func (c *Comment) Span() diag.Span { return c.Pos }

// ---- search expression

// Search is a node of the search expression (Sumo's scope).
type Search interface {
	Node
	search()
}

type (
	// Everything is "*".
	Everything struct{ Pos diag.Span }

	// And holds terms joined by AND or by standing side by side.
	And struct {
		Pos  diag.Span
		List []Search
	}
	// Or holds terms joined by OR.
	Or struct {
		Pos  diag.Span
		List []Search
	}
	// Not negates a term, written NOT or !.
	Not struct {
		Pos diag.Span
		X   Search
	}
	// Group is a parenthesised expression, kept for printing.
	Group struct {
		Pos diag.Span
		X   Search
	}

	// Term is a keyword or a quoted phrase. Text is unescaped; wildcards are
	// live only when it is not quoted.
	Term struct {
		Pos    diag.Span
		Text   string
		Quoted bool
	}

	// FieldTerm is field=value, or one of the extensions field in (...),
	// field!=value, field<value and so on.
	FieldTerm struct {
		Pos    diag.Span
		Field  *Field
		Op     string // "=", "!=", "<", "<=", ">", ">=", "in", "not in"
		Values []*Term
	}

	// Subquery is [subquery ...: query | compose ...]. It is an expression too.
	Subquery struct {
		Pos      diag.Span
		From, To string // texts of from=(...) and to=(...); "" when absent
		Query    *Query // without the compose stage
		Compose  []*Field
		Max      int  // maxresults; 0 when absent
		Keywords bool // compose ... keywords
	}
)

func (x *Everything) Span() diag.Span { return x.Pos }
func (x *And) Span() diag.Span        { return x.Pos }
func (x *Or) Span() diag.Span         { return x.Pos }
func (x *Not) Span() diag.Span        { return x.Pos }
func (x *Group) Span() diag.Span      { return x.Pos }
func (x *Term) Span() diag.Span       { return x.Pos }
func (x *FieldTerm) Span() diag.Span  { return x.Pos }
func (x *Subquery) Span() diag.Span   { return x.Pos }

func (*Everything) search() {}
func (*And) search()        {}
func (*Or) search()         {}
func (*Not) search()        {}
func (*Group) search()      {}
func (*Term) search()       {}
func (*FieldTerm) search()  {}
func (*Subquery) search()   {}

// ---- stages

// Kind says which of the three shapes a stage has.
type Kind uint8

const (
	Operation Kind = iota // an operator read by its usage line
	Grouping              // aggregates with an optional by: count, sum(x) as s by y
	Assigning             // expr as field, or a function in place
)

// Stage is one step of the pipe.
type Stage struct {
	Pos  diag.Span
	Kind Kind
	Op   *Name // the operator's name as written; for Grouping the first aggregate, for Assigning nil

	// Bad marks a stage with a mistake that was reported. It holds what was read
	// before that; do not bind or check it.
	Bad bool

	// Operation: what was read by the operator's usage line, in source order.
	Args  []Arg
	Tail  string // punctuation after the last argument, for printing: ")"
	usage *Usage

	// Grouping.
	Aggs []*Agg
	By   []*Named // group fields (expressions are refused by analysis, with a rewrite)

	// Assigning. Eval marks the dialect "eval x = e", which prints as it was
	// written unless fmt is asked for portable form.
	X    Expr
	As   *Field // nil: the in-place rule applies
	Eval bool
	// clashes says that an eval's expression starts with the name of an operator
	// or aggregate, so that its portable form must not.
	clashes bool
}

func (s *Stage) Span() diag.Span { return s.Pos }

// Name is a bare word that is not a field: an operator, function or option.
type Name struct {
	Pos  diag.Span
	Text string
}

func (n *Name) Span() diag.Span { return n.Pos }

// Arg is one piece of an operator's arguments. Slot is the name in the usage
// line; a keyword that was written has its own text as Slot and a *Name as Value.
type Arg struct {
	Slot  string
	Value Node
	Lead  string // what is printed before the value: " ", ", ", "=", "("; "" is a blank
}

// Clause is a group of arguments that is repeated as one: "pattern" as a, b.
type Clause struct {
	Pos  diag.Span
	Args []Arg
	Tail string // as in Stage
}

func (c *Clause) Span() diag.Span { return c.Pos }

// Agg is one aggregate of a Grouping stage.
type Agg struct {
	Pos  diag.Span
	Func *Name
	Args []Expr // a Star for count(*)
	As   *Field
}

func (a *Agg) Span() diag.Span { return a.Pos }

// Named is an expression with an optional alias: expr [as field].
type Named struct {
	Pos diag.Span
	X   Expr
	As  *Field
}

func (n *Named) Span() diag.Span { return n.Pos }

// SortKey is [+|-] field [asc|desc]. Descending is Sumo's default.
type SortKey struct {
	Pos      diag.Span
	Field    *Field
	Asc      bool
	Explicit bool // a sign or asc/desc was written
}

func (k *SortKey) Span() diag.Span { return k.Pos }

// Path is an unquoted or quoted source of a table: path://"...", https://...,
// sumo://threat/cs, shared/folder/name.
type Path struct {
	Pos  diag.Span
	Text string // scheme included, quotes removed
}

func (p *Path) Span() diag.Span { return p.Pos }

// Duration is an integer with a unit of time: 5m, 1h, -24h.
type Duration struct {
	Pos    diag.Span
	Text   string
	Millis int64
}

func (d *Duration) Span() diag.Span { return d.Pos }

// ---- expressions

// Expr is a value expression.
type Expr interface {
	Node
	expr()
}

type (
	// Field is a field reference. Name is without %"...".
	Field struct {
		Pos    diag.Span
		Name   string
		Quoted bool // written %"..."
	}
	// String is a string literal. Value is unescaped as Sumo does (A.6); Raw is
	// the text between the quotes with only \" undone, as patterns want it.
	String struct {
		Pos    diag.Span
		Value  string
		Raw    string
		Single bool // written in single quotes
		// Template says that it is a template parameter without quotes: its
		// value brings them.
		Template bool
	}
	// Number is a number literal, its suffix applied.
	Number struct {
		Pos   diag.Span
		Text  string
		Int   int64
		Float float64
		IsInt bool // no point, exponent or fraction after the suffix is applied
	}
	// Bool is true or false.
	Bool struct {
		Pos   diag.Span
		Value bool
	}
	// Null is the literal null.
	Null struct{ Pos diag.Span }
	// Regex is /pattern/, with \/ undone.
	Regex struct {
		Pos     diag.Span
		Pattern string
	}
	// Star is the * of count(*).
	Star struct{ Pos diag.Span }

	// Unary is -x, !x or "not x" (Op "-", "!", "not").
	Unary struct {
		Pos diag.Span
		Op  string
		X   Expr
	}
	// Binary is x op y. Op is canonical and lower case: + - * / % = != < <= > >=
	// and or contains; Written is as typed ("==", "&&", "AND", "<>").
	Binary struct {
		Pos     diag.Span
		Op      string
		Written string
		OpPos   diag.Span
		X, Y    Expr
	}
	// Matches is x [not] matches pattern; the pattern is a Regex or any string expression.
	Matches struct {
		Pos     diag.Span
		X       Expr
		Not     bool
		Pattern Expr
	}
	// In is x [not] in (a, b).
	In struct {
		Pos  diag.Span
		X    Expr
		Not  bool
		List []Expr
	}
	// Cond is the ternary c ? t : f.
	Cond struct {
		Pos     diag.Span
		C, T, F Expr
	}
	// Call is f(a, b). if(...) is a Call too.
	Call struct {
		Pos  diag.Span
		Func *Name
		Args []Expr
	}
	// Paren is a parenthesised expression, kept for printing.
	Paren struct {
		Pos diag.Span
		X   Expr
	}
)

func (x *Field) Span() diag.Span   { return x.Pos }
func (x *String) Span() diag.Span  { return x.Pos }
func (x *Number) Span() diag.Span  { return x.Pos }
func (x *Bool) Span() diag.Span    { return x.Pos }
func (x *Null) Span() diag.Span    { return x.Pos }
func (x *Regex) Span() diag.Span   { return x.Pos }
func (x *Star) Span() diag.Span    { return x.Pos }
func (x *Unary) Span() diag.Span   { return x.Pos }
func (x *Binary) Span() diag.Span  { return x.Pos }
func (x *Matches) Span() diag.Span { return x.Pos }
func (x *In) Span() diag.Span      { return x.Pos }
func (x *Cond) Span() diag.Span    { return x.Pos }
func (x *Call) Span() diag.Span    { return x.Pos }
func (x *Paren) Span() diag.Span   { return x.Pos }

func (*Field) expr()    {}
func (*String) expr()   {}
func (*Number) expr()   {}
func (*Bool) expr()     {}
func (*Null) expr()     {}
func (*Regex) expr()    {}
func (*Star) expr()     {}
func (*Unary) expr()    {}
func (*Binary) expr()   {}
func (*Matches) expr()  {}
func (*In) expr()       {}
func (*Cond) expr()     {}
func (*Call) expr()     {}
func (*Paren) expr()    {}
func (*Subquery) expr() {}
func (*Path) expr()     {} // of lookupContains
