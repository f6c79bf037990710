package syntax_test

import (
	"strings"
	"testing"

	"github.com/gyoji-dev/gyoji/diag"
	"github.com/gyoji-dev/gyoji/syntax"
)

// seeds are queries of every form, for the fuzzers.
var seeds = []string{
	"", "*", "|", "* |", "| count", `cat path://"/T" | count`,
	`_sourceCategory=Labs/IIS/* (error OR fail*) !"x y" NOT foo=bar a:b 10.1.2.3`,
	`f in ("a", b) g != "x" h >= 5 // note`,
	`[subquery from=(-15m) to=(now): "evil" | parse "ip=* " as ip | compose ip, b maxresults=5 keywords] x`,
	`[subquery from=0)): | compose a] x`, `a !in("0") b and in (c)`, "cAt pAth:// ", `|!pAth://"`,
	"* | where a = \"x\" and !(b matches /x\\/[/]y/) or c not in (1, 2.5s, 3Ki) /* c */ // d",
	"* | where a ? b : c ? d : e = 1 | not x contains y as z | -a * (b + c) % 2 as d",
	`* | eval a = b = c, d = if(x, 1, count) | eval count = count | stats dcount(x) as y by z`,
	`* | parse field=m "a=*, b=*" as a, %"b c", "c=*" as (c) nodrop | parse regex "(?<x>.)" multi nodrop`,
	`* | json auto maxdepth 2 keys "a", "b" refonly as c, d nodrop | json field=_raw "a[0].b" as x`,
	`* | csv _raw extract 1 as a, _, b | split f delim=',' escape='\' quote=''' extract a, 2 as b`,
	`* | kv regex "(\w+)=(\w+)" "a", "b" as c, d | timeslice by 5m as t | timeslice 10 buckets`,
	`* | count, sum(x) as s by a, b | values(f) by g as x | count a, b | count as n a | topk(2, n) by g`,
	`* | transpose row a, b column c as d, *, %"e f" | fillmissing timeslice(1h), values("a") in b with 0 for c takeLast`,
	`* | join (parse "a *" as a) as t1, (error | count by b) as t2 on t1.a = t2.b and t1.c = t2.d timewindow 30s`,
	`* | transactionize a, b as p maxSpan=1h, startsWith="x";strict (merge a takeFirst, b join with "--" as c)`,
	`* | transaction on id fringe=5m with "*a*" as x, with "*b*" in f as y showing max(z) as m results by flow`,
	`* | outlier _count window=5, threshold=2 direction=+- by g | compare with timeshift -1d 7 avg as w, timeshift 2w`,
	`* | lookup a as b, c from path://"/L/x" on d=e, f=g | lookup * from https://h/x.csv on a=b | save append shared/t`,
	`* | sort by +a, - b, c asc | top 10 a, b by c asc | dedup consecutive 2 by a | filter a in (sum(b) by a | top 1 a by _sum)`,
	"* | where x =~ \"a/b\" | where x is not null | where x !in (1) | where “y” = 'z' | replace(a, /b/, \"c\") as d",
	"* | `macro(a)` | where {{x}} = 1 | where a = \"unclosed\n| count /* unclosed",
	"* | where lookupContains(path://\"/a\", b=c AND d=e) | trace + \"id=(.)\" \"x\" | infer a=b c=\"d\"",
}

func FuzzParsePrint(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		q, l := parse(src)
		if q == nil {
			t.Fatal("no tree")
		}
		for _, d := range l {
			if d.Code == "" || d.Message == "" || d.Span.Start < 0 || d.Span.End > len(src) || d.Span.Start > d.Span.End {
				t.Errorf("%q: finding %+v", src, d)
			}
			if d.Fix != nil {
				diag.Apply(src, []diag.Fix{*d.Fix})
			}
		}
		_ = l.String()
		syntax.Walk(q, func(n syntax.Node) bool {
			if s := n.Span(); s.Start < 0 || s.End > len(src) {
				t.Errorf("%q: %T has the span %v", src, n, s)
			}
			return true
		})
		if wrong := settled(src); wrong != "" {
			t.Error(wrong)
		}
	})
}

