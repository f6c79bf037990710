package op

import (
	"strings"

	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// assign is "expr as field", and a function in place of a bare field (spec B.9).
type assign struct {
	stage *syntax.Stage

	out  event.Slot
	tree expr.Expr
	prog *expr.Program
}

func (a *assign) Check(sc *lang.Scope) {
	a.tree = sc.Expr(a.stage.X)
	a.prog = expr.Compile(a.tree)
	target := a.stage.As
	if target == nil {
		target = inPlace(sc, a.stage.X)
		if target == nil {
			return
		}
	}
	a.out = sc.Make(target)
}

// inPlace is the field that an expression without "as" replaces: the first
// argument of a function, when it is a bare field or has one in place itself:
// formatDate(toLong(mindate)).
func inPlace(sc *lang.Scope, x syntax.Expr) *syntax.Field {
	call, ok := x.(*syntax.Call)
	for inner := call; inner != nil && len(inner.Args) > 0; {
		if fn := sc.Vocab.FunctionOf(inner.Func.Text); fn != nil && fn.Alias {
			break
		}
		if f, isField := inner.Args[0].(*syntax.Field); isField {
			return f
		}
		inner, _ = inner.Args[0].(*syntax.Call)
	}
	what := "an expression"
	if ok {
		what = call.Func.Text
	}
	sc.Error(x, "alias-missing", what+" needs a name for its result", "write: "+strings.TrimSpace(sc.File.Slice(x.Span()))+" as name")
	return nil
}

func (a *assign) Facts(f lang.Facts) lang.Facts {
	f.Sets = &lang.Assignment{To: a.out, Value: a.tree}
	return f
}

func (a *assign) Needs(f *event.Fields) {
	f.Remove(a.out)
	f.Add(a.prog.Reads()...)
}

func (a *assign) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	run := a.prog.Open(lang.Env(rt))
	return &each{next: next, fn: func(b *event.Batch) error {
		col, dropped := run.Column(b, b.Live)
		if dropped {
			b.Live = keepPresent(b.Live, col)
		}
		b.Col(a.out) // may grow b.Cols, which col may point into
		if f, ok := a.tree.(*expr.Field); ok {
			col = b.Col(f.Slot)
			if f.Slot == a.out {
				return nil
			}
		}
		b.Col(a.out).Alias(col)
		return nil
	}}
}

// keepPresent leaves out the rows whose value is event.Drop.
func keepPresent(rows []uint16, col *event.Column) []uint16 {
	out := rows[:0]
	for _, r := range rows {
		if !col.At(r).IsDrop() {
			out = append(out, r)
		}
	}
	return out
}
