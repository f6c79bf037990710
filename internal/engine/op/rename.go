package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/exec"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

var _ = register(lang.Operator{
	Doc: lang.Doc{
		Name: "rename", Usage: "rename <pairs:rename,...>",
		Summary: "Gives fields other names.",
		Text:    "Each pair is `old as new`. The old field is gone afterwards.",
		Dialect: "old as new | fields - old",
		Examples: []lang.Example{
			{Query: `* | rename user as account | fields account, user`, In: []string{`{"_raw":"","user":"bob"}`}, Out: []string{`{"account":"bob","user":null}`}},
		},
	},
	Flow:  lang.Streams,
	Facts: lang.Facts{Rows: lang.Keeps, Alone: true},
	New:   func() lang.Stage { return new(rename) },
})

type rename struct {
	Pairs []*syntax.Named `usage:"pairs"`

	from, to []event.Slot
}

func (r *rename) Check(sc *lang.Scope) {
	for _, p := range r.Pairs {
		f, ok := p.X.(*syntax.Field)
		if !ok || p.As == nil {
			sc.Error(p, "alias-missing", "rename wants the new name of the field", "write: rename old as new")
			continue
		}
		r.from = append(r.from, sc.Read(f))
		r.to = append(r.to, sc.Slot(p.As.Name))
	}
	if len(r.to) < len(r.Pairs) {
		return
	}
	sc.Hide(r.from...)
	for _, p := range r.Pairs {
		sc.Make(p.As)
	}
}

func (r *rename) Needs(f *event.Fields) {
	f.Remove(r.to...)
	f.Add(r.from...)
}

func (r *rename) Open(_ *exec.Runtime, next exec.Sink) exec.Task {
	held := make([]event.Column, len(r.from))
	return &each{next: next, fn: func(b *event.Batch) error {
		for i, s := range r.from { // all first: names may trade places
			held[i] = *b.Col(s)
		}
		for _, s := range r.from {
			*b.Col(s) = event.Column{}
			b.Col(s).Reset()
		}
		for i, s := range r.to {
			b.Col(s).Alias(&held[i])
		}
		return nil
	}}
}
