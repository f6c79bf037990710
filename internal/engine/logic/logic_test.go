package logic_test

import (
	"errors"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/logic"
	"github.com/gyoji-dev/gyoji/internal/engine/query"
)

// read compiles a query of conditions and assignments.
func read(t *testing.T, text string) (*query.Query, *query.Reading) {
	t.Helper()
	q, ds := query.Compile(diag.Text("test", text), query.Standard())
	if err := ds.Err(); err != nil {
		t.Fatal(err)
	}
	return q, q.Read()
}

func TestConditionsThatCannotHoldTogether(t *testing.T) {
	for _, c := range []struct {
		where    string
		possible bool
	}{
		{`a = "x" and a = "y"`, false},
		{`a = "x" and b = "y"`, true},
		{`a = "x" and a != "x"`, false},
		{`a = "x" or a = "y"`, true},
		{`(a = "x" or a = "y") and a = "z"`, false},
		{`a in ("x", "y") and a in ("y", "z")`, true},
		{`a in ("x", "y") and a in ("v", "z")`, false},
		{`a in ("x", "y") and !(a in ("x")) and a != "y"`, false},
		{`a matches "*cmd.exe" and a matches "*powershell.exe"`, false},
		{`a matches "*cmd.exe" and a matches "*d.exe"`, true}, // one ends with the other
		{`a matches "*cmd.exe" and !(a matches "*cmd.exe")`, false},
		{`a matches "x*" and a matches "y*"`, false},
		{`a matches "x*" and a matches "*y"`, true},
		{`a = "abc" and a matches "*bc"`, true},
		{`a = "abc" and a matches "*bd"`, false},
		{`a = "abc" and a matches /^a/`, true},
		{`a = "abc" and a matches /^b/`, false},
		{`toLowerCase(a) = "abc"`, true},
		{`toLowerCase(a) = "Abc"`, false}, // never what toLowerCase gives
		{`a > 5 and a = 3`, false},
		{`a > 5 and a = 7`, true},
		{`isNull(a) and a = "x"`, false},
		{`isNull(a) and !isNull(a)`, false},
		{`isNull(a) and b = "x"`, true},
		{`if (a = "x", 1, 0) = 1 and a = "y"`, false},
		{`if (a = "x", 1, 0) = 0 and a = "y"`, true},
		{`if (isNull(a), "", toLowerCase(a)) in ("p", "q") and isNull(a)`, false},
		{`1 = 2`, false},
		{`length(a) > 3 and length(a) > 4`, true},
	} {
		_, r := read(t, "* | where "+c.where)
		var facts []logic.Fact
		for _, x := range r.Conditions {
			facts = append(facts, logic.Fact{Cond: x.Cond})
		}
		if got := logic.Possible(facts...); got != c.possible {
			t.Errorf("%s: possible is %v, want %v", c.where, got, c.possible)
		}
	}
}

func TestScoresThatFlagsCanReach(t *testing.T) {
	for _, c := range []struct {
		query string
		want  []int64
	}{
		{`* | if (a = "x", 1, 0) as f | if (b = "y", 1, 0) as g | f + g as s`, []int64{0, 1, 2}},
		{`* | if (a = "x", 1, 0) as f | if (a = "y", 1, 0) as g | f + g as s`, []int64{0, 1}},                           // they exclude each other
		{`* | where a = "x" | if (a = "x", 1, 0) as f | if (b = "y", 1, 0) as g | f + 2 * g as s`, []int64{1, 3}},       // the filter decides one
		{`* | if (a = "x", 1, 0) as f | f as s | if (s = 0, 1, s) as s`, []int64{1}},                                    // a floor
		{`* | if (a = "x", 3, if (b = "y", 2, 1)) as s`, []int64{1, 2, 3}},                                              // a ladder
		{`* | if (a matches "*a.exe", 1, 0) as f | if (a matches "*b.exe", 1, 0) as g | f - g as s`, []int64{-1, 0, 1}}, // a difference
	} {
		q, r := read(t, c.query)
		slot, _ := q.Layout.Find("s")
		var facts []logic.Fact
		for _, x := range r.Conditions {
			facts = append(facts, logic.Fact{Cond: x.Cond})
		}
		// With few steps the answer is that there were too few, and never another.
		whole, err := logic.Combinations(0, r.Fields[slot], facts)
		if err != nil {
			t.Errorf("%s: %v", c.query, err)
		}
		gaveUp, found := 0, 0
		for steps := 1; steps <= 64; steps++ {
			some, err := logic.Combinations(steps, r.Fields[slot], facts)
			switch {
			case errors.Is(err, logic.ErrEffort):
				gaveUp++
			case err != nil || len(some) != len(whole):
				t.Errorf("%s: with %d steps %d combinations and %v, want %d", c.query, steps, len(some), err, len(whole))
			default:
				found++
			}
		}
		if gaveUp == 0 || found == 0 {
			t.Errorf("%s: given up %d times, found %d times", c.query, gaveUp, found)
		}
		got, ok := logic.Scores(r.Fields[slot], facts)
		if !ok {
			t.Errorf("%s: not analysed", c.query)
			continue
		}
		if len(got) != len(c.want) {
			t.Errorf("%s: reaches %v, want %v", c.query, got, c.want)
			continue
		}
		for i := range got {
			if got[i] != c.want[i] {
				t.Errorf("%s: reaches %v, want %v", c.query, got, c.want)
				break
			}
		}
	}
}
