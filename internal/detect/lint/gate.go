package lint

import (
	"context"
	"reflect"
	"slices"
	"strings"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/detect/proof"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
	"github.com/gyoji-dev/gyoji/syntax"
)

// gate is what every fix passes before it is offered, whichever check or parser
// made it: the mended query compiles, it has the comments it had, and when the
// fix says that it keeps the meaning, it does.
type gate struct {
	ctx   context.Context // once it is done, nothing more is proved
	vocab *lang.Vocabulary
	with  []query.Option
	file  *diag.File

	tree     *syntax.Query // nil when the query does not compile
	comments []string
	errors   int
	first    int         // where the first error is
	side     *proof.Side // of the query, made when it is first asked for
	grouped  int         // where the first grouping of the query begins: nothing is proved from there on
}

func newGate(ctx context.Context, f *diag.File, v *lang.Vocabulary, with []query.Option, compiled *query.Query, found diag.List) *gate {
	g := &gate{ctx: ctx, vocab: v, with: with, file: f, grouped: len(f.Text)}
	if compiled == nil {
		tree, _ := syntax.Parse(f, v)
		g.comments = comments(tree)
		g.errors, g.first = errorsOf(found)
		return g
	}
	g.tree, g.comments = compiled.Tree, comments(compiled.Tree)
	for _, s := range g.tree.Stages {
		if s.Kind == syntax.Grouping {
			g.grouped = s.Pos.Start
			break
		}
	}
	return g
}

func errorsOf(l diag.List) (n, first int) {
	for _, d := range l {
		if d.Severity == diag.Error {
			if n++; n == 1 || d.Span.Start < first {
				first = d.Span.Start
			}
		}
	}
	return n, first
}

// eachAlone is how many fixes are tried each alone. More are tried together, and
// in halves where that fails.
const eachAlone = 16

// pass takes away the fixes that are not sound, and the advice to make them.
func (g *gate) pass(found diag.List) {
	var with []*diag.Diagnostic
	for _, d := range found {
		if d.Fix != nil {
			with = append(with, d)
		}
	}
	if len(with) <= eachAlone || g.tree == nil {
		for _, d := range with {
			g.one(d)
		}
		return
	}
	g.many(with)
}

// many passes fixes that are sound together.
func (g *gate) many(list []*diag.Diagnostic) {
	if len(list) == 1 {
		g.one(list[0])
		return
	}
	var fixes []diag.Fix
	safe := false
	for _, d := range list {
		fixes = append(fixes, *d.Fix)
		safe = safe || d.Fix.Safe
	}
	if text := diag.Apply(g.file.Text, fixes); !safe {
		if _, ok := g.compiles(text); ok {
			return
		}
	} else if tree, ok := g.compiles(text); ok && sameTree(g.tree, tree) {
		return
	}
	g.many(list[:len(list)/2])
	g.many(list[len(list)/2:])
}

// one passes one fix or takes it away.
func (g *gate) one(d *diag.Diagnostic) {
	text := diag.Apply(g.file.Text, []diag.Fix{*d.Fix})
	tree, _ := g.compiles(text)
	if tree == nil || text == g.file.Text {
		d.Fix = nil
		if strings.HasPrefix(d.Help, "write ") {
			d.Help = ""
		}
		return
	}
	if !d.Fix.Safe || g.tree == nil || sameTree(g.tree, tree) {
		return
	}
	switch equal, shown := g.proved(text); {
	case shown && !equal:
		d.Fix = nil
	case !shown, slices.ContainsFunc(d.Fix.Edits, func(e diag.Edit) bool { return e.Span.End > g.grouped }):
		d.Fix.Safe = false // it may well keep the meaning, and nothing shows it
	}
}

