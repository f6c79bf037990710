package lang

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// AggSite is one call of an aggregate in a query, while it is compiled.
type AggSite struct {
	Node  *syntax.Agg
	Scope *Scope
}

// Len is the number of arguments.
func (s *AggSite) Len() int { return len(s.Node.Args) }

// Star reports whether the only argument is *.
func (s *AggSite) Star() bool {
	if len(s.Node.Args) != 1 {
		return false
	}
	_, ok := s.Node.Args[0].(*syntax.Star)
	return ok
}

// Count reports an error unless there are low to high arguments; high < 0 is
// any number. usage is the form to show.
func (s *AggSite) Count(low, high int, usage string) bool {
	n := len(s.Node.Args)
	if n >= low && (high < 0 || n <= high) {
		return true
	}
	s.Error(-1, "wrong-argument-count", fmt.Sprintf("%s takes %s, not %d", s.Node.Func.Text, countArgs(low, high), n), "the form is "+usage)
	return false
}

// Field resolves argument i, which must be a plain field: an aggregate over an
// expression is an error (spec F.8), and the help says how to write it. ok is
// false after a report.
func (s *AggSite) Field(i int) (f *syntax.Field, slot event.Slot, ok bool) {
	if i >= len(s.Node.Args) {
		return nil, event.None, false
	}
	name := s.Node.Func.Text
	switch x := unparen(s.Node.Args[i]).(type) {
	case *syntax.Field:
		return x, s.Scope.Read(x), true
	case *syntax.Star:
		s.Error(i, "star-out-of-place", "* stands only in count(*)", "name a field")
	case *syntax.String:
		s.Error(i, "aggregate-over-expression", name+" takes a field, and text in quotes is a constant", "a field is written without quotes, or %\"...\" if its name is unusual")
	default:
		d := s.Error(i, "aggregate-over-expression", name+" takes a field, not an expression", "give the expression a name in a stage before")
		s.rewrite(d, i, name)
	}
	return nil, event.None, false
}

// rewrite says how an aggregate over an expression is written with a stage of
// its own: | x + y as value | avg(value).
func (s *AggSite) rewrite(d *diag.Diagnostic, i int, name string) {
	if s.Scope.File == nil {
		return
	}
	text := strings.TrimSpace(s.Scope.File.Slice(s.Node.Args[i].Span()))
	if text != "" {
		d.Help = fmt.Sprintf("give it a name first: | %s as value | %s(value)", text, name)
	}
}

// Number returns argument i when it is a number written out.
func (s *AggSite) Number(i int) (*syntax.Number, bool) {
	if i >= len(s.Node.Args) {
		return nil, false
	}
	n, ok := unparen(s.Node.Args[i]).(*syntax.Number)
	return n, ok
}

// Error reports a mistake at argument i, or at the whole call when i < 0.
func (s *AggSite) Error(i int, code, message, help string) *diag.Diagnostic {
	return s.Scope.Error(s.at(i), code, message, help)
}

// Warn is Error for what runs all the same.
func (s *AggSite) Warn(i int, code, message, help string) *diag.Diagnostic {
	return s.Scope.Warn(s.at(i), code, message, help)
}

func (s *AggSite) at(i int) syntax.Node {
	if i >= 0 && i < len(s.Node.Args) {
		return s.Node.Args[i]
	}
	return s.Node
}
