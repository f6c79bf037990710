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
	// Rule writes a rule. An error is a *Refusal.
	Rule func(*Input) (string, error)
}

// Options are what a reader of the output may choose.
type Options struct {
	Category string            // _sourceCategory of Sumo queries; "" is the log source's own
	Index    string            // index, table or repository where a language names one; "" is its usual one
	Fields   map[string]string // further names for the rule's fields
}

// Input is a rule ready to be written.
type Input struct {
	Rule    *sigma.Rule
	Cond    Cond
	Places  []mapping.LogSource // where its events are written; none when All
	All     bool                // every event of Windows
	Options Options
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
	out, err := b.Rule(in)
	if ref, ok := err.(*Refusal); ok {
		ref.Rule = r
	}
	return out, err
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
	return b.String()
}

func levelText(l sigma.Level) string {
	if l == sigma.NoLevel {
		return ""
	}
	return ", level " + l.String()
}
