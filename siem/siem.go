// Package siem reads Cloud SIEM expressions, the language of rule, tuning and
// trigger expressions, into trees that keep the place of everything in the text.
// Nothing runs here: package rule lowers a tree to what does.
package siem

import (
	"github.com/gyoji-dev/gyoji/diag"
)

// Node is a node of an expression: *And, *Or, *Not, *Compare, *In, *Like,
// *Matches, *Between, *IsNull, *Arith, *Neg, *Call, *Name, *Index, *List or *Literal.
type Node interface {
	At() diag.Span
	// Parts calls each with the node's operands, in the order of the text.
	Parts(each func(Node))
}

// And holds when both do, Or when one does, Not when X does not.
type (
	And struct {
		X, Y Node
		Span diag.Span
	}
	Or struct {
		X, Y Node
		Span diag.Span
	}
	Not struct {
		X    Node
		Span diag.Span
	}
)

// Op is a comparison or an arithmetic operator, as it is best written: =, ==,
// !=, <=>, <, <=, >, >=, +, -, *, /, %.
type Op string

// Compare is X op Y.
type Compare struct {
	Op   Op
	X, Y Node
	Span diag.Span
}

// In is X IN (List).
type In struct {
	X    Node
	List []Node
	Not  bool
	Span diag.Span
}

// Like is X LIKE Pattern; Escape is the character of its ESCAPE clause, or "".
type Like struct {
	X, Pattern Node
	Escape     string
	Not        bool
	Span       diag.Span
}

// Matches is X MATCHES Y, or with Rlike X RLIKE Y: a regular expression, but
// for MATCHES and text, which is a pattern of * and ?.
type Matches struct {
	X, Y  Node
	Rlike bool
	Not   bool
	Span  diag.Span
}

// Between is X BETWEEN Low AND High, both included.
type Between struct {
	X, Low, High Node
	Not          bool
	Span         diag.Span
}

// IsNull is X IS NULL.
type IsNull struct {
	X    Node
	Not  bool
	Span diag.Span
}

// Arith is X op Y for + - * / and %.
type Arith struct {
	Op   Op
	X, Y Node
	Span diag.Span
}

// Neg is -X.
type Neg struct {
	X    Node
	Span diag.Span
}

// Call is a function with its arguments.
type Call struct {
	Name string // as written
	Args []Node
	Span diag.Span
}

// Name is an attribute of the record.
type Name struct {
	Name string
	Span diag.Span
}

// Index is X[Key], or X.name with the name as a text Key.
type Index struct {
	X, Key Node
	Span   diag.Span
}

// List is [a, b]: attributes for hasThreatMatch.
type List struct {
	Items []Node
	Span  diag.Span
}

// Kind is what a Literal is.
type Kind uint8

const (
	Null Kind = iota
	Bool
	Number // a size or time, such as 5m, is its value: 300000
	Text
	Regex
)

// Literal is a constant.
type Literal struct {
	Kind   Kind
	Text   string  // of Text and Regex, the delimiters and escapes of slashes gone
	Number float64 // of Number; 1 and 0 of Bool
	Span   diag.Span
}

func (x *And) At() diag.Span     { return x.Span }
func (x *Or) At() diag.Span      { return x.Span }
func (x *Not) At() diag.Span     { return x.Span }
func (x *Compare) At() diag.Span { return x.Span }
func (x *In) At() diag.Span      { return x.Span }
func (x *Like) At() diag.Span    { return x.Span }
func (x *Matches) At() diag.Span { return x.Span }
func (x *Between) At() diag.Span { return x.Span }
func (x *IsNull) At() diag.Span  { return x.Span }
func (x *Arith) At() diag.Span   { return x.Span }
func (x *Neg) At() diag.Span     { return x.Span }
func (x *Call) At() diag.Span    { return x.Span }
func (x *Name) At() diag.Span    { return x.Span }
func (x *Index) At() diag.Span   { return x.Span }
func (x *List) At() diag.Span    { return x.Span }
func (x *Literal) At() diag.Span { return x.Span }

func (x *And) Parts(each func(Node))     { each(x.X); each(x.Y) }
func (x *Or) Parts(each func(Node))      { each(x.X); each(x.Y) }
func (x *Not) Parts(each func(Node))     { each(x.X) }
func (x *Compare) Parts(each func(Node)) { each(x.X); each(x.Y) }
func (x *In) Parts(each func(Node)) {
	each(x.X)
	for _, y := range x.List {
		each(y)
	}
}
func (x *Like) Parts(each func(Node))    { each(x.X); each(x.Pattern) }
func (x *Matches) Parts(each func(Node)) { each(x.X); each(x.Y) }
func (x *Between) Parts(each func(Node)) { each(x.X); each(x.Low); each(x.High) }
func (x *IsNull) Parts(each func(Node))  { each(x.X) }
func (x *Arith) Parts(each func(Node))   { each(x.X); each(x.Y) }
func (x *Neg) Parts(each func(Node))     { each(x.X) }
func (x *Call) Parts(each func(Node)) {
	for _, y := range x.Args {
		each(y)
	}
}
func (x *Name) Parts(func(Node))       {}
func (x *Index) Parts(each func(Node)) { each(x.X); each(x.Key) }
func (x *List) Parts(each func(Node)) {
	for _, y := range x.Items {
		each(y)
	}
}
func (x *Literal) Parts(func(Node)) {}

// Clause is json field=FROM "path", ... as name, ...: fields taken out of text
// before the condition.
type Clause struct {
	From  string
	Paths []string
	As    []string
	Span  diag.Span
}

// Expression is a parsed expression.
type Expression struct {
	File    *diag.File
	Clauses []Clause
	Cond    Node
}

// Walk calls visit for x and all below it, until visit returns false for a branch.
func Walk(x Node, visit func(Node) bool) {
	if visit(x) {
		x.Parts(func(p Node) { Walk(p, visit) })
	}
}

// Keywords are the words of the language that are neither attributes nor functions.
func Keywords() []string {
	return []string{"AND", "OR", "NOT", "IN", "LIKE", "RLIKE", "MATCHES", "BETWEEN", "IS NULL", "IS NOT NULL", "ESCAPE", "TRUE", "FALSE", "NULL"}
}
