package expr_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

// A Run that goes on with what it found out about a dictionary that stays gives
// the same values, and counts the same, as one that meets each batch anew.
func TestRunOverDictionariesThatStay(t *testing.T) {
	field := func(s event.Slot) expr.Expr { return &expr.Field{Slot: s} }
	call := func(name string, fn func([]event.Value) (event.Value, error), nulls bool, args ...expr.Expr) expr.Expr {
		return &expr.Call{Name: name, Args: args, Nulls: nulls, Fn: func(_ *expr.Env, a []event.Value) (event.Value, error) { return fn(a) }}
	}
	double := func(a []event.Value) (event.Value, error) { return event.Text(a[0].Str() + a[0].Str()), nil }
	odd := func(a []event.Value) (event.Value, error) {
		if n, _ := a[0].Int(); n%7 == 3 {
			return event.Value{}, fmt.Errorf("%d is not to be had", n)
		}
		return event.Text("<" + a[0].Str() + ">"), nil
	}
	drop := func(a []event.Value) (event.Value, error) {
		if n, _ := a[0].Int(); n%5 == 1 {
			return event.Drop, nil
		}
		return a[0], nil
	}
	trees := map[string]expr.Expr{
		"text":   call("double", double, false, field(0)),
		"warns":  call("odd", odd, false, field(0)),
		"nulls":  call("double", double, true, field(0)),
		"drops":  call("drop", drop, false, field(0)),
		"number": &expr.If{Cond: &expr.IsNull{X: field(0)}, Then: &expr.Const{Value: event.Int(0)}, Else: &expr.Const{Value: event.Int(1)}},
		"two":    call("double", double, false, &expr.Arith{Op: expr.Add, X: field(0), Y: field(1)}),
		// A second program reads what the first has made.
		"chain": call("double", double, true, field(2)),
	}
	for name, tree := range trees {
		t.Run(name, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(3, 4))
			warned := [2]int{}
			env := func(i int) *expr.Env { return &expr.Env{Warn: func(string, string) { warned[i]++ }} }
			first := expr.Compile(call("double", double, rnd.IntN(2) == 0, field(0)))
			second := expr.Compile(tree)
			staying := [2]*expr.Run{first.Open(env(0)), second.Open(env(0))}
			var dict event.Column
			gen := event.NewGen()
			for turn := range 200 {
				if turn%60 == 0 || len(dict.Dict) == 0 {
					dict, gen = event.Column{}, event.NewGen()
					dict.Reset()
				}
				var plain, stays event.Batch
				n := 1 + rnd.IntN(30)
				dict.Code = dict.Code[:0]
				for row := range n {
					plain.AddRow(0, 0)
					stays.AddRow(0, 0)
					code := uint16(rnd.IntN(len(dict.Dict)))
					switch {
					case turn%3 == 0 && code == 0: // this batch has no null
						code = dict.Put(event.Text(fmt.Sprint(rnd.IntN(1000))))
					case rnd.IntN(8) == 0:
						code = dict.Put(event.Text(fmt.Sprint(rnd.IntN(1000))))
					}
					dict.SetCode(uint16(row), code)
					other := event.Int(int64(rnd.IntN(3)))
					plain.Col(1).Set(uint16(row), other)
					stays.Col(1).Set(uint16(row), other)
				}
				*plain.Col(0) = event.Column{Dict: slices.Clone(dict.Dict), Code: slices.Clone(dict.Code)}
				lent := dict
				dict = lent.Lend(gen)
				*stays.Col(0) = lent
				var live []uint16
				for row := range n {
					if rnd.IntN(4) > 0 {
						live = append(live, uint16(row))
					}
				}
				var want, got [2]*event.Column
				var wantDrop, gotDrop [2]bool
				for i, p := range []*expr.Program{first, second} {
					want[i], wantDrop[i] = p.Open(env(1)).Column(&plain, live)
					plain.Col(2).Alias(want[0])
					got[i], gotDrop[i] = staying[i].Column(&stays, live)
					stays.Col(2).Alias(got[0])
				}
				for i := range want {
					for _, row := range live {
						if w, g := want[i].At(row), got[i].At(row); w != g {
							t.Fatalf("turn %d, row %d: %v, not %v", turn, row, g, w)
						}
					}
					if wantDrop[i] != gotDrop[i] {
						t.Fatalf("turn %d: drops %v, not %v", turn, gotDrop[i], wantDrop[i])
					}
				}
			}
			if warned[0] != warned[1] || (name == "warns") != (warned[0] > 0) {
				t.Errorf("%d values are counted, not %d", warned[0], warned[1])
			}
		})
	}
}
