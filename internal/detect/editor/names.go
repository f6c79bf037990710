package editor

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax"
)

// fieldAt is the field that stands at an offset of a query, nil for none.
func (r *Region) fieldAt(at int) *syntax.Field {
	if r.Language != Sumo {
		return nil
	}
	n, _ := nodeAt(r.query().survey().Tree, at)
	f, _ := n.(*syntax.Field)
	return f
}

// Definition is where the query makes the field that stands at an offset: the field's
// name there, or the stage when it does not spell the name out. nil for a field of the events.
func (d *Document) Definition(offset int) []diag.Span {
	r, at := d.At(offset)
	if r == nil {
		return nil
	}
	f := r.fieldAt(at)
	if f == nil {
		return nil
	}
	made := r.madeBefore(f)
	switch {
	case made == nil:
		return nil
	case made.At != nil:
		return []diag.Span{r.out(made.At.Pos)}
	}
	return []diag.Span{r.out(made.Stage.Pos)}
}

// References are the places of a query that name the field at an offset.
func (d *Document) References(offset int) (list []diag.Span) {
	r, at := d.At(offset)
	if r == nil {
		return nil
	}
	f := r.fieldAt(at)
	if f == nil {
		return nil
	}
	syntax.Walk(r.query().survey().Tree, func(n syntax.Node) bool {
		if x, ok := n.(*syntax.Field); ok && strings.EqualFold(x.Name, f.Name) && x.Pos.End > x.Pos.Start {
			if at := r.out(x.Pos); !slices.Contains(list, at) {
				list = append(list, at)
			}
		}
		return true
	})
	return list
}

// errNoName says that a place has no name that can be given another.
var errNoName = errors.New("only a name that the query itself gives a field can be changed: the events' own fields are called what they are")

// CanRename is the name at an offset that Rename may change.
func (d *Document) CanRename(offset int) (diag.Span, string, error) {
	r, at := d.At(offset)
	if r == nil {
		return diag.Span{}, "", errNoName
	}
	f := r.fieldAt(at)
	if f == nil {
		return diag.Span{}, "", errNoName
	}
	if _, err := r.occurrences(f); err != nil {
		return diag.Span{}, "", err
	}
	return r.out(f.Pos), f.Name, nil
}

// occurrences are the places of a name that the query makes, from where it is made first.
func (r *Region) occurrences(f *syntax.Field) (list []diag.Span, err error) {
	s := r.query().survey()
	var first *lang.Use
	reads := map[*syntax.Field]bool{}
	uses := r.query().uses()
	for i := range uses {
		u := &uses[i]
		if !strings.EqualFold(u.Name, f.Name) {
			continue
		}
		switch {
		case !u.Makes && u.At != nil:
			reads[u.At] = true
		case !u.Makes:
			return nil, fmt.Errorf("a stage of this query reads %s without naming it, so it has to be called that", f.Name)
		case u.Makes && first == nil:
			if u.At == nil {
				return nil, fmt.Errorf("%s is a name that its stage gives by itself; write \"as NAME\" there to have another", f.Name)
			}
			first = u
		}
	}
	if first == nil {
		return nil, errNoName
	}
	var wrong error
	syntax.Walk(s.Tree, func(n syntax.Node) bool {
		switch x := n.(type) {
		case *syntax.Subquery:
			for _, c := range x.Compose {
				if strings.EqualFold(c.Name, f.Name) {
					wrong = fmt.Errorf("a subquery compares its %s with the outer query's field of that name, so both are called that", f.Name)
				}
			}
		case *syntax.Field:
			if !strings.EqualFold(x.Name, f.Name) || x.Pos.End <= x.Pos.Start || slices.Contains(list, x.Pos) {
				break
			}
			if x.Pos.Start < first.Stage.Pos.Start || reads[x] && x != first.At && x.Pos.End <= first.Stage.Pos.End {
				break // of the events, before the query has made it
			}
			list = append(list, x.Pos)
		}
		return true
	})
	if wrong == nil && !slices.Contains(list, f.Pos) {
		wrong = errNoName
	}
	slices.SortFunc(list, func(a, b diag.Span) int { return a.Start - b.Start })
	return list, wrong
}

// Rename gives a name that the query at an offset makes another. It is an error where
// that would change more than the name: the query that comes of it is analysed, and
// must say the same of every other field.
func (d *Document) Rename(offset int, name string) ([]diag.Edit, error) {
	r, at := d.At(offset)
	if r == nil {
		return nil, errNoName
	}
	f := r.fieldAt(at)
	if f == nil {
		return nil, errNoName
	}
	places, err := r.occurrences(f)
	if err != nil {
		return nil, err
	}
	name = strings.TrimSpace(unquoted(strings.TrimSpace(name)))
	if name == "" || strings.ContainsAny(name, "\r\n\x00") {
		return nil, errors.New("a field wants a name of one line")
	}
	q := r.query()
	if !strings.EqualFold(name, f.Name) {
		for _, u := range q.uses() {
			if strings.EqualFold(u.Name, name) {
				return nil, fmt.Errorf("the query has a field %s already", u.Name)
			}
		}
	}
	var edits []diag.Edit
	for _, p := range places {
		edits = append(edits, diag.Edit{Span: p, New: syntax.Quoted(name)})
	}
	after := diag.Text(r.File.Name, diag.Apply(r.File.Text, []diag.Fix{{Edits: edits}}))
	if why := r.sameBut(after, f.Name, name); why != "" {
		return nil, errors.New(why)
	}
	return r.edits(edits), nil
}

// sameBut says what a text with a name changed says otherwise; "" for nothing.
func (r *Region) sameBut(after *diag.File, from, to string) string {
	v := r.doc.set.Vocab
	was, is := r.query().survey(), query.Look(after, v)
	uses := func(s *query.Survey) (list []string) {
		for _, u := range s.Uses {
			n := strings.ToLower(u.Name)
			if n == strings.ToLower(to) {
				n = strings.ToLower(from)
			}
			list = append(list, fmt.Sprint(n, u.Makes))
		}
		return list
	}
	if !slices.Equal(uses(was), uses(is)) {
		return fmt.Sprintf("with the name %s the query would read other fields", to)
	}
	_, before := query.Compile(r.File, v, query.Unfilled)
	_, now := query.Compile(after, v, query.Unfilled)
	codes := func(l diag.List) (list []string) {
		for _, d := range l {
			if d.Severity != diag.Note {
				list = append(list, d.Code)
			}
		}
		slices.Sort(list)
		return list
	}
	if !slices.Equal(codes(before), codes(now)) {
		return fmt.Sprintf("with the name %s the query would have other mistakes", to)
	}
	return ""
}
