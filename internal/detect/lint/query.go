package lint

import (
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/syntax"
)

// Query is a query that is checked, with what its analysis told of its fields.
type Query struct {
	File  *diag.File
	Tree  *syntax.Query
	Vocab *lang.Vocabulary

	// Pipes are the pipes of the query: its own first, then those of the queries
	// inside it.
	Pipes []*Pipe

	comments []*syntax.Comment
	uses     map[any][]lang.Use // by *syntax.Stage
	facts    map[*syntax.Stage]lang.Facts
}

// Pipe is the stages of one query.
type Pipe struct {
	Query  *syntax.Query
	Stages []*Stage
}

// Stage is a stage with the fields it reads and makes, names in lower case.
type Stage struct {
	*syntax.Stage
	lang.Facts
	Reads, Makes []lang.Use
	Messages     bool // the rows before it are messages
}

func (q *Query) use(u lang.Use) {
	if u.Stage != nil {
		q.uses[u.Stage] = append(q.uses[u.Stage], u)
	}
}

// read walks the tree once for what the checks ask.
func (q *Query) read() {
	syntax.Walk(q.Tree, func(n syntax.Node) bool {
		in, ok := n.(*syntax.Query)
		if !ok {
			return true
		}
		p := &Pipe{Query: in}
		messages := true
		for _, s := range in.Stages {
			st := &Stage{Stage: s, Facts: q.facts[s], Messages: messages}
			for _, u := range q.uses[s] {
				if u.Makes {
					st.Makes = append(st.Makes, u)
				} else {
					st.Reads = append(st.Reads, u)
				}
				messages = messages && u.Messages
			}
			messages = messages && s.Kind != syntax.Grouping
			p.Stages = append(p.Stages, st)
		}
		q.Pipes = append(q.Pipes, p)
		q.comments = append(q.comments, in.Comments...)
		return true
	})
}

// Is reports whether the stage is one of the operators.
func (s *Stage) Is(names ...string) bool {
	if s.Kind != syntax.Operation || s.Op == nil {
		return false
	}
	for _, n := range names {
		if strings.EqualFold(s.Op.Text, n) {
			return true
		}
	}
	return false
}

// reads and makes report whether the stage reads or makes a field.
func (s *Stage) reads(name string) bool { return uses(s.Reads, name) }
func (s *Stage) makes(name string) bool { return uses(s.Makes, name) }

func uses(list []lang.Use, name string) bool {
	for _, u := range list {
		if strings.EqualFold(u.Name, name) {
			return true
		}
	}
	return false
}

// expressions lists the expressions of the stage outside its child queries.
func (s *Stage) expressions() (list []syntax.Expr) {
	if s.Kind == syntax.Assigning {
		return []syntax.Expr{s.X}
	}
	for _, a := range s.Args {
		if x, ok := a.Value.(syntax.Expr); ok {
			if _, path := x.(*syntax.Path); !path {
				list = append(list, x)
			}
		}
	}
	return list
}

// condition is what a where keeps rows by; nil for any other stage.
func (s *Stage) condition() syntax.Expr {
	if !s.Is("where") {
		return nil
	}
	for _, x := range s.expressions() {
		return x
	}
	return nil
}

// each calls fn for every expression inside the stage's expressions, outer ones first.
func (s *Stage) each(fn func(syntax.Expr)) {
	for _, x := range s.expressions() {
		syntax.Walk(x, func(n syntax.Node) bool {
			if _, ok := n.(*syntax.Query); ok {
				return false
			}
			if x, ok := n.(syntax.Expr); ok {
				fn(x)
			}
			return true
		})
	}
}

func unparen(x syntax.Expr) syntax.Expr {
	for {
		p, ok := x.(*syntax.Paren)
		if !ok {
			return x
		}
		x = p.X
	}
}

// conjuncts are the operands of a chain of and.
func conjuncts(x syntax.Expr) []syntax.Expr { return chain(x, "and") }

// chain are the operands of a chain of one operator, and or or.
func chain(x syntax.Expr, op string) (list []syntax.Expr) {
	for {
		b, ok := unparen(x).(*syntax.Binary)
		if !ok || b.Op != op {
			list = append(list, x)
			break
		}
		// The chain leans to the left.
		right := chain(b.Y, op)
		for i := len(right) - 1; i >= 0; i-- {
			list = append(list, right[i])
		}
		x = b.X
	}
	for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
		list[i], list[j] = list[j], list[i]
	}
	return list
}

// text is a node as written, white space made single blanks.
func (q *Query) text(n syntax.Node) string {
	return strings.Join(strings.Fields(q.File.Slice(n.Span())), " ")
}

// short is text cut for messages.
func (q *Query) short(n syntax.Node) string {
	const most = 60
	t := q.text(n)
	if len(t) > most {
		t = strings.ToValidUTF8(t[:most], "") + "..."
	}
	return t
}

// edit is a fix of one change.
func edit(title string, at diag.Span, text string) *diag.Fix {
	return &diag.Fix{Title: title, Edits: []diag.Edit{{Span: at, New: text}}}
}

var escaped = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`)

// quoted writes a text as a string of the query language.
func quoted(s string) string { return `"` + escaped.Replace(s) + `"` }
