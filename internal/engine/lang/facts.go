package lang

import "github.com/gyoji-dev/gyoji/syntax"

// Facts are what is true of an operator, for those who read queries besides
// running them: the planner, lint, conversions. An operator declares them once,
// where the word is.
type Facts struct {
	Rows Rows
	// Alone says that a row's fate, and what is made of it, depend on this row alone.
	Alone bool
	// Text says that the fields it makes are texts, Parts that they are parts of the
	// text it reads, and Any that they may have any name: what json auto finds.
	Text, Parts, Any bool
	// Family says that it is of the parse family, which leaves a run of such stages
	// unbroken (spec B.10.1, OP-15).
	Family bool
	// OfRaw says that the text of its fields stands in the raw text of the event. What
	// later conditions require of such fields, they require of the event.
	OfRaw bool
	// Ends says that stages after it do not run: save.
	Ends bool
	// Whole says that nothing of the rows that it makes others of is left out: transpose.
	Whole bool
	// Table says that its rows are those of a table, and messages go by it: cat.
	Table bool
	// Hides says that it only chooses which fields are shown.
	Hides bool
	// Costly says that a row costs it much more than a comparison does.
	Costly bool
	// Service says that it needs what only Sumo Logic's service has.
	Service bool
}

// Rows is what becomes of the rows that reach an operator. Every operator says so.
type Rows uint8

const (
	_       Rows = iota
	Keeps        // each comes out, in its place: an assignment, geoip
	Drops        // some are left out: where, limit, parse
	Orders       // they come in another order: sort
	Repeats      // one may come out several times: parse regex multi
	Makes        // rows come out that none was: count, transpose, join
)

// Teller is a Stage whose arguments change the facts of its operator: parse regex
// repeats rows with multi alone.
type Teller interface{ Facts(Facts) Facts }

// factsOf are the facts of a stage as it is written.
func (sc *Scope) factsOf(s *syntax.Stage, st Stage) (f Facts) {
	switch s.Kind {
	case syntax.Grouping:
		f = grouping
	case syntax.Assigning:
		f = assigning
	default:
		if o := sc.Vocab.Operator(s.Op.Text); o != nil {
			f = o.Facts
		}
	}
	if t, ok := st.(Teller); ok {
		f = t.Facts(f)
	}
	if sc.Told != nil {
		sc.Told(s, f)
	}
	return f
}

// The facts of stages that have no operator.
var (
	grouping  = Facts{Rows: Makes, Costly: true}
	assigning = Facts{Rows: Keeps, Alone: true}
)

// Part is what a step is, where no stage is written for it.
type Part uint8

const (
	Written      Part = iota
	Searching         // the search expression
	NewestInTime      // what puts messages in their order
)

// Case is what a function does to the letters of its text. What is compared with
// what comes out of LowerCase is compared letter case aside, which is how Sigma says it.
type Case uint8

const (
	AnyCase Case = iota
	LowerCase
	UpperCase
	// KeepsCase says that what comes out is made of the texts of arguments, as they
	// are: of those that Function.From names.
	KeepsCase
)

// EveryArg is all of a function's arguments, in Function.From.
var EveryArg = []int{-1}
