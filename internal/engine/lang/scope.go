package lang

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// Column is a named output column.
type Column struct {
	Slot event.Slot // event.None in what Late makes
	Name string     // as the query spells it
	// Kind is that of its values when they are not null, where the query says so.
	Kind event.Kind
	// Except are columns that a late one leaves out.
	Except []event.Slot
}

// Late stands for the columns that a stage finds in the data while the query
// runs, as transpose does. Expand puts them in its place.
func Late() Column { return Column{Slot: event.None, Name: "*"} }

// HasLate reports whether some columns are known only when the query has run.
func HasLate(cols []Column) bool {
	return slices.ContainsFunc(cols, func(c Column) bool { return c.Slot == event.None })
}

// Expand puts the columns that were found in a run in the place of a late one.
// What has a place of its own is not repeated.
func Expand(cols []Column, l *event.Layout) []Column {
	if !HasLate(cols) {
		return cols
	}
	placed := map[event.Slot]bool{}
	for _, c := range cols {
		placed[c.Slot] = true
	}
	var out []Column
	for _, c := range cols {
		if c.Slot != event.None {
			out = append(out, c)
			continue
		}
		for _, s := range l.Found() {
			if !placed[s] && !slices.Contains(c.Except, s) {
				placed[s] = true
				out = append(out, Column{Slot: s, Name: l.Name(s)})
			}
		}
	}
	return out
}

// Scope is what is known of the rows at one point of the pipe while a query is
// analysed front to back.
type Scope struct {
	Vocab  *Vocabulary
	Layout *event.Layout
	File   *diag.File
	Diags  *diag.List

	// Carried are fields of the input that go along with the query's rows.
	Carried []string
	// Once says that a record of Windows counts once, in however many forms it is read.
	Once bool

	// Messages says that rows are messages: they have _raw and a time, and
	// fields that only the data knows. After an aggregate rows are records,
	// which have Columns and nothing else.
	Messages bool
	// Ordered says that rows come in the order of the stream: something before
	// has sorted or grouped them.
	Ordered bool
	// Columns are the output columns in order. On messages nil means all fields.
	Columns []Column

	// Tables is what the query may look things up in; nil when that is not known
	// while it is compiled.
	Tables *lookup.Library

	// Uses, when set, is told of each field that a stage reads or makes.
	Uses func(Use)

	// Told, when set, is told of the facts of each stage.
	Told func(*syntax.Stage, Facts)

	// Unfilled says that template parameters need no value: what the query says
	// is known but for them. Such a query does not run.
	Unfilled bool

	external *External // shared with child scopes
	stage    *syntax.Stage
	made     map[event.Slot]bool    // fields that a stage has made so far
	aliases  map[string]event.Slot  // further names that resolve here (join)
	subs     *[]*Subquery           // shared with child scopes
	shifts   *[]*Shift              // likewise
	before   []*syntax.Stage        // the stages before the one being checked
	child    bool                   // of a query inside another
	flags    map[string]syntax.Node // see Mark
	sliced   event.Slot             // see SetSlices
	every    int64

	admitted []string // see Admit
	guessing bool     // a stage before is unknown
}

// NewScope makes the scope of a query's first stage.
func NewScope(v *Vocabulary, l *event.Layout, f *diag.File, d *diag.List) *Scope {
	return &Scope{
		Vocab: v, Layout: l, File: f, Diags: d, Messages: true,
		made: map[event.Slot]bool{}, aliases: map[string]event.Slot{}, subs: new([]*Subquery), shifts: new([]*Shift),
		flags: map[string]syntax.Node{}, external: &External{},
	}
}

// Use is a field that a stage reads or makes.
type Use struct {
	Stage *syntax.Stage // nil for the search expression
	Name  string
	At    *syntax.Field // where the query spells it; nil for a name it does not, such as _count
	Makes bool
	// Messages says that at this point rows are messages, not yet records.
	Messages bool
}

func (sc *Scope) use(name string, at *syntax.Field, makes bool) {
	if sc.Uses != nil {
		sc.Uses(Use{sc.stage, name, at, makes, sc.Messages})
	}
}

// External is what a query takes from outside its input.
type External struct {
	Bytes   int64    // of the tables and their indexes, which a run holds in memory
	Missing []string // what it names and nobody gave, each once
}

// External returns what the query takes from outside, as far as it was checked.
func (sc *Scope) External() *External { return sc.external }

// Hold says that a run of the query holds so much memory for what it looks up.
func (sc *Scope) Hold(bytes int64) { sc.external.Bytes += bytes }

// Miss notes something that the query looks things up in and nobody gave:
// what is missing, and the way to give it.
func (sc *Scope) Miss(at syntax.Node, what, help string) {
	if sc.Tables != nil {
		sc.Warn(at, "not-given", what+" is not given, so what is looked up in it is null", help)
	}
	if !slices.Contains(sc.external.Missing, what) {
		sc.external.Missing = append(sc.external.Missing, what)
	}
}

