package op

import (
	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// parseRun marks, in a scope, that the stage before is of the parse family.
const parseRun = "parse"

// parsing is what the stages of the parse family share: which text they read,
// and what becomes of rows they fail on (spec B.10.1). A parse with nodrop marks
// the rows it matches; in an unbroken run of such stages a later parse that
// drops keeps marked rows (OP-15).
type parsing struct {
	from   event.Slot
	text   *expr.Field // from, as an expression
	nodrop bool
	first  bool // no parse stage stands right before
}

// check resolves what the family shares. from is nil for _raw.
func (p *parsing) check(sc *lang.Scope, from *syntax.Field, nodrop bool) {
	p.nodrop = nodrop
	p.from = sc.ReadName("_raw")
	if from != nil {
		p.from = sc.Read(from)
	}
	p.text = &expr.Field{Slot: p.from, Name: sc.Layout.Name(p.from)}
	prev := sc.Marked(parseRun)
	p.first = prev == nil
	sc.Mark(parseRun, sc.Stage())
}

// drops reports whether every row without a match is dropped.
func (p *parsing) drops() bool { return p.first && !p.nodrop }

// takes begins the facts of a stage that asks all of some conditions of its text.
func (p *parsing) takes(ask func() []expr.Expr) *lang.Extraction {
	return &lang.Extraction{From: p.from, NoDrop: p.nodrop, First: p.first, Fits: func() (fits expr.Expr) {
		for _, x := range ask() {
			if fits == nil {
				fits = x
			} else {
				fits = &expr.And{X: fits, Y: x}
			}
		}
		return fits
	}}
}

// begin readies the marks of a batch.
func (p *parsing) begin(b *event.Batch) {
	if p.first || len(b.Matched) < b.N {
		b.Matched = append(b.Matched[:0], make([]bool, b.N)...)
	}
}

// settle says whether a row stays, and marks it.
func (p *parsing) settle(b *event.Batch, row uint16, ok bool) bool {
	if ok {
		if p.nodrop {
			b.Matched[row] = true
		}
		return true
	}
	return p.nodrop || b.Matched[row]
}
