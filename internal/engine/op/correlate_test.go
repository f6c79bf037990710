package op

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/internal/engine/exec/exectest"
	"github.com/gyoji-dev/gyoji/internal/engine/lang"
	"github.com/gyoji-dev/gyoji/internal/text/event"
	"github.com/gyoji-dev/gyoji/syntax"
)

// stageOf compiles the pipe of a query for exectest. The slots of names come
// first; wanted are the fields asked for behind it.
func stageOf(t *testing.T, text string, wanted []string, names ...string) exectest.Stage {
	t.Helper()
	v, err := lang.NewVocabulary(Words())
	if err != nil {
		t.Fatal(err)
	}
	f := diag.Text("test", text)
	tree, diags := syntax.Parse(f, v)
	l := event.NewLayout(names...)
	sc := lang.NewScope(v, l, f, &diags)
	pipe := sc.Analyse(tree.Stages, false)
	if diags.HasErrors() {
		t.Fatal(diags.Err())
	}
	var want event.Fields
	for _, w := range wanted {
		want.Add(l.Slot(w))
	}
	pipe.Needs(&want)
	return exectest.Stage{Layout: l, Open: pipe.Open, Ordered: true}
}

func texts(at int64, vals ...string) exectest.Row {
	r := exectest.Row{Time: at + 1}
	for _, s := range vals {
		v := event.Text(s)
		if s == "-" {
			v = event.Value{}
		}
		r.Vals = append(r.Vals, v)
	}
	return r
}

