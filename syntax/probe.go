package syntax

import (
	"maps"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
)

// Kinds of things that may stand at a place besides keywords and the types of slots.
const (
	StageStart = "stage" // an operator, a group function, or an expression that gets a name
	Infix      = "infix" // an operator between two operands: and, or, matches, in
	SearchTerm = "term"  // a word, a phrase or field=value of the search expression
	FieldValue = "value" // the value after field= in the search expression
)

// Wanted is something that may stand at a place of a query: a keyword or sign as
// Word, or else a value of a Type of usage lines, or one of the kinds above.
type Wanted struct {
	Word string
	Type string
	Slot string // the name of the slot in the usage line, "" when there is none
}

// Calling is a list of arguments that a place stands in.
type Calling struct {
	Name string // the function, group function, or "in"
	Arg  int    // which argument, from 0
	At   int    // of the opening parenthesis
}

// Place is what is known of the end of a text that is a query as far as it goes.
type Place struct {
	Wants []Wanted

	// Inside is what the place stands in, where nothing of the language may stand:
	// "string", "comment" or "regex"; "" elsewhere. From is its start.
	Inside string
	From   int

	Search bool   // it stands in the search expression
	Field  string // the field whose value stands here, in the search expression

	// Pipes are the queries around the place, the outermost first, each with the
	// stages that stand whole before it.
	Pipes []*Query
	// Operator is the operator whose arguments the place stands in, as written.
	Operator string
	Usage    *Usage
	Stage    int // where the stage starts
	Calls    []Calling
}

// Probe reads a query up to an offset and tells what may stand there. It asks the
// parser itself, which notes what it would have taken at the end of the text, so
// that it knows of each word what the parser knows. A mistake before the place, in
// the same stage, leaves Wants empty.
func Probe(f *diag.File, g Grammar, offset int) *Place {
	text := f.Text[:min(max(offset, 0), len(f.Text), textMax)]
	p := &parser{file: diag.Text(f.Name, text), src: text, grammar: g, tokAt: -1, probe: &prober{place: &Place{}}}
	p.pos = p.skip(0)
	p.searching() // nothing is wanted of a text that is empty, but may be written
	p.pos = 0
	p.query(closeText)
	pl := p.probe.place
	if pl.Pipes == nil { // nothing was wanted: what stands around the end is all there is
		pl.Pipes = p.probe.ended
		pl.Stage = p.probe.endedIn
	}
	for i, q := range pl.Pipes {
		c := *q
		end := pl.Stage
		if i+1 < len(pl.Pipes) {
			end = pl.Pipes[i+1].Pos.Start
		}
		c.Stages = slices.DeleteFunc(slices.Clone(q.Stages), func(s *Stage) bool { return s.Pos.End > end || s.Pos.Start >= end })
		pl.Pipes[i] = &c
	}
	return pl
}

// prober is what a parser notes for a Probe.
type prober struct {
	place   *Place
	pipes   []*Query
	calls   []Calling
	ended   []*Query
	endedIn int
}

func nothing() {}

// within notes that a query is being read; what it returns, that it is read.
func (p *parser) within(q *Query) func() {
	if p.probe == nil {
		return nothing
	}
	q.Pos.Start = p.pos
	p.probe.pipes = append(p.probe.pipes, q)
	return func() {
		if p.pos >= len(p.src) && p.probe.ended == nil {
			p.probe.ended, p.probe.endedIn = slices.Clone(p.probe.pipes), len(p.src)
			if n := len(q.Stages); n > 0 && !strings.HasSuffix(strings.TrimRight(p.src, " \t\r\n"), "|") {
				p.probe.endedIn = q.Stages[n-1].Pos.Start
			}
		}
		p.probe.pipes = p.probe.pipes[:len(p.probe.pipes)-1]
	}
}

func (p *parser) calling(name string, at int) func() {
	if p.probe == nil {
		return nothing
	}
	p.probe.calls = append(p.probe.calls, Calling{Name: name, At: at})
	return func() { p.probe.calls = p.probe.calls[:len(p.probe.calls)-1] }
}

