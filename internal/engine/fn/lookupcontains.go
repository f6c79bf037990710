package fn

import (
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/lookup"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Function{
	Doc: lang.Doc{
		Name: "lookupContains", Usage: "lookupContains(<table:path>, <key:expr,...>)",
		Summary: "True when a lookup table has a row with these values.",
		Text: "`lookupContains(path://\"/Library/Users\", uid=id and host=name)` compares the field `uid` with the column `id`, and `host` with `name`. " +
			"Letter case is as in `lookup`. `--table PATH=FILE` names the table's file; a table that is not given holds nothing, with a warning.",
		Examples: lang.Calls(`lookupContains(path://"/Library/Users", uid=id)`, `false`),
	},
	Nulls: true,
	Form:  lookupContains,
})

func lookupContains(s *lang.Site) expr.Expr {
	sc := s.Scope()
	path, ok := s.Node.Args[0].(*syntax.Path)
	if !ok {
		s.Error(0, "expected-path", "the first argument is a table", `write path://"/Library/..."`)
		return nil
	}
	t := sc.Table(path)
	var cols []int
	call := &expr.Call{Name: "lookupContains", Nulls: true}
	var add func(x syntax.Expr)
	add = func(x syntax.Expr) {
		switch x := x.(type) {
		case *syntax.Paren:
			add(x.X)
			return
		case *syntax.Field:
			add(&syntax.Binary{Pos: x.Pos, Op: "=", X: x, Y: x})
			return
		case *syntax.Binary:
			a, okA := x.X.(*syntax.Field)
			b, okB := x.Y.(*syntax.Field)
			switch {
			case x.Op == "and":
				add(x.X)
				add(x.Y)
				return
			case x.Op == "=" && okA && okB:
				if t == nil {
					call.Args = append(call.Args, sc.Expr(a))
					return
				}
				field, c := a, t.Column(b.Name)
				if c < 0 {
					if c = t.Column(a.Name); c < 0 {
						sc.Error(b, "unknown-column", "the table has no column "+b.Name, "its columns are "+strings.Join(t.Columns, ", "))
						return
					}
					field = b
				}
				call.Args, cols = append(call.Args, sc.Expr(field)), append(cols, c)
				return
			}
		}
		sc.Error(x, "bad-lookup-key", "a key is compared as field=column", "write such as uid=id and host=name")
	}
	for _, x := range s.Node.Args[1:] {
		add(x)
	}
	if t == nil {
		call.Fn = func(*expr.Env, []event.Value) (event.Value, error) { return event.Bool(false), nil }
		return call
	}
	view, _ := sc.Tables.View(path.Text, t, cols, !lookup.Classic(path.Text))
	sc.Hold(view.Now().Index.Bytes())
	call.Fn = func(_ *expr.Env, args []event.Value) (event.Value, error) {
		_, _, found := view.Now().Find(nil, args)
		return event.Bool(found), nil
	}
	return call
}