// Table finds the lookup table of a path. It is nil when there is none, which
// is noted, or when it cannot be read, which is reported.
func (sc *Scope) Table(path *syntax.Path) *lookup.Table {
	t, err := sc.Tables.Table(path.Text)
	switch {
	case errors.Is(err, lookup.ErrUnbound):
		sc.Miss(path, "the table "+path.Text, "name its file: --table '"+path.Text+"=FILE', CSV with a header or JSON")
		return nil
	case err != nil:
		sc.Error(path, "bad-table", err.Error(), "give another file with --table")
		return nil
	}
	sc.Hold(t.Bytes())
	return t
}

// Stage is the stage being checked.
func (sc *Scope) Stage() *syntax.Stage { return sc.stage }

// Read resolves a field that is read. A name that rows cannot have here earns a
// warning and reads as null.
func (sc *Scope) Read(f *syntax.Field) event.Slot {
	sc.use(f.Name, f, false)
	s := sc.Find(f)
	if _, alias := sc.aliases[strings.ToLower(f.Name)]; alias {
		return s
	}
	if sc.Columns != nil && !sc.has(s) && !HasLate(sc.Columns) && !(sc.Messages && strings.HasPrefix(f.Name, "_")) {
		sc.unknownField(f)
	}
	return s
}

// Find resolves a field that is named and not read.
func (sc *Scope) Find(f *syntax.Field) event.Slot {
	if s, ok := sc.aliases[strings.ToLower(f.Name)]; ok {
		return s
	}
	return sc.Slot(f.Name)
}

// ReadName is Read for a field that the query does not spell out, such as _raw.
func (sc *Scope) ReadName(name string) event.Slot {
	sc.use(name, nil, false)
	return sc.Slot(name)
}

// Slot finds or makes the slot of a name without saying that it is read or made.
func (sc *Scope) Slot(name string) event.Slot {
	s := sc.Layout.Slot(name)
	if s == event.None {
		sc.Error(sc.stage, "too-many-fields", fmt.Sprintf("a query may name %d fields at most", event.MaxFields), "name fewer fields")
		return 0
	}
	return s
}

func (sc *Scope) has(s event.Slot) bool {
	for _, c := range sc.Columns {
		if c.Slot == s {
			return true
		}
	}
	return false
}

func (sc *Scope) unknownField(f *syntax.Field) {
	for _, p := range sc.admitted {
		if len(f.Name) > len(p) && strings.EqualFold(f.Name[:len(p)], p) {
			return
		}
	}
	var names []string
	for _, c := range sc.Columns {
		names = append(names, c.Name)
	}
	help := "after an aggregate only its groups and results exist"
	if sc.Messages {
		help = "after fields only the fields it lists exist"
	}
	if len(names) > 0 {
		help += ": " + strings.Join(names, ", ")
	}
	if near := diag.Nearest(f.Name, names); near != "" {
		help = fmt.Sprintf("did you mean %s?", near)
	}
	sc.Warn(f, "unknown-field", fmt.Sprintf("there is no field %s here, so it is null", f.Name), help)
}

// Make declares a field that the stage writes and returns its slot.
func (sc *Scope) Make(f *syntax.Field) event.Slot {
	sc.use(f.Name, f, true)
	return sc.makes(f.Name)
}

// MakeName is Make for a default name such as _count.
func (sc *Scope) MakeName(name string) event.Slot {
	sc.use(name, nil, true)
	return sc.makes(name)
}

func (sc *Scope) makes(name string) event.Slot {
	s := sc.Slot(name)
	sc.made[s] = true
	delete(sc.aliases, strings.ToLower(name))
	for i, c := range sc.Columns {
		if c.Slot == s {
			sc.Columns[i].Kind = event.Null
		}
	}
	if sc.Columns != nil && !sc.has(s) {
		sc.Columns = append(sc.Columns, Column{Slot: s, Name: name})
	}
	return s
}

// Known lists the fields that rows are known to have here: the columns, or on
// messages the fields that stages have made so far, in order of mention.
func (sc *Scope) Known() []Column {
	var cols []Column
	if sc.Columns != nil {
		for _, c := range sc.Columns {
			if c.Slot != event.None {
				cols = append(cols, c)
			}
		}
		return cols
	}
	for i := range sc.Layout.Len() {
		if s := event.Slot(i); sc.made[s] {
			cols = append(cols, Column{Slot: s, Name: sc.Layout.Name(s)})
		}
	}
	return cols
}

// Knows reports whether a field is among Known.
func (sc *Scope) Knows(s event.Slot) bool {
	if sc.Columns == nil {
		return sc.made[s]
	}
	return s != event.None && sc.has(s)
}