// compiles reads a mended text. The tree is nil when the text does not compile,
// or has lost or won a comment. Of a query with several mistakes it is enough that
// there are fewer of them, or that the first comes later; then there is a tree,
// and false.
func (g *gate) compiles(text string) (*syntax.Query, bool) {
	f := diag.Text(g.file.Name, text)
	compiled, found := query.Compile(f, g.vocab, g.with...)
	if compiled != nil {
		if !slices.Equal(comments(compiled.Tree), g.comments) {
			return nil, false
		}
		return compiled.Tree, true
	}
	if g.tree != nil {
		return nil, false
	}
	if n, first := errorsOf(found); n >= g.errors && first <= g.first {
		return nil, false
	}
	tree, _ := syntax.Parse(f, g.vocab)
	if !slices.Equal(comments(tree), g.comments) {
		return nil, false
	}
	return tree, false
}

// proved runs the query and the mended one over events made for both. shown is
// false when neither matches any of them.
func (g *gate) proved(text string) (equal, shown bool) {
	if g.ctx.Err() != nil {
		return false, false
	}
	if g.side == nil {
		side, l := proof.Query(g.file, g.with...)
		if l.HasErrors() {
			return false, false
		}
		g.side = side
	}
	other, l := proof.Query(diag.Text(g.file.Name, text), g.with...)
	if l.HasErrors() {
		return false, true
	}
	r, err := proof.Check(g.ctx, g.side, other, nil)
	if err != nil {
		return false, false
	}
	return r.Equal(), !r.Empty()
}

func comments(tree *syntax.Query) (list []string) {
	if tree == nil {
		return nil
	}
	syntax.Walk(tree, func(n syntax.Node) bool {
		if q, ok := n.(*syntax.Query); ok {
			for _, c := range q.Comments {
				list = append(list, c.Text)
			}
		}
		return true
	})
	return list
}

// sameTree reports whether two queries are the same but for how they are
// written: places, parentheses, quotes, the spelling of an operator.
func sameTree(a, b *syntax.Query) bool {
	return sameValue(reflect.ValueOf(a), reflect.ValueOf(b))
}

var spelling = []string{"Pos", "OpPos", "File", "Comments", "Written", "Eval", "Single", "Tail", "Lead", "Text"}

func sameValue(a, b reflect.Value) bool {
	a, b = inside(a), inside(b)
	if a.IsValid() != b.IsValid() {
		return false
	}
	if !a.IsValid() {
		return true
	}
	if a.Type() != b.Type() {
		return false
	}
	switch a.Kind() {
	case reflect.Struct:
		if s, ok := a.Interface().(syntax.Stage); ok && s.Kind == syntax.Assigning {
			// An assignment that starts with a function has that for its name.
			return a.FieldByName("Kind").Equal(b.FieldByName("Kind")) &&
				sameValue(a.FieldByName("X"), b.FieldByName("X")) && sameValue(a.FieldByName("As"), b.FieldByName("As"))
		}
		if n, ok := a.Interface().(syntax.Name); ok {
			return strings.EqualFold(n.Text, b.Interface().(syntax.Name).Text)
		}
		number := a.Type() == reflect.TypeFor[syntax.Number]()
		for i := range a.NumField() {
			f := a.Type().Field(i)
			if !f.IsExported() || slices.Contains(spelling, f.Name) && (f.Name != "Text" || number) {
				continue
			}
			if !sameValue(a.Field(i), b.Field(i)) {
				return false
			}
		}
		return true
	case reflect.Slice:
		if a.Len() != b.Len() {
			return false
		}
		for i := range a.Len() {
			if !sameValue(a.Index(i), b.Index(i)) {
				return false
			}
		}
		return true
	case reflect.String:
		return a.String() == b.String()
	case reflect.Int, reflect.Int64:
		return a.Int() == b.Int()
	case reflect.Uint8:
		return a.Uint() == b.Uint()
	case reflect.Bool:
		return a.Bool() == b.Bool()
	case reflect.Float64:
		return a.Float() == b.Float()
	}
	return false
}

// inside is the value that pointers, interfaces and parentheses lead to.
func inside(v reflect.Value) reflect.Value {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Interface {
		if v.IsNil() {
			return reflect.Value{}
		}
		if v.Kind() == reflect.Pointer {
			switch p := v.Interface().(type) {
			case *syntax.Paren:
				v = reflect.ValueOf(p.X)
				continue
			case *syntax.Group:
				v = reflect.ValueOf(p.X)
				continue
			}
		}
		v = v.Elem()
	}
	return v
}
