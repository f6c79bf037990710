package expr_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// TestWhatStandsInSeveralPlacesIsComputedOnceARow compares rows and counts with
// those of a tree that has a copy in each place.
func TestWhatStandsInSeveralPlacesIsComputedOnceARow(t *testing.T) {
	b := &event.Batch{}
	var rows []uint16
	for i := range 40 {
		row := b.AddRow(0, 0)
		b.Col(0).Set(row, event.Text(fmt.Sprint(i%3)))
		b.Col(1).Set(row, event.Text(fmt.Sprint(i%5)))
		rows = append(rows, row)
	}
	tree := func(share bool) (expr.Expr, *int) {
		calls := new(int)
		joined := func() expr.Expr {
			return &expr.Call{Name: "joined", Args: []expr.Expr{&expr.Field{Slot: 0, Name: "a"}, &expr.Field{Slot: 1, Name: "b"}},
				Fn: func(_ *expr.Env, args []event.Value) (event.Value, error) {
					*calls++
					return event.Text(args[0].Str() + args[1].Str()), nil
				}}
		}
		once := &expr.Once{X: joined()}
		is := func(text string) expr.Expr {
			x := joined()
			if share {
				x = once
			}
			return &expr.Compare{Op: expr.Eq, X: x, Y: &expr.Const{Value: event.Text(text)}}
		}
		one := &expr.Once{X: &expr.Field{Slot: 1, Name: "b"}}
		return &expr.And{
			X: &expr.Or{X: &expr.Or{X: is("00"), Y: is("14")}, Y: &expr.Or{X: is("22"), Y: is("13")}},
			Y: &expr.Compare{Op: expr.Ne, X: one, Y: &expr.Const{Value: event.Text("2")}},
		}, calls
	}
	keep := func(x expr.Expr) []uint16 {
		run := expr.Compile(x).Open(&expr.Env{})
		run.Keep(b, slices.Clone(rows)) // a second batch begins anew
		return run.Keep(b, slices.Clone(rows))
	}
	shared, once := tree(true)
	copied, many := tree(false)
	got, want := keep(shared), keep(copied)
	if !slices.Equal(got, want) || len(got) == 0 || len(got) == len(rows) {
		t.Errorf("rows %v, of copies %v", got, want)
	}
	if *once != 2*len(rows) || *many <= *once {
		t.Errorf("computed %d times in 2 batches of %d rows, by copies %d times", *once, len(rows), *many)
	}
	if got := expr.Slots(shared); !slices.Equal(got, []event.Slot{0, 1}) {
		t.Errorf("fields %v", got)
	}
}