func TestJoinPairsAsTwoLoopsDo(t *testing.T) {
	s := stageOf(t, `* | join (where k = "a" or k = "b") as l, (where x != "3") as r on l.k = r.k and l.x = r.y | fields l_k, l_x, r_x`,
		[]string{"l_k", "l_x", "r_x"}, "k", "x", "y")
	s.Spills = true
	var rows []exectest.Row
	for i := range 120 {
		rows = append(rows, texts(int64(i/4), []string{"a", "b", "c", "-"}[i%4], fmt.Sprint(i%5), fmt.Sprint(i%3)))
	}
	got := shown(exectest.Same(t, s, rows), "l_k", "l_x", "r_x")
	var want []string
	for i := range rows {
		l := rows[len(rows)-1-i].Vals // newest first
		if k := l[0].Str(); k != "a" && k != "b" {
			continue
		}
		for j := range rows {
			r := rows[len(rows)-1-j].Vals
			if r[1].Str() != "3" && !r[0].IsNull() && r[0].Str() == l[0].Str() && r[2].Str() == l[1].Str() {
				want = append(want, fmt.Sprintf("l_k=%s l_x=%s r_x=%s", l[0], l[1], r[1]))
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %d rows, want %d\n%s", len(got), len(want), strings.Join(got[:min(3, len(got))], "\n"))
	}
}

func TestFilterKeepsOrder(t *testing.T) {
	s := stageOf(t, `* | filter k in (where x = "4")`, []string{"k", "x"}, "k", "x")
	s.Spills = false
	var rows []exectest.Row
	for i := range 60 {
		rows = append(rows, texts(int64(i), fmt.Sprint("k", i%6), fmt.Sprint(i%10)))
	}
	got := shown(exectest.Same(t, s, rows), "k", "x")
	if len(got) != 30 || got[0] != "k=k4 x=8" { // i%10 = 4 holds for k4, k2, k0
		t.Errorf("%d rows, first %v", len(got), got[:min(1, len(got))])
	}
}

func TestTransactionizeJoinsThroughOthers(t *testing.T) {
	wanted := []string{"a", "_group", "_group_size", "_group_duration", "_group_orphaned"}
	rows := []exectest.Row{
		texts(0, "x", "1", "-"), texts(10, "x", "1", "p"), texts(20, "x", "-", "p"),
		texts(30, "x", "2", "-"), texts(40, "x", "-", "-"), texts(50, "x", "2", "q"),
	}
	s := stageOf(t, `* | transactionize a, b`, wanted, "_raw", "a", "b")
	s.Spills = true
	got := shown(exectest.Same(t, s, rows), "_group", "_group_duration", "_group_orphaned", "_group_size", "a")
	want := []string{
		"_group=0 _group_duration=20 _group_orphaned=false _group_size=2 a=2",
		"_group=1 _group_duration=0 _group_orphaned=true _group_size=1",
		"_group=0 _group_duration=20 _group_orphaned=false _group_size=2 a=2",
		"_group=2 _group_duration=20 _group_orphaned=false _group_size=3",
		"_group=2 _group_duration=20 _group_orphaned=false _group_size=3 a=1",
		"_group=2 _group_duration=20 _group_orphaned=false _group_size=3 a=1",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// shown picks fields of rows and leaves their kinds out: "_group_size=3 a=1".
func shown(rows []string, fields ...string) []string {
	var out []string
	for _, r := range rows {
		var pick []string
		for _, f := range fields {
			for _, c := range regexp.MustCompile(`(\S+?)=(null|[a-z]+:([^=]*))( |$)`).FindAllStringSubmatch(r, -1) {
				if c[1] == f {
					pick = append(pick, f+"="+c[3])
				}
			}
		}
		out = append(out, strings.Join(pick, " "))
	}
	return out
}

func TestTransactionizeCutsGroups(t *testing.T) {
	rows := []exectest.Row{
		texts(0, "mid", "1"), texts(10, "begin", "1"), texts(20, "mid", "1"), texts(30, "end", "1"), texts(40, "mid", "1"),
		texts(50, "begin", "1"), texts(60, "begin", "1"), texts(70, "end", "1"),
	}
	for _, c := range []struct{ args, want string }{ // sizes by message, the newest first
		{`maxLogs=3`, "2 2 3 3 3 3 3 3"},
		{`startsWith="begin"`, "2 2 1 4 4 4 4 1"},
		{`startsWith="begin" endsWith="end"`, "2 2 1 1 3 3 3 1"},
		{`startsWith="begin"; strict endsWith="end"`, "2 2 1 3 3 3"},
		{`startsWith="begin" endsWith="end" keepOrphans=false`, "2 2 3 3 3"},
		{`endsWith="end"; strict`, "4 4 4 4 4 4 4 4"},
	} {
		s := stageOf(t, `* | transactionize id `+c.args, []string{"_group_size"}, "_raw", "id")
		s.Spills = true
		got := strings.ReplaceAll(strings.Join(shown(exectest.Same(t, s, rows), "_group_size"), " "), "_group_size=", "")
		if got != c.want {
			t.Errorf("%s: got %s, want %s", c.args, got, c.want)
		}
	}
	s := stageOf(t, `* | transactionize id maxPause=1s`, []string{"_group_size"}, "_raw", "id")
	s.Spills = true
	got := shown(exectest.Same(t, s, []exectest.Row{texts(0, "", "1"), texts(1000, "", "1"), texts(2001, "", "1")}), "_group_size")
	if strings.Join(got, " ") != "_group_size=1 _group_size=2 _group_size=2" {
		t.Errorf("maxPause: %v", got)
	}
}

func TestTransactionFlowsInOrderOfTime(t *testing.T) {
	s := stageOf(t, `* | transaction on id with "*cart*" as cart, with "*pay*" as pay results by flow`, []string{"id", "fromstate", "tostate", "latency"}, "_raw", "id")
	rows := []exectest.Row{
		texts(0, "cart", "1"), texts(5, "other", "1"), texts(7, "pay", "1"), texts(8, "cart", "2"), texts(20, "cart", "1"), texts(21, "pay", "2"),
	}
	got := shown(exectest.Same(t, s, rows), "id", "fromstate", "tostate", "latency")
	want := []string{
		"id=2 fromstate=cart tostate=pay latency=13",
		"id=1 fromstate=cart tostate=pay latency=7",
		"id=1 fromstate=pay tostate=cart latency=13",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s", strings.Join(got, "\n"))
	}
}

func TestTraceFollowsTime(t *testing.T) {
	rows := []exectest.Row{texts(0, "id=C"), texts(1, "id=A id=B"), texts(2, "id=B id=C"), texts(3, "id=C x"), texts(4, "id=D"), texts(5, "none")}
	for _, c := range []struct{ sign, want string }{
		{"", "id=C x|id=B id=C|id=A id=B|id=C"},
		{"+", "id=C x|id=B id=C|id=A id=B"},
		{"-", "id=A id=B"},
	} {
		s := stageOf(t, `* | trace `+c.sign+` "id=([A-Z])" "A"`, []string{"_raw"}, "_raw")
		if got := strings.ReplaceAll(strings.Join(exectest.Same(t, s, rows), "|"), "_raw=string:", ""); got != c.want {
			t.Errorf("trace %s: got %s, want %s", c.sign, got, c.want)
		}
	}
}

// Every id starts once, and completes once where it is even: 20 sessions, which
// end in the order of their ids.
func TestSessionizePairsByID(t *testing.T) {
	s := stageOf(t, `* | sessionize "id=* starts" as id, "id=$id ends after *" as took`, []string{"id", "took"}, "_raw")
	var rows []exectest.Row
	var want []string
	for i := range 40 {
		rows = append(rows, texts(int64(i), fmt.Sprintf("id=%d starts", i)))
		if i%2 == 0 {
			rows = append(rows, texts(int64(1000+i), fmt.Sprintf("id=%d ends after %d", i, 7*i)))
			want = append(want, fmt.Sprintf("id=%d took=%d", i, 7*i))
		}
	}
	rows = append(rows, texts(2000, "id=99 ends after 1"), texts(2001, "noise"))
	if got := shown(exectest.Same(t, s, rows), "id", "took"); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Row i has key i%7, null among them; the newest two of each stay, newest first.
func TestDedupKeepsTheNewest(t *testing.T) {
	s := stageOf(t, `* | dedup 2 by k`, []string{"k", "x"}, "k", "x")
	var rows []exectest.Row
	for i := range 90 {
		rows = append(rows, texts(int64(i), []string{"a", "b", "c", "d", "e", "f", "-"}[i%7], fmt.Sprint(i)))
	}
	var want []string
	for i := 89; i >= 76; i-- {
		if k := []string{"a", "b", "c", "d", "e", "f", ""}[i%7]; k != "" {
			want = append(want, fmt.Sprintf("k=%s x=%d", k, i))
		} else {
			want = append(want, fmt.Sprintf("x=%d", i))
		}
	}
	if got := shown(exectest.Same(t, s, rows), "k", "x"); !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Rows whose values chain them together, many groups, and rows that are alone:
// what the values in memory tell, rows on disk tell too.
func TestTransactionizeLinksOnDisk(t *testing.T) {
	var rows []exectest.Row
	for i := range 150 {
		a, b := fmt.Sprint("a", i/3*7%40), fmt.Sprint("b", (i+1)/3*7%40)
		switch i % 10 {
		case 0:
			a = "-"
		case 1:
			b = "-"
		case 2:
			a, b = "-", "-"
		}
		rows = append(rows, texts(int64(i/2), fmt.Sprint("m", i), a, b))
	}
	for _, args := range []string{"", " keepOrphans=false maxLogs=2", ` (limit 2)`} {
		s := stageOf(t, `* | transactionize a, b`+args, []string{"_raw", "_group", "_group_size", "_group_orphaned"}, "_raw", "a", "b")
		s.Spills = true
		if got := exectest.Same(t, s, rows); len(got) < 40 {
			t.Errorf("%s: %d rows", args, len(got))
		}
	}
}
