package query

import (
	"fmt"

	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/internal/text/match"
	"github.com/gyoji-dev/gyoji/syntax"
)

// WhyChange is what a query could say in the place of a predicate that held for no row:
// with it the predicate holds for some of the values that were seen.
type WhyChange struct {
	Start int    `json:"start"` // bytes of the query, of the predicate
	End   int    `json:"end"`
	Text  string `json:"text"` // what to write there
	// Rows is for how many rows of the stage it holds: of those whose value is among the
	// ones that were counted. 0 where another field is read, whose values were not.
	Rows int64  `json:"rows"`
	Why  string `json:"why"`
}

// holds says for how many rows it does, where that is known.
func (c *WhyChange) holds(of int64) string {
	if c.Rows == 0 {
		return ""
	}
	return fmt.Sprintf(", which holds for %s of %s rows", thousands(c.Rows), thousands(of))
}

// changesMax is how many changes are tried for a predicate.
const changesMax = 12

// change finds what was probably meant by a predicate that holds for no row: forms of it
// are tried on the values that were seen, the likeliest first, and the first that holds
// for one is given. nil where none does, or where it reads more than one field.
func (t *trace) change(part *predicate) *WhyChange {
	if part.holds > 0 || part.node == nil || len(part.fields) != 1 {
		return nil
	}
	f := part.fields[0]
	if len(f.values) == 0 {
		return t.otherName(part, f)
	}
	name := t.layout.Name(f.slot)
	if name == "_raw" {
		return nil
	}
	at := part.node.Span()
	tried := 0
	for try := range forms(part.node, f.most(len(f.values))) {
		if tried++; tried > changesMax {
			break
		}
		if n := t.rowsWith(part, f, try.text); n > 0 {
			return &WhyChange{Start: at.Start, End: at.End, Text: try.text, Rows: n, Why: try.why}
		}
	}
	return nil
}

// otherName is the predicate with the name that a field probably has, where no event has
// it as it is written.
func (t *trace) otherName(part *predicate, f *seen) *WhyChange {
	name := t.layout.Name(f.slot)
	if _, computed := t.made[f.slot]; computed || t.present[f.slot] > 0 {
		return nil
	}
	best := t.named(f.slot)
	if best == "" || best == name {
		return nil
	}
	at := part.node.Span()
	text := t.q.Tree.File.Slice(at)
	var out strings.Builder
	last := 0
	syntax.Walk(part.node, func(n syntax.Node) bool {
		if x, ok := n.(*syntax.Field); ok && strings.EqualFold(x.Name, name) && x.Pos.Start-at.Start >= last {
			out.WriteString(text[last:x.Pos.Start-at.Start] + syntax.Quoted(best))
			last = x.Pos.End - at.Start
		}
		return true
	})
	if last == 0 {
		return nil
	}
	out.WriteString(text[last:])
	slot, _ := t.layout.Find(best)
	return &WhyChange{Start: at.Start, End: at.End, Text: out.String(), Why: fmt.Sprintf("no event has a field %s, and %s have %s", name, thousands(t.present[slot]), best)}
}

// form is another way to say a predicate.
type form struct{ text, why string }

