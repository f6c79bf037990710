// Package convert writes Sigma rules in other languages: one file each. A rule
// that a language cannot say is refused with the construct and its place; what
// comes out says all of the rule.
package convert

import (
	"fmt"
	"sort"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/sigma"
)

// Backend writes rules in one language.
type Backend struct {
	Name, Summary string
	Extension     string // of the files it writes, without the dot
	Comment       string // what starts a comment line; "" when the language has none
	// Target is whose tables the language asks, in mapping.StoreOf.
	Target string
	// Rule writes a rule. An error is a *Refusal.
	Rule func(*Input) (string, error)
	// Limit is how long a query the product takes; the zero value where none is known.
	Limit Limit
	// Correlation writes a correlation; nil where the language has nothing for one.
	Correlation func(*Correlated) (string, error)
}

// Options are what a reader of the output may choose.
type Options struct {
	Category string            // _sourceCategory of Sumo queries; "" is the log source's own
	Index    string            // index, table or repository where a language names one; "" is its usual one
	Fields   map[string]string // further names for the rule's fields
	// Model writes for the target's data model, where it has one for the log source, and
	// shows the columns that an analyst needs.
	Model bool

	// Near, when set, is told of tests that a language can say nearly, which are then
	// written; else they are refused.
	Near func(*Refusal)
}

// Input is a rule ready to be written.
type Input struct {
	Rule    *sigma.Rule
	Cond    Cond
	Places  []mapping.LogSource // where its events are written; none when All
	Without []mapping.LogSource // places left out: no event of them can match
	All     bool                // every event of Windows
	Store   *mapping.Store      // where the events of another product are; nil for those of Windows
	Model   *mapping.Model      // the data model that is asked; nil for the events as they are stored
	Options Options

	// wrote, when set, is told of the condition that is written, and of its terms.
	wrote func(*language, Cond, []term)
}

// Refusal is a construct that a language cannot say.
type Refusal struct {
	Rule  *sigma.Rule
	Span  diag.Span
	What  string // "a regular expression with lookaround"
	Where string // the field, if any
}

func (r *Refusal) Error() string {
	at := r.What
	if r.Where != "" {
		at = r.Where + ": " + at
	}
	if r.Rule == nil || r.Rule.File == nil {
		return at
	}
	return fmt.Sprintf("%s:%d: %s", r.Rule.File.Name, r.Rule.File.Place(r.Span.Start).Line, at)
}

// Suffix ends the name of a file in the language: splunk.spl, or eql alone.
func (b *Backend) Suffix() string {
	if b.Name == b.Extension {
		return b.Name
	}
	return b.Name + "." + b.Extension
}

var backends []*Backend

// register adds a backend, from a variable declaration in its file.
func register(b Backend) *Backend {
	backends = append(backends, &b)
	return &b
}

