package expr_test

import (
	"testing"

	"github.com/gyoji-dev/gyoji/internal/engine/expr"
	"github.com/gyoji-dev/gyoji/internal/text/event"
)

func TestFoldLeavesOutWhatIsDecided(t *testing.T) {
	a := &expr.Field{Slot: 0, Name: "a"}
	yes, no := &expr.Const{Value: event.Bool(true)}, &expr.Const{Value: event.Bool(false)}
	one, two := &expr.Const{Value: event.Int(1)}, &expr.Const{Value: event.Int(2)}
	null := &expr.Call{Name: "f", Args: []expr.Expr{one}, Varies: true, Fn: func(*expr.Env, []event.Value) (event.Value, error) { return event.Value{}, nil }}
	for i, c := range []struct{ in, want expr.Expr }{
		{&expr.And{X: yes, Y: a}, a},
		{&expr.Or{X: a, Y: no}, a},
		{&expr.If{Cond: &expr.Compare{Op: expr.Lt, X: one, Y: two}, Then: a, Else: one}, a},
		{&expr.If{Cond: &expr.IsNull{X: one}, Then: a, Else: two}, two},
		{a, a},
	} {
		if got := expr.Fold(c.in); got != c.want {
			t.Errorf("case %d: %#v", i, got)
		}
	}
	for i, c := range []struct {
		in   expr.Expr
		want bool
	}{
		{&expr.And{X: a, Y: no}, false}, {&expr.Or{X: yes, Y: a}, true}, {&expr.Not{X: no}, true},
	} {
		if k, ok := expr.Fold(c.in).(*expr.Const); !ok || k.Value.True() != c.want {
			t.Errorf("constant %d: %v", i, ok)
		}
	}
	if _, ok := expr.Fold(null).(*expr.Const); ok {
		t.Error("what varies was computed once")
	}
}