// forms are other ways to say a comparison of a field with a text, the likeliest first.
func forms(node syntax.Node, values []WhyValue) func(func(form) bool) {
	var field *syntax.Field
	var want string
	search, glob := false, false
	switch n := node.(type) {
	case *syntax.Binary:
		f, ok := n.X.(*syntax.Field)
		s, isText := n.Y.(*syntax.String)
		if ok && isText && n.Op == "=" {
			field, want = f, s.Value
		}
	case *syntax.Matches:
		f, ok := n.X.(*syntax.Field)
		s, isText := n.Pattern.(*syntax.String)
		if ok && isText && !n.Not {
			field, want, glob = f, s.Raw, true
		}
	case *syntax.FieldTerm:
		if n.Op == "=" && len(n.Values) == 1 {
			field, want, search = n.Field, n.Values[0].Text, true
		}
	}
	return func(yield func(form) bool) {
		if field == nil || want == "" || strings.ContainsAny(want, "\n\r") {
			return
		}
		name := syntax.Quoted(field.Name)
		equals := func(v string) string {
			if search {
				return name + "=" + textLiteral(v)
			}
			return name + " = " + textLiteral(v)
		}
		ends := func(v string) string {
			if search {
				return name + "=" + wildWord("*"+backslashed(v))
			}
			return name + " matches " + textLiteral(`*\`+v)
		}
		within := func(v string) string {
			if search {
				return name + "=" + wildWord("*"+v+"*")
			}
			return name + " matches " + textLiteral("*"+v+"*")
		}
		core := strings.Trim(want, "*")
		if glob || search {
			core = strings.TrimLeft(core, `\/`)
		}
		lower := strings.ToLower(core)
		var whole, last []string
		for _, v := range values {
			tail := lastOf(v.Value)
			whole, last = append(whole, v.Value), append(last, tail)
			switch {
			case !glob && v.Value != want && strings.EqualFold(v.Value, want):
				if !yield(form{equals(v.Value), "the value is written in other letter case"}) {
					return
				}
			case strings.EqualFold(tail, core) && tail != v.Value:
				if !yield(form{ends(core), field.Name + " holds whole paths"}) {
					return
				}
			case !glob && strings.TrimSpace(v.Value) == want && v.Value != want:
				if !yield(form{equals(v.Value), "the value has blanks around it"}) {
					return
				}
			}
		}
		for _, v := range whole {
			if core != "" && strings.Contains(strings.ToLower(v), lower) {
				if !yield(form{within(core), "the value has more text around it"}) {
					return
				}
				break
			}
		}
		if near := diag.Nearest(core, whole); near != "" && !glob {
			if !yield(form{equals(near), "this is the value nearest to yours"}) {
				return
			}
		}
		if near := diag.Nearest(core, last); near != "" {
			if !yield(form{ends(near), "this is the value nearest to yours"}) {
				return
			}
		}
	}
}

// lastOf is the last part of a path.
func lastOf(v string) string { return v[strings.LastIndexAny(v, `\/`)+1:] }

func backslashed(v string) string { return `\` + v }

// textLiteral is a text as a query writes it.
func textLiteral(v string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(v) + `"`
}

var plainTerm = match.Lazy(`^[\w.*?@:/$-]+$`)

// wildWord is a term of a search expression whose wildcards are live: it has no quotes,
// so what would end it is left open.
func wildWord(v string) string {
	if plainTerm().MatchString(v) {
		return v
	}
	return strings.Map(func(r rune) rune {
		if plainTerm().MatchString(string(r)) {
			return r
		}
		return '?'
	}, v)
}

// rowsWith counts the rows for which a predicate would hold if it were written in another
// way; 0 where it does not compile.
func (t *trace) rowsWith(part *predicate, f *seen, text string) (n int64) {
	head := "* | where "
	if _, ok := part.node.(syntax.Search); ok {
		head = ""
	}
	q, wrong := Compile(diag.Text("query", head+text), t.q.vocab)
	if wrong.HasErrors() || len(q.written) == 0 {
		return 0
	}
	var cond expr.Expr
	for _, s := range q.written {
		if s.Facts.Cond != nil {
			cond = s.Facts.Cond
		}
	}
	slot, ok := q.Layout.Find(t.layout.Name(f.slot))
	if cond == nil || !ok {
		return 0
	}
	run := expr.Compile(cond).Open(part.env)
	for v, rows := range f.values {
		var b event.Batch
		row := b.AddRow(0, 0)
		b.Col(slot).Set(row, event.Text(v))
		if len(run.Keep(&b, []uint16{row})) == 1 {
			n += rows
		}
	}
	return n
}