// Admit says that fields whose names start so may exist although they are not
// among the columns: those of a table of join that only the data knows.
func (sc *Scope) Admit(prefix string) { sc.admitted = append(sc.admitted, prefix) }

// Become takes over what a child's scope says of the rows.
func (sc *Scope) Become(child *Scope) {
	sc.Messages, sc.Ordered, sc.Columns = child.Messages, child.Ordered, child.Columns
	sc.made, sc.aliases, sc.admitted = child.made, child.aliases, child.admitted
}

// Made reports whether a stage before has made the field (rather than the data).
func (sc *Scope) Made(s event.Slot) bool { return sc.made[s] }

// Records says that from here on rows are records with these columns only.
func (sc *Scope) Records(cols ...Column) {
	sc.Messages, sc.Columns = false, append([]Column{}, cols...)
	clear(sc.aliases)
	clear(sc.made)
	sc.admitted = nil
	for _, c := range cols {
		sc.use(c.Name, nil, true)
		sc.made[c.Slot] = true
	}
}

// Show fixes the output columns, as fields does.
func (sc *Scope) Show(cols ...Column) { sc.Columns = cols }

// Hide removes columns, as fields - does.
func (sc *Scope) Hide(slots ...event.Slot) {
	var keep []Column
	for _, c := range sc.Columns {
		gone := false
		for _, s := range slots {
			gone = gone || s == c.Slot
		}
		if c.Slot == event.None {
			c.Except = append(slices.Clone(c.Except), slots...)
		}
		if !gone {
			keep = append(keep, c)
		}
	}
	if sc.Columns != nil {
		sc.Columns = append([]Column{}, keep...)
	}
}

// Alias lets a name stand for a slot until it is made anew.
func (sc *Scope) Alias(name string, s event.Slot) { sc.aliases[strings.ToLower(name)] = s }

// Error reports a mistake at a node; the query does not run.
func (sc *Scope) Error(at syntax.Node, code, message, help string) *diag.Diagnostic {
	return sc.report(diag.Error, at, code, message, help)
}

// Warn reports what runs but is probably not meant, or is not portable.
func (sc *Scope) Warn(at syntax.Node, code, message, help string) *diag.Diagnostic {
	return sc.report(diag.Warning, at, code, message, help)
}

// Note reports something worth knowing.
func (sc *Scope) Note(at syntax.Node, code, message, help string) *diag.Diagnostic {
	return sc.report(diag.Note, at, code, message, help)
}

func (sc *Scope) report(sev diag.Severity, at syntax.Node, code, message, help string) *diag.Diagnostic {
	d := &diag.Diagnostic{Severity: sev, Code: code, File: sc.File, Message: message, Help: help}
	if at != nil {
		d.Span = at.Span()
	}
	sc.Diags.Add(d)
	return d
}

// Mark remembers something that later stages ask for, such as the width of the
// last timeslice; Marked returns it, nil when there is none.
// SetSlices says that a field holds the start of a slice of messages' time, and
// how long slices are, in ms; 0 where that is not known.
func (sc *Scope) SetSlices(s event.Slot, every int64) { sc.sliced, sc.every = s, every }

// Slices is the field that SetSlices named last; event.None before that.
func (sc *Scope) Slices() (s event.Slot, every int64) {
	if sc.every == 0 {
		return event.None, 0
	}
	return sc.sliced, sc.every
}

func (sc *Scope) Mark(key string, n syntax.Node) { sc.flags[key] = n }
func (sc *Scope) Marked(key string) syntax.Node  { return sc.flags[key] }

// Subquery is a query in brackets inside another. It runs first; its compose
// fields, by row, are then what the run is Given for it.
type Subquery struct {
	Node  *syntax.Subquery
	Scope bool         // stands in the search expression, not in where or if
	Slots []event.Slot // of the compose fields in the outer query
	When  Range        // it looks at, in place of the query's
	Max   int          // rows it may give where no maxresults says so; 0 is the default
}

// Subqueries lists the query's subqueries, inner ones belonging to their own query.
func (sc *Scope) Subqueries() []*Subquery { return *sc.subs }

// AddSubquery registers a subquery found while a stage is checked.
func (sc *Scope) AddSubquery(s *Subquery) { *sc.subs = append(*sc.subs, s) }

// Env is what expressions of a run know besides the row.
func Env(rt *exec.Runtime) *expr.Env {
	env := &expr.Env{From: rt.From, To: rt.To, Zone: rt.Zone, Now: rt.Now.UnixMilli(), Given: rt.Given}
	if rt.Warnings != nil {
		env.Warn = func(kind, detail string) { rt.Warnings.Add(kind, false, exec.Sample{Detail: detail}) }
	}
	return env
}
