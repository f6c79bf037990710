// Package expr holds resolved expressions: one tree for where clauses, Sigma
// selections and Cloud SIEM conditions, and the programs that run such a tree
// over batches. A tree is made once and shared; a Program's Run belongs to one
// worker.
//
// Work is done on distinct values: whatever part of a tree reads a single field
// is computed once for each entry of that field's dictionary.
package expr

import (
	"slices"
	"time"
	"unsafe"

	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
)

// Env is what an expression can know besides the row.
type Env struct {
	Now      int64 // ms, fixed for the query
	From, To int64 // the query's time range in ms
	Zone     *time.Location
	// Warn counts a value that could not be used; nil counts nothing.
	Warn func(kind, detail string)
	// Given are the rows of what ran before the query, by what asks for them.
	Given map[any][][]event.Value
}

// Expr is one node of a resolved expression.
type Expr interface {
	// Eval computes the value for the frame's row.
	Eval(f *Frame) event.Value
	// Parts calls each with the node's operands, so that trees can be walked.
	Parts(each func(Expr))
}

// Frame is the row an expression is computed for.
type Frame struct {
	Env *Env

	b     *event.Batch
	row   uint16
	only  bool // val stands for the one field that is read
	val   event.Value
	memos []memo
	onces []rowValue
	fold  bool          // many patterns are compared with val, letter case aside:
	text  []byte        // it is folded once for all of them, and
	known bool          // text is it
	one   *Frame        // for a single value, when only is not set
	args  []event.Value // of the calls being computed

	warned bool // Env.Warn was called

	list  []byte        // whose values were taken apart last,
	parts []event.Value // and these
}

// single is a frame in which v stands for the one field that is read, good until
// the next one is asked for.
func (f *Frame) single(v event.Value) *Frame {
	if f.one == nil {
		f.one = &Frame{Env: f.Env, only: true}
	}
	f.one.val = v
	return f.one
}

// folded is the text of val as patterns want it that ignore letter case.
func (f *Frame) folded() string {
	if !f.known {
		f.text, f.known = match.AppendFolded(f.text[:0], f.val.Str()), true
	}
	return unsafe.String(unsafe.SliceData(f.text), len(f.text))
}

// Get returns a field of the frame's row.
func (f *Frame) Get(s event.Slot) event.Value {
	if f.only {
		return f.val
	}
	return f.b.Value(s, f.row)
}

// Field reads a field.
type Field struct {
	Slot event.Slot
	Name string // as the query spells it
}

func (x *Field) Eval(f *Frame) event.Value { return f.Get(x.Slot) }
func (x *Field) Parts(func(Expr))          {}

// Const is a literal.
type Const struct{ Value event.Value }

func (x *Const) Eval(*Frame) event.Value { return x.Value }
func (x *Const) Parts(func(Expr))        {}

// Call applies a function. Fn must not keep args. An error makes the result
// null and is counted as a warning of the function's name.
type Call struct {
	Name string
	Args []Expr
	Fn   func(env *Env, args []event.Value) (event.Value, error)
	// Within says that the result, letter case aside, stands word for word in
	// the first argument: toLowerCase, trim, substring.
	Within bool
	// Nulls says that Fn has a meaning for null arguments. Otherwise a null
	// argument makes the result null without a call.
	Nulls bool
	// Varies says that equal arguments may give different results.
	Varies bool
}

func (x *Call) Eval(f *Frame) event.Value {
	at := len(f.args)
	for _, a := range x.Args {
		v := a.Eval(f)
		if v.IsDrop() || v.IsNull() && !x.Nulls {
			f.args = f.args[:at]
			return v
		}
		f.args = append(f.args, v)
	}
	v, err := x.Fn(f.Env, f.args[at:len(f.args):len(f.args)])
	f.args = f.args[:at]
	if err != nil {
		if f.Env != nil && f.Env.Warn != nil {
			f.Env.Warn(x.Name, err.Error())
		}
		return event.Value{}
	}
	return v
}

func (x *Call) Parts(each func(Expr)) {
	for _, a := range x.Args {
		each(a)
	}
}

// If is if(c, t, f) and c ? t : f. Only the chosen branch is computed; a null
// condition is false.
type If struct{ Cond, Then, Else Expr }

func (x *If) Eval(f *Frame) event.Value {
	c := x.Cond.Eval(f)
	switch {
	case c.IsDrop():
		return c
	case c.True():
		return x.Then.Eval(f)
	}
	return x.Else.Eval(f)
}
func (x *If) Parts(each func(Expr)) { each(x.Cond); each(x.Then); each(x.Else) }

// And is true when both are. It is two-valued: null is false (spec B.7).
type And struct{ X, Y Expr }

func (x *And) Eval(f *Frame) event.Value {
	if v := x.X.Eval(f); !v.True() {
		return falseOr(v)
	}
	v := x.Y.Eval(f)
	if v.IsDrop() {
		return v
	}
	return event.Bool(v.True())
}
func (x *And) Parts(each func(Expr)) { each(x.X); each(x.Y) }

// Or is true when one is.
type Or struct{ X, Y Expr }

func (x *Or) Eval(f *Frame) event.Value {
	v := x.X.Eval(f)
	if v.IsDrop() {
		return v
	}
	if v.True() {
		return event.Bool(true)
	}
	if v = x.Y.Eval(f); v.IsDrop() {
		return v
	}
	return event.Bool(v.True())
}
func (x *Or) Parts(each func(Expr)) { each(x.X); each(x.Y) }

// Not is true when X is not: also when X is null.
type Not struct{ X Expr }

func (x *Not) Eval(f *Frame) event.Value {
	v := x.X.Eval(f)
	if v.IsDrop() {
		return v
	}
	return event.Bool(!v.True())
}
func (x *Not) Parts(each func(Expr)) { each(x.X) }

func falseOr(v event.Value) event.Value {
	if v.IsDrop() {
		return v
	}
	return event.Bool(false)
}

// Walk calls visit for x and all below it, until visit returns false for a branch.
func Walk(x Expr, visit func(Expr) bool) {
	var each func(Expr) // one closure for all nodes
	each = func(p Expr) {
		if visit(p) {
			p.Parts(each)
		}
	}
	each(x)
}

// Slots returns the fields an expression reads, each once, in order of mention.
func Slots(x Expr) (out []event.Slot) {
	Walk(x, func(e Expr) bool {
		if f, ok := e.(*Field); ok && !slices.Contains(out, f.Slot) {
			out = append(out, f.Slot)
		}
		if r, ok := e.(Reader); ok {
			for _, s := range r.Reads() {
				if !slices.Contains(out, s) {
					out = append(out, s)
				}
			}
		}
		return true
	})
	return out
}

// Reader is a node that reads fields which are not Field nodes below it.
type Reader interface{ Reads() []event.Slot }

// varies reports whether x may differ between rows with equal fields.
func varies(x Expr) (v bool) {
	Walk(x, func(e Expr) bool {
		if c, ok := e.(*Call); ok && c.Varies {
			v = true
		}
		return !v
	})
	return v
}