func FuzzParseUsage(f *testing.F) {
	f.Add("limit <n:int>")
	f.Add("(a b|c) [x|y '('<z:string,...>')'] {p=<q:(r <s:expr>|t)...>|[,] u}")
	f.Fuzz(func(t *testing.T, line string) {
		u, err := syntax.ParseUsage(line)
		if err == nil {
			u.Slots()
			u.Keywords()
		}
	})
}

// A long text takes a moment whatever it holds: some of these once took the
// square of their length, or a stack without end. go test's own time limit fails
// one that does so again.
func TestALongTextIsReadInAMoment(t *testing.T) {
	const size = syntax.TextMax / 4 // a square would show all the same
	fill := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for name, src := range map[string]string{
		"parentheses":       "* | where " + fill("("),
		"search groups":     fill("("),
		"search nots":       fill("!"),
		"nots":              "* | where " + fill("not "),
		"minuses":           "* | where " + fill("-"),
		"calls":             "* | where " + fill("f("),
		"subqueries":        fill("[subquery:"),
		"child queries":     "* " + fill("| join ("),
		"conditions":        "* | where " + fill("a ? "),
		"else conditions":   "* | where " + fill("a ? b : "),
		"a long chain":      "* | where a" + fill(" or a"),
		"a long sum":        "* | a" + fill(" + a - b") + " as x",
		"stages":            "*" + fill("\n| where a = 1"),
		"bad stages":        "*" + fill("\n| wher a = 1"),
		"open parentheses":  "*" + fill("\n| where (a = 1"),
		"open strings":      "*" + fill("\n| where a = \"x"),
		"closing signs":     fill(")"),
		"quotes":            fill("\""),
		"words":             fill("word "),
		"one word":          "* | " + fill("w"),
		"pipes":             fill("|"),
		"templates":         fill("{{a}}"),
		"open templates":    fill("{{"),
		"comments":          fill("/* a */ "),
		"open comments":     fill(" /*"),
		"regular expr":      "* | where " + fill("a matches /x[/ or "),
		"in list":           "* | where a in (1" + fill(", 1") + ")",
		"fields":            "* | fields a" + fill(", a"),
		"evals":             "* | eval a = 1" + fill(", a = 1"),
		"aggregates":        "* | count" + fill(", count"),
		"min calls":         "* " + fill("| min(a, b) as c "),
		"slashes":           "* | where a matches /x[" + fill("/ or matches /x["),
		"divisions":         "* | where (" + fill("a / (1, "),
		"brackets":          "* | where " + fill("a["),
		"nulls":             "* | where " + strings.Repeat("(", 490) + fill("a + ") + "a" + strings.Repeat(" is null)", 490),
		"single quotes":     "* | where " + fill("'\\"),
		"macros":            fill("` "),
		"blanks":            fill("in "),
		"deep counts":       "* | " + fill("join (min("),
		"one line of pipes": "* | where x in (" + fill("a | "),
	} {
		t.Run(name, func(t *testing.T) {
			src = src[:min(len(src), size)]
			q, l := parse(src)
			_ = l.String()
			if l.HasErrors() {
				return
			}
			if again, l := parse(syntax.Print(q)); l.HasErrors() && l[0].Code != "too-long" || again == nil {
				t.Errorf("printed, it does not parse: %v", l[0])
			}
		})
	}
}

func TestATextThatIsTooLongIsRefusedUnread(t *testing.T) {
	q, l := parse(strings.Repeat("a ", syntax.TextMax))
	if len(l) != 1 || l[0].Code != "too-long" || l[0].Severity != diag.Error || q == nil || q.Search != nil {
		t.Errorf("got %v", l)
	}
}
