package agg_test

import (
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/agg"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// word finds an aggregate by name.
func word(t testing.TB, name string) *lang.Aggregate {
	t.Helper()
	for _, a := range agg.Words().Aggregates {
		if a.Name == name {
			return a
		}
	}
	t.Fatalf("there is no aggregate %s", name)
	return nil
}

// site readies an aggregate for arguments: field names, *, or numbers.
func site(t testing.TB, name string, args ...syntax.Expr) (lang.Aggregator, diag.List) {
	t.Helper()
	var list diag.List
	v, err := lang.NewVocabulary(agg.Words())
	if err != nil {
		t.Fatal(err)
	}
	sc := lang.NewScope(v, event.NewLayout(), diag.Text("test", ""), &list)
	node := &syntax.Agg{Func: &syntax.Name{Text: name}, Args: args}
	return word(t, name).New(&lang.AggSite{Node: node, Scope: sc}), list
}

func field(name string) syntax.Expr { return &syntax.Field{Name: name} }

func number(f float64) syntax.Expr {
	return &syntax.Number{Int: int64(f), Float: f, IsInt: f == math.Trunc(f)}
}

// openFor makes the state of an aggregate of one field, with extra arguments.
func openFor(t testing.TB, name string, extra ...syntax.Expr) func() lang.Accumulator {
	t.Helper()
	a, list := site(t, name, append([]syntax.Expr{field("f")}, extra...)...)
	if list.HasErrors() {
		t.Fatal(list.Err())
	}
	return a.Open
}

// show writes values so that kinds can be told apart.
func show(vs []event.Value) string {
	var out []string
	for _, v := range vs {
		out = append(out, fmt.Sprintf("%s:%s", v.Kind(), v))
	}
	return strings.Join(out, " ")
}

// message is the moment of the i-th message, oldest first.
func message(i int) lang.Moment {
	return lang.Moment{Time: int64(i), Receipt: int64(i), Pos: uint64(i)}
}

func texts(ss ...string) []event.Value {
	var vs []event.Value
	for _, s := range ss {
		vs = append(vs, event.Text(s))
	}
	return vs
}

func TestAggregates(t *testing.T) {
	null := event.Value{}
	timed := texts(`{"value":"old","time":1}`, `{"value":"n\"ew","time":3}`, `{"time":2,"value":7}`, `x`, `{"value":"no time"}`)
	tests := []struct {
		name  string
		extra []syntax.Expr
		rows  []event.Value // oldest first
		want  string
	}{
		{"count", nil, nil, "long:0"},
		{"count", nil, []event.Value{null, event.Text(""), event.Int(1)}, "long:2"},

		{"count_distinct", nil, nil, "long:0"},
		{"count_distinct", nil, append(texts("a", "", "A", "a"), null), "long:3"},
		{"count_distinct", nil, []event.Value{event.Text("5"), event.Int(5), event.Float(5), event.Float(5.5)}, "long:2"},

		{"sum", nil, nil, "null:"},
		{"sum", nil, []event.Value{null, event.Text("x")}, "null:"},
		{"sum", nil, []event.Value{event.Int(1), event.Text(" 3 "), event.Text("-"), null}, "double:4"},
		{"sum", nil, texts("0.1", "0.2"), "double:0.30000000000000004"}, // the nearest double of the exact sum, as in one addition
		{"sum", nil, texts("0.1", "0.1", "0.1", "0.1", "0.1", "0.1", "0.1", "0.1", "0.1", "0.1"), "double:1"},
		{"sum", nil, texts("1e308", "1e308", "-1e308", "-1e308", "3"), "double:3"},
		{"sum", nil, texts("1e308", "1e308"), "double:Infinity"},
		{"sum", nil, []event.Value{event.Float(math.Inf(1)), event.Int(1)}, "double:Infinity"},
		{"sum", nil, []event.Value{event.Float(math.Inf(1)), event.Float(math.Inf(-1))}, "double:NaN"},
		{"sum", nil, []event.Value{event.Int(math.MaxInt64), event.Int(math.MaxInt64), event.Int(-math.MaxInt64), event.Int(-math.MaxInt64 + 7)}, "double:7"},
		{"sum", nil, []event.Value{event.Float(1e16), event.Float(1), event.Float(-1e16)}, "double:1"},

		{"avg", nil, nil, "null:"},
		{"avg", nil, []event.Value{event.Int(1), event.Text("2"), null, event.Text("?")}, "double:1.5"},

		{"min", nil, nil, "null:"},
		{"min", nil, texts("9", "10", "x"), "double:9"},
		{"min", nil, []event.Value{event.Float(math.NaN()), event.Int(3)}, "double:3"},
		{"max", nil, texts("9", "10", "x"), "double:10"},
		{"max", nil, []event.Value{event.Int(-5), event.Int(-3), null}, "double:-3"},
		{"max", nil, []event.Value{event.Float(math.NaN())}, "double:NaN"},

		{"stddev", nil, nil, "null:"},
		{"stddev", nil, texts("4"), "double:0"},
		{"stddev", nil, texts("4", "4", "4"), "double:0"},
		{"stddev", nil, texts("1", "3", "5"), "double:2"},
		{"stddev", nil, texts("0.5", "1.5", "2.5", "x"), "double:1"},
		// Far from zero: sums of squares in doubles would give 0 or worse.
		{"stddev", nil, []event.Value{event.Int(1704067200001), event.Int(1704067200003), event.Int(1704067200005)}, "double:2"},
		{"stddev", nil, texts("1000000000.25", "1000000000.5", "1000000000.75"), "double:0.25"},
		{"stddev", nil, []event.Value{event.Float(math.Inf(1)), event.Int(1)}, "double:NaN"},
		{"stddev", nil, []event.Value{event.Int(math.MinInt64), event.Int(math.MinInt64)}, "double:0"},

		{"pct", nil, nil, "null:"},
		{"pct", nil, texts("9", "1", "2"), "double:2"},
		{"pct", nil, texts("2", "1", "x"), "double:1.5"},
		{"pct", []syntax.Expr{number(0), number(25), number(100)}, texts("5", "1", "9", "3", "7"), "double:1 double:3 double:9"},
		{"pct", []syntax.Expr{number(90)}, texts("1", "2"), "double:1.9"},
		{"pct_sampling", []syntax.Expr{number(50)}, texts("1", "2", "9"), "double:2"},
		{"median", nil, texts("1", "2", "9"), "double:2"},

		{"first", nil, nil, "null:"},
		{"first", nil, texts("old", "mid", "new"), "string:new"},
		{"first", nil, []event.Value{event.Text("old"), null}, "null:"},
		{"last", nil, []event.Value{event.Int(7), event.Text("new")}, "long:7"},

		{"most_recent", nil, nil, "null:"},
		{"most_recent", nil, timed, `string:n"ew`},
		{"least_recent", nil, timed, "string:old"},
		{"most_recent", nil, texts(`{"value":7,"time":2}`), "long:7"},
		{"most_recent", nil, texts(`{"value":1.5,"time":2}`, `{"value":null,"time":5}`), "null:"},
		{"most_recent", nil, texts(`{"value":true,"time":-2}`), "boolean:true"},
		{"most_recent", nil, texts(`{"value":"a\",\"time\":9}","time":1}`, `{"value":"b","time":2}`), "string:b"},

		{"values", nil, nil, "null:"},
		{"values", nil, []event.Value{null}, "null:"},
		{"values", nil, texts("a", "B", "10", "9", "A", "a"), "string:10\n9\nA\nB\na"},
		{"values", nil, []event.Value{event.Text(""), event.Int(5), null}, "string:\n5"},
	}
	for _, tt := range tests {
		acc := openFor(t, tt.name, tt.extra...)()
		for i, v := range tt.rows {
			acc.Add([]event.Value{v}, message(i))
		}
		if got := show(acc.Result(nil)); got != tt.want {
			t.Errorf("%s of %s:\n got %q\nwant %q", tt.name, show(tt.rows), got, tt.want)
		}
	}
}

func TestCountDistinctOfTuples(t *testing.T) {
	a, list := site(t, "count_distinct", field("a"), field("b"))
	if list.HasErrors() || len(a.Args) != 2 {
		t.Fatal(list, a)
	}
	acc := a.Open()
	for i, row := range [][2]string{{"ab", "c"}, {"a", "bc"}, {"ab", "c"}} {
		acc.Add(texts(row[0], row[1]), message(i))
	}
	acc.Add([]event.Value{event.Text("a"), {}}, message(9))
	if got := show(acc.Result(nil)); got != "long:2" {
		t.Errorf("got %s, want 2: ab|c and a|bc differ, and a null makes no tuple", got)
	}
}

func TestFirstFollowsTheOrderOfRecords(t *testing.T) {
	for name, want := range map[string]string{"first": "string:a", "last": "string:c"} {
		acc := openFor(t, name)()
		for i, v := range texts("a", "b", "c") {
			acc.Add([]event.Value{v}, lang.Moment{Pos: uint64(i), Records: true})
		}
		if got := show(acc.Result(nil)); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

// Rows that parse regex ... multi makes of one message have one moment.
func TestFirstOfOneMoment(t *testing.T) {
	for name, want := range map[string]string{"first": "string:a", "last": "string:b"} {
		acc := openFor(t, name)()
		for _, v := range texts("a", "b") {
			acc.Add([]event.Value{v}, message(1))
		}
		if got := show(acc.Result(nil)); got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}

func TestValuesKeepsTheFirstHundredInOrder(t *testing.T) {
	acc := openFor(t, "values")()
	size := 0
	for i := 499; i >= 0; i-- {
		size += acc.Add(texts(fmt.Sprintf("v%03d", i)), message(i))
	}
	got := strings.Split(acc.Result(nil)[0].Str(), "\n")
	if len(got) != 100 || got[0] != "v000" || got[99] != "v099" {
		t.Errorf("got %d values from %s to %s, want v000 to v099", len(got), got[0], got[len(got)-1])
	}
	if size != 100*(4+16) {
		t.Errorf("reports %d bytes, want those of the 100 values kept", size)
	}
}

func TestMemoryIsReported(t *testing.T) {
	for _, name := range []string{"count_distinct", "pct", "values", "first"} {
		acc := openFor(t, name)()
		total := 0
		for i := range 50 {
			total += acc.Add(texts(fmt.Sprintf("%d", 1000+i)), message(i))
		}
		if total < 4 || name == "pct" && total < 50*8 || name == "count_distinct" && total < 50*(4+16) {
			t.Errorf("%s reports %d bytes for 50 values", name, total)
		}
	}
}

// arguments that only some aggregates take
var extras = map[string][]syntax.Expr{"pct": {number(10), number(99.9)}}

// TestOrderAndSplitDoNotMatter: any order of rows and any division among
// workers gives the same bytes.
func TestOrderAndSplitDoNotMatter(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	pool := func() event.Value {
		switch rnd.IntN(12) {
		case 0:
			return event.Value{}
		case 1:
			return event.Text("x" + fmt.Sprint(rnd.IntN(300)))
		case 2:
			return event.Int(rnd.Int64() - rnd.Int64())
		case 3:
			return event.Float(rnd.NormFloat64() * math.Pow(10, float64(rnd.IntN(40)-20)))
		case 4:
			return event.Float(math.Ldexp(rnd.Float64()-0.5, rnd.IntN(2000)-1000))
		case 5:
			return event.Text(fmt.Sprintf(`{"value":"%d","time":%d}`, rnd.IntN(100), rnd.IntN(20)))
		case 6:
			return event.Float([]float64{math.MaxFloat64, -math.MaxFloat64, 5e-324, math.Copysign(0, -1)}[rnd.IntN(4)])
		}
		return event.Text(fmt.Sprint(rnd.IntN(1000)))
	}
	for round := range 30 {
		rows := make([]event.Value, 1+rnd.IntN(400))
		for i := range rows {
			rows[i] = pool()
		}
		if round%5 == 4 {
			rows[0] = event.Float(math.Inf(1))
		}
		for _, w := range agg.Words().Aggregates {
			open := openFor(t, w.Name, extras[w.Name]...)
			whole := open()
			for i, v := range rows {
				whole.Add([]event.Value{v}, message(i))
			}
			want := show(whole.Result(nil))
			for range 4 {
				parts := make([]lang.Accumulator, 1+rnd.IntN(5))
				for i := range parts {
					parts[i] = open()
				}
				for _, i := range rnd.Perm(len(rows)) {
					parts[rnd.IntN(len(parts))].Add([]event.Value{rows[i]}, message(i))
				}
				rnd.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
				for _, p := range parts[1:] {
					parts[0].Merge(p)
				}
				if got := show(parts[0].Result(nil)); got != want {
					t.Fatalf("%s of %d rows in %d parts:\n got %q\nwant %q", w.Name, len(rows), len(parts), got, want)
				}
			}
		}
	}
}

func TestSumIsTheNearestDouble(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	open := openFor(t, "sum")
	for range 2000 {
		acc := open()
		exact := new(big.Float).SetPrec(4000)
		spread := rnd.IntN(1900)
		for i := range 1 + rnd.IntN(20) {
			f := math.Ldexp(rnd.Float64()-0.5, rnd.IntN(spread+1)-spread/2)
			if rnd.IntN(3) == 0 {
				f = float64(rnd.IntN(1<<30) - 1<<29)
			}
			acc.Add([]event.Value{event.Float(f)}, message(i))
			exact.Add(exact, new(big.Float).SetFloat64(f))
		}
		want, _ := exact.Float64()
		got, _ := acc.Result(nil)[0].Float()
		if got != want {
			t.Fatalf("got %v, want %v", got, want)
		}
	}
}

// Ties are where a second rounding would show.
func TestSumRoundsOnce(t *testing.T) {
	half := math.Ldexp(1, -53) // half a unit in the last place of 1
	tests := []struct {
		in   []float64
		want float64
	}{
		{[]float64{1, half}, 1},                                         // a tie goes to even
		{[]float64{1, half, math.Ldexp(1, -200)}, 1 + 2*half},           // a little more than the tie
		{[]float64{1 + 2*half, half, -math.Ldexp(1, -200)}, 1 + 2*half}, // a little less
		{[]float64{1 + 2*half, half}, 1 + 4*half},
		{[]float64{-1, -half, -math.Ldexp(1, -200)}, -1 - 2*half},
	}
	for _, tt := range tests {
		acc := openFor(t, "sum")()
		for i, f := range tt.in {
			acc.Add([]event.Value{event.Float(f)}, message(i))
		}
		if got, _ := acc.Result(nil)[0].Float(); got != tt.want {
			t.Errorf("sum of %v: got %v, want %v", tt.in, got, tt.want)
		}
	}
}

func TestNames(t *testing.T) {
	tests := []struct {
		name string
		args []syntax.Expr
		want string
	}{
		{"count", nil, "_count"},
		{"count", []syntax.Expr{&syntax.Star{}}, "_count"},
		{"count", []syntax.Expr{field("n")}, "_count"},
		{"count_distinct", []syntax.Expr{field("n")}, "_count_distinct"},
		{"sum", []syntax.Expr{field("n")}, "_sum"},
		{"avg", []syntax.Expr{field("n")}, "_avg"},
		{"min", []syntax.Expr{field("n")}, "_min"},
		{"max", []syntax.Expr{field("n")}, "_max"},
		{"stddev", []syntax.Expr{field("n")}, "_stddev"},
		{"pct", []syntax.Expr{field("filesize")}, "_filesize_pct_50"},
		{"pct", []syntax.Expr{field("filesize"), number(75), number(99.9)}, "_filesize_pct_75 _filesize_pct_99.9"},
		{"median", []syntax.Expr{field("n")}, "_median"},
		{"first", []syntax.Expr{field("n")}, "_first"},
		{"last", []syntax.Expr{field("n")}, "_last"},
		{"most_recent", []syntax.Expr{field("n_withtime")}, "_mostrecent"},
		{"least_recent", []syntax.Expr{field("n_withtime")}, "_leastrecent"},
		{"values", []syntax.Expr{field("n")}, "_values"},
	}
	for _, tt := range tests {
		a, list := site(t, tt.name, tt.args...)
		if got := strings.Join(a.Out, " "); got != tt.want || len(list) > 0 {
			t.Errorf("%s: columns %q, want %q; %v", tt.name, got, tt.want, list)
		}
		if got := len(a.Open().Result(nil)); got != len(a.Out) {
			t.Errorf("%s: %d results for %d columns", tt.name, got, len(a.Out))
		}
	}
}

func TestMistakes(t *testing.T) {
	plus := &syntax.Binary{Op: "+", X: field("x"), Y: field("y")}
	tests := []struct {
		name string
		args []syntax.Expr
		code string
	}{
		{"avg", []syntax.Expr{plus}, "aggregate-over-expression"},
		{"sum", []syntax.Expr{&syntax.String{Value: "x"}}, "aggregate-over-expression"},
		{"sum", []syntax.Expr{&syntax.Star{}}, "star-out-of-place"},
		{"sum", nil, "wrong-argument-count"},
		{"min", []syntax.Expr{field("a"), field("b")}, "wrong-argument-count"},
		{"count", []syntax.Expr{field("a"), field("b")}, "wrong-argument-count"},
		{"count_distinct", nil, "wrong-argument-count"},
		{"count_distinct", []syntax.Expr{field("a"), plus}, "aggregate-over-expression"},
		{"pct", []syntax.Expr{field("a"), field("b")}, "bad-percentile"},
		{"pct", []syntax.Expr{field("a"), number(101)}, "bad-percentile"},
		{"pct", []syntax.Expr{field("a"), number(0.5)}, "small-percentile"},
		{"most_recent", []syntax.Expr{field("s")}, "withtime-missing"},
	}
	for _, tt := range tests {
		a, list := site(t, tt.name, tt.args...)
		if len(list) != 1 || list[0].Code != tt.code {
			t.Errorf("%s: got %v, want %s", tt.name, list, tt.code)
		}
		if a.Open == nil || len(a.Open().Result(nil)) != len(a.Out) {
			t.Errorf("%s: unusable after the mistake", tt.name)
		}
	}
}

func TestDocs(t *testing.T) {
	for _, a := range agg.Words().Aggregates {
		if a.Summary == "" || a.Text == "" || a.Usage == "" || len(a.Examples) == 0 {
			t.Errorf("%s: its documentation has gaps", a.Name)
		}
	}
}

func BenchmarkSum(b *testing.B) {
	for name, v := range map[string]event.Value{"whole": event.Int(65536), "text": event.Text("65536"), "fraction": event.Float(0.1)} {
		b.Run(name, func(b *testing.B) {
			acc := openFor(b, "sum")()
			args := []event.Value{v}
			for range b.N {
				acc.Add(args, lang.Moment{})
			}
		})
	}
}

func BenchmarkStddevResult(b *testing.B) {
	acc := openFor(b, "stddev")()
	for i := range 1000 {
		acc.Add([]event.Value{event.Float(float64(i) / 10)}, lang.Moment{})
	}
	var dst []event.Value
	for range b.N {
		dst = acc.Result(dst[:0])
	}
}
