package lang

import (
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/syntax"
)

// Facts are what is true of an operator, for those who read queries besides
// running them: the planner, lint, conversions. An operator declares them once,
// where the word is; its stage in a query adds what its arguments say.
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

	// What follows is of a stage in a query, by its arguments.

	// Apart says that it handles each row on its own, whatever the operator's Flow.
	Apart bool
	// Cond is the expression for which rows are kept, of a stage that does nothing else.
	// The planner moves it and asks what it requires of raw events.
	Cond expr.Expr
	// Sets is the field that gets a value, of a stage that does nothing else.
	Sets *Assignment
	// Takes is what it takes out of the text of a field, and Paths what it takes out of
	// the event's JSON.
	Takes *Extraction
	Paths *Paths
	// Slices is the slice of time that it gives each message.
	Slices *Slicing
	// Limit is how many of the first rows it keeps, of a stage that does nothing else; 0
	// for another.
	Limit int
	// AsRead says that it leaves events as they are of which the reader has given the
	// fields already.
	AsRead bool
	// NeedsRange is why the query does not run without a time range; "" when it does.
	NeedsRange string
}

// Assignment is a field that gets the value of an expression, row by row. The value is
// nil where it is not one.
type Assignment struct {
	To    event.Slot
	Value expr.Expr
}

// Extraction is fields that are taken out of the text of another. Holds are literals that
// the text of a row it keeps must hold, letter case aside, an AND of ORs; none when it
// drops no row. The fields' text stands in From's when it drops.
type Extraction struct {
	From  event.Slot
	Outs  []event.Slot
	Holds []*match.Witness

	// Fits is what it asks of the text: rows for which it does not hold are dropped,
	// unless NoDrop. First says that no stage of the kind stands right before it; else
	// a row stays that an earlier nodrop of the run fitted (spec B.10.1).
	Fits          func() expr.Expr
	NoDrop, First bool
}

// Paths are fields that are taken out of the event's JSON. Paths is nil when another text
// than the event's is read. Drops says that events are dropped that lack one of them.
type Paths struct {
	Outs  []event.Slot
	Paths []string
	Drops bool
}

// Slicing is a field with the start of each message's slice of time. Every is a slice's
// width in ms, 0 where it depends on the time range.
type Slicing struct {
	Out   event.Slot
	Every int64
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

// Teller is a Stage whose arguments say more than the facts of its operator, or other
// things: parse regex repeats rows with multi alone. It is asked once it is checked.
type Teller interface{ Facts(Facts) Facts }

// Told are the facts of a checked stage.
func Told(st Stage, f Facts) Facts {
	if t, ok := st.(Teller); ok {
		return t.Facts(f)
	}
	return f
}

// factsOf are the facts of a stage as it is written; good says that nothing is wrong
// with it.
func (sc *Scope) factsOf(s *syntax.Stage, st Stage, good bool) (f Facts) {
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
	if good {
		f = Told(st, f)
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