func (p *parser) nextArgument() {
	if p.probe != nil && len(p.probe.calls) > 0 {
		p.probe.calls[len(p.probe.calls)-1].Arg++
	}
}

// probed notes that something could have stood at t, when that is the place.
func (p *parser) probed(t token, w want) {
	if p.probe == nil || p.failed || p.quiet || t.kind != tokEnd || t.start < len(p.src) {
		return
	}
	p.here()
	n := Wanted{Word: w.word, Type: w.typ, Slot: w.slot}
	if n.Word == "" && n.Type == "" {
		if n.Word = w.what; n.Word == "" || strings.Contains(n.Word, " ") {
			return
		}
	}
	if !slices.Contains(p.probe.place.Wants, n) {
		p.probe.place.Wants = append(p.probe.place.Wants, n)
	}
}

// here notes what stands around the place, the first time it is met.
func (p *parser) here() {
	pl := p.probe.place
	if pl.Pipes != nil {
		return
	}
	pl.Pipes, pl.Calls = slices.Clone(p.probe.pipes), slices.Clone(p.probe.calls)
	pl.Stage = len(p.src)
	if s := p.stage; s != nil && !pl.Search {
		if pl.Stage = s.Pos.Start; s.Op != nil {
			pl.Operator, pl.Usage = s.Op.Text, s.usage
		}
	}
}

// searching notes that a term of the search expression may stand here.
func (p *parser) searching() {
	if p.probe == nil || p.failed || p.quiet {
		return
	}
	if i := p.bare(p.pos); i >= len(p.src) {
		p.probe.place.Search = true
		p.probed(token{start: i, end: i}, want{typ: SearchTerm})
	}
}

// valueOf notes that the value of a field may stand here.
func (p *parser) valueOf(field string) {
	if p.probe == nil || p.failed || p.quiet || p.pos < len(p.src) {
		return
	}
	p.probe.place.Search, p.probe.place.Field = true, field
	p.probed(token{start: p.pos, end: p.pos}, want{typ: FieldValue})
}

// insideText notes that the text ends in a string or regular expression.
func (p *parser) insideText(code string, start int) {
	kind, ok := strings.CutPrefix(code, "unclosed-")
	if p.probe == nil || p.quiet || !ok || kind != "string" && kind != "comment" || lineEnd(p.src, start) < len(p.src) && kind == "string" {
		return
	}
	p.here()
	p.probe.place.Inside, p.probe.place.From = kind, start
}

// insideComment notes that the text ends in a comment of one line.
func (p *parser) insideComment(start, end int) {
	if p.probe != nil && end == len(p.src) && p.src[start+1] == '/' {
		p.here()
		p.probe.place.Inside, p.probe.place.From = "comment", start
	}
}

// InfixWords are the words that may stand between two operands, in the order of how
// loosely they hold.
func InfixWords() []string {
	var words []string
	for w, o := range wordOperators {
		if o.foreign == "" {
			words = append(words, w)
			if o.holds == holdsCompare {
				words = append(words, "not "+w)
			}
		}
	}
	slices.SortFunc(words, func(a, b string) int {
		x, y := wordOperators[strings.TrimPrefix(a, "not ")], wordOperators[strings.TrimPrefix(b, "not ")]
		if x.holds != y.holds {
			return x.holds - y.holds
		}
		return strings.Compare(a, b)
	})
	return words
}

// Units are the units of time of a duration.
func Units() []string {
	all := slices.Collect(maps.Keys(units))
	slices.SortFunc(all, func(a, b string) int { return int(units[a] - units[b]) })
	return all
}

// Quoted writes a field's name as a query has it: as it is where that is a name, in
// its quotes elsewhere.
func Quoted(name string) string {
	if name != "" && isNameStart(name[0]) && nameEnd(name, 0) == len(name) && !reserved[strings.ToLower(name)] {
		return name
	}
	return `%"` + quote(name, '"') + `"`
}