// Backends lists the languages by name.
func Backends() []*Backend {
	out := append([]*Backend(nil), backends...)
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// Named finds a backend by its name, letter case aside; nil if there is none.
func Named(name string) *Backend {
	for _, b := range backends {
		if strings.EqualFold(b.Name, name) {
			return b
		}
	}
	return nil
}

// Rule writes a rule in a language.
func Rule(b *Backend, r *sigma.Rule, o Options) (string, error) {
	in, err := Read(r, o)
	if err != nil {
		return "", err
	}
	if err := in.ofOthers(b); err != nil {
		return "", err
	}
	in.modelled(b)
	if near := o.Near; near != nil {
		in.Options.Near = func(ref *Refusal) { ref.Rule = r; near(ref) }
	}
	out, err := b.Rule(in)
	if ref, ok := err.(*Refusal); ok {
		ref.Rule = r
	}
	return out, err
}

// ofOthers finds where the target keeps the events of a rule for another product
// than Windows. They are not written as events of Windows.
func (in *Input) ofOthers(b *Backend) error {
	ls := in.Rule.LogSource
	antivirus := strings.EqualFold(ls.Category, "antivirus") // of any product; the places are of one
	if (len(in.Places) > 0 || in.All) && !antivirus {
		return nil
	}
	in.Places, in.All = nil, false
	named, flag := in.Options.Index, "--index" // the user says where they are
	if b.Target == "sumo" {
		named, flag = in.Options.Category, "--category"
	}
	own := b.Target == "sumo" || b.Target == "splunk" || b.Target == "table"
	if in.Store = mapping.StoreOf(b.Target, ls.Product, ls.Category, ls.Service); in.Store == nil && named != "" && own {
		in.Store = &mapping.Store{Rest: "*"}
	}
	if in.Store != nil || b.Target == "defender" {
		return nil
	}
	what := "no table and no fields are known for the log source " + ls.String()
	if own {
		what += "; with " + flag + " the rule is written with its own field names"
	}
	return &Refusal{Rule: in.Rule, Span: ls.Span, What: what}
}

// stored are the columns of another product's events.
func (in *Input) stored(m *Match, field string) (mapping.Column, error) {
	if n, ok := in.Options.Fields[field]; ok {
		return mapping.Column{Names: []string{n}}, nil
	}
	if c, ok := in.Store.Column(field); ok {
		return c, nil
	}
	return mapping.Column{}, refuse(m, "no field is known for this one, of the log source %s", in.Rule.LogSource)
}

// whose is the condition that an event is one of another product's.
func (in *Input) whose() (of []Cond) {
	for _, w := range in.Store.Where {
		var any []Cond
		for v := range strings.SplitSeq(w[1], "|") {
			text := literal(v)
			// what ECS has for categories is written one way
			text.Cased = in.Options.Model && (strings.HasPrefix(w[0], "event.") || strings.HasPrefix(w[0], "host.os."))
			any = append(any, &Match{Field: w[0], Value: text})
		}
		of = append(of, or(any))
	}
	return of
}

// Read readies a rule for the backends.
func Read(r *sigma.Rule, o Options) (*Input, error) {
	in := &Input{Rule: r, Options: o}
	ls := r.LogSource
	places, all, known := mapping.LogSources(ls.Product, ls.Category, ls.Service)
	if !known {
		return nil, &Refusal{Rule: r, Span: ls.Span, What: "the log source " + ls.String() + " is not known"}
	}
	in.Places, in.All = places, all
	in.Cond = Tree(r)
	if m, name := placeholder(in.Cond); m != nil {
		return nil, &Refusal{Rule: r, Span: m.Span, Where: m.Field, What: "the placeholder %" + name + "% has no values"}
	}
	return in, nil
}

// placeholder finds a value that waits for others to be put in its place.
func placeholder(c Cond) (m *Match, name string) {
	switch c := c.(type) {
	case *And:
		for _, x := range c.Of {
			if m, name = placeholder(x); m != nil {
				return m, name
			}
		}
	case *Or:
		for _, x := range c.Of {
			if m, name = placeholder(x); m != nil {
				return m, name
			}
		}
	case *Not:
		return placeholder(c.X)
	case *Match:
		if s, ok := c.Value.(sigma.String); ok {
			for _, p := range s.Parts {
				if p.Kind == sigma.Placeholder {
					return c, p.Text
				}
			}
		}
	}
	return nil, ""
}

// field is the name of a rule's field after the options' renaming.
func (in *Input) field(name string) string {
	if n, ok := in.Options.Fields[name]; ok {
		return n
	}
	return mapping.SigmaField(name)
}

// about is the header that most languages put into comments.
func (in *Input) about(comment string) string {
	var b strings.Builder
	line := func(s string) {
		if s != "" {
			fmt.Fprintf(&b, "%s %s\n", comment, strings.Join(strings.Fields(s), " "))
		}
	}
	line(in.Rule.Title)
	if in.Rule.ID != "" {
		line("Sigma rule " + in.Rule.ID + levelText(in.Rule.Level))
	}
	for _, p := range in.Without {
		line(fmt.Sprintf("Not asked of %s %s: those events lack a field that the rule needs.", p.Channel, strings.Join(p.EventIDs, ", ")))
	}
	return b.String()
}

func levelText(l sigma.Level) string {
	if l == sigma.NoLevel {
		return ""
	}
	return ", level " + l.String()
}
