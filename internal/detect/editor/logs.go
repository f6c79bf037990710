package editor

import (
	"fmt"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/mapping"
	"github.com/gyoji-dev/gyoji/syntax"
)

// notInLogs is the code of what the logs show: no comment takes it back.
const notInLogs = "not-in-logs"

// sampleLeast is how many events a sample has from which something is told of a query.
const sampleLeast = 20

// inLogs are findings that the user's own logs show: a field that no event has, beside one
// of nearly that name, and a name that is compared with whole paths.
func (r *Region) inLogs() (found diag.List) {
	s := r.doc.set.Sample
	if s == nil || s.Events < sampleLeast || r.Language != Sumo {
		return nil
	}
	q := r.query()
	names := s.Names()
	for _, u := range q.uses() {
		if u.Makes || u.At == nil || !u.Messages || s.Field(u.Name) != nil || mapping.Metadata(u.Name) || strings.HasPrefix(u.Name, "_") || r.madeBefore(u.At) != nil {
			continue
		}
		near := diag.Nearest(u.Name, names)
		if near == "" {
			continue // it may be one of other logs
		}
		found.Add(&diag.Diagnostic{
			Severity: diag.Warning, Code: notInLogs, File: r.File, Span: u.At.Pos,
			Message: fmt.Sprintf("none of %d events of %s has a field %s", s.Events, s.Name, u.Name), Help: "did you mean " + near + "?",
			Fix: &diag.Fix{Title: "write " + near, Edits: []diag.Edit{{Span: u.At.Pos, New: syntax.Quoted(near)}}},
		})
	}
	syntax.Walk(q.survey().Tree, func(n syntax.Node) bool {
		var field *syntax.Field
		var want, fix string
		switch n := n.(type) {
		case *syntax.Binary:
			f, ok := n.X.(*syntax.Field)
			text, isText := n.Y.(*syntax.String)
			if !ok || !isText || n.Op != "=" {
				return true
			}
			field, want = f, text.Value
			fix = syntax.Quoted(f.Name) + ` matches "*\\` + strings.ReplaceAll(want, `"`, `\"`) + `"`
		case *syntax.FieldTerm:
			if n.Op != "=" || len(n.Values) != 1 || strings.Contains(n.Values[0].Text, "*") || strings.ContainsAny(n.Values[0].Text, " \t\"") {
				return true
			}
			field, want = n.Field, n.Values[0].Text
			fix = syntax.Quoted(field.Name) + "=*" + want
		default:
			return true
		}
		if want == "" || strings.ContainsAny(want, `\/`) || !s.paths(field.Name) || r.madeBefore(field) != nil {
			return true
		}
		found.Add(&diag.Diagnostic{
			Severity: diag.Warning, Code: notInLogs, File: r.File, Span: n.Span(),
			Message: field.Name + " holds whole paths, and letter case counts here", Help: "write " + fix,
			Fix: &diag.Fix{Title: "change to " + fix, Edits: []diag.Edit{{Span: n.Span(), New: fix}}},
		})
		return true
	})
	return found
}

// paths reports whether all values of a field that are known are paths of Windows.
func (s *Sample) paths(name string) bool {
	f := s.Field(name)
	if f == nil {
		return false
	}
	n := 0
	for _, v := range f.Values {
		switch {
		case v == "" || v == "-" || v == "System":
		case len(v) > 3 && v[1] == ':' && v[2] == '\\':
			n++
		default:
			return false
		}
	}
	return n > 0
}

// withLogs are findings with those of the logs, which take the place of others about the
// same stretch of text.
func (r *Region) withLogs(found diag.List) (all diag.List) {
	own := r.inLogs()
	for _, f := range found {
		same := false
		for _, o := range own {
			same = same || o.Span == f.Span && f.Severity != diag.Error
		}
		if !same {
			all = append(all, f)
		}
	}
	return append(all, own...)
}
