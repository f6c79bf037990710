package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "where", Usage: "where <cond:expr>",
		Summary: "Keeps the rows for which a condition holds.",
		Text: "False and null both drop the row. An unquoted word on the right is a field: " +
			"`where a = b` compares two fields. Wildcards need `matches`. Each `where` stands after a pipe of its own.",
		Examples: []lang.Example{
			{Query: `* | where user = "root"`, In: []string{`{"_raw":"1","user":"Root"}`, `{"_raw":"2","user":"root"}`}, Out: []string{`{"user":"root"}`}},
			{Query: `* | where x > 9`, In: []string{`{"_raw":"","x":"9"}`, `{"_raw":"","x":"10"}`}, Out: []string{`{"x":"10"}`}},
			{Query: `* | where !(user = "root")`, In: []string{`{"_raw":"1"}`, `{"_raw":"2","user":"bob"}`, `{"_raw":"3","user":"root"}`}, Out: []string{`{"_raw":"2"}`, `{"_raw":"1"}`}},
		},
	},
	Flow:  lang.Streams,
	Facts: lang.Facts{Rows: lang.Drops, Alone: true},
	New:   func() lang.Stage { return new(where) },
})

type where struct {
	Condition syntax.Expr `usage:"cond"`

	tree expr.Expr
	prog *expr.Program
}

func (w *where) Check(sc *lang.Scope) {
	w.tree = sc.Expr(w.Condition)
	w.prog = expr.Compile(w.tree)
}

func (w *where) Facts(f lang.Facts) lang.Facts {
	f.Cond = w.tree
	return f
}

func (w *where) Needs(f *event.Fields) { f.Add(w.prog.Reads()...) }

func (w *where) Open(rt *exec.Runtime, next exec.Sink) exec.Task {
	run := w.prog.Open(lang.Env(rt))
	return &each{next: next, fn: func(b *event.Batch) error {
		b.Live = run.Keep(b, b.Live)
		return nil
	}}
}
