// Package lang says what an operator, a function and an aggregate are, keeps
// the vocabulary a query is compiled against, and resolves a query's names
// against it.
package lang

import (
	"fmt"
	"sort"
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// Doc is what the reference says of a word.
type Doc struct {
	Name    string
	Aliases []string // other spellings with the same meaning: order for sort
	Usage   string   // the usage line, which is also the grammar
	Summary string   // one sentence
	Text    string   // Markdown: meaning, null behaviour, limits
	Differs string   // what differs from Sumo Logic, or is our reading of an open point (OP-n)
	Status  string   // "" is supported; "partial: ...", "planned"
	// Dialect is the portable form of a word Sumo does not have; it earns a
	// warning wherever it is used.
	Dialect  string
	Examples []Example
}

// Example is a runnable line of documentation; tests run every one.
type Example struct {
	Query string
	In    []string // events: JSON objects, or plain text that becomes _raw
	Out   []string // rows as JSON objects; columns that are not named are not compared

	From, To int64 // the query's time range in ms, To excluded; both 0: everything
}

// Calls makes examples of a function: an expression and the JSON of its value, by turns.
func Calls(pairs ...string) []Example {
	var ex []Example
	for i := 0; i+1 < len(pairs); i += 2 {
		ex = append(ex, Example{
			Query: "* | " + pairs[i] + " as v",
			In:    []string{`{"_raw":""}`},
			Out:   []string{`{"v":` + pairs[i+1] + `}`},
		})
	}
	return ex
}

// Flow says how a stage lets rows through.
type Flow uint8

const (
	// Streams handles each row on its own: it runs in every worker.
	Streams Flow = iota
	// Collects needs all rows but not their order: workers' tasks are
	// exec.Holders, and Flush pushes rows in an order that does not depend on
	// the number of workers.
	Collects
	// InOrder needs each row after the one before it: messages newest first
	// (spec B.8). It runs in one goroutine.
	InOrder
)

// Operator describes one pipe operator.
type Operator struct {
	Doc
	Flow  Flow
	Facts Facts
	New   func() Stage // nil while the word is planned
	// Parse reads the arguments where the usage notation cannot say them.
	Parse syntax.ParseFunc
}

// Stage is an operator in one query. Its exported fields tagged usage:"slot"
// are bound from the arguments before Check. A Stage is shared by all workers
// and not changed once checked; what changes is in its tasks.
type Stage interface {
	// Check resolves names, declares the fields it makes and reports what is wrong.
	Check(*Scope)
	// Needs turns the fields wanted after the stage into those wanted before it.
	Needs(*event.Fields)
	// Open makes one worker's task.
	Open(*exec.Runtime, exec.Sink) exec.Task
}

// Sorter is a Stage that puts rows in order. The planner tells it that only the first n
// are wanted, or that no stage comes after it.
type Sorter interface {
	SetLimit(n int)
	SetLast()
}

// Keyword is an expression that looks for a word or phrase in the text of the
// event, letter case aside. Where the text may stand anywhere, it is plain; else
// pattern is the regular expression that finds it (i being set), "" when every
// event has it.
type Keyword interface {
	Keyword() (text string, plain bool, pattern string)
}

// Function describes one scalar function. One of Map, Call, Make and Form is set.
type Function struct {
	Doc
	// Map is of one argument, pure, null for null: it runs once per distinct value.
	Map func(event.Value) event.Value
	// Call is of any number of arguments. An error makes the result null and
	// is counted as a warning.
	Call func(env *expr.Env, args []event.Value) (event.Value, error)
	// Make is for functions that look at their constant arguments while the
	// query is compiled: patterns, zones, regular expressions.
	Make func(*Site) func(env *expr.Env, args []event.Value) (event.Value, error)

	// Form is for functions whose arguments are not all expressions: it resolves
	// them itself. It returns nil after a report.
	Form func(*Site) expr.Expr

	Alias  bool // wants "as" when it stands as an operator: there is no in-place form
	Nulls  bool // has a meaning for null arguments
	Within bool // the result, letter case aside, stands word for word in the first argument
	Varies bool // equal arguments may give different results

	Case Case  // what becomes of letter case; the result is text then
	From []int // the arguments that KeepsCase is about; nil is the first

	min, max int // arguments; max < 0 is any number
}

// Aggregate describes one group function.
type Aggregate struct {
	Doc
	// Kind is that of its results when they are not null; Null where it follows
	// the data. fillmissing asks for it.
	Kind event.Kind
	// New readies the aggregate for one call in a query.
	New func(*AggSite) Aggregator
}

// Words is one package's contribution to a Vocabulary.
type Words struct {
	Operators  []*Operator
	Functions  []*Function
	Aggregates []*Aggregate

	// Grouping, Assigning and Searching make the stages that have no operator
	// name; Newest makes the stage that puts messages in stream order, keeping
	// the first limit (0: all).
	Grouping, Assigning func(*syntax.Stage) Stage
	Searching           func(syntax.Search) Stage
	Newest              func(limit int) Stage
}

// Vocabulary is the set of words a query may use. It does not change once made.
type Vocabulary struct {
	ops   map[string]*Operator
	fns   map[string]*Function
	aggs  map[string]*Aggregate
	usage map[string]*syntax.Usage
	names []string

	grouping, assigning func(*syntax.Stage) Stage
	searching           func(syntax.Search) Stage
	newest              func(limit int) Stage
}

// NewVocabulary checks the words and puts them together.
func NewVocabulary(all ...Words) (*Vocabulary, error) {
	v := &Vocabulary{
		ops: map[string]*Operator{}, fns: map[string]*Function{}, aggs: map[string]*Aggregate{},
		usage: map[string]*syntax.Usage{},
	}
	for _, w := range all {
		for _, o := range w.Operators {
			u, err := syntax.ParseUsage(o.Usage)
			if err != nil {
				return nil, fmt.Errorf("lang: operator %s: %w", o.Name, err)
			}
			u.Parse = o.Parse
			for _, n := range append([]string{o.Name}, o.Aliases...) {
				k := strings.ToLower(n)
				if v.ops[k] != nil {
					return nil, fmt.Errorf("lang: operator %s is defined twice", n)
				}
				v.ops[k], v.usage[k] = o, u
				v.names = append(v.names, n)
			}
		}
		for _, f := range w.Functions {
			var err error
			if f.min, f.max, err = arity(f.Usage); err != nil {
				return nil, fmt.Errorf("lang: function %s: %w", f.Name, err)
			}
			for _, n := range append([]string{f.Name}, f.Aliases...) {
				k := strings.ToLower(n)
				if v.fns[k] != nil {
					return nil, fmt.Errorf("lang: function %s is defined twice", n)
				}
				v.fns[k] = f
				v.names = append(v.names, n)
			}
		}
		for _, a := range w.Aggregates {
			for _, n := range append([]string{a.Name}, a.Aliases...) {
				k := strings.ToLower(n)
				if v.aggs[k] != nil {
					return nil, fmt.Errorf("lang: aggregate %s is defined twice", n)
				}
				v.aggs[k] = a
				v.names = append(v.names, n)
			}
		}
		if w.Grouping != nil {
			v.grouping, v.assigning, v.searching, v.newest = w.Grouping, w.Assigning, w.Searching, w.Newest
		}
	}
	sort.Strings(v.names)
	return v, nil
}

// arity counts the arguments of a function's usage line: "f(<a:expr>, [<b:expr>], <c:expr,...>)".
func arity(usage string) (low, high int, err error) {
	open, end := strings.IndexByte(usage, '('), strings.LastIndexByte(usage, ')')
	if open < 0 || end < open {
		return 0, 0, fmt.Errorf("usage %q wants the form name(<arg:expr>, ...)", usage)
	}
	depth := 0
	for i, c := range usage[open+1 : end] {
		rest := usage[open+1+i : end]
		switch {
		case c == '[':
			depth++
		case c == ']':
			depth--
		case c == '<':
			high++
			if depth == 0 {
				low++
			}
			if j := strings.IndexByte(rest, '>'); j > 0 && strings.HasSuffix(rest[:j], ",...") {
				return low, -1, nil
			}
		}
	}
	return low, high, nil
}

// Operator, Function and AggregateOf find a word, ignoring case; nil if there is none.
func (v *Vocabulary) Operator(name string) *Operator     { return v.ops[strings.ToLower(name)] }
func (v *Vocabulary) FunctionOf(name string) *Function   { return v.fns[strings.ToLower(name)] }
func (v *Vocabulary) AggregateOf(name string) *Aggregate { return v.aggs[strings.ToLower(name)] }

// Usage, Aggregate, Function and Names make v a syntax.Grammar.
func (v *Vocabulary) Usage(op string) (*syntax.Usage, bool) {
	u, ok := v.usage[strings.ToLower(op)]
	return u, ok
}
func (v *Vocabulary) Aggregate(name string) bool { return v.AggregateOf(name) != nil }
func (v *Vocabulary) Function(name string) bool  { return v.FunctionOf(name) != nil }
func (v *Vocabulary) Names() []string            { return v.names }

var _ syntax.Grammar = (*Vocabulary)(nil)

// Search makes the stage of a search expression; nil when it lets everything through.
func (v *Vocabulary) Search(x syntax.Search) Stage {
	if _, ok := x.(*syntax.Everything); ok || x == nil {
		return nil
	}
	return v.searching(x)
}

// InTime is the step that puts messages in the order of the stream, keeping the
// first limit of them (0: all).
func (v *Vocabulary) InTime(limit int) Step {
	return Step{Stage: v.newest(limit), Flow: Collects, Facts: Facts{Rows: Orders}, Part: NewestInTime, Name: "newest first"}
}

// Docs lists what the reference says of every word, by kind, each once, by name.
func (v *Vocabulary) Docs() (ops, fns, aggs []Doc) {
	for k, o := range v.ops {
		if k == strings.ToLower(o.Name) {
			ops = append(ops, o.Doc)
		}
	}
	for k, f := range v.fns {
		if k == strings.ToLower(f.Name) {
			fns = append(fns, f.Doc)
		}
	}
	for k, a := range v.aggs {
		if k == strings.ToLower(a.Name) {
			aggs = append(aggs, a.Doc)
		}
	}
	for _, d := range [][]Doc{ops, fns, aggs} {
		sort.Slice(d, func(i, j int) bool { return strings.ToLower(d[i].Name) < strings.ToLower(d[j].Name) })
	}
	return ops, fns, aggs
}
